# Request Tracker served by RT's own prefork server, Starlet: what was answered
# stays, whatever becomes of its worker processes.
use v5.32;
use warnings;
use lib 'tests/lib';
use Recycling;
use Test::More;

Recycling::check(by => 'starlet');
done_testing;
