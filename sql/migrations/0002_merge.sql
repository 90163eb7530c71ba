-- The merge rule: how events become the row of a call.
--
-- The same call arrives three to thirty times, out of order, twice, from two tabs,
-- after a replay. So the row is a function of the *set* of its events, never of
-- their order: each fact has the value of the highest-ranked event that carries
-- it. An absent (NULL) fact carries nothing.
--
--   ranks       call_log.event_rank() makes the order of events total. A row keeps
--               the highest rank it saw (calls.rank) and, for facts that come from
--               another event, that event's rank (calls.ranks). One rank a row
--               would not do: if rank 1 says Y, rank 2 says X and rank 3 nothing,
--               X must win in every order.
--   saves       note, form and contact belong to the agent: the newest save that
--               carries them decides (call_log.save_rank). What the widget found
--               by itself fills a contact only while no agent picked one.
--   one call,   rows of one agent that are the same call under two session ids are
--   two ids     united: one stands for the call, the others point at it
--               (call_log.unite).
--   repeats     an event that was seen before writes nothing. A newer repeat of
--               equal facts moves only the rank, at most once a second a call: the
--               one exception to "order never matters", for calls to oneself repeat
--               a dozen times a second.
--   locks       one advisory lock an agent, taken in one order: two hosts never
--               deadlock, and never miss each other's half of one call.
BEGIN;

CREATE FUNCTION call_log.event_rank(state text, to_self boolean, direction text,
                                    emitted_at timestamptz, duration_s integer, hash bigint)
RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT int8send(
	((CASE state WHEN 'ringing' THEN 1 WHEN 'final' THEN 3 ELSE 2 END)::bigint << 61)
	| ((CASE WHEN to_self AND direction = 'Outbound' THEN 1 ELSE 0 END)::bigint << 60)
	-- at UTC: only so is it immutable to PostgreSQL too, which then inlines all this
	| (greatest(date_part('epoch', emitted_at AT TIME ZONE 'UTC') * 1000, 0)::bigint << 18)
	| least(coalesce(duration_s, 0), 262143)::bigint
) || int8send(hash)
$$;
COMMENT ON FUNCTION call_log.event_rank(text, boolean, text, timestamptz, integer, bigint) IS
'The rank of an event, compared bytewise: stage (ringing; what presence tells; the call-log record), for a call to oneself outbound over inbound, milliseconds of emission, seconds of duration, hash of the message.';

CREATE FUNCTION call_log.save_rank(saved_at timestamptz, request_id text, session_id text)
RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT int8send(greatest(date_part('epoch', saved_at) * 1000000, 0)::bigint)
	|| convert_to(request_id, 'UTF8') || '\x00'::bytea || convert_to(session_id, 'UTF8')
$$;
COMMENT ON FUNCTION call_log.save_rank(timestamptz, text, text) IS
'The rank of a save by the agent, compared bytewise: microseconds, then the request''s name, then the session id, so that no two saves of one call are equal.';

-- The rule for one fact, in two expressions that PostgreSQL inlines. incoming: the
-- event carries it; held: the row has it; rank: the event's; fact: the rank kept
-- for this fact, or NULL; top: the row's highest rank before this event.

CREATE FUNCTION call_log.wins(incoming boolean, held boolean, rank bytea, fact bytea, top bytea)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
'SELECT incoming AND (NOT held OR rank > coalesce(fact, top))';
COMMENT ON FUNCTION call_log.wins(boolean, boolean, bytea, bytea, bytea) IS
'Whether an event sets a fact of the row.';

CREATE FUNCTION call_log.rank_kept(incoming boolean, held boolean, rank bytea, fact bytea, top bytea)
RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
'SELECT CASE WHEN incoming AND (NOT held OR rank > coalesce(fact, top)) THEN nullif(rank, greatest(rank, top))
             WHEN held THEN nullif(coalesce(fact, top), greatest(rank, top)) END';
COMMENT ON FUNCTION call_log.rank_kept(boolean, boolean, bytea, bytea, bytea) IS
'The rank to keep for a fact after an event: NULL where it is the row''s highest, which then is greatest(rank, top).';

-- Whether two rows are one call must not depend on which of several names a row
-- holds at the moment, so all are kept. held: all, once there were two; value: the
-- row's; incoming: the event's.
CREATE FUNCTION call_log.is_another(held text[], value text, incoming text)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
'SELECT coalesce(incoming <> value AND coalesce(incoming <> ALL (held), true), false)';
COMMENT ON FUNCTION call_log.is_another(text[], text, text) IS
'Whether an event brings a name that no event of the row brought before, beside one that it has.';

