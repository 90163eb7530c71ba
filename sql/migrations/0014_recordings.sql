-- Recordings of calls: which there are, and what became of each on its way to a file.
--
--   told        with their calls, in one transaction.
--   united      rows that are one call keep the recordings that each told of; whichever
--               stands for the call, they are found by all of its names.
--   ended       with the last of their call, erased or purged, by a mark (erase_at): who
--               fetches deletes the file first and then the row, so that a crash leaves
--               nothing that nobody looks for.
BEGIN;

-- as everybody else: calls first
LOCK TABLE call_log.calls IN SHARE ROW EXCLUSIVE MODE;

CREATE TABLE call_log.recordings (
	account      text        COLLATE "C" NOT NULL,
	agent        text        COLLATE "C" NOT NULL CHECK (agent <> ''),
	session_id   text        COLLATE "C" NOT NULL CHECK (session_id <> ''),
	recording_id text        COLLATE "C" NOT NULL CHECK (recording_id <> ''),
	id           bigint      GENERATED ALWAYS AS IDENTITY,
	state        text        COLLATE "C" NOT NULL DEFAULT 'waiting'
	             CHECK (state IN ('waiting', 'fetching', 'stored', 'expired', 'failed', 'refused')),
	media_type   text        COLLATE "C",
	bytes        bigint      CHECK (bytes >= 0),
	sha256       bytea       CHECK (octet_length(sha256) = 32),
	name         text        COLLATE "C",
	path         text        COLLATE "C",
	began_at     timestamptz NOT NULL DEFAULT now(),
	attempts     integer     NOT NULL DEFAULT 0,
	asked_at     timestamptz,
	asks         integer     NOT NULL DEFAULT 0,
	last_error   text,
	created_at   timestamptz NOT NULL DEFAULT now(),
	state_at     timestamptz NOT NULL DEFAULT now(),
	stored_at    timestamptz,
	lease_until  timestamptz,
	erase_at     timestamptz,
	PRIMARY KEY (account, agent, session_id, recording_id),
	-- what is stored can be found, and seen to be whole
	CHECK (state <> 'stored' OR media_type IS NOT NULL AND bytes IS NOT NULL AND sha256 IS NOT NULL
	                         AND path IS NOT NULL AND stored_at IS NOT NULL)
);
COMMENT ON TABLE call_log.recordings IS
'One row a recording that is to be fetched (option `recordings` of the plugin), written with its call. It outlives its call, until its file is gone: file first, then row. Never holds an access token.';
COMMENT ON COLUMN call_log.recordings.account IS 'As in calls.';
COMMENT ON COLUMN call_log.recordings.agent IS 'As in calls.';
COMMENT ON COLUMN call_log.recordings.session_id IS 'The call that told of it first; the call may have been merged into another since.';
COMMENT ON COLUMN call_log.recordings.recording_id IS 'The phone service''s id of the recording, one row an agent.';
COMMENT ON COLUMN call_log.recordings.id IS 'A short name, part of the file''s. Gaps are normal.';
COMMENT ON COLUMN call_log.recordings.state IS 'waiting (for an address with a live token, or for room), fetching, stored, expired (the phone service has it no more, or no address came in time), failed (what came is no recording), refused (the address is not one to fetch from). What is expired is fetched after all when an address comes.';
COMMENT ON COLUMN call_log.recordings.media_type IS 'The type by the file''s content, such as audio/mpeg.';
COMMENT ON COLUMN call_log.recordings.bytes IS 'The length of the file.';
COMMENT ON COLUMN call_log.recordings.sha256 IS 'The SHA-256 of the file.';
COMMENT ON COLUMN call_log.recordings.name IS 'Of its files below recordings_dir, without an end: of the one that grows (.part) and of the whole one. NULL: fetching never began.';
COMMENT ON COLUMN call_log.recordings.path IS 'Where the whole file lies below recordings_dir.';
COMMENT ON COLUMN call_log.recordings.began_at IS 'When the call began, as far as was known when the recording was told of: to find those of some days by.';
COMMENT ON COLUMN call_log.recordings.attempts IS 'How often fetching began.';
COMMENT ON COLUMN call_log.recordings.asked_at IS 'When the agent''s page was asked last for a fresh address. NULL: never.';
COMMENT ON COLUMN call_log.recordings.asks IS 'How often it was asked since fetching last began, which makes it rarer.';
COMMENT ON COLUMN call_log.recordings.last_error IS 'Why the last attempt failed, or what it waits for.';
COMMENT ON COLUMN call_log.recordings.created_at IS 'When the recording was first told of.';
COMMENT ON COLUMN call_log.recordings.state_at IS 'Since when it is in this state.';
COMMENT ON COLUMN call_log.recordings.stored_at IS 'When the file was whole.';
COMMENT ON COLUMN call_log.recordings.lease_until IS 'While fetching: after this moment who fetched it is gone, and another may.';
COMMENT ON COLUMN call_log.recordings.erase_at IS 'Not NULL: file and row are to be erased from then on.';

