-- Return what a node depends on, directly or through others.
--
--   in:  node  text, depth_max  integer
--   out: node_type, label  text, meta  jsonb, depth  integer; by depth, then node_id
SELECT n.node_type, n.label, n.meta, reached.depth
  FROM graph.get_dependencies(%(node)s::text, %(depth_max)s::integer) AS reached
  JOIN graph.nodes AS n USING (node_id)
 ORDER BY reached.depth, n.node_id COLLATE "C";
