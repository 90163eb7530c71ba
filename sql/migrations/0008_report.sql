-- What reports are told, and lists of calls for who reads them. Figures: 0010_figures.sql.
BEGIN;

CREATE FUNCTION call_log.is_time_zone(name text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS 'SELECT EXISTS (SELECT FROM pg_timezone_names z WHERE z.name = is_time_zone.name)';
COMMENT ON FUNCTION call_log.is_time_zone(text) IS 'Whether the server knows a time zone of that name, such as Europe/Berlin.';
REVOKE ALL ON FUNCTION call_log.is_time_zone(text) FROM PUBLIC;

CREATE TABLE call_log.settings (
	one                boolean  PRIMARY KEY DEFAULT true CHECK (one),
	report_time_zone   text     NOT NULL CHECK (call_log.is_time_zone(report_time_zone)),
	note_expected_s    integer  NOT NULL DEFAULT 60 CHECK (note_expected_s >= 0),
	stuck_after        interval NOT NULL DEFAULT '4 hours' CHECK (stuck_after > '0')
);
COMMENT ON TABLE call_log.settings IS 'One row: what the reports are told. Change it by UPDATE.';
COMMENT ON COLUMN call_log.settings.one IS 'There is only one row.';
COMMENT ON COLUMN call_log.settings.report_time_zone IS 'The time zone whose days, weeks and months the reports count by, such as Europe/Berlin. At first the server''s.';
COMMENT ON COLUMN call_log.settings.note_expected_s IS 'After answered calls longer than so many seconds a note is expected (call_report.without_note).';
COMMENT ON COLUMN call_log.settings.stuck_after IS 'A call in progress of which nothing was heard for so long is stuck: its end never came (call_report.live).';
-- not what the installing session was set to, unless the server is that too
INSERT INTO call_log.settings (report_time_zone)
SELECT CASE WHEN call_log.is_time_zone(s.reset_val) AND s.source NOT IN ('client', 'session') THEN s.reset_val ELSE 'UTC' END
FROM pg_settings s WHERE s.name = 'TimeZone';

CREATE TABLE call_log.teams (
	account text COLLATE "C" NOT NULL,
	agent   text COLLATE "C" NOT NULL CHECK (agent <> ''),
	team    text COLLATE "C" NOT NULL CHECK (team <> ''),
	PRIMARY KEY (account, agent)
);
COMMENT ON TABLE call_log.teams IS 'Which team an agent belongs to, for reports; kept by the administrator. It holds for all calls of the agent, old ones too.';
COMMENT ON COLUMN call_log.teams.account IS 'As in calls.';
COMMENT ON COLUMN call_log.teams.agent IS 'As in calls. One who is not listed belongs to no team.';
COMMENT ON COLUMN call_log.teams.team IS 'The team''s name.';

CREATE VIEW call_log.report_zone AS
SELECT coalesce(
	(SELECT p.setting FROM pg_settings p
	 WHERE p.name = 'TimeZone' AND p.source IN ('session', 'client', 'user', 'database user')),
	s.report_time_zone) AS zone
FROM call_log.settings s;
COMMENT ON VIEW call_log.report_zone IS 'The time zone whose days this session''s reports count by: one that the session or its role chose, else that of the settings.';
COMMENT ON COLUMN call_log.report_zone.zone IS 'Its name.';

CREATE VIEW call_report.number_history AS
SELECT c.account, c.other_number AS number, c.started_at, c.agent, c.direction, c.outcome, c.talk_s, c.duration_s,
       c.other_name AS name, c.contact_id, c.contact_name, c.note, c.recording_link, c.queue_call, c.id, c.session_id
FROM call_report.calls c
WHERE c.other_number IS NOT NULL;
COMMENT ON VIEW call_report.number_history IS 'All calls with a number, of any agent: SELECT * FROM call_report.number_history WHERE number = ''+12025550143'' ORDER BY started_at DESC. One row an agent and call.';

CREATE VIEW call_report.contact AS
SELECT c.account, c.contact_id,
       max(c.contact_name) AS contact_name, max(c.contact_type) AS contact_type,
       count(DISTINCT c.session_id)                                           AS calls,
       count(DISTINCT c.session_id) FILTER (WHERE c.direction = 'Inbound')    AS inbound,
       count(DISTINCT c.session_id) FILTER (WHERE c.direction = 'Outbound')   AS outbound,
       count(DISTINCT c.session_id) FILTER (WHERE c.outcome = 'answered')     AS answered,
       coalesce(sum(c.talk_s), 0)                                             AS agents_talk_s,
       count(DISTINCT c.agent)                                                AS agents,
       min(c.started_at) AS first_at, max(c.started_at) AS last_at
FROM call_report.calls c
WHERE c.contact_id IS NOT NULL
GROUP BY c.account, c.contact_id;
COMMENT ON VIEW call_report.contact IS 'One row a contact of the host: its calls with any agent, each counted once.';

CREATE VIEW call_report.without_note AS
SELECT c.account, c.agent, c.started_at, c.talk_s, c.direction, c.other_number, c.other_name,
       c.contact_id, c.contact_name, c.logged_by, c.id, c.session_id
FROM call_report.calls c
WHERE c.talk_s > (SELECT s.note_expected_s FROM call_log.settings s) AND coalesce(c.note, '') = '';
COMMENT ON VIEW call_report.without_note IS 'Answered calls longer than call_log.settings.note_expected_s that have no note. One row an agent and call.';

CREATE VIEW call_report.not_logged_by_hand AS
SELECT c.account, c.agent, c.started_at, c.talk_s, c.direction, c.other_number, c.other_name,
       c.contact_id, c.contact_name, c.logged_by, c.note, c.id, c.session_id
FROM call_report.calls c
WHERE c.talk_s > (SELECT s.note_expected_s FROM call_log.settings s) AND c.logged_by <> 'manual';
COMMENT ON VIEW call_report.not_logged_by_hand IS 'Answered calls longer than call_log.settings.note_expected_s that the agent never logged or edited by hand. One row an agent and call.';

CREATE VIEW call_report.auto_log AS
SELECT a.account, a.agent, t.team, a.auto_log, a.auto_log_changed_at
FROM call_log.agents a LEFT JOIN call_log.teams t USING (account, agent);
COMMENT ON VIEW call_report.auto_log IS 'Whose widget logs calls by itself and whose does not: SELECT * FROM call_report.auto_log WHERE NOT auto_log. One row an agent that ever said.';

-- The columns that mean the same wherever they stand; what is particular follows.
DO $$
DECLARE
	view record;
	meaning record;
BEGIN
	FOR meaning IN SELECT * FROM (VALUES
		('account', 'Tenant; empty in a host with only one.'),
		('agent', 'Whose call it is.'),
		('team', 'The agent''s team (call_log.teams); NULL where none is known.'),
		('started_at', 'When the call began, by the phone service''s clock.'),
		('direction', 'Inbound or Outbound, as the agent sees it.'),
		('outcome', 'How it ended (as in calls); NULL while it is live.'),
		('duration_s', 'Seconds, ringing included until the record has come.'),
		('talk_s', 'Seconds of an answered call; NULL otherwise.'),
		('number', 'The number of the other side: E.164, or an extension.'),
		('name', 'The name of the other side, as shown.'),
		('other_number', 'The number of the other side, seen from the agent; NULL when it was withheld.'),
		('other_name', 'The name of the other side, seen from the agent.'),
		('contact_id', 'The contact in the host.'),
		('contact_name', 'The contact''s name when it was matched.'),
		('contact_type', 'The contact''s type.'),
		('queue_call', 'Whether it came through a call queue, if known.'),
		('note', 'The agent''s note.'),
		('recording_link', 'The page that plays the recording; NULL when there is none.'),
		('logged_by', 'manual, auto or backfill.'),
		('id', 'The call''s number, as in the widget''s match answers.'),
		('session_id', 'The phone service''s name of the call; the rows of all its agents have the same.'),
		('calls', 'Calls with the contact; one with several agents is one.'),
		('inbound', 'Those of them that an agent received.'),
		('outbound', 'Those of them that an agent made.'),
		('answered', 'Those of them in which somebody answered.'),
		('agents_talk_s', 'Seconds that agents talked with the contact, each agent''s part counted.'),
		('agents', 'How many agents had calls with the contact.'),
		('first_at', 'When the first call began.'),
		('last_at', 'When the last call began.'),
		('auto_log', 'Whether the agent''s widget logs calls by itself; NULL until it said so.'),
		('auto_log_changed_at', 'Since when.')
	) AS m (name, says) LOOP
		FOR view IN
			SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
			WHERE c.relnamespace = 'call_report'::regnamespace AND a.attname = meaning.name
			  AND col_description(c.oid, a.attnum) IS NULL
		LOOP
			EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', view.name, meaning.name, meaning.says);
		END LOOP;
	END LOOP;
END $$;

GRANT SELECT ON call_report.number_history, call_report.contact, call_report.without_note,
	call_report.not_logged_by_hand, call_report.auto_log TO call_log_report;

INSERT INTO call_log.migrations (version, name) VALUES (8, 'report');
COMMIT;
