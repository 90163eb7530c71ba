# The merge rule, line by line, on events small enough to check by eye; notes
# changed from elsewhere; and what a match answers.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Cluster;
use Feed qw(record);

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;

sub at { sprintf '2026-03-02 09:%02d:%02d+00', int($_[0] / 60), $_[0] % 60 }
sub event { return { emitted_at => at(shift), @_ } }
# Runs the events one batch each and returns the asked columns of a call as text.
sub after {
	my ($columns, @event) = @_;
	$cluster->psql('TRUNCATE call_log.calls, call_log.notes');
	record($cluster, [ map { [$_] } @event ]);
	return call($columns, $event[0]{session_id} // '100');
}
sub call {
	my ($columns, $session_id) = @_;
	return $cluster->psql("SELECT concat_ws('|', $columns) FROM call_log.calls c WHERE session_id = '$session_id'");
}
sub match {
	my ($agent, @id) = @_;
	my $list = join ',', map { "'$_'" } @id;
	return $cluster->psql(<<~"SQL");
		SELECT coalesce(string_agg(concat_ws('|', ordinal, id, note, contact_id), ' ' ORDER BY ordinal), '')
		FROM call_log.match_calls(array_fill('acme'::text, ARRAY[@{[ scalar @id ]}]),
		                          array_fill('$agent'::text, ARRAY[@{[ scalar @id ]}]), ARRAY[$list])
		SQL
}

subtest 'all 720 orders of a six-event call end in the same row' => sub {
	my @call = (
		event(0, state => 'ringing', result => 'Ringing', direction => 'Inbound', from_number => '+12065550110',
			party_id => 'p-1', duration_s => 0, contact_id => 'c-1', contact_name => 'Amira', hash => 1),
		event(4, state => 'connected', result => 'CallConnected', connected => 't', direction => 'Inbound', duration_s => 4, hash => 2),
		event(9, state => 'held', result => 'OnHold', connected => 't', duration_s => 9, from_name => 'TACOMA WA', hash => 3),
		event(12, state => 'ended', result => 'Disconnected', duration_s => 12, hash => 4),
		event(15, state => 'final', logged_by => 'manual', request_id => 'save', result => 'Accepted', duration_s => 11,
			note => 'call back', contact_id => 'c-2', contact_picked => 't', body => '{"a":1}', hash => 5),
		event(20, state => 'final', result => 'Accepted', duration_s => 11, recording_id => 'rec', recording_uri => 'u', body => '{"a":2}', hash => 6));
	my @order = ([]);
	for my $n (0 .. $#call) {
		@order = map { my $o = $_; map { [ @$o[ 0 .. $_ - 1 ], $n, @$o[ $_ .. $#$o ] ] } 0 .. @$o } @order;
	}
	my @batch;
	for my $agent (0 .. $#order) {
		push @{ $batch[$_] }, { %{ $call[ $order[$agent][$_] ] }, agent => "agent $agent" } for 0 .. $#call;
	}
	record($cluster, \@batch);
	is($cluster->psql('SELECT count(*) FROM call_log.calls'), 720, 'a row an order');
	is($cluster->psql(<<~'SQL'), 1, 'all of them equal');
		SELECT count(DISTINCT (to_jsonb(c) - 'agent' - 'id' - 'logged_at' - 'updated_at' - 'body')::text || (c.body::text))
		FROM call_log.calls c
		SQL
	is($cluster->psql(<<~'SQL'), 'final|answered|11|Inbound|+12065550110|TACOMA WA|p-1|c-2|call back|rec|manual|{"a":2}', 'and right');
		SELECT DISTINCT concat_ws('|', state, outcome, duration_s, direction, from_number, from_name, party_id,
			contact_id, note, recording_id, logged_by, body) FROM call_log.calls
		SQL
	is($cluster->psql('SELECT count(*) FROM call_log.notes'), 720, 'with one save each');
};

subtest 'ranks' => sub {
	is(after('result', event(1, hash => 1, result => 'Y'), event(3, hash => 3, state => 'connected'), event(2, hash => 2, result => 'X')),
		'X', 'a fact has the value of the highest-ranked event that carries it');
	is(after('state, from_name', event(0, state => 'connected'), event(30, state => 'ringing', from_name => 'late')),
		'connected|late', 'a late Ringing overwrites nothing but fills what is missing');
	is(after('state', event(0, state => 'connected'), event(5, state => 'ended'), event(6, state => 'connected')),
		'connected', 'presence may flap: an ended call is connected again');
	is(after('state, result', event(0, state => 'final', result => 'Missed'), event(9, state => 'connected', result => 'CallConnected')),
		'final|Missed', 'a record is final');
	is(after('from_number', map({ event($_, to_self => 't', direction => $_ % 2 ? 'Outbound' : 'Inbound', from_number => "n$_") } 1, 2, 4)),
		'n1', 'of a call to oneself the outbound side decides');
	is(after('recording_link, recording_id', event(0, state => 'final', recording_id => 'a', recording_link => 'l'),
			event(5, state => 'final', recording_id => 'b')), 'b', 'the members of a recording travel together');
	is(after('duration_s', event(0, duration_s => 5, hash => 9), event(0, duration_s => 7, hash => 1)), 7,
		'events of one millisecond are told apart by their duration');
};

subtest 'redeliveries and repeats' => sub {
	my $version = 'c.xmin';
	my $first = event(0, state => 'connected', result => 'CallConnected', request_id => 'a');
	my $before = after($version, $first, event(9, state => 'ended'));
	is_deeply([ record($cluster, [ [$first], [ event(9, state => 'ended') ] ]) ], [ 0, 0 ], 'a redelivery writes nothing');
	is(call($version, 100), $before, 'and leaves the row version alone');
	is(after("state", event(0, state => 'connected')), 'connected');
	is_deeply([ record($cluster, [ map { [ event(0, state => 'connected', hash => $_, emitted_at => "2026-03-02 09:00:00.$_+00") ] } 2 .. 9 ]) ],
		[ (0) x 8 ], 'repeats of equal facts within a second write nothing');
	my $updated = call('updated_at', 100);
	is_deeply([ record($cluster, [ [ event(2, state => 'connected') ] ]) ], [1], 'one a second later moves the rank');
	is(call('updated_at, last_event_at', 100), "$updated|2026-03-02 09:00:02+00", 'and nothing else');
	is_deeply([ record($cluster, [ [ event(2, state => 'held', emitted_at => '2026-03-02 09:00:02.1+00') ] ]) ], [1], 'another fact is written at once');
};

subtest 'a batch of all kinds' => sub {
	my @of = map { { session_id => $_ } } qw(101 102 103 104);
	after('state', event(0, %{ $of[0] }, state => 'connected'));
	my ($late, $repeat) = (event(3, %{ $of[1] }, state => 'held', from_name => 'late'), event(5, %{ $of[2] }, state => 'connected', request_id => 'x', hash => 7));
	record($cluster, [ [ event(9, %{ $of[1] }, state => 'ended') ], [$repeat] ]);
	is_deeply([ record($cluster, [ [ event(8, %{ $of[0] }, state => 'ended'), $late, $repeat, event(0, %{ $of[3] }, state => 'ringing') ] ]) ], [3],
		'of a usual event, a late one, a repeat and a new call all but the repeat write');
	is(join(' ', map { call("state, from_name", $_->{session_id}) } @of), 'ended ended|late connected ringing', 'each its own');
	for my $state (qw(ringing connected)) {
		$cluster->psql('TRUNCATE call_log.calls, call_log.notes');
		eval { record($cluster, [ [ event(0, state => 'ringing'), event(1, state => $state, from_name => 'second') ] ]) };
		like($@, qr/two events of one call|a second time/, "two events of one new call ($state) are no batch");
		is($cluster->psql('SELECT count(*) FROM call_log.calls'), 0, 'and none of it is half done');
	}
};

subtest 'what belongs to the agent' => sub {
	my $save = sub { my $t = shift; event($t, state => 'final', logged_by => 'manual', request_id => "s$t", @_) };
	is(after('note', $save->(5, note => 'new'), $save->(3, note => 'old')), 'new', 'the newest save wins');
	is(after('note', $save->(3, note => 'typed'), $save->(5, note => '')), 'typed', 'an empty save does not erase a note');
	is($cluster->psql('SELECT count(*) FROM call_log.notes'), 2, 'but is kept in the history');
	record($cluster, [ [ $save->(7, note => '') ] ], empty_note_erases => 1);
	is(call("coalesce(note, 'none')", 100), 'none', 'unless it is configured to');
	record($cluster, [ [ $save->(6, note => 'older than the erasure') ] ], empty_note_erases => 1);
	is(call("coalesce(note, 'none')", 100), 'none', 'and then an older note does not come back');
	is(after('note', $save->(5, note => 'n'), event(9, state => 'final', note => 'x', form => '{}')), 'n', 'automatic events never touch a note');
	is(after('contact_id, contact_name', event(1, contact_id => 'a', contact_name => 'A'), $save->(2, contact_id => 'p', contact_picked => 't'),
			event(3, state => 'final', contact_id => 'b', contact_name => 'B')), 'p', 'an agent\'s pick outranks what the widget found');
	is(after('contact_id', $save->(2, contact_id => 'p', contact_picked => 't'), $save->(9)), 'p', 'a null contact writes nothing');
	is(after("coalesce(note, 'none'), coalesce(form::text, 'none')", event(1, note => 'x', form => '{"a":1}')), 'none|none', 'not even as the first event');
	is(after("coalesce(contact_name, 'none')", event(1, contact_name => 'A', contact_type => 'B')), 'none', 'a contact without an id is none');
	my $retry = $save->(2, note => 'once');
	after('note', $retry, $retry, event(3), $retry);
	is($cluster->psql('SELECT count(*) FROM call_log.notes'), 1, 'a retry of a save adds nothing');
	is(after('logged_by', event(1, logged_by => 'backfill'), event(2), $save->(0), event(3)), 'manual', 'manual over auto over backfill');
	is(after('logged_by', event(1), event(2, logged_by => 'backfill')), 'auto');
};

subtest 'outcomes' => sub {
	my %outcome = (
		Inbound => { Accepted => 'answered', 'Call connected' => 'answered', Missed => 'missed', Abandoned => 'missed', 'No Answer' => 'missed',
			'Hang Up' => 'missed', Voicemail => 'voicemail', Rejected => 'rejected', Declined => 'rejected', Blocked => 'rejected',
			Busy => 'busy', 'Wrong Number' => 'failed', 'International Restricted' => 'failed', 'Internal Error' => 'failed',
			'Call Failed' => 'failed', 'Answered Elsewhere' => 'other', 'Something New' => 'other' },
		Outbound => { 'No Answer' => 'no_answer', 'Hang Up' => 'no_answer', 'Call connected' => 'answered' });
	for my $direction (sort keys %outcome) {
		for my $result (sort keys %{ $outcome{$direction} }) {
			is(after('outcome', event(0, state => 'final', direction => $direction, result => $result)),
				$outcome{$direction}{$result}, "$direction $result: $outcome{$direction}{$result}");
		}
	}
	is(after('outcome', event(0, direction => 'Inbound'), event(2, state => 'ended', result => 'Disconnected')), 'missed', 'no record, never connected, inbound: missed');
	is(after('outcome', event(0, direction => 'Outbound'), event(2, state => 'ended')), 'no_answer', 'outbound: no_answer');
	is(after('outcome', event(0, direction => 'Inbound', connected => 't', state => 'held'), event(2, state => 'ended')), 'answered', 'any sign of an answer: answered');
	is(after("coalesce(outcome, 'none')", event(0, state => 'ended', connected => 't'), event(1, state => 'connected')), 'none', 'a live call has none');
};

subtest 'one call under two session ids' => sub {
	my @live = (event(0, session_id => '7', telephony_session_id => 's-1', state => 'connected'),
		event(1, session_id => '7', telephony_session_id => 's-1', state => 'connected', logged_by => 'manual',
			request_id => 'save', note => 'mine', contact_id => 'p', contact_picked => 't'));
	my @record = (event(9, session_id => '3', telephony_session_id => 's-1', state => 'final', result => 'Accepted'));
	for my $order ([ @live, @record ], [ @record, @live ], [ $live[0], @record, $live[1] ]) {
		after('1', @$order);
		is(call("coalesce(merged_into, '-')", 7) . call("coalesce(merged_into, '-'), note, contact_id", 3), '3-|mine|p',
			'the record\'s row survives and takes note and contact');
		is($cluster->psql(q{SELECT string_agg(session_id || note, ' ') FROM call_log.notes}), '3mine', 'and the history');
		record($cluster, [ [ $live[1] ] ]);
		is($cluster->psql('SELECT count(*) FROM call_log.notes'), 1, 'a retry adds nothing after the merge');
	}
	my $id = call('id', 3);
	is(match('ann', '7', '3'), "1|$id|mine|p 2|$id|mine|p", 'a match on the merged id answers the survivor');
	is($cluster->psql('SELECT string_agg(session_id, \' \') FROM call_report.calls'), 3, 'reports skip the merged row');

	my @legs = (event(0, session_id => '20', state => 'final', direction => 'Inbound'),
		event(1, session_id => '30', state => 'connected', direction => 'Outbound', other_leg => '20'));
	for my $order ([@legs], [ reverse @legs ]) {
		after('1', @$order);
		is(call("coalesce(merged_into, '-')", 20) . call("coalesce(merged_into, '-')", 30), '30-', 'a RingOut call supersedes its other leg, in either order');
	}
	# the phone service changes its mind about the telephony session
	my @names = (event(0, session_id => '1', telephony_session_id => 's-1'), event(9, session_id => '1', telephony_session_id => 's-2'),
		event(0, session_id => '2', telephony_session_id => 's-1'));
	for my $order ([ 0, 1, 2 ], [ 0, 2, 1 ], [ 1, 2, 0 ]) {
		after('1', @names[@$order]);
		is(call("telephony_session_id, coalesce(merged_into, '-')", 1) . call('merged_into', 2), 's-2|-1',
			"a telephony session that any event named is enough, in order @$order");
	}
	my @twice = map { event(5, session_id => $_, logged_by => 'manual', request_id => 'same', note => "note $_") } 1, 2;
	after('1', @twice, map { event(9, session_id => $_, telephony_session_id => 's') } 1, 2);
	is(call('note', 1) . $cluster->psql(q{SELECT string_agg(session_id, ' ' ORDER BY session_id) FROM call_log.notes}), 'note 21 2',
		'one request sent for both of them spoils nothing');
	after('1', event(0, session_id => '1', other_leg => '2'), event(0, session_id => '2', other_leg => '1'));
	is(call("coalesce(merged_into, '-')", 1) . call("coalesce(merged_into, '-')", 2), '-1', 'two that name each other make no cycle');
	after('1', event(0, session_id => '1', telephony_session_id => 's', agent => 'ann'), event(0, session_id => '2', telephony_session_id => 's', agent => 'bob'));
	is($cluster->psql('SELECT count(*) FROM call_log.calls WHERE merged_into IS NULL'), 2, 'two agents\' rows are never merged');
};

subtest 'matching' => sub {
	$cluster->psql('TRUNCATE call_log.calls, call_log.notes');
	record($cluster, [ [ event(0, agent => 'ann', session_id => '5'), event(0, agent => 'bob', session_id => '5'),
		event(0, agent => 'ann', session_id => 's-9', telephony_session_id => 's-9', state => 'connected') ] ]);
	my %id = map { @$_ } $cluster->rows(q{SELECT agent || session_id, id FROM call_log.calls});
	is(match('ann', '5'), "1|$id{ann5}", 'an agent sees the own call');
	is(match('bob', '5'), "1|$id{bob5}", 'another agent another one of the same session id');
	is(match('cal', '5'), '', 'a third one none');
	is(match('ann', '4', '0', '5', '5'), "2|$id{'anns-9'} 3|$id{ann5} 4|$id{ann5}", '"0" is the agent\'s live call of that name');
	is(match('bob', '0'), '', 'and nobody else\'s');
	record($cluster, [ [ event(1, session_id => '8', telephony_session_id => 's-9', state => 'connected') ] ]);
	is(match('ann', '0', 's-9'), join(' ', map { "$_|" . call('id', 8) } 1, 2), 'also when another row stands for that');
	$cluster->psql(q{UPDATE call_log.calls SET note = 'by hand' WHERE session_id = '8'});
	is(match('ann', 's-9'), '1|' . call('id', 8) . '|by hand', 'a note changed by plain UPDATE is matched by the merged id');
	record($cluster, [ [ event(9, session_id => 's-9', state => 'ended') ] ]);
	is(match('ann', '0'), '', 'an ended one is not live');
};

subtest 'notes changed from elsewhere' => sub {
	after('1', event(5, state => 'final', logged_by => 'manual', request_id => 's1', note => 'first'));
	my $version = call('call_log.note_version(c)', 100);
	my $next = $cluster->psql("SELECT call_log.set_note('acme', 'ann', '100', 'second', '$version')");
	is(call('note, call_log.note_version(c)', 100), "second|$next", 'set_note changes the note and returns its version');
	my (undef, undef, $err) = $cluster->try_psql("\\set VERBOSITY verbose\nSELECT call_log.set_note('acme', 'ann', '100', 'third', '$version')");
	like($err, qr/CL001.*was changed meanwhile/, 'two people editing see a conflict');
	is(call('note', 100), 'second', 'and nothing is lost');
	like(($cluster->try_psql(q{SELECT call_log.set_note('acme', 'ann', '1', 'x')}))[2], qr/agent 'ann' has no call '1'/, 'an unknown call is an error');
	record($cluster, [ [ event(7, state => 'final', logged_by => 'manual', request_id => 's2', note => 'older than set_note') ] ]);
	is(call('note', 100), 'second', 'set_note ranks as a save');
	like($cluster->psql(q{LISTEN call_log; UPDATE call_log.calls SET note = 'by hand' WHERE session_id = '100'; SELECT call_log.set_note('acme', 'ann', '100', 'third')}),
		qr/^Asynchronous.*"session_id" : "100".*\n.*\nAsynchronous|^[0-9a-f]{64}\nAsynchronous/s, 'both ways of changing a note notify');
	is($cluster->psql(q{SELECT string_agg(note, ',' ORDER BY saved_at) FROM call_log.notes}), 'first,older than set_note,second,by hand,third', 'and are kept in the history');
	record($cluster, [ [ event(0, emitted_at => '2099-01-01 00:00+00', state => 'final', logged_by => 'manual', request_id => 's3', note => 'ahead') ] ]);
	$cluster->psql(q{SELECT call_log.set_note('acme', 'ann', '100', 'last')});
	is(call('note', 100), 'last', 'what is saved last wins over a clock that was ahead');
	$cluster->psql(q{UPDATE call_log.calls SET note = NULL});
	is(call("coalesce(note, 'none')", 100), 'none', 'a note can be taken away');
	record($cluster, [ [ event(0, emitted_at => '2099-02-01 00:00+00', state => 'final', logged_by => 'manual', request_id => 's4', note => 'by the widget') ] ]);
	is($cluster->psql('SELECT count(*) FROM call_log.notes WHERE request_id LIKE \'sql/%\''), 2, 'the write path does not fire the trigger');
};

subtest 'rights' => sub {
	$cluster->create_role('plugin', 'IN ROLE call_log_writer');
	$cluster->create_role('analyst', 'IN ROLE call_log_report');
	my $denied = sub { ($cluster->try_psql($_[1], user => $_[0]))[2] };
	is($cluster->psql('SELECT call_log.schema_version()', user => 'plugin'), $cluster->psql('SELECT call_log.schema_version()'), 'the writer reads the version');
	is(($cluster->try_psql(q{SELECT call_log.set_note('acme', 'ann', '100', 'by the plugin')}, user => 'plugin'))[0], 0, 'and changes a note');
	for my $forbidden ('DELETE FROM call_log.calls', 'DELETE FROM call_log.notes', 'UPDATE call_log.notes SET note = 1', 'TRUNCATE call_log.calls',
		'DROP TABLE call_log.calls', 'CREATE TABLE call_log.x ()', 'ALTER TABLE call_log.calls ADD x int') {
		like($denied->('plugin', $forbidden), qr/permission denied|must be owner/, "the writer cannot $forbidden");
	}
	is($cluster->psql('SELECT count(*) FROM call_report.calls', user => 'analyst'), 1, 'the analyst reads the views');
	$cluster->create_role('crm');
	$cluster->psql('GRANT USAGE ON SCHEMA call_log TO crm; GRANT SELECT, UPDATE (note) ON call_log.calls TO crm');
	is(($cluster->try_psql(q{UPDATE call_log.calls SET note = 'by the CRM'}, user => 'crm'))[2], '', 'the right to UPDATE note is all that a plain UPDATE needs');
	is($cluster->psql(q{SELECT count(*) FROM call_log.notes WHERE note = 'by the CRM'}), 1, 'and its history is kept');
	is($cluster->psql(q{SELECT string_agg(oid::regproc::text, ' ') FROM pg_proc WHERE pronamespace = 'call_log'::regnamespace
		AND proname NOT IN ('outcome', 'percentile', 'sorted', 'joined', 'covered_s', 'ratio', 'cell', 'iso_8601', 'own_reports_hold') AND has_function_privilege('public', oid, 'execute')}), '', 'nobody else runs our functions');
	like($denied->('plugin', 'CREATE TEMP TABLE t (LIKE call_log.calls); CREATE TRIGGER t BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION call_log.note_updated()'),
		qr/permission denied for function/, 'the writer cannot run the trigger as its owner');
	for my $forbidden ('SELECT 1 FROM call_log.calls', q{SELECT call_log.set_note('a','b','c','d')}, 'DELETE FROM call_report.calls') {
		like($denied->('analyst', $forbidden), qr/permission denied|cannot delete/, "but cannot $forbidden");
	}
};

done_testing;
