-- A call that agents had parts in on several days is counted on the first of them, with
-- what all of them did. A part of a day that is not counted yet is found there, so its
-- changes need no mark (0009_rollup.sql). But one that goes, because it is deleted or
-- merged into another, is found nowhere any more: a day before, counted while it was
-- there, kept what it did. So whatever goes leaves a mark, whenever it began.
BEGIN;

CREATE OR REPLACE FUNCTION call_log.mark_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- who reads as of the beginning of a transaction does not see how far that is
	closed timestamptz := CASE WHEN current_setting('transaction_isolation') LIKE 'read %'
		-- by the key, for whom scans are off
		THEN (SELECT r.closed_until FROM call_log.rollup r WHERE r.one) ELSE 'infinity' END;
	stays  boolean := TG_OP = 'UPDATE' AND (OLD.merged_into IS NOT NULL OR NEW.merged_into IS NULL)
		AND (NEW.account, NEW.agent, NEW.session_id) = (OLD.account, OLD.agent, OLD.session_id);
BEGIN
	IF coalesce(OLD.started_at, OLD.logged_at) < closed OR NOT stays THEN
		INSERT INTO call_log.marks (account, agent, session_id, began_at)
		VALUES (OLD.account, OLD.agent, OLD.session_id, coalesce(OLD.started_at, OLD.logged_at));
	END IF;
	IF TG_OP = 'UPDATE' AND coalesce(NEW.started_at, NEW.logged_at) < closed
	   AND (NEW.account, NEW.agent, NEW.session_id, coalesce(NEW.started_at, NEW.logged_at))
	       IS DISTINCT FROM (OLD.account, OLD.agent, OLD.session_id, coalesce(OLD.started_at, OLD.logged_at)) THEN
		INSERT INTO call_log.marks (account, agent, session_id, began_at)
		VALUES (NEW.account, NEW.agent, NEW.session_id, coalesce(NEW.started_at, NEW.logged_at));
	END IF;
	RETURN NULL;
END $$;

-- What was counted with one that had gone is counted anew: in the background, and what
-- is not counted yet reports count themselves.
UPDATE call_log.rollup SET rolled_day = '-infinity', settled_until = '-infinity';

INSERT INTO call_log.migrations (version, name) VALUES (17, 'gone_parts');
COMMIT;
