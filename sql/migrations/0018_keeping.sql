-- Recordings that wait for room say so; a folder that is not mounted is known by what
-- is not there; and no file outlives a row that went while it was fetched.
BEGIN;

DROP FUNCTION call_log.settle_recording(text, text, text, text, text, text, bigint, bytea, text);
CREATE FUNCTION call_log.settle_recording(account text, agent text, recording_id text, state text, error text,
                                          media_type text, bytes bigint, sha256 bytea, path text)
RETURNS boolean LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
UPDATE call_log.recordings r
SET state = CASE WHEN call_log.recording_is_early(r, settle_recording.state) THEN 'waiting' ELSE settle_recording.state END,
    asks = CASE WHEN call_log.recording_is_early(r, settle_recording.state) THEN 10 ELSE r.asks END,
    state_at = now(), lease_until = NULL, last_error = error,
    media_type = settle_recording.media_type, bytes = settle_recording.bytes, sha256 = settle_recording.sha256,
    path = settle_recording.path,
    stored_at = CASE WHEN settle_recording.state = 'stored' THEN now() END
WHERE r.account = settle_recording.account AND r.agent = settle_recording.agent
  AND r.recording_id = settle_recording.recording_id AND r.state <> 'stored'
  AND (settle_recording.path IS NULL OR starts_with(settle_recording.path, r.name || '.'));
-- one that another stored meanwhile is the same file
SELECT EXISTS (
	SELECT FROM call_log.recordings r
	WHERE r.account = settle_recording.account AND r.agent = settle_recording.agent
	  AND r.recording_id = settle_recording.recording_id
	  AND (settle_recording.path IS NULL OR starts_with(settle_recording.path, r.name || '.')))
$$;
COMMENT ON FUNCTION call_log.settle_recording(text, text, text, text, text, text, bigint, bytea, text) IS
'What became of an attempt: stored, with what the file is; waiting for another, until sweep_recordings() finds it too old; or given up for good, though on its first day only when the address is refused: what is expired or failed then is asked for again, rarely. What is stored stays so. False: there is no such row any more, so the file is nobody''s and is to be deleted.';

CREATE FUNCTION call_log.some_recordings() RETURNS TABLE (path text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT r.path FROM call_log.recordings r WHERE r.state = 'stored' ORDER BY r.id DESC LIMIT 20
$$;
COMMENT ON FUNCTION call_log.some_recordings() IS
'Where files are, below recordings_dir: of the newest recordings that are stored. None: there is no file yet.';

DROP FUNCTION call_log.sweep_recordings(interval, boolean);
CREATE FUNCTION call_log.sweep_recordings(retention interval, with_bytes boolean DEFAULT true, delay text DEFAULT NULL)
RETURNS TABLE (kind text, account text, agent text, session_id text, recording_id text, name text, bytes bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	most CONSTANT integer := 1000;
	waits CONSTANT text := 'waits: ';
	why CONSTANT text := waits || nullif(delay, '');
	expired integer;
	old integer;
	told integer := 0;
BEGIN
	-- the widget's history reaches back a week
	UPDATE call_log.recordings r
	SET state = 'expired', state_at = now(), last_error = 'no fresh address came within 8 days' || coalesce('; ' || r.last_error, '')
	WHERE r.ctid = ANY (ARRAY(
		SELECT w.ctid FROM call_log.recordings w
		WHERE w.created_at < now() - interval '8 days' AND w.state = 'waiting'
		ORDER BY w.created_at LIMIT most FOR UPDATE SKIP LOCKED));
	GET DIAGNOSTICS expired = ROW_COUNT;
	UPDATE call_log.recordings r SET erase_at = now()
	WHERE r.ctid = ANY (ARRAY(
		SELECT w.ctid FROM call_log.recordings w
		WHERE w.created_at < now() - retention AND w.erase_at IS NULL
		ORDER BY w.created_at LIMIT most FOR UPDATE SKIP LOCKED));
	GET DIAGNOSTICS old = ROW_COUNT;
	IF delay IS NOT NULL THEN
		UPDATE call_log.recordings r SET last_error = why
		WHERE r.ctid = ANY (ARRAY(
			SELECT w.ctid FROM call_log.recordings w
			WHERE w.state = 'waiting' AND w.erase_at IS NULL AND w.last_error IS DISTINCT FROM why
			  AND (why IS NOT NULL OR starts_with(w.last_error, waits))
			ORDER BY w.created_at LIMIT most FOR UPDATE SKIP LOCKED));
		GET DIAGNOSTICS told = ROW_COUNT;
	END IF;
	RETURN QUERY SELECT 'left', r.account, r.agent, r.session_id, r.recording_id, NULL::text, NULL::bigint
		FROM call_log.recordings r WHERE r.state = 'fetching' AND r.lease_until < now() LIMIT 100;
	RETURN QUERY SELECT 'erase', r.account, r.agent, r.session_id, r.recording_id, r.name, NULL::bigint
		FROM call_log.recordings r
		WHERE r.erase_at <= now() AND (r.state <> 'fetching' OR r.lease_until < now()) LIMIT 100;
	-- to tell is not urgent: the others' pages are to be asked
	IF greatest(expired, old, CASE WHEN why IS NULL THEN told ELSE 0 END) >= most THEN
		RETURN QUERY SELECT 'more', NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::bigint;
	ELSE
		RETURN QUERY SELECT DISTINCT 'ask', r.account, r.agent, NULL::text, NULL::text, NULL::text, NULL::bigint
			FROM call_log.recordings r WHERE r.state = 'waiting' AND call_log.recording_is_due(r) LIMIT 1000;
	END IF;
	RETURN QUERY SELECT 'bytes', NULL::text, NULL::text, NULL::text, NULL::text, NULL::text,
		CASE WHEN with_bytes THEN (SELECT coalesce(sum(r.bytes), 0)::bigint FROM call_log.recordings r WHERE r.bytes IS NOT NULL) END;
END $$;
COMMENT ON FUNCTION call_log.sweep_recordings(interval, boolean, text) IS
'The chores of who fetches: gives up what is too old, has erased what is older than the retention (NULL: nothing is), notes at what waits for which delay it does (empty: none, NULL: that is not known), of each 1,000 at most, and tells what to look after: left (whoever fetched it is gone), erase (the file, then forget_recording()), more (sweep again at once) or else ask (the agent''s page for fresh addresses), and last the bytes that all files take, if that is asked.';

COMMENT ON COLUMN call_log.recordings.state IS 'waiting (for an address with a live token, or for room), fetching, stored, expired (the phone service has it no more, or no address came in time), failed (what came is no recording), refused (the address is not one to fetch from, or it is larger than is allowed; set it to waiting to have it tried again). What is expired is fetched after all when an address comes.';

DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['some_recordings()', 'settle_recording(text, text, text, text, text, text, bigint, bytea, text)', 'sweep_recordings(interval, boolean, text)'] LOOP
		EXECUTE format('REVOKE ALL ON FUNCTION call_log.%s FROM PUBLIC', name);
		EXECUTE format('GRANT EXECUTE ON FUNCTION call_log.%s TO call_log_writer', name);
	END LOOP;
END $$;

INSERT INTO call_log.migrations (version, name) VALUES (18, 'keeping');
COMMIT;
