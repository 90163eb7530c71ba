# The postmaster is killed by SIGKILL while calls flow, and recovers.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(size start_driver figure now spooled);
use Process qw(scratch wait_for);
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
	my $killed = now();
	$oracle->flow(seconds => 0.3, per_second => 1000);
	$cluster->start;
	$oracle->settle;
	wait_for('the spool to be empty', sub { spooled($oracle->{driver}) == 0 }, 60);
	my $took = now() - $killed;
	$slowest = $took if $took > $slowest;
}
is scalar(() = $cluster->log_text =~ /automatic recovery in progress/g), $rounds,
  "PostgreSQL recovered $rounds times";
figure('D5.rounds', $rounds);
figure('D5.recovery_s', sprintf '%.2f', $slowest);
$oracle->conclude('D5', "postmaster killed by SIGKILL $rounds times");
is $oracle->{driver}->quit, 0, 'the host ends well';
done_testing;
