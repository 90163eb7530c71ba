-- What analysts read.
BEGIN;

CREATE SCHEMA call_report;
COMMENT ON SCHEMA call_report IS 'Phone calls for reports: views over schema call_log, with every figure defined in its comment.';

CREATE VIEW call_report.calls AS
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
       c.logged_by, c.logged_at, c.updated_at, c.session_id
FROM call_log.calls c
WHERE c.merged_into IS NULL;
COMMENT ON VIEW call_report.calls IS 'One row an agent and call. A call of two agents (an internal call, a transfer, a queue) has a row for each.';
COMMENT ON COLUMN call_report.calls.id IS 'The call''s number, as in the widget''s match answers.';
COMMENT ON COLUMN call_report.calls.account IS 'Tenant; empty in a host with only one.';
COMMENT ON COLUMN call_report.calls.agent IS 'Whose call it is.';
COMMENT ON COLUMN call_report.calls.started_at IS 'When it began, by the phone service''s clock.';
COMMENT ON COLUMN call_report.calls.ended_at IS 'started_at plus duration_s; of a live call, as far as is known.';
COMMENT ON COLUMN call_report.calls.direction IS 'Inbound or Outbound.';
COMMENT ON COLUMN call_report.calls.from_number IS 'Who called; NULL for an anonymous caller.';
COMMENT ON COLUMN call_report.calls.from_name IS 'The name shown for the caller.';
COMMENT ON COLUMN call_report.calls.to_number IS 'Who was called.';
COMMENT ON COLUMN call_report.calls.to_name IS 'The name shown for who was called.';
COMMENT ON COLUMN call_report.calls.other_number IS 'The number of the other side, seen from the agent.';
COMMENT ON COLUMN call_report.calls.other_name IS 'The name of the other side, seen from the agent.';
COMMENT ON COLUMN call_report.calls.state IS 'ringing, connected, held, parked, ended, or final when the phone service''s record has come.';
COMMENT ON COLUMN call_report.calls.outcome IS 'answered, missed, voicemail, rejected, no_answer, busy, failed, other; NULL while the call is live.';
COMMENT ON COLUMN call_report.calls.result IS 'The result in the phone service''s words.';
COMMENT ON COLUMN call_report.calls.duration_s IS 'Seconds, ringing included until the record has come.';
COMMENT ON COLUMN call_report.calls.talk_s IS 'duration_s of an answered call; NULL otherwise.';
COMMENT ON COLUMN call_report.calls.queue_call IS 'Whether it came through a call queue, if known.';
COMMENT ON COLUMN call_report.calls.contact_id IS 'The contact in the host.';
COMMENT ON COLUMN call_report.calls.contact_name IS 'The contact''s name when it was matched.';
COMMENT ON COLUMN call_report.calls.contact_type IS 'The contact''s type.';
COMMENT ON COLUMN call_report.calls.note IS 'The agent''s note.';
COMMENT ON COLUMN call_report.calls.form IS 'The further fields of the log form.';
COMMENT ON COLUMN call_report.calls.ai_note IS 'The phone service''s own summary.';
COMMENT ON COLUMN call_report.calls.transcript IS 'The phone service''s transcript.';
COMMENT ON COLUMN call_report.calls.recording_id IS 'The recording''s id; NULL when there is none.';
COMMENT ON COLUMN call_report.calls.recording_link IS 'The page that plays it.';
COMMENT ON COLUMN call_report.calls.recording_type IS 'Automatic or OnDemand.';
COMMENT ON COLUMN call_report.calls.logged_by IS 'manual, auto or backfill.';
COMMENT ON COLUMN call_report.calls.logged_at IS 'When it first reached this database.';
COMMENT ON COLUMN call_report.calls.updated_at IS 'When it last changed here.';
COMMENT ON COLUMN call_report.calls.session_id IS 'The phone service''s name of the call.';

CREATE VIEW call_report.agent_day AS
SELECT account, agent, coalesce(started_at, logged_at)::date AS day,
       count(*)                                              AS calls,
       count(*) FILTER (WHERE direction = 'Inbound')         AS inbound,
       count(*) FILTER (WHERE direction = 'Outbound')        AS outbound,
       count(*) FILTER (WHERE outcome = 'answered')          AS answered,
       count(*) FILTER (WHERE outcome = 'missed')            AS missed,
       count(*) FILTER (WHERE outcome = 'voicemail')         AS voicemail,
       coalesce(sum(talk_s), 0)                              AS talk_total_s,
       round(avg(talk_s), 1)                                 AS talk_average_s,
       round((percentile_cont(0.5) WITHIN GROUP (ORDER BY talk_s))::numeric, 1) AS talk_median_s,
       count(*) FILTER (WHERE note <> '')                    AS with_note
FROM call_report.calls
GROUP BY account, agent, coalesce(started_at, logged_at)::date;
COMMENT ON VIEW call_report.agent_day IS 'One row an agent and day. Days are those of the session''s TimeZone, by the start of the call.';
COMMENT ON COLUMN call_report.agent_day.account IS 'Tenant; empty in a host with only one.';
COMMENT ON COLUMN call_report.agent_day.agent IS 'The agent.';
COMMENT ON COLUMN call_report.agent_day.day IS 'The day on which the calls began; where the start is unknown, on which they were logged.';
COMMENT ON COLUMN call_report.agent_day.calls IS 'All calls, live ones included.';
COMMENT ON COLUMN call_report.agent_day.inbound IS 'Calls to the agent.';
COMMENT ON COLUMN call_report.agent_day.outbound IS 'Calls by the agent.';
COMMENT ON COLUMN call_report.agent_day.answered IS 'Ended calls, in either direction, in which somebody answered.';
COMMENT ON COLUMN call_report.agent_day.missed IS 'Ended inbound calls that the agent did not answer, without a voicemail.';
COMMENT ON COLUMN call_report.agent_day.voicemail IS 'Ended calls that went to voicemail.';
COMMENT ON COLUMN call_report.agent_day.talk_total_s IS 'Seconds of all answered calls together.';
COMMENT ON COLUMN call_report.agent_day.talk_average_s IS 'Mean seconds of an answered call; NULL when there was none.';
COMMENT ON COLUMN call_report.agent_day.talk_median_s IS 'Median seconds of an answered call; NULL when there was none.';
COMMENT ON COLUMN call_report.agent_day.with_note IS 'Calls with a note that is not empty.';

INSERT INTO call_log.migrations (version, name) VALUES (4, 'report');
COMMIT;
