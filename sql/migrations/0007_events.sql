-- What widgets are to ask for again, for hosts of several processes: none of them
-- can reach every page, so pages ask, and any process answers from here.
BEGIN;

CREATE TABLE call_log.triggers (
	account    text  COLLATE "C" NOT NULL,
	agent      text  COLLATE "C" NOT NULL,
	session_id text  COLLATE "C" NOT NULL,
	told_by    xid8  NOT NULL DEFAULT pg_current_xact_id(),
	told_at    timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (account, agent, told_by, session_id)
);
COMMENT ON TABLE call_log.triggers IS
'Calls that changed elsewhere than in the agent''s widget, or that a process answered for without knowing: the widget is to ask for them again. Kept for a day.';
COMMENT ON COLUMN call_log.triggers.account IS 'As in calls.';
COMMENT ON COLUMN call_log.triggers.agent IS 'As in calls.';
COMMENT ON COLUMN call_log.triggers.session_id IS 'The call, as the widget names it.';
COMMENT ON COLUMN call_log.triggers.told_by IS 'The transaction that said so: what a page has seen is a snapshot, so nothing is missed that was written earlier and committed later.';
COMMENT ON COLUMN call_log.triggers.told_at IS 'When it began.';
CREATE INDEX triggers_told_at ON call_log.triggers (told_at);
COMMENT ON INDEX call_log.triggers_told_at IS 'What is old enough to go.';

-- As its owner: who writes calls may not delete.
CREATE FUNCTION call_log.trigger_calls(accounts text[], agents text[], session_ids text[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
INSERT INTO call_log.triggers (account, agent, session_id)
SELECT DISTINCT t.account, t.agent, t.session_id
FROM unnest(accounts, agents, session_ids) AS t (account, agent, session_id)
ON CONFLICT DO NOTHING;
-- a few more than come, waiting for nobody
DELETE FROM call_log.triggers t USING (
	SELECT o.account, o.agent, o.told_by, o.session_id FROM call_log.triggers o
	WHERE o.told_at < now() - interval '1 day'
	ORDER BY o.told_at LIMIT 10 + 2 * cardinality(session_ids) FOR UPDATE SKIP LOCKED
) AS old
WHERE (t.account, t.agent, t.told_by, t.session_id) = (old.account, old.agent, old.told_by, old.session_id)
$$;
COMMENT ON FUNCTION call_log.trigger_calls(text[], text[], text[]) IS
'Has the agents'' widgets ask for these calls again, where the host''s pages ask for events; arrays of equal length, one element a call. Clears away what is old.';

CREATE OR REPLACE FUNCTION call_log.tell_note_saved(account text, agent text, session_id text) RETURNS void
LANGUAGE sql VOLATILE AS $$
SELECT call_log.trigger_calls(ARRAY[account], ARRAY[agent], ARRAY[session_id]);
SELECT pg_notify('call_log', json_build_object('account', account, 'agent', agent, 'session_id', session_id)::text)
$$;
COMMENT ON FUNCTION call_log.tell_note_saved(text, text, text) IS
'Tells listeners of channel call_log, and pages that ask for events, that a note was changed elsewhere, so that the agent''s widgets can show it.';

CREATE FUNCTION call_log.desk_events(account text, agent text, after text) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
	seen  pg_snapshot;
	seen_at timestamptz;
	calls text[];
BEGIN
	BEGIN
		seen_at := to_timestamp(split_part(after, '/', 1)::bigint / 1000.0);
		seen := split_part(after, '/', 2)::pg_snapshot;
	EXCEPTION WHEN data_exception THEN
		seen := NULL;
	END;
	-- older than what is kept; or of another server, whose transactions it counted
	IF seen_at < now() - interval '23 hours'
	   OR pg_snapshot_xmax(seen)::text::numeric > pg_snapshot_xmax(pg_current_snapshot())::text::numeric THEN
		seen := NULL;
	END IF;
	SELECT array_agg(DISTINCT t.session_id) INTO calls FROM call_log.triggers t
	WHERE t.account = desk_events.account AND t.agent = desk_events.agent
	  -- all before this one is visible in it; the index is entered there
	  AND t.told_by >= pg_snapshot_xmin(seen)
	  AND NOT pg_visible_in_snapshot(t.told_by, seen)
	  -- not what another server's dump brought
	  AND pg_visible_in_snapshot(t.told_by, pg_current_snapshot());
	RETURN jsonb_build_object(
		'cursor', (extract(epoch FROM now()) * 1000)::bigint || '/' || pg_current_snapshot(),
		'gap', after <> '' AND seen IS NULL,
		'messages', coalesce((
			SELECT jsonb_agg(jsonb_build_object('type', 'rc-adapter-trigger-call-logger-match',
				'sessionIds', to_jsonb(calls[first : first + 99])) ORDER BY first)
			FROM generate_series(1, cardinality(calls), 100) AS first), '[]'));
END $$;
COMMENT ON FUNCTION call_log.desk_events(text, text, text) IS
'What an agent''s widget is to be told since a cursor: {"cursor": the next one, "gap": something may be missing, "messages": [what to post to the widget...]}; the cursor is empty for from now on.';

REVOKE ALL ON FUNCTION call_log.trigger_calls(text[], text[], text[]), call_log.desk_events(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION call_log.trigger_calls(text[], text[], text[]), call_log.desk_events(text, text, text)
	TO call_log_writer;
GRANT SELECT ON call_log.triggers TO call_log_writer;

INSERT INTO call_log.migrations (version, name) VALUES (7, 'events');
COMMIT;
