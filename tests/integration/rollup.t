# What reports say does not depend on what was counted beforehand, or when: after
# random histories of calls, notes, merges, deletions, moves, of teams and of time
# zones, with roll_up() at any moment, the reports are what a plain count of the
# calls is. SEED= repeats a run, STEPS= sets its length.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Cluster;
use Feed qw(feed recording);
use Process qw(scratch slurp spew wait_for);

my $seed = $ENV{SEED} // time;
my $steps = $ENV{STEPS} // 25;
note "SEED=$seed STEPS=$steps";
srand $seed;

my $cluster = Cluster->new(settings => { fsync => 'off', autovacuum => 'off' });
$cluster->install_schema;

sub one_of { $_[ rand @_ ] }
sub maybe { rand() < $_[0] ? one_of(@_[ 1 .. $#_ ]) : undef }
sub sql { defined $_[0] ? "'$_[0]'" : 'NULL' }

# ------------------------------------------------------------- the plain count
# Each as (what, the view's query, the same counted from the calls).
my $zone = '(SELECT report_time_zone FROM call_log.settings)';
my $part = <<~"SQL";
	part AS (
		SELECT c.*, coalesce(c.started_at, c.logged_at) AS began, (coalesce(c.started_at, c.logged_at) AT TIME ZONE $zone) AS local,
		       CASE WHEN c.outcome = 'answered' THEN c.duration_s END AS talk,
		       CASE c.direction WHEN 'Inbound' THEN c.from_number WHEN 'Outbound' THEN c.to_number END AS other, t.team
		FROM call_log.calls c LEFT JOIN call_log.teams t USING (account, agent) WHERE c.merged_into IS NULL)
	SQL
# calls of several agents, among those of some scope
sub whole {
	my ($scope) = @_;
	return <<~"SQL";
		WITH $part, whole AS (
			SELECT p.account, p.session_id, $scope AS scope, min(p.local) AS local, count(DISTINCT p.direction) AS directions, min(p.direction) AS direction,
			       CASE WHEN 'answered' = ANY (array_agg(p.outcome)) THEN 'answered'
			            WHEN bool_or(p.outcome IS NULL AND p.connected) OR bool_and(p.outcome IS NULL) THEN NULL
			            ELSE (array_agg(p.outcome ORDER BY array_position('{voicemail,missed,rejected,busy,no_answer,failed,other}', p.outcome)))[1] END AS outcome,
			       (SELECT count(DISTINCT second) FROM part q, generate_series(q.began, q.began + make_interval(secs => q.talk - 1), '1 s') AS second
			        WHERE q.account = p.account AND q.session_id = p.session_id
			          AND ${\ ($scope =~ s/p\./q./gr) } IS NOT DISTINCT FROM $scope) AS talk
			FROM part p GROUP BY p.account, p.session_id, $scope)
		SQL
}
my $shown = 'count(*), count(*) FILTER (WHERE directions = 1 AND direction = \'Inbound\'), count(*) FILTER (WHERE outcome IS NULL), count(*) FILTER (WHERE outcome = \'answered\'), count(*) FILTER (WHERE outcome = \'missed\'), count(*) FILTER (WHERE outcome = \'other\'), coalesce(sum(talk) FILTER (WHERE outcome = \'answered\'), 0)';
my @report = (
	[ agent_day => 'SELECT account, agent, day, calls, inbound, live, answered, missed, voicemail, other, talk_total_s, talk_median_s, talk_p90_s, with_note, by_hand FROM call_report.agent_day', <<~"SQL" ],
		WITH $part SELECT account, agent, local::date, count(*), count(*) FILTER (WHERE direction = 'Inbound'), count(*) FILTER (WHERE outcome IS NULL),
			count(*) FILTER (WHERE outcome = 'answered'), count(*) FILTER (WHERE outcome = 'missed'), count(*) FILTER (WHERE outcome = 'voicemail'),
			count(*) FILTER (WHERE outcome = 'other'), coalesce(sum(talk), 0), round((percentile_cont(0.5) WITHIN GROUP (ORDER BY talk))::numeric, 1),
			round((percentile_cont(0.9) WITHIN GROUP (ORDER BY talk))::numeric, 1), count(*) FILTER (WHERE note <> ''), count(*) FILTER (WHERE logged_by = 'manual')
		FROM part GROUP BY 1, 2, 3
		SQL
	[ agent_month => 'SELECT account, agent, month, calls, talk_total_s, talk_median_s FROM call_report.agent_month', <<~"SQL" ],
		WITH $part SELECT account, agent, date_trunc('month', local)::date, count(*), coalesce(sum(talk), 0), round((percentile_cont(0.5) WITHIN GROUP (ORDER BY talk))::numeric, 1)
		FROM part GROUP BY 1, 2, 3
		SQL
	[ company_day => 'SELECT account, day, calls, inbound, live, answered, missed, other, talk_total_s FROM call_report.company_day',
		whole('NULL::text') . "SELECT account, local::date, $shown FROM whole GROUP BY 1, 2" ],
	[ team => 'SELECT account, team, day, calls, inbound, live, answered, missed, other, talk_total_s FROM call_report.team',
		whole('p.team') . "SELECT account, scope, local::date, $shown FROM whole GROUP BY 1, 2, 3" ],
	[ hour_of_week => 'SELECT account, day, weekday, hour, calls FROM call_report.hour_of_week',
		whole('NULL::text') . 'SELECT account, local::date, extract(isodow FROM local)::integer, extract(hour FROM local)::smallint, count(*) FROM whole GROUP BY 1, 2, 3, 4' ],
	[ missed => 'SELECT account, session_id, started_at, outcome, other_number, agents, returned_at, returned_by, returned_session_id FROM call_report.missed', <<~"SQL" ],
		WITH $part, lost AS (
			SELECT account, session_id, min(began) AS began, CASE WHEN bool_or(outcome = 'voicemail') THEN 'voicemail' ELSE 'missed' END AS outcome,
			       min(from_number) AS number, array_agg(agent ORDER BY started_at, agent) AS agents
			FROM part p WHERE direction = 'Inbound' AND outcome IN ('missed', 'voicemail')
			  AND NOT EXISTS (SELECT FROM part q WHERE q.account = p.account AND q.session_id = p.session_id AND (q.outcome = 'answered' OR q.outcome IS NULL AND q.connected))
			GROUP BY 1, 2)
		SELECT l.account, l.session_id, l.began, l.outcome, l.number, l.agents, r.started_at, r.agent, r.session_id
		FROM lost l LEFT JOIN part r ON (r.account, r.agent, r.session_id) = (
			SELECT c.account, c.agent, c.session_id FROM part c
			WHERE c.account = l.account AND c.other = l.number AND c.started_at > l.began AND c.session_id <> l.session_id
			  AND (c.direction = 'Outbound' AND (c.outcome IS NULL OR c.outcome <> 'failed') OR c.direction = 'Inbound' AND (c.outcome = 'answered' OR c.outcome IS NULL AND c.connected))
			ORDER BY c.started_at, c.session_id, c.agent LIMIT 1)
		SQL
	[ live => 'SELECT account, agent, session_id FROM call_report.live', 'SELECT account, agent, session_id FROM call_log.calls WHERE merged_into IS NULL AND outcome IS NULL' ]);

# SQL that says what of the reports is wrong, nothing if all is right.
sub comparison {
	my ($step) = @_;
	return join '', map {
		my ($name, $view, $plain) = @$_;
		"SELECT '$step', '$name', * FROM ((($view) EXCEPT ALL ($plain)) UNION ALL (($plain) EXCEPT ALL ($view))) AS wrong LIMIT 3;\n";
	} @report;
}

# ----------------------------------------------------------- random histories
my @agent = qw(ann bob cyd dan);
my @number = ('+1', '+2', '+3', '102');
my @zone = qw(UTC Europe/Berlin America/Havana Asia/Kathmandu America/St_Johns Pacific/Auckland America/Sao_Paulo);
my $now = time;
# Whole seconds, at some midnight, when clocks change, by now, or at any time.
sub moment {
	my $back = one_of(
		sub { 86400 * int(rand 4) + int(rand 1800) - 900 + $now % 86400 },
		sub { $now - one_of(1792886400, 1793494800, 1774659600, 1794114000) + int(rand 10800) },
		sub { int rand 7200 }, sub { int rand 400000 })->();
	return $now - ($back < 0 ? 0 : $back);
}
my $serial = 0;
sub event {
	my $session = one_of(1 .. 25);
	my $manual = rand() < 0.2;
	return {
		account => rand() < 0.9 ? '' : 'acme', agent => one_of(@agent), session_id => $session, request_id => 'r' . ++$serial, hash => $serial,
		emitted_at => "$now", state => one_of(qw(ringing connected ended final final final)), connected => maybe(0.3, 't') // 'f',
		logged_by => $manual ? 'manual' : 'auto', note => $manual ? one_of('', 'n') : undef,
		telephony_session_id => maybe(0.15, 't1', 't2', 't3'), direction => maybe(0.9, 'Inbound', 'Inbound', 'Outbound'),
		from_number => maybe(0.9, @number), to_number => maybe(0.9, @number),
		started_at => maybe(0.6, 1) && moment(), duration_s => maybe(0.8, 0, 1, 7, 30, 90),
		result => maybe(0.8, 'Accepted', 'Missed', 'Missed', 'Voicemail', 'Call connected', 'Busy', 'Call Failed', 'No Answer', 'Strange') };
}
sub batch {
	my %of;
	for (1 .. 1 + rand 12) { my $e = event(); $of{"$e->{account}/$e->{agent}/$e->{session_id}"} = $e }
	for (values %of) {
		my $e = $_;
		# now and then later than before, or not
		$e->{emitted_at} = 'epoch ' . ($now - int rand 1000);
		s/^(?:epoch )?(\d+)$/strftime_utc($1)/e for grep { defined } $e->{emitted_at}, $e->{started_at};
	}
	return [ values %of ];
}
sub strftime_utc { my @t = gmtime $_[0]; sprintf '%04d-%02d-%02d %02d:%02d:%02d+00', $t[5] + 1900, $t[4] + 1, @t[ 3, 2, 1, 0 ] }
sub some_call { sprintf q{(account, agent, session_id) = ('%s', '%s', '%s')}, rand() < 0.9 ? '' : 'acme', one_of(@agent), one_of(1 .. 25) }
my @batch;
my %change = (
	record => sub { push @batch, batch(); recording('feed', step => $#batch) },
	set_note => sub { 'SELECT call_log.set_note(account, agent, session_id, ' . sql(one_of('', 'elsewhere')) . ') FROM call_log.calls WHERE ' . some_call() },
	plain_note => sub { 'UPDATE call_log.calls SET note = ' . sql(one_of('', 'plain')) . ' WHERE merged_into IS NULL AND ' . some_call() },
	plain => sub { 'UPDATE call_log.calls SET ' . one_of('started_at = ' . sql(strftime_utc(moment())), 'started_at = NULL', q{result = 'Missed', state = 'final'},
		q{from_number = '+1'}, 'duration_s = 44', q{logged_at = logged_at - interval '2 days'}) . ' WHERE ' . some_call() },
	delete => sub { my $which = some_call(); "DELETE FROM call_log.notes WHERE $which; DELETE FROM call_log.calls WHERE $which" },
	team => sub { my ($account, $agent, $team) = (rand() < 0.8 ? '' : 'acme', one_of(@agent), one_of(qw(north south)));
		one_of("INSERT INTO call_log.teams VALUES ('$account', '$agent', '$team') ON CONFLICT (account, agent) DO UPDATE SET team = excluded.team",
			"DELETE FROM call_log.teams WHERE account = '$account' AND agent = '$agent'") },
	zone => sub { 'UPDATE call_log.settings SET report_time_zone = ' . sql(one_of(@zone)) },
	forget => sub { q{UPDATE call_log.rollup SET rolled_day = '-infinity', settled_until = '-infinity'} },
	roll => sub { join ';', map { 'SELECT call_log.roll_up(' . one_of(1, 2000, 2000) . ') IS NULL' } 1 .. 1 + rand 4 });
my @script;
for my $step (1 .. $steps) {
	my $kind = one_of(('record') x 8, ('roll') x 8, qw(set_note plain_note plain plain delete team team), maybe(0.3, 'zone', 'forget') // 'roll');
	push @script, [ "step $step $kind", $change{$kind}->() ];
}
feed($cluster, 'feed', \@batch);
my $text = join '', map { my ($name, $sql) = @$_; "\\o /dev/null\n$sql;\n\\o\n" . comparison($name) } @script;
is($cluster->psql($text), '', "after each of $steps steps every report is a plain count of the calls");

# Counts until there is nothing to count.
sub count_all {
	my ($db) = @_;
	wait_for('all to be counted', sub { $db->psql('SELECT call_log.roll_up(10000)') == 15000 });
}
count_all($cluster);
is($cluster->psql('SELECT count(*) FROM call_log.marks'), 0, 'in the end nothing is left to be counted anew');
is($cluster->psql('SELECT count(*) > 0 FROM call_log.rolled_agent_days, call_log.rolled_missed_calls') . $cluster->psql(comparison('end')), 't', 'and the reports are right again');

# ------------------------------------------------- at the same time as others
sub session {
	my ($db, $sql) = @_;
	my $dir = scratch();
	spew("$dir/sql", $sql);
	return Process->spawn([ $db->bin('psql'), '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $db->conninfo, '-f', "$dir/sql" ], log => "$dir/log");
}
$cluster->create_db('late');
my $late = $cluster->database('late');
$late->install_schema;
$late->psql('CREATE TABLE go (at timestamptz)');
feed($late, 'feed', [ [ { session_id => 1, started_at => '2026-03-02 10:00+00', state => 'final', result => 'Missed', direction => 'Inbound', from_number => '+1' } ] ]);
my $writer = session($late, 'BEGIN; ' . recording('feed', step => 0)
	. '; DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM go) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$; COMMIT;');
wait_for('the writer to write', sub { $late->psql(q{SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %go%' AND pid <> pg_backend_pid()}) });
is(join(' ', map { $late->psql('SELECT call_log.roll_up(1000)') } 1 .. 5), '1000 1000 1000 1000 1000', 'counting waits, without waiting, for whoever began to write before');
$late->psql('INSERT INTO go VALUES (now())');
wait_for('the writer to end', sub { !$writer->running });
count_all($late);
is($late->psql('SELECT count(*) FROM call_log.rolled_missed_calls') . $late->psql(comparison('late')), 1, 'and counts what they wrote');

# Writers, counters and a rebuild at once.
$cluster->psql('DROP TABLE IF EXISTS feed; UPDATE call_log.settings SET report_time_zone = \'Europe/Berlin\'');
my @writer;
for my $n (1 .. 3) {
	feed($cluster, "feed$n", [ map { batch() } 1 .. 40 ]);
	push @writer, session($cluster, join ';', map { my $s = $_; recording("feed$n", step => $s), $s % 9 ? () : $change{ one_of(qw(set_note plain_note plain)) }->() } 0 .. 39);
}
push @writer, session($cluster, 'SELECT call_log.roll_up(1);' x 60), session($cluster, 'CALL call_log.rebuild_reports()');
wait_for('them to end', sub { !grep { $_->running } @writer }, 120);
is(join('', grep { /ERROR/ } map { $_->log_text } @writer), '', 'calls are written while reports are counted and rebuilt');
is($cluster->psql(comparison('meanwhile')), '', 'and reports are right');
count_all($cluster);
is($cluster->psql('SELECT count(*) FROM call_log.marks') . $cluster->psql(comparison('afterwards')), 0, 'also when all is counted');
done_testing;
