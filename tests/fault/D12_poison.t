# A call that the database refuses, among good ones of the same batch: the good
# ones are stored, the bad one is kept aside with the reason, the connection stays.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(start_driver figure size);
use Process qw(scratch wait_for);
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
$cluster->psql(q(ALTER TABLE call_log.calls ADD CONSTRAINT poison CHECK (session_id NOT LIKE 'bad%')));
my $oracle = Oracle->new(cluster => $cluster, window => 256,
	driver => start_driver(conninfo => $cluster->conninfo, spool => scratch() . '/spool.db'));
my $driver = $oracle->{driver};
sub pids {
	return $cluster->psql(q(SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity WHERE application_name = 'call_log'));
}
$driver->logged(session_id => 'good');
$driver->match(['good']);
my $pids = pids();

my $bad = 0;
my $calls = size(20_000, 2000);
$oracle->flow(calls => $calls, seconds => 600);
my $rounds = size(50, 10);
for my $round (1 .. $rounds) {
	my @lines = map { Driver::line(Driver::log_message(session_id => "r$round-$_")) } 1 .. 499;
	splice @lines, int rand 499, 0, Driver::line(Driver::log_message(session_id => "bad$round"));
	$oracle->settle;
	my $tally = $driver->burst(\@lines);
	$bad++ if $tally->{OK} == 499 && $tally->{FAILED} == 1;
}
is $bad, $rounds, 'of 500 calls 499 are logged, one is answered as failed, each time';
is $cluster->psql(q(SELECT count(*) FROM call_log.calls WHERE session_id LIKE 'r%')), $rounds * 499,
  'the good ones are in the database';
is $cluster->psql(q(SELECT count(*), min(sqlstate), max(sqlstate), bool_and(reason LIKE '%poison%') FROM call_log.rejected)),
  "$rounds|23514|23514|t", 'each bad one is kept with SQLSTATE and reason';
is pids(), $pids, 'over the same connections';
figure('D12.rejected', $rounds);
$oracle->conclude('D12', 'calls that the database refuses among good ones');
is $driver->quit, 0, 'the host ends well';
done_testing;
