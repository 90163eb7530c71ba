# The postmaster is killed by SIGKILL while calls flow, and recovers.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(size start_driver figure now);
use Process qw(scratch);
use Test::More;

my $rounds = size(20, 3);
my $cluster = Cluster->new;
$cluster->install_schema;
my $oracle = Oracle->new(cluster => $cluster,
	driver => start_driver(conninfo => $cluster->conninfo, spool => scratch() . '/spool.db'));
my $slowest = 0;
for my $round (1 .. $rounds) {
	$oracle->flow(seconds => 0.2 + rand 0.3, per_second => 2000);
	$cluster->kill9;
	$oracle->flow(seconds => 0.3, per_second => 1000);
	$cluster->start;
	my $start = now();
	$oracle->settle;
	my $took = now() - $start;
	$slowest = $took if $took > $slowest;
}
figure('D5.rounds', $rounds);
figure('D5.recovery_s', sprintf '%.2f', $slowest);
$oracle->conclude('D5', "postmaster killed by SIGKILL $rounds times");
is $oracle->{driver}->quit, 0, 'the host ends well';
done_testing;
