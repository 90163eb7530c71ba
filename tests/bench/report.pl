#!/usr/bin/perl
# make bench-report: what reports cost, each query beside the same figure from a
# plain scan of the calls, and what counting beforehand adds to the cost of writing.
# ROWS= is how many calls there are (1,000,000), DAYS= over how long (365); QUICK=1
# leaves the writing out. It fails if a figure is not that of the plain scan; times
# are only printed.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use List::Util qw(min);
use Time::HiRes qw(time);
use Cluster;
use Process qw(root);

$| = 1;
my $rows = $ENV{ROWS} || 1_000_000;
my $days = $ENV{DAYS} || 365;
# ten million take their time
my @patience = (seconds => 4 * 3600);
my $cluster = Cluster->new(settings => {
	shared_buffers => '512MB', max_wal_size => '8GB', checkpoint_timeout => '1h', autovacuum => 'off' });
# What a server's process spent so far on a processor, in milliseconds; 0 where the
# system does not say.
my $processor = q{coalesce(split_part(pg_read_file('/proc/self/schedstat', 0, 200, true), ' ', 1)::float8 / 1e6, 0)};
sub median { (sort { $a <=> $b } @_)[ @_ / 2 ] }

# ------------------------------------------------------- the price of writing
# Batches of 256 events, four a call, a quarter of them new calls; with what notices
# changes for reports, and in a database that was rid of it. Turn by turn, and by the
# processor's time: whatever else the machine does.
sub write_price {
	my $packed = <<~'SQL';
		CREATE TABLE packed AS
		SELECT step, round, array_agg(''::text ORDER BY agent, call) AS a1, array_agg(agent ORDER BY agent, call) AS a2, array_agg(call ORDER BY agent, call) AS a3,
		       array_agg('r' || step ORDER BY agent, call) AS a4, array_agg(now() + make_interval(secs => step) ORDER BY agent, call) AS a5,
		       array_agg(step::bigint ORDER BY agent, call) AS a6, array_agg((ARRAY['ringing','connected','ended','final'])[stage + 1] ORDER BY agent, call) AS a7,
		       array_agg(stage BETWEEN 1 AND 2 ORDER BY agent, call) AS a8, array_agg('s-' || call ORDER BY agent, call) AS a9,
		       array_agg('+1' || (2000000000 + hashtext(call) % 1000000) ORDER BY agent, call) AS a10,
		       array_agg(date_trunc(CASE stage WHEN 3 THEN 'second' ELSE 'milliseconds' END, now()) ORDER BY agent, call) AS a11, array_agg(20 * stage ORDER BY agent, call) AS a12,
		       array_agg((ARRAY['Ringing','CallConnected','Disconnected','Accepted'])[stage + 1] ORDER BY agent, call) AS a13
		FROM (SELECT step, step / 20 AS round, (step + k) % 4 AS stage, 'agent ' || lpad((k % 200)::text, 3, '0') COLLATE "C" AS agent,
		             (1000000 + ((step + k) / 4) * 256 + k)::text COLLATE "C" AS call
		      FROM generate_series(0, 299) AS step, generate_series(0, 255) AS k) AS e
		GROUP BY step, round;
		SQL
	my $run = <<~'SQL';
		DO $$
		DECLARE b packed; ms float8 := 0; no text[] := array_fill(NULL::text, ARRAY[256]);
		BEGIN
			FOR b IN SELECT * FROM packed WHERE round = <round> ORDER BY step LOOP
				ms := ms - <processor>;
				PERFORM call_log.record_calls(b.a1, b.a2, b.a3, b.a4, b.a5, b.a6, b.a7, array_fill(false, ARRAY[256]), array_fill('auto'::text, ARRAY[256]), b.a8,
					b.a9, no, no, array_fill('Inbound'::text, ARRAY[256]), b.a10, no, no, no, array_fill(NULL::boolean, ARRAY[256]), b.a11, b.a12, b.a13,
					no, no, no, no, no, no, no, no, no, array_fill(false, ARRAY[256]), no, no, no, false);
				COMMIT;
				ms := ms + <processor>;
			END LOOP;
			INSERT INTO took VALUES (ms / 20);
		END $$;
		SQL
	my %took;
	for my $name (qw(rolled plain)) {
		$cluster->create_db($name);
		my $db = $cluster->database($name);
		$db->install_schema;
		$db->psql($packed . 'CREATE TABLE took (ms float8); ANALYZE packed; SELECT call_log.roll_up(); SELECT call_log.roll_up(); SELECT call_log.roll_up()');
	}
	my $without = $cluster->database("plain");
	my $text = $without->psql(q{SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'record_calls'});
	for my $part (qr/\n[^\n]*What was counted already.*?END IF;/s, qr/, min\(u\.began_at\)(?= INTO)/, qr/, began(?= FROM updated)/,
		qr/, min\(least\(u\.began_at, u\.moved_from\)\)/, qr/, earlier(?= FROM upserted)/,
		qr/-- all that reports count by.*?ELSE c\.moved_from END,/s, qr/moved_from    = CASE.*?ELSE c\.moved_from END,/s) {
		$text =~ s/$part// or die "record_calls() has no $part\n";
	}
	$without->psql("$text; DROP TRIGGER mark_changed ON call_log.calls; DROP INDEX call_log.calls_began");
	for my $round (0 .. 14) {
		for my $name ($round % 2 ? qw(rolled plain) : qw(plain rolled)) {
			my $db = $cluster->database($name);
			$db->psql($run =~ s/<round>/$round/r =~ s/<processor>/$processor/gr);
			push @{ $took{$name} }, $db->psql('SELECT ms FROM took; TRUNCATE took') if $round > 0;
			$db->psql('TRUNCATE took');
		}
	}
	my @ratio = sort { $a <=> $b } map { $took{rolled}[$_] / $took{plain}[$_] } 0 .. $#{ $took{rolled} };
	printf "Writing a batch of 256 events takes the processor %.2f ms, %.2f ms without anything for reports that are counted beforehand: %.2f times (%.2f to %.2f)\n\n",
	  median(@{ $took{rolled} }), median(@{ $took{plain} }), median(@ratio), $ratio[ @ratio / 4 ], $ratio[ @ratio * 3 / 4 ];
}

