-- Read which version the schema has.
--
--   in:  nothing
--   out: one row: the version of the latest migration, null before the first
SELECT max(version) AS version FROM es.schema_migrations;
