-- What humans bind at the portals, and what they note and attach (SPEC 10).
--
-- Approvals, exceptions and freeze records have other columns than before. The rows follow
-- from the log; those of tables that are made anew here are written by a rebuild.

DROP TABLE proj.freeze_records;
DROP TABLE proj.exceptions;
DROP TABLE proj.approvals;

CREATE TABLE proj.approvals (
    approval_id              text        PRIMARY KEY,
    portal_id                text        NOT NULL,
    request_type             text        NOT NULL,
    decision                 text        NOT NULL CHECK (decision IN ('APPROVED', 'REJECTED', 'DEFERRED')),
    subject_refs             jsonb       NOT NULL,
    candidate_id             text        REFERENCES proj.candidates (candidate_id),
    work_surface_id          text,
    stage_id                 text,
    evidence_refs            jsonb       NOT NULL,
    exceptions_acknowledged  jsonb       NOT NULL,
    rationale                text,
    attestations             jsonb,
    approved_by_kind         text        NOT NULL CHECK (approved_by_kind = 'HUMAN'),
    approved_by_id           text        NOT NULL,
    approved_at              timestamptz NOT NULL,
    position                 bigint      NOT NULL,
    last_event_id            text        NOT NULL,
    last_global_seq          bigint      NOT NULL
);

CREATE TABLE proj.exceptions (
    exception_id        text        PRIMARY KEY,
    kind                text        NOT NULL CHECK (kind IN ('DEVIATION', 'DEFERRAL', 'WAIVER')),
    status              text        NOT NULL,
    scope_kind          text        NOT NULL,
    scope               jsonb       NOT NULL,
    loop_id             text,
    candidate_id        text,
    oracle_id           text,
    work_unit_id        text,
    baseline_id         text,
    applies_to          text,
    rationale           text        NOT NULL,
    target_description  text        NOT NULL,
    details             jsonb       NOT NULL,
    created_by_kind     text        NOT NULL CHECK (created_by_kind = 'HUMAN'),
    created_by_id       text        NOT NULL,
    created_at          timestamptz NOT NULL,
    expires_at          timestamptz NOT NULL,
    activated_at        timestamptz,
    activated_by_kind   text        CHECK (activated_by_kind = 'HUMAN'),
    activated_by_id     text,
    resolved_at         timestamptz,
    resolved_by_kind    text        CHECK (resolved_by_kind = 'HUMAN'),
    resolved_by_id      text,
    resolution_notes    text,
    expired_at          timestamptz,
    position            bigint      NOT NULL,
    last_event_id       text        NOT NULL,
    last_global_seq     bigint      NOT NULL
);

CREATE TABLE proj.freeze_records (
    freeze_id            text        PRIMARY KEY,
    baseline_id          text        NOT NULL,
    candidate_id         text        NOT NULL REFERENCES proj.candidates (candidate_id),
    verification         jsonb       NOT NULL,
    verification_mode    text        NOT NULL,
    oracle_suite_id      text        NOT NULL,
    oracle_suite_hash    text        NOT NULL,
    evidence_bundle_refs jsonb       NOT NULL,
    waiver_refs          jsonb       NOT NULL,
    release_approval_id  text        NOT NULL REFERENCES proj.approvals (approval_id),
    artifact_manifest    jsonb       NOT NULL,
    active_exceptions    jsonb       NOT NULL,
    frozen_by_kind       text        NOT NULL CHECK (frozen_by_kind = 'HUMAN'),
    frozen_by_id         text        NOT NULL,
    frozen_at            timestamptz NOT NULL,
    position             bigint      NOT NULL,
    last_event_id        text        NOT NULL,
    last_global_seq      bigint      NOT NULL
);

CREATE TABLE proj.human_judgment_records (
    record_id         text        PRIMARY KEY,
    record_type       text        NOT NULL,
    subject_refs      jsonb       NOT NULL,
    evidence_refs     jsonb       NOT NULL,
    content           text        NOT NULL,
    severity          text,
    fitness_judgment  text,
    recommendations   text,
    details           jsonb       NOT NULL,
    content_hash      text        NOT NULL,
    supersedes        text        REFERENCES proj.human_judgment_records (record_id),
    superseded_by     text,
    is_binding        boolean     NOT NULL CHECK (NOT is_binding),
    recorded_by_kind  text        NOT NULL CHECK (recorded_by_kind = 'HUMAN'),
    recorded_by_id    text        NOT NULL,
    recorded_at       timestamptz NOT NULL,
    position          bigint      NOT NULL,
    last_event_id     text        NOT NULL,
    last_global_seq   bigint      NOT NULL
);

CREATE TABLE proj.attachments (
    attachment_id     text        PRIMARY KEY,
    content_hash      text        NOT NULL,
    media_type        text        NOT NULL,
    size_bytes        bigint      NOT NULL CHECK (size_bytes > 0),
    filename          text        NOT NULL,
    uploaded_by_kind  text        NOT NULL CHECK (uploaded_by_kind = 'HUMAN'),
    uploaded_by_id    text        NOT NULL,
    uploaded_at       timestamptz NOT NULL,
    position          bigint      NOT NULL,
    last_event_id     text        NOT NULL,
    last_global_seq   bigint      NOT NULL
);

CREATE INDEX approvals_by_candidate ON proj.approvals (candidate_id);
CREATE INDEX approvals_by_portal ON proj.approvals (portal_id);
CREATE INDEX exceptions_by_status ON proj.exceptions (status);
CREATE INDEX exceptions_by_loop ON proj.exceptions (loop_id);
CREATE INDEX freeze_records_by_candidate ON proj.freeze_records (candidate_id);
CREATE INDEX attachments_by_hash ON proj.attachments (content_hash);
