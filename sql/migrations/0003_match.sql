-- The match query: which of these session ids are logged, for these agents?
BEGIN;

CREATE FUNCTION call_log.match_calls(accounts text[], agents text[], session_ids text[])
RETURNS TABLE (ordinal integer, id bigint, note text, contact_id text, contact_name text, contact_type text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
-- a plan made while the table was empty must not scan it once it is not
SET enable_seqscan = off
AS $$
BEGIN
	RETURN QUERY
	SELECT a.ordinal::integer, coalesce(s.id, c.id),
	       -- a plain UPDATE of a note changes the survivor only; contacts are equal
	       CASE WHEN s.id IS NULL THEN c.note ELSE s.note END,
	       c.contact_id, c.contact_name, c.contact_type
	FROM unnest(accounts, agents, session_ids) WITH ORDINALITY AS a (account, agent, session_id, ordinal)
	-- OFFSET 0: a probe of the index an id, whatever the table's statistics were
	CROSS JOIN LATERAL (
		SELECT c.* FROM call_log.calls c
		WHERE c.account = a.account AND c.agent = a.agent AND c.session_id = a.session_id OFFSET 0
	) AS c
	LEFT JOIN LATERAL (
		SELECT s.* FROM call_log.calls s
		WHERE s.account = c.account AND s.agent = c.agent AND s.session_id = c.merged_into OFFSET 0
	) AS s ON true;

	IF '0' = ANY (session_ids) THEN
		RETURN QUERY
		SELECT a.ordinal::integer, z.id, z.note, z.contact_id, z.contact_name, z.contact_type
		FROM unnest(accounts, agents, session_ids) WITH ORDINALITY AS a (account, agent, session_id, ordinal)
		CROSS JOIN LATERAL (
			SELECT s.* FROM call_log.calls c JOIN call_log.calls s
			  ON s.account = c.account AND s.agent = c.agent AND s.session_id = coalesce(c.merged_into, c.session_id)
			WHERE c.account = a.account AND c.agent = a.agent
			  AND (c.session_id = c.telephony_session_id OR c.session_id LIKE '0/%')
			  AND c.state IN ('ringing', 'connected', 'held', 'parked')
			  AND s.state IN ('ringing', 'connected', 'held', 'parked')
			  -- one whose end never came is not live for ever
			  AND c.updated_at > now() - interval '1 day'
			ORDER BY c.last_event_at DESC, c.session_id LIMIT 1
		) AS z
		WHERE a.session_id = '0';
	END IF;

	-- What was refused is rare, and looked for only then. Of a call that is logged it
	-- tells nothing: some event of it was.
	IF EXISTS (SELECT FROM call_log.rejected) THEN
		RETURN QUERY
		SELECT a.ordinal::integer, NULL::bigint, NULL::text, NULL::text, NULL::text, NULL::text
		FROM unnest(accounts, agents, session_ids) WITH ORDINALITY AS a (account, agent, session_id, ordinal)
		WHERE EXISTS (SELECT FROM call_log.rejected r
		              WHERE r.account = a.account AND r.agent = a.agent AND r.session_id = a.session_id)
		  AND NOT EXISTS (SELECT FROM call_log.calls c
		                  WHERE c.account = a.account AND c.agent = a.agent AND c.session_id = a.session_id);
	END IF;
END $$;
COMMENT ON FUNCTION call_log.match_calls(text[], text[], text[]) IS
'For arrays of equal length, one element a question: the calls that are logged, by the 1-based place (ordinal) of the question; nothing for one that is not, but a row without id for one whose events were all refused. A merged call answers as the call that stands for it; "0" as the agent''s live call of that name.';

INSERT INTO call_log.migrations (version, name) VALUES (3, 'match');
COMMIT;
