-- Return the boundary that a stream's events belong to.
--
--   in:  stream_id  text
--   out: boundary  text, one row, or none where the stream has no event
SELECT boundary
  FROM es.events
 WHERE stream_id = %(stream_id)s
 ORDER BY stream_seq
 LIMIT 1;
