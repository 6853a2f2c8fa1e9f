-- The dependency graph and its staleness markers (SPEC 10, 12.4): rows that follow from
-- the log and can be made anew from it, like those of `proj`.
--
-- A node is named by kind and identifier together, as in 'Loop/loop_01J...'. An edge
-- leads from what an event is about to what its refs point at; between two nodes there is
-- one of each type.

CREATE SCHEMA graph;

CREATE TABLE graph.nodes (
    node_id          text        PRIMARY KEY,
    node_type        text        NOT NULL CHECK (node_type NOT IN ('', 'Unknown')),
    label            text        NOT NULL,
    created_at       timestamptz NOT NULL,
    meta             jsonb       NOT NULL,
    position         bigint      NOT NULL,
    last_event_id    text        NOT NULL,
    last_global_seq  bigint      NOT NULL,
    CHECK (node_id = node_type || '/' || label)
);

CREATE TABLE graph.edges (
    edge_id          text        PRIMARY KEY,
    src_id           text        NOT NULL REFERENCES graph.nodes (node_id),
    dst_id           text        NOT NULL REFERENCES graph.nodes (node_id),
    edge_type        text        NOT NULL,
    pinned_hash      text,
    created_at       timestamptz NOT NULL,
    meta             jsonb       NOT NULL,
    position         bigint      NOT NULL,
    last_event_id    text        NOT NULL,
    last_global_seq  bigint      NOT NULL,
    CHECK (src_id <> dst_id)
);

-- Over hashes, because two identifiers may be longer than an index entry can be.
CREATE UNIQUE INDEX edges_once ON graph.edges (md5(src_id), md5(dst_id), edge_type);
CREATE INDEX edges_by_src ON graph.edges (src_id, edge_type);
CREATE INDEX edges_by_dst ON graph.edges (dst_id, edge_type);

CREATE TABLE graph.stale_nodes (
    stale_id             text        NOT NULL,
    root_kind            text        NOT NULL,
    root_id              text        NOT NULL,
    dependent_kind       text        NOT NULL,
    dependent_id         text        NOT NULL,
    reason_code          text        NOT NULL,
    reason_detail        text        NOT NULL,
    caused_by            text,
    caused_at            bigint,
    marked_at            timestamptz NOT NULL,
    marked_by_kind       text        NOT NULL,
    marked_by_id         text        NOT NULL,
    re_evaluation        text,
    recommended_portal   text,
    resolved_at          timestamptz,
    resolution_kind      text,
    resolution_event_id  text,
    position             bigint      NOT NULL,
    last_event_id        text        NOT NULL,
    last_global_seq      bigint      NOT NULL,
    PRIMARY KEY (stale_id, dependent_kind, dependent_id)
);

CREATE INDEX stale_nodes_by_root ON graph.stale_nodes (root_id, root_kind);
CREATE INDEX open_stale_nodes ON graph.stale_nodes (dependent_id, dependent_kind)
    WHERE resolved_at IS NULL;

-- Whoever depends on `node`, directly or through others, each with the least number of
-- edges on the way. Only depends_on is walked; supported_by is provenance.
--
-- Cycles end because a pair of node and depth is met once and depth is bounded, and no
-- walk goes on from `node` itself. Diamonds do not multiply for the same reason.
--
-- `not_pinning` leaves out who pins `node` by that hash: it holds the new one already.
-- `before` is a position: edges that were made or pinned anew from there on are not seen.
CREATE FUNCTION graph.get_dependents(
    node text, depth_max integer DEFAULT 10, not_pinning text DEFAULT NULL,
    before bigint DEFAULT NULL
) RETURNS TABLE (node_id text, depth integer)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE walk (node_id, depth) AS (
        SELECT e.src_id, 1
          FROM graph.edges AS e
         WHERE e.dst_id = get_dependents.node
           AND e.edge_type = 'depends_on'
           AND get_dependents.depth_max >= 1
           AND (get_dependents.not_pinning IS NULL
                OR e.pinned_hash IS DISTINCT FROM get_dependents.not_pinning)
           AND (get_dependents.before IS NULL
                OR e.last_global_seq < get_dependents.before)
        UNION
        SELECT e.src_id, w.depth + 1
          FROM walk AS w
          JOIN graph.edges AS e ON e.dst_id = w.node_id
         WHERE e.edge_type = 'depends_on'
           AND e.src_id <> get_dependents.node
           AND w.depth < get_dependents.depth_max
           AND (get_dependents.before IS NULL OR e.position < get_dependents.before)
    )
    SELECT w.node_id, min(w.depth) FROM walk AS w GROUP BY w.node_id ORDER BY 2, 1
$$;

-- Whatever `node` depends on, directly or through others; bounded like the other way.
CREATE FUNCTION graph.get_dependencies(node text, depth_max integer DEFAULT 10)
RETURNS TABLE (node_id text, depth integer)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE walk (node_id, depth) AS (
        SELECT e.dst_id, 1
          FROM graph.edges AS e
         WHERE e.src_id = get_dependencies.node
           AND e.edge_type = 'depends_on'
           AND get_dependencies.depth_max >= 1
        UNION
        SELECT e.dst_id, w.depth + 1
          FROM walk AS w
          JOIN graph.edges AS e ON e.src_id = w.node_id
         WHERE e.edge_type = 'depends_on'
           AND e.dst_id <> get_dependencies.node
           AND w.depth < get_dependencies.depth_max
    )
    SELECT w.node_id, min(w.depth) FROM walk AS w GROUP BY w.node_id ORDER BY 2, 1
$$;

-- The markers of `node` that nobody has answered, oldest first.
CREATE FUNCTION graph.get_staleness_markers(node text)
RETURNS SETOF graph.stale_nodes
LANGUAGE sql STABLE AS $$
    SELECT s.*
      FROM graph.nodes AS n
      JOIN graph.stale_nodes AS s
        ON s.dependent_id = n.label AND s.dependent_kind = n.node_type
     WHERE n.node_id = get_staleness_markers.node AND s.resolved_at IS NULL
     ORDER BY s.position, s.stale_id
$$;

CREATE FUNCTION graph.has_unresolved_staleness(node text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM graph.get_staleness_markers(has_unresolved_staleness.node))
$$;

ALTER TABLE proj.candidates
    ADD COLUMN IF NOT EXISTS has_unresolved_staleness boolean NOT NULL DEFAULT false;

-- How far each follower of the log has come. This is no projection: a rebuild does not
-- touch it, and losing it costs only a second look at events that were answered.
CREATE TABLE es.followers (
    follower  text   PRIMARY KEY,
    position  bigint NOT NULL
);
