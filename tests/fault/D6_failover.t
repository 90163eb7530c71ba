# The primary dies while calls flow, and its synchronous standby is promoted; then
# the roles change. An old primary that comes back as it was is left alone.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(size start_driver figure now);
use Process qw(scratch wait_for);
use Test::More;

my $rounds = size(9, 1); # odd: the second server is the primary at last
my ($primary, $standby) = (Cluster->new, Cluster->new(start => 0));
$primary->install_schema;
$standby->follow($primary);
$primary->replicate_to($standby);

my %config = (spool => scratch() . '/spool.db',
	conninfo => $primary->conninfo(target_session_attrs => 'read-write',
		host => $primary->dir . ',' . $standby->dir));
my $oracle = Oracle->new(cluster => $primary, driver => start_driver(%config));

my ($slowest, $slowest_gap) = (0, 0);
for my $round (1 .. $rounds) {
	$oracle->flow(seconds => 0.5 + rand 0.3, per_second => 1000);
	my $mode = ('kill -9', 'immediate', 'fast')[ ($round - 1) % 3 ];
	if ($mode eq 'kill -9') { $primary->kill9 } else { $primary->stop($mode) }
	my $died = now();
	$oracle->flow(seconds => 0.3, per_second => 500);
	$standby->promote;
	my $promoted = now();
	my $time = $standby->psql('SELECT clock_timestamp()');
	wait_for('the promoted standby to be written to', sub {
		$oracle->flow(seconds => 0.02, per_second => 500);
		$standby->psql("SELECT count(*) FROM call_log.calls WHERE logged_at > '$time'");
	});
	my ($gap, $after) = (now() - $died, now() - $promoted);
	$slowest_gap = $gap if $gap > $slowest_gap;
	$slowest = $after if $after > $slowest;
	$oracle->settle;
	($primary, $standby) = ($standby, $primary);
	$oracle->{cluster} = $primary;
	$oracle->await_all;
	is scalar @{ $oracle->compare->{missing} }, 0,
	  "$mode: the promoted standby gets all that was acknowledged";
	next if $round == $rounds;
	$standby->follow($primary);
	$primary->replicate_to($standby);
}

# What the old primary holds is of the past, whatever it says of itself.
sub reconnects {
	my ($name) = @_;
	my $rows = $standby->psql('SELECT count(*) FROM call_log.calls');
	$primary->psql(q(SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'call_log'));
	$oracle->flow(calls => 50);
	$oracle->settle;
	$oracle->await_all;
	wait_for('connections to the new primary', sub { $primary->connections >= 3 });
	is $standby->connections, 0, "$name is left alone";
	is $standby->psql('SELECT count(*) FROM call_log.calls'), $rows, 'and gets nothing';
}
$standby->{settings}{default_transaction_read_only} = 'on';
$standby->start;
reconnects('an old primary that came back read-only');
is $oracle->{driver}->quit, 0, 'the host ends well';
$oracle->attach(start_driver(%config));
reconnects('also by a new host an old primary');
$standby->stop;
delete $standby->{settings}{default_transaction_read_only};
$standby->start;
reconnects('an old primary that came back as a primary');

figure('D6.rounds', $rounds);
figure('D6.write_gap_s', sprintf '%.2f', $slowest_gap);
figure('D6.after_promotion_s', sprintf '%.2f', $slowest);
$oracle->conclude('D6', "primary died and its standby was promoted $rounds times");
is $oracle->{driver}->quit, 0, 'the host ends well';
done_testing;