-- One agent's recording is one file, also when its call goes by two session ids.
CREATE UNIQUE INDEX recordings_once ON call_log.recordings (account, agent, recording_id);
CREATE INDEX recordings_open ON call_log.recordings (account, agent, state_at) WHERE state IN ('waiting', 'fetching');
CREATE INDEX recordings_erase ON call_log.recordings (account, agent, erase_at) WHERE erase_at IS NOT NULL;
CREATE INDEX recordings_waiting ON call_log.recordings (created_at) WHERE state = 'waiting';
CREATE INDEX recordings_age ON call_log.recordings (created_at) WHERE erase_at IS NULL;
CREATE INDEX recordings_bytes ON call_log.recordings (bytes) WHERE bytes IS NOT NULL;
CREATE INDEX recordings_began ON call_log.recordings (account, agent, began_at);
COMMENT ON INDEX call_log.recordings_began IS 'An agent''s of some days.';
COMMENT ON INDEX call_log.recordings_waiting IS 'What waits for longer than an address can come.';
COMMENT ON INDEX call_log.recordings_age IS 'What is older than it is to be kept.';
COMMENT ON INDEX call_log.recordings_bytes IS 'What all files take, without reading the table.';
COMMENT ON INDEX call_log.recordings_once IS 'A recording by the name that its address carries.';
COMMENT ON INDEX call_log.recordings_open IS 'What is still to be fetched: few.';
COMMENT ON INDEX call_log.recordings_erase IS 'What is to be erased: none, nearly always.';

CREATE FUNCTION call_log.record_recordings(accounts text[], agents text[], session_ids text[], recording_ids text[])
RETURNS void LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
INSERT INTO call_log.recordings (account, agent, session_id, recording_id, began_at)
SELECT e.account, e.agent, e.session_id, e.recording_id, c.began_at
FROM unnest(accounts, agents, session_ids, recording_ids) AS e (account, agent, session_id, recording_id)
CROSS JOIN LATERAL (
	SELECT coalesce(c.started_at, c.logged_at) AS began_at FROM call_log.calls c
	WHERE c.account = e.account AND c.agent = e.agent AND c.session_id = e.session_id AND c.erased_at IS NULL OFFSET 0) AS c
WHERE e.recording_id IS NOT NULL
ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION call_log.record_recordings(text[], text[], text[], text[]) IS
'Keeps which recordings a batch of events tells of, NULL: none; in the transaction of record_calls() and after it.';

CREATE FUNCTION call_log.recording_name(r call_log.recordings) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
-- the id alone would name another recording after a dump was restored
SELECT to_char(r.created_at AT TIME ZONE 'UTC', 'YYYY-MM') || '/' || r.id || '-'
       || left(encode(sha256(convert_to(r.account || E'\n' || r.agent || E'\n' || r.recording_id, 'UTF8')), 'hex'), 16)
$$;
COMMENT ON FUNCTION call_log.recording_name(call_log.recordings) IS
'What the files of a recording are to be called: once a name, always that name.';

