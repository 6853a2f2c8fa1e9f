-- Append one event, and its message to be published; never one without the other.
--
--   in:  the columns of es.events that nothing computes
--   out: nothing
--   locks: needs the head, the boundary and the stream to be held
WITH appended AS (
    INSERT INTO es.events (
        global_seq, event_id, boundary, stream_id, stream_kind, stream_seq, event_type,
        actor_kind, actor_id, occurred_at, correlation_id,
        envelope, envelope_hash, chain_hash
    ) VALUES (
        %(global_seq)s, %(event_id)s, %(boundary)s, %(stream_id)s, %(stream_kind)s,
        %(stream_seq)s, %(event_type)s, %(actor_kind)s, %(actor_id)s, %(occurred_at)s,
        %(correlation_id)s, %(envelope)s, %(envelope_hash)s, %(chain_hash)s
    )
    RETURNING global_seq, stream_kind, event_type
)
INSERT INTO es.outbox (global_seq, topic)
SELECT global_seq, 'sr.events.' || stream_kind || '.' || event_type
  FROM appended;
