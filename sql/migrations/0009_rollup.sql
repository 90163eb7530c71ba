-- The figures of reports, counted beforehand where they hardly change any more.
--
--   counted     call_log.rolled_...: agents' days, teams' hours, missed calls, calls in
--               progress, as roll_up() counted them, a little at a time, in the
--               background. Beside it the views of the same names without rolled_, which
--               are right at any moment: what is not counted yet, or has changed since,
--               they count themselves.
--   changed     who changes a call that began before rollup.closed_until leaves a mark;
--               record_calls() all marks of a batch by one statement. A mark goes in the
--               transaction that counts anew what it stands for, so a reader sees the
--               one or the other.
--   closing     closed_until moves on to some time ago, and who does not know yet that it
--               did may be writing: only when all those transactions have ended
--               (rollup.fence) is everything before it either seen or marked
--               (safe_until). Nobody waits for anybody.
--   one call    the parts that agents had in a call are found by its session id, on
--               whatever days they began.
BEGIN;

-- Whoever writes calls is let end; whoever wants to write then waits.
LOCK TABLE call_log.calls IN ACCESS EXCLUSIVE MODE;

-- ------------------------------------------------------------------- the calls
ALTER TABLE call_log.calls ADD moved_from timestamptz;
COMMENT ON COLUMN call_log.calls.moved_from IS 'When it was thought to begin before, if that was in another quarter of an hour: reports counted it then.';

-- The planner takes the younger of two indexes that seem to cost the same, as all do
-- while the table is small (0001_calls.sql). So after the key those come again that
-- fit a search of the write path or of the desk better than it does; and before it,
-- those of all agents' calls: none of them in a way that would tempt a search of one
-- agent's calls to read everybody's.
ALTER TABLE call_log.notes DROP CONSTRAINT notes_account_agent_session_id_fkey;
ALTER TABLE call_log.calls DROP CONSTRAINT calls_pkey;
DROP INDEX call_log.calls_started, call_log.calls_telephony_session, call_log.calls_other_leg, call_log.calls_several_names,
	call_log.calls_zero, call_log.calls_unstarted, call_log.calls_merged, call_log.calls_other_number, call_log.calls_contact;
CREATE INDEX calls_began ON call_log.calls (coalesce(started_at, logged_at));
CREATE INDEX calls_period ON call_log.calls USING brin (started_at);
CREATE INDEX calls_contact ON call_log.calls (contact_id, account, started_at) WHERE contact_id IS NOT NULL;
CREATE INDEX calls_other_number ON call_log.calls
	((CASE direction WHEN 'Inbound' THEN from_number WHEN 'Outbound' THEN to_number END), account, started_at)
	WHERE CASE direction WHEN 'Inbound' THEN from_number WHEN 'Outbound' THEN to_number END IS NOT NULL;
-- the agent last: so it finds the parts that all agents had in one call, too
ALTER TABLE call_log.calls ADD PRIMARY KEY (account, session_id, agent);
CREATE INDEX calls_started ON call_log.calls (account, agent, started_at) WHERE started_at IS NOT NULL;
CREATE INDEX calls_telephony_session ON call_log.calls (telephony_session_id, account, agent)
	WHERE telephony_session_id IS NOT NULL;
CREATE INDEX calls_other_leg ON call_log.calls (account, agent, other_leg) WHERE other_leg IS NOT NULL;
CREATE INDEX calls_several_names ON call_log.calls (account, agent)
	WHERE telephony_session_ids IS NOT NULL OR other_legs IS NOT NULL;
CREATE INDEX calls_zero ON call_log.calls (account, agent)
	WHERE session_id = telephony_session_id OR session_id LIKE '0/%';
CREATE INDEX calls_unstarted ON call_log.calls (account, agent, session_id) WHERE started_at IS NULL;
CREATE INDEX calls_merged ON call_log.calls (account, agent, merged_into) WHERE merged_into IS NOT NULL;
ALTER TABLE call_log.notes ADD FOREIGN KEY (account, agent, session_id) REFERENCES call_log.calls (account, agent, session_id);
COMMENT ON INDEX call_log.calls_began IS 'All calls of a period, as reports count them.';
COMMENT ON INDEX call_log.calls_period IS 'All calls of a period, for whoever lists them.';
COMMENT ON INDEX call_log.calls_contact IS 'All agents'' calls with a contact.';
COMMENT ON INDEX call_log.calls_other_number IS 'All agents'' calls with a number: other_number in reports.';
COMMENT ON INDEX call_log.calls_started IS 'An agent''s calls of a period.';
COMMENT ON INDEX call_log.calls_telephony_session IS 'One call under two session ids.';
COMMENT ON INDEX call_log.calls_other_leg IS 'RingOut: who supersedes this leg.';
COMMENT ON INDEX call_log.calls_several_names IS 'The rare calls whose events did not agree on telephony session or leg.';
COMMENT ON INDEX call_log.calls_zero IS 'The calls that the widget names "0".';
COMMENT ON INDEX call_log.calls_unstarted IS 'An agent''s calls whose start nobody told: none, nearly always.';
COMMENT ON INDEX call_log.calls_merged IS 'The other names of a call.';

-- or the planner takes a number for half a percent of all calls
CREATE STATISTICS call_log.calls_numbers
	ON (CASE direction WHEN 'Inbound' THEN from_number WHEN 'Outbound' THEN to_number END) FROM call_log.calls;
COMMENT ON STATISTICS call_log.calls_numbers IS 'How many calls there are with a number.';

-- ------------------------------------------------------------------ talk time
-- A figure keeps the seconds of each answered call, ascending, so that medians of
-- any longer time can be had exactly.
CREATE FUNCTION call_log.percentile(sorted integer[], tenths integer) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
-- between two whole numbers a tenth is exact
SELECT (10 * sorted[tenths * (cardinality(sorted) - 1) / 10 + 1]
	+ tenths * (cardinality(sorted) - 1) % 10
	* (sorted[(tenths * (cardinality(sorted) - 1) + 9) / 10 + 1] - sorted[tenths * (cardinality(sorted) - 1) / 10 + 1])) * 0.1
$$;
COMMENT ON FUNCTION call_log.percentile(integer[], integer) IS
'The value at so many tenths (5: the median) of ascending numbers, between two of them in proportion, as percentile_cont() does.';

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

-- whoever may read a view runs the functions in it
GRANT EXECUTE ON FUNCTION call_log.percentile(integer[], integer), call_log.sorted(integer[]),
	call_log.joined(integer[]), call_log.covered_s(tstzrange[]) TO PUBLIC;

