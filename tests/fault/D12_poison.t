# A call that the database refuses, among good ones of the same batch: the good
# ones are stored, the bad one is kept aside with the reason, the connection stays,
# and it is found with few statements more.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(start_driver figure size);
use Process qw(scratch wait_for);
use Test::More;

use constant { BATCH => 500, EXTRA => 18 }; # 2 log2 500

my $cluster = Cluster->new(settings => { log_statement => 'all', log_parameter_max_length => 0 });
$cluster->install_schema;
$cluster->psql(q(ALTER TABLE call_log.calls ADD CONSTRAINT poison CHECK (session_id NOT LIKE 'bad%')));
my $oracle = Oracle->new(cluster => $cluster, window => 256,
	driver => start_driver(conninfo => $cluster->conninfo, spool => scratch() . '/spool.db',
		commit_deadline_ms => 14_000));
my $driver = $oracle->{driver};
sub pids {
	return $cluster->psql(q(SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity WHERE application_name = 'call_log'));
}
$driver->logged(session_id => 'good');
$driver->match(['good']);
my $pids = pids();
$oracle->flow(calls => size(20_000, 1000), seconds => 600);
$oracle->settle;

# The statements that wrote, by the server's log; what a call of ours meanwhile
# waited for is in it too.
sub statements {
	return scalar(() = $cluster->log_text =~
		/LOG:  execute (?:<unnamed>|call_log_\d+): (?:SELECT call_log\.record_calls|INSERT INTO call_log\.rejected)/g);
}

# Sends the calls while a lock keeps the writer from its work, so that they become
# one batch. Returns how they were answered, and how many statements that took.
sub in_one_batch {
	my ($name, @calls) = @_;
	my $locker = Process->spawn([ $cluster->bin('psql'), '-Xq', '-d', $cluster->conninfo, '-c',
		'BEGIN; LOCK TABLE call_log.calls; SELECT pg_sleep(600)' ]);
	wait_for('the lock', sub { $cluster->psql(
		q(SELECT count(*) FROM pg_locks WHERE relation = 'call_log.calls'::regclass AND mode = 'AccessExclusiveLock' AND granted)) });
	my $before = statements();
	$driver->submit(Driver::log_message(session_id => "$name-first"));
	wait_for('it to be under way', sub { statements() == $before + 1 });
	$driver->tell('submit', Driver::line(Driver::log_message(session_id => $_))) for @calls;
	$driver->await(qr/^accepted/) for @calls;
	$cluster->psql(q(SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()));
	my %answers;
	$answers{ ($driver->await(qr/^answer \d+ (\S+)/))[0] }++ for 0 .. @calls;
	$locker->wait_end;
	return (\%answers, statements() - $before - 1);
}

my ($answers, $plain) = in_one_batch('plain', map { "plain-$_" } 1 .. BATCH);
is_deeply [ $answers, $plain ], [ { OK => BATCH + 1 }, 1 ], 'so many good calls take one statement';

my ($rounds, $bad, $most) = (size(50, 3), 0, 0);
for my $round (1 .. $rounds) {
	# the first, the last, and any
	my $at = $round < 3 ? ($round - 1) * (BATCH - 1) : int rand BATCH;
	($answers, my $took) = in_one_batch("r$round", map { $_ == $at ? "bad$round" : "r$round-$_" } 0 .. BATCH - 1);
	$bad++ if $answers->{OK} == BATCH && $answers->{FAILED} == 1;
	$most = $took - 1 if $took - 1 > $most;
}
is $bad, $rounds, 'of 500 calls 499 are logged, one is answered as failed, each time';
cmp_ok $most, '<=', EXTRA, "with $most statements more at most";
is $cluster->psql(q(SELECT count(*) FROM call_log.calls WHERE session_id LIKE 'r%-%' AND session_id NOT LIKE '%first')),
  $rounds * 499, 'the good ones are in the database';
is $cluster->psql(q(SELECT count(*), min(sqlstate), max(sqlstate), bool_and(reason LIKE '%poison%') FROM call_log.rejected)),
  "$rounds|23514|23514|t", 'each bad one is kept with SQLSTATE and reason';
is pids(), $pids, 'over the same connections';
figure('D12.rejected', $rounds);
figure('D12.extra_statements', $most);
$oracle->conclude('D12', 'calls that the database refuses among good ones');
is $driver->quit, 0, 'the host ends well';
done_testing;
