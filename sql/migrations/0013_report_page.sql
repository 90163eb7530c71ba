-- What the page of reports asks: figures of a period, and the calls behind each; one
-- function, JSON in and out. Whose figures somebody may see the plugin decides.
--
--   whose    in_agent: one agent's; else by_team: those of the agents of in_team, NULL
--            standing for those of none; else everybody's. Of several agents a call is
--            one, whoever took part in it
--   figures  have the names of the columns of call_report.company_day
--   calls    report_is() says which are behind a figure
BEGIN;

CREATE FUNCTION call_log.report_is(figure text, direction text, outcome text, noted boolean, by_hand boolean, recorded boolean)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT coalesce(CASE figure
	WHEN 'calls'            THEN true
	WHEN 'inbound'          THEN direction = 'Inbound'
	WHEN 'outbound'         THEN direction = 'Outbound'
	WHEN 'internal'         THEN direction = 'internal'
	WHEN 'live'             THEN outcome IS NULL
	WHEN 'ended'            THEN outcome IS NOT NULL
	WHEN 'inbound_ended'    THEN direction = 'Inbound' AND outcome IS NOT NULL
	WHEN 'inbound_answered' THEN direction = 'Inbound' AND outcome = 'answered'
	WHEN 'with_note'        THEN noted
	WHEN 'by_hand'          THEN by_hand
	WHEN 'recorded'         THEN recorded AND outcome = 'answered'
	ELSE outcome = figure END, false)
$$;
COMMENT ON FUNCTION call_log.report_is(text, text, text, boolean, boolean, boolean) IS
'Whether a call counts in the figure of that name; any other name is that of an outcome. Inlined.';

CREATE FUNCTION call_log.report_calls_between(in_account text, in_agent text, by_team boolean, in_team text, from_at timestamptz, until_at timestamptz)
RETURNS TABLE (session_id text, began_at timestamptz, direction text, outcome text, talk_s integer, noted boolean, by_hand boolean, recorded boolean)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH near AS MATERIALIZED (
		SELECT DISTINCT n.session_id FROM (
			SELECT p.account, p.agent, p.session_id FROM call_log.parts p
			WHERE in_agent IS NULL AND p.account = in_account AND p.began_at >= from_at AND p.began_at < until_at
			UNION ALL
			-- each by an index of the agent's calls
			SELECT p.account, p.agent, p.session_id FROM call_log.parts p
			WHERE p.account = in_account AND p.agent = in_agent AND p.started_at >= from_at AND p.started_at < until_at
			UNION ALL
			SELECT p.account, p.agent, p.session_id FROM call_log.parts p
			WHERE p.account = in_account AND p.agent = in_agent AND p.started_at IS NULL AND p.logged_at >= from_at AND p.logged_at < until_at
		) AS n LEFT JOIN call_log.teams t USING (account, agent)
		WHERE NOT by_team OR t.team IS NOT DISTINCT FROM in_team
	)
	-- as team_hours does; one part alone stays what it is
	SELECT s.session_id, min(p.began_at),
	       CASE WHEN bool_or(p.direction = 'Inbound') AND bool_or(p.direction = 'Outbound') THEN 'internal'
	            ELSE min(p.direction) END,
	       CASE WHEN bool_or(p.outcome = 'answered')  THEN 'answered'
	            WHEN bool_or(p.outcome IS NULL AND p.connected) OR bool_and(p.outcome IS NULL) THEN NULL
	            WHEN bool_or(p.outcome = 'voicemail') THEN 'voicemail'
	            WHEN bool_or(p.outcome = 'missed')    THEN 'missed'
	            WHEN bool_or(p.outcome = 'rejected')  THEN 'rejected'
	            WHEN bool_or(p.outcome = 'busy')      THEN 'busy'
	            WHEN bool_or(p.outcome = 'no_answer') THEN 'no_answer'
	            WHEN bool_or(p.outcome = 'failed')    THEN 'failed'
	            ELSE 'other' END,
	       CASE WHEN count(p.talk_s) < 2 THEN max(p.talk_s)
	            ELSE call_log.covered_s(array_agg(tstzrange(p.began_at, p.began_at + make_interval(secs => p.talk_s)))
	                                    FILTER (WHERE p.talk_s IS NOT NULL)) END,
	       bool_or(p.noted), bool_or(p.by_hand), bool_or(p.recorded)
	FROM near s CROSS JOIN LATERAL (
		SELECT p.* FROM call_log.parts p
		WHERE p.account = in_account AND p.session_id = s.session_id AND (in_agent IS NULL OR p.agent = in_agent) OFFSET 0) AS p
	LEFT JOIN call_log.teams t USING (account, agent)
	WHERE NOT by_team OR t.team IS NOT DISTINCT FROM in_team
	GROUP BY s.session_id
	HAVING min(p.began_at) >= from_at AND min(p.began_at) < until_at;
