-- Mark rows of the outbox as published, now; those that are marked stay as they are.
--
--   in:  positions  bigint[]; stream_seqs  bigint[], as long, null where there is none
--   out: nothing
UPDATE es.outbox AS o
   SET published_at = now(), stream_seq = m.stream_seq
  FROM unnest(%(positions)s::bigint[], %(stream_seqs)s::bigint[])
       AS m (global_seq, stream_seq)
 WHERE o.global_seq = m.global_seq AND o.published_at IS NULL;
