-- Who listens to recordings: asked before anything is sent, and written down with it.
--
--   who       the call's agent, and the account's supervisors, whom the plugin knows
--   one row   a request that is granted, or refused for lack of right; whoever asks sees
--             no difference between what is not hers and what is not there
--   outlives  the recording, of which it holds nothing but the name
BEGIN;

CREATE UNIQUE INDEX recordings_id ON call_log.recordings (id);
COMMENT ON INDEX call_log.recordings_id IS 'A recording by its short name, which its address has.';

ALTER TABLE call_log.settings
	ADD accesses_kept interval NOT NULL DEFAULT '2 years' CHECK (accesses_kept >= '1 day');
COMMENT ON COLUMN call_log.settings.accesses_kept IS 'How long call_log.recording_accesses tells who listened to a recording.';

CREATE TABLE call_log.recording_accesses (
	id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at             timestamptz NOT NULL DEFAULT now(),
	reader_account text        COLLATE "C" NOT NULL,
	reader         text        COLLATE "C" NOT NULL CHECK (reader <> ''),
	account        text        COLLATE "C" NOT NULL,
	agent          text        COLLATE "C" NOT NULL,
	session_id     text        COLLATE "C" NOT NULL,
	recording_id   text        COLLATE "C" NOT NULL,
	recording      bigint      NOT NULL,
	granted        boolean     NOT NULL,
	from_byte      bigint,
	to_byte        bigint,
	CHECK (from_byte >= 0 AND from_byte <= to_byte AND granted OR num_nonnulls(from_byte, to_byte) = 0)
);
COMMENT ON TABLE call_log.recording_accesses IS 'Who had which part of which recording, and who asked in vain: one row a request of a page or a player, of which a player makes several. It is written before the first byte is sent, so what is granted may not have been taken. Nobody changes it; what is older than settings.accesses_kept goes by and by.';
COMMENT ON COLUMN call_log.recording_accesses.id IS 'Its place in the order.';
COMMENT ON COLUMN call_log.recording_accesses.at IS 'When.';
COMMENT ON COLUMN call_log.recording_accesses.reader_account IS 'The account of who asked.';
COMMENT ON COLUMN call_log.recording_accesses.reader IS 'Who asked: an agent or supervisor, by the name at the host.';
COMMENT ON COLUMN call_log.recording_accesses.account IS 'As in recordings, also the next three.';
COMMENT ON COLUMN call_log.recording_accesses.agent IS 'Whose recording it is.';
COMMENT ON COLUMN call_log.recording_accesses.session_id IS 'Of which call.';
COMMENT ON COLUMN call_log.recording_accesses.recording_id IS 'The phone service''s id of the recording.';
COMMENT ON COLUMN call_log.recording_accesses.recording IS 'recordings.id, of a row that may be gone.';
COMMENT ON COLUMN call_log.recording_accesses.granted IS 'Whether who asked had the right.';
COMMENT ON COLUMN call_log.recording_accesses.from_byte IS 'The first byte that was to be sent, from 0; NULL: none was, since it was refused, asked for the headers only, or for a part beyond the end.';
COMMENT ON COLUMN call_log.recording_accesses.to_byte IS 'The last byte.';
CREATE INDEX recording_accesses_age ON call_log.recording_accesses (at);
CREATE INDEX recording_accesses_agent ON call_log.recording_accesses (account, agent, at);
COMMENT ON INDEX call_log.recording_accesses_age IS 'What is older than it is kept.';
COMMENT ON INDEX call_log.recording_accesses_agent IS 'Who listened to an agent''s recordings.';

CREATE FUNCTION call_log.accesses_kept() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		IF OLD.at < now() - (SELECT s.accesses_kept FROM call_log.settings s) THEN
			RETURN OLD;
		END IF;
	END IF;
	RAISE EXCEPTION 'who listened to a recording stays written down'
	USING ERRCODE = 'insufficient_privilege', HINT = 'For call_log.settings.accesses_kept.';
