-- Say whether any migration was ever applied here.
--
--   in:  nothing
--   out: is_there  boolean, one row
SELECT to_regclass('es.schema_migrations') IS NOT NULL AS is_there;
