-- What analysts read of figures: views that add them up.
BEGIN;

CREATE FUNCTION call_log.ratio(part bigint, whole bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
-- in whole numbers: a division of numerics takes as long as all the rest of a row
'SELECT (20 * part + whole) / (2 * nullif(whole, 0)) * 0.1';
COMMENT ON FUNCTION call_log.ratio(bigint, bigint) IS 'One positive number by another, to a tenth; NULL by 0.';
-- whoever may read a view runs the functions in it
GRANT EXECUTE ON FUNCTION call_log.ratio(bigint, bigint) TO PUBLIC;

-- ------------------------------------------------------------------ the views
DO $make$
DECLARE
	-- what is shown of figures f: first what agent_day always showed, in its order, for
	-- those who built upon it
	shown text := $$
       f.calls, f.inbound, f.outbound, f.answered, f.missed, f.voicemail,
       f.talk_total_s, call_log.ratio(f.talk_total_s, f.talks) AS talk_average_s,
       <median> AS talk_median_s, f.with_note, <p90> AS talk_p90_s,<internal>
       f.live, f.calls - f.live AS ended, call_log.ratio(100 * f.answered, f.calls - f.live) AS answered_pct,
       f.rejected, f.no_answer, f.busy, f.failed, f.other,
       f.inbound_ended, f.inbound_answered,
       call_log.ratio(100 * f.inbound_answered, f.inbound_ended) AS inbound_answered_pct,
       call_log.ratio(100 * f.with_note, f.calls) AS with_note_pct, f.by_hand$$;
	-- the figures, one by one, or added up
	single text;
	summed text;
	view   record;
BEGIN
	SELECT string_agg(format('%1$I::bigint', a.attname), ', ') || ', talk_median_s, talk_p90_s',
	       string_agg(format('sum(%1$I)::bigint AS %1$I', a.attname), ', ') || ', call_log.sorted(call_log.joined(talk)) AS talk'
	INTO single, summed
	FROM pg_attribute a WHERE a.attrelid = 'call_log.team_hours'::regclass
	  AND a.attnum > 0 AND a.attname NOT IN ('account', 'everyone', 'team', 'day', 'hour', 'talk');

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
		EXECUTE format('CREATE OR REPLACE VIEW call_report.%I AS SELECT f.%s,', view.name, replace(view.keys, ', ', ', f.'))
			|| replace(replace(replace(shown,
			   '<internal>', CASE view.source WHEN 'team_hours' THEN ' f.internal,' ELSE '' END),
			   '<median>', CASE WHEN view.grouped IS NULL THEN 'f.talk_median_s' ELSE 'call_log.percentile(f.talk, 5)' END),
			   '<p90>', CASE WHEN view.grouped IS NULL THEN 'f.talk_p90_s' ELSE 'call_log.percentile(f.talk, 9)' END)
			|| CASE WHEN view.grouped IS NULL THEN format(' FROM (SELECT %s, %s FROM call_log.%I) AS f', view.keys, single, view.source)
			   ELSE format(' FROM (SELECT %s, %s FROM call_log.%I WHERE %s GROUP BY %s) AS f',
			               view.grouped, summed, view.source, view.part, view.keys) END;
		EXECUTE format('COMMENT ON VIEW call_report.%I IS %L', view.name, view.says
			|| ' Days are those of call_log.settings.report_time_zone, or of the TimeZone that the session was set to.');
	END LOOP;
END $make$;

CREATE VIEW call_report.outcome AS
SELECT f.account, f.day, o.outcome, sum(o.calls) AS calls, sum(f.calls - f.live) AS ended,
       call_log.ratio(100 * sum(o.calls), sum(f.calls - f.live)) AS ended_pct
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
       call_log.ratio(100 * f.recorded, f.answered) AS recorded_pct
FROM call_log.agent_days f;
COMMENT ON VIEW call_report.recorded IS 'How many of the answered calls were recorded: one row an agent and day. Days as in agent_day.';

-- ---------------------------------------------------------- missed and returned
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

CREATE VIEW call_report.live AS
SELECT c.account, c.agent, c.state, c.direction,
       CASE c.direction WHEN 'Inbound' THEN c.from_number WHEN 'Outbound' THEN c.to_number END AS other_number,
       CASE c.direction WHEN 'Inbound' THEN c.from_name   WHEN 'Outbound' THEN c.to_name   END AS other_name,
       c.contact_id, c.contact_name, c.queue_call,
       coalesce(c.started_at, c.logged_at) AS began_at,
       floor(extract(epoch FROM now() - coalesce(c.started_at, c.logged_at)))::bigint AS age_s,
       c.last_event_at,
       floor(extract(epoch FROM now() - c.last_event_at))::bigint AS silent_s,
       c.last_event_at < now() - (SELECT s.stuck_after FROM call_log.settings s) AS stuck,
       c.id, c.session_id
FROM call_log.live_calls l CROSS JOIN LATERAL (
	SELECT c.account, c.agent, c.session_id, c.id, c.state, c.direction, c.from_number, c.to_number, c.from_name, c.to_name,
	       c.contact_id, c.contact_name, c.queue_call, c.started_at, c.logged_at, c.last_event_at
	FROM call_log.calls c
	WHERE c.account = l.account AND c.session_id = l.session_id AND c.agent = l.agent OFFSET 0) AS c;
COMMENT ON VIEW call_report.live IS 'Calls in progress, and those that are stuck because their end never came. One row an agent and call.';

-- --------------------------------------------------------- what a column means
DO $$
DECLARE
	view record;
	meaning record;
BEGIN
	-- said anew
	FOR meaning IN SELECT a.attname FROM pg_attribute a WHERE a.attrelid = 'call_report.agent_day'::regclass LOOP
		EXECUTE format('COMMENT ON COLUMN call_report.agent_day.%I IS NULL', meaning.attname);
	END LOOP;
	FOR meaning IN SELECT * FROM (VALUES
		('account', NULL, 'Tenant; empty in a host with only one.'),
		('agent', NULL, 'The agent.'),
		('began_at', NULL, 'When the call began; where that is unknown, when it was first logged.'),
		('state', NULL, 'ringing, connected, held or parked, as last heard.'),
		('age_s', NULL, 'Seconds since it began.'),
		('last_event_at', NULL, 'When the widget last told something new of it.'),
		('silent_s', NULL, 'Seconds since then.'),
		('stuck', NULL, 'Whether that is longer than call_log.settings.stuck_after: its end probably never came.'),
		('direction', NULL, 'Inbound or Outbound, as the agent sees it.'),
		('other_number', 'live', 'The number of the other side; NULL when it was withheld.'),
		('other_name', 'live', 'The name of the other side, as shown.'),
		('id', NULL, 'The call''s number, as in the widget''s match answers.'),
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
END $$;

GRANT SELECT ON call_report.agent_week, call_report.agent_month, call_report.team, call_report.company_day,
	call_report.hour_of_week, call_report.team_hour_of_week, call_report.outcome, call_report.recorded,
	call_report.missed, call_report.unreturned, call_report.live TO call_log_report;

INSERT INTO call_log.migrations (version, name) VALUES (10, 'figures');
COMMIT;
