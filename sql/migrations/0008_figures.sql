-- The figures: counted once here, for each agent and day, and for teams and the
-- company by the hour; the views of call_report add them up.
BEGIN;

-- ------------------------------------------------------------------ talk time
-- A figure keeps the seconds of each answered call, ascending, so that medians of
-- any longer time can be had exactly.
CREATE FUNCTION call_log.percentile(sorted integer[], part double precision) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT round((sorted[floor(part * (cardinality(sorted) - 1))::integer + 1]
	+ (part * (cardinality(sorted) - 1) - floor(part * (cardinality(sorted) - 1)))
	* (sorted[ceil(part * (cardinality(sorted) - 1))::integer + 1]
	   - sorted[floor(part * (cardinality(sorted) - 1))::integer + 1]))::numeric, 1)
$$;
COMMENT ON FUNCTION call_log.percentile(integer[], double precision) IS
'The value at that part (0.5: the median) of ascending numbers, between two of them in proportion, as percentile_cont() does.';

CREATE FUNCTION call_log.sorted(numbers integer[]) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
'SELECT array_agg(n ORDER BY n) FROM unnest(numbers) AS n';
COMMENT ON FUNCTION call_log.sorted(integer[]) IS 'Numbers ascending; NULL for none.';

CREATE AGGREGATE call_log.joined(integer[]) (SFUNC = array_cat, STYPE = integer[], COMBINEFUNC = array_cat, PARALLEL = SAFE);
COMMENT ON AGGREGATE call_log.joined(integer[]) IS 'Arrays one after the other.';

CREATE FUNCTION call_log.covered_s(pieces tstzrange[]) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT coalesce(sum(extract(epoch FROM upper(whole) - lower(whole))), 0)::integer
FROM (SELECT unnest(range_agg(piece)) AS whole FROM unnest(pieces) AS piece) AS u
$$;
COMMENT ON FUNCTION call_log.covered_s(tstzrange[]) IS 'How many seconds lie in any of these pieces of time.';

REVOKE ALL ON FUNCTION call_log.percentile(integer[], double precision), call_log.sorted(integer[]),
	call_log.joined(integer[]), call_log.covered_s(tstzrange[]) FROM PUBLIC;
-- who reads a view runs the functions in it
GRANT EXECUTE ON FUNCTION call_log.percentile(integer[], double precision), call_log.sorted(integer[]),
	call_log.joined(integer[]), call_log.covered_s(tstzrange[]) TO call_log_report;

-- ---------------------------------------------------------------- what counts
CREATE VIEW call_log.parts AS
SELECT c.account, c.agent, c.session_id, c.started_at AS began_at, c.direction, c.outcome, c.connected,
       CASE WHEN c.outcome = 'answered' THEN c.duration_s END AS talk_s,
       c.note <> '' AS noted, c.logged_by = 'manual' AS by_hand,
       coalesce(c.recording_id, c.recording_link) IS NOT NULL AS recorded
FROM call_log.calls c WHERE c.merged_into IS NULL AND c.started_at IS NOT NULL
UNION ALL
SELECT c.account, c.agent, c.session_id, c.logged_at, c.direction, c.outcome, c.connected,
       CASE WHEN c.outcome = 'answered' THEN c.duration_s END,
       c.note <> '', c.logged_by = 'manual',
       coalesce(c.recording_id, c.recording_link) IS NOT NULL
FROM call_log.calls c WHERE c.merged_into IS NULL AND c.started_at IS NULL;
COMMENT ON VIEW call_log.parts IS 'What counts of each agent''s part in a call.';
COMMENT ON COLUMN call_log.parts.account IS 'As in calls.';
COMMENT ON COLUMN call_log.parts.agent IS 'As in calls.';
COMMENT ON COLUMN call_log.parts.session_id IS 'As in calls.';
COMMENT ON COLUMN call_log.parts.began_at IS 'When it began; where nobody told, when it was logged.';
COMMENT ON COLUMN call_log.parts.direction IS 'As in calls.';
COMMENT ON COLUMN call_log.parts.outcome IS 'As in calls.';
COMMENT ON COLUMN call_log.parts.connected IS 'As in calls.';
COMMENT ON COLUMN call_log.parts.talk_s IS 'Seconds, of an answered call.';
COMMENT ON COLUMN call_log.parts.noted IS 'Whether it has a note.';
COMMENT ON COLUMN call_log.parts.by_hand IS 'Whether the agent logged or edited it.';
COMMENT ON COLUMN call_log.parts.recorded IS 'Whether it was recorded.';

