-- The read model: rows that follow from the log and can be made anew from it (SPEC 10).
--
-- Every table has `position`, the place in the log of the event that made the row, and
-- `last_event_id` and `last_global_seq`, those of the event that changed it last.

CREATE SCHEMA proj;

CREATE TABLE proj.oracle_suites (
    suite_id            text        PRIMARY KEY,
    suite_hash          text        NOT NULL,
    definition          jsonb       NOT NULL,
    registered_at       timestamptz NOT NULL,
    registered_by_kind  text        NOT NULL CHECK (registered_by_kind = 'HUMAN'),
    registered_by_id    text        NOT NULL,
    position            bigint      NOT NULL,
    last_event_id       text        NOT NULL,
    last_global_seq     bigint      NOT NULL
);

CREATE TABLE proj.loops (
    loop_id                  text        PRIMARY KEY,
    goal                     text        NOT NULL,
    state                    text        NOT NULL,
    budgets                  jsonb       NOT NULL,
    directive_ref            jsonb       NOT NULL,
    created_by_kind          text        NOT NULL,
    created_by_id            text        NOT NULL,
    created_at               timestamptz NOT NULL,
    activated_at             timestamptz,
    paused_at                timestamptz,
    closed_at                timestamptz,
    iteration_count          integer     NOT NULL,
    run_count                integer     NOT NULL,
    consecutive_failures     integer     NOT NULL,
    requires_decision        boolean     NOT NULL,
    last_stop_trigger        text,
    last_recommended_portal  text,
    position                 bigint      NOT NULL,
    last_event_id            text        NOT NULL,
    last_global_seq          bigint      NOT NULL
);

CREATE TABLE proj.loop_stop_triggers (
    stop_id              text        PRIMARY KEY,
    loop_id              text        NOT NULL REFERENCES proj.loops (loop_id),
    trigger              text        NOT NULL,
    condition            text        NOT NULL,
    recommended_portal   text        NOT NULL,
    requires_decision    boolean     NOT NULL,
    occurred_at          timestamptz NOT NULL,
    actor_kind           text        NOT NULL,
    actor_id             text        NOT NULL,
    resolution_event_id  text,
    resolved_at          timestamptz,
    position             bigint      NOT NULL,
    last_event_id        text        NOT NULL,
    last_global_seq      bigint      NOT NULL
);

CREATE TABLE proj.iterations (
    iteration_id     text        PRIMARY KEY,
    loop_id          text        NOT NULL REFERENCES proj.loops (loop_id),
    sequence         integer     NOT NULL,
    state            text        NOT NULL,
    outcome          text,
    summary          text,
    refs             jsonb       NOT NULL,
    started_by_kind  text        NOT NULL CHECK (started_by_kind = 'SYSTEM'),
    started_by_id    text        NOT NULL,
    started_at       timestamptz NOT NULL,
    completed_at     timestamptz,
    position         bigint      NOT NULL,
    last_event_id    text        NOT NULL,
    last_global_seq  bigint      NOT NULL,
    UNIQUE (loop_id, sequence)
);

CREATE TABLE proj.candidates (
    candidate_id              text        PRIMARY KEY,
    content_hash              text        NOT NULL,
    loop_id                   text        NOT NULL REFERENCES proj.loops (loop_id),
    produced_by_iteration_id  text        NOT NULL REFERENCES proj.iterations (iteration_id),
    manifest                  jsonb       NOT NULL,
    created_at                timestamptz NOT NULL,
    verification_status       text        NOT NULL,
    verification_profile_id   text,
    verification_basis        jsonb       NOT NULL,
    verification_computed_at  timestamptz,
    integrity_conditions      jsonb       NOT NULL,
    evidence_hashes           jsonb       NOT NULL,
    waiver_ids                jsonb       NOT NULL,
    waived_oracle_ids         jsonb       NOT NULL,
    position                  bigint      NOT NULL,
    last_event_id             text        NOT NULL,
    last_global_seq           bigint      NOT NULL
);

CREATE TABLE proj.runs (
    run_id                text        PRIMARY KEY,
    candidate_id          text        NOT NULL REFERENCES proj.candidates (candidate_id),
    loop_id               text        NOT NULL REFERENCES proj.loops (loop_id),
    iteration_id          text        NOT NULL REFERENCES proj.iterations (iteration_id),
    oracle_suite_id       text        NOT NULL,
    oracle_suite_hash     text        NOT NULL,
    state                 text        NOT NULL,
    outcome               text,
    reason                text,
    evidence_bundle_hash  text,
    started_by_kind       text        NOT NULL CHECK (started_by_kind = 'SYSTEM'),
    started_by_id         text        NOT NULL,
    started_at            timestamptz NOT NULL,
    completed_at          timestamptz,
    position              bigint      NOT NULL,
    last_event_id         text        NOT NULL,
    last_global_seq       bigint      NOT NULL
);

