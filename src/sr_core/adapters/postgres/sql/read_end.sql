-- Return the position of the log's last event.
--
--   in:  nothing
--   out: global_seq  bigint, one row
SELECT global_seq FROM es.head;
