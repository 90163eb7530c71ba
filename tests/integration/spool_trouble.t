# What the database refuses, a schema that is not as needed, a database that
# takes connections and no calls, and a spool that is full: nothing acknowledged
# is lost, what is bad is kept for a person, and all mends by itself.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use IO::Socket::INET;
use JSON::PP;
use Process qw(scratch spew wait_for);
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
$cluster->psql('CREATE ROLE plugin LOGIN IN ROLE call_log_writer');
my $dir = scratch();
my $driver = Driver->new;
my $deadline_ms = 1000;
my $patience_ms = 15_000; # the widget's
my @settings = (conninfo => $cluster->conninfo(user => 'plugin'), commit_deadline_ms => $deadline_ms);

sub rows { $cluster->psql("SELECT count(*) FROM call_log.calls WHERE $_[0]") }
sub line { my (%option) = @_; return Driver::line(Driver::log_message(%option), %option) }
sub await_drained { wait_for('the spool to be replayed', sub { $driver->health->{spool}{rows} == 0 }) }
sub await_spooled { my ($rows) = @_; wait_for("$rows spooled rows", sub { $driver->health->{spool}{rows} == $rows }) }
sub outage_lines { map { /is away|cannot be used/ ? 'away' : /is back/ ? 'back' : () } $driver->log_lines }
sub await_outage_end { wait_for('the end of the outage', sub { ((outage_lines())[-1] // '') eq 'back' }) }
sub pids {
	return $cluster->psql(<<~'SQL');
		SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity WHERE usename = 'plugin'
		SQL
}

# Logs some calls, one after the other: most do not wait for their deadlines. One
# may, where the machine is busy.
sub logged_at_once {
	my ($what, $prefix) = @_;
	my (%status, @took);
	for my $n (1 .. 5) {
		my ($status, undef, $ms) = $driver->log_call(session_id => "$prefix-$n");
		$status{$status}++;
		push @took, $ms;
	}
	my $median = (sort { $a <=> $b } @took)[2];
	is_deeply \%status, { OK => 5 }, $what;
	cmp_ok $median, '<', $deadline_ms, "at once ($median ms)";
}

# The writer's, the matcher's and the listener's.
sub all_pids { return wait_for('three connections', sub { my $pids = pids(); $pids =~ / .* / && $pids }) }

# ------------------------------------------------------------- bad rows, live
# With all the time it needs: what is late is spooled, and no answer tells that it
# is bad.
is $driver->create(@settings, spool => "$dir/spool.db", commit_deadline_ms => 10_000), undef, 'created';
is $driver->start, 'OK', 'started';
is $driver->logged(session_id => 'warm'), 'OK', 'a call is logged';
$driver->match(['warm']);
my $pids = all_pids();
$cluster->psql(q(ALTER TABLE call_log.calls ADD CONSTRAINT no_poison CHECK (from_name <> 'SECRET-POISON')));
my @mixed = map {
	my $bad = $_ == 137;
	line(session_id => "mixed-$_", request_id => "m-$_", agent => 'a' . $_ % 3, sent_at => 1_770_000_000_123,
		body => { note => "it's \"so\"" },
		call => { duration => 7, fromName => $bad ? 'SECRET-POISON' : 'fine' })
} 1 .. 500;
my $tally = $driver->burst(\@mixed);
is $tally->{FAILED}, 1, 'one call of 500 that breaks a constraint is answered as failed';
is $tally->{OK}, 499, 'and all others as logged';
is rows(q(session_id LIKE 'mixed-%')), 499, 'which they are';
my ($row) = $cluster->rows('SELECT account, agent, session_id, request_id, sqlstate, reason, body, rejected_at > now() - interval \'1 hour\' FROM call_log.rejected');
is_deeply [ @$row[0 .. 4, 7] ], [ 'acme', 'a2', 'mixed-137', 'm-137', '23514', 't' ],
  'the bad one is kept as rejected, with its SQLSTATE';
like $row->[5], qr/constraint no_poison/, 'and the reason';
my $facts = decode_json($row->[6]);
is_deeply { map { $_ => $facts->{$_} } qw(session_id from_name duration_s state direction) },
  { session_id => 'mixed-137', from_name => 'SECRET-POISON', duration_s => 7, state => 'connected', direction => 'Inbound' },
  'and all that it told, by the names of the columns';
like $facts->{emitted_at}, qr/^2026-02-02T02:40:00\.123/, 'even when';
like $driver->await_log(qr/refuses/), qr/refuses 1 calls, kept in call_log\.rejected, the first: constraint no_poison \(SQLSTATE 23514\)/,
  'the log says so';
unlike join("\n", $driver->log_lines), qr/SECRET|mixed-/, 'without the data';
is $driver->health->{rejected}, 1, 'health counts it';
is +(split /\n/, join "\n", grep { /refuses/ } $driver->log_lines), 1, 'in one line';
is $driver->burst([ $mixed[136] ])->{FAILED}, 1, 'the same again fails again';
is $cluster->psql('SELECT count(*) FROM call_log.rejected'), 1, 'and is kept once';
is pids(), $pids, 'all over the same connections';

# ---------------------------------------------------------- bad rows, replayed
$cluster->stop;
my @replay = map {
	line(session_id => "replay-$_", request_id => "r-$_",
		call => { fromName => $_ == 77 || $_ == 78 || $_ == 300 ? 'SECRET-POISON' : 'fine' })
} 1 .. 500;
is $driver->burst(\@replay)->{OK}, 500, 'in an outage nobody knows which calls are bad';
$cluster->start;
await_drained();
is rows(q(session_id LIKE 'replay-%')), 497, 'replay writes the good ones';
is $cluster->psql(q(SELECT string_agg(session_id, ' ' ORDER BY session_id) FROM call_log.rejected WHERE session_id LIKE 'replay-%')),
  'replay-300 replay-77 replay-78', 'and keeps the bad ones';
await_outage_end();
is $driver->health->{replayed}, 497, 'counted apart';
is $driver->health->{rejected}, 5, 'from each other';

# ------------------------------------------ not even rejected can be written
$cluster->psql('REVOKE INSERT ON call_log.rejected FROM call_log_writer');
@{ $driver->{log} } = ();
is $driver->logged(session_id => 'nowhere', call => { fromName => 'SECRET-POISON' }), 'OK',
  'a bad call that cannot be kept as rejected is spooled';
like $driver->await_log(qr/permission denied/), qr/42501/, 'the log says why';
is $driver->logged(session_id => 'beside'), 'OK', 'others are logged meanwhile';
$cluster->psql('GRANT INSERT ON call_log.rejected TO call_log_writer');
await_drained();
is rows(q(session_id = 'beside')), 1, 'with the right granted they arrive';
is $cluster->psql(q(SELECT count(*) FROM call_log.rejected WHERE session_id = 'nowhere')), 1, 'and the bad one is kept';
await_outage_end();
$cluster->psql('ALTER TABLE call_log.calls DROP CONSTRAINT no_poison');

# --------------------------------------------------------------- schema drift
@{ $driver->{log} } = ();
$cluster->psql('ALTER TABLE call_log.calls RENAME COLUMN note TO remark');
$tally = $driver->burst([ map { line(session_id => "drift-$_") } 1 .. 300 ]);
is $tally->{OK}, 300, 'with a column gone calls are spooled';
wait_for('health to know', sub { $driver->health->{database}{state} eq 'schema' });
pass 'health says that the schema is to blame';
like $driver->health->{database}{last_error}, qr/42703/, 'and how';
await_spooled(300);
logged_at_once('the next as well', 'drift-next');
wait_for('some attempts', sub { $cluster->log_text =~ /(?:column "note".*){5}/s });
is join(' ', outage_lines()), 'away', 'in spite of attempts the log has one line';
$cluster->psql('ALTER TABLE call_log.calls RENAME COLUMN remark TO note');
await_drained();
is rows(q(session_id LIKE 'drift-%')), 305, 'with the column back all arrive by themselves';
await_outage_end();
is join(' ', outage_lines()), 'away back', 'which the log says';

# ------------------------------------------------ connections, but no writes
@{ $driver->{log} } = ();
$cluster->psql('ALTER DATABASE postgres SET default_transaction_read_only = on');
$cluster->psql(q(SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'plugin'));
$tally = $driver->burst([ map { line(session_id => "ro-$_") } 1 .. 100 ]);
is $tally->{OK}, 100, 'while the database is read-only calls are spooled';
await_spooled(100);
$cluster->psql('SET default_transaction_read_only = off; ALTER DATABASE postgres RESET default_transaction_read_only');
await_drained();
is rows(q(session_id LIKE 'ro-%')), 100, 'and arrive when it is not';
await_outage_end();
is join(' ', outage_lines()), 'away back', 'with two lines in the log';

# ------------------------------------------------------------------- too slow
is +($driver->stop(5000))[0], 'OK', 'stopped';
$driver->destroy;
$driver->create(@settings, spool => "$dir/spool.db");
is $driver->start, 'OK', 'and started with less patience';
is $driver->logged(session_id => 'connected'), 'OK', 'a call is logged';
@{ $driver->{log} } = ();
my $locker = Process->spawn([ $cluster->bin('psql'), '-Xq', '-d', $cluster->conninfo, '-c',
		'BEGIN; LOCK TABLE call_log.calls; SELECT pg_sleep(60)' ]);
wait_for('the lock', sub {
	$cluster->psql(q(SELECT count(*) FROM pg_locks WHERE relation = 'call_log.calls'::regclass AND mode = 'AccessExclusiveLock' AND granted)) });
my ($status, $why, $ms) = $driver->log_call(session_id => 'slow-1');
is $status, 'OK', 'a call that waits for a lock too long is spooled';
ok $ms >= 0.7 * $deadline_ms && $ms < $patience_ms, "by its deadline ($ms ms)";
logged_at_once('the next as well', 'slow-next');
$cluster->psql(q(SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()));
$locker->wait_end;
await_drained();
is rows(q(session_id LIKE 'slow-%')), 6, 'when the lock is gone all arrive';
($status, $why, $ms) = $driver->log_call(session_id => 'quick');
is $driver->health->{database}{state}, 'ok', 'and all is well';
is +($driver->stop(5000))[0], 'OK', 'stopped';
$driver->destroy;

# ------------------------------------------------------ nobody answers at all
my $hole = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 50) or die $!;
$driver->create(@settings, spool => "$dir/hole.db",
	conninfo => 'host=127.0.0.1 sslmode=disable user=x dbname=x port=' . $hole->sockport);
$driver->start;
($status, $why, $ms) = $driver->log_call(session_id => 'hole-1');
is $status, 'OK', 'with a server that accepts and says nothing a call is spooled';
cmp_ok $ms, '<', $patience_ms, "by its deadline ($ms ms)";
logged_at_once('and the next as well', 'hole-next');
$tally = $driver->burst([ map { line(session_id => "hole-$_") } 1 .. 2000 ]);
is $tally->{OK}, 2000, 'and all that follow';
cmp_ok $tally->{ms}, '<', $patience_ms, "soon ($tally->{ms} ms)";
$driver->stop(5000);
$driver->destroy;

# ------------------------------------------------------------------ no schema
$cluster->psql('CREATE DATABASE bare');
$driver->create(@settings, spool => "$dir/bare.db", conninfo => $cluster->conninfo(dbname => 'bare'));
@{ $driver->{log} } = ();
$driver->start;
is $driver->logged(session_id => 'bare'), 'OK', 'without the schema a call is spooled';
like $driver->await_log(qr/install\.sql/), qr/database cannot be used: it has no schema/, 'and the log says what to run';
$cluster->install_schema(dbname => 'bare');
await_drained();
is $cluster->psql('SELECT count(*) FROM call_log.calls', dbname => 'bare'), 1, 'with the schema there it arrives';
$driver->stop(5000);
$driver->destroy;

# ----------------------------------------------------------------- a full spool
$cluster->stop;
$driver->create(@settings, spool => "$dir/small.db", spool_max_mb => 1, body => 'all');
$driver->start;
my (@accepted, $refused);
for my $n (1 .. 2000) {
	($status, $why) = $driver->log_call(session_id => "full-$n", body => { note => 'n' x 5000 });
	push @accepted, $n if $status eq 'OK';
	next if $status eq 'OK';
	is $status, 'BUSY', 'when the spool is full a call is refused as busy';
	is $why, 'the call is not logged: the spool is full', "which says so: $why";
	last;
}
cmp_ok scalar(@accepted), '>', 20, 'not before it holds some (' . @accepted . ')';
cmp_ok -s "$dir/small.db", '<=', 1 << 20, 'it is no larger than allowed';
is $driver->logged(session_id => 'full-again', body => { note => 'n' x 5000 }), 'BUSY', 'the next is refused as well';
like $driver->await_log(qr/spool cannot be used/), qr/ERROR.*full/, 'and the log says why, once';
is scalar(grep { /spool cannot be used/ } $driver->log_lines), 1, 'and for all';
wait_for('health to know', sub { $driver->health->{spool}{last_error} =~ /full/ });
pass 'and health';
$cluster->start;
await_drained();
is rows(q(session_id LIKE 'full-%')), scalar(@accepted), 'with the database back exactly what was acknowledged arrives';
is $driver->logged(session_id => 'full-after', body => { note => 'n' x 5000 }), 'OK', 'and calls are logged again';
$cluster->stop;
is $driver->logged(session_id => 'full-later', body => { note => 'n' x 5000 }), 'OK', 'also into the spool';
wait_for('health to know', sub { $driver->health->{spool}{last_error} eq '' });
pass 'which is well again';
$driver->stop(5000);
$driver->destroy;

# -------------------------------------------------------------- no usable spool
@{ $driver->{log} } = ();
like $driver->create(@settings, spool => 'spool.db'), qr/'spool' is 'spool\.db'; it must be a path that begins with \//,
  'a relative path is refused';
spew("$dir/file", '');
is $driver->create(@settings, spool => "$dir/file/spool.db"), undef, 'whether a path can be used';
is $driver->start, 'FAILED', 'is seen at start, which then fails';
my @lines = $driver->log_lines;
is scalar(@lines), 1, 'with one line';
like $lines[0], qr{^ERROR .*\Q$dir/file\E}, "that names it: $lines[0]";
$driver->destroy;
is $driver->create(conninfo => 'host=/nowhere'), undef, 'without a spool';
like $driver->await_log(qr/no 'spool'/), qr/^WARN no 'spool' is set: calls are refused while the database is away/, 'creating warns';
$driver->destroy;
is $driver->quit, 0, 'the process ends well';
done_testing;
