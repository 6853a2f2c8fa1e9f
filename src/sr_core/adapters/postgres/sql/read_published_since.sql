-- Return the first and the last position published from a moment on.
--
--   in:  moment  timestamptz
--   out: first, last  bigint, one row; both null where nothing was published since
SELECT min(global_seq) AS first, max(global_seq) AS last
  FROM es.outbox
 WHERE published_at >= %(moment)s;
