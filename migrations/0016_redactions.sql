-- Redacted copies of restricted evidence (SPEC 9.2): what each is of, and who had it made.

SET LOCAL ROLE sr_owner;

CREATE TABLE proj.restricted_evidence_redactions (
    redacted_bundle_hash  text        PRIMARY KEY,
    original_bundle_hash  text        NOT NULL,
    blob_names            jsonb       NOT NULL,
    regions               bigint      NOT NULL CHECK (regions >= 0),
    rationale             text        NOT NULL,
    redacted_by_kind      text        NOT NULL CHECK (redacted_by_kind = 'HUMAN'),
    redacted_by_id        text        NOT NULL,
    redacted_at           timestamptz NOT NULL,
    position              bigint      NOT NULL,
    last_event_id         text        NOT NULL,
    last_global_seq       bigint      NOT NULL
);

CREATE INDEX restricted_evidence_redactions_by_original
    ON proj.restricted_evidence_redactions (original_bundle_hash);