-- The figures are said once; <figures> of a set of calls c, and who shows them.
DO $make$
DECLARE
	figures text := $$
	count(*)::integer                                                  AS calls,
	(count(*) FILTER (WHERE c.direction = 'Inbound'))::integer         AS inbound,
	(count(*) FILTER (WHERE c.direction = 'Outbound'))::integer        AS outbound,
	(count(*) FILTER (WHERE c.direction = 'internal'))::integer        AS internal,
	(count(*) FILTER (WHERE c.outcome IS NULL))::integer               AS live,
	(count(*) FILTER (WHERE c.outcome = 'answered'))::integer          AS answered,
	(count(*) FILTER (WHERE c.outcome = 'missed'))::integer            AS missed,
	(count(*) FILTER (WHERE c.outcome = 'voicemail'))::integer         AS voicemail,
	(count(*) FILTER (WHERE c.outcome = 'rejected'))::integer          AS rejected,
	(count(*) FILTER (WHERE c.outcome = 'no_answer'))::integer         AS no_answer,
	(count(*) FILTER (WHERE c.outcome = 'busy'))::integer              AS busy,
	(count(*) FILTER (WHERE c.outcome = 'failed'))::integer            AS failed,
	(count(*) FILTER (WHERE c.outcome = 'other'))::integer             AS other,
	(count(*) FILTER (WHERE c.direction = 'Inbound' AND c.outcome IS NOT NULL))::integer AS inbound_ended,
	(count(*) FILTER (WHERE c.direction = 'Inbound' AND c.outcome = 'answered'))::integer AS inbound_answered,
	(count(*) FILTER (WHERE c.noted))::integer                         AS with_note,
	(count(*) FILTER (WHERE c.by_hand))::integer                       AS by_hand,
	(count(*) FILTER (WHERE c.recorded AND c.outcome = 'answered'))::integer AS recorded,
	coalesce(sum(c.talk_s), 0)                                         AS talk_total_s,
	call_log.sorted(array_agg(c.talk_s) FILTER (WHERE c.talk_s IS NOT NULL)) AS talk$$;
	of_agents text := $$
SELECT c.account, c.agent, (c.began_at AT TIME ZONE c.zone)::date AS day,<figures>
FROM (<calls>) AS c
GROUP BY 1, 2, 3$$;
	-- A call is one, whoever took part in it; and within each team, one again.
	of_teams text := $$
SELECT c.account, c.everyone, c.team, (c.began_at AT TIME ZONE c.zone)::date AS day,
	extract(hour FROM c.began_at AT TIME ZONE c.zone)::smallint AS hour,<figures>
FROM (
	SELECT p.account, p.zone, GROUPING(t.team) = 1 AS everyone, t.team, min(p.began_at) AS began_at,
	       CASE WHEN bool_or(p.direction = 'Inbound') AND bool_or(p.direction = 'Outbound') THEN 'internal'
	            ELSE min(p.direction) END AS direction,
	       CASE WHEN bool_or(p.outcome = 'answered')  THEN 'answered'
	            -- one that rings on though others have ended rings no more: nobody said so
	            WHEN bool_or(p.outcome IS NULL AND p.connected) OR bool_and(p.outcome IS NULL) THEN NULL
	            WHEN bool_or(p.outcome = 'voicemail') THEN 'voicemail'
	            WHEN bool_or(p.outcome = 'missed')    THEN 'missed'
	            WHEN bool_or(p.outcome = 'rejected')  THEN 'rejected'
	            WHEN bool_or(p.outcome = 'busy')      THEN 'busy'
	            WHEN bool_or(p.outcome = 'no_answer') THEN 'no_answer'
	            WHEN bool_or(p.outcome = 'failed')    THEN 'failed'
	            ELSE 'other' END AS outcome,
	       CASE WHEN count(p.talk_s) < 2 THEN max(p.talk_s)
	            ELSE call_log.covered_s(array_agg(tstzrange(p.began_at, p.began_at + make_interval(secs => p.talk_s)))
	                                    FILTER (WHERE p.talk_s IS NOT NULL)) END AS talk_s,
	       bool_or(p.noted) AS noted, bool_or(p.by_hand) AS by_hand, bool_or(p.recorded) AS recorded
	FROM (<calls>) AS p
	LEFT JOIN call_log.teams t USING (account, agent)
	GROUP BY p.account, p.zone, p.session_id, GROUPING SETS ((), (t.team))
) AS c
GROUP BY 1, 2, 3, 4, 5$$;
	all_calls text := 'SELECT p.*, z.zone FROM call_log.report_zone z CROSS JOIN call_log.parts p';
