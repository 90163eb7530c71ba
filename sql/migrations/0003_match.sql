-- What is asked of calls: which of these session ids are logged, for these agents?
-- Which were changed elsewhere since somebody last asked?
BEGIN;

CREATE FUNCTION call_log.match_calls(accounts text[], agents text[], session_ids text[])
RETURNS TABLE (ordinal integer, id bigint, note text, contact_id text, contact_name text, contact_type text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
-- a plan made while the table was empty must not scan it once it is not
SET enable_seqscan = off
AS $$
BEGIN
	RETURN QUERY
	SELECT a.ordinal::integer, coalesce(s.id, c.id),
	       -- a plain UPDATE of a note changes the survivor only; contacts are equal
	       CASE WHEN s.id IS NULL THEN c.note ELSE s.note END,
	       c.contact_id, c.contact_name, c.contact_type
	FROM unnest(accounts, agents, session_ids) WITH ORDINALITY AS a (account, agent, session_id, ordinal)
	-- OFFSET 0: a probe of the index an id, whatever the table's statistics were
	CROSS JOIN LATERAL (
		SELECT c.* FROM call_log.calls c
		WHERE c.account = a.account AND c.agent = a.agent AND c.session_id = a.session_id OFFSET 0
	) AS c
	LEFT JOIN LATERAL (
		SELECT s.* FROM call_log.calls s
		WHERE s.account = c.account AND s.agent = c.agent AND s.session_id = c.merged_into OFFSET 0
	) AS s ON true;

	IF '0' = ANY (session_ids) THEN
		RETURN QUERY
		SELECT a.ordinal::integer, z.id, z.note, z.contact_id, z.contact_name, z.contact_type
		FROM unnest(accounts, agents, session_ids) WITH ORDINALITY AS a (account, agent, session_id, ordinal)
		CROSS JOIN LATERAL (
			SELECT s.* FROM call_log.calls c JOIN call_log.calls s
			  ON s.account = c.account AND s.agent = c.agent AND s.session_id = coalesce(c.merged_into, c.session_id)
			WHERE c.account = a.account AND c.agent = a.agent
			  AND (c.session_id = c.telephony_session_id OR c.session_id LIKE '0/%')
			  AND c.state IN ('ringing', 'connected', 'held', 'parked')
			  AND s.state IN ('ringing', 'connected', 'held', 'parked')
			  -- one whose end never came is not live for ever
			  AND c.updated_at > now() - interval '1 day'
			ORDER BY c.last_event_at DESC, c.session_id LIMIT 1
		) AS z
		WHERE a.session_id = '0';
	END IF;

	-- What was refused is rare, and looked for only then. Of a call that is logged it
	-- tells nothing: some event of it was.
	IF EXISTS (SELECT FROM call_log.rejected) THEN
		RETURN QUERY
		SELECT a.ordinal::integer, NULL::bigint, NULL::text, NULL::text, NULL::text, NULL::text
		FROM unnest(accounts, agents, session_ids) WITH ORDINALITY AS a (account, agent, session_id, ordinal)
		WHERE EXISTS (SELECT FROM call_log.rejected r
		              WHERE r.account = a.account AND r.agent = a.agent AND r.session_id = a.session_id)
		  AND NOT EXISTS (SELECT FROM call_log.calls c
		                  WHERE c.account = a.account AND c.agent = a.agent AND c.session_id = a.session_id);
	END IF;
END $$;
COMMENT ON FUNCTION call_log.match_calls(text[], text[], text[]) IS
'For arrays of equal length, one element a question: the calls that are logged, by the 1-based place (ordinal) of the question; nothing for one that is not, but a row without id for one whose events were all refused. A merged call answers as the call that stands for it; "0" as the agent''s live call of that name.';

-- What a widget is to ask for again though no note was changed. It is written where
-- the host cannot reach the agents' pages: those ask, and any process answers.
CREATE TABLE call_log.triggers (
	account    text  COLLATE "C" NOT NULL,
	agent      text  COLLATE "C" NOT NULL,
	session_id text  COLLATE "C" NOT NULL,
	xid        xid8  NOT NULL DEFAULT pg_current_xact_id(),
	told_at    timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (account, agent, xid, session_id)
);
COMMENT ON TABLE call_log.triggers IS
'Calls that a process answered for without knowing, or that reached the database late: the agent''s widget is to ask for them again. Kept for a day.';
COMMENT ON COLUMN call_log.triggers.account IS 'As in calls.';
COMMENT ON COLUMN call_log.triggers.agent IS 'As in calls.';
COMMENT ON COLUMN call_log.triggers.session_id IS 'The call, as the widget names it.';
COMMENT ON COLUMN call_log.triggers.xid IS 'The transaction that said so, as in notes.';
COMMENT ON COLUMN call_log.triggers.told_at IS 'When it began.';
CREATE INDEX triggers_told_at ON call_log.triggers (told_at);
COMMENT ON INDEX call_log.triggers_told_at IS 'What is old enough to go.';

CREATE FUNCTION call_log.trigger_calls(accounts text[], agents text[], session_ids text[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER -- who writes calls may not delete
SET search_path = pg_catalog, pg_temp
AS $$
INSERT INTO call_log.triggers (account, agent, session_id)
SELECT DISTINCT t.account, t.agent, t.session_id
FROM unnest(accounts, agents, session_ids) AS t (account, agent, session_id)
ON CONFLICT DO NOTHING;
-- a few more than come, waiting for nobody
DELETE FROM call_log.triggers t USING (
	SELECT o.account, o.agent, o.xid, o.session_id FROM call_log.triggers o
	WHERE o.told_at < now() - interval '1 day'
	ORDER BY o.told_at LIMIT 10 + 2 * cardinality(session_ids) FOR UPDATE SKIP LOCKED
) AS old
WHERE (t.account, t.agent, t.xid, t.session_id) = (old.account, old.agent, old.xid, old.session_id)
$$;
COMMENT ON FUNCTION call_log.trigger_calls(text[], text[], text[]) IS
'Has the agents'' widgets ask for these calls again, where the host''s pages ask for events; arrays of equal length, one element a call. Clears away what is old.';

CREATE VIEW call_log.changes AS
SELECT n.account, n.agent, n.session_id, n.request_id, n.xid, n.saved_at, true AS elsewhere
FROM call_log.notes n
WHERE n.request_id LIKE 'set_note/%' OR n.request_id LIKE 'sql/%'
UNION ALL
SELECT t.account, t.agent, t.session_id, 'trigger/' || t.session_id, t.xid, t.told_at, false
FROM call_log.triggers t;
COMMENT ON VIEW call_log.changes IS 'What widgets are to ask for again: for changes_since(), which says what of it is new.';
COMMENT ON COLUMN call_log.changes.account IS 'As in calls.';
COMMENT ON COLUMN call_log.changes.agent IS 'As in calls.';
COMMENT ON COLUMN call_log.changes.session_id IS 'The call.';
COMMENT ON COLUMN call_log.changes.request_id IS 'Names the save; "trigger/..." where there was none.';
COMMENT ON COLUMN call_log.changes.xid IS 'The transaction that said so.';
COMMENT ON COLUMN call_log.changes.saved_at IS 'When it said so.';
COMMENT ON COLUMN call_log.changes.elsewhere IS 'A note was changed elsewhere: not only the widget is to know, also each plugin that remembers the call.';

-- A save is dated, and takes its transaction's number, long before it may be
-- committed, so neither says what is new. A snapshot does, exactly: new is what the
-- one of the last look did not see and that of this look does. Snapshots of another
-- server mean nothing, and not all that the old one had is in the new one after a
-- failover: then what is new is looked for by the time.
CREATE FUNCTION call_log.server_name() RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- the timeline is another one after each promotion
	RETURN (SELECT system_identifier FROM pg_control_system())
	       || '.' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
	       || '.' || (SELECT oid FROM pg_database WHERE datname = current_database());
EXCEPTION
	-- a hosted server that does not let us see; a standby
	WHEN insufficient_privilege OR undefined_function OR feature_not_supported
	     OR object_not_in_prerequisite_state THEN
		RETURN 'unknown';
END $$;
COMMENT ON FUNCTION call_log.server_name() IS
'Names this database of this server, for as long as transactions'' numbers go on in it.';

CREATE FUNCTION call_log.changes_since(cursor text, in_account text DEFAULT NULL, in_agent text DEFAULT NULL,
                                       how_many integer DEFAULT 1000)
RETURNS TABLE (next_cursor text, gap boolean, account text, agent text, session_id text, request_id text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
-- by transaction or by time, of all agents or one: the plans differ
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
	-- how much by the time is looked back beyond what is known, for saves that were
	-- committed late, and for clocks that differ
	margin CONSTANT interval := '5 min';
	here   text := call_log.server_name();
	shot   pg_snapshot := pg_current_snapshot();
	-- server, microseconds, snapshot of the last look or "-" for "by the time";
	-- then, within a look: its snapshot, and the transaction and the name of the
	-- last save that was told
	part   text[] := regexp_match(cursor,
		'^(\S+) (\d{1,16}) (-|\d{1,18}:\d{1,18}:[\d,]*)(?: (\d{1,18}:\d{1,18}:[\d,]*) (\d{1,18}) (.*))?$');
	at     timestamptz := clock_timestamp();
	since  pg_snapshot;
	until  pg_snapshot := shot;
	place  xid8 := '0';
	past   text := '';
	lost   boolean := false;
	last_at timestamptz;
	accounts text[]; agents text[]; session_ids text[]; request_ids text[];
BEGIN
	how_many := greatest(how_many, 1);
	IF cursor ~ '^-\d{1,12}$' THEN
		at := at + make_interval(secs => cursor::bigint / 1000.0);
	ELSIF cursor IS NOT NULL THEN
		lost := true;
		BEGIN
			IF part IS NOT NULL THEN
				at := to_timestamp(part[2]::bigint / 1000000.0);
			END IF;
			IF part[1] = here THEN
				since := nullif(part[3], '-')::pg_snapshot;
				until := coalesce(part[4]::pg_snapshot, shot);
				place := coalesce(part[5], '0')::xid8;
				past := coalesce(part[6], '');
				-- one that is ahead is not of here, whatever it says
				lost := greatest(pg_snapshot_xmax(since), pg_snapshot_xmax(until)) > pg_snapshot_xmax(shot)
				-- nor is all of it kept that an agent is told
				     OR in_agent IS NOT NULL AND at < clock_timestamp() - interval '23 hours';
			END IF;
		EXCEPTION WHEN data_exception THEN
			NULL; -- nobody's cursor
		END;
		IF lost THEN
			since := NULL; until := shot; place := '0'; past := '';
			at := at - margin;
		END IF;
	END IF;

	-- One of the two orders is left when this is planned, with the values it has now.
	IF cursor IS NOT NULL THEN
		SELECT array_agg(c.account), array_agg(c.agent), array_agg(c.session_id), array_agg(c.request_id),
		       max(c.xid), max(c.saved_at)
		INTO accounts, agents, session_ids, request_ids, place, last_at
		FROM (SELECT c.* FROM call_log.changes c
		      WHERE (c.elsewhere OR in_agent IS NOT NULL)
		        AND (in_account IS NULL OR c.account = in_account) AND (in_agent IS NULL OR c.agent = in_agent)
		        AND (since IS NULL
		             OR c.xid >= pg_snapshot_xmin(since) AND c.xid < pg_snapshot_xmax(until)
		                AND NOT pg_visible_in_snapshot(c.xid, since) AND pg_visible_in_snapshot(c.xid, until)
		                AND (c.xid, c.request_id) > (place, past))
		        AND (since IS NOT NULL OR (c.saved_at, c.request_id) > (at, past))
		      ORDER BY CASE WHEN since IS NOT NULL THEN c.xid END,
		               CASE WHEN since IS NULL THEN c.saved_at END, c.request_id LIMIT how_many) AS c;
	END IF;

	-- first what to ask with next, and whether something may be missing
	RETURN QUERY SELECT
		CASE WHEN cardinality(request_ids) = how_many
		THEN format('%s %s %s %s %s %s', here, (extract(epoch FROM CASE WHEN since IS NULL THEN last_at ELSE at END) * 1000000)::bigint, coalesce(since::text, '-'),
		            until, place, request_ids[how_many])
		ELSE format('%s %s %s', here, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, until) END,
		lost, NULL::text, NULL::text, NULL::text, NULL::text;
	RETURN QUERY SELECT NULL::text, NULL::boolean, c.*
	FROM unnest(accounts, agents, session_ids, request_ids) AS c (account, agent, session_id, request_id);
END $$;
COMMENT ON FUNCTION call_log.changes_since(text, text, text, integer) IS
'Which notes were changed elsewhere, by call_log.set_note() or plain SQL, since the answer that gave this cursor; of all agents (NULL), or of one: then also what trigger_calls() was told. The first row holds the next cursor, and whether there is a gap: then the cursor was not of this server, or none at all, or an agent''s of more than 23 hours ago, and what was saved from five minutes before it on is told, as far as the clock can tell. Each further row is a save, told once; as many of them as how_many: ask again at once. A cursor NULL begins, with nothing; "-60000" with what was saved in the last 60,000 milliseconds.';

INSERT INTO call_log.migrations (version, name) VALUES (3, 'match');
COMMIT;
