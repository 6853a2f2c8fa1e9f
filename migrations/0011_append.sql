-- The one way into the log: a group of commands in one call, each judged by itself.
--
-- The head row is the only lock that an append takes, and it takes it first: whoever has
-- it sees everything that was ever appended, so what it checks stays true until it
-- commits, and no two appends can wait for each other in a ring.

-- A member of the group is one command's events: `sizes` says how many of the events, in
-- order, are whose. `requests` has an object for each member, empty where no request named
-- itself: {"name": [actor_id, route, key], "content_hash": ..., "attempt": ...}.
-- What a member is told:
--
--   appended    its events are in the log, from `first_position` on
--   already     they were, from there on: the same identifiers with the same bytes
--   mismatch    an identifier of it is taken by other bytes, or by another order; `about`
--               is the identifier
--   moved_on    the boundary or the stream in `about` is at `actual`, not at `asked`,
--               where the member says
--   repeated    another attempt of the request was recorded first
--
-- Only the first changes anything, and what one is told harms no other. With `all_or_none`
-- nothing is told: unless all are appended, none is (SQLSTATE SR409).
CREATE FUNCTION es.append(
    sizes integer[], expected bigint[],
    boundaries text[], event_ids text[], stream_ids text[], stream_kinds text[],
    stream_seqs bigint[], event_types text[], actor_kinds text[], actor_ids text[],
    occurred_at timestamptz[], correlation_ids text[], envelopes bytea[],
    envelope_hashes text[], requests jsonb DEFAULT NULL, all_or_none boolean DEFAULT false
) RETURNS TABLE (member integer, outcome text, about text, asked bigint, actual bigint,
                 first_position bigint, last_position bigint)
LANGUAGE plpgsql
-- A plan made while the log was empty is as good for a full one, and is made once.
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_variable
DECLARE
    head_position   bigint;
    head_chain      bytea;
    known_ids       text[];
    known_positions bigint[];
    known_hashes    text[];
    boundary_names  text[];
    boundary_ends   bigint[];
    stream_names    text[];
    kinds_there     text[];
    stream_ends     bigint[];
    there_names     jsonb[];
    there_attempts  text[];
    global_seqs     bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(event_ids)]);
    chain_hashes    bytea[]  := array_fill(NULL::bytea, ARRAY[cardinality(event_ids)]);
    named           jsonb := '[]';
    request         jsonb;
    digest          bytea;
    next_position   bigint;
    next_ends       bigint[];
    first_event     integer := 1;
    last_event      integer;
    place           integer;
    found           integer;
