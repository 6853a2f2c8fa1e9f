-- Restricted evidence (SPEC 9.2): who read what, what was erased; and how many data keys
-- each version of a KEK has wrapped (R-ENC-11).

SET LOCAL ROLE sr_owner;

CREATE TABLE proj.restricted_evidence_reads (
    read_id          text        PRIMARY KEY,
    content_hash     text        NOT NULL,
    blob_name        text        NOT NULL,
    classification   text        NOT NULL CHECK (classification IN ('RESTRICTED', 'CONFIDENTIAL')),
    outcome          text        NOT NULL,
    read_by_kind     text        NOT NULL CHECK (read_by_kind IN ('HUMAN', 'AGENT', 'SYSTEM')),
    read_by_id       text        NOT NULL,
    read_at          timestamptz NOT NULL,
    position         bigint      NOT NULL,
    last_event_id    text        NOT NULL,
    last_global_seq  bigint      NOT NULL
);

CREATE TABLE proj.restricted_evidence_erasures (
    content_hash     text        PRIMARY KEY,
    blob_names       jsonb       NOT NULL,
    rationale        text        NOT NULL,
    erased_by_kind   text        NOT NULL CHECK (erased_by_kind = 'HUMAN'),
    erased_by_id     text        NOT NULL,
    erased_at        timestamptz NOT NULL,
    position         bigint      NOT NULL,
    last_event_id    text        NOT NULL,
    last_global_seq  bigint      NOT NULL
);

CREATE INDEX restricted_evidence_reads_by_bundle
    ON proj.restricted_evidence_reads (content_hash);

-- It cannot be had again from the log: a wrap is counted before anything is recorded.
CREATE TABLE es.kek_wraps (
    kek_id   text   NOT NULL,
    version  bigint NOT NULL,
    wraps    bigint NOT NULL CHECK (wraps > 0),
    PRIMARY KEY (kek_id, version)
);

GRANT INSERT, UPDATE (wraps) ON es.kek_wraps TO sr_app;
