-- Return the first stream whose row does not say of which kind it is, and how long.
--
--   in:  nothing
--   out: position  bigint, null; found, expected  text; one row at most
--
-- A stream without events may have a row that says so.
SELECT NULL::bigint AS position,
       format('es.streams says %%s is of kind %%s with %%s events', stream_id,
              coalesce(streams.stream_kind, 'none'), coalesce(stream_version, 0)) AS found,
       format('%%s with %%s, as in the log',
              coalesce(logged.stream_kind, 'any'), coalesce(events, 0)) AS expected
  FROM es.streams
  FULL JOIN (SELECT stream_id, min(stream_kind) AS stream_kind, count(*) AS events
               FROM es.events GROUP BY stream_id)
         AS logged USING (stream_id)
 WHERE stream_version IS DISTINCT FROM coalesce(events, 0)
    OR streams.stream_kind <> logged.stream_kind
 ORDER BY stream_id
 LIMIT 1;