BEGIN
	EXECUTE 'CREATE VIEW call_log.agent_days AS' || replace(replace(of_agents, '<figures>', figures), '<calls>', all_calls);
	EXECUTE 'CREATE VIEW call_log.team_hours AS' || replace(replace(of_teams, '<figures>', figures), '<calls>', all_calls);
END $make$;

-- ------------------------------------------------------------------ the views
DO $make$
DECLARE
	-- what is shown of figures f
	shown text := $$
       f.calls, f.inbound, f.outbound,<internal>
       f.live, f.calls - f.live AS ended,
       f.answered, round(100.0 * f.answered / nullif(f.calls - f.live, 0), 1) AS answered_pct,
       f.missed, f.voicemail, f.rejected, f.no_answer, f.busy, f.failed, f.other,
       f.inbound_ended, f.inbound_answered,
       round(100.0 * f.inbound_answered / nullif(f.inbound_ended, 0), 1) AS inbound_answered_pct,
       f.talk_total_s, round(f.talk_total_s / cardinality(f.talk)::numeric, 1) AS talk_average_s,
       call_log.percentile(f.talk, 0.5) AS talk_median_s, call_log.percentile(f.talk, 0.9) AS talk_p90_s,
       f.with_note, round(100.0 * f.with_note / nullif(f.calls, 0), 1) AS with_note_pct,
       f.by_hand$$;
	-- figures added up
	summed text := (
		SELECT string_agg(format('sum(%1$I)::bigint AS %1$I', a.attname), ', ' ORDER BY a.attnum)
		FROM pg_attribute a WHERE a.attrelid = 'call_log.agent_days'::regclass
		  AND a.attnum > 0 AND a.attname NOT IN ('account', 'agent', 'day', 'talk'))
		|| ', call_log.sorted(call_log.joined(talk)) AS talk';
	view   record;
	meaning record;
BEGIN
	FOR view IN SELECT * FROM (VALUES
		('agent_day', 'account, agent, day', NULL, 'agent_days', 'true',
		 'The figures of an agent''s day: one row an agent and day with calls.'),
		('agent_week', 'account, agent, week', 'account, agent, date_trunc(''week'', day::timestamp)::date AS week', 'agent_days', 'true',
		 'The figures of an agent''s week: one row an agent and week with calls.'),
		('agent_month', 'account, agent, month', 'account, agent, date_trunc(''month'', day::timestamp)::date AS month', 'agent_days', 'true',
		 'The figures of an agent''s month: one row an agent and month with calls.'),
		('team', 'account, team, day', 'account, team, day', 'team_hours', 'NOT everyone',
		 'The figures of a team''s day: one row a team and day with calls. A call that several agents of the team had is one; of one that two teams had each counts it.'),
		('company_day', 'account, day', 'account, day', 'team_hours', 'everyone',
		 'The figures of a day: one row a day with calls. A call that several agents had is one.'),
		('hour_of_week', 'account, day, weekday, hour', 'account, day, extract(isodow FROM day)::integer AS weekday, hour', 'team_hours', 'everyone',
		 'The load by weekday and hour, to staff by: one row an hour of a day with calls; group by weekday and hour. A call belongs to the hour in which it began, and one that several agents had is one.'),
		('team_hour_of_week', 'account, team, day, weekday, hour', 'account, team, day, extract(isodow FROM day)::integer AS weekday, hour', 'team_hours', 'NOT everyone',
		 'The load of each team by weekday and hour: hour_of_week, of the agents of one team.')
	) AS v (name, keys, grouped, source, part, says) LOOP
		EXECUTE format('CREATE VIEW call_report.%I AS SELECT f.%s,', view.name, replace(view.keys, ', ', ', f.'))
			|| replace(shown, '<internal>', CASE view.source WHEN 'team_hours' THEN ' f.internal,' ELSE '' END)
			|| CASE WHEN view.grouped IS NULL THEN format(' FROM call_log.%I f', view.source)
			   ELSE format(' FROM (SELECT %s, %s FROM call_log.%I WHERE %s GROUP BY %s) AS f',
			               view.grouped, summed, view.source, view.part, view.keys) END;
		EXECUTE format('COMMENT ON VIEW call_report.%I IS %L', view.name, view.says
			|| ' Days are those of call_log.settings.report_time_zone, or of the TimeZone that the session was set to.');
	END LOOP;