-- ------------------------------------------------------------------- the state
CREATE TABLE call_log.rollup (
	one           boolean     PRIMARY KEY DEFAULT true CHECK (one),
	closed_until  timestamptz NOT NULL DEFAULT '-infinity',
	closed_by     xid8,
	fence         xid8,
	safe_until    timestamptz NOT NULL DEFAULT '-infinity',
	settled_until timestamptz NOT NULL DEFAULT '-infinity',
	time_zone     text        NOT NULL,
	rolled_day    date        NOT NULL DEFAULT '-infinity'
);
COMMENT ON TABLE call_log.rollup IS 'One row: how far the figures are counted. Times are whole quarters of an hour.';
COMMENT ON COLUMN call_log.rollup.one IS 'There is only one row.';
COMMENT ON COLUMN call_log.rollup.closed_until IS 'Who changes a call that began before leaves a mark.';
COMMENT ON COLUMN call_log.rollup.closed_by IS 'The transaction that said so.';
COMMENT ON COLUMN call_log.rollup.fence IS 'All transactions that may not know it are before this one; NULL: not yet known.';
COMMENT ON COLUMN call_log.rollup.safe_until IS 'The closed_until that everybody knows.';
COMMENT ON COLUMN call_log.rollup.settled_until IS 'Missed calls and calls in progress that began before are counted.';
COMMENT ON COLUMN call_log.rollup.time_zone IS 'The time zone of the days that are counted.';
COMMENT ON COLUMN call_log.rollup.rolled_day IS 'Days before it are counted.';
INSERT INTO call_log.rollup (time_zone) SELECT s.report_time_zone FROM call_log.settings s;

CREATE TABLE call_log.marks (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	account    text   COLLATE "C" NOT NULL,
	agent      text   COLLATE "C",
	session_id text   COLLATE "C",
	began_at   timestamptz NOT NULL
);
COMMENT ON TABLE call_log.marks IS 'What has changed since it was counted. Empty, nearly always.';
COMMENT ON COLUMN call_log.marks.id IS 'Its place in the order.';
COMMENT ON COLUMN call_log.marks.account IS 'As in calls.';
COMMENT ON COLUMN call_log.marks.agent IS 'Whose call it is; NULL for all calls of the day, because the teams changed.';
COMMENT ON COLUMN call_log.marks.session_id IS 'The call.';
COMMENT ON COLUMN call_log.marks.began_at IS 'When it began, or was thought to begin before.';
-- the planner knows nothing of a table that nobody looked at
ANALYZE call_log.settings, call_log.rollup, call_log.marks;

CREATE VIEW call_log.roll_state AS
SELECT s.zone, s.rolled_day, s.rolled_day::timestamp AT TIME ZONE s.zone - interval '3 hours' AS open_from, s.settled_until
FROM (SELECT z.zone, CASE WHEN z.zone = r.time_zone THEN r.rolled_day ELSE '-infinity' END AS rolled_day, r.settled_until
      -- OFFSET 0: the settings are read once
      FROM (SELECT z.zone FROM call_log.report_zone z OFFSET 0) AS z CROSS JOIN call_log.rollup r) AS s;
COMMENT ON VIEW call_log.roll_state IS 'How far the figures are counted that this session can use.';

-- ---------------------------------------------------------------- record_calls()
-- Who runs the function as it was, having waited for this migration, fails by the
-- type, and asks again: nobody writes who leaves no marks.
ALTER TYPE call_log.changed ADD ATTRIBUTE began_at timestamptz, ADD ATTRIBUTE moved_from timestamptz;
COMMENT ON TYPE call_log.changed IS 'A row that record_calls() wrote, what may tie it to others, and when reports count it.';

-- That of 0002_merge.sql, where after each of these places something more is said. It
-- replaces that one; \sf call_log.record_calls shows it whole.
DO $make$
DECLARE
	whole text := pg_get_functiondef('call_log.record_calls'::regproc);
	start text := substring(whole FROM E'\n\t\t\tstarted_at = ([^\n]*),\n');
	more  record;
BEGIN
	FOR more IN SELECT * FROM (VALUES
		(E'\n\tchanged call_log.changed[];', E'\n\tbegan   timestamptz;\n\tclosed  timestamptz;'),
		(E'\n\t\t\t\tELSE c.other_legs END,', $$
			-- all that reports count by begins with a quarter of an hour
			moved_from    = CASE
				WHEN date_bin('15 min', $$ || start || $$, 'epoch')
				     <> date_bin('15 min', coalesce(c.started_at, c.logged_at), 'epoch')
				THEN coalesce(c.started_at, c.logged_at) ELSE c.moved_from END,$$),
		(E'\n\t\t          c.telephony_session_ids IS NOT NULL OR c.other_legs IS NOT NULL', $$,
		          coalesce(c.started_at, c.logged_at) AS began_at, c.moved_from$$),
		('array_agg(ROW (u.*)::call_log.changed)', ', min(least(u.began_at, u.moved_from))'),
		(' INTO written, changed', ', began'),
		(' FROM upserted u;', $$

	-- What was counted already is to be counted anew.
	SELECT r.closed_until INTO closed FROM call_log.rollup r WHERE r.one;
	IF began < closed THEN
		INSERT INTO call_log.marks (account, agent, session_id, began_at)
		SELECT w.account, w.agent, w.session_id, m.began_at
		FROM unnest(changed) AS w CROSS JOIN LATERAL (VALUES (w.began_at), (w.moved_from)) AS m (began_at)
		WHERE m.began_at < closed;
	END IF;$$)
	) AS m (place, what) LOOP
		IF cardinality(string_to_array(whole, more.place)) IS DISTINCT FROM 2 OR more.what IS NULL THEN
			RAISE EXCEPTION 'record_calls() is not as 0002_merge.sql made it: no %', more.place;
		END IF;
		whole := replace(whole, more.place, more.place || more.what);
	END LOOP;
	EXECUTE whole;
END $make$;

-- -------------------------------------------------------------- other changes
CREATE FUNCTION call_log.mark_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- who reads as of the beginning of a transaction does not see how far that is
	closed timestamptz := CASE WHEN current_setting('transaction_isolation') LIKE 'read %'
		-- by the key, for whom scans are off
		THEN (SELECT r.closed_until FROM call_log.rollup r WHERE r.one) ELSE 'infinity' END;
