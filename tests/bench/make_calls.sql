-- Fills call_log.calls, empty before, with calls as a company has them: on working
-- days and in working hours, of several agents in teams, with people who call again,
-- are called back, wait in queues, are passed on. It knows the table and not how
-- events become its rows.
--
--     psql -v rows=100000 -f tests/bench/make_calls.sql [connection]
--
-- rows: about how many; days: over how long, until now (365); agents (one for
-- 12,500 rows, at least 8); seed: -1 to 1, others make other calls.
\set ON_ERROR_STOP on
\if :{?days}
\else
\set days 365
\endif
\if :{?seed}
\else
\set seed 0.5
\endif
\if :{?agents}
\else
SELECT greatest(:rows / 12500, 8) AS agents \gset
\endif

BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL work_mem = '256MB';
SET LOCAL maintenance_work_mem = '512MB';
SET LOCAL TimeZone = 'UTC';
SELECT setseed(:seed) \g /dev/null

-- An index is made faster than kept, if much comes.
CREATE TEMP TABLE dropped ON COMMIT DROP AS
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition,
       obj_description(i.indexrelid, 'pg_class') AS comment
FROM pg_index i WHERE i.indrelid = 'call_log.calls'::regclass AND NOT i.indisprimary AND :rows >= 100000;
DO $$ DECLARE d record; BEGIN FOR d IN SELECT * FROM dropped LOOP EXECUTE 'DROP INDEX ' || d.name; END LOOP; END $$;

INSERT INTO call_log.teams
SELECT '', 'agent ' || lpad(n::text, 4, '0'), 'team ' || lpad((n / 20 + 1)::text, 3, '0')
FROM generate_series(0, :agents - 1) AS n
ON CONFLICT DO NOTHING;

-- Few calls at weekends; within a day from eight to six, fewer at noon.
CREATE TEMP TABLE made ON COMMIT DROP AS
SELECT c.n, c.began_at, c.agent, c.kind, c.inbound, c.luck, c.more,
       -- some call often, most once or twice
       floor(greatest(:rows / 5, 10) * c.fame ^ 2)::bigint AS caller,
       least(3 + exp(4.4 + 0.9 * sqrt(-2 * ln(1 - c.long)) * cos(2 * pi() * c.turn)), 7200)::integer AS talk_s
FROM (
	SELECT n, random() AS fame, random() AS luck, random() AS more, random() AS long, random() AS turn,
	       random() < 0.55 AS inbound, floor(random() * :agents)::integer AS agent,
	       CASE floor(random() * 100)::integer
	       WHEN 0 THEN 'internal' WHEN 1 THEN 'internal' WHEN 2 THEN 'passed on' WHEN 3 THEN 'passed on'
	       WHEN 4 THEN 'queue' WHEN 5 THEN 'queue' WHEN 6 THEN 'queue' ELSE 'plain' END AS kind,
	       d.day + make_interval(secs => 3600 * CASE
	         WHEN d.clock < 0.48 THEN 8 + 8.3 * d.clock
	         WHEN d.clock < 0.56 THEN 12 + 12.5 * (d.clock - 0.48)
	         ELSE 13 + 11.3 * (d.clock - 0.56) END) AS began_at
	FROM (
		SELECT n, random() AS clock, s.day - CASE
		         WHEN extract(isodow FROM s.day) > 5 AND random() < 0.9 THEN make_interval(days => 2 + floor(random() * 4)::integer)
		         ELSE '0' END AS day
		FROM (SELECT n, date_trunc('day', now() - make_interval(days => floor(random() * :days)::integer)) AS day
		      FROM generate_series(1, (:rows / 1.16)::bigint) AS n) AS s
	) AS d
) AS c;
-- what would be in the future was a day earlier; a call has its number by its time
UPDATE made SET began_at = began_at - interval '1 day' WHERE began_at > now();
INSERT INTO made
SELECT n, began_at + make_interval(mins => 3 + floor(120 * more)::integer), agent, 'back', false, random(), more, caller, talk_s
FROM made WHERE inbound AND kind <> 'internal' AND luck BETWEEN 0.78 AND 0.90
  AND began_at + make_interval(mins => 3 + floor(120 * more)::integer) < now();

INSERT INTO call_log.calls (account, agent, session_id, telephony_session_id, direction, from_number, from_name,
	to_number, queue_call, started_at, duration_s, state, result, contact_id, contact_name, note, recording_id,
	recording_link, logged_by, logged_at, updated_at, connected, last_event_at, rank, ranks)