END $make$;

CREATE VIEW call_report.outcome AS
SELECT f.account, f.day, o.outcome, sum(o.calls) AS calls, sum(f.calls - f.live) AS ended,
       round(100.0 * sum(o.calls) / sum(f.calls - f.live), 1) AS ended_pct
FROM call_log.team_hours f CROSS JOIN LATERAL (VALUES
	('answered', f.answered), ('missed', f.missed), ('voicemail', f.voicemail), ('rejected', f.rejected),
	('no_answer', f.no_answer), ('busy', f.busy), ('failed', f.failed), ('other', f.other)
) AS o (outcome, calls)
WHERE f.everyone
GROUP BY f.account, f.day, o.outcome
HAVING sum(o.calls) > 0;
COMMENT ON VIEW call_report.outcome IS 'How the calls of a day ended: one row a day and outcome. A call that several agents had is one: answered if any of them answered. Days as in company_day.';

CREATE VIEW call_report.recorded AS
SELECT f.account, f.agent, f.day, f.answered, f.recorded,
       round(100.0 * f.recorded / nullif(f.answered, 0), 1) AS recorded_pct
FROM call_log.agent_days f;
COMMENT ON VIEW call_report.recorded IS 'How many of the answered calls were recorded: one row an agent and day. Days as in agent_day.';

-- ---------------------------------------------------------- missed and returned
CREATE VIEW call_log.missed_calls AS
SELECT m.*, r.returned_at, r.returned_by, r.returned_direction, r.returned_outcome, r.returned_session_id
FROM (
	SELECT c.account, c.session_id, min(coalesce(c.started_at, c.logged_at)) AS began_at,
	       CASE WHEN bool_or(c.outcome = 'voicemail') THEN 'voicemail' ELSE 'missed' END AS outcome,
	       min(c.from_number) AS other_number, min(c.from_name) AS other_name,
	       min(c.contact_id) AS contact_id, min(c.contact_name) AS contact_name,
	       array_agg(c.agent ORDER BY c.started_at, c.agent) AS agents, bool_or(c.queue_call) AS queue_call
	FROM call_log.calls c
	WHERE c.direction = 'Inbound' AND c.outcome IN ('missed', 'voicemail') AND c.merged_into IS NULL
	  AND NOT EXISTS (SELECT FROM call_log.calls o
	                  WHERE o.account = c.account AND o.session_id = c.session_id AND o.merged_into IS NULL
	                    AND (o.outcome = 'answered' OR o.outcome IS NULL AND o.connected))
	GROUP BY c.account, c.session_id
) AS m
LEFT JOIN LATERAL (
	SELECT c.started_at AS returned_at, c.agent AS returned_by, c.direction AS returned_direction,
	       c.outcome AS returned_outcome, c.session_id AS returned_session_id
	FROM call_log.calls c
	WHERE c.account = m.account
	  AND CASE c.direction WHEN 'Inbound' THEN c.from_number WHEN 'Outbound' THEN c.to_number END = m.other_number
	  AND c.started_at > m.began_at AND c.session_id <> m.session_id AND c.merged_into IS NULL
	  AND CASE c.direction WHEN 'Outbound' THEN coalesce(c.outcome <> 'failed', true)
	                       ELSE coalesce(c.outcome = 'answered', c.connected) END
	ORDER BY c.started_at, c.session_id, c.agent LIMIT 1
) AS r ON true;
COMMENT ON VIEW call_log.missed_calls IS 'Calls that nobody answered, each with the next call with the same number that was made or answered.';

