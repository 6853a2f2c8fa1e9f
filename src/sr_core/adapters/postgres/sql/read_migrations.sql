-- Return the migrations that were applied, oldest first.
--
--   in:  nothing
--   out: version  bigint, name  text, checksum  text; any number of rows
SELECT version, name, checksum
  FROM es.schema_migrations
 ORDER BY version;
