-- Return what depends on a node, directly or through others.
--
--   in:  node  text, depth_max  integer, not_pinning  text or null, before  bigint or null
--   out: node_type, label  text, meta  jsonb, depth  integer; by depth, then node_id
SELECT n.node_type, n.label, n.meta, reached.depth
  FROM graph.get_dependents(
           %(node)s::text, %(depth_max)s::integer, %(not_pinning)s::text,
           %(before)s::bigint
       ) AS reached
  JOIN graph.nodes AS n USING (node_id)
 ORDER BY reached.depth, n.node_id COLLATE "C";
