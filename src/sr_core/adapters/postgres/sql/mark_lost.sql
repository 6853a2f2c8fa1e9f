-- Record that the stream does not hold the messages of these rows.
--
--   in:  positions  bigint[]
--   out: nothing
UPDATE es.outbox
   SET stream_seq = NULL, verified_at = NULL
 WHERE global_seq = ANY (%(positions)s::bigint[]);
