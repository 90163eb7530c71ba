-- What a batch costs besides its events, which is most of it while there are few.
--
--   outcome     a call's outcome is made whenever its row is written. PostgreSQL read,
--               planned and built that expression anew for each statement that writes
--               calls, of which a function in SQL becomes a part. One in PL/pgSQL is
--               planned once a session.
--   new calls   a row that is not there yet needs nothing of the rule by which it would
--               be merged, which takes longer to set up than to apply. So what the first
--               statement of record_calls() leaves is first inserted where there is no
--               row (the second), and what that leaves goes by the whole rule (the third).
--   ringing     is never newer than all that a call knows and a change of its state: the
--               first statement need not look.
--   one agent   is locked without a query.
BEGIN;

-- As 0001_calls.sql has it.
DO $make$
DECLARE
	rule text := (SELECT prosrc FROM pg_proc WHERE oid = 'call_log.outcome(text, text, boolean, text)'::regprocedure);
BEGIN
	IF rule !~ '^\s*SELECT CASE' THEN
		RAISE EXCEPTION 'outcome() is not as it was made';
	END IF;
	EXECUTE format('CREATE OR REPLACE FUNCTION call_log.outcome(state text, result text, connected boolean, direction text)
		RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS %L', regexp_replace(rule, '^\s*SELECT ', E'\nBEGIN\n\tRETURN ') || E';\nEND ');
END $make$;

CREATE OR REPLACE FUNCTION call_log.lock_agents(accounts text[], agents text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	done text;
BEGIN
	-- Who waited must see what the other committed, or misses its half of a call.
	IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE EXCEPTION 'calls cannot be written in a % transaction', current_setting('transaction_isolation')
		USING ERRCODE = 'invalid_transaction_state', HINT = 'BEGIN ISOLATION LEVEL READ COMMITTED.';
	END IF;
	IF cardinality(agents) = 1 THEN
		done := pg_advisory_xact_lock(hashtextextended(agents[1], hashtextextended(accounts[1], 0)))::text;
		RETURN;
	END IF;
	PERFORM pg_advisory_xact_lock(agent_key) FROM (
		SELECT DISTINCT hashtextextended(a.agent, hashtextextended(a.account, 0)) AS agent_key
		FROM unnest(accounts, agents) AS a (account, agent)
		ORDER BY 1
	) AS keys;
END $$;

-- What stands in a text from one piece of it, which is there once, to the end of the
-- next other piece.
CREATE FUNCTION pg_temp.part(source text, first text, last text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	pieces text[] := string_to_array(source, first);
BEGIN
	IF cardinality(pieces) <> 2 OR strpos(pieces[2], last) = 0 THEN
		RAISE EXCEPTION 'it does not say % once, and then %', quote_literal(first), quote_literal(last);
	END IF;
	RETURN first || left(pieces[2], strpos(pieces[2], last) + length(last) - 1);
END $$;

-- Puts text in place of other text, which is there once, pair by pair.
CREATE FUNCTION pg_temp.changed(source text, VARIADIC part text[]) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. cardinality(part) BY 2 LOOP
		IF cardinality(string_to_array(source, part[i])) <> 2 THEN
			RAISE EXCEPTION 'it does not say % once', quote_literal(part[i]);
		END IF;
		source := replace(source, part[i], part[i + 1]);
	END LOOP;
	RETURN source;
END $$;

DO $make$
DECLARE
	source text := (SELECT pg_get_functiondef(oid) FROM pg_proc
	                WHERE proname = 'record_calls' AND pronamespace = 'call_log'::regnamespace);
	first  text := pg_temp.part(source, E'\tPERFORM set_config(''enable_indexscan'', ''off'', true);\n', E'''on'', true);\n');
	-- the row that an event makes where there is none, and what is told of a row
	made   text := pg_temp.part(source, 'INSERT INTO call_log.calls AS c (', E'\n\t\t\t) AS e\n');
	told   text := pg_temp.part(source, 'RETURNING c.account, ', E'began_at, c.moved_from\n');
BEGIN
	EXECUTE pg_temp.changed(source,
	E'\terased  timestamptz;\nBEGIN\n',
	E'\terased  timestamptz;\n\trest    integer[];  -- what the first two left\n\tothers  call_log.changed[];\n\tmore    integer;\nBEGIN\n',

	-- the first statement
	first,
	E'\tIF ''ringing'' <> ANY (states) THEN\n' || regexp_replace(first, '^(?=.)', E'\t', 'gn') || E'\tEND IF;\n',
	'FROM generate_series(1, events) AS i OFFSET 0) AS e',
	'FROM generate_series(1, events) AS i
			      -- none of which is newer than a row of another state
			      WHERE states[i] <> ''ringing'' OFFSET 0) AS e',

	-- the second and the third, of which the last is made of what was the only one
	E'FROM generate_series(1, events) AS i\n\t\t\t\tWHERE i NOT IN (SELECT unnest(usual)) OFFSET 0',
	'FROM unnest(rest) AS i OFFSET 0',
	E'\t-- Any event.\n\tIF cardinality(usual) IS DISTINCT FROM events THEN\n',
	'	-- A call that is not there yet.
	IF cardinality(usual) IS DISTINCT FROM events THEN
		WITH inserted AS (
			' || made || '			ON CONFLICT DO NOTHING
			' || told || '		)
		SELECT count(*), array_agg(ROW (i.*)::call_log.changed), min(least(i.began_at, i.moved_from))
		INTO written, changed, earlier FROM inserted i;
		began := least(began, earlier);
	END IF;

	-- Any other event.
	IF coalesce(cardinality(usual), 0) + written < events THEN
		rest := ARRAY(
			SELECT i FROM generate_series(1, events) AS i
			WHERE i NOT IN (SELECT unnest(usual))
			  AND (accounts[i], agents[i], session_ids[i]) NOT IN (SELECT w.account, w.agent, w.session_id FROM unnest(changed) AS w));
		IF cardinality(rest) <> events - coalesce(cardinality(usual), 0) - written THEN
			RAISE EXCEPTION ''two events of one call in a batch'' USING ERRCODE = ''cardinality_violation'';
		END IF;
',
	E'\t\tINTO written, changed, earlier FROM upserted u;\n',
	E'\t\tINTO more, others, earlier FROM upserted u;\n\t\twritten := written + more;\n\t\tchanged := changed || others;\n');
END $make$;

INSERT INTO call_log.migrations (version, name) VALUES (19, 'few_events');
COMMIT;
