#!/usr/bin/perl
# make bench: how fast it is, each figure beside what it is compared with, measured
# in turn in the same run; as a table, and in build/bench.json. It fails when
# something could not be measured, or rows were not as they had to be; what is fast
# enough is only printed.
#
# QUICK=1: small, to see that it measures. FIGURES='spool http': some. ROUNDS: 5.
# ROWS: how many calls the largest table has (10,000,000). EVENTS: how many it logs
# while memory is watched (400,000). JSON: where to, instead. PLUGIN: another one.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", $FindBin::Bin;
use Costs;
use Figures;
use Ground;
use Large;
use Process qw(built);
use Serving;
use Spooling;
use Time::HiRes qw(time);
use Writing;

$| = 1;
# what is measured, by whom
my @points = (
	[ Writing => qw(throughput throughput_far latency scale_out) ],
	[ Costs => qw(submit_time cpu_per_event memory) ],
	[ Serving => qw(http) ],
	[ Spooling => qw(spool) ],
	[ Large => qw(match growth) ],
);
my %wanted = map { $_ => 1 } split ' ', $ENV{FIGURES} || join ' ', map { @$_[ 1 .. $#$_ ] } @points;

my $figures = Figures->new;
my $ground = Ground->new;
for my $point (@points) {
	my ($who, @what) = @$point;
	@what = grep { delete $wanted{$_} } @what or next;
	my $began = time;
	my $measures = $who->new($ground, $figures);
	printf STDERR "# %s prepared in %.0f s\n", $who, time - $began;
	for my $what (@what) {
		$began = time;
		$measures->$what;
		printf STDERR "# %s took %.0f s\n", $what, time - $began;
	}
}
die 'nothing is called ' . join(', ', sort keys %wanted) . "\n" if %wanted;
$figures->write_json($ENV{JSON} || built('bench.json'));
print $figures->table;
