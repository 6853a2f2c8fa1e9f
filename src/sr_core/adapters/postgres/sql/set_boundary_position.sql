-- Record a locked boundary's new position.
--
--   in:  boundary  text, position  bigint
--   out: nothing
UPDATE es.boundaries
   SET position = %(position)s
 WHERE boundary_id = %(boundary)s;
