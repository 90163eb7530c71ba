# PlainCount - what the reports must say, counted from the calls in the plainest way.
# It knows what each figure means and nothing of how the reports come by it.
package PlainCount;
use v5.32;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(comparison figures);

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
			round((percentile_cont(0.9) WITHIN GROUP (ORDER BY talk))::numeric, 1), count(*) FILTER (WHERE note <> '' OR had_note), count(*) FILTER (WHERE logged_by = 'manual')
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

# What is of a day that was purged is not in the calls any more: which column the
# day, or the month, is.
my %day = (agent_day => 3, agent_month => 3, company_day => 2, team => 3, hour_of_week => 2);
sub left {
	my ($name, $query) = @_;
	return $query if !$day{$name};
	my $columns = join ', ', map { "c$_" } 1 .. $day{$name};
	return "SELECT * FROM ($query) AS q ($columns) WHERE NOT EXISTS (SELECT FROM call_log.purged p WHERE p.account = q.c1 AND q.c$day{$name} < p.until_day)";
}

# All figures, in rows of text, with their account and day.
sub figures {
	return join ' UNION ALL ', map { "SELECT '$_' AS of, f.account, f.day, f::text AS figures FROM call_report.$_ f" }
	  qw(agent_day company_day team hour_of_week outcome recorded);
}

# SQL that says what of the reports is wrong, nothing if all is right.
sub comparison {
	my ($step) = @_;
	return join '', map {
		my ($name, $view, $plain) = @$_;
		$_ = left($name, $_) for $view, $plain;
		"SELECT '$step', '$name', * FROM ((($view) EXCEPT ALL ($plain)) UNION ALL (($plain) EXCEPT ALL ($view))) AS wrong LIMIT 3;\n";
	} @report;
}

1;
