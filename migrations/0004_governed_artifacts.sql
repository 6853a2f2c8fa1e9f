-- Governed artifacts: every version that was recorded, told apart by its bytes (SPEC 10).
--
-- The number of a version is what its author wrote, so it is no key: bytes that changed
-- without a new number are a version of their own, and are to be seen as such.

CREATE TABLE proj.governed_artifacts (
    artifact_id       text        NOT NULL,
    artifact_type     text        NOT NULL,
    title             text        NOT NULL,
    version           text        NOT NULL,
    content_hash      text        NOT NULL CHECK (content_hash ~ '^sha256:[0-9a-f]{64}$'),
    status            text        NOT NULL,
    normative_status  text        NOT NULL,
    authority_kind    text        NOT NULL,
    governed_by       jsonb       NOT NULL,
    tags              jsonb       NOT NULL,
    supersedes        jsonb       NOT NULL,
    is_current        boolean     NOT NULL,
    in_effect         boolean     NOT NULL,
    in_effect_since   timestamptz,
    approval_id       text,
    recorded_at       timestamptz NOT NULL,
    recorded_by_kind  text        NOT NULL CHECK (recorded_by_kind <> 'AGENT'),
    recorded_by_id    text        NOT NULL,
    position          bigint      NOT NULL,
    last_event_id     text        NOT NULL,
    last_global_seq   bigint      NOT NULL,
    PRIMARY KEY (artifact_id, content_hash),
    CHECK (NOT is_current OR normative_status <> 'normative' OR approval_id IS NOT NULL)
);

CREATE UNIQUE INDEX governed_artifacts_current
    ON proj.governed_artifacts (artifact_id) WHERE is_current;
CREATE UNIQUE INDEX governed_artifacts_in_effect
    ON proj.governed_artifacts (artifact_id) WHERE in_effect;