BEGIN
    IF 1 > ANY (sizes) THEN
        RAISE EXCEPTION 'an append without events would mean nothing'
            USING ERRCODE = 'SR500';
    END IF;
    IF NOT stream_kinds <@ '{LOOP,ITERATION,CANDIDATE,RUN,APPROVAL,DECISION,GOVERNANCE,
                             EXCEPTION,ORACLE_SUITE,FREEZE,WORK_SURFACE,INTAKE,
                             ATTACHMENT}'::text[] THEN
        RAISE EXCEPTION 'there is no such kind of stream' USING ERRCODE = 'SR500';
    END IF;
    SELECT h.global_seq, h.chain_hash INTO STRICT head_position, head_chain
      FROM es.head AS h FOR UPDATE;
    SELECT e.ids, e.positions, e.hashes, b.names, b.ends, s.names, s.kinds, s.ends
      INTO known_ids, known_positions, known_hashes, boundary_names, boundary_ends,
           stream_names, kinds_there, stream_ends
      FROM (SELECT array_agg(e.event_id), array_agg(e.global_seq),
                   array_agg(e.envelope_hash)
              FROM es.events AS e WHERE e.event_id = ANY (event_ids))
           AS e (ids, positions, hashes),
           (SELECT array_agg(b.boundary_id), array_agg(b.position)
              FROM es.boundaries AS b WHERE b.boundary_id = ANY (boundaries))
           AS b (names, ends),
           (SELECT array_agg(s.stream_id), array_agg(s.stream_kind),
                   array_agg(s.stream_version)
              FROM es.streams AS s WHERE s.stream_id = ANY (stream_ids))
           AS s (names, kinds, ends);
    IF requests IS NOT NULL THEN
        SELECT array_agg(w.name), array_agg(r.attempt)
          INTO there_names, there_attempts
          FROM jsonb_array_elements(requests) AS given (w),
               LATERAL (SELECT given.w -> 'name') AS w (name)
          JOIN es.requests AS r
            ON r.actor_id = w.name ->> 0 AND r.route = w.name ->> 1
           AND r.key = w.name ->> 2;
    END IF;

    next_position := head_position;
    FOR each IN 1 .. cardinality(sizes) LOOP
        last_event := first_event + sizes[each] - 1;
        member := each;
        outcome := NULL;
        about := NULL;
        asked := NULL;
        actual := NULL;
        first_position := NULL;

        -- Is it in the log already? Then all of it is, side by side and in this order.
        IF known_ids && event_ids[first_event:last_event] THEN
            found := array_position(known_ids, event_ids[first_event]);
            first_position := known_positions[found];
            outcome := 'already';
            FOR event IN first_event .. last_event LOOP
                found := array_position(known_ids, event_ids[event]);
                IF found IS NULL OR known_hashes[found] <> envelope_hashes[event]
                   OR known_positions[found] <> first_position + event - first_event THEN
                    outcome := 'mismatch';
                    about := event_ids[event];
                    first_position := NULL;
                    EXIT;
                END IF;
            END LOOP;
        END IF;

        request := requests -> (each - 1);
        IF outcome IS NULL AND request ? 'name' THEN
            found := array_position(there_names, request -> 'name');
            IF there_attempts[found] <> request ->> 'attempt' THEN
                outcome := 'repeated';
            END IF;
        END IF;

        IF outcome IS NULL THEN
            found := array_position(boundary_names, boundaries[first_event]);
            asked := expected[each];
            actual := coalesce(boundary_ends[found], 0);
            IF actual <> asked THEN
                outcome := 'moved_on';
                about := boundaries[first_event];
            END IF;
        END IF;

        IF outcome IS NULL THEN
            next_ends := stream_ends;
            FOR event IN first_event .. last_event LOOP
                found := array_position(stream_names, stream_ids[event]);
                IF found IS NULL THEN
                    stream_names := stream_names || stream_ids[event];
                    kinds_there := kinds_there || stream_kinds[event];
                    found := cardinality(stream_names);
                END IF;
                IF kinds_there[found] <> stream_kinds[event] THEN
                    RAISE EXCEPTION '% is a stream of another kind', stream_ids[event]
                        USING ERRCODE = 'SR500';
                END IF;
                asked := stream_seqs[event] - 1;
                actual := coalesce(next_ends[found], 0);
                IF actual <> asked THEN
                    outcome := 'moved_on';
                    about := stream_ids[event];
                    EXIT;
                END IF;
                next_ends[found] := stream_seqs[event];
            END LOOP;
        END IF;

        IF outcome IS NULL THEN
            outcome := 'appended';
            asked := NULL;
            actual := NULL;
            first_position := next_position + 1;
            FOR event IN first_event .. last_event LOOP
                next_position := next_position + 1;
                digest := sha256(envelopes[event]);
                IF envelope_hashes[event] <> 'sha256:' || encode(digest, 'hex') THEN
                    RAISE EXCEPTION '% says %, and its bytes do not.',
                        event_ids[event], envelope_hashes[event]
                        USING ERRCODE = 'SR500';
                END IF;
                head_chain := sha256(head_chain || int8send(next_position) || digest);
                global_seqs[event] := next_position;
                chain_hashes[event] := head_chain;
            END LOOP;
            stream_ends := next_ends;
            place := array_position(boundary_names, boundaries[first_event]);
            IF place IS NULL THEN
                boundary_names := boundary_names || boundaries[first_event];
                place := cardinality(boundary_names);
            END IF;
            boundary_ends[place] := next_position;
            IF request ? 'name' THEN
                there_names := there_names || ARRAY[request -> 'name'];
                there_attempts := there_attempts || (request ->> 'attempt');
                named := named
                    || (request || jsonb_build_object(
                        'event_ids', to_jsonb(event_ids[first_event:last_event])));
            END IF;
        END IF;

        IF all_or_none AND outcome <> 'appended' THEN
            RAISE EXCEPTION 'member % is %', each, outcome USING ERRCODE = 'SR409';
        END IF;
        last_position := first_position + last_event - first_event;
        first_event := last_event + 1;
        RETURN NEXT;
    END LOOP;

    IF next_position = head_position THEN
        RETURN;
    END IF;

    WITH given AS MATERIALIZED (
        SELECT w.*
          FROM unnest(global_seqs, event_ids, boundaries, stream_ids, stream_kinds,
                      stream_seqs, event_types, actor_kinds, actor_ids, occurred_at,
                      correlation_ids, envelopes, envelope_hashes, chain_hashes)
               AS w (global_seq, event_id, boundary, stream_id, stream_kind, stream_seq,
                     event_type, actor_kind, actor_id, occurred_at, correlation_id,
                     envelope, envelope_hash, chain_hash)
         WHERE w.global_seq IS NOT NULL
    ), bounded AS (
        INSERT INTO es.boundaries AS b (boundary_id, position)
        SELECT w.boundary, max(w.global_seq) FROM given AS w GROUP BY w.boundary
            ON CONFLICT (boundary_id) DO UPDATE SET position = excluded.position
    ), streamed AS (
        INSERT INTO es.streams AS s (stream_id, stream_kind, stream_version)
        SELECT w.stream_id, w.stream_kind, max(w.stream_seq)
          FROM given AS w GROUP BY w.stream_id, w.stream_kind ORDER BY w.stream_id
            ON CONFLICT (stream_id) DO UPDATE SET stream_version = excluded.stream_version
    ), recorded AS (
        INSERT INTO es.events (
            global_seq, event_id, boundary, stream_id, stream_kind, stream_seq,
            event_type, actor_kind, actor_id, occurred_at, correlation_id, envelope,
            envelope_hash, chain_hash)
        SELECT * FROM given
    ), announced AS (
        INSERT INTO es.outbox (global_seq, topic)
        SELECT w.global_seq, 'sr.events.' || w.stream_kind || '.' || w.event_type
          FROM given AS w
    )
    UPDATE es.head SET global_seq = next_position, chain_hash = head_chain;

    IF requests IS NOT NULL THEN
        INSERT INTO es.requests (actor_id, route, key, content_hash, attempt)
        SELECT w.request -> 'name' ->> 0, w.request -> 'name' ->> 1,
               w.request -> 'name' ->> 2, w.request ->> 'content_hash',
               w.request ->> 'attempt'
          FROM jsonb_array_elements(named) AS w (request)
            ON CONFLICT DO NOTHING;
        INSERT INTO es.request_events (event_id, actor_id, route, key)
        SELECT e.event_id, w.request -> 'name' ->> 0, w.request -> 'name' ->> 1,
               w.request -> 'name' ->> 2
          FROM jsonb_array_elements(named) AS w (request),
               jsonb_array_elements_text(w.request -> 'event_ids') AS e (event_id);
    END IF;

