-- Return the first event whose number in its stream is not the next one.
--
--   in:  nothing
--   out: position  bigint, found, expected  text; one row at most
SELECT global_seq AS position,
       format('number %%s of %%s', stream_seq, stream_id) AS found,
       format('number %%s', wanted) AS expected
  FROM (SELECT global_seq, stream_id, stream_seq,
               row_number() OVER (PARTITION BY stream_id ORDER BY global_seq) AS wanted
          FROM es.events) AS numbered
 WHERE stream_seq <> wanted
 ORDER BY global_seq
 LIMIT 1;
