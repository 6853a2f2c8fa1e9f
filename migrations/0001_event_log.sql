-- The event log: an append-only table with one total order, and its outbox.

CREATE SCHEMA IF NOT EXISTS es;

-- The end of the log, in one row. Whoever holds it appends: numbers are given out and
-- committed in one order, without holes, so that no reader can pass one by.
-- The spare room lets each update stay on its page (HOT).
CREATE TABLE es.head (
    is_only     boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    global_seq  bigint NOT NULL DEFAULT 0 CHECK (global_seq >= 0),
    chain_hash  bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex')
                CHECK (octet_length(chain_hash) = 32)
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_scale_factor = 0);

INSERT INTO es.head DEFAULT VALUES;

-- What decisions must agree on. `position` is the last event's number; 0 before it.
CREATE TABLE es.boundaries (
    boundary_id  text PRIMARY KEY,
    position     bigint NOT NULL DEFAULT 0 CHECK (position >= 0)
) WITH (fillfactor = 70);

CREATE TABLE es.streams (
    stream_id       text PRIMARY KEY,
    stream_kind     text NOT NULL CHECK (stream_kind IN (
                        'LOOP', 'ITERATION', 'CANDIDATE', 'RUN', 'APPROVAL', 'DECISION',
                        'GOVERNANCE', 'EXCEPTION', 'ORACLE_SUITE', 'FREEZE',
                        'WORK_SURFACE', 'INTAKE', 'ATTACHMENT')),
    stream_version  bigint NOT NULL DEFAULT 0 CHECK (stream_version >= 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (stream_id, stream_kind)  -- so that an event's kind is its stream's
) WITH (fillfactor = 70);

-- One top-level member of an envelope. A server knows how to decode UTF-8 in one way
-- only, so what `convert_from` calls stable holds for ever.
CREATE FUNCTION es.member(envelope bytea, name text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.convert_from(envelope, 'UTF8')::jsonb -> name;

-- `envelope` is the truth, byte for byte. `payload` and `refs` are made from it, to
-- search by; jsonb rewrites numbers and merges members, so nothing is ever read back
-- from them.
CREATE TABLE es.events (
    global_seq      bigint PRIMARY KEY CHECK (global_seq > 0),
    event_id        text NOT NULL CONSTRAINT events_event_id_unique UNIQUE,
    boundary        text NOT NULL REFERENCES es.boundaries (boundary_id),
    stream_id       text NOT NULL,
    stream_kind     text NOT NULL,
    stream_seq      bigint NOT NULL CHECK (stream_seq > 0),
    event_type      text NOT NULL,
    actor_kind      text NOT NULL CHECK (actor_kind IN ('HUMAN', 'AGENT', 'SYSTEM')),
    actor_id        text NOT NULL,
    occurred_at     timestamptz NOT NULL,
    correlation_id  text,
    envelope        bytea NOT NULL,
    envelope_hash   text NOT NULL CHECK (envelope_hash ~ '^sha256:[0-9a-f]{64}$'),
    chain_hash      bytea NOT NULL CHECK (octet_length(chain_hash) = 32),
    payload         jsonb GENERATED ALWAYS AS (es.member(envelope, 'payload')) STORED,
    refs            jsonb GENERATED ALWAYS AS (es.member(envelope, 'refs')) STORED,
    inserted_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (stream_id, stream_seq),
    FOREIGN KEY (stream_id, stream_kind) REFERENCES es.streams (stream_id, stream_kind)
);

CREATE INDEX events_boundary ON es.events (boundary, global_seq);
CREATE INDEX events_event_type ON es.events (event_type);

-- What is still to be published, and what was; the message is the event's envelope.
CREATE TABLE es.outbox (
    global_seq    bigint PRIMARY KEY REFERENCES es.events (global_seq),
    topic         text NOT NULL,
    published_at  timestamptz
) WITH (fillfactor = 70);

CREATE INDEX outbox_unpublished ON es.outbox (global_seq) WHERE published_at IS NULL;

CREATE FUNCTION es.refuse_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of es.events is refused: what is recorded has happened.', TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Append an event that corrects the earlier one.';
END;
$$;

CREATE TRIGGER events_never_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON es.events
    FOR EACH STATEMENT EXECUTE FUNCTION es.refuse_change();

-- ALWAYS: a session that replays a replica's changes is refused too.
ALTER TABLE es.events ENABLE ALWAYS TRIGGER events_never_change;