END;
$$;

-- Wait until nobody else appends; what the transaction does next sees all that was.
CREATE FUNCTION es.lock_head() RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, es, pg_temp
AS $$
BEGIN
    PERFORM FROM es.head FOR UPDATE;
END;
$$;

-- Each change of rows that has to find one found one: `wanted` are the numbers of those
-- changes, `matched` those of all that did. Otherwise SQLSTATE SR404, whose detail is
-- the number of the statement and that of the change.
CREATE FUNCTION es.require_matched(
    statement integer, wanted integer[], matched bigint[]
) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    missing bigint;
BEGIN
    IF NOT wanted::bigint[] <@ coalesce(matched, '{}') THEN
        SELECT min(w) INTO missing FROM unnest(wanted) AS w
         WHERE NOT w::bigint = ANY (coalesce(matched, '{}'));
        RAISE EXCEPTION 'no row was there to change'
            USING ERRCODE = 'SR404', DETAIL = statement || ' ' || missing;
    END IF;
END;
$$;

-- `es.append` sees to it that an event's boundary and stream are there, that it has its
-- stream's kind, and that positions count up. To have that looked up and checked again for
-- each row costs a fifth of an append: a check is parsed anew by every statement. What is
-- recorded for ever, the rows of es.events, keeps its checks.
ALTER TABLE es.events
    DROP CONSTRAINT events_boundary_fkey,
    DROP CONSTRAINT events_stream_id_stream_kind_fkey;
ALTER TABLE es.streams
    DROP CONSTRAINT streams_stream_id_stream_kind_key,
    DROP CONSTRAINT streams_stream_kind_check,
    DROP CONSTRAINT streams_stream_version_check;
ALTER TABLE es.boundaries DROP CONSTRAINT boundaries_position_check;
ALTER TABLE es.head
    DROP CONSTRAINT head_global_seq_check,
    DROP CONSTRAINT head_chain_hash_check;
ALTER TABLE es.outbox DROP CONSTRAINT outbox_global_seq_fkey;

-- What an envelope says can be asked for by name, and is not kept a second time: it made
-- the log twice as large, and each append slower by a tenth.
ALTER TABLE es.events DROP COLUMN payload, DROP COLUMN refs;
CREATE VIEW es.readable_events AS
SELECT e.*, es.member(e.envelope, 'payload') AS payload, es.member(e.envelope, 'refs') AS refs
  FROM es.events AS e;

-- Nor is it for an edge of the graph, whose nodes the same event brings, and which most
-- events of one program have an end of in common: each would lock that one row.
ALTER TABLE graph.edges
    DROP CONSTRAINT edges_src_id_fkey,
    DROP CONSTRAINT edges_dst_id_fkey;

-- An edge's identifier is made of its ends and its type: it is what keeps an edge apart
-- from others, and a second index over the same only costs.
DROP INDEX graph.edges_once;
