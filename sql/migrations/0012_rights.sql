-- Who may read which calls; and the calls as one flat table, for spreadsheets.
--
--   everything  call_log_report reads schema call_report, as ever. No policy is in its
--               way: under one an index serves leakproof conditions only, not even
--               started_at >= current_date - 30, and a security_barrier is not joined
--               through. Whoever may see everything does not pay for those who may not.
--   some        call_log_reader reads schema call_own: the same views, made from those of
--               call_report by make_own_reports(). call_log_views owns them, and policies
--               show it, of the calls, those of agents whom call_log.readers lists for the
--               database role that asks (current_user: a view does not change it).
--   figures     are counted from everything and then shown or not, so that nobody's
--               differ: an agent's to whoever may see the agent, a team's to whoever may
--               see the team, a missed call to whoever may see an agent at whom it rang.
--   tables      have what was granted decide, as ever, but for call_log_views and the
--               members of call_log_reader: of each table that tells of an agent those see
--               only what they may, whatever else is granted to them.
--   not hidden  how many rows were looked through: EXPLAIN ANALYZE and the clock tell
--               that, as with all row-level security of PostgreSQL.
BEGIN;

-- as everybody else: calls first
LOCK TABLE call_log.calls IN ACCESS EXCLUSIVE MODE;

DO $$
DECLARE
	role record;
BEGIN
	FOR role IN VALUES
		('call_log_reader', 'Reads the views of schema call_own: of the calls, those that call_log.readers lets a role see.'),
		('call_log_views', 'Owns the views of schema call_own. Grant it to nobody but the owner of schema call_log.')
	LOOP
		IF to_regrole(role.column1) IS NULL THEN
			EXECUTE format('CREATE ROLE %I NOLOGIN', role.column1);
			EXECUTE format('COMMENT ON ROLE %I IS %L', role.column1, role.column2);
		END IF;
	END LOOP;
END $$;

-- Read anew at each use the functions in views would be made of what is in the reader's
-- search_path, and be shown what everybody's figures are made of. (outcome() is used where
-- calls are written.)
DO $$
DECLARE
	late record;
BEGIN
	FOR late IN
		SELECT p.prosrc AS source, pg_get_functiondef(p.oid) AS definition FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
		WHERE p.pronamespace = 'call_log'::regnamespace AND l.lanname = 'sql' AND p.prokind = 'f'
		  AND p.prosqlbody IS NULL AND p.proconfig IS NULL AND p.proname <> 'outcome'
		  AND has_function_privilege('call_log_report', p.oid, 'EXECUTE')
	LOOP
		EXECUTE replace(late.definition, 'AS $function$' || late.source || '$function$', 'BEGIN ATOMIC ' || late.source || '; END');
	END LOOP;
END $$;

