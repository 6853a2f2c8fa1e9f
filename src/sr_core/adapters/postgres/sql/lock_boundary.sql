-- Lock a boundary for append, until the transaction ends, and return its position.
--
--   in:  boundary  text
--   out: position  bigint, one row
--   locks: the row, first of all that an append locks
SELECT position
  FROM es.boundaries
 WHERE boundary_id = %(boundary)s
   FOR NO KEY UPDATE;
