-- What the plugin's own pages ask, and agents' settings: one function, JSON in and
-- out, so that the plugin passes questions on and knows none of them.
BEGIN;

CREATE INDEX calls_unstarted ON call_log.calls (account, agent, session_id) WHERE started_at IS NULL;
COMMENT ON INDEX call_log.calls_unstarted IS 'An agent''s calls whose start nobody told: none, nearly always.';

CREATE FUNCTION call_log.desk_row(c call_log.calls) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT jsonb_build_object(
	'id', c.id::text, 'sessionId', c.session_id, 'direction', c.direction,
	'number', CASE c.direction WHEN 'Outbound' THEN c.to_number ELSE c.from_number END,
	'name', CASE c.direction WHEN 'Outbound' THEN c.to_name ELSE c.from_name END,
	'contactName', c.contact_name,
	'startedAt', (extract(epoch FROM c.started_at) * 1000)::bigint,
	'durationS', c.duration_s, 'state', c.state, 'outcome', c.outcome,
	'note', c.note, 'hasRecording', c.recording_link IS NOT NULL,
	'loggedBy', c.logged_by,
	'updatedAt', (extract(epoch FROM c.updated_at) * 1000)::bigint)
$$;
COMMENT ON FUNCTION call_log.desk_row(call_log.calls) IS
'A call as a list of calls shows it; number and name are the other party''s. Times in milliseconds of Unix time.';

