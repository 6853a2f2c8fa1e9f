-- Make streams at version 0, those that are not there yet.
--
--   in:  stream_ids, stream_kinds  text[], of one length
--   out: nothing
--   locks: the new rows, in the order of stream_id; waits for another transaction that
--          is making one of them
INSERT INTO es.streams (stream_id, stream_kind)
SELECT stream_id, stream_kind
  FROM unnest(%(stream_ids)s::text[], %(stream_kinds)s::text[])
       AS wanted (stream_id, stream_kind)
 ORDER BY stream_id
ON CONFLICT DO NOTHING;
