-- The write path, so that a usual event costs little more than the row it makes.
--
--   usual       nearly every event is newer than all that its call knows, changes the
--               state, is no save, and says nothing new of which other session ids the
--               call has. Of the merge rule (0002_merge.sql) then little is left: every
--               fact it carries wins, every other stays. That is one plain UPDATE, the
--               first statement of record_calls(). What it leaves goes by the whole rule,
--               the second.
--   alone       whether a call has other session ids is looked for when a row comes, or
--               when it says anything new of that: not at every event (calls.alone).
--   arrays      an element of an array that PL/pgSQL holds is at hand; unnest() would
--               write each of the 35 arrays into a store of its own first, and read it
--               from there.
--   plans       are made once a session: the statements are long, and what makes a plan
--               good does not depend on the events. So none may be made that reads a
--               table from its beginning to its end, which is right for a small one.
--   pages       an update that finds room on its page touches no index. Calls that began
--               together lie together, and a busy batch updates them all at once. So rows
--               are to be small, with the message apart (which nothing but a look at it
--               reads), and to leave room for as much again.
BEGIN;

-- Whoever writes calls is let end; whoever wants to write then waits.
LOCK TABLE call_log.calls IN ACCESS EXCLUSIVE MODE;

-- NULL in all rows that are there: nothing is written now, it is looked for as before.
ALTER TABLE call_log.calls ADD alone boolean;
COMMENT ON COLUMN call_log.calls.alone IS
'Whether no other row was ever found to be the same call; NULL: not known, as of rows of before and of those that record_calls() did not make. Where other means made rows beside: UPDATE call_log.calls SET alone = NULL has it looked for.';

-- For rows that are written from now on.
ALTER TABLE call_log.calls SET (fillfactor = 50, toast_tuple_target = 512);

