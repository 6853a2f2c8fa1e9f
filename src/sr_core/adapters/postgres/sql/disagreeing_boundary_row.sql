-- Return the first boundary whose row does not say where its last event is.
--
--   in:  nothing
--   out: position  bigint, null; found, expected  text; one row at most
--
-- A boundary without events may have a row that says so.
SELECT NULL::bigint AS position,
       format('es.boundaries says %%s ends at %%s',
              boundary_id, coalesce(position::text, 'no row and so nowhere')) AS found,
       format('%%s, as in the log', coalesce(last, 0)) AS expected
  FROM es.boundaries
  FULL JOIN (SELECT boundary AS boundary_id, max(global_seq) AS last
               FROM es.events GROUP BY boundary)
         AS logged USING (boundary_id)
 WHERE position IS DISTINCT FROM coalesce(last, 0)
 ORDER BY boundary_id
 LIMIT 1;
