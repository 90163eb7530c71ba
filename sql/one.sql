-- One migration of install.sql: applies the file named by :migration and :name when
-- the schema's :version is older, or only says so.
SELECT :version < :migration AS missing,
       format('migrations/%s_%s.sql', lpad(:'migration', 4, '0'), :'name') AS file \gset
\if :missing
\if :check
\echo missing: :file
\else
\echo call_log: applying :file
\ir :file
\endif
\endif
