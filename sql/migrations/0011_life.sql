-- The end of data: what is known of a person is erased, old calls are purged.
--
--   erased      the row of a call stays, without anything of the caller: it counts in
--               reports, answers matches, and keeps every later event, save and merge of
--               the call from bringing back what was erased (keep_erased).
--   late        what was posted, or began, before an erasure and comes after it, from the
--               spool of a host that was cut off or out of the widget's history, is known
--               by the hash of its number or contact, and is erased as it is written.
--               Looked for only where a batch holds something that old.
--   registered  an erasure is first written down, alone, when no writer is at work: so
--               each writer either has committed what is then erased, or knows of it.
--   told        plugins hear of erased calls as of notes that were changed elsewhere, and
--               so forget what they remember of them.
--   purged      whole days go, oldest first. Their figures were put aside before
--               (kept_...), and nothing that is counted anew later touches those.
BEGIN;

-- ------------------------------------------------------------- what is erased
ALTER TABLE call_log.calls
	ADD erased_at     timestamptz,
	ADD had_note      boolean,
	ADD had_recording boolean;
COMMENT ON COLUMN call_log.calls.erased_at IS 'When what it told of the caller was erased (erase_number(), erase_contact()): numbers, names, contact, note, form, AI note, transcript, recording and body are NULL, and stay so.';
COMMENT ON COLUMN call_log.calls.had_note IS 'Of an erased call: whether it had a note.';
COMMENT ON COLUMN call_log.calls.had_recording IS 'Of an erased call: whether it had a recording.';
CREATE INDEX calls_erased ON call_log.calls (account, session_id, agent) WHERE erased_at IS NOT NULL;
COMMENT ON INDEX call_log.calls_erased IS 'The erased calls.';
COMMENT ON COLUMN call_log.notes.request_id IS 'The widget''s name of the save; "set_note/..." for call_log.set_note(), "sql/..." for a plain UPDATE and, without a note, for an erasure.';

CREATE TABLE call_log.erasures (
	id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind     text        COLLATE "C" NOT NULL CHECK (kind IN ('number', 'contact', 'purge')),
	account  text        COLLATE "C" NOT NULL,
	until    timestamptz NOT NULL,
	done_by  text        NOT NULL DEFAULT session_user,
	began_at timestamptz NOT NULL,
	last_at  timestamptz NOT NULL,
	rows     bigint      NOT NULL DEFAULT 0,
	hash     bytea
);
COMMENT ON TABLE call_log.erasures IS 'Who erased what, and when, one row an erasure, or a day''s purge. Nobody changes it. For call_log_admin to read.';
COMMENT ON COLUMN call_log.erasures.id IS 'Its place in the order.';
COMMENT ON COLUMN call_log.erasures.kind IS 'number, contact, or purge.';
COMMENT ON COLUMN call_log.erasures.account IS 'As in calls.';
COMMENT ON COLUMN call_log.erasures.until IS 'Calls that began before.';
COMMENT ON COLUMN call_log.erasures.done_by IS 'The database user.';
COMMENT ON COLUMN call_log.erasures.began_at IS 'When it began.';
COMMENT ON COLUMN call_log.erasures.last_at IS 'When it last did something.';
COMMENT ON COLUMN call_log.erasures.rows IS 'How many rows it erased, or purged.';
COMMENT ON COLUMN call_log.erasures.hash IS 'Of the number or contact (erasure_hash), by which what comes late is known; forgotten when all calls that old are purged.';
CREATE INDEX erasures_hash ON call_log.erasures (account, hash) WHERE hash IS NOT NULL;
COMMENT ON INDEX call_log.erasures_hash IS 'Whether a number or contact was erased.';

CREATE TABLE call_log.erasing (
	one   boolean     PRIMARY KEY DEFAULT true CHECK (one),
	until timestamptz NOT NULL DEFAULT '-infinity',
	salt  bytea       NOT NULL DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
);
COMMENT ON TABLE call_log.erasing IS 'One row: what writers look at to know whether to look for erasures.';
COMMENT ON COLUMN call_log.erasing.one IS 'There is only one row.';
COMMENT ON COLUMN call_log.erasing.until IS 'The latest of erasures.until of a person.';
COMMENT ON COLUMN call_log.erasing.salt IS 'What hashes begin with. It keeps them from being looked up elsewhere, not from who can read it and tries every number.';
INSERT INTO call_log.erasing DEFAULT VALUES;
ANALYZE call_log.erasing;

CREATE FUNCTION call_log.erasures_kept() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF TG_OP = 'UPDATE' THEN
		IF (NEW.id, NEW.kind, NEW.account, NEW.until, NEW.done_by, NEW.began_at)
		   = (OLD.id, OLD.kind, OLD.account, OLD.until, OLD.done_by, OLD.began_at)
		   AND NEW.rows >= OLD.rows AND (NEW.hash IS NULL OR NEW.hash = OLD.hash) THEN
			RETURN NEW;
		END IF;
	END IF;
	RAISE EXCEPTION 'what was erased, and by whom, stays written down'
	USING ERRCODE = 'insufficient_privilege';
END $$;
COMMENT ON FUNCTION call_log.erasures_kept() IS 'Refuses changes of call_log.erasures, but that an erasure goes on.';
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON call_log.erasures FOR EACH ROW EXECUTE FUNCTION call_log.erasures_kept();
CREATE TRIGGER all_kept BEFORE TRUNCATE ON call_log.erasures EXECUTE FUNCTION call_log.erasures_kept();
COMMENT ON TRIGGER kept ON call_log.erasures IS 'Also from the owner''s mistakes.';
COMMENT ON TRIGGER all_kept ON call_log.erasures IS 'Also from the owner''s mistakes.';

