-- Return how much of the outbox waits, and for how long its oldest row has.
--
--   in:  nothing
--   out: depth  bigint, oldest_s  double precision, one row
SELECT count(*) AS depth,
       coalesce(extract(epoch FROM max(clock_timestamp() - e.inserted_at)), 0)::float8
           AS oldest_s
  FROM es.outbox AS o
  JOIN es.events AS e USING (global_seq)
 WHERE o.published_at IS NULL;
