-- Return published rows whose message nobody has read back from the stream.
--
--   in:  since  timestamptz, limit  bigint
--   out: global_seq  bigint, event_id, envelope_hash  text, stream_seq  bigint
SELECT o.global_seq, e.event_id, e.envelope_hash, o.stream_seq
  FROM es.outbox AS o
  JOIN es.events AS e USING (global_seq)
 WHERE o.published_at >= %(since)s
   AND o.stream_seq IS NOT NULL
   AND o.verified_at IS NULL
 ORDER BY o.global_seq
 LIMIT %(limit)s;
