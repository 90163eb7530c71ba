# Notes changed elsewhere reach the agent's widgets: by notifications, and where
# none come through, or came while nobody listened, by looking for them.
use v5.32;
use warnings;
use lib 'tests/lib';
use Bouncer;
use Cluster;
use Driver;
use Process qw(wait_for);
use Test::More;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my $cluster = Cluster->new;
$cluster->install_schema;
# what the listener asked last is looked at: it is to ask nothing else
$cluster->psql('CREATE ROLE plugin LOGIN IN ROLE call_log_writer; REVOKE EXECUTE ON FUNCTION call_log.roll_up(integer) FROM call_log_writer');
my $driver = Driver->new;
sub listener { $driver->health->{listener} }
sub set_note {
	my ($id, $note) = @_;
	$cluster->psql("SELECT call_log.set_note('acme', 'ann', '$id', '$note')");
}
# The same in a transaction that was open for an hour, as far as times can tell;
# before its end the other statements.
sub set_note_slowly {
	my ($id, $note, @before_end) = @_;
	$cluster->psql(join "\n", 'BEGIN;', "SELECT call_log.set_note('acme', 'ann', '$id', '$note');",
		"UPDATE call_log.notes SET saved_at = saved_at - interval '1 hour' WHERE note = '$note';", @before_end, 'COMMIT;');
}

