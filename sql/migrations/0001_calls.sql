-- The tables: calls, the notes saved on them, the agents, what was refused.
BEGIN;

CREATE SCHEMA call_log;
COMMENT ON SCHEMA call_log IS
'Phone calls as the plugin call_log keeps them. Analysts read schema call_report instead.';

CREATE TABLE call_log.migrations (
	version    integer     PRIMARY KEY,
	name       text        NOT NULL,
	applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE call_log.migrations IS
'The migrations (sql/migrations/) that this schema has seen. The highest version is the version of the schema.';
COMMENT ON COLUMN call_log.migrations.version IS 'The number at the start of the migration''s file name.';
COMMENT ON COLUMN call_log.migrations.name IS 'The rest of that file name.';
COMMENT ON COLUMN call_log.migrations.applied_at IS 'When it was applied here.';

CREATE FUNCTION call_log.schema_version() RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE AS
'SELECT coalesce(max(version), 0) FROM call_log.migrations';
COMMENT ON FUNCTION call_log.schema_version() IS
'The version of the schema; the plugin refuses one that is older than it needs.';

CREATE FUNCTION call_log.outcome(state text, result text, connected boolean, direction text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE
	WHEN state NOT IN ('ended', 'final') THEN NULL
	-- without a record's own result, what presence told decides
	WHEN state = 'ended' OR result IS NULL
	     OR result IN ('Disconnected', 'Ringing', 'CallConnected', 'OnHold', 'ParkedCall') THEN CASE
		WHEN connected              THEN 'answered'
		WHEN direction = 'Inbound'  THEN 'missed'
		WHEN direction = 'Outbound' THEN 'no_answer'
		ELSE 'other' END
	WHEN result IN ('Accepted', 'Call connected')         THEN 'answered'
	WHEN result IN ('Missed', 'Abandoned')                THEN 'missed'
	WHEN result IN ('No Answer', 'Hang Up') THEN CASE direction
		WHEN 'Inbound'  THEN 'missed'
		WHEN 'Outbound' THEN 'no_answer'
		ELSE 'other' END
	WHEN result = 'Voicemail'                             THEN 'voicemail'
	WHEN result IN ('Rejected', 'Declined', 'Blocked')    THEN 'rejected'
	WHEN result = 'Busy'                                  THEN 'busy'
	WHEN result IN ('Wrong Number', 'Internal Error', 'Call Failed')
	     OR result LIKE 'International %'                 THEN 'failed'
	ELSE 'other'
END $$;
COMMENT ON FUNCTION call_log.outcome(text, text, boolean, text) IS
'How a call ended, from its record''s result, else from what presence told; NULL while it is live. The results are those of the phone service''s call log, an open set: an unknown one is "other".';

CREATE TYPE call_log.fact_ranks AS (
	telephony_session_id bytea,
	party_id             bytea,
	other_leg            bytea,
	direction            bytea,
	from_number          bytea,
	from_name            bytea,
	to_number            bytea,
	to_name              bytea,
	queue_call           bytea,
	started_at           bytea,
	duration_s           bytea,
	result               bytea,
	ai_note              bytea,
	transcript           bytea,
	recording            bytea,
	body                 bytea,
	contact              bytea,
	note                 bytea,
	form                 bytea
);
COMMENT ON TYPE call_log.fact_ranks IS
'From which event each fact of a call comes (0002_merge.sql). NULL: from the call''s highest event (calls.rank), where the fact is there at all. contact, note and form have ranks of their own kind, never NULL once they were set.';

CREATE TABLE call_log.calls (
	account              text    COLLATE "C" NOT NULL,
	agent                text    COLLATE "C" NOT NULL CHECK (agent <> ''),
	session_id           text    COLLATE "C" NOT NULL CHECK (session_id <> ''),
	id                   bigint  GENERATED ALWAYS AS IDENTITY,
	telephony_session_id text    COLLATE "C",
	party_id             text    COLLATE "C",
	direction            text    COLLATE "C" CHECK (direction IN ('Inbound', 'Outbound')),
	from_number          text    COLLATE "C",
	from_name            text,
	to_number            text    COLLATE "C",
	to_name              text,
	queue_call           boolean,
	started_at           timestamptz,
	duration_s           integer CHECK (duration_s >= 0),
	state                text    COLLATE "C" NOT NULL
	                     CHECK (state IN ('ringing', 'connected', 'held', 'parked', 'ended', 'final')),
	result               text    COLLATE "C",
	outcome              text    COLLATE "C"
	                     GENERATED ALWAYS AS (call_log.outcome(state, result, connected, direction)) STORED,
	contact_id           text    COLLATE "C",
	contact_name         text,
	contact_type         text    COLLATE "C",
	note                 text,
	form                 jsonb   COMPRESSION lz4,
	ai_note              text    COMPRESSION lz4,
	transcript           text    COMPRESSION lz4,
	recording_id         text    COLLATE "C",
	recording_link       text    COLLATE "C",
	recording_uri        text    COLLATE "C",
	recording_type       text    COLLATE "C",
	logged_by            text    COLLATE "C" NOT NULL CHECK (logged_by IN ('manual', 'auto', 'backfill')),
	merged_into          text    COLLATE "C" CHECK (merged_into <> session_id),
	logged_at            timestamptz NOT NULL DEFAULT now(),
	updated_at           timestamptz NOT NULL DEFAULT now(),
	body                 json    COMPRESSION lz4,
	-- what the merge rule needs beside the facts
	connected            boolean NOT NULL,
	telephony_session_ids text[] COLLATE "C",
	other_leg            text    COLLATE "C",
	other_legs           text[]  COLLATE "C",
	last_event_at        timestamptz NOT NULL,
	rank                 bytea   NOT NULL,
	ranks                call_log.fact_ranks NOT NULL
-- a call is updated three to thirty times: room on the page keeps that cheap
) WITH (fillfactor = 80);

COMMENT ON TABLE call_log.calls IS
'One row an agent and call: what all events about the call tell together (merge rule: 0002_merge.sql). Written by call_log.record_calls() only; change a note by call_log.set_note() or a plain UPDATE of note.';
COMMENT ON COLUMN call_log.calls.account IS 'Tenant, from the host''s authenticated session; empty in a host with only one.';
COMMENT ON COLUMN call_log.calls.agent IS 'The agent''s name at the host, from its authenticated session.';
COMMENT ON COLUMN call_log.calls.session_id IS 'The phone service''s session id, by which the widget names the call. Not unique across agents. For a call that the widget names "0" (conference): its telephony session id, or "0/" and the presence id.';
COMMENT ON COLUMN call_log.calls.id IS 'A short name of the call for answers and links. Gaps are normal.';
COMMENT ON COLUMN call_log.calls.telephony_session_id IS 'The phone service''s second name of the call, the same in presence and in the call log.';
COMMENT ON COLUMN call_log.calls.party_id IS 'The agent''s party within the telephony session.';
COMMENT ON COLUMN call_log.calls.direction IS 'Inbound or Outbound, from the agent''s point of view.';
COMMENT ON COLUMN call_log.calls.from_number IS 'Who called: E.164, or an extension, as sent. NULL for an anonymous caller.';
COMMENT ON COLUMN call_log.calls.from_name IS 'The name that was shown for the caller.';
COMMENT ON COLUMN call_log.calls.to_number IS 'Who was called: E.164, or an extension, as sent.';
COMMENT ON COLUMN call_log.calls.to_name IS 'The name that was shown for who was called.';
COMMENT ON COLUMN call_log.calls.queue_call IS 'Whether it came through a call queue; NULL where the platform does not say.';
COMMENT ON COLUMN call_log.calls.started_at IS 'When the call began, by the phone service''s clock.';
COMMENT ON COLUMN call_log.calls.duration_s IS 'Seconds. From the call''s record once it is final; before, since the start, ringing included.';
COMMENT ON COLUMN call_log.calls.state IS 'ringing, connected, held, parked, ended (as presence tells it, may change again), final (the call-log record arrived).';
COMMENT ON COLUMN call_log.calls.result IS 'The result as the phone service sent it; an open set.';
COMMENT ON COLUMN call_log.calls.outcome IS 'answered, missed, voicemail, rejected, no_answer, busy, failed, other; NULL while the call is live.';
COMMENT ON COLUMN call_log.calls.contact_id IS 'The contact in the host''s own words: the agent''s pick, else the only match.';
COMMENT ON COLUMN call_log.calls.contact_name IS 'The contact''s name when it was matched.';
COMMENT ON COLUMN call_log.calls.contact_type IS 'The contact''s type when it was matched.';
COMMENT ON COLUMN call_log.calls.note IS 'The agent''s note, from the newest save that carried one. All saves: call_log.notes.';
COMMENT ON COLUMN call_log.calls.form IS 'The further fields of the log form, from the newest save that carried any.';
COMMENT ON COLUMN call_log.calls.ai_note IS 'The phone service''s own summary.';
COMMENT ON COLUMN call_log.calls.transcript IS 'The phone service''s transcript.';
COMMENT ON COLUMN call_log.calls.recording_id IS 'The phone service''s id of the recording.';
COMMENT ON COLUMN call_log.calls.recording_link IS 'The page that plays the recording; needs the phone service''s login.';
COMMENT ON COLUMN call_log.calls.recording_uri IS 'The recording''s address, never with an access token.';
COMMENT ON COLUMN call_log.calls.recording_type IS 'Automatic or OnDemand.';
COMMENT ON COLUMN call_log.calls.logged_by IS 'The strongest of: manual (the agent logged or edited it), auto (the widget did), backfill (found in the history later).';
COMMENT ON COLUMN call_log.calls.merged_into IS 'The session id of the row that stands for this call, where the call has several session ids. Reports skip such rows.';
COMMENT ON COLUMN call_log.calls.logged_at IS 'When the call was first committed here.';
COMMENT ON COLUMN call_log.calls.updated_at IS 'When a fact of it last changed here.';
COMMENT ON COLUMN call_log.calls.body IS 'The last final message as received, without tokens (option `body` of the plugin).';
COMMENT ON COLUMN call_log.calls.connected IS 'Whether any event showed that somebody answered.';
COMMENT ON COLUMN call_log.calls.other_leg IS 'The session id of the RingOut leg whose row this one supersedes.';
COMMENT ON COLUMN call_log.calls.telephony_session_ids IS 'All telephony session ids that its events carried, once they were not all the same.';
COMMENT ON COLUMN call_log.calls.other_legs IS 'All other_leg that its events carried, once they were not all the same.';
COMMENT ON COLUMN call_log.calls.last_event_at IS 'When the widget posted the highest-ranked event.';
COMMENT ON COLUMN call_log.calls.rank IS 'The highest rank of an event about this call (call_log.event_rank).';
COMMENT ON COLUMN call_log.calls.ranks IS 'The ranks of single facts, where they differ from rank.';

-- Every index holds account and agent, so that the tables can be distributed by
-- either; none holds a column that changes at every event, so that updates stay
-- on their page. (started_at moves at most once or twice.) The planner takes an
-- index with more calls of an agent than one for as good as the primary key while
-- it believes the table to be small, and a busy session keeps that plan until the
-- next ANALYZE: so every other index is partial, in a way that a search by the
-- primary key never fits, and a call is never looked for among all calls of its
-- agent. Where two seem to cost the same it takes the younger.
CREATE INDEX calls_id ON call_log.calls (id);
CREATE INDEX calls_started ON call_log.calls (account, agent, started_at) WHERE started_at IS NOT NULL;
ALTER TABLE call_log.calls ADD PRIMARY KEY (account, agent, session_id);
CREATE INDEX calls_telephony_session ON call_log.calls (telephony_session_id, account, agent)
	WHERE telephony_session_id IS NOT NULL;
CREATE INDEX calls_other_leg ON call_log.calls (account, agent, other_leg) WHERE other_leg IS NOT NULL;
CREATE INDEX calls_several_names ON call_log.calls (account, agent)
	WHERE telephony_session_ids IS NOT NULL OR other_legs IS NOT NULL;
CREATE INDEX calls_zero ON call_log.calls (account, agent)
	WHERE session_id = telephony_session_id OR session_id LIKE '0/%';
COMMENT ON INDEX call_log.calls_id IS 'A call by the id that answers and links carry.';
COMMENT ON INDEX call_log.calls_telephony_session IS 'One call under two session ids.';
COMMENT ON INDEX call_log.calls_started IS 'An agent''s calls of a period.';
COMMENT ON INDEX call_log.calls_other_leg IS 'RingOut: who supersedes this leg.';
COMMENT ON INDEX call_log.calls_several_names IS 'The rare calls whose events did not agree on telephony session or leg.';
COMMENT ON INDEX call_log.calls_zero IS 'The calls that the widget names "0".';

CREATE TABLE call_log.notes (
	account    text COLLATE "C" NOT NULL,
	agent      text COLLATE "C" NOT NULL,
	session_id text COLLATE "C" NOT NULL,
	saved_at   timestamptz NOT NULL,
	request_id text COLLATE "C" NOT NULL,
	note       text,
	form       jsonb,
	contact_id text COLLATE "C",
	xid        xid8 NOT NULL DEFAULT pg_current_xact_id(),
	PRIMARY KEY (account, agent, session_id, saved_at, request_id),
	FOREIGN KEY (account, agent, session_id) REFERENCES call_log.calls
);
COMMENT ON TABLE call_log.notes IS
'Every save by an agent: what it said, never changed. A retry of the same save adds nothing.';
COMMENT ON COLUMN call_log.notes.account IS 'As in calls.';
COMMENT ON COLUMN call_log.notes.agent IS 'As in calls: whose call it is.';
COMMENT ON COLUMN call_log.notes.session_id IS 'The call; where it was merged into another, that one.';
COMMENT ON COLUMN call_log.notes.saved_at IS 'When the agent saved.';
COMMENT ON COLUMN call_log.notes.request_id IS 'The widget''s name of the save; "set_note/..." for call_log.set_note(), "sql/..." for a plain UPDATE.';
COMMENT ON COLUMN call_log.notes.note IS 'The note as saved; empty where it was saved empty, NULL where the save had no note field.';
COMMENT ON COLUMN call_log.notes.form IS 'The further form fields of the save.';
COMMENT ON COLUMN call_log.notes.contact_id IS 'The contact that the agent picked.';
COMMENT ON COLUMN call_log.notes.xid IS 'The transaction that wrote it, by which changes_since() knows what is new; of another server after a dump was restored.';

-- For call_log.changes_since(): by the transaction, or else by the time. Few saves
-- are made elsewhere, and no other is in these.
CREATE INDEX notes_elsewhere ON call_log.notes (xid, request_id, account, agent)
	WHERE request_id LIKE 'set_note/%' OR request_id LIKE 'sql/%';
CREATE INDEX notes_elsewhere_at ON call_log.notes (saved_at, request_id, account, agent)
	WHERE request_id LIKE 'set_note/%' OR request_id LIKE 'sql/%';
COMMENT ON INDEX call_log.notes_elsewhere IS 'Notes that were changed elsewhere, by the transactions that did.';
COMMENT ON INDEX call_log.notes_elsewhere_at IS 'Notes that were changed elsewhere, since some moment.';

CREATE TABLE call_log.agents (
	account             text COLLATE "C" NOT NULL,
	agent               text COLLATE "C" NOT NULL CHECK (agent <> ''),
	auto_log            boolean,
	auto_log_changed_at timestamptz,
	PRIMARY KEY (account, agent)
);
COMMENT ON TABLE call_log.agents IS 'What is known of agents beside their calls.';
COMMENT ON COLUMN call_log.agents.account IS 'As in calls.';
COMMENT ON COLUMN call_log.agents.agent IS 'As in calls.';
COMMENT ON COLUMN call_log.agents.auto_log IS 'Whether the agent''s widget logs calls by itself; NULL until it said so.';
COMMENT ON COLUMN call_log.agents.auto_log_changed_at IS 'When it last said so.';

CREATE TABLE call_log.rejected (
	account     text COLLATE "C" NOT NULL,
	agent       text COLLATE "C" NOT NULL,
	session_id  text COLLATE "C" NOT NULL,
	request_id  text COLLATE "C" NOT NULL,
	rejected_at timestamptz NOT NULL DEFAULT now(),
	sqlstate    text COLLATE "C" NOT NULL,
	reason      text NOT NULL,
	body        text COMPRESSION lz4,
	PRIMARY KEY (account, agent, session_id, request_id)
);
COMMENT ON TABLE call_log.rejected IS
'Events that the database refused, one row each. Once the cause is mended: call_log.retry_rejected().';
COMMENT ON COLUMN call_log.rejected.account IS 'As in calls.';
COMMENT ON COLUMN call_log.rejected.agent IS 'As in calls.';
COMMENT ON COLUMN call_log.rejected.session_id IS 'As in calls.';
COMMENT ON COLUMN call_log.rejected.request_id IS 'The widget''s name of the message.';
COMMENT ON COLUMN call_log.rejected.rejected_at IS 'When it was refused.';
COMMENT ON COLUMN call_log.rejected.sqlstate IS 'The error''s SQLSTATE.';
COMMENT ON COLUMN call_log.rejected.reason IS 'The error''s text, without the data.';
COMMENT ON COLUMN call_log.rejected.body IS 'The event as it was to be written: a JSON object of what the message told, by the names of record_calls(); not the message itself. What the event did not carry is left out.';

INSERT INTO call_log.migrations (version, name) VALUES (1, 'calls');
COMMIT;