-- --------------------------------------------------------------------- export
CREATE FUNCTION call_log.cell(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value ~ '^[-=+@\t\r\n＝＋－＠]' AND value !~ '^\+[0-9]+$' THEN '''' || value ELSE value END;
COMMENT ON FUNCTION call_log.cell(text) IS
'A text for a cell of a spreadsheet, which would take some for a formula: those begin with an apostrophe. A plain phone number is left as it is.';

CREATE FUNCTION call_log.iso_8601(at timestamptz, zone text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(at AT TIME ZONE zone, 'YYYY-MM-DD"T"HH24:MI:SS')
	|| CASE WHEN at AT TIME ZONE zone < at AT TIME ZONE 'UTC' THEN '-' ELSE '+' END
	|| to_char(greatest(at AT TIME ZONE zone - at AT TIME ZONE 'UTC', at AT TIME ZONE 'UTC' - at AT TIME ZONE zone), 'HH24:MI');
COMMENT ON FUNCTION call_log.iso_8601(timestamptz, text) IS 'A moment as a time zone tells it, such as 2026-03-02T10:00:00+01:00.';

CREATE VIEW call_report.export AS
SELECT (coalesce(c.started_at, c.logged_at) AT TIME ZONE z.zone)::date AS day,
       call_log.iso_8601(c.started_at, z.zone) AS started_at,
       call_log.iso_8601(c.started_at + make_interval(secs => c.duration_s), z.zone) AS ended_at,
       c.account, c.agent, t.team, c.direction, c.outcome, call_log.cell(c.result) AS result,
       c.duration_s, CASE WHEN c.outcome = 'answered' THEN c.duration_s END AS talk_s,
       call_log.cell(CASE c.direction WHEN 'Inbound' THEN c.from_number WHEN 'Outbound' THEN c.to_number END) AS other_number,
       call_log.cell(CASE c.direction WHEN 'Inbound' THEN c.from_name WHEN 'Outbound' THEN c.to_name END) AS other_name,
       call_log.cell(c.from_number) AS from_number, call_log.cell(c.to_number) AS to_number,
       CASE c.queue_call WHEN true THEN 'yes' WHEN false THEN 'no' END AS queue_call,
       call_log.cell(c.contact_id) AS contact_id, call_log.cell(c.contact_name) AS contact_name,
       call_log.cell(c.note) AS note, call_log.cell(c.ai_note) AS ai_note, call_log.cell(c.recording_link) AS recording_link,
       c.logged_by, c.id, call_log.cell(c.session_id) AS session_id,
       coalesce(c.started_at, c.logged_at) AS began_at
FROM call_log.calls c CROSS JOIN call_log.report_zone z
LEFT JOIN call_log.teams t ON t.account = c.account AND t.agent = c.agent
WHERE c.merged_into IS NULL;
COMMENT ON VIEW call_report.export IS 'View calls as a flat table for CSV, one row an agent and call: times as text in ISO 8601; texts that a spreadsheet would take for formulas with an apostrophe before them. Columns keep their places; new ones come last. SELECT * FROM call_report.export WHERE began_at >= ''2026-03-01'' AND began_at < ''2026-04-01'' ORDER BY began_at.';
COMMENT ON COLUMN call_report.export.day IS 'The day on which it began, in the reports'' time zone.';
COMMENT ON COLUMN call_report.export.started_at IS 'When it began, such as 2026-03-02T10:00:00+01:00, in the reports'' time zone; NULL where that is unknown.';
COMMENT ON COLUMN call_report.export.ended_at IS 'When it ended, in the same form; of a live call, as far as is known.';
COMMENT ON COLUMN call_report.export.team IS 'The agent''s team (call_log.teams).';
COMMENT ON COLUMN call_report.export.queue_call IS 'yes or no: whether it came through a call queue; NULL where that is unknown.';
COMMENT ON COLUMN call_report.export.began_at IS 'started_at, or when the call was first logged where that is unknown: to ask for a period by, and to sort by.';
DO $$
DECLARE
	member record;
BEGIN
	FOR member IN
		SELECT e.attname AS name, col_description(c.attrelid, c.attnum) AS says
		FROM pg_attribute e JOIN pg_attribute c USING (attname)
		WHERE e.attrelid = 'call_report.export'::regclass AND c.attrelid = 'call_report.calls'::regclass
		  AND e.attnum > 0 AND col_description(e.attrelid, e.attnum) IS NULL
	LOOP
		EXECUTE format('COMMENT ON COLUMN call_report.export.%I IS %L', member.name, member.says);
	END LOOP;
END $$;
GRANT SELECT ON call_report.export TO call_log_report;

-- ------------------------------------------------------------- who sees whom
CREATE TABLE call_log.readers (
	reader  name NOT NULL,
	account text COLLATE "C" NOT NULL,
	agent   text COLLATE "C" CHECK (agent <> ''),
	team    text COLLATE "C" CHECK (team <> ''),
	CHECK (num_nonnulls(agent, team) = 1)
);
CREATE UNIQUE INDEX readers_once ON call_log.readers (reader, account, coalesce(agent, ''), coalesce(team, ''));
COMMENT ON TABLE call_log.readers IS 'Whose calls a database role sees in schema call_own: one row an agent or team; kept by the administrator. The role must be in call_log_reader. One that is not listed sees nothing. A role that is dropped stays listed.';
COMMENT ON COLUMN call_log.readers.reader IS 'The database role.';
COMMENT ON COLUMN call_log.readers.account IS 'As in calls.';
COMMENT ON COLUMN call_log.readers.agent IS 'An agent whose calls it sees; or else';
COMMENT ON COLUMN call_log.readers.team IS 'a team, whose figures it sees and the calls of whose agents (call_log.teams).';
COMMENT ON INDEX call_log.readers_once IS 'Says nothing twice.';

-- Views, since in a function that runs as its owner current_user would be that.
CREATE VIEW call_log.readable_agents AS
SELECT r.account, r.agent FROM call_log.readers r WHERE r.reader = current_user AND r.agent IS NOT NULL
UNION ALL
SELECT t.account, t.agent FROM call_log.readers r JOIN call_log.teams t USING (account, team) WHERE r.reader = current_user;
COMMENT ON VIEW call_log.readable_agents IS 'Whose calls the role that asks may see.';
CREATE VIEW call_log.readable_teams AS
SELECT r.account, r.team FROM call_log.readers r WHERE r.reader = current_user AND r.team IS NOT NULL;
COMMENT ON VIEW call_log.readable_teams IS 'Whose figures the role that asks may see.';

-- Arrays find a plain index; the pairs decide, where accounts have agents of the same name.
CREATE VIEW call_log.readable_agent_days WITH (security_barrier) AS
SELECT d.* FROM call_log.agent_days d
WHERE d.account = ANY (ARRAY(SELECT a.account FROM call_log.readable_agents a))
  AND d.agent = ANY (ARRAY(SELECT a.agent FROM call_log.readable_agents a))
  AND (d.account, d.agent) IN (SELECT a.account, a.agent FROM call_log.readable_agents a);
COMMENT ON VIEW call_log.readable_agent_days IS 'agent_days of whom the role that asks may see.';
CREATE VIEW call_log.readable_team_hours WITH (security_barrier) AS
SELECT h.* FROM call_log.team_hours h
WHERE NOT h.everyone AND (h.account, h.team) IN (SELECT t.account, t.team FROM call_log.readable_teams t);
COMMENT ON VIEW call_log.readable_team_hours IS 'team_hours of the teams that the role that asks may see.';
CREATE VIEW call_log.readable_missed_calls WITH (security_barrier) AS
SELECT m.* FROM call_log.missed_calls m
WHERE m.account = ANY (ARRAY(SELECT a.account FROM call_log.readable_agents a))
  AND m.agents && ARRAY(SELECT a.agent FROM call_log.readable_agents a)
  AND EXISTS (SELECT FROM call_log.readable_agents a WHERE a.account = m.account AND a.agent = ANY (m.agents));
COMMENT ON VIEW call_log.readable_missed_calls IS 'missed_calls that rang at whom the role that asks may see; with who else it rang at, and who returned it.';

DO $$
DECLARE
	tab record;
	member record;
BEGIN
	FOR tab IN
		SELECT c.oid::regclass AS name, c.relname <> 'readers' AND EXISTS (
			SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'agent') AS by_agent
		FROM pg_class c
		WHERE c.relnamespace = 'call_log'::regnamespace AND c.relkind = 'r'
		  AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('agent', 'agents', 'team'))
	LOOP
		EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tab.name);
		EXECUTE format('CREATE POLICY granted ON %s USING (true)', tab.name);
		EXECUTE format('COMMENT ON POLICY granted ON %s IS ''Whoever was granted something has it.''', tab.name);
		EXECUTE format('CREATE POLICY reader ON %s AS RESTRICTIVE TO call_log_views, call_log_reader USING (%s)', tab.name,
			CASE WHEN tab.by_agent THEN $p$account = ANY (ARRAY(SELECT a.account FROM call_log.readable_agents a))
				AND agent = ANY (ARRAY(SELECT a.agent FROM call_log.readable_agents a))
				AND (account, agent) IN (SELECT a.account, a.agent FROM call_log.readable_agents a)$p$ ELSE 'false' END
			-- no more than to say that each of the two indexes serves
			|| CASE tab.name WHEN 'call_log.calls'::regclass THEN ' AND (started_at IS NOT NULL OR started_at IS NULL)' ELSE '' END);
		EXECUTE format('COMMENT ON POLICY reader ON %s IS ''But these, of whom the role that asks may see.''', tab.name);
	END LOOP;
	FOR member IN
		SELECT a.attrelid::regclass AS of, a.attname AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = 'call_log'::regnamespace AND c.relname LIKE 'readable\_%' AND a.attnum > 0
	LOOP
		EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', member.of, member.name,
			'As in ' || substr((SELECT relname FROM pg_class WHERE oid = member.of), 10) || '.');
	END LOOP;