CREATE FUNCTION call_log.claim_recording(account text, agent text, session_id text, recording_id text, lease interval)
RETURNS TABLE (verdict text, name text) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	claimed call_log.recordings;
BEGIN
	-- a call that was logged before recordings were fetched, or came back from rejected
	IF NOT EXISTS (SELECT FROM call_log.recordings r WHERE r.account = claim_recording.account
	               AND r.agent = claim_recording.agent AND r.recording_id = claim_recording.recording_id) THEN
		INSERT INTO call_log.recordings (account, agent, session_id, recording_id, began_at)
		SELECT c.account, c.agent, c.session_id, c.recording_id, coalesce(c.started_at, c.logged_at) FROM call_log.calls c
		WHERE c.account = claim_recording.account AND c.agent = claim_recording.agent
		  AND c.session_id = claim_recording.session_id AND c.recording_id = claim_recording.recording_id
		-- one who erases the call just now is waited for
		FOR SHARE
		ON CONFLICT DO NOTHING;
	END IF;
	UPDATE call_log.recordings r
	SET state = 'fetching', state_at = now(), attempts = r.attempts + 1, asks = 0, lease_until = now() + lease,
	    name = coalesce(r.name, call_log.recording_name(r))
	WHERE r.account = claim_recording.account AND r.agent = claim_recording.agent
	  AND r.recording_id = claim_recording.recording_id AND r.erase_at IS NULL
	  AND (r.state IN ('waiting', 'expired') OR r.state = 'fetching' AND r.lease_until < now())
	RETURNING r.* INTO claimed;
	IF claimed.id IS NOT NULL THEN
		RETURN QUERY SELECT 'claimed', claimed.name;
	ELSE
		RETURN QUERY SELECT 'taken', r.name FROM call_log.recordings r
		WHERE r.account = claim_recording.account AND r.agent = claim_recording.agent
		  AND r.recording_id = claim_recording.recording_id;
	END IF;
END $$;
COMMENT ON FUNCTION call_log.claim_recording(text, text, text, text, interval) IS
'Before fetching: "claimed" with the name of the file, "taken" when it is stored, given up or fetched by another, no row when no call told of it yet. Who fetches keeps the lease by hold_recording().';

CREATE FUNCTION call_log.hold_recording(account text, agent text, recording_id text, lease interval)
RETURNS void LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
UPDATE call_log.recordings r SET lease_until = now() + lease
WHERE r.account = hold_recording.account AND r.agent = hold_recording.agent
  AND r.recording_id = hold_recording.recording_id AND r.state = 'fetching' AND r.erase_at IS NULL
$$;
COMMENT ON FUNCTION call_log.hold_recording(text, text, text, interval) IS
'Still fetching. What is to be erased is held no longer.';

CREATE FUNCTION call_log.recording_is_early(r call_log.recordings, verdict text) RETURNS boolean
LANGUAGE sql STABLE AS $$
SELECT verdict IN ('expired', 'failed') AND r.created_at > now() - interval '1 day'
$$;
COMMENT ON FUNCTION call_log.recording_is_early(call_log.recordings, text) IS
'Whether the phone service may have told of the recording before it had it.';

CREATE FUNCTION call_log.settle_recording(account text, agent text, recording_id text, state text, error text,
                                          media_type text, bytes bigint, sha256 bytea, path text)
RETURNS void LANGUAGE sql VOLATILE
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
$$;
COMMENT ON FUNCTION call_log.settle_recording(text, text, text, text, text, text, bigint, bytea, text) IS
'What became of an attempt: stored, with what the file is; waiting for another, until sweep_recordings() finds it too old; or given up for good, though on its first day only when the address is refused: what is expired or failed then is asked for again, rarely. What is stored stays so.';

CREATE FUNCTION call_log.recording_is_due(r call_log.recordings) RETURNS boolean
LANGUAGE sql STABLE AS $$
-- later and later, in the end about every half an hour
SELECT r.state = 'waiting' AND r.erase_at IS NULL
       AND greatest(r.state_at, r.asked_at) + interval '2 s' * power(2, least(greatest(r.attempts, r.asks), 10)) < now()
$$;
COMMENT ON FUNCTION call_log.recording_is_due(call_log.recordings) IS
'Whether a fresh address of the recording is wanted now.';

CREATE FUNCTION call_log.wanted_recordings(account text, agent text) RETURNS jsonb
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
-- those of which nothing comes back make way for the others
WITH asked AS (
	UPDATE call_log.recordings r SET asked_at = now(), asks = r.asks + 1
	WHERE r.ctid = ANY (ARRAY(
		SELECT w.ctid FROM call_log.recordings w
		WHERE w.account = wanted_recordings.account AND w.agent = wanted_recordings.agent
		  AND w.state = 'waiting' AND call_log.recording_is_due(w)
		ORDER BY w.asked_at NULLS FIRST, w.state_at LIMIT 20 FOR UPDATE SKIP LOCKED))
	RETURNING r.id, r.account, r.agent, r.recording_id, r.session_id)
SELECT jsonb_build_object('wanted', coalesce(jsonb_agg(jsonb_build_object(
	'recordingId', a.recording_id, 'sessionId', a.session_id, 'telephonySessionId', c.telephony_session_id) ORDER BY a.id), '[]'))
