# Request Tracker served by Apache with mod_fcgid: what was answered
# stays, whatever becomes of its worker processes.
use v5.32;
use warnings;
use lib 'tests/lib';
use Recycling;
use Test::More;

Recycling::check(by => 'apache', requests => 70);
done_testing;