CREATE FUNCTION call_log.number_key(number text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$SELECT nullif(translate(number, E' ()+-./\u00a0', ''), '')$$;
COMMENT ON FUNCTION call_log.number_key(text) IS 'A number without what it may be written with: equal for "+1 (202) 555-0143" and "+12025550143", not for "555-0143".';

CREATE FUNCTION call_log.erasure_hash(kind text, key text) RETURNS bytea
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$SELECT sha256(g.salt || convert_to(kind || ' ' || key, 'UTF8')) FROM call_log.erasing g WHERE g.one$$;
COMMENT ON FUNCTION call_log.erasure_hash(text, text) IS 'By what an erased number (its number_key) or contact is known.';

CREATE FUNCTION call_log.other_numbers(direction text, from_number text, to_number text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE direction WHEN 'Inbound' THEN ARRAY[from_number] WHEN 'Outbound' THEN ARRAY[to_number]
       ELSE ARRAY[from_number, to_number] END
$$;
COMMENT ON FUNCTION call_log.other_numbers(text, text, text) IS 'The number of the other side, seen from the agent; where the direction is unknown, both.';

CREATE FUNCTION call_log.erased_until(in_account text, numbers text[], contact_id text, began timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT max(e.until) FROM call_log.erasures e
WHERE e.account = in_account AND e.until > began
  AND e.hash = ANY (ARRAY(SELECT call_log.erasure_hash('number', call_log.number_key(n)) FROM unnest(numbers) AS n)
                    || call_log.erasure_hash('contact', erased_until.contact_id))
$$;
COMMENT ON FUNCTION call_log.erased_until(text, text[], text, timestamptz) IS
'Until when calls with one of these numbers or this contact were erased; NULL where none was that began by then.';

-- ------------------------------------------------------------ what stays erased
CREATE FUNCTION call_log.keep_erased() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	NEW.erased_at      := coalesce(OLD.erased_at, NEW.erased_at);
	NEW.had_note       := coalesce(OLD.had_note, false) OR coalesce(OLD.note <> '', false) OR coalesce(NEW.note <> '', false);
	NEW.had_recording  := coalesce(OLD.had_recording, false) OR coalesce(OLD.recording_id, OLD.recording_link) IS NOT NULL
	                      OR coalesce(NEW.recording_id, NEW.recording_link) IS NOT NULL;
	NEW.from_number    := NULL; NEW.from_name      := NULL;
	NEW.to_number      := NULL; NEW.to_name        := NULL;
	NEW.contact_id     := NULL; NEW.contact_name   := NULL; NEW.contact_type := NULL;
	NEW.note           := NULL; NEW.form           := NULL;
	NEW.ai_note        := NULL; NEW.transcript     := NULL; NEW.body         := NULL;
	NEW.recording_id   := NULL; NEW.recording_link := NULL;
	NEW.recording_uri  := NULL; NEW.recording_type := NULL;
	RETURN NEW;
END $$;
COMMENT ON FUNCTION call_log.keep_erased() IS 'Leaves nothing of the caller in an erased call, whoever writes it: what counts may still come, such as its end.';
CREATE TRIGGER keep_erased BEFORE UPDATE ON call_log.calls FOR EACH ROW
WHEN (NEW.erased_at IS NOT NULL OR OLD.erased_at IS NOT NULL) EXECUTE FUNCTION call_log.keep_erased();
COMMENT ON TRIGGER keep_erased ON call_log.calls IS 'Not fired for a call that is not erased.';
DROP TRIGGER note_updated ON call_log.calls;
CREATE TRIGGER note_updated BEFORE UPDATE ON call_log.calls FOR EACH ROW
WHEN (NEW.note IS DISTINCT FROM OLD.note AND (NEW.ranks).note IS NOT DISTINCT FROM (OLD.ranks).note AND NEW.erased_at IS NULL)
EXECUTE FUNCTION call_log.note_updated();
COMMENT ON TRIGGER note_updated ON call_log.calls IS 'Not fired by the write path, whose saves move the note''s rank, nor when a note is erased.';

CREATE FUNCTION call_log.drop_erased_note() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
	IF EXISTS (SELECT FROM call_log.calls c WHERE c.account = NEW.account AND c.agent = NEW.agent
	           AND c.session_id = NEW.session_id AND c.erased_at IS NOT NULL) THEN
		RETURN NULL;
	END IF;
	RETURN NEW;
END $$;
COMMENT ON FUNCTION call_log.drop_erased_note() IS 'Keeps no save of an erased call.';
CREATE TRIGGER drop_erased_note BEFORE INSERT ON call_log.notes FOR EACH ROW
WHEN (NEW.note IS NOT NULL OR NEW.form IS NOT NULL OR NEW.contact_id IS NOT NULL) EXECUTE FUNCTION call_log.drop_erased_note();
COMMENT ON TRIGGER drop_erased_note ON call_log.notes IS 'But that something was erased.';

CREATE FUNCTION call_log.event_member(body text, name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN body::json->>name;
EXCEPTION WHEN data_exception THEN
	-- a character that text cannot hold
	RETURN NULL;
END $$;
COMMENT ON FUNCTION call_log.event_member(text, text) IS 'A member of an event in call_log.rejected.';

CREATE FUNCTION call_log.drop_erased_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(hashtextextended('call_log.erasing', 0));
	IF EXISTS (SELECT FROM call_log.calls c WHERE c.account = NEW.account AND c.session_id = NEW.session_id AND c.erased_at IS NOT NULL)
	   OR call_log.erased_until(NEW.account,
	          call_log.other_numbers(call_log.event_member(NEW.body, 'direction'),
	              call_log.event_member(NEW.body, 'from_number'), call_log.event_member(NEW.body, 'to_number')),
	          call_log.event_member(NEW.body, 'contact_id'),
	          least(call_log.event_member(NEW.body, 'emitted_at')::timestamptz,
	                call_log.event_member(NEW.body, 'started_at')::timestamptz, now())) IS NOT NULL THEN
		RETURN NULL;
	END IF;
	RETURN NEW;
END $$;
COMMENT ON FUNCTION call_log.drop_erased_event() IS 'Keeps no refused event of what was erased.';
CREATE TRIGGER drop_erased_event BEFORE INSERT ON call_log.rejected FOR EACH ROW EXECUTE FUNCTION call_log.drop_erased_event();
COMMENT ON TRIGGER drop_erased_event ON call_log.rejected IS 'Events are refused rarely.';

-- ------------------------------------------------------------------- erasing
CREATE FUNCTION call_log.same_calls(in_account text, in_session_ids text[])
RETURNS TABLE (agent text, session_id text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
WITH RECURSIVE member AS (
	SELECT unnest(in_session_ids) COLLATE "C" AS session_id
	UNION
	SELECT o.session_id
	FROM member m JOIN call_log.calls c ON c.account = in_account AND c.session_id = m.session_id
	CROSS JOIN LATERAL (
		SELECT c.merged_into AS session_id WHERE c.merged_into IS NOT NULL
		UNION ALL
		SELECT o.session_id FROM call_log.calls o
		WHERE o.account = c.account AND o.agent = c.agent AND o.merged_into = c.session_id
		UNION ALL
		SELECT o.session_id FROM call_log.calls o
		WHERE o.telephony_session_id = c.telephony_session_id AND o.account = c.account
	) AS o
)
SELECT c.agent, c.session_id FROM member m JOIN call_log.calls c ON c.account = in_account AND c.session_id = m.session_id
ORDER BY 1, 2
$$;
COMMENT ON FUNCTION call_log.same_calls(text, text[]) IS
'All rows of these calls: the parts of all agents, under all names that the call had, whether they know each other by session, telephony session or leg.';

CREATE FUNCTION call_log.erase_rows(in_account text, agents text[], session_ids text[], at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
	gone  text[];
	gone_agents text[];
	saves text[];
BEGIN
	WITH erased AS (
		UPDATE call_log.calls c SET erased_at = at, updated_at = now()
		FROM unnest(agents, session_ids) AS k (agent, session_id)
		WHERE c.account = in_account AND c.agent = k.agent AND c.session_id = k.session_id AND c.erased_at IS NULL
		RETURNING c.agent, c.session_id)
	SELECT array_agg(e.agent), array_agg(e.session_id), array_agg('sql/' || gen_random_uuid()) INTO gone_agents, gone, saves FROM erased e;
	DELETE FROM call_log.notes n USING unnest(agents, session_ids) AS k (agent, session_id)
	WHERE n.account = in_account AND n.agent = k.agent AND n.session_id = k.session_id
	  AND (n.note IS NOT NULL OR n.form IS NOT NULL OR n.contact_id IS NOT NULL);
	DELETE FROM call_log.rejected r WHERE r.account = in_account AND r.session_id = ANY (session_ids);
	-- what remembers the call is told
	INSERT INTO call_log.notes (account, agent, session_id, saved_at, request_id)
	SELECT in_account, g.agent, g.session_id, clock_timestamp(), g.save FROM unnest(gone_agents, gone, saves) AS g (agent, session_id, save);
	PERFORM call_log.tell_note_saved(in_account, g.agent, g.session_id, g.save) FROM unnest(gone_agents, gone, saves) AS g (agent, session_id, save);
	RETURN coalesce(cardinality(gone), 0);
END $$;
COMMENT ON FUNCTION call_log.erase_rows(text, text[], text[], timestamptz) IS 'Erases these rows, with their notes and refused events, and tells; returns how many were not erased before.';

CREATE FUNCTION call_log.erase_late(accounts text[], agents text[], session_ids text[], emitted_ats timestamptz[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
	late record;
	mine record;
BEGIN
	FOR late IN
		SELECT w.account, w.session_id, coalesce(o.erased_at, h.until) AS at
		FROM unnest(accounts, agents, session_ids, emitted_ats) AS e (account, agent, session_id, emitted_at)
		CROSS JOIN LATERAL (
			SELECT c.* FROM call_log.calls c
			WHERE c.account = e.account AND c.agent = e.agent AND c.session_id = e.session_id AND c.erased_at IS NULL OFFSET 0) AS w
		-- another part of the call is erased
		CROSS JOIN LATERAL (
			SELECT max(o.erased_at) AS erased_at FROM (
				SELECT o.erased_at FROM call_log.calls o
				WHERE o.account = w.account AND o.session_id = w.session_id AND o.erased_at IS NOT NULL
				UNION ALL
				SELECT o.erased_at FROM call_log.calls o
				WHERE o.telephony_session_id = w.telephony_session_id AND o.account = w.account AND o.erased_at IS NOT NULL) AS o
		) AS o
		-- or its number or contact was, when it had begun
		CROSS JOIN LATERAL (
			SELECT CASE WHEN g.until > least(w.started_at, w.logged_at, e.emitted_at)
				THEN call_log.erased_until(w.account, call_log.other_numbers(w.direction, w.from_number, w.to_number), w.contact_id,
				                           least(w.started_at, w.logged_at, e.emitted_at)) END AS until
			FROM call_log.erasing g WHERE g.one
		) AS h
		WHERE coalesce(o.erased_at, h.until) IS NOT NULL
	LOOP
		-- other agents' parts only where nobody is at them, who would be waited for
		SELECT array_agg(r.agent) AS agents, array_agg(r.session_id) AS session_ids INTO mine FROM (
			SELECT c.agent, c.session_id FROM call_log.same_calls(late.account, ARRAY[late.session_id]) AS s
			JOIN call_log.calls c ON c.account = late.account AND c.agent = s.agent AND c.session_id = s.session_id
			FOR UPDATE OF c SKIP LOCKED) AS r;
		PERFORM call_log.erase_rows(late.account, mine.agents, mine.session_ids, late.at);
	END LOOP;
END $$;
COMMENT ON FUNCTION call_log.erase_late(text[], text[], text[], timestamptz[]) IS
'For record_calls(): erases what it has just written of calls that are erased for other agents, or whose number or contact was erased when they had begun.';

CREATE FUNCTION call_log.erasure(in_kind text, in_account text, key text) RETURNS call_log.erasures
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	run    call_log.erasures;
	now_at timestamptz;
BEGIN
	SELECT e.* INTO run FROM call_log.erasures e
	WHERE e.account = in_account AND e.hash = call_log.erasure_hash(in_kind, key)
	  AND e.done_by = session_user AND e.last_at > clock_timestamp() - interval '10 min'
	ORDER BY e.id DESC LIMIT 1;
	IF NOT FOUND THEN
		-- Writers hold this until they commit. Alone, so nobody waits for long.
		PERFORM pg_advisory_xact_lock(hashtextextended('call_log.erasing', 0));
		now_at := clock_timestamp();
		INSERT INTO call_log.erasures (kind, account, until, began_at, last_at, hash)
		VALUES (in_kind, in_account, now_at, now_at, now_at, call_log.erasure_hash(in_kind, key));
		UPDATE call_log.erasing SET until = now_at WHERE until < now_at;
	END IF;
	RETURN run;
END $$;
COMMENT ON FUNCTION call_log.erasure(text, text, text) IS
'The erasure of a number or contact that this user is at since less than ten minutes; where there is none it writes one down, and returns NULL.';

CREATE FUNCTION call_log.erase_calls(run call_log.erasures, in_session_ids text[]) RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	parts record;
	done  integer;
BEGIN
	-- Figures are not counted meanwhile, or the number might be counted in again.
	PERFORM pg_advisory_xact_lock(hashtextextended('call_log.rollup', 0));
	PERFORM call_log.lock_agents(array_agg(run.account), array_agg(DISTINCT s.agent)) FROM call_log.same_calls(run.account, in_session_ids) AS s;
	SELECT array_agg(s.agent) AS agents, array_agg(s.session_id) AS session_ids INTO parts FROM call_log.same_calls(run.account, in_session_ids) AS s;
	UPDATE call_log.rolled_missed_calls r SET other_number = NULL, other_name = NULL, contact_id = NULL, contact_name = NULL
	WHERE r.account = run.account AND r.session_id = ANY (parts.session_ids);
	done := call_log.erase_rows(run.account, parts.agents, parts.session_ids, run.until);
	UPDATE call_log.erasures SET rows = rows + done, last_at = clock_timestamp() WHERE id = run.id;
	RETURN done;
END $$;
COMMENT ON FUNCTION call_log.erase_calls(call_log.erasures, text[]) IS 'Erases all rows of these calls, for an erasure.';

CREATE FUNCTION call_log.erased_apart(run call_log.erasures) RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT array_agg(DISTINCT o.session_id)
FROM call_log.calls c JOIN call_log.calls o ON o.account = c.account AND o.session_id = c.session_id AND o.erased_at IS NULL
WHERE c.account = run.account AND c.erased_at = run.until
$$;
COMMENT ON FUNCTION call_log.erased_apart(call_log.erasures) IS 'Calls of which the erasure has some parts, and others came since.';

CREATE FUNCTION call_log.erase_number(account text, number text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	key   text := call_log.number_key(number);
	-- as the phone service writes them
	forms text[] := ARRAY[number, key, '+' || key];
	run   call_log.erasures;
	calls text[];
	done  integer;
BEGIN
	IF key IS NULL OR account IS NULL THEN
		RAISE EXCEPTION 'there is no number to erase' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	run := call_log.erasure('number', account, key);
	IF run.id IS NULL THEN
		RETURN 1;
	END IF;

	FOR round IN 1 .. 2 LOOP
		SELECT array_agg(DISTINCT f.session_id) INTO calls FROM (
			SELECT c.session_id FROM call_log.calls c
			WHERE c.account = erase_number.account AND c.erased_at IS NULL AND c.logged_at < run.until
			  AND CASE c.direction WHEN 'Inbound' THEN c.from_number WHEN 'Outbound' THEN c.to_number END = ANY (forms)
			LIMIT 100) AS f;
		EXIT WHEN calls IS NOT NULL OR round = 2;
		-- The rest is looked for in all calls and refused events.
		calls := call_log.erased_apart(run);
		EXIT WHEN calls IS NOT NULL;
		SELECT array_agg(DISTINCT c.session_id) INTO calls FROM (
			SELECT c.session_id FROM call_log.calls c
			WHERE c.account = erase_number.account AND c.erased_at IS NULL AND c.logged_at < run.until AND c.direction IS NULL
			  AND key IN (call_log.number_key(c.from_number), call_log.number_key(c.to_number)) LIMIT 100) AS c;
		EXIT WHEN calls IS NOT NULL;
		SELECT array_agg(c.form) INTO forms FROM (
			SELECT DISTINCT CASE c.direction WHEN 'Inbound' THEN c.from_number WHEN 'Outbound' THEN c.to_number END AS form FROM call_log.calls c
			WHERE c.account = erase_number.account AND c.erased_at IS NULL AND c.logged_at < run.until
			  AND call_log.number_key(CASE c.direction WHEN 'Inbound' THEN c.from_number WHEN 'Outbound' THEN c.to_number END) = key) AS c;
		EXIT WHEN forms IS NULL;
	END LOOP;
	IF calls IS NOT NULL THEN
		RETURN call_log.erase_calls(run, calls);
	END IF;

	DELETE FROM call_log.rejected r
	WHERE r.account = erase_number.account AND r.rejected_at < run.until
	  AND (key IN (call_log.number_key(call_log.event_member(r.body, 'from_number')), call_log.number_key(call_log.event_member(r.body, 'to_number')))
	       -- a short one is found in too much
	       OR length(key) > 6 AND position(key IN call_log.number_key(r.body)) > 0);
	GET DIAGNOSTICS done = ROW_COUNT;
	UPDATE call_log.erasures SET rows = rows + done, last_at = clock_timestamp() WHERE id = run.id;
	RETURN done;
END $$;
COMMENT ON FUNCTION call_log.erase_number(text, text) IS
'Erases what calls with a number that began before now tell of the caller, some of them each time, and returns how many rows it did: to be called, each time in a transaction of its own, until it returns 0 (CALL call_log.erase_person() does). The first time it writes down that this is to be done, and returns 1. All agents'' parts of the calls are erased, and what of them comes later is, too; they still count. However the number is written; but a number without its country is another.';

CREATE FUNCTION call_log.erase_contact(account text, id text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	run   call_log.erasures;
	calls text[];
	done  integer;
	more  integer;
BEGIN
	IF erase_contact.id IS NULL OR erase_contact.id = '' OR account IS NULL THEN
		RAISE EXCEPTION 'there is no contact to erase' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	run := call_log.erasure('contact', account, erase_contact.id);
	IF run.id IS NULL THEN
		RETURN 1;
	END IF;
	SELECT array_agg(DISTINCT f.session_id) INTO calls FROM (
		SELECT c.session_id FROM call_log.calls c
		WHERE c.account = erase_contact.account AND c.contact_id = erase_contact.id AND c.logged_at < run.until LIMIT 100) AS f;
	calls := coalesce(calls, call_log.erased_apart(run));
	IF calls IS NOT NULL THEN
		RETURN call_log.erase_calls(run, calls);
	END IF;

	-- picked once, and corrected since: the call is another's
	UPDATE call_log.notes n SET contact_id = NULL
	WHERE n.account = erase_contact.account AND n.contact_id = erase_contact.id AND n.saved_at < run.until;
	GET DIAGNOSTICS done = ROW_COUNT;
	DELETE FROM call_log.rejected r
	WHERE r.account = erase_contact.account AND r.rejected_at < run.until AND call_log.event_member(r.body, 'contact_id') = erase_contact.id;
	GET DIAGNOSTICS more = ROW_COUNT;
	UPDATE call_log.erasures SET rows = rows + done + more, last_at = clock_timestamp() WHERE erasures.id = run.id;
	RETURN done + more;
END $$;
COMMENT ON FUNCTION call_log.erase_contact(text, text) IS
'The same as erase_number(), of the calls with a contact of the host. Calls with the contact''s numbers that were never known to be with it are left: erase those by number.';

CREATE PROCEDURE call_log.erase_person(account text, number text DEFAULT NULL, contact text DEFAULT NULL)
LANGUAGE plpgsql AS $$
BEGIN
	WHILE number IS NOT NULL AND call_log.erase_number(account, number) > 0 LOOP
		COMMIT;
	END LOOP;
	COMMIT;
	WHILE contact IS NOT NULL AND call_log.erase_contact(account, contact) > 0 LOOP
		COMMIT;
	END LOOP;
END $$;
COMMENT ON PROCEDURE call_log.erase_person(text, text, text) IS
'Erases all calls with a number, a contact, or both: CALL call_log.erase_person('''', number => ''+12025550143'', contact => ''c-17''). What is interrupted is half done; call it again.';

-- ------------------------------------------------------------- the write path
-- Puts text in place of other text of a function.
CREATE FUNCTION pg_temp.patch(function regprocedure, VARIADIC part text[]) RETURNS void
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

SELECT pg_temp.patch(p.oid::regprocedure,
	'	PERFORM call_log.lock_agents(accounts, agents);',
	'	-- who erases begins when all have committed that do not know of it
	PERFORM pg_advisory_xact_lock_shared(hashtextextended(''call_log.erasing'', 0));
	PERFORM call_log.lock_agents(accounts, agents);',
	'	RETURN written;',
	'	-- no call goes on for longer than a day, to reach another agent then
	SELECT g.until INTO erased FROM call_log.erasing g WHERE g.one AND g.until > ''-infinity'';
	IF erased > least(now() - interval ''1 day'', (SELECT min(e) FROM unnest(emitted_ats) AS e),
	                  (SELECT min(s) FROM unnest(started_ats) AS s)) THEN
		PERFORM call_log.erase_late(accounts, agents, session_ids, emitted_ats);
	END IF;
	IF erased IS NOT NULL AND EXISTS (
		SELECT FROM unnest(accounts, agents, session_ids) AS e (account, agent, session_id)
		WHERE EXISTS (SELECT FROM call_log.calls c WHERE c.account = e.account AND c.session_id = e.session_id
		              AND c.agent = e.agent AND c.erased_at IS NOT NULL OFFSET 0)) THEN
		RETURN -1 - written;
	END IF;
	RETURN written;',
	'	closed  timestamptz;',
	'	closed  timestamptz;
	erased  timestamptz;')
FROM pg_proc p WHERE p.pronamespace = 'call_log'::regnamespace AND p.proname = 'record_calls' \g /dev/null
COMMENT ON FUNCTION call_log.record_calls IS
'The write path: merges a batch of events, given as arrays with one element an event, into call_log.calls and call_log.notes, and returns how many rows it wrote, n; or -1 - n when some of the calls are erased, so that nobody remembers what the events told. The batch must be sorted by (account, agent, session id) bytewise and hold one event a call. NULL elements carry nothing; an empty note is a save without text, which erases a note only if empty_note_erases. Never notifies, but of what it erases.';

SELECT pg_temp.patch('call_log.set_note(text, text, text, text, text)',
	'	IF expected_version <>',
	'	IF held.erased_at IS NOT NULL THEN
		RAISE EXCEPTION ''call % was erased'', quote_literal(session_id)
		USING ERRCODE = ''no_data_found'', HINT = ''Its row only counts; nothing can be noted on it.'';
	END IF;
	IF expected_version <>') \g /dev/null

-- What turns out to be the same call as an erased one is erased, too.
ALTER FUNCTION call_log.unite(text, text, text) RENAME TO unite_rows;
CREATE FUNCTION call_log.erase_united(in_account text, in_agent text, in_session_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
	whole record;
BEGIN
	SELECT array_agg(c.agent) AS agents, array_agg(c.session_id) AS session_ids, max(c.erased_at) AS erased_at INTO whole
	FROM call_log.calls s JOIN call_log.calls c ON c.account = s.account AND c.agent = s.agent
	 AND (c.session_id = coalesce(s.merged_into, s.session_id) OR c.merged_into = coalesce(s.merged_into, s.session_id))
	WHERE s.account = in_account AND s.agent = in_agent AND s.session_id = in_session_id;
	IF whole.erased_at IS NOT NULL THEN
		PERFORM call_log.erase_rows(in_account, whole.agents, whole.session_ids, whole.erased_at);
	END IF;
END $$;
COMMENT ON FUNCTION call_log.erase_united(text, text, text) IS 'Erases the rows that were united with this one if one of them is erased.';
CREATE FUNCTION call_log.unite(in_account text, in_agent text, in_session_id text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM call_log.unite_rows(in_account, in_agent, in_session_id);
	PERFORM call_log.erase_united(in_account, in_agent, in_session_id);
END $$;
COMMENT ON FUNCTION call_log.unite_rows(text, text, text) IS
'Finds all rows that are the same call as this one (equal telephony session id, RingOut legs), lets one stand for it and merges the others into it, with notes, history, contact and recording. For unite().';
COMMENT ON FUNCTION call_log.unite(text, text, text) IS
'Unites all rows that are the same call as this one (unite_rows), and erases them all if one is erased. Needs the agent''s lock.';

-- ------------------------------------------------------------------- reports
CREATE OR REPLACE VIEW call_log.parts AS
SELECT c.account, c.agent, c.session_id, coalesce(c.started_at, c.logged_at) AS began_at, c.started_at, c.logged_at,
       c.direction, CASE c.direction WHEN 'Inbound' THEN c.from_number WHEN 'Outbound' THEN c.to_number END AS other_number,
       c.outcome, c.connected, CASE WHEN c.outcome = 'answered' THEN c.duration_s END AS talk_s,
       coalesce(c.had_note, c.note <> '') AS noted, c.logged_by = 'manual' AS by_hand,
       coalesce(c.had_recording, coalesce(c.recording_id, c.recording_link) IS NOT NULL) AS recorded
FROM call_log.calls c WHERE c.merged_into IS NULL;

CREATE OR REPLACE VIEW call_report.calls AS
SELECT c.id, c.account, c.agent, c.started_at,
       c.started_at + make_interval(secs => c.duration_s) AS ended_at,
       c.direction, c.from_number, c.from_name, c.to_number, c.to_name,
       CASE c.direction WHEN 'Inbound' THEN c.from_number WHEN 'Outbound' THEN c.to_number END AS other_number,
       CASE c.direction WHEN 'Inbound' THEN c.from_name   WHEN 'Outbound' THEN c.to_name   END AS other_name,
       c.state, c.outcome, c.result, c.duration_s,
       CASE WHEN c.outcome = 'answered' THEN c.duration_s END AS talk_s,
       c.queue_call, c.contact_id, c.contact_name, c.contact_type,
       c.note, c.form, c.ai_note, c.transcript,
       c.recording_id, c.recording_link, c.recording_type,
       c.logged_by, c.logged_at, c.updated_at, c.session_id, c.erased_at
FROM call_log.calls c
WHERE c.merged_into IS NULL;
COMMENT ON COLUMN call_report.calls.erased_at IS 'When numbers, names, contact, note and recording were erased; NULL: they were not.';

CREATE OR REPLACE VIEW call_report.without_note AS
SELECT c.account, c.agent, c.started_at, c.talk_s, c.direction, c.other_number, c.other_name,
       c.contact_id, c.contact_name, c.logged_by, c.id, c.session_id
FROM call_report.calls c
WHERE c.talk_s > (SELECT s.note_expected_s FROM call_log.settings s) AND coalesce(c.note, '') = ''
  -- nobody can note anything on it any more
  AND c.erased_at IS NULL;

-- ------------------------------------------------------------------- purging
CREATE TABLE call_log.purged (
	account   text COLLATE "C" PRIMARY KEY,
	until_day date NOT NULL
);
COMMENT ON TABLE call_log.purged IS 'From when on there are calls.';
COMMENT ON COLUMN call_log.purged.account IS 'As in calls.';
COMMENT ON COLUMN call_log.purged.until_day IS 'Calls of days before are purged, or will be; their figures are in the kept_... tables. Days of the reports'' time zone when that was done.';
CREATE TABLE call_log.kept_agent_days (LIKE call_log.rolled_agent_days INCLUDING INDEXES);
CREATE TABLE call_log.kept_team_hours (LIKE call_log.rolled_team_hours INCLUDING INDEXES);
COMMENT ON TABLE call_log.kept_agent_days IS 'agent_days of days whose calls were purged.';
COMMENT ON TABLE call_log.kept_team_hours IS 'team_hours of days whose calls were purged.';

DO $make$
DECLARE
	name  text;
	index record;
	member record;
BEGIN
	FOREACH name IN ARRAY ARRAY['agent_days', 'team_hours'] LOOP
		EXECUTE format('CREATE VIEW call_log.%I AS %s', 'open_' || name, pg_get_viewdef(('call_log.' || name)::regclass));
		EXECUTE format('COMMENT ON VIEW call_log.%I IS %L', 'open_' || name, name || ' of the calls there are.');
		EXECUTE format($$
			CREATE OR REPLACE VIEW call_log.%1$I AS
			SELECT o.* FROM call_log.%2$I o
			WHERE NOT EXISTS (SELECT FROM call_log.purged p WHERE p.account = o.account AND o.day < p.until_day)
			UNION ALL
			SELECT k.* FROM call_log.%3$I k$$, name, 'open_' || name, 'kept_' || name);
		FOR index IN
			SELECT i.indexrelid::regclass AS name, obj_description(o.indexrelid) AS says
			FROM pg_index i JOIN pg_index o ON o.indrelid = ('call_log.rolled_' || name)::regclass AND o.indkey = i.indkey
			WHERE i.indrelid = ('call_log.kept_' || name)::regclass AND NOT i.indisprimary
		LOOP
			EXECUTE format('COMMENT ON INDEX %s IS %L', index.name, index.says);
		END LOOP;
		FOR member IN
			SELECT n.of::regclass AS of, a.attname AS name, col_description(a.attrelid, a.attnum) AS says
			FROM pg_attribute a CROSS JOIN (VALUES ('call_log.open_' || name), ('call_log.kept_' || name)) AS n (of)
			WHERE a.attrelid = ('call_log.' || name)::regclass AND a.attnum > 0
		LOOP
			EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', member.of, member.name, member.says);
		END LOOP;
	END LOOP;
END $make$;

-- What is purged was counted.
DROP TRIGGER mark_deleted ON call_log.calls;
CREATE TRIGGER mark_deleted AFTER DELETE ON call_log.calls FOR EACH ROW
WHEN (current_setting('call_log.purging', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION call_log.mark_changed();
COMMENT ON TRIGGER mark_deleted ON call_log.calls IS 'Not fired by call_log.purge(), which keeps the figures.';

CREATE FUNCTION call_log.keep_figures(in_account text, from_day date, until_day date) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
	INSERT INTO call_log.kept_agent_days SELECT o.* FROM call_log.open_agent_days o
	WHERE o.account = in_account AND o.day >= from_day AND o.day < until_day;
	INSERT INTO call_log.kept_team_hours SELECT o.* FROM call_log.open_team_hours o
	WHERE o.account = in_account AND o.day >= from_day AND o.day < until_day;
	INSERT INTO call_log.purged AS p VALUES (in_account, keep_figures.until_day)
	ON CONFLICT (account) DO UPDATE SET until_day = excluded.until_day;
	DELETE FROM call_log.rolled_agent_days r WHERE r.account = in_account AND r.day < until_day;
	DELETE FROM call_log.rolled_team_hours r WHERE r.account = in_account AND r.day < until_day;
END $$;
COMMENT ON FUNCTION call_log.keep_figures(text, date, date) IS 'Puts the figures of days aside: from then on they are what reports say of these days.';

CREATE FUNCTION call_log.first_calls(in_account text) RETURNS TABLE (account text, agent text, first_at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
	account := coalesce(in_account, '');
	agent := '';
	LOOP
		-- from one agent to the next by the index
		IF in_account IS NULL THEN
			SELECT c.account, c.agent, c.started_at INTO account, agent, first_at FROM call_log.calls c
			WHERE (c.account, c.agent) > (first_calls.account, first_calls.agent) AND c.started_at IS NOT NULL
			ORDER BY c.account, c.agent, c.started_at LIMIT 1;
		ELSE
			SELECT c.account, c.agent, c.started_at INTO account, agent, first_at FROM call_log.calls c
			WHERE c.account = in_account AND c.agent > first_calls.agent AND c.started_at IS NOT NULL
			ORDER BY c.agent, c.started_at LIMIT 1;
		END IF;
		EXIT WHEN NOT FOUND;
		RETURN NEXT;
	END LOOP;
	RETURN QUERY SELECT c.account, c.agent, min(c.logged_at) FROM call_log.calls c
	WHERE c.started_at IS NULL AND (in_account IS NULL OR c.account = in_account) GROUP BY c.account, c.agent;
END $$;
COMMENT ON FUNCTION call_log.first_calls(text) IS 'When the first call of each agent began, of an account or (NULL) all; of calls without a start, when it was logged.';

CREATE FUNCTION call_log.purge_calls(in_account text, cut timestamptz, max_rows integer) RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	calls  text[];
	rows   record;
	free   record;
	done   integer;
BEGIN
	-- A call goes when all agents' parts of it are that old.
	SELECT array_agg(DISTINCT f.session_id) INTO calls FROM (
		SELECT o.session_id FROM (SELECT DISTINCT a.account, a.agent FROM call_log.first_calls(in_account) AS a WHERE a.first_at < cut) AS a
		CROSS JOIN LATERAL (
			(SELECT c.session_id FROM call_log.calls c
			 WHERE c.account = a.account AND c.agent = a.agent AND c.started_at < cut AND c.merged_into IS NULL
			 ORDER BY c.started_at LIMIT 2 * max_rows)
			UNION ALL
			(SELECT c.session_id FROM call_log.calls c
			 WHERE c.account = a.account AND c.agent = a.agent AND c.started_at IS NULL AND c.logged_at < cut AND c.merged_into IS NULL
			 LIMIT 2 * max_rows)
		) AS o
		-- OFFSET 0: a probe of the index a call
		WHERE NOT EXISTS (
			SELECT FROM call_log.calls p WHERE p.account = in_account AND p.session_id = o.session_id
			AND p.merged_into IS NULL AND coalesce(p.started_at, p.logged_at) >= cut OFFSET 0)
		LIMIT max_rows) AS f;
	IF calls IS NULL THEN
		RETURN 0;
	END IF;
	PERFORM call_log.lock_agents(array_agg(in_account), array_agg(DISTINCT c.agent))
	FROM call_log.calls c WHERE c.account = in_account AND c.session_id = ANY (calls);

	-- What somebody has in hand goes another time.
	SELECT array_agg(c.session_id) AS calls, array_agg(c.agent) AS agents, array_agg(c.session_id) AS session_ids
	INTO rows FROM call_log.calls c
	WHERE c.account = in_account AND c.session_id = ANY (calls) AND c.merged_into IS NULL;
	SELECT array_agg(k.session_id) AS calls, array_agg(c.agent) AS agents, array_agg(c.session_id) AS session_ids INTO rows
	FROM unnest(rows.agents, rows.session_ids) AS k (agent, session_id) CROSS JOIN LATERAL (
		SELECT k.agent, k.session_id
		UNION ALL
		SELECT m.agent, m.session_id FROM call_log.calls m
		WHERE m.account = in_account AND m.agent = k.agent AND m.merged_into = k.session_id) AS c;
	SELECT array_agg(l.agent) AS agents, array_agg(l.session_id) AS session_ids INTO free FROM (
		SELECT c.agent, c.session_id FROM unnest(rows.agents, rows.session_ids) AS k (agent, session_id)
		JOIN call_log.calls c ON c.account = in_account AND c.agent = k.agent AND c.session_id = k.session_id
		FOR UPDATE OF c SKIP LOCKED) AS l;
	SELECT array_agg(k.agent) AS agents, array_agg(k.session_id) AS session_ids INTO free
	FROM unnest(rows.calls, rows.agents, rows.session_ids) AS k (call, agent, session_id)
	WHERE k.call NOT IN (
		SELECT b.call FROM unnest(rows.calls, rows.agents, rows.session_ids) AS b (call, agent, session_id)
		WHERE (b.agent, b.session_id) NOT IN (SELECT * FROM unnest(free.agents, free.session_ids)));

	DELETE FROM call_log.rolled_missed_calls r WHERE r.account = in_account AND r.session_id = ANY (free.session_ids);
	DELETE FROM call_log.rolled_live_calls r USING unnest(free.agents, free.session_ids) AS k (agent, session_id)
	WHERE r.account = in_account AND r.agent = k.agent AND r.session_id = k.session_id;
	DELETE FROM call_log.notes n USING unnest(free.agents, free.session_ids) AS k (agent, session_id)
	WHERE n.account = in_account AND n.agent = k.agent AND n.session_id = k.session_id;
	DELETE FROM call_log.calls c USING unnest(free.agents, free.session_ids) AS k (agent, session_id)
	WHERE c.account = in_account AND c.agent = k.agent AND c.session_id = k.session_id;
	GET DIAGNOSTICS done = ROW_COUNT;
	RETURN done;
END $$;
COMMENT ON FUNCTION call_log.purge_calls(text, timestamptz, integer) IS 'Deletes some calls of which every part began before, with all their rows and notes, and returns how many rows.';

CREATE FUNCTION call_log.purge(account text, before timestamptz, max_rows integer DEFAULT 500) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
SET jit = off
SET TimeZone = 'UTC' -- until the reports' is set
AS $$
#variable_conflict use_column
DECLARE
	latest CONSTANT timestamptz := now() - interval '8 days';
	zone   CONSTANT text := (SELECT s.report_time_zone FROM call_log.settings s);
	last   CONSTANT date := (purge.before AT TIME ZONE zone)::date;
	cut    CONSTANT timestamptz := last::timestamp AT TIME ZONE zone;
	old    record;
	kept   date;
	day    date;
	done   integer := 0;
	more   integer;
BEGIN
	IF purge.before IS NULL OR purge.before > latest THEN
		RAISE EXCEPTION 'calls until % cannot be purged, only until % or earlier', coalesce(purge.before::text, 'NULL'), latest
		USING ERRCODE = 'invalid_parameter_value', DETAIL = 'The widget looks back 7 days, and would have them logged again.',
		      HINT = 'Ask for now() - interval ''8 days'' or earlier.';
	END IF;
	max_rows := least(greatest(coalesce(max_rows, 500), 1), 10000);
	PERFORM set_config('TimeZone', zone, true);
	-- figures are not counted meanwhile; and one purges at a time
	PERFORM pg_advisory_xact_lock(hashtextextended('call_log.rollup', 0));

	FOR old IN
		SELECT f.account, min(f.first_at) AS first_at FROM call_log.first_calls(purge.account) AS f
		WHERE f.first_at < cut GROUP BY f.account ORDER BY f.account
	LOOP
		SELECT p.until_day INTO kept FROM call_log.purged p WHERE p.account = old.account;
		PERFORM set_config('call_log.purging', 'on', true);
		IF kept IS NOT NULL THEN
			done := call_log.purge_calls(old.account, least(kept, last)::timestamp AT TIME ZONE zone, max_rows);
		END IF;
		-- the figures of a week at a time
		WHILE done = 0 AND coalesce(kept < last, true) LOOP
			day := least(last, greatest(kept, (old.first_at AT TIME ZONE zone)::date) + 7);
			PERFORM call_log.keep_figures(old.account, coalesce(kept, '-infinity'), day);
			done := call_log.purge_calls(old.account, day::timestamp AT TIME ZONE zone, max_rows);
			kept := day;
		END LOOP;
		PERFORM set_config('call_log.purging', 'off', true);
		IF done > 0 THEN
			UPDATE call_log.erasures e SET rows = e.rows + done, last_at = clock_timestamp()
			WHERE e.kind = 'purge' AND e.account = old.account AND e.until = cut AND e.done_by = session_user;
			IF NOT FOUND THEN
				INSERT INTO call_log.erasures (kind, account, until, began_at, last_at, rows)
				VALUES ('purge', old.account, cut, clock_timestamp(), clock_timestamp(), done);
			END IF;
			EXIT;
		END IF;
	END LOOP;
	IF done = 0 THEN
		DELETE FROM call_log.rejected r WHERE ctid = ANY (ARRAY(
			SELECT r.ctid FROM call_log.rejected r
			WHERE (purge.account IS NULL OR r.account = purge.account) AND r.rejected_at < cut LIMIT max_rows FOR UPDATE SKIP LOCKED));
		GET DIAGNOSTICS done = ROW_COUNT;
		-- what would have to be erased is so old that it would be purged
		UPDATE call_log.erasures e SET hash = NULL
		WHERE (purge.account IS NULL OR e.account = purge.account) AND e.until < cut AND e.hash IS NOT NULL;
	END IF;
	RETURN done;
END $$;
COMMENT ON FUNCTION call_log.purge(text, timestamptz, integer) IS
'Deletes calls, with notes, of whole days before, oldest first, about max_rows of them, and refused events; of an account or (NULL) all. Returns how many rows it deleted: to be called until it returns 0. Figures of reports stay as they were; what comes later for these days is not counted. before must be 8 days ago or earlier.';

-- --------------------------------------------------------------------- rights
DO $$
BEGIN
	IF to_regrole('call_log_admin') IS NULL THEN
		CREATE ROLE call_log_admin NOLOGIN;
		COMMENT ON ROLE call_log_admin IS 'Erases persons, purges old calls, and reads who did.';
	END IF;
END $$;
REVOKE ALL ON FUNCTION call_log.erasures_kept(), call_log.number_key(text), call_log.erasure_hash(text, text),
	call_log.other_numbers(text, text, text), call_log.erased_until(text, text[], text, timestamptz),
	call_log.keep_erased(), call_log.drop_erased_note(), call_log.event_member(text, text), call_log.drop_erased_event(),
	call_log.same_calls(text, text[]), call_log.erase_rows(text, text[], text[], timestamptz),
	call_log.erase_late(text[], text[], text[], timestamptz[]), call_log.erasure(text, text, text),
	call_log.erase_calls(call_log.erasures, text[]), call_log.erased_apart(call_log.erasures),
	call_log.erase_number(text, text), call_log.erase_contact(text, text), call_log.erase_united(text, text, text), call_log.unite(text, text, text),
	call_log.keep_figures(text, date, date), call_log.first_calls(text),
	call_log.purge_calls(text, timestamptz, integer), call_log.purge(text, timestamptz, integer) FROM PUBLIC;
REVOKE ALL ON PROCEDURE call_log.erase_person(text, text, text) FROM PUBLIC;
GRANT USAGE ON SCHEMA call_log TO call_log_admin;
GRANT SELECT ON call_log.erasures TO call_log_admin;
GRANT EXECUTE ON FUNCTION call_log.erase_number(text, text), call_log.erase_contact(text, text),
	call_log.purge(text, timestamptz, integer) TO call_log_admin;
GRANT EXECUTE ON PROCEDURE call_log.erase_person(text, text, text) TO call_log_admin;
GRANT EXECUTE ON FUNCTION call_log.purge(text, timestamptz, integer), call_log.unite(text, text, text),
	call_log.erase_united(text, text, text), call_log.erase_late(text[], text[], text[], timestamptz[]) TO call_log_writer;
GRANT SELECT (one, until) ON call_log.erasing TO call_log_writer;

INSERT INTO call_log.migrations (version, name) VALUES (11, 'life');
COMMIT;
