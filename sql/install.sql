-- Brings the schema of call_log up to date, from nothing or from any older version:
--
--     psql -v ON_ERROR_STOP=1 -f sql/install.sql [connection]
--
-- Twice is harmless. Each migration is one transaction and is recorded in
-- call_log.migrations, so what was interrupted goes on where it stopped. With
-- -v check=1 it changes nothing and prints the migrations that are missing.
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
\if :{?check}
\else
\set check 0
-- two installations at once take turns
SELECT pg_advisory_lock(hashtextextended('call_log.migrations', 0)) \g /dev/null
\endif

SELECT to_regclass('call_log.migrations') IS NULL AS empty \gset
\if :empty
\set version 0
\else
SELECT call_log.schema_version() AS version \gset
\endif

-- one stanza a migration, in order
\set migration 1
\set name calls
\ir one.sql
\set migration 2
\set name merge
\ir one.sql
\set migration 3
\set name match
\ir one.sql
\set migration 4
\set name report
\ir one.sql
\set migration 5
\set name roles
\ir one.sql
\set migration 6
\set name desk
\ir one.sql
\set migration 7
\set name helpdesk
\ir one.sql
\set migration 8
\set name report
\ir one.sql
\set migration 9
\set name rollup
\ir one.sql
\set migration 10
\set name figures
\ir one.sql
\set migration 11
\set name life
\ir one.sql
\set migration 12
\set name rights
\ir one.sql
\set migration 13
\set name report_page
\ir one.sql
\set migration 14
\set name recordings
\ir one.sql
\set migration 15
\set name playing
\ir one.sql
\set migration 16
\set name write_path
\ir one.sql
\set migration 17
\set name gone_parts
\ir one.sql
\set migration 18
\set name keeping
\ir one.sql
\set migration 19
\set name few_events
\ir one.sql

\if :check
\else
\echo call_log: schema is at version :migration
SELECT pg_advisory_unlock(hashtextextended('call_log.migrations', 0)) \g /dev/null
\endif
