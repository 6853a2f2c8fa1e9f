-- Wait for a lock, in this transaction, until a server would have asked autovacuum to yield.
--
--   in:  nothing
--   out: one row that nobody reads
--
-- Autovacuum gives a table up once somebody has waited `deadlock_timeout` for it.
SELECT set_config('lock_timeout', setting::integer + 2000 || 'ms', true)
  FROM pg_settings WHERE name = 'deadlock_timeout';
