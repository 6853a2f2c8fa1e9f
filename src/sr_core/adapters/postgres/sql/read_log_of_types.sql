-- Return events of some types past a position, in the order of the log.
--
--   in:  after  bigint, limit  bigint, event_types  text[]
--   out: the columns of StoredEvent, up to `limit` rows
SELECT global_seq, boundary, stream_id, stream_seq, event_id, event_type,
       envelope, envelope_hash, chain_hash
  FROM es.events
 WHERE global_seq > %(after)s
   AND event_type = ANY (%(event_types)s::text[])
 ORDER BY global_seq
 LIMIT %(limit)s;
