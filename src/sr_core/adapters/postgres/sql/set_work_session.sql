-- Prepare a session for long work of its own: no bound on its statements, times in UTC, and
-- names that say their schema.
--
--   in:  nothing
--   out: one row that nobody reads
SELECT set_config('statement_timeout', '0', false),
       set_config('idle_in_transaction_session_timeout', '0', false),
       set_config('lock_timeout', '2s', false),
       set_config('timezone', 'UTC', false),
       set_config('datestyle', 'ISO', false),
       set_config('intervalstyle', 'postgres', false),
       set_config('extra_float_digits', '1', false),
       set_config('bytea_output', 'hex', false),
       set_config('search_path', 'pg_catalog', false),
       set_config('jit', 'off', false);
