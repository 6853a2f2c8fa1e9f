-- Bound what a statement of this session may wait for, and say times in UTC.
--
--   in:  lock_timeout, statement_timeout, idle_timeout  text, such as '2000ms'
--   out: one row that nobody reads
--
-- A transaction that its client has forgotten would hold the end of the log, and with it
-- every other append; the server ends it.
--
-- All that such a session asks for is few rows by their keys. A plan that is kept, and was
-- made while a table was small, would read all of it once it has grown: so plans that do
-- are out of the question from the start.
SELECT set_config('lock_timeout', %(lock_timeout)s, false),
       set_config('statement_timeout', %(statement_timeout)s, false),
       set_config('idle_in_transaction_session_timeout', %(idle_timeout)s, false),
       set_config('timezone', 'UTC', false),
       set_config('plan_cache_mode', 'force_generic_plan', false),
       set_config('enable_seqscan', 'off', false),
       set_config('enable_hashjoin', 'off', false),
       set_config('enable_mergejoin', 'off', false),
       set_config('jit', 'off', false);
