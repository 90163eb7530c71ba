# What the plugin's pages ask: an agent's own calls, newest first, found by what a
# person types; one call; a note saved against what was read; the auto-log switch.
use v5.32;
use warnings;
use utf8;
use lib 'tests/lib';
use Cluster;
use Driver;
use Feed qw(record);
use JSON::PP ();
use Process qw(wait_for);
use Test::More;
binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
$cluster->psql('CREATE ROLE plugin LOGIN IN ROLE call_log_writer');
my $driver = Driver->new;
is $driver->create(conninfo => $cluster->conninfo(user => 'plugin'), commit_deadline_ms => 3000), undef, 'created';
$driver->start;

# (status, data), or the data alone where it must be an answer.
sub ask { return $driver->question(@_) }

sub data {
	my ($status, $data) = ask(@_);
	is $status, 'OK', "$_[0] is answered" or diag $data if $status ne 'OK';
	return $data;
}
sub ids { map { $_->{sessionId} } @{ $_[0]{calls} } }
sub calls { return join ' ', ids(data('call_log/calls', @_)) }
sub call { return data('call_log/call', { sessionId => $_[0] }, @_[ 1 .. $#_ ]) }

sub set_note {
	my ($id, $note, $version, @who) = @_;
	return data('call_log/set-note', { sessionId => $id, note => $note, expectedVersion => $version }, @who);
}

# ---------------------------------------------------------------------- a list
is_deeply data('call_log/calls', {}), { calls => [], next => undef }, 'who has no calls has an empty list';
sub event {
	my ($id, %more) = @_;
	my %event = (session_id => $id, state => 'final', direction => 'Inbound', result => 'Accepted', duration_s => 61,
		from_number => '+16505550100', from_name => 'Zoë Brightwell', to_number => '+14155550101', to_name => 'Ann',
		started_at => '2026-03-02 10:00:00.123+00', %more);
	defined and utf8::encode($_) for values %event; # psql reads bytes
	return \%event;
}
my $odd = qq(<script>alert("x")</script> \$1 \\1 100% a_b 'q' Ünïcode 日本語);
record($cluster, [ [
	event(1),
	event(2, started_at => '2026-03-02 11:00+00', direction => 'Outbound', from_name => 'Ann', from_number => '+14155550101', to_name => 'Acme', to_number => '+442079460991',
		contact_id => 'k1', contact_name => 'Acme Ltd', contact_type => 'account', recording_link => 'https://r.test/?m=1', recording_id => 'r1'),
	event(3, started_at => '2026-03-02 12:00+00', result => 'Missed', from_name => undef, from_number => undef),
	event(4, started_at => '2026-03-02 12:00+00', logged_by => 'manual', note => $odd),
	event(5, started_at => undef, state => 'ringing', result => 'Ringing', duration_s => undef),
	event(6, agent => 'bob'), event(7, account => 'other') ] ]);
is calls({}), '5 4 3 2 1', 'calls come newest first, those without a start at the front, those of others not';
is calls({}, agent => 'bob'), '6', 'each agent has those of her own';
is calls({}, account => 'other'), '7', 'in each account';
my ($five, $four, undef, $two, $one) = @{ data('call_log/calls', {})->{calls} };
delete $one->{updatedAt};
like delete $one->{id}, qr/\A\d+\z/, 'a call has its short name, as text';
is_deeply $one, { sessionId => '1', direction => 'Inbound', number => '+16505550100', name => 'Zoë Brightwell',
	contactName => undef, startedAt => 1772445600123, durationS => 61, state => 'final', outcome => 'answered', note => undef,
	hasRecording => JSON::PP::false, loggedBy => 'auto' }, 'it says who called whom, when, how it ended';
is "$two->{number} $two->{name} $two->{contactName} $two->{hasRecording}", '+442079460991 Acme Acme Ltd 1',
  'of an outbound call number and name are those that were called';
is $four->{note}, $odd, 'hostile text comes as it is';
is $five->{startedAt}, undef, 'a start that is not known is null';

# -------------------------------------------------------------------- searching
for my $case (
	[ 'brightwell', '5 4 1', 'a name, in any case' ], [ 'ZOË', '5 4 1', 'also beyond ASCII' ],
	[ 'acme ltd', '2', 'a contact' ], [ '日本', '4', 'a note, in any script' ],
	[ '100%', '4', 'a percent sign is one' ], [ 'a_b', '4', 'as is an underscore' ], [ 'axb', '', 'which stands for nothing else' ],
	[ '%', '4', 'also alone' ], [ '\\1', '4', 'a backslash' ], [ '$1', '4', 'a dollar' ], [ "'q'", '4', 'a quote' ],
	[ '.*', '', 'a pattern is text' ], [ '<script>', '4', 'markup is text' ],
	[ '555 01', '5 4 3 2 1', 'digits of a number' ], [ '(650) 555-0100', '5 4 1', 'however they are written' ],
	[ '+44 20 7946', '2', 'with a plus' ], [ '0991', '2', 'its end' ], [ '99', '', 'two digits are too few for a number' ],
	[ '  brightwell ', '5 4 1', 'space around it is not looked for' ], [ '   ', '5 4 3 2 1', 'space alone is no search' ],
	[ '', '5 4 3 2 1', 'nothing is no search' ], [ undef, '5 4 3 2 1', 'nor is null' ], [ 'nobody', '', 'what is not there' ],
	[ "Ltd\nAcme", '', 'what is not in one field' ], [ 'x' x 100_000, '', 'what is far too long' ] )
{
	my ($search, $want, $name) = @$case;
	is calls({ search => $search }), $want, "found by: $name";
}
is calls({ search => 'brightwell', limit => 1 }), '5', 'a search has a limit, too';

# ---------------------------------------------------------------------- paging
sub pages {
	my ($body, @who) = @_;
	my (@all, $before);
	for (1 .. 200) {
		my $page = data('call_log/calls', { %$body, before => $before }, @who);
		push @all, join '+', ids($page);
		$before = $page->{next} or return join ' ', @all;
	}
	return 'without end';
}
is pages({ limit => $_->[0] }), $_->[1], "pages of $_->[0]"
  for [ 1, '5 4 3 2 1' ], [ 2, '5+4 3+2 1' ], [ 4, '5+4+3+2 1' ], [ 5, '5+4+3+2+1' ], [ 0, '5 4 3 2 1' ], [ -7, '5 4 3 2 1' ];
is pages({ limit => 2, search => 'brightwell' }), '5+4 1', 'a search has pages';
record($cluster, [ [ map { event("n$_", agent => 'cy', started_at => undef) } 1 .. 7 ],
		[ map { event("s$_", agent => 'cy') } 1 .. 7 ] ]);
is pages({ limit => 3 }, agent => 'cy'), 'n7+n6+n5 n4+n3+n2 n1+s7+s6 s5+s4+s3 s2+s1',
  'calls of one moment, and those of none, are each on one page';
is scalar(ids(data('call_log/calls', { limit => 1_000_000 }, agent => 'cy'))), 14, 'a limit is bounded';
for my $wrong ({ limit => 'x' }, { limit => 1.5 }, { limit => 99999999999 }, { before => { at => 'x', id => '1' } }, { before => 'x', limit => [] }) {
	my ($status, $said) = ask('call_log/calls', $wrong);
	is "$status: $said", 'BAD_REQUEST: the question is not understood', 'refused: ' . JSON::PP->new->canonical->encode($wrong);
}

# -------------------------------------------------------------------- one call
my $whole = call(2);
is_deeply [ @{ $whole->{call} }{qw(fromNumber toNumber contactId contactType recordingLink queueCall noteVersion)} ],
  [ '+14155550101', '+442079460991', 'k1', 'account', 'https://r.test/?m=1', undef, '' ], 'a call has all its facts';
is_deeply $whole->{call}{recordings}, [], 'of whose recording only the link is kept';
is_deeply $whole->{notes}, [], 'and no notes where none were saved';
is_deeply call('none'), { call => undef, notes => [] }, 'what is no call is null';
is_deeply call(6), { call => undef, notes => [] }, "nor is another agent's";
is_deeply call(7), { call => undef, notes => [] }, "or another account's";
is_deeply [ map { "$_->{elsewhere} $_->{note}" } @{ call(4)->{notes} } ], ["0 $odd"], 'a note that the widget saved is in the history';

# ----------------------------------------------------------------------- notes
my $version = call(1)->{call}{noteVersion};
my $saved = set_note(1, 'first', $version);
ok $saved->{saved} && $saved->{noteVersion} ne $version, 'a note is saved against the version that was read';
is $driver->match(['1'])->{1}[0]{note}, 'first', 'and the widget shows it';
my $conflict = set_note(1, 'second', $version);
ok !$conflict->{saved}, 'against an older version it is not';
my $held = call(1);
is_deeply $conflict->{conflict}, { note => 'first', noteVersion => $saved->{noteVersion}, savedAt => $held->{notes}[0]{savedAt} },
  'and what is there is shown';
is $held->{call}{note}, 'first', 'which stays';
is_deeply set_note(1, 'first', $version), { saved => JSON::PP::true, noteVersion => $saved->{noteVersion} },
  'the same note again is no conflict: the answer to the first may have been lost';
my $again = set_note(1, $odd, $saved->{noteVersion});
is call(1)->{call}{note}, $odd, 'any text is a note';
set_note(1, '', $again->{noteVersion});
is call(1)->{call}{note}, undef, 'an empty one erases it';
is_deeply [ map { $_->{note} } @{ call(1)->{notes} } ], [ '', $odd, 'first' ], 'the history has each, newest first';
is_deeply [ map { "$_->{elsewhere}" } @{ call(1)->{notes} } ], [ 1, 1, 1 ], 'and says that it was not the widget';
is_deeply set_note('none', 'x', ''), { saved => JSON::PP::false }, 'of what is no call nothing is saved';
is_deeply set_note(6, 'mine now', ''), { saved => JSON::PP::false }, "nor of another agent's";
is_deeply set_note(7, 'mine now', ''), { saved => JSON::PP::false }, "or another account's";
is $cluster->psql("SELECT count(*) FROM call_log.calls WHERE note = 'mine now'"), 0, 'which is not touched';
for my $wrong ({ sessionId => '1', expectedVersion => '' }, { sessionId => '1', note => undef, expectedVersion => '' },
	{ sessionId => '1', note => 'x' }, { note => 'x', expectedVersion => '' }, { sessionId => [1], note => 'x', expectedVersion => '' },
	{ sessionId => '2', note => 'x' x 65537, expectedVersion => '' }) {
	is +(ask('call_log/set-note', $wrong))[0], 'BAD_REQUEST', 'refused: ' . substr(JSON::PP->new->canonical->encode($wrong), 0, 60);
}
is call(1)->{call}{note}, undef, 'none of which changed anything';
ok set_note(2, 'x' x 65536, '')->{saved}, 'a note may be as long as those of the widget';

# ------------------------------------------------------------- the auto-log switch
my $hour = 3_600_000;
my $now = 1000 * time;
sub switch_on {
	my ($on, $at, @who) = @_;
	return ($driver->call({ type => 'rc-callLogger-auto-log-notify', autoLog => $on },
			path => 'rc-callLogger-auto-log-notify', sent_at => $at, @who))[0];
}
sub setting { JSON::PP->new->allow_nonref->encode(data('call_log/settings', {}, @_)->{autoLog}) }
is setting(), 'null', 'of a switch that nobody touched nothing is known';
is switch_on(JSON::PP::true, $now - $hour), 'OK', 'an agent switches auto log on';
is setting(), 'true', 'which is kept';
is setting(agent => 'bob') . setting(account => 'other'), 'nullnull', 'for that agent alone';
switch_on(JSON::PP::false, $now - 2 * $hour);
is setting(), 'true', 'what an older message says does not count';
switch_on(JSON::PP::false, $now - $hour + 1);
is setting(), 'false', 'the newest does';
switch_on(JSON::PP::true, $now + 1000 * $hour);
is setting(), 'true', 'one from a clock that is ahead counts';
wait_for('the moment after', sub { switch_on(JSON::PP::false, 0); setting() eq 'false' });
pass 'and not for ever';
is switch_on($_, 0), 'BAD_REQUEST', 'refused: a switch that is ' . JSON::PP->new->allow_nonref->encode($_) for 'on', undef, 1;

# ------------------------------------------------------- events of several processes
my $cursor = data('call_log/events', {})->{cursor};
sub events {
	my ($after, @who) = @_;
	my $data = data('call_log/events', { after => $after }, @who);
	my @ids = map { $_->{type} eq 'rc-adapter-trigger-call-logger-match' ? @{ $_->{sessionIds} } : 'no trigger' } @{ $data->{messages} };
	return wantarray ? ($data->{cursor}, join(' ', sort @ids), $data) : join ' ', sort @ids;
}
is events(''), '', 'without a cursor there is nothing yet';
is events($cursor), '', 'nor where nothing happened';
set_note(3, 'from the desk', '');
my ($next, $told) = events($cursor);
is $told, '3', 'a note that a page saved is told';
is events($next), '', 'once';
is events($cursor), '3', 'to each that asks';
$cluster->psql("UPDATE call_log.calls SET note = 'sql' WHERE session_id IN ('1', '6', '7')");
is events($next), '1', 'so is one changed by SQL';
is events($next, agent => 'bob') . events($next, account => 'other'), '67', "and other agents' are told to them";
# Two that save at once: the one that began first commits last.
$cluster->psql('CREATE EXTENSION dblink');
my (undef, $between) = split /\|/, $cluster->psql(sprintf <<~'SQL', $cluster->conninfo);
	SELECT dblink_connect('slow', '%s') \g /dev/null
	SELECT dblink_exec('slow', $$BEGIN; UPDATE call_log.calls SET note = 'late' WHERE agent = 'ann' AND session_id = '5'$$) \g /dev/null
	UPDATE call_log.calls SET note = 'soon' WHERE agent = 'ann' AND session_id = '4';
	SELECT call_log.desk('call_log/events', 'acme', 'ann', now(), jsonb_build_object('after', ''))->>'cursor' AS c \gset
	SELECT dblink_exec('slow', 'COMMIT') \g /dev/null
	SELECT :'c' || '|' || (call_log.desk('call_log/events', 'acme', 'ann', now(), jsonb_build_object('after', :'c'))->>'messages') || '|';
	SQL
like $between, qr/"sessionIds": \["5"\]/, 'what was saved before a page asked and committed after is told the next time, alone';
for my $wrong ('x', '1/2', "$cursor,x", $cursor =~ s/^\S+/other/r, $cursor =~ s/ \S+$/ 99999999999:99999999999:/r) {
	my ($next, undef, $data) = events($wrong);
	ok $data->{gap} && $next, "of the cursor $wrong it is said that something may be missing";
}
my $yesterday = $cursor =~ s/ (\d+) / ' ' . ($1 - 86_400_000_000) . ' '/er;
ok +(events($yesterday))[2]{gap}, 'as of one that is older than what is kept';
$cluster->psql("SELECT call_log.set_note('acme', 'cy', session_id, 'many') FROM call_log.calls WHERE agent = 'cy'");
record($cluster, [ [ map { event("m$_", agent => 'dee') } 1 .. 250 ] ]);
($cursor) = events('', agent => 'dee');
$cluster->psql("UPDATE call_log.calls SET note = 'many' WHERE agent = 'dee'");
my (undef, $many, $data) = events($cursor, agent => 'dee');
is scalar(split / /, $many), 250, 'many calls are told';
is_deeply [ map { scalar @{ $_->{sessionIds} } } @{ $data->{messages} } ], [ 100, 100, 50 ], '100 a message';

# What processes leave there, that cannot reach the page.
sub leave {
	my ($agent, @ids) = @_;
	my $ids = "ARRAY['" . join("','", @ids) . "']";
	$cluster->psql("SELECT call_log.trigger_calls(array_fill('acme'::text, ARRAY[cardinality($ids)]), array_fill('$agent'::text, ARRAY[cardinality($ids)]), $ids)");
}
my ($all) = $cluster->psql('SELECT next_cursor FROM call_log.changes_since(NULL)');
($cursor) = events('');
leave(ann => qw(8 9 8 3));
set_note(3, 'by both', call(3)->{call}{noteVersion});
is events($cursor), '3 8 9', 'what a process left for an agent is told with the notes, each call once';
is events($cursor, agent => 'bob'), '', 'to nobody else';
is $cluster->psql("SELECT string_agg(session_id, ' ') FROM call_log.changes_since('$all')"), '3', 'listeners of all agents are told of notes alone';
leave(ann => map { "old$_" } 1 .. 20);
$cluster->psql("UPDATE call_log.triggers SET told_at = now() - interval '25 hours'");
leave(ann => 'new');
is $cluster->psql("SELECT count(*) FROM call_log.triggers WHERE told_at < now() - interval '1 day'"), 11, 'what is a day old goes, a few at a time';
leave(ann => 'newer');
is $cluster->psql('SELECT string_agg(session_id, $$ $$ ORDER BY xid) FROM call_log.triggers'), 'new newer', 'until none is left';
is +($cluster->try_psql('DELETE FROM call_log.triggers', user => 'plugin'))[0] != 0, 1, 'the plugin itself may delete nothing';

# -------------------------------------------------------- the database is away
is +(ask('call_log/calls', {}))[0], 'OK', 'answered';
$cluster->restart('immediate');
is +(ask('call_log/calls', {}))[0], 'OK', 'a server that was started anew meanwhile is asked again';
$cluster->stop('immediate');
my @refused = map { [ ask('call_log/calls', {}) ] } 1 .. 20;
is_deeply { map { $_->[0] => 1 } @refused }, { BUSY => 1 }, 'while the database is away pages are told to try again';
like $refused[0][1], qr/database is away/, 'and why';
my @sorted = sort { $a <=> $b } map { $_->[2] } @refused;
cmp_ok $sorted[10], '<', 1000, 'at once';
is +(ask('call_log/set-note', { sessionId => '1', note => 'x', expectedVersion => '' }))[0], 'BUSY', 'a note is not saved then';
$cluster->start;
wait_for('pages to be answered', sub { (ask('call_log/calls', {}))[0] eq 'OK' });
pass 'and are answered when it is back';

# ------------------------------------------- a process that cannot post keeps it
$driver->mute;
($cursor) = events('');
$cluster->stop('immediate');
is_deeply $driver->match(['never seen']), {}, 'a match is answered without knowing';
$cluster->start;
wait_for('the call to be told', sub { events($cursor) =~ /never seen/ });
pass 'in a host that cannot post, the page that asks is told to ask for the call again';
is scalar(grep { $_->{sessionIds}[0] eq 'never seen' } $driver->posts), 0, 'and nothing is posted';
$cluster->psql("UPDATE call_log.calls SET note = 'heard' WHERE agent = 'ann' AND session_id = '2'");
wait_for('it to be told', sub { events($cursor) =~ /\b2\b/ });
is $cluster->psql("SELECT count(*) FROM call_log.triggers WHERE session_id = '2' AND told_at > now() - interval '1 minute' AND agent = 'ann'"), 0,
  'what the database told itself is not kept twice';

# ----------------------------------------------------------------- many calls
record($cluster, [ [ map { event("h$_", agent => 'hal', started_at => '2026-03-02 10:00:00+00') } 1 .. 10 ] ]);
$cluster->psql(<<~'SQL');
	INSERT INTO call_log.calls (account, agent, session_id, direction, from_number, from_name, started_at, state, logged_by, connected, last_event_at, rank, ranks)
	SELECT 'acme', 'a' || n % 20, 'b' || n, 'Inbound', '+1650' || n, 'Somebody ' || n, timestamptz '2026-01-01' + n * interval '1 minute',
	       'final', 'auto', true, now(), '\x00', jsonb_populate_record(NULL::call_log.fact_ranks, '{}')
	FROM generate_series(1, 100000) n;
	ANALYZE call_log.calls;
	SQL
# What a question reads: sequential scans, rows of calls by any index.
sub reads {
	my ($question) = @_;
	my $sum = <<~'SQL';
		SELECT pg_stat_get_xact_numscans('call_log.calls'::regclass), sum(pg_stat_get_xact_tuples_returned(indexrelid))
		FROM pg_index WHERE indrelid = 'call_log.calls'::regclass;
		SQL
	my $out = $cluster->psql("BEGIN; SELECT length(call_log.desk($question)::text); $sum COMMIT;");
	my (undef, $counts) = split /\n/, $out;
	return split /\|/, $counts;
}
my $of = "'acme', 'a7', now()";
my ($scans, $rows) = reads("'call_log/calls', $of, '{}'");
is $scans, 0, 'a list of calls among 100,000 is not looked for in the table';
cmp_ok $rows, '<', 500, 'and reads few of the 5,000 of the agent';
my $before = '{"before":{"at":"2026-01-20 00:00:00+00","id":"b1"}}';
($scans, $rows) = reads("'call_log/calls', $of, '$before'");
is $scans, 0, 'nor is a later page';
cmp_ok $rows, '<', 500, 'which begins where it begins';
($scans, $rows) = reads("'call_log/calls', $of, '{\"search\":\"no such\"}'");
is $scans, 0, 'a search that finds nothing';
cmp_ok $rows, '<=', 5500, 'reads the calls of the agent alone';
($scans, $rows) = reads("'call_log/call', $of, '{\"sessionId\":\"b7\"}'");
ok $scans == 0 && $rows < 10, 'one call is read alone';
is scalar(ids(data('call_log/calls', { search => 'somebody 9', limit => 200 }, agent => 'a7'))), 200, 'and all of it is right';

is +($driver->stop(5000))[0], 'OK', 'stopped';
$driver->destroy;
is $driver->quit, 0, 'the process ends well';
done_testing;
