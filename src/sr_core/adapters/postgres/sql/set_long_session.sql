-- Bound what a statement of a session may wait for that reads all there is.
--
--   in:  lock_timeout, statement_timeout, idle_timeout  text, such as '5s'
--   out: one row that nobody reads
SELECT set_config('lock_timeout', %(lock_timeout)s, false),
       set_config('statement_timeout', %(statement_timeout)s, false),
       set_config('idle_in_transaction_session_timeout', %(idle_timeout)s, false);
