# A database that is away, comes and goes, is slow, or is not set up: no call is
# said to be logged that is not, the log stays quiet, and it mends by itself.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use IO::Socket::INET;
use Process qw(wait_for free_port);
use Test::More;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

# What takes how long depends on the machine: the widget's patience is the limit,
# and what is not to wait is tried more than once.
my $widget_ms = 15_000;
my $warned = qr/^(WARN|ERROR)(?! no 'spool')/;
sub seconds_of(&) {
	my $start = clock_gettime(CLOCK_MONOTONIC);
	$_[0]->();
	return clock_gettime(CLOCK_MONOTONIC) - $start;
}

# ------------------------------------------------ down at start, then no schema
my $cluster = Cluster->new(start => 0);
my $driver = Driver->new;
is $driver->create(conninfo => $cluster->conninfo), undef, 'created without a database';
is $driver->start, 'OK', 'and started';
my ($status, $why, $ms) = $driver->log_call(session_id => '1');
is $status, 'BUSY', 'a call is answered as busy while the database is down';
like $why, qr/not logged/, "which says so: $why";
cmp_ok $ms, '<', $widget_ms, "before the widget gives up ($ms ms)";
is_deeply $driver->match(['1']), {}, 'but a match is answered, without what is not known';
is +($driver->log_call(session_id => '1'))[0], 'BUSY', 'and the next call';
is $driver->health->{database}{state}, 'away', 'health says so';
is scalar(grep { /$warned/ } $driver->log_lines), 1, 'the log says it once';
like +(grep { /$warned/ } $driver->log_lines)[0], qr/database is away/, 'in words';

$cluster->start;
my $line = $driver->await_log(qr/install\.sql/);
like $line, qr{psql -v ON_ERROR_STOP=1 -f sql/install\.sql}, 'without the schema the log says what to run';
wait_for('the writer to know too', sub {
	($status, $why, $ms) = $driver->log_call(session_id => '1');
	$why =~ /not set up/;
});
is $status, 'BUSY', "calls are answered as busy: $why";
($ms) = sort { $a <=> $b } map { ($driver->log_call(session_id => '1'))[2] } 1 .. 5;
cmp_ok $ms, '<', 1500, "without waiting for the deadline ($ms ms)";
wait_for('health to know', sub { $driver->health->{database}{state} eq 'schema' });
is $driver->health->{database}{state}, 'schema', 'health says so';

$cluster->install_schema;
wait_for('a call to be logged', sub { $driver->logged(session_id => '1') eq 'OK' });
pass 'it picks up by itself once the schema is there';
wait_for('a match', sub { ($driver->call(Driver::match_message('1')))[0] eq 'OK' });
is scalar(@{ $driver->match(['1'])->{1} }), 1, 'and finds the call';
$driver->await_log(qr/INFO the database is back/);
pass 'which the log says';
is $driver->health->{database}{state}, 'ok', 'and health';

# --------------------------------------------------- a backend dies in between
my $lines = $driver->log_lines;
my @bad;
for my $round (1 .. 20) {
	$cluster->psql(<<~'SQL');
		SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
		WHERE application_name = 'call_log'
		SQL
	push @bad, "log $round" if $driver->logged(session_id => "t$round") ne 'OK';
	push @bad, "match $round" if !@{ $driver->match(["t$round"])->{"t$round"} };
}
is "@bad", '', '20 times a terminated backend between messages is invisible to the agent';
is scalar($driver->log_lines), $lines, 'and to the log';

# ------------------------------------------------------------ stopped, started
$driver->log_lines;
@{ $driver->{log} } = ();
$cluster->stop;
is $driver->logged(session_id => 'gone'), 'BUSY', 'a stopped database makes calls busy';
$driver->logged(session_id => 'gone') for 1 .. 20;
$cluster->start;
wait_for('a call to be logged', sub { $driver->logged(session_id => 'back') eq 'OK' });
$driver->match(['back']);
$driver->await_log(qr/is back/);
is join(' ', map { /away/ ? 'away' : /back/ ? 'back' : $_ } $driver->log_lines), 'away back',
  'of a whole outage the log has two lines';

