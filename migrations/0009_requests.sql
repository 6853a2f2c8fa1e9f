-- Requests that their senders named (R-API-9), and which kind of actor a subject is (R-API-1).

-- A request's name, written in the transaction that records its first events.
CREATE TABLE es.requests (
    actor_id      text NOT NULL,
    route         text NOT NULL,
    key           text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    content_hash  text NOT NULL CHECK (content_hash ~ '^sha256:[0-9a-f]{64}$'),
    attempt       text NOT NULL,
    received_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (actor_id, route, key)
);

CREATE TABLE es.request_events (
    event_id  text PRIMARY KEY REFERENCES es.events (event_id),
    actor_id  text NOT NULL,
    route     text NOT NULL,
    key       text NOT NULL,
    FOREIGN KEY (actor_id, route, key) REFERENCES es.requests (actor_id, route, key)
);

CREATE INDEX request_events_request ON es.request_events (actor_id, route, key);

CREATE TABLE es.request_answers (
    actor_id     text NOT NULL,
    route        text NOT NULL,
    key          text NOT NULL,
    status       integer NOT NULL CHECK (status BETWEEN 200 AND 599),
    media_type   text NOT NULL,
    body         bytea NOT NULL,
    answered_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (actor_id, route, key),
    FOREIGN KEY (actor_id, route, key) REFERENCES es.requests (actor_id, route, key)
);

-- The kind that a subject first proved to be; only a recorded event changes it.
CREATE TABLE es.actor_kinds (
    subject     text PRIMARY KEY,
    actor_kind  text NOT NULL CHECK (actor_kind IN ('HUMAN', 'AGENT', 'SYSTEM')),
    bound_at    timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION es.refuse_rewriting() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of %.% is refused: what stands there stays.',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END;
$$;

CREATE TRIGGER requests_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON es.requests
    FOR EACH STATEMENT EXECUTE FUNCTION es.refuse_rewriting();
CREATE TRIGGER request_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON es.request_events
    FOR EACH STATEMENT EXECUTE FUNCTION es.refuse_rewriting();
CREATE TRIGGER request_answers_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON es.request_answers
    FOR EACH STATEMENT EXECUTE FUNCTION es.refuse_rewriting();
CREATE TRIGGER actor_kinds_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON es.actor_kinds
    FOR EACH STATEMENT EXECUTE FUNCTION es.refuse_rewriting();

ALTER TABLE es.requests ENABLE ALWAYS TRIGGER requests_stay;
ALTER TABLE es.request_events ENABLE ALWAYS TRIGGER request_events_stay;
ALTER TABLE es.request_answers ENABLE ALWAYS TRIGGER request_answers_stay;
ALTER TABLE es.actor_kinds ENABLE ALWAYS TRIGGER actor_kinds_stay;
