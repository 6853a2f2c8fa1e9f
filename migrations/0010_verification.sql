-- Suites with their history, runs that may be carried out elsewhere, what a judgement has
-- to repeat, and the whole basis of a verification (SPEC 6.1, 7.4, 10).

ALTER TABLE proj.oracle_suites
    ADD COLUMN state          text        NOT NULL DEFAULT 'REGISTERED',
    ADD COLUMN status         text        NOT NULL DEFAULT 'active',
    ADD COLUMN previous_hash  text,
    ADD COLUMN changed_at     timestamptz;

-- Every definition that a suite ever had; its row's `position` is since when.
CREATE TABLE proj.oracle_suite_versions (
    version_id         text        PRIMARY KEY,
    suite_id           text        NOT NULL REFERENCES proj.oracle_suites (suite_id),
    suite_hash         text        NOT NULL,
    previous_hash      text,
    change             text        NOT NULL CHECK (change IN ('registered', 'updated', 'rebased')),
    rationale          text,
    weakenings         jsonb       NOT NULL,
    approval_id        text,
    definition         jsonb       NOT NULL,
    recorded_at        timestamptz NOT NULL,
    recorded_by_kind   text        NOT NULL CHECK (recorded_by_kind = 'HUMAN'),
    recorded_by_id     text        NOT NULL,
    position           bigint      NOT NULL,
    last_event_id      text        NOT NULL,
    last_global_seq    bigint      NOT NULL
);

ALTER TABLE proj.candidates
    ADD COLUMN git_sha                   text,
    ADD COLUMN description               text    NOT NULL DEFAULT '',
    ADD COLUMN refs                      jsonb   NOT NULL DEFAULT '[]',
    ADD COLUMN verification_mode         text,
    ADD COLUMN verification_scope        jsonb,
    ADD COLUMN oracle_summaries          jsonb   NOT NULL DEFAULT '[]';

ALTER TABLE proj.runs
    ADD COLUMN execution                text  NOT NULL DEFAULT 'platform',
    ADD COLUMN candidate_content_hash   text  NOT NULL DEFAULT '',
    ADD COLUMN workspace_path           text,
    ADD COLUMN execution_started_at     timestamptz,
    ADD COLUMN execution_completed_at   timestamptz,
    ADD COLUMN duration_ms              bigint,
    ADD COLUMN verdict                  text,
    ADD COLUMN environment_fingerprint  jsonb,
    ADD COLUMN environment_hash         text,
    ADD COLUMN output_hashes            jsonb NOT NULL DEFAULT '{}';

ALTER TABLE proj.integrity_violations
    ADD COLUMN suite_id             text    NOT NULL DEFAULT '',
    ADD COLUMN facts                jsonb   NOT NULL DEFAULT '{}',
    ADD COLUMN requires_escalation  boolean NOT NULL DEFAULT true;

ALTER TABLE proj.evidence_bundles
    ADD COLUMN environment_hash  text,
    ADD COLUMN output_hashes     jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN template_id       text,
    ADD COLUMN stage_id          text,
    ADD COLUMN work_surface_id   text;

CREATE TABLE proj.evidence_associations (
    association_id      text        PRIMARY KEY,
    content_hash        text        NOT NULL REFERENCES proj.evidence_bundles (content_hash),
    entity_type         text        NOT NULL CHECK (entity_type IN ('run', 'candidate', 'iteration')),
    entity_id           text        NOT NULL,
    associated_by_kind  text        NOT NULL CHECK (associated_by_kind = 'SYSTEM'),
    associated_by_id    text        NOT NULL,
    associated_at       timestamptz NOT NULL,
    position            bigint      NOT NULL,
    last_event_id       text        NOT NULL,
    last_global_seq     bigint      NOT NULL,
    UNIQUE (content_hash, entity_type, entity_id)
);

CREATE INDEX oracle_suite_versions_by_suite ON proj.oracle_suite_versions (suite_id);
CREATE INDEX runs_by_inputs
    ON proj.runs (candidate_content_hash, oracle_suite_hash, environment_hash);
CREATE INDEX runs_by_suite ON proj.runs (oracle_suite_id);
CREATE INDEX integrity_violations_by_run ON proj.integrity_violations (run_id);
