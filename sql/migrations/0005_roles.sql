-- Who may do what. The roles belong to the whole server and may exist already;
-- neither can log in: grant them to the users that do.
BEGIN;

DO $$
DECLARE
	role record;
BEGIN
	FOR role IN VALUES
		('call_log_writer', 'What the plugin call_log needs: writes calls, never deletes, changes no schema.'),
		('call_log_report', 'Reads the views of schema call_report, and nothing else.')
	LOOP
		IF to_regrole(role.column1) IS NULL THEN
			EXECUTE format('CREATE ROLE %I NOLOGIN', role.column1);
			EXECUTE format('COMMENT ON ROLE %I IS %L', role.column1, role.column2);
		END IF;
	END LOOP;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA call_log FROM PUBLIC;
GRANT USAGE ON SCHEMA call_log TO call_log_writer;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA call_log TO call_log_writer;
-- runs as its owner, for a plain UPDATE of a note: a trigger, and nobody's tool
REVOKE EXECUTE ON FUNCTION call_log.note_updated() FROM call_log_writer;
-- a person's, who mended what they were refused for
REVOKE EXECUTE ON FUNCTION call_log.retry_rejected(text, text, text, boolean) FROM call_log_writer;
-- whoever may UPDATE a note computes the outcome anew
GRANT EXECUTE ON FUNCTION call_log.outcome(text, text, boolean, text) TO PUBLIC;
GRANT SELECT ON call_log.migrations TO call_log_writer;
GRANT SELECT, INSERT, UPDATE ON call_log.calls, call_log.agents TO call_log_writer;
-- a save is never changed, only its call's name when two calls turn out to be one
GRANT SELECT, INSERT, UPDATE (session_id) ON call_log.notes TO call_log_writer;
GRANT SELECT, INSERT ON call_log.rejected TO call_log_writer;
GRANT SELECT ON call_log.changes TO call_log_writer;

GRANT USAGE ON SCHEMA call_report TO call_log_report;
GRANT SELECT ON ALL TABLES IN SCHEMA call_report TO call_log_report;

INSERT INTO call_log.migrations (version, name) VALUES (5, 'roles');
COMMIT;