END $$;

-- ------------------------------------------------------------------- call_own
CREATE FUNCTION call_log.own_reports_hold() RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- as after a dump was restored without owners: no policy would hold
	IF EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = to_regnamespace('call_own') AND c.relkind = 'v'
	           AND c.relowner IS DISTINCT FROM to_regrole('call_log_views')) THEN
		RAISE EXCEPTION 'the views of schema call_own do not belong to call_log_views'
		USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'SELECT call_log.make_own_reports()';
	END IF;
	RETURN true;
END $$;
COMMENT ON FUNCTION call_log.own_reports_hold() IS 'Refuses to show anything in call_own that nobody would hold back.';

CREATE FUNCTION call_log.make_own_reports() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- a row of theirs is nobody's
	company CONSTANT text[] := '{company_day,hour_of_week,outcome}';
	made record;
	view record;
BEGIN
	CREATE SCHEMA IF NOT EXISTS call_own;
	COMMENT ON SCHEMA call_own IS 'The views of schema call_report, without those of the whole company, of what call_log.readers lets the role see that asks.';
	GRANT USAGE ON SCHEMA call_own TO call_log_reader;
	-- who is given a view must be able to make one
	GRANT CREATE ON SCHEMA call_own TO call_log_views;
	GRANT USAGE ON SCHEMA call_log, call_own TO call_log_views;
	FOR view IN
		SELECT c.oid, c.relname AS name, obj_description(c.oid, 'pg_class') AS says,
		       regexp_replace(regexp_replace(regexp_replace(rtrim(pg_get_viewdef(c.oid), ';'), '\mcall_report\.', 'call_own.', 'g'),
		                      -- what has no name of its own keeps that
		                      '\mcall_log\.(agent_days|team_hours|missed_calls)\M(?! [a-z])', 'call_log.\1 \1', 'g'),
		                      '\mcall_log\.(agent_days|team_hours|missed_calls)\M', 'call_log.readable_\1', 'g') AS definition
		FROM pg_class c
		WHERE c.relnamespace = 'call_report'::regnamespace AND c.relkind = 'v' AND c.relname <> ALL (company)
		-- what others are made of came first
		ORDER BY c.oid
	LOOP
		BEGIN
			EXECUTE format('CREATE OR REPLACE VIEW call_own.%I WITH (security_barrier) AS SELECT v.* FROM (%s) AS v WHERE (SELECT call_log.own_reports_hold())',
				view.name, view.definition);
		EXCEPTION WHEN undefined_table THEN
			RAISE WARNING 'call_report.% has no like in call_own: %', view.name, SQLERRM;
			CONTINUE;
		END;
		EXECUTE format('ALTER VIEW call_own.%I OWNER TO call_log_views', view.name);
		EXECUTE format('GRANT SELECT ON call_own.%I TO call_log_reader', view.name);
		EXECUTE format('COMMENT ON VIEW call_own.%I IS %L', view.name, view.says || ' Of whom the role that asks may see (call_log.readers).');
		FOR made IN SELECT a.attname AS name, col_description(view.oid, a.attnum) AS says FROM pg_attribute a
			WHERE a.attrelid = view.oid AND a.attnum > 0
		LOOP
			EXECUTE format('COMMENT ON COLUMN call_own.%I.%I IS %L', view.name, made.name, made.says);
		END LOOP;
	END LOOP;
	REVOKE CREATE ON SCHEMA call_own FROM call_log_views;
