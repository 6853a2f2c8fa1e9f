-- Bound what a statement of this session may wait for, and say times in UTC.
--
--   in:  lock_timeout, statement_timeout, idle_timeout  text, such as '2000ms'
--   out: one row that nobody reads
--
-- A transaction that its client has forgotten would hold the end of the log, and with it
-- every other append; the server ends it.
SELECT set_config('lock_timeout', %(lock_timeout)s, false),
       set_config('statement_timeout', %(statement_timeout)s, false),
       set_config('idle_in_transaction_session_timeout', %(idle_timeout)s, false),
       set_config('timezone', 'UTC', false);