CREATE FUNCTION call_log.desk_finds(c call_log.calls, search text, digits text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT position(search IN lower(concat_ws(E'\n', c.from_name, c.to_name, c.contact_name, c.note))) > 0
    OR position(digits IN concat_ws(E'\n', c.from_number, c.to_number)) > 0
$$;
COMMENT ON FUNCTION call_log.desk_finds(call_log.calls, text, text) IS
'Whether a text, in lower case, is part of a name or the note, or those digits (NULL: none) of a number. Inlined, so that a search of many calls is cheap.';

CREATE FUNCTION call_log.desk_calls(account text, agent text, search text, before jsonb, how_many integer)
RETURNS jsonb LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
-- a plan made while the table was empty must not scan it once it is not
SET enable_seqscan = off
AS $$
DECLARE
	-- nobody types more, and each call is looked through for it
	wanted    text := nullif(btrim(lower(left(search, 200))), '');
	-- a number is found however it is written, from three digits on
	digits    text := CASE WHEN search ~ '^[-+(). /0-9]+$' THEN substring(regexp_replace(search, '\D', '', 'g') FROM '.{3,}') END;
	before_at timestamptz := before->>'at';
	before_id text := before->>'id';
	found     call_log.calls[] := '{}';
	more      call_log.calls[];
BEGIN
	-- Those without a start come first: rare, and the newest.
	IF before_at IS NULL THEN
		SELECT coalesce(array_agg(f.c), '{}') INTO found FROM (
			SELECT c FROM call_log.calls c
			WHERE c.account = desk_calls.account AND c.agent = desk_calls.agent AND c.started_at IS NULL
			  AND c.merged_into IS NULL AND (before_id IS NULL OR c.session_id < before_id)
			  AND (wanted IS NULL OR call_log.desk_finds(c, wanted, digits))
			ORDER BY c.session_id DESC LIMIT how_many + 1) AS f;
	END IF;
	IF cardinality(found) <= how_many THEN
		SELECT coalesce(array_agg(f.c), '{}') INTO more FROM (
			SELECT c FROM call_log.calls c
			WHERE c.account = desk_calls.account AND c.agent = desk_calls.agent AND c.started_at IS NOT NULL
			  -- the index is entered where the last page ended
			  AND c.started_at <= coalesce(before_at, 'infinity')
			  AND (before_at IS NULL OR (c.started_at, c.session_id) < (before_at, before_id))
			  AND c.merged_into IS NULL
			  AND (wanted IS NULL OR call_log.desk_finds(c, wanted, digits))
			ORDER BY c.started_at DESC, c.session_id DESC
			LIMIT how_many + 1 - cardinality(found)) AS f;
		found := found || more;
	END IF;
	RETURN jsonb_build_object(
		'calls', coalesce((SELECT jsonb_agg(call_log.desk_row(found[n]) ORDER BY n)
		                   FROM generate_series(1, least(how_many, cardinality(found))) AS n), '[]'),
		'next', CASE WHEN cardinality(found) > how_many
		        THEN jsonb_build_object('at', (found[how_many]).started_at, 'id', (found[how_many]).session_id) END);
END $$;
COMMENT ON FUNCTION call_log.desk_calls(text, text, text, jsonb, integer) IS
'An agent''s calls, newest first, so many at a time, all or those that a search finds: {"calls": [desk_row...], "next": what to pass as `before` for more, or null}.';

CREATE FUNCTION call_log.desk_call(account text, agent text, session_id text) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
WITH call AS (
	SELECT s AS row, s.account, s.agent, s.session_id FROM call_log.calls c JOIN call_log.calls s
	  ON s.account = c.account AND s.agent = c.agent AND s.session_id = coalesce(c.merged_into, c.session_id)
	WHERE c.account = desk_call.account AND c.agent = desk_call.agent AND c.session_id = desk_call.session_id
)
SELECT jsonb_build_object(
	'call', (SELECT call_log.desk_row(c.row) || jsonb_build_object(
		'noteVersion', call_log.note_version(c.row), 'result', (c.row).result, 'queueCall', (c.row).queue_call,
		'fromNumber', (c.row).from_number, 'fromName', (c.row).from_name,
		'toNumber', (c.row).to_number, 'toName', (c.row).to_name,
		'contactId', (c.row).contact_id, 'contactType', (c.row).contact_type, 'form', (c.row).form,
		'aiNote', (c.row).ai_note, 'transcript', (c.row).transcript,
		'recordingLink', (c.row).recording_link) FROM call c),
	'notes', coalesce((
		SELECT jsonb_agg(jsonb_build_object('savedAt', (extract(epoch FROM n.saved_at) * 1000)::bigint, 'note', n.note,
			-- anything but the widget: the desk, a report, somebody's SQL
			'elsewhere', n.request_id LIKE 'set\_note/%' OR n.request_id LIKE 'sql/%')
			ORDER BY n.saved_at DESC, n.request_id DESC)
		FROM call JOIN call_log.notes n
		  ON n.account = call.account AND n.agent = call.agent AND n.session_id = call.session_id
		WHERE n.note IS NOT NULL), '[]'))
$$;
COMMENT ON FUNCTION call_log.desk_call(text, text, text) IS
'One call of an agent with the history of its note, newest first: {"call": {...} or null, "notes": [{"savedAt", "note", "elsewhere"}...]}.';

CREATE FUNCTION call_log.desk_set_note(account text, agent text, session_id text, note text, expected_version text)
RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found jsonb;
BEGIN
	-- what the widget may save
	IF octet_length(note) > 65536 THEN
		RAISE EXCEPTION 'the note is longer than 65536 bytes' USING ERRCODE = 'string_data_right_truncation';
	END IF;
	RETURN jsonb_build_object('saved', true, 'noteVersion',
		call_log.set_note(account, agent, session_id, note, expected_version));
EXCEPTION
	WHEN SQLSTATE 'CL001' THEN
		found := call_log.desk_call(account, agent, session_id);
		-- it says what is to be saved: saved by whoever, or by this very question
		-- before its answer was lost
		IF coalesce(found->'call'->>'note', '') = note THEN
			RETURN jsonb_build_object('saved', true, 'noteVersion', found->'call'->>'noteVersion');
		END IF;
		RETURN jsonb_build_object('saved', false, 'conflict', jsonb_build_object(
			'note', found->'call'->'note', 'noteVersion', found->'call'->'noteVersion',
			'savedAt', found->'notes'->0->'savedAt'));
	WHEN no_data_found THEN
		RETURN jsonb_build_object('saved', false);
END $$;
COMMENT ON FUNCTION call_log.desk_set_note(text, text, text, text, text) IS
'set_note() for a page: {"saved": true, "noteVersion"}, or {"saved": false} with "conflict": {"note", "noteVersion", "savedAt"} as they are now, when somebody else saved another note meanwhile; without, when there is no such call.';

CREATE FUNCTION call_log.desk_auto_log(account text, agent text, auto_log boolean, at timestamptz) RETURNS jsonb
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
INSERT INTO call_log.agents AS a (account, agent, auto_log, auto_log_changed_at)
-- a clock that is ahead must not have the last word for ever
VALUES (account, agent, auto_log, least(at, now()))
ON CONFLICT ON CONSTRAINT agents_pkey DO UPDATE
SET auto_log = excluded.auto_log, auto_log_changed_at = excluded.auto_log_changed_at
WHERE a.auto_log_changed_at IS NULL OR a.auto_log_changed_at < excluded.auto_log_changed_at;
SELECT jsonb_build_object('autoLog', a.auto_log) FROM call_log.agents a
WHERE a.account = desk_auto_log.account AND a.agent = desk_auto_log.agent
$$;
COMMENT ON FUNCTION call_log.desk_auto_log(text, text, boolean, timestamptz) IS
'Keeps how the agent''s auto-log switch stands since that moment; an older word changes nothing.';

CREATE FUNCTION call_log.desk_events(account text, agent text, after text) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
WITH told AS MATERIALIZED (
	SELECT * FROM call_log.changes_since(nullif(after, ''), account, agent, 10000)
), numbered AS (
	SELECT t.session_id, row_number() OVER (ORDER BY t.session_id) AS n
	FROM told t WHERE t.session_id IS NOT NULL GROUP BY t.session_id
), messages AS (
	SELECT jsonb_build_object('type', 'rc-adapter-trigger-call-logger-match',
		'sessionIds', jsonb_agg(n.session_id ORDER BY n.n)) AS message
	FROM numbered n GROUP BY (n.n - 1) / 100
)
SELECT jsonb_build_object('cursor', t.next_cursor, 'gap', t.gap,
	'messages', (SELECT coalesce(jsonb_agg(m.message), '[]') FROM messages m))
FROM told t WHERE t.next_cursor IS NOT NULL
$$;
COMMENT ON FUNCTION call_log.desk_events(text, text, text) IS
'What an agent''s widget is to be told since a cursor of changes_since(): {"cursor": the next one, "gap": something may be missing, "messages": [what to post to the widget...]}; the cursor is empty for from now on.';

CREATE FUNCTION call_log.desk_member(body jsonb, name text, VARIADIC types text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF jsonb_typeof(body->name) = ANY (types) THEN
		RETURN body->>name;
	END IF;
	RAISE EXCEPTION 'member % of the question is no %', quote_literal(name), types[1]
	USING ERRCODE = 'invalid_parameter_value';
END $$;
COMMENT ON FUNCTION call_log.desk_member(jsonb, text, text[]) IS
'A member that a question must have, of one of these JSON types, as text.';

CREATE FUNCTION call_log.desk(path text, account text, agent text, sent_at timestamptz, body jsonb)
RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	CASE path
	WHEN 'call_log/calls' THEN
		RETURN call_log.desk_calls(account, agent, body->>'search', nullif(body->'before', 'null'),
			least(greatest(coalesce((body->>'limit')::integer, 50), 1), 200));
	WHEN 'call_log/call' THEN
		RETURN call_log.desk_call(account, agent, call_log.desk_member(body, 'sessionId', 'string', 'number'));
	WHEN 'call_log/set-note' THEN
		RETURN call_log.desk_set_note(account, agent, call_log.desk_member(body, 'sessionId', 'string', 'number'),
			call_log.desk_member(body, 'note', 'string'), call_log.desk_member(body, 'expectedVersion', 'string'));
	WHEN 'call_log/settings' THEN
		RETURN jsonb_build_object('autoLog', (SELECT a.auto_log FROM call_log.agents a
			WHERE a.account = desk.account AND a.agent = desk.agent));
	WHEN 'call_log/events' THEN
		RETURN call_log.desk_events(account, agent, coalesce(body->>'after', ''));
	WHEN 'rc-callLogger-auto-log-notify' THEN
		RETURN call_log.desk_auto_log(account, agent, call_log.desk_member(body, 'autoLog', 'boolean')::boolean, sent_at);
	END CASE;
END $$;
COMMENT ON FUNCTION call_log.desk(text, text, text, timestamptz, jsonb) IS
'Answers a question of the plugin''s pages, by its path, for an agent; the body is the question''s. The functions named here say what each answers. A question that is wrong: an SQLSTATE of class 22. An unknown path: SQLSTATE 20000.';

REVOKE ALL ON FUNCTION call_log.desk_row(call_log.calls), call_log.desk_finds(call_log.calls, text, text),
	call_log.desk_calls(text, text, text, jsonb, integer), call_log.desk_call(text, text, text),
	call_log.desk_set_note(text, text, text, text, text),
	call_log.desk_auto_log(text, text, boolean, timestamptz),
	call_log.desk_events(text, text, text), call_log.desk_member(jsonb, text, text[]),
	call_log.desk(text, text, text, timestamptz, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION call_log.desk_row(call_log.calls), call_log.desk_finds(call_log.calls, text, text),
	call_log.desk_calls(text, text, text, jsonb, integer), call_log.desk_call(text, text, text),
	call_log.desk_set_note(text, text, text, text, text),
	call_log.desk_auto_log(text, text, boolean, timestamptz),
	call_log.desk_events(text, text, text), call_log.desk_member(jsonb, text, text[]),
	call_log.desk(text, text, text, timestamptz, jsonb) TO call_log_writer;

INSERT INTO call_log.migrations (version, name) VALUES (6, 'desk');
COMMIT;
