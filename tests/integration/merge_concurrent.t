# Four writers at once, with the same calls in different batches and the halves of a
# call in different hands, while notes are changed from elsewhere: the rows must be
# those of one writer alone. SEED= repeats a run.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use List::Util qw(shuffle);
use Cluster;
use Feed qw(feed record recording);
use Process qw(scratch slurp spew wait_for);

my $seed = $ENV{SEED} // time;
note "SEED=$seed";
srand $seed;

my $cluster = Cluster->new(settings => { fsync => 'off', deadlock_timeout => '100ms' });
$cluster->install_schema;
$cluster->psql('CREATE UNLOGGED TABLE fed (step integer, written integer)');

# Runs each SQL text in a connection of its own, all from the same moment on, and
# returns what each said.
sub at_once {
	my @sql = @_;
	my $dir = scratch();
	# the gate opens, by its session's end, when all others wait before it
	my $waiting = 'SELECT count(*) FROM pg_locks WHERE locktype = \'advisory\' AND objid = 1 AND granted =';
	my $psql = sub { Process->spawn([ $cluster->bin('psql'), '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $cluster->conninfo, @_[ 1 .. $#_ ] ], log => "$dir/$_[0].log") };
	my $gate = $psql->('gate', '-c', "SELECT pg_advisory_lock(1); DO \$\$ BEGIN WHILE ($waiting false) < @{[ scalar @sql ]} LOOP END LOOP; END \$\$");
	wait_for('the gate', sub { $cluster->psql("$waiting true") });
	my @session = map {
		spew("$dir/$_.sql", "SELECT pg_advisory_lock_shared(1), pg_advisory_unlock_shared(1) \\g /dev/null\n$sql[$_]");
		$psql->($_, '-f', "$dir/$_.sql");
	} 0 .. $#sql;
	wait_for('the writers to end', sub { !grep { $_->running } @session, $gate }, 25);
	return map { slurp("$dir/$_.log") } 0 .. $#sql;
}

my @shown = ('to_jsonb(c) - array[\'id\', \'logged_at\', \'updated_at\', \'telephony_session_ids\', \'other_legs\']');
sub state_of {
	my ($where) = @_;
	return $cluster->psql(<<~"SQL");
		SELECT $shown[0], (SELECT json_agg(to_jsonb(n) - 'xid' ORDER BY saved_at, request_id) FROM call_log.notes n
			WHERE (n.account, n.agent, n.session_id) = (c.account, c.agent, c.session_id))
		FROM call_log.calls c WHERE $where ORDER BY account, agent, session_id
		SQL
}

# ------------------------------------------------ calls under two session ids
my @event;
for my $call (1 .. 150) {
	my $agent = 'agent ' . $call % 12;
	my %half = (
		a => { telephony_session_id => "s-$call" },
		b => { telephony_session_id => $call % 3 ? "s-$call" : undef, other_leg => $call % 3 ? undef : "${call}a" });
	for my $n (1 .. 8) {
		my $half = (qw(a b))[ rand 2 ];
		push @event, { agent => $agent, session_id => "$call$half", %{ $half{$half} },
			emitted_at => sprintf('2026-03-02 09:00:%02d+00', 2 * $n), hash => $n, request_id => "$call/$n",
			state => (qw(ringing connected held ended final))[ rand 5 ], from_name => "name $n",
			rand() < 0.3 ? (logged_by => 'manual', note => "note $n", contact_id => "contact $n", contact_picked => 't') : (),
			rand() < 0.2 ? (recording_id => "recording $n") : () };
	}
}

# Every event goes to two of the writers, in random order, one event a call and batch.
sub batches {
	my @left = shuffle(@_);
	my @batch;
	while (@left) {
		my (%taken, @later, @now);
		for my $e (@left) {
			push @{ @now < 40 && !$taken{"$e->{agent}/$e->{session_id}"}++ ? \@now : \@later }, $e;
		}
		push @batch, \@now;
		@left = @later;
	}
	return \@batch;
}
my @share = map { [] } 0 .. 3;
for my $e (@event) { push @{ $share[$_] }, $e for (shuffle(0 .. 3))[ 0, 1 ] }
feed($cluster, "feed_$_", batches(@{ $share[$_] })) for 0 .. 3;
is_deeply([ at_once(map { recording("feed_$_") } 0 .. 3) ], [ ('') x 4 ], 'four writers of the same calls end without an error');
my $together = state_of('true');
is($cluster->psql('SELECT count(*) FROM call_log.calls WHERE merged_into IS NULL'), 150, 'one row stands for each call, under two session ids');

$cluster->psql('TRUNCATE call_log.calls, call_log.notes');
record($cluster, batches(@event));
ok($together eq state_of('true'), 'the rows are those of one writer alone');

# --------------------------------------------------- notes changed meanwhile
# Two write events of both halves, two write notes by set_note() and by UPDATE.
$cluster->psql('TRUNCATE call_log.calls, call_log.notes');
record($cluster, [ map { [$_] } @event[ 0 .. 79 ] ]);
my @some = grep { $_->{session_id} =~ /^([1-9]|10)[ab]$/ } @event;
feed($cluster, "feed_$_", batches(map { { %$_, logged_by => 'auto', note => undef } } @some, @some)) for 0, 1;
my $saves = $cluster->psql('SELECT count(*) FROM call_log.notes');
my @call = map { [ $_->{agent}, $_->{session_id} ] } @some;
my @hand = (
	join('', map { "SELECT call_log.set_note('acme', '$_->[0]', '$_->[1]', 'set ' || clock_timestamp()) IS NULL \\g /dev/null\n" } map { shuffle(@call) } 1 .. 4),
	join('', map { "UPDATE call_log.calls SET note = 'update ' || clock_timestamp() WHERE agent = '$_->[0]' AND session_id = '$_->[1]' AND merged_into IS NULL RETURNING 1;\n" }
		map { shuffle(@call) } 1 .. 8));
my @said = at_once(map({ recording("feed_$_") } 0, 1), @hand);
my $updates = () = $said[3] =~ /^1$/mg;
is_deeply([ @said[ 0 .. 2 ], $said[3] =~ s/^1\n//mgr ], [ ('') x 4 ], 'notes changed meanwhile disturb no writer, nor the other way round');
is($cluster->psql('SELECT count(*) FROM call_log.notes'), $saves + 4 * @call + $updates, 'every change is in the history');
is($cluster->psql(<<~'SQL'), '', 'and the last one is the note');
	SELECT string_agg(c.session_id || ': ' || c.note || ' is not ' || n.note, E'\n')
	FROM call_log.calls c CROSS JOIN LATERAL (
		SELECT n.note FROM call_log.notes n WHERE (n.account, n.agent, n.session_id) = (c.account, c.agent, c.session_id)
		ORDER BY n.saved_at DESC LIMIT 1) AS n
	WHERE c.merged_into IS NULL AND c.note IS DISTINCT FROM n.note AND c.note ~ '^(set|update)'
	SQL

# ------------------------------------------------------------- many agents
$cluster->psql('TRUNCATE call_log.calls, call_log.notes');
feed($cluster, "feed_$_", [ map { my $second = $_; [ map { { agent => "agent $_", session_id => 1,
	emitted_at => "2026-03-02 09:00:0$second+00", state => 'connected' } } 1 .. 500 ] } 1 .. 4 ]) for 0 .. 3;
is_deeply([ at_once(map { recording("feed_$_") } 0 .. 3) ], [ ('') x 4 ], 'so do batches of 500 agents');
is($cluster->psql(q{SELECT count(*), min(last_event_at) FROM call_log.calls}), '500|2026-03-02 09:00:04+00', 'with one row each');
unlike($cluster->log_text, qr/deadlock/, 'nobody met a deadlock');
done_testing;
