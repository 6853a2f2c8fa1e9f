-- Return where the head says that the log ends.
--
--   in:  nothing
--   out: position  bigint, chain_hash  bytea; one row, if nobody tampered
SELECT global_seq AS position, chain_hash
  FROM es.head;
