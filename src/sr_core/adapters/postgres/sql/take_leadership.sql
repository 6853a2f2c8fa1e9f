-- Take the lock of the outbox's publisher for this session, if nobody has it.
--
--   in:  nothing
--   out: is_held  boolean, one row
--   locks: a lock of the session, which ends with it
SELECT pg_try_advisory_lock(hashtext('es.outbox'), hashtext('publisher')) AS is_held;
