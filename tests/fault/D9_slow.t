# The server is there and slow: a long way off, with a trigger that takes its time,
# with a table that somebody has locked. submit() must not notice, the work that
# waits is bounded, and a match is answered in time from what is at hand.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(full size start_driver figure now);
use Process qw(scratch wait_for);
use Proxy;
use Submits;
use Test::More;

use constant { COMMIT_MS => 2000, MATCH_MS => 1000 };

my $cluster = Cluster->new;
$cluster->install_schema;
my $submits = full() && Submits->new($cluster);

sub host {
	my ($name, %option) = @_;
	return Oracle->new(cluster => $cluster, prefix => lc($name) . '_', driver => start_driver(
		conninfo => $cluster->conninfo, spool => scratch() . '/spool.db',
		commit_deadline_ms => COMMIT_MS, match_deadline_ms => MATCH_MS, %option));
}

sub lines { my ($prefix, $count) = @_; map { Driver::line(Driver::log_message(session_id => "$prefix$_")) } 1 .. $count }

# So many calls, at once, of which submit() is to wait for none.
sub submit_all {
	my ($name, $oracle, $calls) = @_;
	my $driver = $oracle->{driver};
	$oracle->note_times;
	my $tally = $driver->burst([ lines("$name-row-", $calls) ], threads => 4, pause_us => 100);
	my $times = $oracle->note_times;
	is $tally->{OK}, $calls, "$name: $calls calls are acknowledged";
	cmp_ok $times->{waits} * 1000, '<=', $calls, "$name: submit() waited for none ($times->{waits})";
	figure("$name.submit_$_", $times->{$_}) for qw(p50_us p999_us max_us waits own_p999_us);
}

# How many of them a second get into the database, be it by way of the spool.
sub rows_per_second {
	my ($name, $oracle, $calls) = @_;
	my $start = now();
	submit_all($name, $oracle, $calls);
	wait_for('the calls to be in the database', sub {
		$oracle->{driver}->health; # reads what the host says, or it could say no more
		$cluster->psql("SELECT count(*) FROM call_log.calls WHERE session_id LIKE '$name-row-%'") == $calls
	}, 900);
	figure("$name.rows_per_s", sprintf '%.0f', $calls / (now() - $start));
}

# Logs calls and asks for each at once: all are to be found, and none late.
sub matches {
	my ($name, $driver, $count) = @_;
	my ($missed, @ms) = (0);
	for my $id (map { "$name-match-$_" } 1 .. $count) {
		$missed++ if $driver->logged(session_id => $id) ne 'OK';
		my ($status, $answer, $ms) = $driver->call(Driver::match_message($id));
		$missed++ if $status ne 'OK' || !@{ $answer->{response}{data}{$id} // [] };
		push @ms, $ms;
	}
	@ms = sort { $a <=> $b } @ms;
	is $missed, 0, "$name: each of $count calls is logged, and found at once";
	cmp_ok $ms[-1], '<', 2 * MATCH_MS + 1000, "$name: by the deadline of matches ($ms[-1] ms)";
	figure("$name.match_p99_ms", $ms[ int(@ms * .99) ]);
}

# --------------------------------------------------------------- a long way off
for my $case ([ 5, size(20_000, 1000), size(300, 20) ], [ 50, size(10_000, 1000), size(100, 5) ],
	[ 500, size(5000, 200), size(20, 1) ]) {
	my ($round_trip, $calls, $asked) = @$case;
	my $name = "D9rtt$round_trip";
	my $proxy = Proxy->new($cluster);
	$proxy->delay($round_trip / 2);
	my $oracle = host($name, conninfo => $proxy->conninfo);
	wait_for('a connection', sub { $oracle->{driver}->health->{database}{state} eq 'ok' });
	rows_per_second($name, $oracle, $calls);
	matches($name, $oracle->{driver}, $asked);
	$oracle->flow(calls => 50);
	$oracle->conclude($name, "round trip of $round_trip ms");
	is $oracle->{driver}->quit, 0, "$name: the host ends well";
}

# -------------------------------------------------------------- a slow trigger
# All of them in one statement take longer than it may.
my $oracle = host('D9trigger');
$cluster->psql(<<~"SQL");
	CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
		PERFORM pg_sleep(@{[ size(0.005, 0.05) ]}); RETURN NEW;
	END \$\$;
	CREATE TRIGGER slow BEFORE INSERT ON call_log.calls FOR EACH ROW EXECUTE FUNCTION slow();
	SQL
rows_per_second('D9trigger', $oracle, size(5000, 130));
matches('D9trigger', $oracle->{driver}, size(100, 5));
$oracle->flow(calls => 50);
$oracle->conclude('D9trigger', 'a trigger that sleeps for each row', seconds => 120);
$cluster->psql('DROP TRIGGER slow ON call_log.calls');
is $oracle->{driver}->quit, 0, 'D9trigger: the host ends well';

# ---------------------------------------------------------------- a locked table
# Without a spool everything waits, as long as the queue allows.
my $bounded = start_driver(conninfo => $cluster->conninfo, queue_max => 200, commit_deadline_ms => 14_000);
$oracle = host('D9lock');
my $driver = $oracle->{driver};
$_->logged(session_id => 'D9-before') for $bounded, $driver;
$driver->match(['D9-before']);
my $locker = Process->spawn([ $cluster->bin('psql'), '-Xq', '-d', $cluster->conninfo, '-c',
	'BEGIN; LOCK TABLE call_log.calls; SELECT pg_sleep(600)' ]);
wait_for('the lock', sub { $cluster->psql(
	q(SELECT count(*) FROM pg_locks WHERE relation = 'call_log.calls'::regclass AND mode = 'AccessExclusiveLock' AND granted)) });
my $locked = now();

$bounded->tell('submit', $_) for lines('D9-bounded-', 1000);
my %said;
for (1 .. 1000) {
	my ($verb, $rest) = $bounded->await(qr/^(accepted|refused) (\S+)/);
	$said{ $verb eq 'accepted' ? $verb : $rest }++;
}
is "$said{accepted} $said{BUSY}", '200 800', 'D9lock: the queue takes what it may hold, more is answered as busy';
is $bounded->health->{queued}, 200, 'D9lock: which is what waits';

matches('D9lock', $driver, size(300, 20));
like $driver->await_log(qr/WARN/), qr/database is too slow: somebody holds a lock .* \d+ ms; pg_locks tells who/,
  'D9lock: the log says what is the matter';
full() ? $submits->compare('D9lock', $oracle) : submit_all('D9lock', $oracle, 1000);
$oracle->flow(calls => size(2000, 100));
$oracle->flow(seconds => size(60, 0) - (now() - $locked), per_second => 50);
cmp_ok scalar(grep { /^WARN the database/ } $driver->log_lines), '<=', 1 + (now() - $locked) / 60,
  'D9lock: in a line a minute';
figure('D9lock.locked_s', sprintf '%.1f', now() - $locked);
$cluster->psql(q(SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE '%LOCK TABLE%' AND pid <> pg_backend_pid()));
$locker->wait_end;
$bounded->await(qr/^answer \d+ (OK|BUSY)/) for 1 .. 200;
is $bounded->health->{queued}, 0, 'D9lock: each that waited is answered';
$oracle->conclude('D9lock', 'a table that somebody locked');
is $_->quit, 0, 'D9lock: the host ends well' for $bounded, $driver;
done_testing;
