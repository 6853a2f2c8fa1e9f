-- Return the nodes that have an edge of one type to a node.
--
--   in:  node, edge_type  text
--   out: node_type, label  text, meta  jsonb; by node_id
SELECT n.node_type, n.label, n.meta
  FROM graph.edges AS e
  JOIN graph.nodes AS n ON n.node_id = e.src_id
 WHERE e.dst_id = %(node)s AND e.edge_type = %(edge_type)s
 ORDER BY n.node_id COLLATE "C";