# ------------------------------------------- backends die while calls flow
is +($driver->stop(5000))[0], 'OK', 'stopped';
$driver->destroy;
$driver->create(conninfo => $cluster->conninfo, commit_deadline_ms => 14_000);
$driver->start;
my $killer = Process->spawn([ $cluster->bin('psql'), '-Xq', '-d', $cluster->conninfo, '-c', <<~'SQL' ]);
	DO $$ BEGIN FOR i IN 1 .. 20 LOOP
		PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name = 'call_log';
		PERFORM pg_stat_clear_snapshot(), pg_sleep(0.2);
	END LOOP; END $$
	SQL
my ($submitted, $tally) = (0, { OK => 0 });
my @flow = map { Driver::line(Driver::log_message(session_id => "k$_")) } 1 .. 300;
while ($killer->running) {
	$tally->{OK} += $driver->burst(\@flow, repeat => 10)->{OK};
	$submitted += 3000;
}
is $tally->{OK}, $submitted, "with backends terminated five times a second all of $submitted calls are logged";
cmp_ok scalar(() = $cluster->log_text =~ /terminating connection due to admin/g), '>', 40,
  'although connections did go';
is $cluster->psql(q(SELECT count(*) FROM call_log.calls WHERE session_id LIKE 'k%')), 300,
  'and each is one row';
is +($driver->stop(5000))[0], 'OK', 'stopped';
$driver->destroy;
$driver->create(conninfo => $cluster->conninfo);
$driver->start;
$driver->logged(session_id => 'warm');

