-- Return a node of the graph.
--
--   in:  node  text
--   out: node_type, label  text, meta  jsonb; one row, or none
SELECT node_type, label, meta
  FROM graph.nodes
 WHERE node_id = %(node)s;