# ---------------------------------------------------------------- the queries
my @query;
sub query { push @query, { name => $_[0], target => $_[1], sql => $_[2], plain => $_[3] } }
my $agents = q{SELECT agent, (started_at AT TIME ZONE 'UTC')::date AS day, count(*) AS calls, coalesce(sum(duration_s) FILTER (WHERE outcome = 'answered'), 0) AS talk
	FROM call_log.calls WHERE merged_into IS NULL AND started_at >= %s GROUP BY 1, 2};
my $month = 'current_date - 30';
my $year = 'current_date - 365';
for ([ '30 days, all agents', 100, $month ], [ 'a year, all agents', 1000, $year ]) {
	my ($name, $target, $since) = @$_;
	query("agent_day, $name", $target, "SELECT * FROM call_report.agent_day WHERE day >= $since",
		sprintf("SELECT sum(calls), sum(talk), count(*) FROM (%s) AS f", sprintf $agents, "($since)::timestamp AT TIME ZONE 'UTC'"));
	$query[-1]{same} = "SELECT sum(calls), sum(talk_total_s), count(*) FROM call_report.agent_day WHERE day >= $since";
}
query('agent_day, 30 days, one agent', undef, "SELECT * FROM call_report.agent_day WHERE agent = 'agent 0003' AND day >= $month");
query('agent_month, a year', undef, "SELECT * FROM call_report.agent_month WHERE month >= $year");
query('team, 30 days', undef, "SELECT * FROM call_report.team WHERE day >= $month");
query('company_day, 30 days', undef, "SELECT * FROM call_report.company_day WHERE day >= $month",
	"SELECT count(DISTINCT session_id) FROM call_log.calls WHERE merged_into IS NULL AND started_at >= ($month)::timestamp AT TIME ZONE 'UTC'");
$query[-1]{same} = "SELECT sum(calls) FROM call_report.company_day WHERE day >= $month";
query('hour_of_week, a year', undef, "SELECT weekday, hour, sum(calls) FROM call_report.hour_of_week WHERE day >= $year GROUP BY 1, 2");
query('outcome, 30 days', undef, "SELECT * FROM call_report.outcome WHERE day >= $month");
my $lost = <<~"SQL";
	FROM (SELECT account, session_id, min(started_at) AS at, min(from_number) AS number FROM call_log.calls c
	      WHERE direction = 'Inbound' AND merged_into IS NULL AND started_at >= $month GROUP BY 1, 2
	      HAVING bool_or(outcome IN ('missed', 'voicemail')) AND NOT bool_or(coalesce(outcome = 'answered', connected))) AS m
	SQL
query('missed, 30 days', 200, "SELECT * FROM call_report.missed WHERE started_at >= $month", "SELECT count(*) $lost");
$query[-1]{same} = "SELECT count(*) FROM call_report.missed WHERE started_at >= $month";
query('unreturned, 30 days', 200, "SELECT * FROM call_report.unreturned WHERE started_at >= $month", <<~"SQL");
	SELECT count(*) FROM (SELECT m.number, m.at, max(c.started_at) AS last $lost
		LEFT JOIN call_log.calls c ON CASE c.direction WHEN 'Inbound' THEN c.from_number ELSE c.to_number END = m.number AND c.started_at > m.at
		  AND c.merged_into IS NULL AND c.session_id <> m.session_id
		  AND CASE c.direction WHEN 'Outbound' THEN coalesce(c.outcome <> 'failed', true) ELSE coalesce(c.outcome = 'answered', c.connected) END
		WHERE m.number IS NOT NULL GROUP BY m.session_id, 1, 2) AS w WHERE last IS NULL
	SQL