# ----------------------------------------------------------- notifications
is $driver->create(conninfo => $cluster->conninfo(user => 'plugin')), undef, 'created';
$driver->start;
is $driver->logged(session_id => "c$_"), 'OK', "call c$_ is logged" for 1 .. 4;
wait_for('the listener', sub { listener() eq 'ok' });
pass 'notifications are found to come through';
my $start = clock_gettime(CLOCK_MONOTONIC);
set_note('c1', 'from elsewhere');
$driver->await_trigger('c1');
my $took = clock_gettime(CLOCK_MONOTONIC) - $start;
printf "# figure: notified_ms %.0f\n", $took * 1000;
cmp_ok $took, '<', 3, 'set_note() reaches the agent as a trigger at once';
is_deeply [ map { "$_->{account}/$_->{agent}" } $driver->posts ], ['acme/ann'], 'that agent alone';
is $driver->match(['c1'])->{c1}[0]{note}, 'from elsewhere', 'and the widget finds the note';
$cluster->psql(q(UPDATE call_log.calls SET note = 'plain' WHERE session_id = 'c2'));
$driver->await_trigger('c2');
pass 'so does a plain UPDATE';
$cluster->psql(q(SELECT pg_notify('call_log', x) FROM unnest(ARRAY['', '{', '7', '{"agent":"ann"}', '{"token":"x"}', repeat('x', 7000)]) x));
set_note('c3', 'after nonsense');
$driver->await_trigger('c3');
is_deeply [ sort keys %{ $driver->triggered } ], [qw(c1 c2 c3)], 'what others say on the channel is passed over';
$driver->forget_posts;
set_note('c1', 'before the minute is over');
$driver->await_trigger('c1');
my $looked = q(SELECT count(*) FROM pg_stat_activity WHERE usename = 'plugin' AND state = 'idle'
	AND query ~ 'changes_since|match_calls' AND query_start > ');
my $now = $cluster->psql('SELECT clock_timestamp()');
$driver->advance(60);
wait_for('the look of the minute', sub { $cluster->psql("$looked$now'") });
set_note('c2', 'after it');
$driver->await_trigger('c2');
is_deeply $driver->triggered, { c1 => 1, c2 => 1 }, 'what was notified is not found again by the look of every minute';
is listener(), 'ok', 'which finds that notifications still come';
$driver->forget_posts;
$cluster->psql(q(SELECT call_log.set_note('acme', 'ann', 'c' || n, 'n' || m) FROM generate_series(1, 4) n, generate_series(1, 25) m));
wait_for('all', sub { keys %{ $driver->triggered } == 4 });
cmp_ok scalar($driver->posts), '<=', 4, 'many changes at once share few messages';

# ------------------------------------------------- a host that is busy, many ids
$driver->burst([ map { Driver::line(Driver::log_message(session_id => "m$_"), agent => 'bob') } 1 .. 250 ]);
$driver->deaf(2);
$cluster->psql(q(UPDATE call_log.calls SET note = 'bulk' WHERE agent = 'bob'));
wait_for('250 calls', sub { keys %{ $driver->triggered('bob') } == 250 });
is scalar(grep { @{ $_->{sessionIds} } > 100 } $driver->posts), 0, 'a message holds at most 100 ids';
$driver->deaf(0);

# ------------------------------------------------------- the connection is cut
my @cut;
for my $round (1 .. 5) {
	$driver->forget_posts;
	$cluster->psql(<<~"SQL");
		SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'plugin';
		SELECT call_log.set_note('acme', 'ann', 'c4', 'cut $round');
		SQL
	push @cut, $round if !eval { $driver->await_trigger('c4', seconds => 20) };
}
is "@cut", '', 'a note set while the connection is cut is found afterwards, 5 times of 5';
$driver->forget_posts;
set_note_slowly('c3', 'long', q(SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'plugin';));
ok eval { $driver->await_trigger('c3', seconds => 20) }, 'so is one whose transaction was open for long';
wait_for('the listener', sub { listener() eq 'ok' });
$driver->forget_posts;
set_note('c1', 'heard again');
$driver->await_trigger('c1');
pass 'and it listens again';
is scalar(grep { /pooler/ } $driver->log_lines), 0, 'of a pooler nothing is said';

$start = clock_gettime(CLOCK_MONOTONIC);
is +($driver->stop(10000))[0], 'OK', 'stopped';
cmp_ok clock_gettime(CLOCK_MONOTONIC) - $start, '<', 2, 'promptly';
$driver->destroy;

# --------------------------------------------------------- through a pooler
my $bouncer = Bouncer->new($cluster, users => ['plugin']);
my %pooled = (conninfo => $bouncer->conninfo(user => 'plugin'));
$driver->create(%pooled);
$driver->forget_posts;
set_note('c4', 'before the start');
$driver->start;
wait_for('the listener', sub { listener() eq 'polling' });
is $driver->triggered->{c4}, 1, 'what was saved just before the start is told, for nobody else may have';
pass 'through a pooler no notification comes, which is noticed';
$driver->forget_posts;
$start = clock_gettime(CLOCK_MONOTONIC);
set_note('c1', 'through the pooler');
$driver->await_trigger('c1');
$took = clock_gettime(CLOCK_MONOTONIC) - $start;
printf "# figure: polled_ms %.0f\n", $took * 1000;
cmp_ok $took, '<', 8, 'changes are looked for instead';
$cluster->psql(q(UPDATE call_log.calls SET note = 'plain again' WHERE session_id = 'c2'));
$driver->await_trigger('c2');
pass 'plain UPDATEs too';
is_deeply $driver->triggered, { c1 => 1, c2 => 1 }, 'each once';
set_note_slowly('c3', 'slow');
$driver->await_trigger('c3');
pass 'and those whose transaction was open for long';
is scalar(grep { /listen_conninfo/ } $driver->log_lines), 1, 'the log says once what could be done';
$driver->stop(5000);
$driver->destroy;

$driver->create(%pooled, listen_conninfo => $cluster->conninfo(user => 'plugin'));
$driver->start;
wait_for('the listener', sub { listener() eq 'ok' });
pass 'with a direct listen_conninfo notifications come';
$driver->forget_posts;
set_note('c3', 'direct');
$driver->await_trigger('c3', seconds => 4);
pass 'at once';
like $driver->create(conninfo => '', listen_conninfo => 'hots=x'), qr/'listen_conninfo': invalid connection option "hots"/,
  'a broken listen_conninfo is named';

# -------------------------------- a pooler takes the server's place meanwhile
$driver->stop(5000);
$driver->destroy;
$bouncer->stop;
$bouncer = Bouncer->new($cluster, users => ['plugin'], settings => { pool_mode => 'session' });
$driver->create(conninfo => $bouncer->conninfo(user => 'plugin'));
$driver->start;
wait_for('the listener', sub { listener() eq 'ok' });
is $driver->logged(session_id => $_), 'OK', "call $_ is logged" for qw(c5 c6);
pass 'through a pooler that shares nothing notifications come';
$bouncer->set($cluster, pool_mode => 'transaction');
# its next statement is the last on its connection
$driver->forget_posts;
set_note('c5', 'the last that is heard');
$driver->await_trigger('c5');
is listener(), 'ok', 'that it shares connections now is not noticed at once';
$driver->advance(60);
wait_for('the listener', sub { listener() eq 'polling' });
pass 'but within a minute';
set_note('c6', 'looked for');
$driver->await_trigger('c6');
is_deeply [ @{ $driver->triggered }{qw(c5 c6)} ], [ 1, 1 ], 'and changes are looked for from then on';
is scalar(grep { /listen_conninfo/ } $driver->log_lines), 2, 'which the log says';

# ----------------------------------------------------------- the database away
$cluster->stop;
wait_for('the listener', sub { listener() eq 'away' });
pass 'health says when nothing is heard';
$start = clock_gettime(CLOCK_MONOTONIC);
$driver->stop(10000);
cmp_ok clock_gettime(CLOCK_MONOTONIC) - $start, '<', 2, 'stop() is prompt then, too';
$driver->destroy;
is $driver->quit, 0, 'the process ends well';
done_testing;