CREATE TABLE proj.integrity_violations (
    violation_id     text        PRIMARY KEY,
    run_id           text        NOT NULL REFERENCES proj.runs (run_id),
    candidate_id     text        NOT NULL REFERENCES proj.candidates (candidate_id),
    condition        text        NOT NULL,
    detail           text        NOT NULL,
    detected_at      timestamptz NOT NULL,
    position         bigint      NOT NULL,
    last_event_id    text        NOT NULL,
    last_global_seq  bigint      NOT NULL
);

CREATE TABLE proj.evidence_bundles (
    content_hash        text        PRIMARY KEY,
    bundle_id           text        NOT NULL,
    run_id              text        NOT NULL REFERENCES proj.runs (run_id),
    candidate_id        text        NOT NULL REFERENCES proj.candidates (candidate_id),
    oracle_suite_id     text        NOT NULL,
    oracle_suite_hash   text        NOT NULL,
    verdict             text        NOT NULL,
    results             jsonb       NOT NULL,
    artifact_count      integer     NOT NULL,
    recorded_by_kind    text        NOT NULL CHECK (recorded_by_kind = 'SYSTEM'),
    recorded_by_id      text        NOT NULL,
    recorded_at         timestamptz NOT NULL,
    missing_parts       jsonb,
    missing_since       timestamptz,
    position            bigint      NOT NULL,
    last_event_id       text        NOT NULL,
    last_global_seq     bigint      NOT NULL
);

CREATE TABLE proj.approvals (
    approval_id              text        PRIMARY KEY,
    portal_id                text        NOT NULL,
    decision                 text        NOT NULL,
    candidate_id             text        NOT NULL REFERENCES proj.candidates (candidate_id),
    evidence_refs            jsonb       NOT NULL,
    exceptions_acknowledged  jsonb       NOT NULL,
    rationale                text        NOT NULL,
    approved_by_kind         text        NOT NULL CHECK (approved_by_kind = 'HUMAN'),
    approved_by_id           text        NOT NULL,
    approved_at              timestamptz NOT NULL,
    position                 bigint      NOT NULL,
    last_event_id            text        NOT NULL,
    last_global_seq          bigint      NOT NULL
);

CREATE TABLE proj.decisions (
    decision_id      text        PRIMARY KEY,
    loop_id          text        NOT NULL REFERENCES proj.loops (loop_id),
    trigger          text        NOT NULL,
    decision         text        NOT NULL,
    rationale        text        NOT NULL,
    decided_by_kind  text        NOT NULL CHECK (decided_by_kind = 'HUMAN'),
    decided_by_id    text        NOT NULL,
    decided_at       timestamptz NOT NULL,
    position         bigint      NOT NULL,
    last_event_id    text        NOT NULL,
    last_global_seq  bigint      NOT NULL
);

CREATE TABLE proj.exceptions (
    exception_id       text        PRIMARY KEY,
    kind               text        NOT NULL,
    status             text        NOT NULL,
    scope              text        NOT NULL,
    candidate_id       text        NOT NULL REFERENCES proj.candidates (candidate_id),
    oracle_id          text        NOT NULL,
    run_id             text        NOT NULL REFERENCES proj.runs (run_id),
    rationale          text        NOT NULL,
    expires_at         timestamptz NOT NULL,
    created_by_kind    text        NOT NULL CHECK (created_by_kind = 'HUMAN'),
    created_by_id      text        NOT NULL,
    created_at         timestamptz NOT NULL,
    activated_at       timestamptz,
    resolved_at        timestamptz,
    position           bigint      NOT NULL,
    last_event_id      text        NOT NULL,
    last_global_seq    bigint      NOT NULL
);

CREATE TABLE proj.freeze_records (
    freeze_id            text        PRIMARY KEY,
    baseline_id          text        NOT NULL,
    candidate_id         text        NOT NULL REFERENCES proj.candidates (candidate_id),
    verification         jsonb       NOT NULL,
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

CREATE INDEX loop_stop_triggers_by_loop ON proj.loop_stop_triggers (loop_id);
CREATE INDEX iterations_by_loop ON proj.iterations (loop_id);
CREATE INDEX candidates_by_iteration ON proj.candidates (produced_by_iteration_id);
CREATE INDEX runs_by_candidate ON proj.runs (candidate_id);
CREATE INDEX evidence_bundles_by_candidate ON proj.evidence_bundles (candidate_id);
CREATE INDEX evidence_bundles_by_run ON proj.evidence_bundles (run_id);
