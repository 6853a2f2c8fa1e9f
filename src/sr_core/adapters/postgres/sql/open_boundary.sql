-- Make a boundary at position 0, unless there is one.
--
--   in:  boundary  text
--   out: nothing
--   locks: the new row; waits for another transaction that is making the same one
INSERT INTO es.boundaries (boundary_id)
VALUES (%(boundary)s)
ON CONFLICT (boundary_id) DO NOTHING;
