# make bench-report, small: what it makes are calls, and their reports are what plain
# scans say.
use v5.32;
use warnings;
use lib 'tests/lib';
use Process qw(root run);
use Test::More;

my ($status, $out, $err) = run([ $^X, root() . '/tests/bench/report.pl' ], env => { ROWS => 5_000, DAYS => 45, QUICK => 1 });
is $err, '', 'it complains of nothing';
is $status, 0, 'every figure is that of the plain scan' or diag $out;
my ($calls) = $out =~ /^(\d+) calls made/m;
cmp_ok $calls, '>', 4_500, 'about so many calls were made';
is scalar(() = $out =~ /^\| \w+.*\| +[\d.]+ \|/mg), 19, 'and every query timed';
done_testing;