SELECT '', p.agent, p.session_id, 's-' || p.session_id, p.direction,
       CASE WHEN p.direction = 'Inbound' THEN p.number ELSE p.own END,
       CASE WHEN p.direction = 'Inbound' THEN 'CALLER ' || p.caller END,
       CASE WHEN p.direction = 'Inbound' THEN p.own ELSE p.number END,
       p.kind = 'queue', p.began_at, p.duration_s, p.state, p.result,
       CASE WHEN p.kind <> 'internal' AND p.caller % 2 = 0 THEN 'c-' || p.caller END,
       CASE WHEN p.kind <> 'internal' AND p.caller % 2 = 0 THEN 'Customer ' || p.caller END,
       CASE WHEN p.noted THEN 'wants a quote for ' || p.caller || ', call back' END,
       CASE WHEN p.result = 'Accepted' AND p.more < 0.2 THEN 'r-' || p.session_id END,
       CASE WHEN p.result = 'Accepted' AND p.more < 0.2 THEN 'https://recordings.example/' || p.session_id END,
       CASE WHEN p.noted THEN 'manual' ELSE 'auto' END, p.ended_at, p.ended_at, p.result IN ('Accepted', 'Call connected', 'CallConnected'),
       p.ended_at, call_log.event_rank(p.state, false, p.direction, p.ended_at, p.duration_s, p.call),
       json_populate_record(NULL::call_log.fact_ranks, '{}')
FROM (
	SELECT q.*, 'agent ' || lpad(((q.home + CASE WHEN q.kind = 'back' THEN 0 ELSE q.part * 7 END) % :agents)::text, 4, '0') AS agent,
	       (4000000000 + q.call)::text AS session_id,
	       '+1415555' || lpad((q.home % 10000)::text, 4, '0') AS own,
	       q.began_at + make_interval(secs => q.duration_s) AS ended_at,
	       q.result IN ('Accepted', 'Call connected') AND q.more BETWEEN 0.3 AND 0.6 AS noted
	FROM (
		SELECT r.*,
		       CASE WHEN r.result IN ('Accepted', 'Call connected', 'CallConnected') THEN r.talk_s
		            ELSE 5 + floor(r.more * 30)::integer END AS duration_s,
		       CASE WHEN r.result = 'CallConnected' THEN 'connected' ELSE 'final' END AS state
		FROM (
			SELECT m.call, m.began_at + CASE WHEN m.kind = 'passed on' AND part.part = 1
			                                 THEN make_interval(secs => m.talk_s) ELSE '0' END AS began_at,
			       m.agent AS home, m.kind, m.caller, m.luck, m.more, m.talk_s, part.part,
			       CASE WHEN m.kind = 'internal' THEN CASE part.part WHEN 0 THEN 'Outbound' ELSE 'Inbound' END
			            WHEN m.inbound OR m.kind IN ('queue', 'passed on') THEN 'Inbound' ELSE 'Outbound' END AS direction,
			       CASE WHEN m.kind = 'internal' THEN (100 + (m.agent + (1 - part.part) * 7) % :agents)::text
			            WHEN m.luck > 0.98 AND m.inbound THEN NULL
			            ELSE '+1' || (2000000000 + m.caller) END AS number,
			       CASE
			       -- in progress, or its end was never told
			       WHEN m.began_at > now() - interval '3 min' OR m.more > 0.99998 THEN 'CallConnected'
			       WHEN m.kind = 'internal' THEN CASE WHEN m.luck < 0.8 THEN 'Accepted' ELSE CASE part.part WHEN 0 THEN 'No Answer' ELSE 'Missed' END END
			       WHEN m.kind = 'passed on' THEN 'Accepted'
			       WHEN m.kind = 'queue' THEN CASE WHEN m.luck > 0.9 THEN 'Missed'
			         WHEN part.part = floor(m.luck * 4)::integer THEN 'Accepted' ELSE 'Answered Elsewhere' END
			       WHEN m.inbound THEN CASE WHEN m.luck < 0.78 THEN 'Accepted' WHEN m.luck < 0.89 THEN 'Missed'
			         WHEN m.luck < 0.95 THEN 'Voicemail' WHEN m.luck < 0.97 THEN 'Rejected' ELSE 'Accepted' END
			       ELSE CASE WHEN m.luck < 0.64 THEN 'Call connected' WHEN m.luck < 0.9 THEN 'No Answer'
			         WHEN m.luck < 0.96 THEN 'Busy' WHEN m.luck < 0.98 THEN 'Wrong Number' ELSE 'Call Failed' END
			       END AS result
			FROM (SELECT row_number() OVER (ORDER BY began_at, n) AS call, m.* FROM made m) AS m
			CROSS JOIN LATERAL generate_series(0, CASE m.kind WHEN 'internal' THEN 1 WHEN 'passed on' THEN 1 WHEN 'queue' THEN 3 ELSE 0 END) AS part (part)
		) AS r
	) AS q
) AS p
ORDER BY p.call, p.agent
ON CONFLICT DO NOTHING;

DO $$
DECLARE d record;
BEGIN
	FOR d IN SELECT * FROM dropped LOOP
		EXECUTE d.definition;
		EXECUTE format('COMMENT ON INDEX %s IS %L', d.name, d.comment);
	END LOOP;
END $$;
COMMIT;
VACUUM ANALYZE call_log.calls;
ANALYZE call_log.teams;
SELECT count(*) AS calls FROM call_log.calls;
