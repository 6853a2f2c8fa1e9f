-- Let one rebuild at a time into this database, until its session ends.
--
--   in:  nothing
--   out: is_locked  boolean, one row
SELECT pg_try_advisory_lock(hashtextextended('proj.rebuild', 0)) AS is_locked;
