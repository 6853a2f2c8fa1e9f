-- Return the first rows of the outbox that are not published, with their events.
--
--   in:  limit  bigint
--   out: topic  text, and the columns of StoredEvent, in the order of the log
--
-- Rows are committed in the order of their numbers (take_head.sql), so none can appear
-- later before one that was returned here.
SELECT o.topic, e.global_seq, e.boundary, e.stream_id, e.stream_seq, e.event_id,
       e.event_type, e.envelope, e.envelope_hash, e.chain_hash
  FROM es.outbox AS o
  JOIN es.events AS e USING (global_seq)
 WHERE o.published_at IS NULL
 ORDER BY o.global_seq
 LIMIT %(limit)s;
