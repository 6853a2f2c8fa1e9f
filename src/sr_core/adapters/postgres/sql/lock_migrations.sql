-- Let one runner at a time into this database, until its session ends.
--
--   in:  nothing
--   out: nothing
--   locks: one advisory lock, for the session: migrations are a transaction each, and
--          another runner must not come in between two of them
SELECT pg_advisory_lock(hashtextextended('es.schema_migrations', 0));