BEGIN
	IF coalesce(OLD.started_at, OLD.logged_at) < closed THEN
		INSERT INTO call_log.marks (account, agent, session_id, began_at)
		VALUES (OLD.account, OLD.agent, OLD.session_id, coalesce(OLD.started_at, OLD.logged_at));
	END IF;
	IF TG_OP = 'UPDATE' AND coalesce(NEW.started_at, NEW.logged_at) < closed
	   AND (NEW.account, NEW.agent, NEW.session_id, coalesce(NEW.started_at, NEW.logged_at))
	       IS DISTINCT FROM (OLD.account, OLD.agent, OLD.session_id, coalesce(OLD.started_at, OLD.logged_at)) THEN
		INSERT INTO call_log.marks (account, agent, session_id, began_at)
		VALUES (NEW.account, NEW.agent, NEW.session_id, coalesce(NEW.started_at, NEW.logged_at));
	END IF;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION call_log.mark_changed() IS 'Marks a call that was changed by other means than record_calls(): merged, noted elsewhere, by plain SQL.';
-- record_calls() moves the rank, and marks a batch at once
CREATE TRIGGER mark_changed AFTER UPDATE ON call_log.calls FOR EACH ROW
WHEN (NEW.rank = OLD.rank) EXECUTE FUNCTION call_log.mark_changed();
CREATE TRIGGER mark_deleted AFTER DELETE ON call_log.calls FOR EACH ROW EXECUTE FUNCTION call_log.mark_changed();
COMMENT ON TRIGGER mark_changed ON call_log.calls IS 'Hardly fired by the write path.';
COMMENT ON TRIGGER mark_deleted ON call_log.calls IS 'Never fired by the write path.';

CREATE FUNCTION call_log.calls_gone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE call_log.rollup SET rolled_day = '-infinity', settled_until = '-infinity';
	RETURN NULL;
END $$;
COMMENT ON FUNCTION call_log.calls_gone() IS 'Has everything counted anew.';
CREATE TRIGGER calls_gone AFTER TRUNCATE ON call_log.calls EXECUTE FUNCTION call_log.calls_gone();
COMMENT ON TRIGGER calls_gone ON call_log.calls IS 'Nothing is left that could be marked.';

-- ---------------------------------------------------------------- what counts
CREATE VIEW call_log.parts AS
SELECT c.account, c.agent, c.session_id, coalesce(c.started_at, c.logged_at) AS began_at, c.started_at, c.logged_at,
       c.direction, CASE c.direction WHEN 'Inbound' THEN c.from_number WHEN 'Outbound' THEN c.to_number END AS other_number,
       c.outcome, c.connected, CASE WHEN c.outcome = 'answered' THEN c.duration_s END AS talk_s,
       c.note <> '' AS noted, c.logged_by = 'manual' AS by_hand,
       coalesce(c.recording_id, c.recording_link) IS NOT NULL AS recorded
FROM call_log.calls c WHERE c.merged_into IS NULL;
COMMENT ON VIEW call_log.parts IS 'What counts of each agent''s part in a call.';

CREATE TABLE call_log.rolled_live_calls (
	account    text COLLATE "C" NOT NULL,
	agent      text COLLATE "C" NOT NULL,
	session_id text COLLATE "C" NOT NULL,
	PRIMARY KEY (account, agent, session_id)
);
COMMENT ON TABLE call_log.rolled_live_calls IS 'Calls that may be in progress: of those that are settled (rollup.settled_until), all that are, and perhaps some that were.';

-- Puts values where the <names> are.
CREATE FUNCTION pg_temp.fill(shape text, VARIADIC value text[]) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. cardinality(value) BY 2 LOOP
		shape := replace(shape, '<' || value[i] || '>', value[i + 1]);
	END LOOP;
	RETURN shape;
END $$;

-- Figures are said once: of the calls that are asked for, for each agent and for teams.
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
	count(c.talk_s)::integer                                           AS talks,
	coalesce(sum(c.talk_s), 0)                                         AS talk_total_s,
	call_log.sorted(array_agg(c.talk_s) FILTER (WHERE c.talk_s IS NOT NULL)) AS talk$$;
	-- with what would take long to be had from so many days' talk
	of_agents text := $$
SELECT f.*, call_log.percentile(f.talk, 5) AS talk_median_s, call_log.percentile(f.talk, 9) AS talk_p90_s
FROM (
	SELECT c.account, c.agent, (c.began_at AT TIME ZONE c.zone)::date AS day,<figures>
	FROM (<calls>) AS c
	GROUP BY 1, 2, 3
) AS f$$;
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
	-- A missed call is what its parts are together; it is returned by the first call
	-- with its number that was made or answered afterwards.
	missed text := $$
SELECT m.*, r.returned_at, r.returned_by, r.returned_direction, r.returned_outcome, r.returned_session_id
FROM (
	SELECT c.account, c.session_id, min(coalesce(c.started_at, c.logged_at)) FILTER (WHERE c.lost) AS began_at,
	       CASE WHEN bool_or(c.lost AND c.outcome = 'voicemail') THEN 'voicemail' ELSE 'missed' END AS outcome,
	       min(c.from_number) FILTER (WHERE c.lost) AS other_number, min(c.from_name) FILTER (WHERE c.lost) AS other_name,
	       min(c.contact_id) FILTER (WHERE c.lost) AS contact_id, min(c.contact_name) FILTER (WHERE c.lost) AS contact_name,
	       array_agg(c.agent ORDER BY c.started_at, c.agent) FILTER (WHERE c.lost) AS agents,
	       bool_or(c.queue_call) FILTER (WHERE c.lost) AS queue_call
	FROM (<calls>) AS s CROSS JOIN LATERAL (
		SELECT c.account, c.session_id, c.agent, c.started_at, c.logged_at, c.outcome, c.connected, c.from_number, c.from_name,
		       c.contact_id, c.contact_name, c.queue_call,
		       coalesce(c.direction = 'Inbound' AND c.outcome IN ('missed', 'voicemail'), false) AS lost
		FROM call_log.calls c
		WHERE c.account = s.account AND c.session_id = s.session_id AND c.merged_into IS NULL OFFSET 0) AS c
	GROUP BY c.account, c.session_id
	HAVING bool_or(c.lost) AND NOT bool_or(coalesce(c.outcome = 'answered', c.connected))
) AS m
LEFT JOIN LATERAL (
	SELECT c.started_at AS returned_at, c.agent AS returned_by, c.direction AS returned_direction,
	       c.outcome AS returned_outcome, c.session_id AS returned_session_id
	FROM call_log.calls c
	WHERE c.account = m.account
	  AND CASE c.direction WHEN 'Inbound' THEN c.from_number WHEN 'Outbound' THEN c.to_number END = m.other_number
	  AND c.started_at > m.began_at AND c.started_at < <until> AND c.session_id <> m.session_id AND c.merged_into IS NULL
	  AND CASE c.direction WHEN 'Outbound' THEN coalesce(c.outcome <> 'failed', true)
	                       ELSE coalesce(c.outcome = 'answered', c.connected) END
	ORDER BY c.started_at, c.session_id, c.agent LIMIT 1
) AS r ON true$$;
	-- Parts within some time; with an upper end even where there is none, or the
	-- planner takes it for a third of the table.
	within text := '(SELECT p.* FROM call_log.parts p WHERE p.began_at >= <from> AND p.began_at < <until><and>)';
	-- one agent's: told twice for the sake of two indexes
	of_agent text := $$(
		SELECT p.* FROM call_log.parts p
		WHERE p.account = <account> AND p.agent = <agent> AND p.started_at >= <from> AND p.started_at < <until>
		UNION ALL
		SELECT p.* FROM call_log.parts p
		WHERE p.account = <account> AND p.agent = <agent> AND p.started_at IS NULL AND p.logged_at >= <from> AND p.logged_at < <until>
	)$$;
	-- a day's, and some more: where clocks change at midnight the day itself decides
	day_from text := $$<day>::timestamp AT TIME ZONE <zone> - interval '3 hours'$$;
	day_until text := $$(<day> + 1)::timestamp AT TIME ZONE <zone> + interval '3 hours'$$;
	-- all parts of the calls s: by index, one call at a time
	of_calls text := $$CROSS JOIN LATERAL (
		SELECT p.* FROM call_log.parts p WHERE p.account = s.account AND p.session_id = s.session_id OFFSET 0) AS p$$;
	state text := 'state AS MATERIALIZED (SELECT * FROM call_log.roll_state)';
	zone text := '(SELECT z.zone FROM state z)';
	rolled_day text := '(SELECT z.rolled_day FROM state z)';
	settled text := '(SELECT z.settled_until FROM state z)';
	open text := pg_temp.fill(within, 'from', '(SELECT z.open_from FROM state z)', 'until', '''infinity''', 'and', '');
	unsettled text := pg_temp.fill(within, 'from', settled, 'until', '''infinity''', 'and', '');
	-- No limit; but the planner takes it for a tenth, and they are few. Twice where a
	-- tenth would still be so much that it compiled the query, which takes longer.
	few text := 'LIMIT (SELECT NULL::bigint)';
