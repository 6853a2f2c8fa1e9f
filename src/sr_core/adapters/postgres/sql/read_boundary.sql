-- Return one boundary's events past a position, oldest first.
--
--   in:  boundary  text, after  bigint
--   out: the columns of StoredEvent, any number of rows
SELECT global_seq, boundary, stream_id, stream_seq, event_id, event_type,
       envelope, envelope_hash, chain_hash
  FROM es.events
 WHERE boundary = %(boundary)s
   AND global_seq > %(after)s
 ORDER BY global_seq;