END $$;
COMMENT ON FUNCTION call_log.make_own_reports() IS
'Makes the views of schema call_own from those of call_report. For its owner: after views were added, and after a dump was restored without owners.';

-- what the views of call_own are made of, and nothing that shows more
GRANT SELECT ON call_log.calls, call_log.agents, call_log.teams, call_log.settings, call_log.report_zone,
	call_log.live_calls, call_log.readable_agents, call_log.readable_agent_days, call_log.readable_team_hours,
	call_log.readable_missed_calls TO call_log_views;
GRANT SELECT ON call_log.readable_agents TO call_log_reader;
-- cell(), iso_8601() and own_reports_hold() are PUBLIC's: who reads a view runs the functions in it
REVOKE ALL ON FUNCTION call_log.make_own_reports() FROM PUBLIC;

DO $$
BEGIN
	BEGIN
		-- or it cannot give them views
		IF NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
			EXECUTE format('GRANT call_log_views TO %I', current_user);
		END IF;
	EXCEPTION WHEN insufficient_privilege THEN
		NULL; -- perhaps somebody else did
	END;
	PERFORM call_log.make_own_reports();
EXCEPTION WHEN insufficient_privilege THEN
	RAISE WARNING 'schema call_own is not made: % may not give views to call_log_views', current_user
	USING HINT = format('GRANT call_log_views TO %I; and then, as %1$I: SELECT call_log.make_own_reports().', current_user);
END $$;

INSERT INTO call_log.migrations (version, name) VALUES (12, 'rights');
COMMIT;
