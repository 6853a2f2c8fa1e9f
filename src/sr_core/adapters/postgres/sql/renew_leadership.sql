-- Let the server hear from this session, and say whether the publisher's lock is its own.
--
--   in:  nothing
--   out: is_held  boolean, one row
SELECT EXISTS (
    SELECT FROM pg_locks
     WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND classid = hashtext('es.outbox')::bigint & 4294967295
       AND objid = hashtext('publisher')::bigint & 4294967295
) AS is_held;