CREATE VIEW call_report.missed AS
SELECT m.account, m.began_at AS started_at, m.outcome, m.other_number, m.other_name, m.contact_id, m.contact_name,
       m.agents, m.queue_call, m.returned_at IS NOT NULL AS returned, m.returned_at, m.returned_by,
       CASE m.returned_direction WHEN 'Outbound' THEN 'called back' WHEN 'Inbound' THEN 'reached us' END AS returned_how,
       m.returned_outcome, floor(extract(epoch FROM m.returned_at - m.began_at))::bigint AS waited_s,
       m.returned_session_id, m.session_id
FROM call_log.missed_calls m;
COMMENT ON VIEW call_report.missed IS 'Inbound calls that nobody answered, with a voicemail or without, and whether the number was called back or reached us again since. One row a call, at however many agents it rang.';

CREATE VIEW call_report.unreturned AS
SELECT m.account, m.started_at, m.outcome, m.other_number, m.other_name, m.contact_id, m.contact_name,
       m.agents, m.queue_call, floor(extract(epoch FROM now() - m.started_at))::bigint AS waiting_s, m.session_id
FROM call_report.missed m
WHERE NOT m.returned AND m.other_number IS NOT NULL
ORDER BY m.started_at, m.session_id;
COMMENT ON VIEW call_report.unreturned IS 'Missed calls whose number was neither called back nor reached us again: who still waits, longest first. Callers who withheld their number are not listed: nobody can call them.';

-- --------------------------------------------------------- what a column means
DO $$
DECLARE
	view record;
	meaning record;
