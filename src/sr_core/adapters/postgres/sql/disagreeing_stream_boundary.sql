-- Return the first event that is in another boundary than its stream's first.
--
--   in:  nothing
--   out: position  bigint, found, expected  text; one row at most
SELECT global_seq AS position,
       format('%%s in the boundary %%s', stream_id, boundary) AS found,
       wanted AS expected
  FROM (SELECT global_seq, stream_id, boundary,
               first_value(boundary)
                   OVER (PARTITION BY stream_id ORDER BY global_seq) AS wanted
          FROM es.events) AS placed
 WHERE boundary <> wanted
 ORDER BY global_seq
 LIMIT 1;
