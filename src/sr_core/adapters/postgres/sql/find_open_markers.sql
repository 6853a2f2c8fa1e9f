-- Return the open markers that make any of some nodes stale, oldest first.
--
--   in:  kinds, ids  text[], of one length: the nodes
--   out: stale_id, root_kind, root_id, dependent_kind, dependent_id, reason_code  text,
--        position, caused_at  bigint; any number of rows
SELECT stale_id, root_kind, root_id, dependent_kind, dependent_id, reason_code,
       position, caused_at
  FROM graph.stale_nodes
  JOIN unnest(%(kinds)s::text[], %(ids)s::text[]) AS wanted (kind, id)
    ON dependent_id = wanted.id AND dependent_kind = wanted.kind
 WHERE resolved_at IS NULL
 ORDER BY position, stale_id COLLATE "C",
          (dependent_kind || '/' || dependent_id) COLLATE "C";