BEGIN
	FOR meaning IN SELECT * FROM (VALUES
		('account', NULL, 'Tenant; empty in a host with only one.'),
		('agent', NULL, 'The agent.'),
		('team', NULL, 'The team (call_log.teams); NULL for the agents of none.'),
		('day', NULL, 'The day on which the calls began, in the reports'' time zone; where a start is unknown, on which they were first logged.'),
		('week', NULL, 'The Monday of the week in which the calls began, in the reports'' time zone; where a start is unknown, in which they were first logged.'),
		('month', NULL, 'The first day of the month in which the calls began, in the reports'' time zone; where a start is unknown, in which they were first logged.'),
		('weekday', NULL, 'The day''s weekday: 1 is Monday, 7 Sunday.'),
		('hour', NULL, 'The hour in which the calls began, 0 to 23, in the reports'' time zone. The one that comes twice when clocks go back holds both; the one that is skipped has none.'),
		('calls', 'outcome', 'Calls that ended so.'),
		('ended', 'outcome', 'All calls of the day that have ended: what ended_pct is of.'),
		('calls', NULL, 'All calls, those in progress included.'),
		('inbound', NULL, 'Calls that came in.'),
		('outbound', NULL, 'Calls that were made.'),
		('internal', NULL, 'Calls between agents of those that are counted here; they are neither inbound nor outbound.'),
		('live', NULL, 'Calls in progress, or stuck because their end never came.'),
		('ended', NULL, 'Calls that have ended: what answered_pct is of.'),
		('ended_pct', NULL, 'Their percentage of ended.'),
		('answered', 'recorded', 'Calls in which somebody answered: what recorded_pct is of.'),
		('answered', NULL, 'Ended calls, in either direction, in which somebody answered.'),
		('answered_pct', NULL, 'The percentage of answered in ended; NULL when none has ended.'),
		('missed', NULL, 'Ended inbound calls that were not answered, without a voicemail.'),
		('voicemail', NULL, 'Ended calls that went to voicemail.'),
		('rejected', NULL, 'Ended calls that were rejected or blocked.'),
		('no_answer', NULL, 'Ended outbound calls that the other side did not answer.'),
		('busy', NULL, 'Ended calls to a busy line.'),
		('failed', NULL, 'Ended calls that failed: wrong number, not allowed, an error.'),
		('other', NULL, 'Ended calls of any other result, such as answered elsewhere.'),
		('inbound_ended', NULL, 'Inbound calls that have ended: what inbound_answered_pct is of.'),
		('inbound_answered', NULL, 'Those of them that were answered.'),
		('inbound_answered_pct', NULL, 'The percentage of inbound_answered in inbound_ended; NULL when none has ended.'),
		('talk_total_s', NULL, 'Seconds of all answered calls together. Ringing counts only until a call''s record has come. Time in which several agents were in one call counts once, unless the figures are those of each agent.'),
		('talk_average_s', NULL, 'Mean seconds of an answered call; NULL when there was none.'),
		('talk_median_s', NULL, 'Median seconds of an answered call; NULL when there was none.'),
		('talk_p90_s', NULL, 'Nine of ten answered calls took at most so many seconds; NULL when there was none.'),
		('with_note', NULL, 'Calls with a note that is not empty.'),
		('with_note_pct', NULL, 'The percentage of with_note in calls.'),
		('by_hand', NULL, 'Calls that the agent logged or edited by hand.'),
		('recorded', NULL, 'Those of them with a recording.'),
		('recorded_pct', NULL, 'The percentage of recorded in answered; NULL when none was answered.'),
		('outcome', 'outcome', 'answered, missed, voicemail, rejected, no_answer, busy, failed or other.'),
		('outcome', NULL, 'voicemail where it went there at any agent, else missed.'),
		('started_at', NULL, 'When it began, by the phone service''s clock; where that is unknown, when it was first logged.'),
		('other_number', NULL, 'Who called; NULL when the number was withheld.'),
		('other_name', NULL, 'The name shown for the caller.'),
		('contact_id', NULL, 'The contact in the host.'),
		('contact_name', NULL, 'The contact''s name when it was matched.'),
		('agents', NULL, 'At whom it rang, in order.'),
		('queue_call', NULL, 'Whether it came through a call queue, if known.'),
		('returned', NULL, 'Whether, later, any agent called the number or answered a call from it.'),
		('returned_at', NULL, 'When the first such call began; NULL when there was none.'),
		('returned_by', NULL, 'The agent of that call.'),
		('returned_how', NULL, 'called back (an agent called the number, whether or not anybody answered there; returned_outcome tells), or reached us (an agent answered a call from it).'),
		('returned_outcome', NULL, 'How that call ended; NULL while it is live.'),
		('waited_s', NULL, 'Seconds from the missed call to that one.'),
		('returned_session_id', NULL, 'The phone service''s name of that call.'),
		('waiting_s', NULL, 'Seconds since the missed call.'),
		('session_id', NULL, 'The phone service''s name of the call.')
	) AS m (name, of, says) LOOP
		FOR view IN
			SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
			WHERE c.relnamespace = 'call_report'::regnamespace AND a.attname = meaning.name
			  AND (meaning.of IS NULL OR c.relname = meaning.of)
			  AND col_description(c.oid, a.attnum) IS NULL
		LOOP
			EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', view.name, meaning.name, meaning.says);
		END LOOP;
	END LOOP;
	-- the sums beneath, not for reading
	FOR view IN
		SELECT c.oid::regclass AS name, a.attname AS member FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.oid IN ('call_log.agent_days'::regclass, 'call_log.team_hours'::regclass, 'call_log.missed_calls'::regclass)
		  AND a.attnum > 0
	LOOP
		EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', view.name, view.member,
			CASE view.member
			WHEN 'everyone' THEN 'Whether these are the figures of all agents together; else of one team.'
			WHEN 'talk'     THEN 'Seconds of each answered call, ascending.'
			WHEN 'began_at' THEN 'started_at of call_report.missed.'
			WHEN 'returned_direction' THEN 'The direction of the call that returned it.'
			ELSE 'As in the views of call_report.' END);
	END LOOP;
END $$;
COMMENT ON VIEW call_log.agent_days IS 'The figures of each agent''s days.';
COMMENT ON VIEW call_log.team_hours IS 'The figures of each hour, of all agents together and of each team.';

REVOKE ALL ON ALL TABLES IN SCHEMA call_report FROM PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA call_report TO call_log_report;

INSERT INTO call_log.migrations (version, name) VALUES (8, 'figures');
COMMIT;
