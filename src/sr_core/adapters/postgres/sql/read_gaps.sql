-- Return the latest gaps of the bus, newest first.
--
--   in:  limit  bigint
--   out: noticed_by, from_seq, to_seq, why, noticed_at, healed_at
SELECT noticed_by, from_seq, to_seq, why, noticed_at, healed_at
  FROM es.bus_gaps
 ORDER BY gap_id DESC
 LIMIT %(limit)s;
