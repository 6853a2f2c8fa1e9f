-- Say which moment this transaction sees, so that another can see it too.
--
--   in:  nothing
--   out: global_seq  bigint, moment  text, session  integer, one row
SELECT global_seq, pg_export_snapshot() AS moment, pg_backend_pid() AS session
  FROM es.head;
