# The reports, on a few days of calls that can be counted by eye: agents see their
# parts, teams and the company each call once; days are those of the reports' time
# zone, also when clocks change.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Cluster;
use Feed qw(record);

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
is($cluster->psql('SELECT report_time_zone FROM call_log.settings'), 'UTC', 'the reports\' time zone is the server\'s at first');
ok((($cluster->try_psql(q{UPDATE call_log.settings SET report_time_zone = 'Europe/Bern'}))[2]) =~ /check constraint/, 'one that does not exist is refused');
$cluster->psql(<<~'SQL');
	UPDATE call_log.settings SET report_time_zone = 'Europe/Berlin';
	INSERT INTO call_log.teams VALUES ('acme', 'ann', 'north'), ('acme', 'bob', 'north'), ('acme', 'cyd', 'south');
	SQL

# A day's figures as text, what is not there as "-". Each view is to be asked.
my %asked;
sub lines { my ($sql, @option) = @_; $asked{$1} = 1 while $sql =~ /\bFROM (\w+)/g; return $cluster->psql("SET search_path = call_report; $sql", arguments => [ '-P', 'null=-' ], @option) }
sub call {
	my ($session_id, $agent, $local, $direction, $result, $duration, %more) = @_;
	return { session_id => $session_id, agent => $agent, started_at => "$local Europe/Berlin", direction => $direction,
		state => 'final', result => $result, duration_s => $duration, emitted_at => '2026-03-02 10:00+00', %more };
}
sub inbound { my ($id, $agent, $at, $from, $result, $s, %more) = @_; return call($id, $agent, $at, 'Inbound', $result, $s, from_number => $from, %more) }
sub outbound { my ($id, $agent, $at, $to, $result, $s, %more) = @_; return call($id, $agent, $at, 'Outbound', $result, $s, to_number => $to, %more) }
sub batches { return [ map { [$_] } @_ ] }

# ------------------------------------------------------------ an ordinary day
my $monday = '2026-03-02';
record($cluster, batches(
	inbound(1, 'ann', "$monday 10:00", '+49301', 'Accepted', 100, logged_by => 'manual', note => 'n', request_id => 'r', recording_id => 'rec', recording_link => 'http://r', contact_id => 'c-1', contact_name => 'Ada', contact_picked => 't'),
	outbound(2, 'ann', "$monday 10:10", '+49302', 'Call connected', 200),
	inbound(3, 'ann', "$monday 10:30", '+49311', 'Missed', 20),
	inbound(4, 'ann', "$monday 11:00", '+49312', 'Voicemail', 15, recording_id => 'message'),
	outbound(5, 'ann', "$monday 11:10", '+49303', 'No Answer', 30),
	inbound(6, 'ann', "$monday 11:20", '+49304', 'Rejected', 0),
	# begun before midnight, ended after
	inbound(7, 'ann', "$monday 23:50", '+49305', 'Accepted', 1200),
	# live, by now stuck
	inbound(8, 'bob', "$monday 12:00", '+49306', undef, 30, state => 'connected', connected => 't'),
	# ann calls bob
	outbound(9, 'ann', "$monday 13:00", '102', 'Call connected', 60),
	inbound(9, 'bob', "$monday 13:00", '101', 'Accepted', 60),
	# ann transfers to bob
	inbound(10, 'ann', "$monday 14:00", '+49307', 'Accepted', 30),
	inbound(10, 'bob', "$monday 14:00:30", '+49307', 'Accepted', 90),
	# a queue call rings at three and is answered by one
	inbound(11, 'ann', "$monday 15:00", '+49308', 'Missed', 10, queue_call => 't'),
	inbound(11, 'bob', "$monday 15:00", '+49308', 'Answered Elsewhere', 10, queue_call => 't'),
	inbound(11, 'cyd', "$monday 15:00", '+49308', 'Accepted', 40, queue_call => 't'),
	# and one by nobody; the end at dan's was never told
	inbound(12, 'ann', "$monday 15:30", '+49314', 'Missed', 10, queue_call => 't'),
	inbound(12, 'bob', "$monday 15:30:02", '+49314', 'Missed', 10, queue_call => 't'),
	inbound(12, 'dan', "$monday 15:30", '+49314', undef, 0, state => 'ringing', queue_call => 't'),
	# a RingOut leg that was superseded counts for nothing
	outbound(13, 'dan', "$monday 16:00", '+49309', 'Call connected', 5, other_leg => '14'),
	outbound(14, 'dan', "$monday 16:00", '+49309', 'Call connected', 500)));