END $$;
COMMENT ON FUNCTION call_log.accesses_kept() IS 'Refuses changes of call_log.recording_accesses, but that what is old enough goes.';
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON call_log.recording_accesses FOR EACH ROW EXECUTE FUNCTION call_log.accesses_kept();
CREATE TRIGGER all_kept BEFORE TRUNCATE ON call_log.recording_accesses EXECUTE FUNCTION call_log.accesses_kept();
COMMENT ON TRIGGER kept ON call_log.recording_accesses IS 'Also from the owner''s mistakes.';
COMMENT ON TRIGGER all_kept ON call_log.recording_accesses IS 'Also from the owner''s mistakes.';

CREATE FUNCTION call_log.drop_old_accesses() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DELETE FROM call_log.recording_accesses WHERE ctid = ANY (ARRAY(
	SELECT a.ctid FROM call_log.recording_accesses a
	WHERE a.at < now() - (SELECT s.accesses_kept FROM call_log.settings s)
	ORDER BY a.at LIMIT 20 FOR UPDATE SKIP LOCKED))
$$;
COMMENT ON FUNCTION call_log.drop_old_accesses() IS 'Deletes a few rows that are older than settings.accesses_kept; called with each new one.';

CREATE FUNCTION call_log.open_recording(reader_account text, reader text, sees_all boolean, body jsonb) RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked CONSTANT bigint := CASE WHEN body->>'id' ~ '^[1-9][0-9]{0,17}$' THEN (body->>'id')::bigint END;
	found   call_log.recordings;
	began   timestamptz;
	is_part boolean;
	may     boolean;
	first   bigint;
	last    bigint;
BEGIN
	SELECT r.* INTO found FROM call_log.recordings r
	WHERE r.id = asked AND r.state = 'stored' AND r.erase_at IS NULL;
	IF found.id IS NULL THEN
		RETURN NULL;
	END IF;
	may := found.account = reader_account AND (found.agent = reader OR sees_all);
	-- of a file that is not the one meant all is sent
	is_part := (body ? 'first' OR body ? 'end') AND coalesce(body->>'tag' = encode(found.sha256, 'hex'), true);
	IF may AND (body->'head') IS DISTINCT FROM 'true' THEN
		first := CASE WHEN NOT is_part THEN 0
		              WHEN body ? 'end' THEN greatest(found.bytes - greatest((body->>'end')::bigint, 0), 0)
		              ELSE greatest((body->>'first')::bigint, 0) END;
		last := CASE WHEN is_part AND body ? 'last' THEN least((body->>'last')::bigint, found.bytes - 1) ELSE found.bytes - 1 END;
		IF first > last THEN
			first := NULL;
			last := NULL;
		END IF;
	END IF;
	INSERT INTO call_log.recording_accesses (reader_account, reader, account, agent, session_id, recording_id, recording,
	                                         granted, from_byte, to_byte)
	VALUES (reader_account, reader, found.account, found.agent, found.session_id, found.recording_id, found.id, may, first, last);
	PERFORM call_log.drop_old_accesses();
	IF NOT may THEN
		RETURN NULL;
	END IF;
	SELECT c.started_at INTO began FROM call_log.calls c
	WHERE c.account = found.account AND c.agent = found.agent AND c.session_id = found.session_id;
	RETURN jsonb_build_object('file', found.path, 'type', found.media_type, 'bytes', found.bytes,
			'tag', encode(found.sha256, 'hex'), 'name',
			'call-' || (SELECT to_char(coalesce(began, found.created_at) AT TIME ZONE z.zone, 'YYYY-MM-DD') FROM call_log.report_zone z)
			|| '-' || found.id || coalesce(substring(found.path FROM '\.[0-9a-z]+$'), ''))
		|| CASE WHEN is_part THEN jsonb_build_object('first', first, 'last', last) ELSE '{}' END;
END $$;
COMMENT ON FUNCTION call_log.open_recording(text, text, boolean, jsonb) IS
'Before a recording is sent to an agent, who is a supervisor of her account (sees_all) or not: NULL when there is none with that id ("id") or not for her, else which file to send (its path below recordings_dir) and which part of it: "first" and "last" byte, null when there are no such bytes, absent for all of it. '
'The body asks for a part with "first" and perhaps "last", or with "end", the last so many bytes; with "tag" only of the file of that SHA-256; with "head" for none of it. Keeps in recording_accesses what it answers.';

