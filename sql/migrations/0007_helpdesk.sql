-- What a helpdesk asks of calls beside its tickets and customers: with whom all agents
-- spoke, and which call stands for one that turned out to be the same.
BEGIN;

CREATE VIEW call_report.merged_calls AS
SELECT c.account, c.agent, c.session_id, c.merged_into
FROM call_log.calls c WHERE c.merged_into IS NOT NULL;
COMMENT ON VIEW call_report.merged_calls IS 'The further session ids of calls in view calls: one call can have several.';
COMMENT ON COLUMN call_report.merged_calls.account IS 'As in calls.';
COMMENT ON COLUMN call_report.merged_calls.agent IS 'As in calls.';
COMMENT ON COLUMN call_report.merged_calls.session_id IS 'A name of the call that is not in view calls.';
COMMENT ON COLUMN call_report.merged_calls.merged_into IS 'The session_id under which the call is there.';
GRANT SELECT ON call_report.merged_calls TO call_log_report;

CREATE INDEX calls_merged ON call_log.calls (account, agent, merged_into) WHERE merged_into IS NOT NULL;
-- No search of the write path or of the desk says that these are not NULL, so none is
-- tempted to look through all calls of an account.
CREATE INDEX calls_other_number ON call_log.calls (account,
	(CASE direction WHEN 'Inbound' THEN from_number WHEN 'Outbound' THEN to_number END), started_at)
	WHERE (CASE direction WHEN 'Inbound' THEN from_number WHEN 'Outbound' THEN to_number END) IS NOT NULL;
CREATE INDEX calls_contact ON call_log.calls (account, contact_id, started_at) WHERE contact_id IS NOT NULL;
COMMENT ON INDEX call_log.calls_merged IS 'The other names of a call.';
COMMENT ON INDEX call_log.calls_other_number IS 'All agents'' calls with a number: other_number in reports.';
COMMENT ON INDEX call_log.calls_contact IS 'All agents'' calls with a contact.';

INSERT INTO call_log.migrations (version, name) VALUES (7, 'helpdesk');
COMMIT;
