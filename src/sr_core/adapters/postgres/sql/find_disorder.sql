-- Return the first event whose number does not follow on from those of its stream.
--
--   in:  end  bigint: up to where the log is looked at
--   out: global_seq, stream_seq, expected  bigint, stream_id  text; one row, or none
SELECT global_seq, stream_id, stream_seq, expected
  FROM (SELECT global_seq, stream_id, stream_seq,
               row_number() OVER (PARTITION BY stream_id ORDER BY global_seq) AS expected
          FROM es.events
         WHERE global_seq <= %(end)s) AS numbered
 WHERE stream_seq <> expected
 ORDER BY global_seq
 LIMIT 1;
