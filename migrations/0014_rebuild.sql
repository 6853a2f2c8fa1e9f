-- What a rebuild needs: no function rests on a table of the read model itself, only on its
-- name, so that another table can take its place.

-- Made anew with columns of its own as its result; who may call it stays.
DO $$
DECLARE
    before  aclitem[];
    owner   name;
    granted record;
BEGIN
    SELECT proacl, pg_get_userbyid(proowner) INTO STRICT before, owner
      FROM pg_proc WHERE oid = 'graph.get_staleness_markers(text)'::regprocedure;
    DROP FUNCTION graph.get_staleness_markers(text);
    CREATE FUNCTION graph.get_staleness_markers(node text) RETURNS TABLE (
        stale_id text, root_kind text, root_id text, dependent_kind text,
        dependent_id text, reason_code text, reason_detail text, caused_by text,
        caused_at bigint, marked_at timestamptz, marked_by_kind text, marked_by_id text,
        re_evaluation text, recommended_portal text, resolved_at timestamptz,
        resolution_kind text, resolution_event_id text, "position" bigint,
        last_event_id text, last_global_seq bigint
    ) LANGUAGE sql STABLE AS $f$
        SELECT s.stale_id, s.root_kind, s.root_id, s.dependent_kind, s.dependent_id,
               s.reason_code, s.reason_detail, s.caused_by, s.caused_at, s.marked_at,
               s.marked_by_kind, s.marked_by_id, s.re_evaluation, s.recommended_portal,
               s.resolved_at, s.resolution_kind, s.resolution_event_id, s.position,
               s.last_event_id, s.last_global_seq
          FROM graph.nodes AS n
          JOIN graph.stale_nodes AS s
            ON s.dependent_id = n.label AND s.dependent_kind = n.node_type
         WHERE n.node_id = get_staleness_markers.node AND s.resolved_at IS NULL
         ORDER BY s.position, s.stale_id
    $f$;
    EXECUTE format('ALTER FUNCTION graph.get_staleness_markers(text) OWNER TO %I', owner);
    IF before IS NOT NULL THEN
        REVOKE ALL ON FUNCTION graph.get_staleness_markers(text) FROM PUBLIC;
        FOR granted IN SELECT * FROM aclexplode(before) LOOP
            EXECUTE format(
                'GRANT EXECUTE ON FUNCTION graph.get_staleness_markers(text) TO %s',
                CASE granted.grantee WHEN 0 THEN 'PUBLIC'
                     ELSE quote_ident(pg_get_userbyid(granted.grantee)) END);
        END LOOP;
    END IF;
END;
$$;