# --------------------------------------------------------------------- slow
sub pids {
	return $cluster->psql(<<~'SQL');
		SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity
		WHERE application_name = 'call_log'
		SQL
}
# until then it tells itself something over one more
wait_for('the listener to listen', sub { ($driver->health->{listener} // '') eq 'ok' });
wait_for('its connections to be three', sub { pids() =~ /^\d+ \d+ \d+$/ });
my $pids = pids();
my $locker = Process->spawn([ $cluster->bin('psql'), '-Xq', '-d', $cluster->conninfo, '-c',
		'BEGIN; LOCK TABLE call_log.calls; SELECT pg_sleep(60)' ]);
wait_for('the lock', sub {
	$cluster->psql(q(SELECT count(*) FROM pg_locks WHERE relation = 'call_log.calls'::regclass AND mode = 'AccessExclusiveLock' AND granted)) });
($status, $why, $ms) = $driver->log_call(session_id => 'slow');
is $status, 'BUSY', 'a call that waits for a lock too long is answered as busy';
ok $ms >= 1500 && $ms < $widget_ms, "by its deadline ($ms ms)";
like $driver->await_log(qr/too slow/), qr/somebody holds a lock on its tables .* pg_locks tells who/, 'and the log says why';
($status, $why, $ms) = $driver->call(Driver::match_message('slow'));
is $status, 'OK', 'but a match is answered';
cmp_ok $ms, '<', $widget_ms, "by its deadline ($ms ms)";
$cluster->psql(q(SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()));
$locker->wait_end;
is $driver->logged(session_id => 'slow'), 'OK', 'when the lock is gone calls are logged';
is scalar(@{ $driver->match(['slow'])->{slow} }), 1, 'and found';
is pids(), $pids, 'over the same connections';

# --------------------------------------------- a schema of another version
sub disconnect {
	$cluster->psql(<<~'SQL');
		SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
		WHERE application_name = 'call_log'
		SQL
}
$cluster->psql(<<~'SQL');
	ALTER FUNCTION call_log.schema_version() RENAME TO real_version;
	CREATE FUNCTION call_log.schema_version() RETURNS integer LANGUAGE sql AS 'SELECT 1';
	SQL
disconnect();
is $driver->logged(session_id => 'old'), 'BUSY', 'an older schema is not written to';
like $driver->await_log(qr/version 1/), qr{needed is \d+; run: psql .*install\.sql}, 'and the log says what to run';
$cluster->psql(q(CREATE OR REPLACE FUNCTION call_log.schema_version() RETURNS integer LANGUAGE sql AS 'SELECT 9999'));
wait_for('a call to be logged', sub { $driver->logged(session_id => 'new') eq 'OK' });
pass 'a newer one is';
$cluster->psql('DROP FUNCTION call_log.schema_version(); ALTER FUNCTION call_log.real_version RENAME TO schema_version');

# ------------------------------------------------------ read-only, no rights
$cluster->psql('ALTER DATABASE postgres SET default_transaction_read_only = on');
disconnect();
is $driver->logged(session_id => 'ro'), 'BUSY', 'a read-only database makes calls busy';
$cluster->psql('SET default_transaction_read_only = off; ALTER DATABASE postgres RESET default_transaction_read_only');
wait_for('a call to be logged', sub { $driver->logged(session_id => 'ro') eq 'OK' });
pass 'and when it is writable they are logged again';
$cluster->psql('CREATE ROLE nobody_special LOGIN');
is +($driver->stop(5000))[0], 'OK', 'stopped';
$driver->destroy;
@{ $driver->{log} } = ();
$driver->create(conninfo => $cluster->conninfo(user => 'nobody_special'));
$driver->start;
is $driver->logged(session_id => 'no'), 'BUSY', 'a role without rights logs nothing';
like $driver->await_log($warned), qr/permission denied .*42501/, 'and the log says why';
$cluster->psql('GRANT call_log_writer TO nobody_special');
wait_for('a call to be logged', sub { $driver->logged(session_id => 'no') eq 'OK' });
pass 'given the rights it logs';
$driver->stop(5000);
$driver->destroy;

# -------------------------------------------------------- nobody answers at all
my $hole = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 50) or die $!;
$driver->create(conninfo => 'host=127.0.0.1 sslmode=disable password=hush-hush user=x dbname=x port=' . $hole->sockport);
@{ $driver->{log} } = ();
$driver->start;
($status, $why, $ms) = $driver->log_call(session_id => 'hole');
is $status, 'BUSY', 'a server that accepts and says nothing makes calls busy';
ok $ms >= 1500 && $ms < $widget_ms, "by the deadline ($ms ms)";
$driver->await_log(qr/no connection within/);
my $first = $driver->times->{next};
$tally = $driver->burst([ map { Driver::line(Driver::log_message(session_id => "h$_")) } 1 .. 200 ]);
is $tally->{BUSY}, 200, 'and all that follow';
cmp_ok $tally->{ms}, '<', $widget_ms, "soon ($tally->{ms} ms)";
cmp_ok $driver->times($first)->{waited_p999_us}, '<', 500_000, 'and no submit waits for it';
cmp_ok scalar(grep { /$warned/ } $driver->log_lines), '==', 1, 'the log says it once';
$driver->submit(Driver::log_message(session_id => 'h'));
my $took = seconds_of { $driver->stop(10_000) };
cmp_ok $took, '<', 10, 'stop() does not hang in it until its deadline';
$driver->destroy;
$driver->create(conninfo => 'host=127.0.0.1 password=hush-hush user=x dbname=x port=' . free_port());
$driver->start;
is $driver->logged(session_id => 'closed'), 'BUSY', 'so does a closed port';
unlike join("\n", $driver->log_lines), qr/hush/, 'the password is in no log line';
$driver->stop(0);
$driver->destroy;

# ------------------------------------------------------------- configuration
like $driver->create(), qr/'conninfo' is not set/, 'without conninfo there is no instance';
$why = $driver->create(conninfo => 'host=x password=hush hush');
like $why, qr/'conninfo' is no PostgreSQL connection string/, 'nor with a broken one';
unlike $why, qr/hush/, 'which is not quoted';
like $driver->create(conninfo => 'hots=x'), qr/invalid connection option "hots"/,
  'but a misspelled option is named';
like $driver->create(conninfo => '', batch_max => 501), qr/'batch_max' is '501'; allowed are 1 to 500/,
  'a number out of range is named with the range';
like $driver->create(conninfo => '', body => 'some'), qr/'body' is 'some'; allowed are none, final, all/,
  'a word with the words allowed';
like $driver->create(conninfo => '', show_log_modal => 'yes'), qr/allowed are true and false/,
  'a flag with its two values';
is $driver->quit, 0, 'the process ends well';
done_testing;