-- Who sees a call in the page of reports may hear it there.
CREATE FUNCTION call_log.report_recordings(in_account text, agents text[], in_session_id text) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.one->'id', 'state', r.one->'state') ORDER BY a.n, r.m), '[]')
FROM unnest(agents) WITH ORDINALITY AS a (agent, n)
CROSS JOIN LATERAL jsonb_array_elements(call_log.desk_recordings(in_account, a.agent, in_session_id)) WITH ORDINALITY AS r (one, m)
$$;
COMMENT ON FUNCTION call_log.report_recordings(text, text[], text) IS 'The recordings of these agents'' parts of a call: [{"id", "state"}...].';
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
SELECT pg_temp.patch('call_log.report_row(text, text, boolean, text, text)', $old$'queue', coalesce($old$,
	$new$'recordings', call_log.report_recordings(in_account, array_agg(p.agent ORDER BY p.n), in_session_id),
	'queue', coalesce($new$) \g /dev/null

CREATE VIEW call_report.recording_accesses AS
SELECT a.at, a.reader_account, a.reader, a.account, a.agent, a.session_id, a.recording_id, a.recording, a.granted,
       a.from_byte, a.to_byte
FROM call_log.recording_accesses a;
COMMENT ON VIEW call_report.recording_accesses IS 'Who listened to which recording, and who asked in vain: SELECT * FROM call_report.recording_accesses WHERE agent = ''dana'' AND at > now() - interval ''30 days'' ORDER BY at. One row a request, of which a player makes several.';
DO $$
DECLARE
	member record;
BEGIN
	FOR member IN
		SELECT v.attname AS name, col_description(t.attrelid, t.attnum) AS says
		FROM pg_attribute v JOIN pg_attribute t USING (attname)
		WHERE v.attrelid = 'call_report.recording_accesses'::regclass AND t.attrelid = 'call_log.recording_accesses'::regclass AND v.attnum > 0
	LOOP
		EXECUTE format('COMMENT ON COLUMN call_report.recording_accesses.%I IS %L', member.name, member.says);
	END LOOP;
END $$;

-- --------------------------------------------------------------------- rights
ALTER TABLE call_log.recording_accesses ENABLE ROW LEVEL SECURITY;
CREATE POLICY granted ON call_log.recording_accesses USING (true);
CREATE POLICY reader ON call_log.recording_accesses AS RESTRICTIVE TO call_log_views, call_log_reader
	USING (account = ANY (ARRAY(SELECT a.account FROM call_log.readable_agents a))
	       AND agent = ANY (ARRAY(SELECT a.agent FROM call_log.readable_agents a))
	       AND (account, agent) IN (SELECT a.account, a.agent FROM call_log.readable_agents a));
COMMENT ON POLICY granted ON call_log.recording_accesses IS 'Whoever was granted something has it.';
COMMENT ON POLICY reader ON call_log.recording_accesses IS 'But these, of whom the role that asks may see.';
GRANT INSERT ON call_log.recording_accesses TO call_log_writer;
GRANT SELECT ON call_log.recording_accesses TO call_log_admin, call_log_views;
GRANT SELECT ON call_report.recording_accesses TO call_log_report;
REVOKE ALL ON FUNCTION call_log.accesses_kept(), call_log.drop_old_accesses(), call_log.report_recordings(text, text[], text),
	call_log.open_recording(text, text, boolean, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION call_log.drop_old_accesses(), call_log.report_recordings(text, text[], text), call_log.open_recording(text, text, boolean, jsonb) TO call_log_writer;

DO $$
BEGIN
	PERFORM call_log.make_own_reports();
EXCEPTION WHEN insufficient_privilege THEN
	RAISE WARNING 'schema call_own has no view recording_accesses: % may not give views to call_log_views', current_user
	USING HINT = format('GRANT call_log_views TO %I; and then, as %1$I: SELECT call_log.make_own_reports().', current_user);
END $$;

INSERT INTO call_log.migrations (version, name) VALUES (15, 'playing');
COMMIT;
