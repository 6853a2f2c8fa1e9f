-- Return the position of the log's last event, and let nobody append.
--
--   in:  nothing
--   out: global_seq  bigint, one row
--   locks: es.head, until the transaction ends
SELECT global_seq FROM es.head FOR UPDATE;