BEGIN
	of_agents := replace(of_agents, '<figures>', figures);
	of_teams := replace(of_teams, '<figures>', figures);

	-- ------------------------------------------------------------- the tables
	EXECUTE pg_temp.fill('CREATE TABLE call_log.rolled_agent_days AS' || of_agents || ' LIMIT 0',
		'calls', 'SELECT p.*, ''''::text AS zone FROM call_log.parts p');
	EXECUTE pg_temp.fill('CREATE TABLE call_log.rolled_team_hours AS' || of_teams || ' LIMIT 0',
		'calls', 'SELECT p.*, ''''::text AS zone FROM call_log.parts p');
	EXECUTE pg_temp.fill('CREATE TABLE call_log.rolled_missed_calls AS' || missed || ' LIMIT 0',
		'calls', 'SELECT * FROM call_log.parts', 'until', '''infinity''');

	-- ----------------------------------------- the figures, right at any moment
	EXECUTE pg_temp.fill($$
CREATE VIEW call_log.agent_days AS
WITH <state>, dirty AS MATERIALIZED (
	SELECT d.account, d.agent, d.day, <from> AS from_at, <until> AS until_at
	FROM (SELECT DISTINCT m.account, m.agent, (m.began_at AT TIME ZONE <zone>)::date AS day
	      FROM call_log.marks m WHERE m.agent IS NOT NULL) AS d
	WHERE d.day < <rolled day> <few>
)
SELECT r.* FROM call_log.rolled_agent_days r
WHERE r.day < <rolled day>
  AND NOT EXISTS (SELECT FROM dirty d WHERE d.account = r.account AND d.agent = r.agent AND d.day = r.day)
UNION ALL$$ || of_agents, 'calls', $$
	SELECT p.*, <zone> AS zone FROM <open> AS p
	WHERE (p.began_at AT TIME ZONE <zone>)::date >= <rolled day>
	UNION ALL
	SELECT p.*, <zone> FROM dirty d CROSS JOIN LATERAL <of day> AS p
	WHERE (p.began_at AT TIME ZONE <zone>)::date = d.day$$,
		'of day', pg_temp.fill(of_agent, 'from', 'd.from_at', 'until', 'd.until_at', 'account', 'd.account', 'agent', 'd.agent'),
		'open', open, 'from', day_from, 'until', day_until, 'day', 'd.day',
		'zone', zone, 'rolled day', rolled_day, 'few', few, 'state', state);
	-- A day is to be counted anew also when a call that began on it has other parts that
	-- were changed, or that are of days that are not counted.
	EXECUTE pg_temp.fill($$
CREATE VIEW call_log.team_hours AS
WITH <state>, fresh AS MATERIALIZED (
	SELECT DISTINCT o.account, o.session_id FROM (SELECT o.account, o.session_id FROM <open> AS o <few>) AS o <few>
), of_fresh AS MATERIALIZED (
	SELECT p.* FROM fresh s <of calls>
), dirty AS MATERIALIZED (
	SELECT d.account, d.day, <from> AS from_at, <until> AS until_at
	FROM (SELECT d.* FROM (
		SELECT m.account, (m.began_at AT TIME ZONE <zone>)::date AS day FROM call_log.marks m
		UNION
		SELECT p.account, (p.began_at AT TIME ZONE <zone>)::date FROM call_log.marks s <of calls>
		UNION
		SELECT p.account, (p.began_at AT TIME ZONE <zone>)::date FROM of_fresh p) AS d
	      WHERE d.day < <rolled day> <few>) AS d <few>
), stale AS MATERIALIZED (
	SELECT DISTINCT p.account, p.session_id FROM dirty d CROSS JOIN LATERAL <of day> AS p
	WHERE NOT EXISTS (SELECT FROM fresh f WHERE f.account = p.account AND f.session_id = p.session_id) <few>
)
SELECT r.* FROM call_log.rolled_team_hours r
WHERE r.day < <rolled day>
  AND NOT EXISTS (SELECT FROM dirty d WHERE d.account = r.account AND d.day = r.day)
UNION ALL
SELECT h.* FROM ($$ || of_teams || $$) AS h
WHERE h.day >= <rolled day>
   OR EXISTS (SELECT FROM dirty d WHERE d.account = h.account AND d.day = h.day)$$, 'calls', $$
	SELECT p.*, <zone> AS zone FROM of_fresh p
	UNION ALL
	SELECT p.*, <zone> FROM stale s <of calls>$$, 'of calls', of_calls,
		'of day', pg_temp.fill(within, 'from', 'd.from_at', 'until', 'd.until_at', 'and', ' AND p.account = d.account <few>'),
		'open', open, 'from', day_from, 'until', day_until, 'day', 'd.day',
		'zone', zone, 'rolled day', rolled_day, 'few', few, 'state', state);
	-- Dirty: which may be missed, or returned, otherwise than was counted.
	EXECUTE pg_temp.fill($$
CREATE VIEW call_log.missed_calls AS
WITH <state>, marked AS MATERIALIZED (
	SELECT s.account, s.session_id, p.other_number FROM call_log.marks s
	LEFT JOIN LATERAL (SELECT p.other_number FROM call_log.parts p
	                   WHERE p.account = s.account AND p.session_id = s.session_id OFFSET 0) AS p ON true
	WHERE s.session_id IS NOT NULL <few>
), unsettled AS MATERIALIZED (
	SELECT p.account, p.session_id, p.other_number, p.outcome FROM (SELECT p.* FROM <unsettled> AS p <few>) AS p <few>
), dirty AS MATERIALIZED (
	SELECT d.* FROM (
		SELECT m.account, m.session_id FROM marked m
		UNION
		SELECT r.account, r.session_id FROM marked m JOIN call_log.rolled_missed_calls r
		ON r.account = m.account AND r.other_number = m.other_number
		UNION
		SELECT r.account, r.session_id FROM marked m JOIN call_log.rolled_missed_calls r
		ON r.account = m.account AND r.returned_session_id = m.session_id
		UNION
		SELECT u.account, u.session_id FROM unsettled u WHERE u.outcome IS DISTINCT FROM 'answered'
		UNION
		SELECT r.account, r.session_id FROM unsettled u JOIN call_log.rolled_missed_calls r
		ON r.account = u.account AND r.session_id = u.session_id
		UNION
		-- a probe of the index a number: those who wait may be many
		SELECT u.account, r.session_id FROM unsettled u CROSS JOIN LATERAL (
			SELECT r.session_id FROM call_log.rolled_missed_calls r
			WHERE r.account = u.account AND r.other_number = u.other_number AND r.returned_at IS NULL OFFSET 0) AS r
	) AS d <few>
)
SELECT r.* FROM call_log.rolled_missed_calls r
WHERE r.began_at < <settled>
  AND NOT EXISTS (SELECT FROM dirty d WHERE d.account = r.account AND d.session_id = r.session_id)
UNION ALL$$ || missed, 'calls', 'SELECT * FROM dirty', 'until', '''infinity''',
		'unsettled', unsettled, 'settled', settled, 'few', few, 'state', state);
	EXECUTE pg_temp.fill($$
CREATE VIEW call_log.live_calls AS
WITH <state>
SELECT p.account, p.agent, p.session_id FROM <unsettled> AS p WHERE p.outcome IS NULL
UNION ALL
SELECT p.account, p.agent, p.session_id FROM (
	SELECT r.account, r.agent, r.session_id FROM call_log.rolled_live_calls r
	UNION
	SELECT m.account, m.agent, m.session_id FROM call_log.marks m
) AS s CROSS JOIN LATERAL (
	SELECT p.* FROM call_log.parts p
	WHERE p.account = s.account AND p.session_id = s.session_id AND p.agent = s.agent OFFSET 0) AS p
WHERE p.outcome IS NULL AND p.began_at < <settled>$$, 'unsettled', unsettled, 'settled', settled, 'state', state);

	-- ------------------------------------------------------ counting beforehand
	EXECUTE pg_temp.fill($$
CREATE FUNCTION call_log.roll_agents(of_day date, in_zone text, in_account text DEFAULT NULL, in_agent text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $body$
BEGIN
	DELETE FROM call_log.rolled_agent_days r
	WHERE r.day = of_day AND (in_account IS NULL OR r.account = in_account AND r.agent = in_agent);
	INSERT INTO call_log.rolled_agent_days$$ || of_agents || $$;
END $body$ $$, 'calls', $$
	SELECT p.*, in_zone AS zone
	FROM (SELECT * FROM <of all> AS p WHERE in_account IS NULL
	      UNION ALL
	      SELECT * FROM <of one> AS p WHERE in_account IS NOT NULL) AS p
	WHERE (p.began_at AT TIME ZONE in_zone)::date = of_day$$,
		'of all', within, 'of one', of_agent, 'from', day_from, 'until', day_until,
		'and', '', 'account', 'in_account', 'agent', 'in_agent', 'day', 'of_day', 'zone', 'in_zone');
	EXECUTE pg_temp.fill($$
CREATE FUNCTION call_log.roll_teams(of_day date, in_zone text, in_account text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $body$
BEGIN
	DELETE FROM call_log.rolled_team_hours r WHERE r.day = of_day AND (in_account IS NULL OR r.account = in_account);
	INSERT INTO call_log.rolled_team_hours SELECT h.* FROM ($$ || of_teams || $$) AS h WHERE h.day = of_day;
END $body$ $$, 'calls', $$
	SELECT p.*, in_zone AS zone FROM (SELECT DISTINCT p.account, p.session_id FROM <of day> AS p) AS s <of calls>$$,
		'of calls', of_calls, 'of day', within, 'from', day_from, 'until', day_until,
		'and', ' AND (in_account IS NULL OR p.account = in_account)', 'day', 'of_day', 'zone', 'in_zone');
	EXECUTE pg_temp.fill($$
CREATE FUNCTION call_log.roll_missed(accounts text[], session_ids text[], until_at timestamptz) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $body$
BEGIN
	DELETE FROM call_log.rolled_missed_calls r USING unnest(accounts, session_ids) AS d (account, session_id)
	WHERE r.account = d.account AND r.session_id = d.session_id;
	INSERT INTO call_log.rolled_missed_calls SELECT n.* FROM ($$ || missed || $$) AS n WHERE n.began_at < until_at;
END $body$ $$, 'calls', 'SELECT DISTINCT d.account, d.session_id FROM unnest(accounts, session_ids) AS d (account, session_id)',
		'until', 'until_at');
END $make$;

ALTER TABLE call_log.rolled_agent_days ADD PRIMARY KEY (account, agent, day);
CREATE INDEX rolled_agent_days_day ON call_log.rolled_agent_days (day);
CREATE INDEX rolled_team_hours_day ON call_log.rolled_team_hours (day);
ALTER TABLE call_log.rolled_missed_calls ADD PRIMARY KEY (account, session_id);
CREATE INDEX rolled_missed_calls_began ON call_log.rolled_missed_calls (began_at);
CREATE INDEX rolled_missed_calls_number ON call_log.rolled_missed_calls (account, other_number);
CREATE INDEX rolled_missed_calls_returned ON call_log.rolled_missed_calls (account, returned_session_id);
CREATE INDEX rolled_missed_calls_waiting ON call_log.rolled_missed_calls (account, other_number) WHERE returned_at IS NULL;
COMMENT ON INDEX call_log.rolled_agent_days_day IS 'All agents of a period.';
COMMENT ON INDEX call_log.rolled_team_hours_day IS 'All teams of a period.';
COMMENT ON INDEX call_log.rolled_missed_calls_began IS 'Those of a period.';
COMMENT ON INDEX call_log.rolled_missed_calls_number IS 'Those that a call with that number may return.';
COMMENT ON INDEX call_log.rolled_missed_calls_returned IS 'Those that this call returned.';
COMMENT ON INDEX call_log.rolled_missed_calls_waiting IS 'Those with that number that nobody returned.';
COMMENT ON FUNCTION call_log.roll_agents(date, text, text, text) IS 'Counts a day anew, of all agents or one.';
COMMENT ON FUNCTION call_log.roll_teams(date, text, text) IS 'Counts a day''s hours anew, of all accounts or one.';
COMMENT ON FUNCTION call_log.roll_missed(text[], text[], timestamptz) IS 'Counts calls anew that may be missed, as far as is settled by then.';
COMMENT ON TABLE call_log.rolled_agent_days IS 'agent_days of the days before rollup.rolled_day, as they were when they were counted.';
COMMENT ON TABLE call_log.rolled_team_hours IS 'team_hours of those days.';
COMMENT ON TABLE call_log.rolled_missed_calls IS 'missed_calls as of rollup.settled_until.';
COMMENT ON VIEW call_log.agent_days IS 'The figures of each agent''s days.';
COMMENT ON VIEW call_log.team_hours IS 'The figures of each hour, of all agents together and of each team: a call is one.';
COMMENT ON VIEW call_log.missed_calls IS 'Calls that nobody answered, each with the next call with the same number that was made or answered.';
COMMENT ON VIEW call_log.live_calls IS 'Calls in progress, by their keys.';

-- ------------------------------------------------------------------- roll_up()
CREATE FUNCTION call_log.roll_marks(state call_log.rollup) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
	gone  call_log.marks[];
	of_day date := (SELECT (m.began_at AT TIME ZONE state.time_zone)::date FROM call_log.marks m ORDER BY m.id LIMIT 1);
	dirty record;
	key   record;
BEGIN
	-- one day's at a time, so that it is counted once for all of them
	WITH taken AS (
		DELETE FROM call_log.marks WHERE id IN (
			SELECT m.id FROM call_log.marks m WHERE (m.began_at AT TIME ZONE state.time_zone)::date = of_day
			ORDER BY m.id LIMIT 2000)
		RETURNING *)
	SELECT array_agg(t) INTO gone FROM taken t;
	-- what follows sees whatever those who left them did

	FOR key IN
		SELECT DISTINCT m.account, m.agent, (m.began_at AT TIME ZONE state.time_zone)::date AS day FROM unnest(gone) AS m
		WHERE m.agent IS NOT NULL AND (m.began_at AT TIME ZONE state.time_zone)::date < state.rolled_day
	LOOP
		PERFORM call_log.roll_agents(key.day, state.time_zone, key.account, key.agent);
	END LOOP;
	FOR key IN
		SELECT d.account, d.day FROM (
			SELECT m.account, (m.began_at AT TIME ZONE state.time_zone)::date AS day FROM unnest(gone) AS m
			UNION
			SELECT m.account, (p.began_at AT TIME ZONE state.time_zone)::date
			FROM unnest(gone) AS m CROSS JOIN LATERAL (
				SELECT p.began_at FROM call_log.parts p WHERE p.account = m.account AND p.session_id = m.session_id OFFSET 0) AS p
		) AS d WHERE d.day < state.rolled_day
	LOOP
		PERFORM call_log.roll_teams(key.day, state.time_zone, key.account);
	END LOOP;

	SELECT array_agg(d.account) AS accounts, array_agg(d.session_id) AS session_ids INTO dirty FROM (
		SELECT m.account, m.session_id FROM unnest(gone) AS m WHERE m.session_id IS NOT NULL
		UNION
		SELECT r.account, r.session_id FROM unnest(gone) AS m
		JOIN call_log.rolled_missed_calls r ON r.account = m.account AND r.returned_session_id = m.session_id
		UNION
		SELECT r.account, r.session_id FROM unnest(gone) AS m CROSS JOIN LATERAL (
			SELECT p.other_number FROM call_log.parts p WHERE p.account = m.account AND p.session_id = m.session_id OFFSET 0) AS p
		JOIN call_log.rolled_missed_calls r ON r.account = m.account AND r.other_number = p.other_number
	) AS d;
	PERFORM call_log.roll_missed(dirty.accounts, dirty.session_ids, state.settled_until);

	DELETE FROM call_log.rolled_live_calls r USING unnest(gone) AS m
	WHERE r.account = m.account AND r.agent = m.agent AND r.session_id = m.session_id;
	INSERT INTO call_log.rolled_live_calls
	SELECT DISTINCT m.account, m.agent, m.session_id FROM unnest(gone) AS m CROSS JOIN LATERAL (
		SELECT p.outcome FROM call_log.parts p
		WHERE p.account = m.account AND p.session_id = m.session_id AND p.agent = m.agent OFFSET 0) AS p
	WHERE p.outcome IS NULL;
END $$;
COMMENT ON FUNCTION call_log.roll_marks(call_log.rollup) IS 'Takes marks of one day, and counts anew what they stand for.';

CREATE FUNCTION call_log.first_since(since timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT min(p.began_at) FROM call_log.parts p WHERE p.began_at >= since
$$;
COMMENT ON FUNCTION call_log.first_since(timestamptz) IS 'When the first call since then began.';

CREATE FUNCTION call_log.roll_settled(state call_log.rollup) RETURNS timestamptz
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	from_at  timestamptz := date_bin('15 min', call_log.first_since(state.settled_until), 'epoch');
	until_at timestamptz := least(state.safe_until, coalesce(from_at + interval '1 day', 'infinity'));
	dirty    record;
BEGIN
	IF until_at > from_at THEN
		WITH fresh AS MATERIALIZED (
			SELECT p.* FROM call_log.parts p WHERE p.began_at >= from_at AND p.began_at < until_at
		), live AS (
			INSERT INTO call_log.rolled_live_calls
			SELECT f.account, f.agent, f.session_id FROM fresh f WHERE f.outcome IS NULL
			ON CONFLICT DO NOTHING
		)
		SELECT array_agg(d.account) AS accounts, array_agg(d.session_id) AS session_ids INTO dirty FROM (
			SELECT f.account, f.session_id FROM fresh f WHERE f.outcome IS DISTINCT FROM 'answered'
			UNION
			SELECT r.account, r.session_id FROM fresh f JOIN call_log.rolled_missed_calls r USING (account, session_id)
			UNION
			SELECT r.account, r.session_id FROM fresh f JOIN call_log.rolled_missed_calls r
			ON r.account = f.account AND r.other_number = f.other_number AND r.returned_at IS NULL
		) AS d;
		-- what was counted before everything was to be counted anew
		DELETE FROM call_log.rolled_missed_calls r WHERE r.began_at >= state.settled_until AND r.began_at < until_at;
		PERFORM call_log.roll_missed(dirty.accounts, dirty.session_ids, until_at);
	END IF;
	UPDATE call_log.rollup SET settled_until = until_at;
	RETURN until_at;
END $$;
COMMENT ON FUNCTION call_log.roll_settled(call_log.rollup) IS 'Counts the missed calls and those in progress of a further day, or of what is safe of it, and says until when.';

CREATE FUNCTION call_log.roll_day(state call_log.rollup) RETURNS date
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	zone     text := state.time_zone;
	safe_day date := (state.safe_until - interval '3 hours') AT TIME ZONE zone;
	first_at timestamptz := call_log.first_since(greatest(state.rolled_day::timestamp AT TIME ZONE zone, '-infinity'));
	of_day   date := coalesce(least((first_at AT TIME ZONE zone)::date, safe_day), safe_day);
	other    record;
BEGIN
	-- the day that comes, or the first with calls; safe_day itself is not over
	of_day := greatest(of_day, state.rolled_day);
	DELETE FROM call_log.rolled_agent_days r WHERE r.day >= state.rolled_day AND r.day <= of_day;
	DELETE FROM call_log.rolled_team_hours r WHERE r.day >= state.rolled_day AND r.day <= of_day;
	IF of_day >= safe_day THEN
		UPDATE call_log.rollup SET rolled_day = safe_day;
		RETURN safe_day;
	END IF;
	PERFORM call_log.roll_agents(of_day, zone);
	PERFORM call_log.roll_teams(of_day, zone);
	-- calls that had begun on days before, and went on with an agent on this one
	FOR other IN
		SELECT DISTINCT p.account, (p.began_at AT TIME ZONE zone)::date AS day FROM (
			SELECT DISTINCT p.account, p.session_id FROM call_log.parts p
			WHERE p.began_at >= of_day::timestamp AT TIME ZONE zone - interval '3 hours'
			  AND p.began_at < (of_day + 1)::timestamp AT TIME ZONE zone + interval '3 hours'
		) AS s CROSS JOIN LATERAL (
			SELECT p.* FROM call_log.parts p WHERE p.account = s.account AND p.session_id = s.session_id OFFSET 0) AS p
		WHERE (p.began_at AT TIME ZONE zone)::date < of_day
	LOOP
		PERFORM call_log.roll_teams(other.day, zone, other.account);
	END LOOP;
	UPDATE call_log.rollup SET rolled_day = of_day + 1;
	RETURN of_day + 1;
END $$;
COMMENT ON FUNCTION call_log.roll_day(call_log.rollup) IS 'Counts the next day that is safe, and says which is next.';

CREATE FUNCTION call_log.roll_up(budget_ms integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	-- calls still change much in their first half hour
	lag      CONSTANT interval := '30 min';
	until_at CONSTANT timestamptz := clock_timestamp() + make_interval(secs => budget_ms / 1000.0);
	state    call_log.rollup;
	wanted   timestamptz := date_bin('15 min', now() - lag, 'epoch');
	marked   boolean;
	settling boolean;
	rolling  boolean;
BEGIN
	IF current_setting('transaction_isolation') NOT LIKE 'read %' THEN
		RAISE EXCEPTION 'figures cannot be counted in a % transaction', current_setting('transaction_isolation')
		USING ERRCODE = 'invalid_transaction_state', HINT = 'BEGIN ISOLATION LEVEL READ COMMITTED.';
	END IF;
	IF NOT pg_try_advisory_xact_lock(hashtextextended('call_log.rollup', 0)) THEN
		RETURN 1000;
	END IF;
	UPDATE call_log.rollup r SET time_zone = s.report_time_zone, rolled_day = '-infinity'
	FROM call_log.settings s WHERE r.time_zone <> s.report_time_zone;
	SELECT r.* INTO state FROM call_log.rollup r;

	-- Everybody knows how far it is closed once all have ended who began before it was.
	IF state.safe_until < state.closed_until THEN
		-- one of the future is of another server, where this was restored from
		IF state.fence IS NULL AND state.closed_by IS DISTINCT FROM pg_current_xact_id_if_assigned()
		   OR state.fence > pg_snapshot_xmax(pg_current_snapshot()) THEN
			UPDATE call_log.rollup SET fence = pg_snapshot_xmax(pg_current_snapshot());
		ELSIF state.fence <= pg_snapshot_xmin(pg_current_snapshot()) THEN
			UPDATE call_log.rollup r SET safe_until = r.closed_until;
		END IF;
	ELSIF wanted > state.closed_until THEN
		UPDATE call_log.rollup SET closed_until = wanted, closed_by = pg_current_xact_id(), fence = NULL;
	END IF;

	LOOP
		SELECT r.* INTO state FROM call_log.rollup r;
		marked := EXISTS (SELECT FROM call_log.marks);
		settling := state.settled_until < state.safe_until;
		rolling := state.rolled_day < ((state.safe_until - interval '3 hours') AT TIME ZONE state.time_zone)::date;
		EXIT WHEN NOT (marked OR settling OR rolling) OR clock_timestamp() > until_at;
		IF marked THEN
			PERFORM call_log.roll_marks(state);
		END IF;
		IF settling THEN
			PERFORM call_log.roll_settled(state);
		END IF;
		IF rolling THEN
			PERFORM call_log.roll_day(state);
		END IF;
	END LOOP;
	RETURN CASE WHEN marked OR settling OR rolling THEN 0
	            WHEN state.safe_until < state.closed_until THEN 1000
	            ELSE 15000 END;
END $$;
COMMENT ON FUNCTION call_log.roll_up(integer) IS
'Counts figures of reports beforehand for about so many milliseconds, and says in how many there is more to do. The plugin calls it now and then; without it reports are as right, and slower.';

CREATE PROCEDURE call_log.rebuild_reports()
LANGUAGE plpgsql AS $$
DECLARE
	wait_ms integer := 0;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('call_log.rollup', 0));
	UPDATE call_log.rollup SET rolled_day = '-infinity', settled_until = '-infinity';
	COMMIT;
	WHILE wait_ms < 15000 LOOP
		wait_ms := call_log.roll_up(1000);
		COMMIT;
		IF wait_ms > 0 THEN
			PERFORM pg_sleep(least(wait_ms, 100) / 1000.0);
		END IF;
	END LOOP;
END $$;
COMMENT ON PROCEDURE call_log.rebuild_reports() IS
'Counts all figures of reports anew: CALL call_log.rebuild_reports(). For after calls were put into the table by other means than record_calls(). Meanwhile calls can be written, and reports are right, but slow.';

-- Teams are of all days.
CREATE FUNCTION call_log.mark_agents(accounts text[], agents text[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
BEGIN
	-- days that are just being counted are not to be missed
	PERFORM pg_advisory_xact_lock(hashtextextended('call_log.rollup', 0));
	INSERT INTO call_log.marks (account, began_at)
	SELECT DISTINCT a.account, ((o.began_at AT TIME ZONE r.time_zone)::date + time '12:00') AT TIME ZONE r.time_zone
	FROM call_log.rollup r CROSS JOIN unnest(accounts, agents) AS a (account, agent)
	CROSS JOIN LATERAL (
		SELECT p.session_id FROM call_log.parts p
		WHERE p.account = a.account AND p.agent = a.agent AND p.started_at IS NOT NULL
		UNION ALL
		SELECT p.session_id FROM call_log.parts p
		WHERE p.account = a.account AND p.agent = a.agent AND p.started_at IS NULL) AS p
	-- a call is of the day on which it began at whichever agent of a team
	JOIN call_log.parts o ON o.account = a.account AND o.session_id = p.session_id
	WHERE (o.began_at AT TIME ZONE r.time_zone)::date < r.rolled_day;
END $$;
COMMENT ON FUNCTION call_log.mark_agents(text[], text[]) IS 'Marks the days of the calls that these agents had a part in.';
CREATE FUNCTION call_log.teams_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM call_log.mark_agents(array_agg(t.account), array_agg(t.agent)) FROM changed t;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION call_log.teams_changed() IS 'Marks what agents count for whose team is another.';
CREATE FUNCTION call_log.teams_updated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM call_log.mark_agents(array_agg(t.account), array_agg(t.agent))
	FROM (SELECT t.account, t.agent FROM before t UNION SELECT t.account, t.agent FROM changed t) AS t;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION call_log.teams_updated() IS 'The same, for agents renamed too.';
CREATE TRIGGER teams_inserted AFTER INSERT ON call_log.teams REFERENCING NEW TABLE AS changed EXECUTE FUNCTION call_log.teams_changed();
CREATE TRIGGER teams_deleted AFTER DELETE ON call_log.teams REFERENCING OLD TABLE AS changed EXECUTE FUNCTION call_log.teams_changed();
CREATE TRIGGER teams_updated AFTER UPDATE ON call_log.teams REFERENCING OLD TABLE AS before NEW TABLE AS changed EXECUTE FUNCTION call_log.teams_updated();
CREATE TRIGGER teams_gone AFTER TRUNCATE ON call_log.teams EXECUTE FUNCTION call_log.calls_gone();
COMMENT ON TRIGGER teams_inserted ON call_log.teams IS 'Figures of teams are to be counted anew.';
COMMENT ON TRIGGER teams_deleted ON call_log.teams IS 'Figures of teams are to be counted anew.';
COMMENT ON TRIGGER teams_updated ON call_log.teams IS 'Figures of teams are to be counted anew.';
COMMENT ON TRIGGER teams_gone ON call_log.teams IS 'Figures of teams are to be counted anew.';

-- --------------------------------------------------------- what a column means
DO $$
DECLARE
	member record;
BEGIN
	FOR member IN
		SELECT c.oid::regclass AS of, a.attname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = 'call_log'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
		  AND col_description(c.oid, a.attnum) IS NULL
	LOOP
		EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', member.of, member.name, CASE member.name
			WHEN 'zone'          THEN 'As in report_zone.'
			WHEN 'rolled_day'    THEN 'Days before it are counted; in another time zone none are.'
			WHEN 'open_from'     THEN 'No call that began before is of a day that is not counted. Where clocks go back at midnight, some after are of one that is.'
			WHEN 'settled_until' THEN 'As in rollup.'
			WHEN 'began_at'      THEN 'When it began; where nobody told, when it was logged.'
			WHEN 'talk_s'        THEN 'Seconds, of an answered call.'
			WHEN 'other_number'  THEN 'The number of the other side, seen from the agent.'
			WHEN 'noted'         THEN 'Whether it has a note.'
			WHEN 'by_hand'       THEN 'Logged or edited by the agent.'
			WHEN 'recorded'      THEN 'With a recording.'
			WHEN 'everyone'      THEN 'Whether this is of all agents together; else of one team.'
			WHEN 'talk'          THEN 'Seconds of each answered call, ascending.'
			WHEN 'talks'         THEN 'How many those are.'
			WHEN 'talk_median_s' THEN 'The median of talk.'
			WHEN 'talk_p90_s'    THEN 'Nine of ten of talk are at most so many seconds.'
			WHEN 'returned_direction' THEN 'The direction of the call that returned it.'
			WHEN 'account'       THEN 'As in calls.'
			WHEN 'agent'         THEN 'As in calls.'
			WHEN 'session_id'    THEN 'As in calls.'
			ELSE 'As in calls, or in the views of call_report.' END);
	END LOOP;
END $$;

REVOKE ALL ON FUNCTION call_log.mark_changed(), call_log.calls_gone(), call_log.teams_changed(), call_log.teams_updated(),
	call_log.mark_agents(text[], text[]),
	call_log.roll_agents(date, text, text, text), call_log.roll_teams(date, text, text),
	call_log.roll_missed(text[], text[], timestamptz), call_log.roll_marks(call_log.rollup),
	call_log.first_since(timestamptz), call_log.roll_settled(call_log.rollup), call_log.roll_day(call_log.rollup),
	call_log.roll_up(integer) FROM PUBLIC;
REVOKE ALL ON PROCEDURE call_log.rebuild_reports() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION call_log.roll_up(integer) TO call_log_writer;
GRANT SELECT ON call_log.rollup TO call_log_writer;
GRANT INSERT ON call_log.marks TO call_log_writer;

INSERT INTO call_log.migrations (version, name) VALUES (9, 'rollup');
COMMIT;
