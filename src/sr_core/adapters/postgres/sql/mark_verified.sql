-- Record that the stream was seen to hold the messages of these rows.
--
--   in:  positions  bigint[]
--   out: nothing
UPDATE es.outbox
   SET verified_at = now()
 WHERE global_seq = ANY (%(positions)s::bigint[])
   AND stream_seq IS NOT NULL
   AND verified_at IS NULL;