is(lines('SELECT agent, calls, inbound, outbound, live, ended, answered, missed, voicemail, rejected, no_answer, other FROM agent_day ORDER BY day, agent'),
	<<~'END' =~ s/\n\z//r, 'an agent\'s day counts the agent\'s parts');
	ann|11|8|3|0|11|5|3|1|1|1|0
	bob|5|5|0|1|4|2|1|0|0|0|1
	cyd|1|1|0|0|1|1|0|0|0|0|0
	dan|2|1|1|1|1|1|0|0|0|0|0
	END
is(lines('SELECT agent, talk_total_s, talk_average_s, talk_median_s, talk_p90_s, answered_pct, inbound_ended, inbound_answered, inbound_answered_pct, with_note, with_note_pct, by_hand FROM agent_day ORDER BY day, agent'),
	<<~'END' =~ s/\n\z//r, 'with talk time of answered calls only, and percentages of what stands beside them');
	ann|1590|318.0|100.0|800.0|45.5|8|3|37.5|1|9.1|1
	bob|150|75.0|75.0|87.0|50.0|4|2|50.0|0|0.0|0
	cyd|40|40.0|40.0|40.0|100.0|1|1|100.0|0|0.0|0
	dan|5|5.0|5.0|5.0|100.0|0|0|-|0|0.0|0
	END
is(lines('SELECT * FROM recorded ORDER BY agent'), <<~'END' =~ s/\n\z//r, 'recorded: of answered calls');
	acme|ann|2026-03-02|5|1|20.0|0|0|0|0|0
	acme|bob|2026-03-02|2|0|0.0|0|0|0|0|0
	acme|cyd|2026-03-02|1|0|0.0|0|0|0|0|0
	acme|dan|2026-03-02|1|0|0.0|0|0|0|0|0
	END
is(lines('SELECT day, calls, inbound, outbound, internal, live, answered, missed, voicemail, rejected, no_answer, other, talk_total_s, talk_median_s FROM company_day'),
	'2026-03-02|13|9|3|1|1|7|2|1|1|1|0|1725|100.0', 'for the company a call is one, whoever had it, its talk time counted once');
is(lines('SELECT team, calls, inbound, outbound, internal, live, answered, missed, voicemail, rejected, no_answer, other, talk_total_s FROM team ORDER BY team'),
	<<~'END' =~ s/\n\z//r, 'for each team too');
	north|12|9|2|1|1|5|3|1|1|1|0|1680
	south|1|1|0|0|0|1|0|0|0|0|0|40
	-|2|1|1|0|1|1|0|0|0|0|0|5
	END
is(lines('SELECT outcome, calls, ended, ended_pct FROM outcome ORDER BY outcome'), <<~'END' =~ s/\n\z//r, 'outcomes: of the calls that ended');
	answered|7|12|58.3
	missed|2|12|16.7
	no_answer|1|12|8.3
	rejected|1|12|8.3
	voicemail|1|12|8.3
	END
is(lines('SELECT weekday, hour, calls, inbound, live, answered FROM hour_of_week ORDER BY 1, 2'), <<~'END' =~ s/\n\z//r, 'the load by weekday and hour');
	1|10|3|2|0|2
	1|11|3|2|0|0
	1|12|1|1|1|0
	1|13|1|0|0|1
	1|14|1|1|0|1
	1|15|2|2|0|1
	1|16|1|0|0|1
	1|23|1|1|0|1
	END
is(lines('SELECT team, hour, calls FROM team_hour_of_week WHERE hour = 15 ORDER BY 1'), "north|15|2\nsouth|15|1\n-|15|1", 'and of each team');
is(lines('SELECT agent, state, other_number, stuck, session_id FROM live ORDER BY 1'), "bob|connected|+49306|t|8\ndan|ringing|+49314|t|12", 'calls whose end never came are live, and stuck');
record($cluster, batches(inbound(15, 'cyd', '2026-03-03 09:00', '+49306', undef, 5, state => 'ringing')));
$cluster->psql(q{UPDATE call_log.calls SET started_at = now() - interval '90 s', last_event_at = now() - interval '30 s' WHERE session_id = '15'});
is(lines(q{SELECT agent, state, stuck, age_s BETWEEN 90 AND 150, silent_s BETWEEN 30 AND 90 FROM live WHERE session_id = '15'}), 'cyd|ringing|f|t|t', 'one in progress is not');
$cluster->psql(q{DELETE FROM call_log.calls WHERE session_id = '15'});

# ---------------------------------------------------------- lists of the calls
is(lines(q{SELECT session_id, agent, started_at, ended_at, direction, other_number, state, outcome, duration_s, talk_s FROM calls
	WHERE session_id IN ('1', '3', '7', '8', '10', '13', '14') ORDER BY session_id::integer, agent}), <<~'END' =~ s/\n\z//r, 'calls: one row an agent and call, ringing no talk');
	1|ann|2026-03-02 09:00:00+00|2026-03-02 09:01:40+00|Inbound|+49301|final|answered|100|100
	3|ann|2026-03-02 09:30:00+00|2026-03-02 09:30:20+00|Inbound|+49311|final|missed|20|-
	7|ann|2026-03-02 22:50:00+00|2026-03-02 23:10:00+00|Inbound|+49305|final|answered|1200|1200
	8|bob|2026-03-02 11:00:00+00|2026-03-02 11:00:30+00|Inbound|+49306|connected|-|30|-
	10|ann|2026-03-02 13:00:00+00|2026-03-02 13:00:30+00|Inbound|+49307|final|answered|30|30
	10|bob|2026-03-02 13:00:30+00|2026-03-02 13:02:00+00|Inbound|+49307|final|answered|90|90
	13|dan|2026-03-02 15:00:00+00|2026-03-02 15:00:05+00|Outbound|+49309|final|answered|5|5
	END
is(lines('SELECT agent, session_id, merged_into FROM merged_calls'), 'dan|14|13', 'the leg that was superseded is another name of its call');
is(lines(q{SELECT day, started_at, ended_at, agent, team, outcome, talk_s FROM export WHERE session_id IN ('7', '14')}), '2026-03-02|2026-03-02T23:50:00+01:00|2026-03-03T00:10:00+01:00|ann|north|answered|1200', 'for a spreadsheet, in the reports\' time zone');
is(lines('SELECT agent, talk_s, session_id FROM without_note ORDER BY 1, 2'), "ann|200|2\nann|1200|7\nbob|90|10", 'long answered calls without a note');
is(lines('SELECT agent, talk_s, logged_by, session_id FROM not_logged_by_hand ORDER BY 1, 2'), "ann|200|auto|2\nann|1200|auto|7\nbob|90|auto|10", 'or not logged by hand');
$cluster->psql('UPDATE call_log.settings SET note_expected_s = 300');
is(lines('SELECT agent, talk_s FROM without_note'), 'ann|1200', 'how long is a setting');
is(lines(q{SELECT started_at, agent, direction, outcome, talk_s FROM number_history WHERE number = '+49308' ORDER BY agent}),
	"2026-03-02 14:00:00+00|ann|Inbound|missed|-\n2026-03-02 14:00:00+00|bob|Inbound|other|-\n2026-03-02 14:00:00+00|cyd|Inbound|answered|40", 'all calls with a number');
is(lines('SELECT * FROM contact'), 'acme|c-1|Ada|-|1|1|0|1|100|1|2026-03-02 09:00:00+00|2026-03-02 09:00:00+00', 'and with a contact');
$cluster->psql(q{INSERT INTO call_log.agents VALUES ('acme', 'ann', false, '2026-03-01'), ('acme', 'dan', true, '2026-03-01')});
is(lines('SELECT agent, team, auto_log FROM auto_log ORDER BY 1'), "ann|north|f\ndan|-|t", 'who logs automatically');

# ---------------------------------------------------------- missed and returned
record($cluster, batches(
	# +49311, missed by ann at 10:30: bob calls back, then again
	outbound(20, 'bob', "$monday 10:45", '+49311', 'Call connected', 50),
	outbound(21, 'bob', "$monday 10:50", '+49311', 'Call connected', 50),
	# +49312, to voicemail at 11:00: calls again, in vain, then reaches cyd
	inbound(22, 'ann', "$monday 11:30", '+49312', 'Missed', 10),
	inbound(23, 'cyd', "$monday 12:00", '+49312', 'Accepted', 10),
	# +49314, missed by all: called back, and nobody there
	outbound(24, 'ann', "$monday 16:00", '+49314', 'No Answer', 20),
	# +49316: spoken with before, then missed; calling back failed
	inbound(25, 'ann', "$monday 17:00", '+49316', 'Accepted', 10),
	inbound(26, 'ann', "$monday 18:00", '+49316', 'Missed', 10),
	outbound(27, 'ann', "$monday 18:10", '+49316', 'Call Failed', 0),
	# withheld
	inbound(28, 'cyd', "$monday 18:30", undef, 'Missed', 10),
	# another tenant's call with that number is no answer to this one
	outbound(29, 'ann', "$monday 18:40", '+49316', 'Call connected', 10, account => 'other')));
is(lines('SELECT session_id, outcome, agents, returned_how, returned_by, returned_outcome, waited_s FROM missed ORDER BY started_at'), <<~'END' =~ s/\n\z//r, 'missed calls, who returned them and when; one row a call, none that somebody answered');
	3|missed|{ann}|called back|bob|answered|900
	4|voicemail|{ann}|reached us|cyd|answered|3600
	22|missed|{ann}|reached us|cyd|answered|1800
	12|missed|{ann,bob}|called back|ann|no_answer|1800
	26|missed|{ann}|-|-|-|-
	28|missed|{cyd}|-|-|-|-
	END
is(lines('SELECT other_number, started_at, waiting_s > 86400 FROM unreturned'), '+49316|2026-03-02 17:00:00+00|t', 'who still waits: not whoever cannot be called');
record($cluster, batches(inbound(30, 'gil', "$monday 19:00", '+49319', 'Missed', 10, account => 'other'), inbound(31, 'gil', "$monday 16:30", '+49318', 'Voicemail', 10, account => 'other')));
is(lines('SELECT other_number, agents FROM unreturned'), "+49318|{gil}\n+49316|{ann}\n+49319|{gil}", 'who has waited longest first');

# --------------------------------------------------------- when clocks change
record($cluster, batches(
	# the hour from two to three is missing on 29 March
	(map { inbound("s$_->[0]", 'eve', '2026-03-29 00:00', '+1', 'Accepted', 10, started_at => $_->[1]) }
		[ 1, '2026-03-28 22:59:59+00' ], [ 2, '2026-03-28 23:00:00+00' ], [ 3, '2026-03-29 00:30+00' ],
		[ 4, '2026-03-29 01:30+00' ], [ 5, '2026-03-29 21:59:59+00' ], [ 6, '2026-03-29 22:00+00' ]),
	# and there twice on 25 October
	(map { inbound("a$_->[0]", 'eve', '2026-10-25 00:00', '+1', 'Accepted', 10, started_at => $_->[1]) }
		[ 1, '2026-10-24 21:59:59+00' ], [ 2, '2026-10-24 22:00+00' ], [ 3, '2026-10-25 00:30+00' ],
		[ 4, '2026-10-25 01:30+00' ], [ 5, '2026-10-25 22:59:59+00' ], [ 6, '2026-10-25 23:00+00' ])));
is(lines(q{SELECT day, calls FROM agent_day WHERE agent = 'eve' ORDER BY 1}), <<~'END' =~ s/\n\z//r, 'a day of 23 hours and one of 25 begin and end where they do there');
	2026-03-28|1
	2026-03-29|4
	2026-03-30|1
	2026-10-24|1
	2026-10-25|4
	2026-10-26|1
	END
is(lines(q{SELECT day, hour, calls FROM hour_of_week WHERE day IN ('2026-03-29', '2026-10-25') ORDER BY 1, 2}), <<~'END' =~ s/\n\z//r, 'in the hours that clocks showed');
	2026-03-29|0|1
	2026-03-29|1|1
	2026-03-29|3|1
	2026-03-29|23|1
	2026-10-25|0|1
	2026-10-25|2|2
	2026-10-25|23|1
	END
is(lines(q{SELECT week, calls, talk_total_s, talk_median_s FROM agent_week WHERE agent IN ('ann', 'eve') AND account = 'acme' ORDER BY 1}), <<~'END' =~ s/\n\z//r, 'weeks begin on Mondays');
	2026-03-02|16|1600|80.0
	2026-03-23|5|50|10.0
	2026-03-30|1|10|10.0
	2026-10-19|5|50|10.0
	2026-10-26|1|10|10.0
	END
is(lines(q{SELECT month, calls, talk_total_s, talk_p90_s FROM agent_month WHERE agent = 'bob' OR agent = 'eve' ORDER BY 1, 2}), <<~'END' =~ s/\n\z//r, 'months on their first day');
	2026-03-01|6|60|10.0
	2026-03-01|7|250|81.0
	2026-10-01|6|60|10.0
	END
record($cluster, batches(inbound('n1', 'fay', '2026-03-01 00:00', '+2', 'Accepted', 10, started_at => undef)));
$cluster->psql(q{UPDATE call_log.calls SET logged_at = '2026-04-30 22:30+00' WHERE session_id = 'n1'});
is(lines(q{SELECT day, calls FROM agent_day WHERE agent = 'fay'}), '2026-05-01|1', 'a call of which nobody told the start began when it was logged');

# ------------------------------------------------------------- who listened
my $id = $cluster->psql(q{INSERT INTO call_log.recordings (account, agent, session_id, recording_id, state, media_type, bytes, sha256, path, stored_at)
	VALUES ('acme', 'ann', '1', 'rec', 'stored', 'audio/mpeg', 1000, sha256(''), '2026-03/1.mp3', now()) RETURNING id});
$cluster->psql("SELECT call_log.open_recording('acme', '$_->[0]', $_->[1], '{\"id\": \"$id\", $_->[2]}')") for [ ann => 'false', '"end": 10' ], [ bob => 'false', '"first": 0' ], [ boss => 'true', '"head": true' ];
is(lines('SELECT reader, granted, agent, session_id, recording_id, from_byte, to_byte FROM recording_accesses ORDER BY at'), <<~'END' =~ s/\n\z//r, 'who listened to what, and who may not');
	ann|t|ann|1|rec|990|999
	bob|f|ann|1|rec|-|-
	boss|t|ann|1|rec|-|-
	END

# ------------------------------------------------------ another time zone, roles
my $tokyo = q{SELECT day, calls FROM agent_day WHERE agent = 'ann' AND account = 'acme' ORDER BY 1};
is(lines("SET TimeZone = 'Asia/Tokyo'; $tokyo"), "2026-03-02|11\n2026-03-03|5", 'a session that sets its TimeZone gets the days of that');
is(lines("SET TimeZone = 'Asia/Tokyo'; RESET TimeZone; $tokyo"), '2026-03-02|16', 'others those of the reports');
$cluster->psql(q{CREATE ROLE analyst LOGIN IN ROLE call_log_report; ALTER ROLE analyst SET TimeZone = 'Asia/Tokyo'});
is(lines($tokyo, user => 'analyst'), "2026-03-02|11\n2026-03-03|5", 'or one whose role has it set');
my @view = map { $_->[0] } $cluster->rows(q{SELECT viewname FROM pg_views WHERE schemaname = 'call_report' ORDER BY 1});
is(($cluster->try_psql("SELECT * FROM call_report.$_", user => 'analyst'))[2], '', "an analyst reads $_") for @view;
is(join(' ', grep { !$asked{$_} } @view), '', 'and each was asked here for what can be counted by eye');
is($cluster->psql(<<~'SQL'), '', 'beside each percentage stands what it is of');
	SELECT string_agg(p.attrelid::regclass || '.' || p.attname, ', ') FROM pg_attribute p JOIN pg_class c ON c.oid = p.attrelid
	WHERE c.relnamespace = 'call_report'::regnamespace AND p.attname LIKE '%\_pct' AND NOT EXISTS (
		SELECT FROM pg_attribute d WHERE d.attrelid = p.attrelid AND col_description(p.attrelid, p.attnum) ~ ('percentage of (\w+ in )?' || d.attname || '[;.]'))
	SQL

# -------------------------------------------------------- counted beforehand
my $all = join ' UNION ALL ', map { "SELECT '$_', to_jsonb(v) - 'waiting_s' - 'age_s' - 'silent_s' FROM $_ v" } @view;
my $live = lines("$all ORDER BY 1, 2");
$cluster->psql('CALL call_log.rebuild_reports()');
is($cluster->psql('SELECT count(*) > 0 FROM call_log.rolled_agent_days'), 't', 'the figures of old days are counted beforehand');
is(lines("$all ORDER BY 1, 2"), $live, 'and every report is the same');
is(lines("SET TimeZone = 'Asia/Tokyo'; $tokyo"), "2026-03-02|11\n2026-03-03|5", 'also in another time zone');
my $teams = q{SELECT team, calls, inbound, answered FROM team WHERE day = '2026-03-02' AND account = 'acme' ORDER BY 1};
my $as_it_was = lines($teams);
$cluster->psql(q{UPDATE call_log.teams SET team = 'south' WHERE agent = 'bob'; DELETE FROM call_log.teams WHERE agent = 'cyd'});
my $counted = lines($teams);
isnt($counted, $as_it_was, 'who changes teams changes old days too');
$cluster->psql(q{UPDATE call_log.rollup SET rolled_day = '-infinity'});
is(lines($teams), $counted, 'at once, and right');
done_testing;