-- Puts text in place of other text of a function.
CREATE OR REPLACE FUNCTION pg_temp.patch(function regprocedure, VARIADIC part text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	source text := pg_get_functiondef(function);
BEGIN
	FOR i IN 1 .. cardinality(part) BY 2 LOOP
		IF cardinality(string_to_array(source, part[i])) <> 2 THEN
			RAISE EXCEPTION 'function % does not say % once', function, quote_literal(part[i]);
		END IF;
		source := replace(source, part[i], part[i + 1]);
	END LOOP;
	EXECUTE source;
END $$;
SELECT pg_temp.patch('call_log.unite_rows(text, text, text)',
	E'\n\t\tranks.recording = ',
	E'\n\t\talone           = cardinality(members) = 1 AND c.alone,\n\t\tranks.recording = ',
	'AND (c.merged_into, ',
	'AND (c.alone, c.merged_into, ',
	'(nullif(survivor, c.session_id), (noted.ranks).note, ',
	'(cardinality(members) = 1 AND c.alone, nullif(survivor, c.session_id), (noted.ranks).note, ') \g /dev/null

-- record_calls() says the same of every fact, so its text is made from a list of
-- them: here is the shape, with <marks> where the list goes; then the list. It
-- replaces that of 0002_merge.sql, and what 0009_rollup.sql and 0011_life.sql put into
-- it; \sf call_log.record_calls shows it whole.
DO $make$
DECLARE
	shape text := $shape$
CREATE OR REPLACE FUNCTION call_log.record_calls(
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
SET plan_cache_mode = force_generic_plan
-- a plan made while the table was empty must not scan it once it is not
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_indexscan = on
AS $body$
DECLARE
	events  CONSTANT integer := cardinality(accounts);
	usual   integer[];  -- which events were dealt with by the first statement
	changed call_log.changed[];
	written integer := 0;
	seed    record;
	began   timestamptz;
	earlier timestamptz;
	closed  timestamptz;
	erased  timestamptz;
BEGIN
	-- who erases begins when all have committed that do not know of it
	PERFORM pg_advisory_xact_lock_shared(hashtextextended('call_log.erasing', 0));
	PERFORM call_log.lock_agents(accounts, agents);

	-- The usual event. No fact of a row that is alone has a rank above the row's, so a
	-- newer event's is above all of them.
	-- Of a table that it takes for empty the planner would rather read all, in the order
	-- of an index; without that only a look by the key is left.
	PERFORM set_config('enable_indexscan', 'off', true);
	WITH updated AS (
		UPDATE call_log.calls c SET
			state         = states[e.i],
			last_event_at = emitted_ats[e.i],
			rank          = e.rank,
			connected     = c.connected OR connecteds[e.i],
			logged_by     = CASE c.logged_by WHEN 'backfill' THEN logged_bys[e.i] ELSE c.logged_by END,
			<newer values>,
			-- all that reports count by begins with a quarter of an hour
			moved_from    = CASE
				WHEN started_ats[e.i] <> coalesce(c.started_at, c.logged_at)
				     AND date_bin('15 min', started_ats[e.i], 'epoch') <> date_bin('15 min', coalesce(c.started_at, c.logged_at), 'epoch')
				THEN coalesce(c.started_at, c.logged_at) ELSE c.moved_from END,
			ranks         = ROW (<newer ranks>)::call_log.fact_ranks,
			updated_at    = now()
		-- OFFSET 0: the rank is reckoned once
		FROM (SELECT i, accounts[i] AS account, agents[i] AS agent, session_ids[i] AS session_id,
		             call_log.event_rank(states[i], to_selves[i], directions[i], emitted_ats[i], durations_s[i], hashes[i]) AS rank
		      FROM generate_series(1, events) AS i OFFSET 0) AS e
		WHERE c.account = e.account AND c.agent = e.agent AND c.session_id = e.session_id
		  AND e.rank > c.rank AND states[e.i] <> c.state AND c.alone AND logged_bys[e.i] <> 'manual'
		  AND coalesce(record_calls.telephony_session_ids[e.i] = c.telephony_session_id,
		               record_calls.telephony_session_ids[e.i] IS NULL)
		  AND coalesce(record_calls.other_legs[e.i] = c.other_leg, record_calls.other_legs[e.i] IS NULL)
		RETURNING e.i, least(coalesce(c.started_at, c.logged_at), c.moved_from) AS began_at
	)
	SELECT array_agg(u.i), min(u.began_at) INTO usual, began FROM updated u;
	PERFORM set_config('enable_indexscan', 'on', true);

	-- Any event.
	IF cardinality(usual) IS DISTINCT FROM events THEN
		WITH upserted AS (
			INSERT INTO call_log.calls AS c (
				account, agent, session_id, alone, state, logged_by, connected, last_event_at, rank, ranks,
				telephony_session_id, party_id, other_leg, direction, from_number, from_name, to_number,
				to_name, queue_call, started_at, duration_s, result, ai_note, transcript,
				recording_id, recording_link, recording_uri, recording_type,
				contact_id, contact_name, contact_type, note, form, body)
			SELECT e.account, e.agent, e.session_id, true, e.state, e.logged_by, e.connected, e.emitted_at, e.rank,
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
			FROM (
				SELECT accounts[i] AS account, agents[i] AS agent, session_ids[i] AS session_id, states[i] AS state,
				       logged_bys[i] AS logged_by, connecteds[i] AS connected, emitted_ats[i] AS emitted_at,
				       telephony_session_ids[i] AS telephony_session_id, party_ids[i] AS party_id,
				       other_legs[i] AS other_leg, directions[i] AS direction, from_numbers[i] AS from_number,
				       from_names[i] AS from_name, to_numbers[i] AS to_number, to_names[i] AS to_name,
				       queue_calls[i] AS queue_call, started_ats[i] AS started_at, durations_s[i] AS duration_s,
				       results[i] AS result, ai_notes[i] AS ai_note, transcripts[i] AS transcript,
				       recording_ids[i] AS recording_id, recording_links[i] AS recording_link,
				       recording_uris[i] AS recording_uri, recording_types[i] AS recording_type,
				       contact_ids[i] AS contact_id, contact_names[i] AS contact_name, contact_types[i] AS contact_type,
				       contacts_picked[i] AS contact_picked, notes[i] AS note, forms[i] AS form, bodies[i] AS body,
				       call_log.event_rank(states[i], to_selves[i], directions[i], emitted_ats[i], durations_s[i], hashes[i]) AS rank,
				       CASE WHEN logged_bys[i] = 'manual'
				            THEN call_log.save_rank(emitted_ats[i], request_ids[i], session_ids[i]) END AS save_rank
				FROM generate_series(1, events) AS i
				WHERE i NOT IN (SELECT unnest(usual)) OFFSET 0
			) AS e
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
				moved_from    = CASE
					WHEN date_bin('15 min', <started>, 'epoch') <> date_bin('15 min', coalesce(c.started_at, c.logged_at), 'epoch')
					THEN coalesce(c.started_at, c.logged_at) ELSE c.moved_from END,
				ranks         = ROW (<ranks>)::call_log.fact_ranks,
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
			          c.telephony_session_ids IS NOT NULL OR c.other_legs IS NOT NULL,
			          coalesce(c.started_at, c.logged_at) AS began_at, c.moved_from
		)
		SELECT count(*), array_agg(ROW (u.*)::call_log.changed), min(least(u.began_at, u.moved_from))
		INTO written, changed, earlier FROM upserted u;
		began := least(began, earlier);
	END IF;
	written := written + coalesce(cardinality(usual), 0);

	-- What was counted already is to be counted anew.
	SELECT (SELECT r.closed_until FROM call_log.rollup r WHERE r.one),
	       (SELECT g.until FROM call_log.erasing g WHERE g.one AND g.until > '-infinity')
	INTO closed, erased;
	IF began < closed THEN
		INSERT INTO call_log.marks (account, agent, session_id, began_at)
		SELECT c.account, c.agent, c.session_id, m.began_at
		FROM (SELECT accounts[i] AS account, agents[i] AS agent, session_ids[i] AS session_id FROM unnest(usual) AS i
		      UNION ALL
		      SELECT w.account, w.agent, w.session_id FROM unnest(changed) AS w) AS w
		CROSS JOIN LATERAL (
			SELECT c.* FROM call_log.calls c
			WHERE c.account = w.account AND c.agent = w.agent AND c.session_id = w.session_id OFFSET 0) AS c
		CROSS JOIN LATERAL (VALUES (coalesce(c.started_at, c.logged_at)), (c.moved_from)) AS m (began_at)
		WHERE m.began_at < closed;
	END IF;

	IF changed IS NOT NULL THEN
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
	END IF;

	IF 'manual' = ANY (logged_bys) THEN
		INSERT INTO call_log.notes (account, agent, session_id, saved_at, request_id, note, form, contact_id)
		SELECT accounts[i], agents[i],
		       coalesce((SELECT c.merged_into FROM call_log.calls c
		                 WHERE c.account = accounts[i] AND c.agent = agents[i] AND c.session_id = session_ids[i]),
		                session_ids[i]), emitted_ats[i], request_ids[i],
		       record_calls.notes[i], forms[i]::jsonb, CASE WHEN contacts_picked[i] THEN contact_ids[i] END
		FROM generate_series(1, events) AS i
		WHERE logged_bys[i] = 'manual'
		  AND (record_calls.notes[i] IS NOT NULL OR forms[i] IS NOT NULL OR contacts_picked[i] AND contact_ids[i] IS NOT NULL)
		ON CONFLICT DO NOTHING;
	END IF;

	IF erased IS NULL THEN
		RETURN written;
	END IF;
	-- no call goes on for longer than a day, to reach another agent then
	IF erased > least(now() - interval '1 day', (SELECT min(e) FROM unnest(emitted_ats) AS e),
	                  (SELECT min(s) FROM unnest(started_ats) AS s)) THEN
		PERFORM call_log.erase_late(accounts, agents, session_ids, emitted_ats);
	END IF;
	IF EXISTS (
		SELECT FROM generate_series(1, events) AS i
		WHERE EXISTS (SELECT FROM call_log.calls c WHERE c.account = accounts[i] AND c.session_id = session_ids[i]
		              AND c.agent = agents[i] AND c.erased_at IS NOT NULL OFFSET 0)) THEN
		RETURN -1 - written;
	END IF;
	RETURN written;
END $body$
$shape$;
BEGIN
	SELECT replace(replace(replace(replace(replace(replace(replace(replace(shape,
	       '<no ranks>', string_agg('NULL', ', ') FILTER (WHERE NOT saved)),
	       '<newer values>', string_agg(f.newer_values, E',\n\t\t\t')),
	       '<newer ranks>', string_agg(f.newer_rank, E',\n\t\t\t\t' ORDER BY f.place)),
	       '<started>',  substring(string_agg(f.set_values, ',') FILTER (WHERE f.fact = 'started_at') FROM ' = (.*)')),
	       '<values>',   string_agg(f.set_values, E',\n\t\t\t\t')),
	       '<ranks>',    string_agg(f.set_rank, E',\n\t\t\t\t\t' ORDER BY f.place)),
	       '<any wins>', string_agg(f.wins, E'\n\t\t\t\t\tOR ')),
	       '<same>',     '(excluded.state = c.state AND excluded.logged_by <> ''manual'' AND c.logged_by <> ''backfill'''
	                     || E'\n\t\t\t\t\tAND (c.connected OR NOT excluded.connected)\n\t\t\t\t\tAND '
	                     || string_agg(f.same, E'\n\t\t\t\t\tAND ') FILTER (WHERE f.fact <> 'body') || ')')
	INTO shape
	FROM (
		SELECT g.*,
		       (SELECT string_agg(format('%I = CASE WHEN %s THEN excluded.%I ELSE c.%I END', col, g.wins, col, col),
		                          E',\n\t\t\t\t') FROM unnest(g.cols) AS col) AS set_values,
		       (SELECT format('(NOT %s OR (%s) IS NOT DISTINCT FROM (%s))', g.incoming,
		                      string_agg(format('excluded.%I', col), ', '), string_agg(format('c.%I', col), ', '))
		        FROM unnest(g.cols) AS col) AS same,
		       -- of the usual event: what it carries wins; the rest keeps its rank. A save's
		       -- facts it has none of, but the contact that it found.
		       CASE WHEN g.fact IN ('note', 'form') THEN NULL
		       ELSE (SELECT string_agg(CASE WHEN g.fact = 'contact' OR cardinality(g.cols) > 1
			        THEN format('%I = CASE WHEN %s THEN %s ELSE c.%I END', col, g.newer_wins, param, col)
			        ELSE format('%I = coalesce(%s, c.%I)', col, param, col) END, E',\n\t\t\t')
			      FROM unnest(g.cols, g.params) AS p (col, param)) END AS newer_values,
		       CASE WHEN g.fact = 'contact' THEN format('greatest(%s, (c.ranks).contact)', g.newer_contact)
		            WHEN g.saved THEN format('(c.ranks).%I', g.fact)
		            ELSE format('CASE WHEN NOT %s AND %s THEN coalesce((c.ranks).%I, c.rank) END', g.newer_wins, g.held, g.fact)
		       END AS newer_rank
		FROM (
			SELECT h.*,
			       CASE WHEN h.saved
			       THEN format('coalesce((excluded.ranks).%1$I > coalesce((c.ranks).%1$I, ''''), false)', h.fact)
			       ELSE format('call_log.wins(%s, %s, excluded.rank, (c.ranks).%I, c.rank)', h.incoming, h.held, h.fact)
			       END AS wins,
			       CASE WHEN h.saved
			       THEN format('greatest((excluded.ranks).%1$I, (c.ranks).%1$I)', h.fact)
			       ELSE format('call_log.rank_kept(%s, %s, excluded.rank, (c.ranks).%I, c.rank)', h.incoming, h.held, h.fact)
			       END AS set_rank,
			       CASE WHEN h.fact = 'contact'
			       THEN format('coalesce(%s > coalesce((c.ranks).contact, ''''), false)', h.newer_contact)
			       ELSE format('(coalesce(%s) IS NOT NULL)', replace(array_to_string(h.params, ', '), '::json', '')) END AS newer_wins
			FROM (
				SELECT l.fact, l.cols, l.saved, a.attnum AS place,
				       'CASE WHEN contact_ids[e.i] IS NOT NULL THEN ''\x00''::bytea || e.rank END' AS newer_contact,
				       (SELECT array_agg(format('record_calls.%I[e.i]', param) || CASE param WHEN 'bodies' THEN '::json' ELSE '' END)
				        FROM unnest(l.params) AS param) AS params,
				       format('(coalesce(%s) IS NOT NULL)', (SELECT string_agg('excluded.' || col, ', ') FROM unnest(l.cols) AS col)) AS incoming,
				       format('(coalesce(%s) IS NOT NULL)', (SELECT string_agg('c.' || col, ', ') FROM unnest(l.cols) AS col)) AS held
				-- the facts, and which parameters have them; members of a group travel
				-- together; what differs most often stands first; saved: ranked by the
				-- agent's save
				FROM (VALUES
					('duration_s',           '{duration_s}'::text[],   '{durations_s}'::text[],   false),
					('result',               '{result}',               '{results}',               false),
					('started_at',           '{started_at}',           '{started_ats}',           false),
					('telephony_session_id', '{telephony_session_id}', '{telephony_session_ids}', false),
					('party_id',             '{party_id}',             '{party_ids}',             false),
					('other_leg',            '{other_leg}',            '{other_legs}',            false),
					('direction',            '{direction}',            '{directions}',            false),
					('from_number',          '{from_number}',          '{from_numbers}',          false),
					('from_name',            '{from_name}',            '{from_names}',            false),
					('to_number',            '{to_number}',            '{to_numbers}',            false),
					('to_name',              '{to_name}',              '{to_names}',              false),
					('queue_call',           '{queue_call}',           '{queue_calls}',           false),
					('ai_note',              '{ai_note}',              '{ai_notes}',              false),
					('transcript',           '{transcript}',           '{transcripts}',           false),
					('body',                 '{body}',                 '{bodies}',                false),
					('recording', '{recording_id,recording_link,recording_uri,recording_type}',
					              '{recording_ids,recording_links,recording_uris,recording_types}', false),
					('contact',   '{contact_id,contact_name,contact_type}',
					              '{contact_ids,contact_names,contact_types}', true),
					('note',      '{note}',                            '{notes}',                 true),
					('form',      '{form}',                            '{forms}',                 true)
				) AS l (fact, cols, params, saved)
				JOIN pg_attribute a ON a.attrelid = 'call_log.fact_ranks'::regclass AND a.attname = l.fact
			) AS h
		) AS g
	) AS f;
	EXECUTE shape;
END $make$;

INSERT INTO call_log.migrations (version, name) VALUES (16, 'write_path');
COMMIT;