END $$;
COMMENT ON FUNCTION call_log.report_calls_between(text, text, boolean, text, timestamptz, timestamptz) IS
'The calls of whomever is asked for that began within some time, each once.';

-- Each figure is a column of team_hours.
DO $make$
DECLARE
	names    text[] := (SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
	                    WHERE a.attrelid = 'call_log.team_hours'::regclass AND a.attnum > 0
	                      AND a.attname NOT IN ('account', 'everyone', 'team', 'day', 'hour', 'talk_total_s', 'talk'));
	counted  text := (SELECT string_agg(format('(count(*) FILTER (WHERE call_log.report_is(%L, c.direction, c.outcome, c.noted, c.by_hand, c.recorded)))::integer', n), ', ' ORDER BY i)
	                  FROM unnest(names) WITH ORDINALITY AS u (n, i));
	chosen   text := (SELECT string_agg(format('WHEN %1$L THEN hour.%1$I', n), ' ' ORDER BY i) FROM unnest(names) WITH ORDINALITY AS u (n, i));
	summed   text := (SELECT string_agg(format('coalesce(sum(h.%1$I), 0)::bigint AS %1$I', n), ', ' ORDER BY i) FROM unnest(names) WITH ORDINALITY AS u (n, i));
BEGIN
	EXECUTE replace($$
CREATE FUNCTION call_log.report_figure(hour call_log.team_hours, figure text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
SELECT CASE figure <chosen> WHEN 'ended' THEN hour.calls - hour.live END
$body$ $$, '<chosen>', chosen);

	EXECUTE replace($$
CREATE FUNCTION call_log.report_days(in_account text, in_agent text, by_team boolean, in_team text, from_day date, until_day date)
RETURNS SETOF call_log.team_hours
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $body$
#variable_conflict use_column
BEGIN
	IF in_agent IS NULL THEN
		RETURN QUERY SELECT h.* FROM call_log.team_hours h
		WHERE h.account = in_account AND h.day BETWEEN from_day AND until_day
		  AND CASE WHEN by_team THEN NOT h.everyone AND h.team IS NOT DISTINCT FROM in_team ELSE h.everyone END;
	ELSE
		RETURN QUERY SELECT d.account, false, NULL::text, d.day, NULL::smallint, <names>, d.talk_total_s, d.talk
		FROM call_log.agent_days d
		WHERE d.account = in_account AND d.agent = in_agent AND d.day BETWEEN from_day AND until_day;
	END IF;
END $body$ $$, '<names>', (SELECT string_agg(format('d.%I', n), ', ' ORDER BY i) FROM unnest(names) WITH ORDINALITY AS u (n, i)));

	-- those of one agent nobody counted by the hour, and they are few
	EXECUTE replace($$
CREATE FUNCTION call_log.report_hours(in_account text, in_agent text, by_team boolean, in_team text, from_day date, until_day date)
RETURNS SETOF call_log.team_hours
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $body$
#variable_conflict use_column
DECLARE
	zone text := (SELECT z.zone FROM call_log.report_zone z);
BEGIN
	IF in_agent IS NULL THEN
		RETURN QUERY SELECT h.* FROM call_log.report_days(in_account, in_agent, by_team, in_team, from_day, until_day) AS h;
	ELSE
		RETURN QUERY SELECT in_account, false, NULL::text, (c.began_at AT TIME ZONE zone)::date,
			extract(hour FROM c.began_at AT TIME ZONE zone)::smallint, <counted>,
			coalesce(sum(c.talk_s), 0), call_log.sorted(array_agg(c.talk_s) FILTER (WHERE c.talk_s IS NOT NULL))
		FROM call_log.report_calls_between(in_account, in_agent, false, NULL, from_day::timestamp AT TIME ZONE zone - interval '3 hours',
		                                   (until_day + 1)::timestamp AT TIME ZONE zone + interval '3 hours') AS c
		WHERE (c.began_at AT TIME ZONE zone)::date BETWEEN from_day AND until_day
		GROUP BY 4, 5;
	END IF;
END $body$ $$, '<counted>', counted);

	EXECUTE replace($$
CREATE FUNCTION call_log.report_sums(hours call_log.team_hours[]) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $body$
WITH h AS (SELECT h.* FROM unnest(hours) AS h), talk AS (
	-- a sort of all seconds is dearer than that of the few different ones
	SELECT t.s, sum(count(*)) OVER (ORDER BY t.s)::bigint AS upto, sum(count(*)) OVER ()::bigint AS n
	FROM h CROSS JOIN LATERAL unnest(h.talk) AS t (s) GROUP BY t.s
)
SELECT to_jsonb(f) || jsonb_build_object('ended', f.calls - f.live, 'talk_average_s', round(f.talk_total_s / nullif(t.n, 0)::numeric, 1),
	'talk_median_s', round((10 * t.a5 + 5 * (t.n - 1) % 10 * (t.b5 - t.a5)) / 10.0, 1),
	'talk_p90_s', round((10 * t.a9 + 9 * (t.n - 1) % 10 * (t.b9 - t.a9)) / 10.0, 1))
FROM (SELECT <summed>, coalesce(sum(h.talk_total_s), 0)::bigint AS talk_total_s FROM h) AS f
CROSS JOIN (
	SELECT max(n) AS n, min(s) FILTER (WHERE upto > 5 * (n - 1) / 10) AS a5, min(s) FILTER (WHERE upto > (5 * (n - 1) + 9) / 10) AS b5,
	       min(s) FILTER (WHERE upto > 9 * (n - 1) / 10) AS a9, min(s) FILTER (WHERE upto > (9 * (n - 1) + 9) / 10) AS b9
	FROM talk) AS t
$body$ $$, '<summed>', summed);
END $make$;
COMMENT ON FUNCTION call_log.report_figure(call_log.team_hours, text) IS 'A figure of an hour, by its name; NULL for a name that none has.';
COMMENT ON FUNCTION call_log.report_days(text, text, boolean, text, date, date) IS 'The figures of some days, of whomever is asked for, by the hour; those of one agent by the day (the hour is NULL).';
COMMENT ON FUNCTION call_log.report_hours(text, text, boolean, text, date, date) IS 'The figures of each hour of some days, of whomever is asked for; those of one agent of calls that are not purged.';
COMMENT ON FUNCTION call_log.report_sums(call_log.team_hours[]) IS 'Figures of hours together, as an object of JSON.';

CREATE FUNCTION call_log.report_waiting(in_account text, in_agent text, by_team boolean, in_team text, from_day date, until_day date)
RETURNS SETOF call_log.missed_calls
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	zone text := (SELECT z.zone FROM call_log.report_zone z);
BEGIN
	RETURN QUERY SELECT m.* FROM call_log.missed_calls m
	WHERE m.account = in_account AND m.returned_at IS NULL AND m.other_number IS NOT NULL
	  AND m.began_at >= from_day::timestamp AT TIME ZONE zone - interval '3 hours'
	  AND m.began_at < (until_day + 1)::timestamp AT TIME ZONE zone + interval '3 hours'
	  AND (m.began_at AT TIME ZONE zone)::date BETWEEN from_day AND until_day
	  AND (in_agent IS NULL OR in_agent = ANY (m.agents))
	  AND (NOT by_team OR EXISTS (
		SELECT FROM unnest(m.agents) AS a (agent) LEFT JOIN call_log.teams t ON t.account = in_account AND t.agent = a.agent
		WHERE t.team IS NOT DISTINCT FROM in_team));
END $$;
COMMENT ON FUNCTION call_log.report_waiting(text, text, boolean, text, date, date) IS
'The missed calls of some days that are still to be returned, at whomever is asked for.';

CREATE FUNCTION call_log.report(in_account text, in_agent text, by_team boolean, in_team text, from_day date, until_day date)
RETURNS jsonb LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
	before_day date := from_day - (until_day - from_day + 1);
	hours      call_log.team_hours[];
	before     call_log.team_hours[];
	waiting    call_log.missed_calls[];
	answer     jsonb;
BEGIN
	SELECT array_agg(h) FILTER (WHERE h.day >= from_day), array_agg(h) FILTER (WHERE h.day < from_day) INTO hours, before
	FROM call_log.report_days(in_account, in_agent, by_team, in_team, before_day, until_day) AS h;
	SELECT array_agg(m ORDER BY m.began_at, m.session_id) INTO waiting
	FROM call_log.report_waiting(in_account, in_agent, by_team, in_team, before_day, until_day) AS m;
	answer := jsonb_build_object(
		'before', jsonb_build_object('from', before_day, 'until', from_day - 1, 'figures', call_log.report_sums(before)),
		'figures', call_log.report_sums(hours),
		'days', (SELECT coalesce(jsonb_agg(to_jsonb(d) ORDER BY d.day), '[]') FROM (
			SELECT h.day, sum(h.calls) AS calls, sum(h.answered) AS answered, sum(h.missed) AS missed, sum(h.voicemail) AS voicemail,
			       sum(h.rejected) AS rejected, sum(h.no_answer) AS no_answer, sum(h.busy) AS busy, sum(h.failed) AS failed,
			       sum(h.other) AS other, sum(h.live) AS live
			FROM unnest(hours) AS h GROUP BY h.day) AS d),
		'hours', (SELECT coalesce(jsonb_agg(to_jsonb(w) ORDER BY w.weekday, w.hour), '[]') FROM (
			SELECT extract(isodow FROM h.day)::integer AS weekday, h.hour, sum(h.calls) AS calls, sum(h.inbound) AS inbound,
			       sum(h.outbound) AS outbound, sum(h.missed) AS missed, sum(h.voicemail) AS voicemail
			FROM call_log.report_hours(in_account, in_agent, by_team, in_team, from_day, until_day) AS h GROUP BY 1, 2) AS w),
		'agents', (SELECT coalesce(jsonb_agg(to_jsonb(a) ORDER BY a.agent), '[]') FROM (
			SELECT d.agent, t.team, coalesce(sum(d.calls) FILTER (WHERE d.day < from_day), 0) AS calls_before,
			       coalesce(sum(d.calls) FILTER (WHERE d.day >= from_day), 0) AS calls, coalesce(sum(d.inbound) FILTER (WHERE d.day >= from_day), 0) AS inbound,
			       coalesce(sum(d.outbound) FILTER (WHERE d.day >= from_day), 0) AS outbound, coalesce(sum(d.calls - d.live) FILTER (WHERE d.day >= from_day), 0) AS ended,
			       coalesce(sum(d.answered) FILTER (WHERE d.day >= from_day), 0) AS answered, coalesce(sum(d.missed) FILTER (WHERE d.day >= from_day), 0) AS missed,
			       coalesce(sum(d.voicemail) FILTER (WHERE d.day >= from_day), 0) AS voicemail, coalesce(sum(d.with_note) FILTER (WHERE d.day >= from_day), 0) AS with_note,
			       coalesce(sum(d.talk_total_s) FILTER (WHERE d.day >= from_day), 0)::bigint AS talk_total_s,
			       round(sum(d.talk_total_s) FILTER (WHERE d.day >= from_day) / nullif(sum(cardinality(d.talk)) FILTER (WHERE d.day >= from_day), 0)::numeric, 1) AS talk_average_s,
			       call_log.percentile(call_log.sorted(call_log.joined(d.talk) FILTER (WHERE d.day >= from_day)), 5) AS talk_median_s,
			       call_log.percentile(call_log.sorted(call_log.joined(d.talk) FILTER (WHERE d.day >= from_day)), 9) AS talk_p90_s
			FROM call_log.agent_days d LEFT JOIN call_log.teams t USING (account, agent)
			WHERE d.account = in_account AND d.day BETWEEN before_day AND until_day
			  AND (in_agent IS NULL OR d.agent = in_agent) AND (NOT by_team OR t.team IS NOT DISTINCT FROM in_team)
			GROUP BY d.agent, t.team) AS a),
		'waiting', (SELECT jsonb_build_object('calls', count(*) FILTER (WHERE w.is_now), 'before', count(*) FILTER (WHERE NOT w.is_now),
			'list', coalesce(jsonb_agg(jsonb_build_object(
				'session_id', w.session_id, 'began_at', (extract(epoch FROM w.began_at) * 1000)::bigint,
				'waiting_s', floor(extract(epoch FROM now() - w.began_at))::bigint, 'outcome', w.outcome, 'number', w.other_number,
				'name', w.other_name, 'contact', w.contact_name,
				-- at whom else it rang is not one agent's business
				'agents', CASE WHEN in_agent IS NULL THEN to_jsonb(w.agents) ELSE jsonb_build_array(in_agent) END)
				ORDER BY w.n) FILTER (WHERE w.is_now AND w.n <= 200), '[]'))
			FROM (SELECT m.*, s.is_now, row_number() OVER (PARTITION BY s.is_now ORDER BY m.began_at, m.session_id) AS n
			      FROM unnest(waiting) AS m CROSS JOIN LATERAL (
				SELECT (m.began_at AT TIME ZONE z.zone)::date >= from_day AS is_now FROM call_log.report_zone z) AS s) AS w));
	-- why there is nothing
	IF hours IS NULL THEN
		answer := answer || (SELECT jsonb_build_object('empty', jsonb_build_object(
			'last_day', max(d.day) FILTER (WHERE o.of_them),
			'others', in_agent IS NULL AND coalesce(bool_or(d.day BETWEEN from_day AND until_day), false),
			'other_days', in_agent IS NULL AND count(*) > 0,
			'agents', (SELECT count(*) FROM call_log.teams t WHERE by_team AND t.account = in_account AND t.team = in_team)))
		FROM call_log.agent_days d LEFT JOIN call_log.teams t USING (account, agent)
		CROSS JOIN LATERAL (SELECT (in_agent IS NULL OR d.agent = in_agent) AND (NOT by_team OR t.team IS NOT DISTINCT FROM in_team) AS of_them) AS o
		WHERE d.account = in_account AND (in_agent IS NULL OR d.agent = in_agent));
	END IF;
	RETURN answer;
END $$;
COMMENT ON FUNCTION call_log.report(text, text, boolean, text, date, date) IS
'What the page shows of some days: {"figures", "before": {"from", "until", "figures"}, the same number of days before, "days", "hours", "agents", "waiting"}, and, where there is no call, "empty": the last day with calls, whether there are others'', how many agents the team has.';

CREATE FUNCTION call_log.report_row(in_account text, in_agent text, by_team boolean, in_team text, in_session_id text) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
WITH parts AS (
	SELECT p.*, CASE c.direction WHEN 'Outbound' THEN c.to_name ELSE c.from_name END AS other_name, c.contact_name, c.note, c.queue_call,
	       c.recording_link, c.erased_at IS NOT NULL AS erased,
	       -- the part that tells most of it
	       row_number() OVER (ORDER BY p.outcome IS NOT DISTINCT FROM 'answered' DESC, p.began_at, p.agent) AS n
	FROM call_log.calls c
	JOIN call_log.parts p ON p.account = c.account AND p.session_id = c.session_id AND p.agent = c.agent
	LEFT JOIN call_log.teams t ON t.account = c.account AND t.agent = c.agent
	WHERE c.account = in_account AND c.session_id = in_session_id AND c.merged_into IS NULL
	  AND (in_agent IS NULL OR c.agent = in_agent) AND (NOT by_team OR t.team IS NOT DISTINCT FROM in_team)
)
SELECT jsonb_build_object(
	'number', min(p.other_number) FILTER (WHERE p.n = 1), 'name', min(p.other_name) FILTER (WHERE p.n = 1),
	'contact', min(p.contact_name),
	'note', (array_agg(p.note ORDER BY p.n) FILTER (WHERE p.note <> ''))[1],
	'recording', (array_agg(p.recording_link ORDER BY p.n) FILTER (WHERE p.recording_link <> ''))[1],
	'queue', coalesce(bool_or(p.queue_call), false), 'erased', bool_or(p.erased),
	'parts', jsonb_agg(jsonb_build_object('agent', p.agent, 'outcome', p.outcome) ORDER BY p.n))
FROM parts p
$$;
COMMENT ON FUNCTION call_log.report_row(text, text, boolean, text, text) IS
'What a list tells of a call beyond what report_calls_between() does; of its parts only those of whomever is asked for.';

CREATE FUNCTION call_log.report_list(in_account text, in_agent text, by_team boolean, in_team text, from_day date, until_day date,
	figure text, on_weekday integer, at_hour integer, before jsonb, how_many integer)
RETURNS jsonb LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
	zone      text := (SELECT z.zone FROM call_log.report_zone z);
	before_at timestamptz := coalesce((before->>'at')::timestamptz, 'infinity');
	before_id text := coalesce(before->>'id', '');
	all_of_it bigint;
	found     jsonb[] := '{}';
	these     jsonb[];
	hour      record;
	from_at   timestamptz;
	until_at  timestamptz;
BEGIN
	IF figure = 'waiting' THEN
		SELECT count(*), coalesce((array_agg(jsonb_build_object('session_id', m.session_id, 'at', m.began_at, 'direction', 'Inbound',
		                                     'outcome', m.outcome, 'talk_s', NULL) ORDER BY m.began_at DESC, m.session_id DESC)
		                           FILTER (WHERE (m.began_at, m.session_id) < (before_at, before_id)))[:how_many + 1], '{}')
		INTO all_of_it, found
		FROM call_log.report_waiting(in_account, in_agent, by_team, in_team, from_day, until_day) AS m
		WHERE (on_weekday IS NULL OR extract(isodow FROM m.began_at AT TIME ZONE zone) = on_weekday)
		  AND (at_hour IS NULL OR extract(hour FROM m.began_at AT TIME ZONE zone) = at_hour);
	ELSE
		SELECT sum(call_log.report_figure(h, figure)) INTO all_of_it
		FROM call_log.report_days(in_account, in_agent, by_team, in_team, from_day, until_day) AS h
		WHERE at_hour IS NULL AND (on_weekday IS NULL OR extract(isodow FROM h.day) = on_weekday);
		-- The hours that have such calls are known; only these are looked into.
		FOR hour IN
			SELECT h.day, h.hour, sum(call_log.report_figure(h, figure)) OVER () AS of_hours
			FROM call_log.report_hours(in_account, in_agent, by_team, in_team, from_day, until_day) AS h
			WHERE call_log.report_figure(h, figure) > 0
			  AND NOT EXISTS (SELECT FROM call_log.purged p WHERE p.account = in_account AND h.day < p.until_day)
			  AND (on_weekday IS NULL OR extract(isodow FROM h.day) = on_weekday) AND (at_hour IS NULL OR h.hour = at_hour)
			ORDER BY h.day DESC, h.hour DESC
		LOOP
			all_of_it := coalesce(all_of_it, hour.of_hours);
			EXIT WHEN cardinality(found) > how_many;
			from_at := (hour.day + make_interval(hours => hour.hour)) AT TIME ZONE zone;
			until_at := from_at + interval '1 hour';
			-- where clocks change nearby, by more than it may be
			IF ((from_at - interval '3 hours') AT TIME ZONE zone) + interval '7 hours' <> (from_at + interval '4 hours') AT TIME ZONE zone THEN
				from_at := from_at - interval '3 hours';
				until_at := until_at + interval '3 hours';
			END IF;
			CONTINUE WHEN from_at > before_at;
			SELECT (array_agg(jsonb_build_object('session_id', c.session_id, 'at', c.began_at, 'direction', c.direction,
			                  'outcome', c.outcome, 'talk_s', c.talk_s) ORDER BY c.began_at DESC, c.session_id DESC))[:how_many + 1] INTO these
			FROM call_log.report_calls_between(in_account, in_agent, by_team, in_team, from_at, until_at) AS c
			WHERE (c.began_at AT TIME ZONE zone)::date = hour.day AND extract(hour FROM c.began_at AT TIME ZONE zone) = hour.hour
			  AND (c.began_at, c.session_id) < (before_at, before_id)
			  AND call_log.report_is(figure, c.direction, c.outcome, c.noted, c.by_hand, c.recorded);
			found := found || these;
		END LOOP;
	END IF;
	RETURN jsonb_build_object('count', coalesce(all_of_it, 0),
		'next', CASE WHEN cardinality(found) > how_many
		        THEN jsonb_build_object('at', found[how_many]->>'at', 'id', found[how_many]->>'session_id') END,
		'calls', (SELECT coalesce(jsonb_agg(f.call - 'at'
			|| jsonb_build_object('began_at', (extract(epoch FROM (f.call->>'at')::timestamptz) * 1000)::bigint)
			|| call_log.report_row(in_account, in_agent, by_team, in_team, f.call->>'session_id') ORDER BY f.n), '[]')
			FROM unnest(found[:how_many]) WITH ORDINALITY AS f (call, n)));
END $$;
COMMENT ON FUNCTION call_log.report_list(text, text, boolean, text, date, date, text, integer, integer, jsonb, integer) IS
'The calls behind a figure, of "waiting" those still to be returned, newest first, so many at a time, perhaps of one weekday and hour only: {"count": what the figure is, though of days whose calls were purged none are left, "calls": [report_row...], "next": what to pass as `before` for more, or null}.';


CREATE FUNCTION call_log.report_page(path text, account text, agent text, sees_all boolean, body jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	zone      text := (SELECT z.zone FROM call_log.report_zone z);
	today     date := (now() AT TIME ZONE zone)::date;
	period    text := coalesce(body->>'period', 'last-30');
	-- who may not see others' sees her own, whatever she asks for
	in_agent  text := CASE WHEN sees_all THEN body->>'agent' ELSE agent END;
	by_team   boolean := in_agent IS NULL AND body ? 'team';
	in_team   text := CASE WHEN by_team THEN body->>'team' END;
	from_day  date;
	until_day date;
BEGIN
	SELECT p.from_day, p.until_day INTO from_day, until_day FROM (VALUES
		('today', today, today),
		('yesterday', today - 1, today - 1),
		('last-7', today - 6, today),
		('last-30', today - 29, today),
		('last-90', today - 89, today),
		('this-month', date_trunc('month', today::timestamp)::date, today),
		('last-month', (date_trunc('month', today::timestamp) - interval '1 month')::date, date_trunc('month', today::timestamp)::date - 1),
		('last-365', today - 364, today),
		('days', (body->>'from')::date, (body->>'until')::date)
	) AS p (name, from_day, until_day) WHERE p.name = period;
	IF from_day IS NULL OR until_day IS NULL OR until_day - from_day NOT BETWEEN 0 AND 365 THEN
		RAISE EXCEPTION 'no such period' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	CASE path
	WHEN 'call_log/report' THEN
		RETURN call_log.report(account, in_agent, by_team, in_team, from_day, until_day) || jsonb_build_object(
			'period', period, 'from', from_day, 'until', until_day, 'today', today, 'zone', zone, 'sees_all', sees_all,
			'agent', in_agent, 'by_team', by_team, 'team', in_team,
			'teams', CASE WHEN sees_all THEN (SELECT coalesce(jsonb_agg(DISTINCT t.team), '[]') FROM call_log.teams t
				WHERE t.account = report_page.account) ELSE '[]' END);
	WHEN 'call_log/report-calls' THEN
		IF (body->>'figure' = ANY (ARRAY['calls', 'inbound', 'outbound', 'internal', 'live', 'ended', 'answered', 'missed', 'voicemail',
			'rejected', 'no_answer', 'busy', 'failed', 'other', 'inbound_ended', 'inbound_answered', 'with_note', 'by_hand', 'recorded', 'waiting'])) IS NOT TRUE THEN
			RAISE EXCEPTION 'no such figure' USING ERRCODE = 'invalid_parameter_value';
		END IF;
		RETURN call_log.report_list(account, in_agent, by_team, in_team, from_day, until_day, body->>'figure',
			(body->>'weekday')::integer, (body->>'hour')::integer, nullif(body->'before', 'null'),
			least(greatest(coalesce((body->>'limit')::integer, 50), 1), 200));
	END CASE;
END $$;
COMMENT ON FUNCTION call_log.report_page(text, text, text, boolean, jsonb) IS
'Answers a question of the page of reports, by its path, for an agent who sees everybody''s figures and calls (of the account), or only her own. The body names the period ("period", or "days" with "from" and "until", at most 366), whose figures ("team", null for agents of none; "agent"), for a list which figure. The functions named here say what each answers. A question that is wrong: an SQLSTATE of class 22. An unknown path: SQLSTATE 20000.';

GRANT SELECT ON call_log.parts, call_log.team_hours, call_log.agent_days, call_log.missed_calls, call_log.report_zone, call_log.teams,
	call_log.purged TO call_log_writer;
DO $$
DECLARE
	made regprocedure;
BEGIN
	FOR made IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'call_log'::regnamespace
		AND p.proname ~ '^report(_|$)'
	LOOP
		EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO call_log_writer', made);
	END LOOP;
END $$;

INSERT INTO call_log.migrations (version, name) VALUES (13, 'report_page');
COMMIT;
