-- Return the first stream whose row does not say how many events it has.
--
--   in:  nothing
--   out: position  bigint, null; found, expected  text; one row at most
--
-- A stream without events may have a row that says so.
SELECT NULL::bigint AS position,
       format('es.streams says %%s has %%s events',
              stream_id, coalesce(stream_version::text, 'no row and so no')) AS found,
       format('%%s, as in the log', coalesce(events, 0)) AS expected
  FROM es.streams
  FULL JOIN (SELECT stream_id, count(*) AS events FROM es.events GROUP BY stream_id)
         AS logged USING (stream_id)
 WHERE stream_version IS DISTINCT FROM coalesce(events, 0)
 ORDER BY stream_id
 LIMIT 1;
