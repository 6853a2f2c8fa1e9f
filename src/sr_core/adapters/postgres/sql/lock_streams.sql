-- Lock streams for append, until the transaction ends, and return their versions.
--
--   in:  stream_ids  text[]
--   out: stream_id  text, stream_version  bigint; a row for each, by stream_id
--   locks: the rows, in the order of stream_id, so that two appends never wait for
--          each other in a ring
SELECT stream_id, stream_version
  FROM es.streams
 WHERE stream_id = ANY (%(stream_ids)s::text[])
 ORDER BY stream_id
   FOR NO KEY UPDATE;