CREATE FUNCTION call_log.lock_agents(accounts text[], agents text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	-- Who waited must see what the other committed, or misses its half of a call.
	IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE EXCEPTION 'calls cannot be written in a % transaction', current_setting('transaction_isolation')
		USING ERRCODE = 'invalid_transaction_state', HINT = 'BEGIN ISOLATION LEVEL READ COMMITTED.';
	END IF;
	PERFORM pg_advisory_xact_lock(agent_key) FROM (
		SELECT DISTINCT hashtextextended(a.agent, hashtextextended(a.account, 0)) AS agent_key
		FROM unnest(accounts, agents) AS a (account, agent)
		ORDER BY 1
	) AS keys;
END $$;
COMMENT ON FUNCTION call_log.lock_agents(text[], text[]) IS
'Makes this transaction the only writer of these agents'' calls until it ends; everybody asks in the order of the keys. A batch of many agents takes as many entries of the server''s lock table (max_locks_per_transaction).';

CREATE FUNCTION call_log.unite(in_account text, in_agent text, in_session_id text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	members  text[];
	survivor text;
	noted    call_log.calls;
	formed   call_log.calls;
	known    call_log.calls;
	recorded call_log.calls;
BEGIN
	WITH RECURSIVE member AS (
		SELECT c.session_id, c.telephony_session_id, c.telephony_session_ids, c.other_leg, c.other_legs
		FROM call_log.calls c
		WHERE c.account = in_account AND c.agent = in_agent AND c.session_id = in_session_id
		UNION
		SELECT o.* FROM member m CROSS JOIN LATERAL (
			SELECT c.session_id, c.telephony_session_id, c.telephony_session_ids, c.other_leg, c.other_legs
			FROM call_log.calls c
			WHERE c.account = in_account AND c.agent = in_agent AND c.telephony_session_id = m.telephony_session_id
			UNION ALL
			SELECT c.session_id, c.telephony_session_id, c.telephony_session_ids, c.other_leg, c.other_legs
			FROM call_log.calls c
			WHERE c.account = in_account AND c.agent = in_agent AND c.session_id = m.other_leg
			UNION ALL
			SELECT c.session_id, c.telephony_session_id, c.telephony_session_ids, c.other_leg, c.other_legs
			FROM call_log.calls c
			WHERE c.account = in_account AND c.agent = in_agent AND c.other_leg = m.session_id
			UNION ALL
			-- the rare ones with several names
			SELECT c.session_id, c.telephony_session_id, c.telephony_session_ids, c.other_leg, c.other_legs
			FROM call_log.calls c
			WHERE c.account = in_account AND c.agent = in_agent
			  AND (m.telephony_session_ids IS NOT NULL OR m.other_legs IS NOT NULL)
			  AND (c.telephony_session_id = ANY (m.telephony_session_ids) OR c.session_id = ANY (m.other_legs))
			UNION ALL
			SELECT c.session_id, c.telephony_session_id, c.telephony_session_ids, c.other_leg, c.other_legs
			FROM call_log.calls c
			WHERE c.account = in_account AND c.agent = in_agent
			  AND (c.telephony_session_ids IS NOT NULL OR c.other_legs IS NOT NULL)
			  AND (c.telephony_session_ids && (m.telephony_session_ids || m.telephony_session_id)
			       OR m.session_id = ANY (c.other_legs))
		) AS o
	)
	SELECT array_agg(session_id ORDER BY session_id) INTO members FROM member;

	-- A note may be changed by plain UPDATE, which does not know of agents' locks.
	PERFORM FROM call_log.calls c
	WHERE c.account = in_account AND c.agent = in_agent AND c.session_id = ANY (members)
	ORDER BY c.session_id FOR UPDATE;

	-- Who stands for the call depends on nothing that depends on order: a RingOut
	-- leg never does, the call-log record does before presence, then the name decides.
	SELECT c.session_id INTO survivor FROM call_log.calls c
	WHERE c.account = in_account AND c.agent = in_agent AND c.session_id = ANY (members)
	ORDER BY EXISTS (SELECT FROM call_log.calls o
	                 WHERE o.account = in_account AND o.agent = in_agent
	                   AND o.session_id = ANY (members)
	                   AND (o.other_leg = c.session_id OR c.session_id = ANY (o.other_legs))),
	         c.state <> 'final', c.session_id
	LIMIT 1;

	-- All of them share what the agent saved, the contact and the recording: so it
	-- does not matter who stood for the call meanwhile.
	SELECT * INTO noted FROM call_log.calls c
	WHERE c.account = in_account AND c.agent = in_agent AND c.session_id = ANY (members)
	ORDER BY (c.ranks).note DESC NULLS LAST LIMIT 1;
	SELECT * INTO formed FROM call_log.calls c
	WHERE c.account = in_account AND c.agent = in_agent AND c.session_id = ANY (members)
	ORDER BY (c.ranks).form DESC NULLS LAST LIMIT 1;
	SELECT * INTO known FROM call_log.calls c
	WHERE c.account = in_account AND c.agent = in_agent AND c.session_id = ANY (members)
	ORDER BY (c.ranks).contact DESC NULLS LAST LIMIT 1;
	SELECT * INTO recorded FROM call_log.calls c
	WHERE c.account = in_account AND c.agent = in_agent AND c.session_id = ANY (members)
	  AND coalesce(c.recording_id, c.recording_link, c.recording_uri, c.recording_type) IS NOT NULL
	ORDER BY coalesce((c.ranks).recording, c.rank) DESC LIMIT 1;

	UPDATE call_log.calls c SET
		merged_into    = nullif(survivor, c.session_id),
		note           = noted.note,
		form           = formed.form,
		contact_id     = known.contact_id,
		contact_name   = known.contact_name,
		contact_type   = known.contact_type,
		recording_id   = recorded.recording_id,
		recording_link = recorded.recording_link,
		recording_uri  = recorded.recording_uri,
		recording_type = recorded.recording_type,
		ranks.note      = (noted.ranks).note,
		ranks.form      = (formed.ranks).form,
		ranks.contact   = (known.ranks).contact,
		ranks.recording = nullif(coalesce((recorded.ranks).recording, recorded.rank), c.rank),
		updated_at     = now()
	WHERE c.account = in_account AND c.agent = in_agent AND c.session_id = ANY (members)
	  AND (c.merged_into, (c.ranks).note, (c.ranks).form, (c.ranks).contact,
	       CASE WHEN coalesce(c.recording_id, c.recording_link, c.recording_uri, c.recording_type) IS NOT NULL
	            THEN coalesce((c.ranks).recording, c.rank) END)
	      IS DISTINCT FROM
	      (nullif(survivor, c.session_id), (noted.ranks).note, (formed.ranks).form, (known.ranks).contact,
	       coalesce((recorded.ranks).recording, recorded.rank));

	-- A save that was sent for two of them stays where it is, once.
	UPDATE call_log.notes n SET session_id = survivor
	WHERE n.account = in_account AND n.agent = in_agent
	  AND n.session_id = ANY (members) AND n.session_id <> survivor
	  AND NOT EXISTS (SELECT FROM call_log.notes o
	                  WHERE o.account = in_account AND o.agent = in_agent AND o.session_id = ANY (members)
	                    AND (o.saved_at, o.request_id) = (n.saved_at, n.request_id)
	                    AND (o.session_id = survivor OR o.session_id < n.session_id));
END $$;
COMMENT ON FUNCTION call_log.unite(text, text, text) IS
'Finds all rows that are the same call as this one (equal telephony session id, RingOut legs), lets one stand for it and merges the others into it, with notes, history, contact and recording. Needs the agent''s lock.';

CREATE TYPE call_log.changed AS (
	account text, agent text, session_id text, telephony_session_id text, other_leg text, several_names boolean
);
COMMENT ON TYPE call_log.changed IS 'A row that record_calls() wrote, and what may tie it to others.';

-- record_calls() says the same of every fact, so its text is made from a list of
-- them: here is the shape, with <marks> where the list goes; then the list.
DO $make$
DECLARE
	shape text := $shape$
CREATE FUNCTION call_log.record_calls(
	accounts text[], agents text[], session_ids text[], request_ids text[],
	emitted_ats timestamptz[], hashes bigint[], states text[], to_selves boolean[],
	logged_bys text[], connecteds boolean[],
	telephony_session_ids text[], party_ids text[], other_legs text[], directions text[],
	from_numbers text[], from_names text[], to_numbers text[], to_names text[],
	queue_calls boolean[], started_ats timestamptz[], durations_s integer[], results text[],
	ai_notes text[], transcripts text[],
	recording_ids text[], recording_links text[], recording_uris text[], recording_types text[],
	contact_ids text[], contact_names text[], contact_types text[], contacts_picked boolean[],
	notes text[], forms text[], bodies text[], empty_note_erases boolean)
RETURNS integer LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
-- a plan made while the table was empty must not scan it once it is not
SET enable_seqscan = off
AS $body$
DECLARE
	written integer;
	changed call_log.changed[];
	seed    record;
BEGIN
	PERFORM call_log.lock_agents(accounts, agents);

	WITH event AS (
		SELECT e.*,
		       call_log.event_rank(e.state, e.to_self, e.direction, e.emitted_at, e.duration_s, e.hash) AS rank,
		       CASE WHEN e.logged_by = 'manual'
		            THEN call_log.save_rank(e.emitted_at, e.request_id, e.session_id) END AS save_rank
		FROM unnest(accounts, agents, session_ids, request_ids, emitted_ats, hashes, states, to_selves,
		            logged_bys, connecteds, telephony_session_ids, party_ids, other_legs, directions,
		            from_numbers, from_names, to_numbers, to_names, queue_calls, started_ats, durations_s,
		            results, ai_notes, transcripts, recording_ids, recording_links, recording_uris,
		            recording_types, contact_ids, contact_names, contact_types, contacts_picked,
		            notes, forms, bodies)
		     AS e (account, agent, session_id, request_id, emitted_at, hash, state, to_self,
		           logged_by, connected, telephony_session_id, party_id, other_leg, direction,
		           from_number, from_name, to_number, to_name, queue_call, started_at, duration_s,
		           result, ai_note, transcript, recording_id, recording_link, recording_uri,
		           recording_type, contact_id, contact_name, contact_type, contact_picked,
		           note, form, body)
	), upserted AS (
		INSERT INTO call_log.calls AS c (
			account, agent, session_id, state, logged_by, connected, last_event_at, rank, ranks,
			telephony_session_id, party_id, other_leg, direction, from_number, from_name, to_number,
			to_name, queue_call, started_at, duration_s, result, ai_note, transcript,
			recording_id, recording_link, recording_uri, recording_type,
			contact_id, contact_name, contact_type, note, form, body)
		SELECT e.account, e.agent, e.session_id, e.state, e.logged_by, e.connected, e.emitted_at, e.rank,
		       ROW (<no ranks>,
		            CASE WHEN e.contact_id IS NULL THEN NULL
		                 WHEN e.contact_picked AND e.logged_by = 'manual' THEN '\x01'::bytea || e.save_rank
		                 ELSE '\x00'::bytea || e.rank END,
		            CASE WHEN e.note <> '' OR e.note = '' AND empty_note_erases THEN e.save_rank END,
		            CASE WHEN e.form IS NOT NULL THEN e.save_rank END)::call_log.fact_ranks,
		       e.telephony_session_id, e.party_id, e.other_leg, e.direction, e.from_number, e.from_name,
		       e.to_number, e.to_name, e.queue_call, e.started_at, e.duration_s, e.result, e.ai_note,
		       e.transcript, e.recording_id, e.recording_link, e.recording_uri, e.recording_type,
		       e.contact_id, CASE WHEN e.contact_id IS NOT NULL THEN e.contact_name END,
		       CASE WHEN e.contact_id IS NOT NULL THEN e.contact_type END,
		       -- only a save carries them
		       CASE WHEN e.logged_by = 'manual' THEN nullif(e.note, '') END,
		       CASE WHEN e.logged_by = 'manual' THEN e.form::jsonb END, e.body::json
		FROM event e
		ON CONFLICT (account, agent, session_id) DO UPDATE SET
			state         = CASE WHEN excluded.rank > c.rank THEN excluded.state ELSE c.state END,
			last_event_at = CASE WHEN excluded.rank > c.rank THEN excluded.last_event_at ELSE c.last_event_at END,
			rank          = greatest(excluded.rank, c.rank),
			connected     = c.connected OR excluded.connected,
			logged_by     = CASE WHEN 'manual' IN (c.logged_by, excluded.logged_by) THEN 'manual'
			                     WHEN 'auto'   IN (c.logged_by, excluded.logged_by) THEN 'auto'
			                     ELSE 'backfill' END,
			<values>,
			telephony_session_ids = CASE
				WHEN call_log.is_another(c.telephony_session_ids, c.telephony_session_id, excluded.telephony_session_id)
				THEN coalesce(c.telephony_session_ids, ARRAY[c.telephony_session_id]) || excluded.telephony_session_id
				ELSE c.telephony_session_ids END,
			other_legs    = CASE
				WHEN call_log.is_another(c.other_legs, c.other_leg, excluded.other_leg)
				THEN coalesce(c.other_legs, ARRAY[c.other_leg]) || excluded.other_leg
				ELSE c.other_legs END,
			ranks = ROW (<ranks>)::call_log.fact_ranks,
			updated_at    = CASE WHEN excluded.rank > c.rank AND <same> THEN c.updated_at ELSE now() END
		WHERE CASE
			WHEN excluded.rank = c.rank THEN false
			WHEN excluded.rank > c.rank THEN NOT (
				excluded.last_event_at > c.last_event_at
				AND excluded.last_event_at < c.last_event_at + interval '1 second'
				AND <same>)
			ELSE <any wins>
				OR excluded.connected AND NOT c.connected
				OR call_log.is_another(c.telephony_session_ids, c.telephony_session_id, excluded.telephony_session_id)
				OR call_log.is_another(c.other_legs, c.other_leg, excluded.other_leg)
				OR excluded.logged_by = 'manual' AND c.logged_by <> 'manual'
				OR excluded.logged_by = 'auto' AND c.logged_by = 'backfill'
			END
		RETURNING c.account, c.agent, c.session_id, c.telephony_session_id, c.other_leg,
		          c.telephony_session_ids IS NOT NULL OR c.other_legs IS NOT NULL
	)
	SELECT count(*), array_agg(ROW (u.*)::call_log.changed) INTO written, changed FROM upserted u;

	FOR seed IN
		SELECT w.account, w.agent, w.session_id FROM unnest(changed) AS w
		-- OFFSET 0: by index, a row at a time, whatever the table's statistics were
		WHERE EXISTS (SELECT FROM call_log.calls p
		              WHERE p.account = w.account AND p.agent = w.agent
		                AND p.telephony_session_id = w.telephony_session_id AND p.session_id <> w.session_id OFFSET 0)
		   OR w.other_leg IS NOT NULL AND EXISTS (
		              SELECT FROM call_log.calls p
		              WHERE p.account = w.account AND p.agent = w.agent AND p.session_id = w.other_leg OFFSET 0)
		   OR EXISTS (SELECT FROM call_log.calls p
		              WHERE p.account = w.account AND p.agent = w.agent AND p.other_leg = w.session_id OFFSET 0)
		   OR EXISTS (SELECT FROM call_log.calls p
		              WHERE p.account = w.account AND p.agent = w.agent
		                AND (p.telephony_session_ids IS NOT NULL OR p.other_legs IS NOT NULL)
		                AND (w.telephony_session_id = ANY (p.telephony_session_ids) OR w.session_id = ANY (p.other_legs)) OFFSET 0)
		   OR w.several_names
		ORDER BY 1, 2, 3
	LOOP
		PERFORM call_log.unite(seed.account, seed.agent, seed.session_id);
	END LOOP;

	IF 'manual' = ANY (logged_bys) THEN
		INSERT INTO call_log.notes (account, agent, session_id, saved_at, request_id, note, form, contact_id)
		SELECT e.account, e.agent,
		       coalesce((SELECT c.merged_into FROM call_log.calls c
		                 WHERE c.account = e.account AND c.agent = e.agent AND c.session_id = e.session_id),
		                e.session_id), e.saved_at, e.request_id,
		       e.note, e.form::jsonb, CASE WHEN e.picked THEN e.contact_id END
		FROM unnest(accounts, agents, session_ids, emitted_ats, request_ids, logged_bys, notes, forms,
		            contact_ids, contacts_picked)
		     AS e (account, agent, session_id, saved_at, request_id, logged_by, note, form, contact_id, picked)
		WHERE e.logged_by = 'manual'
		  AND (e.note IS NOT NULL OR e.form IS NOT NULL OR e.picked AND e.contact_id IS NOT NULL)
		ON CONFLICT DO NOTHING;
	END IF;
	RETURN written;
END $body$
$shape$;
BEGIN
	SELECT replace(replace(replace(replace(replace(shape,
	       '<no ranks>', string_agg('NULL', ', ') FILTER (WHERE NOT saved)),
	       '<values>',   string_agg(f.set_values, E',\n\t\t\t')),
	       '<ranks>',    string_agg(f.set_rank, E',\n\t\t\t\t' ORDER BY f.place)),
	       '<any wins>', string_agg(f.wins, E'\n\t\t\t\tOR ')),
	       '<same>',     '(excluded.state = c.state AND excluded.logged_by <> ''manual'' AND c.logged_by <> ''backfill'''
	                     || E'\n\t\t\t\tAND (c.connected OR NOT excluded.connected)\n\t\t\t\tAND '
	                     || string_agg(f.same, E'\n\t\t\t\tAND ') FILTER (WHERE f.fact <> 'body') || ')')
	INTO shape
	FROM (
		SELECT g.*,
		       (SELECT string_agg(format('%I = CASE WHEN %s THEN excluded.%I ELSE c.%I END', col, g.wins, col, col),
		                          E',\n\t\t\t') FROM unnest(g.cols) AS col) AS set_values,
		       (SELECT format('(NOT %s OR (%s) IS NOT DISTINCT FROM (%s))', g.incoming,
		                      string_agg(format('excluded.%I', col), ', '), string_agg(format('c.%I', col), ', '))
		        FROM unnest(g.cols) AS col) AS same
		FROM (
			SELECT h.*,
			       CASE WHEN h.saved
			       THEN format('coalesce((excluded.ranks).%1$I > coalesce((c.ranks).%1$I, ''''), false)', h.fact)
			       ELSE format('call_log.wins(%s, %s, excluded.rank, (c.ranks).%I, c.rank)', h.incoming, h.held, h.fact)
			       END AS wins,
			       CASE WHEN h.saved
			       THEN format('greatest((excluded.ranks).%1$I, (c.ranks).%1$I)', h.fact)
			       ELSE format('call_log.rank_kept(%s, %s, excluded.rank, (c.ranks).%I, c.rank)', h.incoming, h.held, h.fact)
			       END AS set_rank
			FROM (
				SELECT l.*, a.attnum AS place,
				       format('(coalesce(%s) IS NOT NULL)', (SELECT string_agg('excluded.' || col, ', ') FROM unnest(l.cols) AS col)) AS incoming,
				       format('(coalesce(%s) IS NOT NULL)', (SELECT string_agg('c.' || col, ', ') FROM unnest(l.cols) AS col)) AS held
				-- the facts; members of a group travel together; what differs
				-- most often stands first; saved: ranked by the agent's save
				FROM (VALUES
					('duration_s',           '{duration_s}'::text[],           false),
					('result',               '{result}',                       false),
					('started_at',           '{started_at}',                   false),
					('telephony_session_id', '{telephony_session_id}',         false),
					('party_id',             '{party_id}',                     false),
					('other_leg',            '{other_leg}',                    false),
					('direction',            '{direction}',                    false),
					('from_number',          '{from_number}',                  false),
					('from_name',            '{from_name}',                    false),
					('to_number',            '{to_number}',                    false),
					('to_name',              '{to_name}',                      false),
					('queue_call',           '{queue_call}',                   false),
					('ai_note',              '{ai_note}',                      false),
					('transcript',           '{transcript}',                   false),
					('body',                 '{body}',                         false),
					('recording', '{recording_id,recording_link,recording_uri,recording_type}', false),
					('contact',   '{contact_id,contact_name,contact_type}',    true),
					('note',                 '{note}',                         true),
					('form',                 '{form}',                         true)
				) AS l (fact, cols, saved)
				JOIN pg_attribute a ON a.attrelid = 'call_log.fact_ranks'::regclass AND a.attname = l.fact
			) AS h
		) AS g
	) AS f;
	EXECUTE shape;
END $make$;
COMMENT ON FUNCTION call_log.record_calls IS
'The write path: merges a batch of events, given as arrays with one element an event, into call_log.calls and call_log.notes, and returns how many rows it wrote. The batch must be sorted by (account, agent, session id) bytewise and hold one event a call. NULL elements carry nothing; an empty note is a save without text, which erases a note only if empty_note_erases. Never notifies.';

CREATE FUNCTION call_log.note_version(call_log.calls) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$SELECT coalesce(encode(sha256(($1.ranks).note), 'hex'), '')$$;
COMMENT ON FUNCTION call_log.note_version(call_log.calls) IS
'Names the save that the note comes from, empty where none was saved: SELECT c.note, call_log.note_version(c) FROM call_log.calls c. For set_note().';

CREATE FUNCTION call_log.tell_note_saved(account text, agent text, session_id text, request_id text) RETURNS void
LANGUAGE sql VOLATILE AS $$
SELECT pg_notify('call_log', json_build_object('account', account, 'agent', agent, 'session_id', session_id,
                                               'request_id', request_id)::text)
$$;
COMMENT ON FUNCTION call_log.tell_note_saved(text, text, text, text) IS
'Tells listeners of channel call_log that a note was changed elsewhere, so that the agent''s widgets can show it; request_id names the save for who finds it by changes_since() too.';

CREATE FUNCTION call_log.set_note(account text, agent text, session_id text, note text,
                                  expected_version text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	held     call_log.calls;
	now_at   timestamptz;
	request  text := 'set_note/' || gen_random_uuid();
BEGIN
	PERFORM call_log.lock_agents(ARRAY[set_note.account], ARRAY[set_note.agent]);
	SELECT s.* INTO held
	FROM call_log.calls c JOIN call_log.calls s
	  ON s.account = c.account AND s.agent = c.agent AND s.session_id = coalesce(c.merged_into, c.session_id)
	WHERE c.account = set_note.account AND c.agent = set_note.agent AND c.session_id = set_note.session_id
	FOR UPDATE OF s;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'agent % has no call %', quote_literal(agent), quote_literal(session_id)
		USING ERRCODE = 'no_data_found';
	END IF;
	IF expected_version <> call_log.note_version(held) THEN
		RAISE EXCEPTION 'the note of call % was changed meanwhile', quote_literal(session_id)
		USING ERRCODE = 'CL001', DETAIL = format('expected version %s, found %s', expected_version, call_log.note_version(held)),
		      HINT = 'Read the note and its note_version again, then decide.';
	END IF;

	now_at := clock_timestamp();
	UPDATE call_log.calls c SET
		note       = nullif(set_note.note, ''),
		ranks.note = greatest(call_log.save_rank(now_at, request, held.session_id),
		                      -- a widget's clock may be ahead: what is saved last must win
		                      (held.ranks).note || '\x00'::bytea),
		updated_at = now()
	WHERE c.account = held.account AND c.agent = held.agent AND c.session_id = held.session_id
	RETURNING c.* INTO held;
	INSERT INTO call_log.notes (account, agent, session_id, saved_at, request_id, note)
	VALUES (held.account, held.agent, held.session_id, now_at, request, coalesce(set_note.note, ''));
	PERFORM call_log.unite(held.account, held.agent, held.session_id);
	PERFORM call_log.tell_note_saved(held.account, held.agent, held.session_id, request);
	RETURN call_log.note_version(held);
END $$;
COMMENT ON FUNCTION call_log.set_note(text, text, text, text, text) IS
'Changes the note of a call from outside the widget (NULL or empty erases it), keeps the save in call_log.notes, notifies, and returns the new note_version. With expected_version it refuses, SQLSTATE CL001, when the note is not that version any more. An unknown call: SQLSTATE P0002.';

CREATE FUNCTION call_log.note_updated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	now_at   timestamptz := clock_timestamp();
	request  text := 'sql/' || gen_random_uuid();
BEGIN
	IF NEW.merged_into IS NOT NULL THEN
		RAISE EXCEPTION 'call % was merged into call %', quote_literal(NEW.session_id), quote_literal(NEW.merged_into)
		USING ERRCODE = 'CL002', HINT = 'Change the note of that one (WHERE merged_into IS NULL), or use call_log.set_note().';
	END IF;
	NEW.note := nullif(NEW.note, '');
	NEW.ranks.note := greatest(call_log.save_rank(now_at, request, NEW.session_id), (OLD.ranks).note || '\x00'::bytea);
	NEW.updated_at := now();
	INSERT INTO call_log.notes (account, agent, session_id, saved_at, request_id, note)
	VALUES (NEW.account, NEW.agent, NEW.session_id, now_at, request, coalesce(NEW.note, ''));
	PERFORM call_log.tell_note_saved(NEW.account, NEW.agent, NEW.session_id, request);
	RETURN NEW;
END $$;
COMMENT ON FUNCTION call_log.note_updated() IS
'Makes a plain UPDATE of a note a save like any other: ranked, kept and told.';

-- Our own writers move the note's rank with the note; a plain UPDATE does not.
CREATE TRIGGER note_updated BEFORE UPDATE ON call_log.calls FOR EACH ROW
WHEN (NEW.note IS DISTINCT FROM OLD.note AND (NEW.ranks).note IS NOT DISTINCT FROM (OLD.ranks).note)
EXECUTE FUNCTION call_log.note_updated();
COMMENT ON TRIGGER note_updated ON call_log.calls IS 'Not fired by the write path, whose saves move the note''s rank.';

CREATE FUNCTION call_log.retry_rejected(account text DEFAULT NULL, agent text DEFAULT NULL, session_id text DEFAULT NULL,
                                        empty_note_erases boolean DEFAULT false)
RETURNS integer LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	refused call_log.rejected;
	stated  text;
	rule    text;
	logged  integer := 0;
BEGIN
	-- all at once, in the order that everybody asks in
	PERFORM call_log.lock_agents(array_agg(r.account), array_agg(r.agent)) FROM call_log.rejected r
	WHERE r.account = coalesce(retry_rejected.account, r.account)
	  AND r.agent = coalesce(retry_rejected.agent, r.agent)
	  AND r.session_id = coalesce(retry_rejected.session_id, r.session_id)
	HAVING count(*) > 0;
	FOR refused IN
		SELECT r.* FROM call_log.rejected r
		WHERE r.account = coalesce(retry_rejected.account, r.account)
		  AND r.agent = coalesce(retry_rejected.agent, r.agent)
		  AND r.session_id = coalesce(retry_rejected.session_id, r.session_id)
		  AND r.body IS NOT NULL
		ORDER BY r.account, r.agent, r.session_id, r.request_id
		FOR UPDATE
	LOOP
		BEGIN
			PERFORM call_log.record_calls(
				ARRAY[e.account], ARRAY[e.agent], ARRAY[e.session_id], ARRAY[e.request_id],
				ARRAY[e.emitted_at], ARRAY[e.hash], ARRAY[e.state], ARRAY[e.to_self],
				ARRAY[e.logged_by], ARRAY[e.connected], ARRAY[e.telephony_session_id], ARRAY[e.party_id],
				ARRAY[e.other_leg], ARRAY[e.direction], ARRAY[e.from_number], ARRAY[e.from_name],
				ARRAY[e.to_number], ARRAY[e.to_name], ARRAY[e.queue_call], ARRAY[e.started_at],
				ARRAY[e.duration_s], ARRAY[e.result], ARRAY[e.ai_note], ARRAY[e.transcript],
				ARRAY[e.recording_id], ARRAY[e.recording_link], ARRAY[e.recording_uri], ARRAY[e.recording_type],
				ARRAY[e.contact_id], ARRAY[e.contact_name], ARRAY[e.contact_type], ARRAY[e.contact_picked],
				ARRAY[e.note], ARRAY[e.form], ARRAY[e.body], empty_note_erases)
			FROM json_to_record(refused.body::json) AS e (
				account text, agent text, session_id text, request_id text, emitted_at timestamptz, hash bigint,
				state text, to_self boolean, logged_by text, connected boolean, telephony_session_id text,
				party_id text, other_leg text, direction text, from_number text, from_name text, to_number text,
				to_name text, queue_call boolean, started_at timestamptz, duration_s integer, result text,
				ai_note text, transcript text, recording_id text, recording_link text, recording_uri text,
				recording_type text, contact_id text, contact_name text, contact_type text,
				contact_picked boolean, note text, form text, body text);
			DELETE FROM call_log.rejected r
			WHERE r.account = refused.account AND r.agent = refused.agent
			  AND r.session_id = refused.session_id AND r.request_id = refused.request_id;
			logged := logged + 1;
		EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
			-- again without the data
			GET STACKED DIAGNOSTICS stated = RETURNED_SQLSTATE, rule = CONSTRAINT_NAME;
			UPDATE call_log.rejected r
			SET sqlstate = stated,
			    reason = coalesce('constraint ' || nullif(rule, '') || ' ', '') || format('(SQLSTATE %s)', stated)
			WHERE r.account = refused.account AND r.agent = refused.agent
			  AND r.session_id = refused.session_id AND r.request_id = refused.request_id;
			CONTINUE;
		END;
		PERFORM call_log.tell_note_saved(refused.account, refused.agent, refused.session_id, refused.request_id);
	END LOOP;
	RETURN logged;
END $$;
COMMENT ON FUNCTION call_log.retry_rejected(text, text, text, boolean) IS
'Logs events of call_log.rejected after all, once what they were refused for is mended, and returns how many; NULL means any. What is refused again stays, with its new SQLSTATE and reason. The agents'' widgets are told. For the owner of the schema; empty_note_erases as in record_calls().';

INSERT INTO call_log.migrations (version, name) VALUES (2, 'merge');
COMMIT;
