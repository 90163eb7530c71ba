# The rows of recordings through all that happens to their calls: rows that are one
# call are united and lose none, whatever facts win; what is erased or purged takes its
# recordings along, also while somebody is about to fetch one; reports and the desk
# tell of each.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Feed qw(record);
use JSON::PP;
use Process qw(wait_for);
use Test::More;

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
$cluster->psql(q{CREATE ROLE plugin LOGIN IN ROLE call_log_writer; UPDATE call_log.settings SET report_time_zone = 'Asia/Tokyo'});
my $serial = 0;
my $minutes = 0;
sub event {
	my ($id, %more) = @_;
	return { session_id => $id, request_id => 'r' . ++$serial, hash => $serial, state => 'final', direction => 'Inbound', result => 'Accepted', duration_s => 60,
		from_number => '+1650', to_number => '101', started_at => '2026-03-02 16:00+00', emitted_at => sprintf('2026-03-02 17:%02d+00', ++$minutes % 60), %more };
}
# As the write path does: the calls, and in the same transaction which recordings they tell of.
sub told {
	for my $event (@_) {
		record($cluster, [ [ $event ] ]);
		my $of = join ', ', map { defined $event->{$_} ? "ARRAY['$event->{$_}']" : 'ARRAY[NULL]::text[]' } qw(session_id recording_id);
		my $agent = $event->{agent} // 'ann';
		$cluster->psql("SELECT call_log.record_recordings('{acme}', '{$agent}', $of)", user => 'plugin');
	}
}
sub column { my ($what, $where) = @_; return $cluster->psql("SELECT string_agg($what, ' ' ORDER BY agent, recording_id) FROM call_log.recordings WHERE " . ($where // 'true')) }
sub kept { return column('recording_id', 'erase_at IS NULL') }
sub stored {
	my ($agent, $id, $bytes) = @_;
	my ($verdict, $name) = split /\|/, $cluster->psql("SELECT * FROM call_log.claim_recording('acme', '$agent', '', '$id', '60 s')", user => 'plugin');
	is($verdict, 'claimed', "$id is fetched");
	my $settle = sub { $cluster->psql("SELECT call_log.settle_recording('acme', '$agent', '$id', 'stored', NULL, 'audio/mpeg', $bytes, sha256('$id'), '$_[0].mp3')", user => 'plugin') };
	is($settle->("$name-another"), 'f', 'not as the file of a row that there was');
	is($settle->($name) . $settle->($name), 'tt', 'but as its own, also when that is said twice');
}
sub desk {
	my ($session) = @_;
	my $answer = decode_json($cluster->psql(qq(SELECT call_log.desk('call_log/call', 'acme', 'ann', now(), '{"sessionId": "$session"}'))));
	return join ' ', map { join '/', $_->{state}, $_->{type} // '-', $_->{bytes} // '-', $_->{storedAt} ? 'at' : '-', $_->{error} // '-' } @{ $answer->{call}{recordings} };
}

# -------------------------------------------------------------------- united
told(event('a', recording_id => 'r1', recording_link => 'https://l/1'));
stored(ann => 'r1', 1000);
# a newer record of the call has a link alone, which wins
told(event('a', recording_link => 'https://l/2', duration_s => 61));
is($cluster->psql(q{SELECT recording_id IS NULL FROM call_log.calls WHERE session_id = 'a'}), 't', 'a fact that another takes the place of');
is(kept(), 'r1', 'does not take the recording along');
told(event('b', telephony_session_id => 't', recording_id => 'r2'));
told(event('c', telephony_session_id => 't', recording_link => 'https://l/3', duration_s => 90));
told(event('c', telephony_session_id => 't', recording_id => 'r3', duration_s => 91), event('b', telephony_session_id => 't', recording_id => 'r2', duration_s => 92));
is($cluster->psql(q{SELECT count(*) FILTER (WHERE merged_into IS NULL) || ' of ' || count(*) FROM call_log.calls WHERE session_id IN ('b', 'c')}), '1 of 2', 'two rows become one call');
is(kept(), 'r1 r2 r3', 'and none of its recordings is lost');
told(event('c', telephony_session_id => 't', recording_id => 'r2'));
is(column('session_id || recording_id', q{session_id IN ('b', 'c')}), 'br2 cr3', 'one that both tell of is one');
is(desk('b'), desk('c'), 'it has the same by each of its names');
is(desk('b'), 'waiting/-/-/-/- waiting/-/-/-/-', 'all of them');
sub ends { my ($id, $state) = @_; $cluster->psql("SELECT call_log.settle_recording('acme', 'ann', '$id', '$state', 'localhost: status 404', NULL, NULL, NULL, NULL)", user => 'plugin') }
sub rare { return column('asks::text', q(recording_id = 'r2' AND NOT call_log.recording_is_due(recordings))) }
for (qw(expired failed)) {
	$cluster->psql(q{UPDATE call_log.recordings SET asks = 0 WHERE recording_id = 'r2'});
	ends(r2 => $_);
	$cluster->psql(q{UPDATE call_log.recordings SET state_at = now() - interval '30 min' WHERE recording_id = 'r2'});
	is(column('state', q(recording_id = 'r2')) . ' ' . rare(), 'waiting 10', "what is $_ within a day waits, and is asked for rarely");
}
$cluster->psql(q{UPDATE call_log.recordings SET created_at = created_at - interval '25 hours', attempts = 1000 WHERE recording_id = 'r2'});
ends(r2 => 'waiting');
is(column('state', q(recording_id = 'r2')), 'waiting', 'attempts are made as long as an address can come');
ends(r2 => 'expired');
stored(ann => 'r3', 500);
is(desk('c'), 'expired/-/-/-/localhost: status 404 stored/audio/mpeg/500/at/-', 'and says what became of each');
is(desk('a'), 'stored/audio/mpeg/1000/at/-', 'as of the other call');

# ------------------------------------------------------------------- reports
told(event('d', started_at => '2026-03-02 14:00+00', recording_id => 'r4', from_number => '+1999'), event('e', started_at => undef, recording_id => 'r5', from_number => '+1999'));
told(event('b', agent => 'bob', telephony_session_id => 't', recording_id => 'r2'));
my $reported = 'SELECT agent, day, answered, recorded, stored, waiting, expired, failed, bytes FROM call_%s.recorded ORDER BY agent, day';
my $today = $cluster->psql(q{SELECT (now() AT TIME ZONE 'Asia/Tokyo')::date});
my $of_ann = "ann|2026-03-02|1|1|0|1|0|0|0\nann|2026-03-03|2|2|2|0|1|0|1500\nann|$today|1|1|0|1|0|0|0";
is($cluster->psql(sprintf $reported, 'report'), "$of_ann\nbob|2026-03-03|1|1|0|1|0|0|0", 'the report counts each on the day of its call, in the reports\' time zone');
$cluster->psql(q{CREATE ROLE ann LOGIN IN ROLE call_log_reader; INSERT INTO call_log.readers (reader, account, agent) VALUES ('ann', 'acme', 'ann')});
is($cluster->psql((sprintf $reported, 'own'), user => 'ann'), $of_ann, 'and to an agent her own');
$cluster->psql('CALL call_log.rebuild_reports()');
is($cluster->psql((sprintf $reported, 'own'), user => 'ann'), $of_ann, 'also when all is counted');

# -------------------------------------------------------------------- erased
my $claim = q{SELECT verdict FROM call_log.claim_recording('acme', 'ann', 'f', 'r6', '60 s')};
record($cluster, [ [ event('f', recording_id => 'r6') ] ]);
$cluster->psql(q{SELECT call_log.erase_number('acme', '+1650')});
my $eraser = $cluster->session(q{BEGIN; SELECT call_log.erase_number('acme', '+1650'); CREATE TABLE go (); DROP TABLE go; DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'fetcher' AND wait_event_type = 'Lock') LOOP PERFORM pg_stat_clear_snapshot(); PERFORM pg_sleep(0.01); END LOOP; END $$; COMMIT;}, application_name => 'eraser');
wait_for('the erasure to hold the call', sub { $cluster->psql(q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'eraser' AND query LIKE 'DO %'}) });
my $fetcher = $cluster->session("SET ROLE plugin; $claim;", application_name => 'fetcher');
wait_for('both', sub { !grep { $_->running } $eraser, $fetcher });
is($fetcher->log_text, '', 'whoever is about to fetch a recording waits for one who erases its call, and does not');
$cluster->psql(q{CALL call_log.erase_person('acme', number => '+1650')});
is(kept(), 'r4 r5', 'with a number all recordings of its calls are erased, of all names, of all agents');
is(column('agent || recording_id', 'erase_at IS NOT NULL'), 'annr1 annr2 annr3 bobr2', 'which is marked, until their files are gone');
is(desk('c'), '', 'and not shown any more');
told(event('b', telephony_session_id => 't', recording_id => 'r7', duration_s => 93), event('g', telephony_session_id => 't', recording_id => 'r8'));
is(kept(), 'r4 r5', 'nor does anything that comes late bring one back');
is($cluster->psql($claim, user => 'plugin'), '', 'nor who has its address');
$cluster->psql("SELECT call_log.hold_recording('acme', 'ann', 'r4', '1 h')", user => 'plugin');

my $swept = sub { $cluster->psql(q{SELECT kind || coalesce(agent, '') || coalesce(recording_id, bytes::text) FROM call_log.sweep_recordings(NULL) WHERE kind <> 'ask' ORDER BY 1}, user => 'plugin') };
is($swept->(), "bytes1500\neraseannr1\neraseannr2\neraseannr3\nerasebobr2", 'who fetches is told which files to delete');
$cluster->psql("SELECT call_log.forget_recording('acme', '$_->[0]', '$_->[1]')", user => 'plugin') for [ ann => 'r1' ], [ ann => 'r4' ];
is(column('recording_id'), 'r2 r3 r4 r5 r2', 'the row goes then, and only one that is to be erased');
like(($cluster->try_psql('DELETE FROM call_log.recordings', user => 'plugin'))[2], qr/permission denied/, 'the plugin cannot delete others');

# -------------------------------------------------------------------- purged
told(event('h', started_at => $cluster->psql(q{SELECT now() - interval '3 days'}), recording_id => 'r9', from_number => '+1999'));
1 while $cluster->psql(q{SELECT call_log.purge('acme', now() - interval '8 days')}, user => 'plugin');
is(kept(), 'r5 r9', 'what is purged takes its recordings along');
is($cluster->psql(q{SELECT sum(stored + waiting + expired + failed), sum(bytes), sum(recorded) FROM call_report.recorded WHERE day < '2026-03-10'}), '0|0|5', 'of those days the report tells what was recorded, and that nothing is kept');
$cluster->psql(q{SELECT call_log.sweep_recordings('1 day')});
is(kept(), 'r5 r9', 'nothing is too old');
$cluster->psql(q{UPDATE call_log.recordings SET created_at = created_at - interval '40 days' WHERE recording_id = 'r9'; SELECT call_log.sweep_recordings('30 days')});
is(kept(), 'r5', 'what is older than recordings are kept for is erased, its call not');
is($cluster->psql(q{SELECT count(*) FROM call_log.calls WHERE session_id = 'h' AND erased_at IS NULL}), 1, 'which stays');

# ---------------------------------------------------------------- many at once
# 25 that the widget gives no address of, then one that it does
$cluster->psql(q{INSERT INTO call_log.recordings (account, agent, session_id, recording_id, state_at)
	SELECT 'acme', 'dan', n::text, to_char(n, 'FM00'), now() - interval '1 min' * (100 - n) FROM generate_series(1, 26) AS n});
my $wanted = sub { return join ' ', map { $_->{recordingId} } @{ decode_json($cluster->psql(q{SELECT call_log.wanted_recordings('acme', 'dan')}, user => 'plugin'))->{wanted} } };
is($wanted->(), join(' ', '01' .. '20'), 'a page is asked for 20 at once');
is($wanted->(), join(' ', '21' .. '26'), 'and then for the others, also when nothing came of the first');
is($wanted->(), '', 'and for none again at once');
my $back = sub { $cluster->psql("UPDATE call_log.recordings SET asked_at = asked_at - interval '$_[0]', state_at = now() - interval '1 day', asks = $_[1] WHERE agent = 'dan'") };
$back->('5 s', 1);
is($wanted->(), join(' ', '01' .. '20'), 'but soon');
$back->('30 min', 50);
is($wanted->(), '', 'later rarely');
$back->('5 min', 50);
is(scalar(split / /, $wanted->()), 20, 'every half an hour or so');
is($cluster->psql(q{SELECT verdict, asks FROM call_log.claim_recording('acme', 'dan', '1', '01', '60 s'), call_log.recordings WHERE agent = 'dan' AND recording_id = '01'}, user => 'plugin') =~ /^claimed/
	&& column('asks::text', q(agent = 'dan' AND recording_id = '01')), 0, 'until an address comes');

my $state = sub { return $cluster->psql(q{SELECT count(*) FILTER (WHERE state = 'expired') || ' ' || count(erase_at) FROM call_log.recordings WHERE agent = 'eve'}) };
my $sweep = sub { return $cluster->psql("SELECT string_agg(DISTINCT kind || coalesce(bytes::text, ''), ' ') FROM call_log.sweep_recordings($_[0]) WHERE kind <> 'erase'", user => 'plugin') };
$cluster->psql(q{INSERT INTO call_log.recordings (account, agent, session_id, recording_id, created_at) SELECT 'acme', 'eve', n::text, n::text, now() - interval '9 days' FROM generate_series(1, 1500) AS n});
like($sweep->('NULL'), qr/^bytes\d+ more$/, 'what is more than a statement can do');
is($state->(), '1000 0', 'is given up by a thousand');
unlike($sweep->('NULL'), qr/more/, 'and the rest');
is($state->(), '1500 0', 'the next time');
like($sweep->(q('8 days', false)), qr/bytes more$/, 'so is the retention, and bytes are counted for who asks');
is($state->(), '1500 1000', 'a thousand are to be erased');
$sweep->(q('8 days'));
is($state->(), '1500 1500', 'and the others next');

# Hosts of one database may disagree on whether there is room.
$cluster->psql(q{INSERT INTO call_log.recordings (account, agent, session_id, recording_id) SELECT 'acme', 'fay', n::text, n::text FROM generate_series(1, 1500) AS n});
my $waiting = $cluster->psql(q{SELECT count(*) FROM call_log.recordings WHERE state = 'waiting' AND erase_at IS NULL});
my $told = sub { return $cluster->psql(q{SELECT count(*) FROM call_log.recordings WHERE last_error = 'waits: the disk is full'}) };
like($sweep->(q(NULL, true, 'the disk is full')), qr/^ask bytes\d+$/, 'that rows are told what they wait for keeps nobody from asking for addresses');
is($told->(), 1000, 'a thousand of them');
$sweep->(q(NULL, true, 'the disk is full'));
is($told->(), $waiting, 'and all in the end');
$sweep->('NULL');
is($told->(), $waiting, 'who does not know leaves them alone');
like($sweep->(q(NULL, true, '')), qr/^bytes\d+ more$/, 'when there is room again');
is($told->(), $waiting - 1000, 'it is taken back');
$sweep->(q(NULL, true, '')) for 1 .. 2;
is($told->(), 0, 'from all');

$cluster->psql(q{UPDATE call_log.recordings SET name = '2026-11/' || recording_id, last_error = 'status 404' WHERE agent = 'fay'});
$cluster->psql(q{INSERT INTO call_log.recordings (account, agent, session_id, recording_id, state, media_type, bytes, sha256, path, stored_at)
	VALUES ('acme', 'guy', '1', '1', 'stored', 'audio/mpeg', 1, sha256(''), '2026-11/guy.mp3', now());
	INSERT INTO call_log.recordings (account, agent, session_id, recording_id, name) SELECT 'acme', 'guy', n::text, n::text, '2026-11/' || n FROM generate_series(2, 30) AS n});
is($cluster->psql('SELECT path FROM call_log.some_recordings() LIMIT 1', user => 'plugin'), '2026-11/guy.mp3', 'a folder is known by what is stored, not by what was begun: that may be gone again');
done_testing;