FROM asked a LEFT JOIN call_log.calls c
  ON c.account = a.account AND c.agent = a.agent AND c.session_id = a.session_id
$$;
COMMENT ON FUNCTION call_log.wanted_recordings(text, text) IS
'Of which recordings an agent''s page is asked for a fresh address, those first that it was asked for longest ago, and notes that it was: {"wanted": [{"recordingId", "sessionId", "telephonySessionId"}...]}.';

CREATE FUNCTION call_log.sweep_recordings(retention interval, with_bytes boolean DEFAULT true)
RETURNS TABLE (kind text, account text, agent text, session_id text, recording_id text, name text, bytes bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	most CONSTANT integer := 1000;
	expired integer;
	old integer;
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
	RETURN QUERY SELECT 'left', r.account, r.agent, r.session_id, r.recording_id, NULL::text, NULL::bigint
		FROM call_log.recordings r WHERE r.state = 'fetching' AND r.lease_until < now() LIMIT 100;
	RETURN QUERY SELECT 'erase', r.account, r.agent, r.session_id, r.recording_id, r.name, NULL::bigint
		FROM call_log.recordings r
		WHERE r.erase_at <= now() AND (r.state <> 'fetching' OR r.lease_until < now()) LIMIT 100;
	IF greatest(expired, old) >= most THEN
		RETURN QUERY SELECT 'more', NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::bigint;
	ELSE
		RETURN QUERY SELECT DISTINCT 'ask', r.account, r.agent, NULL::text, NULL::text, NULL::text, NULL::bigint
			FROM call_log.recordings r WHERE r.state = 'waiting' AND call_log.recording_is_due(r) LIMIT 1000;
	END IF;
	RETURN QUERY SELECT 'bytes', NULL::text, NULL::text, NULL::text, NULL::text, NULL::text,
		CASE WHEN with_bytes THEN (SELECT coalesce(sum(r.bytes), 0)::bigint FROM call_log.recordings r WHERE r.bytes IS NOT NULL) END;
END $$;
COMMENT ON FUNCTION call_log.sweep_recordings(interval, boolean) IS
'The chores of who fetches: gives up what is too old, has erased what is older than the retention (NULL: nothing is), of each 1,000 at most, and tells what to look after: left (whoever fetched it is gone), erase (the file, then forget_recording()), more (sweep again at once) or else ask (the agent''s page for fresh addresses), and last the bytes that all files take, if that is asked.';

CREATE FUNCTION call_log.forget_recording(account text, agent text, recording_id text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DELETE FROM call_log.recordings r
WHERE r.account = forget_recording.account AND r.agent = forget_recording.agent
  AND r.recording_id = forget_recording.recording_id AND r.erase_at IS NOT NULL
$$;
COMMENT ON FUNCTION call_log.forget_recording(text, text, text) IS
'The file is gone, and so goes the row. Only of what is to be erased.';

CREATE FUNCTION call_log.abandoned_recordings(names text[]) RETURNS TABLE (name text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT n FROM unnest(names) AS n
WHERE NOT EXISTS (
	SELECT FROM call_log.recordings r
	WHERE r.id = substring(n FROM '/([0-9]{1,18})-')::bigint AND r.name = n AND r.state IN ('waiting', 'fetching'))
$$;
COMMENT ON FUNCTION call_log.abandoned_recordings(text[]) IS
'Of these names of files that were begun, those that nobody will go on with: the row is gone, or its recording stored or given up.';

-- ------------------------------------------------------- with the last of a call
-- Puts text in place of other text of a function.
CREATE OR REPLACE FUNCTION pg_temp.patch(function regprocedure, VARIADIC part text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	source text := pg_get_functiondef(function);
BEGIN
	FOR i IN 1 .. cardinality(part) BY 2 LOOP
		IF position(part[i] IN source) = 0 THEN
			RAISE EXCEPTION 'function % does not say %', function, quote_literal(part[i]);
		END IF;
		source := replace(source, part[i], part[i + 1]);
	END LOOP;
	EXECUTE source;
END $$;

-- No trigger: an update of calls is the write path, and the only one that erases is this.
SELECT pg_temp.patch('call_log.erase_rows(text, text[], text[], timestamptz)',
	'	DELETE FROM call_log.rejected r',
	'	UPDATE call_log.recordings r SET erase_at = now() FROM unnest(agents, session_ids) AS k (agent, session_id)
	WHERE r.account = in_account AND r.agent = k.agent AND r.session_id = k.session_id AND r.erase_at IS NULL;
	DELETE FROM call_log.rejected r') \g /dev/null
COMMENT ON FUNCTION call_log.erase_rows(text, text[], text[], timestamptz) IS 'Erases these rows, with their notes and refused events, and tells; has their recordings erased; returns how many were not erased before.';

CREATE FUNCTION call_log.recordings_end() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE call_log.recordings r SET erase_at = now() FROM gone g
	WHERE r.account = g.account AND r.agent = g.agent AND r.session_id = g.session_id AND r.erase_at IS NULL;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION call_log.recordings_end() IS 'Has the recordings of deleted calls erased.';
CREATE TRIGGER recordings_end AFTER DELETE ON call_log.calls
	REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION call_log.recordings_end();
COMMENT ON TRIGGER recordings_end ON call_log.calls IS 'Calls that are purged take their recordings along; united ones are not deleted.';
REVOKE ALL ON FUNCTION call_log.recordings_end() FROM PUBLIC;

-- ------------------------------------------------------------------ the desk's
CREATE FUNCTION call_log.desk_recordings(account text, agent text, session_id text) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT coalesce(jsonb_agg(jsonb_build_object(
	'id', r.id::text, 'state', r.state, 'stateAt', (extract(epoch FROM r.state_at) * 1000)::bigint,
	'type', r.media_type, 'bytes', r.bytes, 'storedAt', (extract(epoch FROM r.stored_at) * 1000)::bigint,
	'error', CASE WHEN r.state <> 'stored' THEN r.last_error END) ORDER BY r.id), '[]')
FROM (SELECT desk_recordings.session_id
      UNION ALL
      SELECT m.session_id FROM call_log.calls m
      WHERE m.account = desk_recordings.account AND m.agent = desk_recordings.agent
        AND m.merged_into = desk_recordings.session_id) AS names
JOIN call_log.recordings r
  ON r.account = desk_recordings.account AND r.agent = desk_recordings.agent AND r.session_id = names.session_id
WHERE r.erase_at IS NULL
$$;
COMMENT ON FUNCTION call_log.desk_recordings(text, text, text) IS
'The recordings of an agent''s call, of all rows that are united with this one, but those that are to be erased: [{"id", "state", "stateAt", "type", "bytes", "storedAt", "error"}...]; error: what it waits for, or why it was given up. Times in milliseconds of Unix time.';

SELECT pg_temp.patch('call_log.desk_call(text, text, text)',
	$old$'recordingLink', (c.row).recording_link)$old$,
	$new$'recordingLink', (c.row).recording_link,
		'recordings', call_log.desk_recordings(c.account, c.agent, c.session_id))$new$) \g /dev/null

-- ------------------------------------------------------------------- reports
CREATE VIEW call_log.recorded_days AS
SELECT d.account, d.agent, d.day, d.answered, d.recorded,
       k.stored, k.waiting, k.expired, k.failed, k.bytes
FROM call_log.agent_days d CROSS JOIN call_log.report_zone z CROSS JOIN LATERAL (
	SELECT count(*) FILTER (WHERE r.state = 'stored')::integer AS stored,
	       count(*) FILTER (WHERE r.state IN ('waiting', 'fetching'))::integer AS waiting,
	       count(*) FILTER (WHERE r.state = 'expired')::integer AS expired,
	       count(*) FILTER (WHERE r.state IN ('failed', 'refused'))::integer AS failed,
	       coalesce(sum(r.bytes), 0)::bigint AS bytes
	FROM call_log.recordings r
	JOIN call_log.calls c ON c.account = r.account AND c.agent = r.agent AND c.session_id = r.session_id
	JOIN call_log.calls s ON s.account = c.account AND s.agent = c.agent AND s.session_id = coalesce(c.merged_into, c.session_id)
	WHERE r.account = d.account AND r.agent = d.agent AND r.erase_at IS NULL
	  -- by the index
	  AND r.began_at >= (d.day::timestamp AT TIME ZONE z.zone) - interval '1 day'
	  AND r.began_at < (d.day::timestamp AT TIME ZONE z.zone) + interval '2 days'
	  AND (coalesce(s.started_at, s.logged_at) AT TIME ZONE z.zone)::date = d.day
) AS k;
COMMENT ON VIEW call_log.recorded_days IS 'One row an agent and day: what is recorded, and what became of the recordings.';
CREATE VIEW call_log.readable_recorded_days WITH (security_barrier) AS
SELECT d.* FROM call_log.recorded_days d
WHERE d.account = ANY (ARRAY(SELECT a.account FROM call_log.readable_agents a))
  AND d.agent = ANY (ARRAY(SELECT a.agent FROM call_log.readable_agents a))
  AND (d.account, d.agent) IN (SELECT a.account, a.agent FROM call_log.readable_agents a);
COMMENT ON VIEW call_log.readable_recorded_days IS 'recorded_days of whom the role that asks may see.';

CREATE OR REPLACE VIEW call_report.recorded AS
SELECT f.account, f.agent, f.day, f.answered, f.recorded,
       call_log.ratio(100 * f.recorded, f.answered) AS recorded_pct,
       f.stored, f.waiting, f.expired, f.failed, f.bytes
FROM call_log.recorded_days f;
COMMENT ON VIEW call_report.recorded IS 'How many of the answered calls were recorded, and what became of recordings that are to be fetched, of answered calls or not: one row an agent and day. Days as in agent_day. Recordings that are erased are not counted.';
COMMENT ON COLUMN call_report.recorded.stored IS 'Recordings that are files of ours.';
COMMENT ON COLUMN call_report.recorded.waiting IS 'Recordings that are being fetched, or wait for that.';
COMMENT ON COLUMN call_report.recorded.expired IS 'Recordings that the phone service has no more.';
COMMENT ON COLUMN call_report.recorded.failed IS 'Recordings that could not be had for another reason; call_log.recordings.last_error says which.';
COMMENT ON COLUMN call_report.recorded.bytes IS 'Bytes of the files.';
DO $$
DECLARE
	member record;
BEGIN
	FOR member IN
		SELECT a.attrelid::regclass AS of, a.attname AS name, CASE a.attrelid WHEN 'call_log.recorded_days'::regclass
		       THEN 'As in call_report.recorded.' ELSE 'As in recorded_days.' END AS says
		FROM pg_attribute a WHERE a.attnum > 0
		  AND a.attrelid IN ('call_log.recorded_days'::regclass, 'call_log.readable_recorded_days'::regclass)
	LOOP
		EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', member.of, member.name, member.says);
	END LOOP;
END $$;

-- --------------------------------------------------------------------- rights
ALTER TABLE call_log.recordings ENABLE ROW LEVEL SECURITY;
CREATE POLICY granted ON call_log.recordings USING (true);
COMMENT ON POLICY granted ON call_log.recordings IS 'Whoever was granted something has it.';
CREATE POLICY reader ON call_log.recordings AS RESTRICTIVE TO call_log_views, call_log_reader
USING (account = ANY (ARRAY(SELECT a.account FROM call_log.readable_agents a))
       AND agent = ANY (ARRAY(SELECT a.agent FROM call_log.readable_agents a))
       AND (account, agent) IN (SELECT a.account, a.agent FROM call_log.readable_agents a));
COMMENT ON POLICY reader ON call_log.recordings IS 'But these, of whom the role that asks may see.';
SELECT pg_temp.patch('call_log.make_own_reports()', 'agent_days|team_hours|missed_calls', 'agent_days|team_hours|missed_calls|recorded_days') \g /dev/null
GRANT SELECT ON call_log.readable_recorded_days TO call_log_views;
GRANT SELECT, INSERT, UPDATE ON call_log.recordings TO call_log_writer;
GRANT SELECT ON call_log.recordings TO call_log_admin;
DO $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT p.oid::regprocedure FROM pg_proc p
	            WHERE p.pronamespace = 'call_log'::regnamespace
	              AND p.proname ~ '(_recordings?|^recording_(name|is_due|is_early))$'
	LOOP
		EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', name);
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO call_log_writer', name);
	END LOOP;
END $$;

DO $$
BEGIN
	PERFORM call_log.make_own_reports();
EXCEPTION WHEN insufficient_privilege THEN
	-- as migration 12 said
	RAISE WARNING 'schema call_own is not made: % may not give views to call_log_views', current_user
	USING HINT = format('GRANT call_log_views TO %I; and then, as %1$I: SELECT call_log.make_own_reports().', current_user);
END $$;

INSERT INTO call_log.migrations (version, name) VALUES (14, 'recordings');
COMMIT;