$query[-1]{same} = "SELECT count(*) FROM call_report.unreturned WHERE started_at >= $month";
query('number_history', 10, q{SELECT * FROM call_report.number_history WHERE number = '<number>' ORDER BY started_at DESC},
	q{SELECT count(*) FROM call_log.calls WHERE merged_into IS NULL AND CASE direction WHEN 'Inbound' THEN from_number ELSE to_number END = '<number>'});
$query[-1]{same} = q{SELECT count(*) FROM call_report.number_history WHERE number = '<number>'};
query('live', 10, 'SELECT * FROM call_report.live', 'SELECT count(*) FROM call_log.calls WHERE merged_into IS NULL AND outcome IS NULL');
$query[-1]{same} = 'SELECT count(*) FROM call_report.live';
query('without_note, 30 days', undef, "SELECT * FROM call_report.without_note WHERE started_at >= $month");

# The same by readers who may not see everything, in their schema.
for ([ reader_agent => 'an agent' ], [ reader_lead => 'a supervisor' ]) {
	my ($reader, $who) = @$_;
	my $ago = "now() - interval '30 days'";
	query("agent_day, 30 days, by $who", undef, "SELECT * FROM call_own.agent_day WHERE day >= $month");
	query("calls, 30 days, by $who", undef, "SELECT * FROM call_own.calls WHERE started_at >= $ago");
	query("missed, 30 days, by $who", undef, "SELECT * FROM call_own.missed WHERE started_at >= $ago");
	$_->{user} = $reader for @query[ -3 .. -1 ];
}

# By psql's own clock, and by the processor's, the best of some times: what the machine
# can, not what else it did.
sub took {
	my ($sql, $times, $before, $user) = @_;
	my $out = $cluster->psql("$before\n" . "\\o\nSELECT 'spent', $processor;\n\\timing on\n\\o /dev/null\n$sql;\n\\timing off\n" x $times
		. "\\o\nSELECT 'spent', $processor", @patience, user => $user // 'postgres');
	my @spent = $out =~ /^spent\|([\d.]+)/mg;
	return min($out =~ /^Time: ([\d.]+) ms/mg), min(map { $spent[$_] - $spent[ $_ - 1 ] } 1 .. $#spent);
}

write_price() if !$ENV{QUICK};
$cluster->install_schema;
my $began = time;
print $cluster->psql_file(root() . '/tests/bench/make_calls.sql', arguments => [ "-q", "-v", "rows=$rows", "-v", "days=$days" ], @patience), sprintf(" calls made in %.0f s;", time - $began);
$began = time;
$cluster->psql('CALL call_log.rebuild_reports()', @patience);
printf " figures counted in %.0f s. Milliseconds:\n\n", time - $began;
$cluster->psql(<<~'SQL');
	-- they read the processor's time from a file
	CREATE ROLE reader_agent LOGIN IN ROLE call_log_reader, pg_read_server_files;
	CREATE ROLE reader_lead LOGIN IN ROLE call_log_reader, pg_read_server_files;
	GRANT EXECUTE ON FUNCTION pg_read_file(text, bigint, bigint, boolean) TO reader_agent, reader_lead;
	INSERT INTO call_log.readers (reader, account, agent) VALUES ('reader_agent', '', 'agent 0003');
	INSERT INTO call_log.readers (reader, account, team) VALUES ('reader_lead', '', 'team 001');
	SQL
$cluster->psql('VACUUM ANALYZE', @patience);
my $number = $cluster->psql(q{SELECT number FROM (SELECT from_number AS number, count(*) AS n FROM call_log.calls TABLESAMPLE SYSTEM (5)
	WHERE direction = 'Inbound' GROUP BY 1) AS c WHERE number IS NOT NULL ORDER BY n DESC OFFSET 20 LIMIT 1}, @patience);
printf "| %-36s | %10s | %10s | %10s | %10s |\n", 'query', 'takes', 'processor', 'aim', 'plain scan';
printf "|%s|%s|%s|%s|%s|\n", '-' x 38, map { '-' x 11 . ':' } 1 .. 4;
my $wrong = 0;
for my $q (@query) {
	s/<number>/$number/g for grep { defined } @$q{qw(sql plain same)};
	my ($takes, $spent) = took($q->{sql}, 5, '', $q->{user});
	my $scan = 'SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;';
	my ($plain) = $q->{plain} ? took($q->{plain}, 1, $scan) : ();
	printf "| %-36s | %10.1f | %10.1f | %10s | %10s |\n", $q->{name}, $takes, $spent, $q->{target} ? "$q->{target}" : '', $plain ? sprintf('%.0f', $plain) : '';
	next if !$q->{plain};
	my ($is, $should) = map { $cluster->psql($_, @patience) } $q->{same}, "$scan $q->{plain}";
	next if $is eq $should;
	$wrong++;
	print "  wrong: $is, and by the plain scan $should\n";
}
exit($wrong ? 1 : 0);
