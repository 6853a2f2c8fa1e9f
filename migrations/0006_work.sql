-- Intakes, definitions and work surfaces (SPEC 10).
--
-- The unique indexes whose names begin with `one_` keep rules across boundaries: where one
-- refuses a row, the command is decided again over what is there now.

CREATE TABLE proj.config_definitions (
    config_id         text        PRIMARY KEY,
    type_key          text        NOT NULL,
    name              text        NOT NULL,
    version           integer     NOT NULL CHECK (version >= 1),
    content_hash      text        NOT NULL CHECK (content_hash ~ '^sha256:[0-9a-f]{64}$'),
    definition        jsonb       NOT NULL,
    is_current        boolean     NOT NULL,
    recorded_by_kind  text        NOT NULL CHECK (recorded_by_kind = 'HUMAN'),
    recorded_by_id    text        NOT NULL,
    recorded_at       timestamptz NOT NULL,
    position          bigint      NOT NULL,
    last_event_id     text        NOT NULL,
    last_global_seq   bigint      NOT NULL,
    UNIQUE (type_key, name, version)
);

CREATE UNIQUE INDEX one_definition_in_force
    ON proj.config_definitions (type_key, name) WHERE is_current;

CREATE TABLE proj.intakes (
    intake_id            text        PRIMARY KEY CHECK (intake_id ~ '^intake:[0-9A-Z]+$'),
    work_unit_id         text        NOT NULL,
    title                text        NOT NULL,
    kind                 text        NOT NULL,
    objective            text        NOT NULL,
    audience             text        NOT NULL,
    deliverables         jsonb       NOT NULL,
    constraints          jsonb       NOT NULL,
    definitions          jsonb       NOT NULL,
    inputs               jsonb       NOT NULL,
    unknowns             jsonb       NOT NULL,
    completion_criteria  jsonb       NOT NULL,
    status               text        NOT NULL CHECK (status IN ('draft', 'active', 'archived')),
    version              integer     NOT NULL CHECK (version >= 1),
    supersedes           text        REFERENCES proj.intakes (intake_id),
    content_hash         text        CHECK (content_hash ~ '^sha256:[0-9a-f]{64}$'),
    canonical_json_hash  text        CHECK (canonical_json_hash ~ '^sha256:[0-9a-f]{64}$'),
    created_by_kind      text        NOT NULL,
    created_by_id        text        NOT NULL,
    created_at           timestamptz NOT NULL,
    activated_by_kind    text,
    activated_by_id      text,
    activated_at         timestamptz,
    archived_by_kind     text,
    archived_by_id       text,
    archived_at          timestamptz,
    archive_reason       text,
    position             bigint      NOT NULL,
    last_event_id        text        NOT NULL,
    last_global_seq      bigint      NOT NULL,
    CHECK (status = 'draft' OR (content_hash IS NOT NULL AND activated_at IS NOT NULL)),
    CHECK (status <> 'archived' OR archived_at IS NOT NULL)
);

CREATE UNIQUE INDEX one_active_intake_per_content
    ON proj.intakes (content_hash) WHERE status = 'active';
CREATE INDEX intakes_by_work_unit ON proj.intakes (work_unit_id);
CREATE INDEX intakes_by_hash ON proj.intakes (content_hash);

CREATE TABLE proj.work_surfaces (
    work_surface_id        text        PRIMARY KEY CHECK (work_surface_id ~ '^ws:[0-9A-Z]+$'),
    work_unit_id           text        NOT NULL,
    intake_id              text        NOT NULL REFERENCES proj.intakes (intake_id),
    intake_content_hash    text        NOT NULL CHECK (intake_content_hash ~ '^sha256:[0-9a-f]{64}$'),
    template_id            text        NOT NULL,
    template_hash          text        NOT NULL CHECK (template_hash ~ '^sha256:[0-9a-f]{64}$'),
    current_stage_id       text        NOT NULL,
    stage_ids              jsonb       NOT NULL,
    stage_status           jsonb       NOT NULL,
    current_oracle_suites  jsonb       NOT NULL,
    params                 jsonb       NOT NULL,
    content_hash           text        NOT NULL CHECK (content_hash ~ '^sha256:[0-9a-f]{64}$'),
    status                 text        NOT NULL CHECK (status IN ('active', 'completed', 'archived')),
    bound_by_kind          text        NOT NULL CHECK (bound_by_kind IN ('HUMAN', 'SYSTEM')),
    bound_by_id            text        NOT NULL,
    bound_at               timestamptz NOT NULL,
    completed_at           timestamptz,
    archived_by_kind       text,
    archived_by_id         text,
    archived_at            timestamptz,
    archive_reason         text,
    position               bigint      NOT NULL,
    last_event_id          text        NOT NULL,
    last_global_seq        bigint      NOT NULL,
    CHECK (status <> 'completed' OR completed_at IS NOT NULL),
    CHECK (status <> 'archived' OR archived_at IS NOT NULL)
);

CREATE UNIQUE INDEX one_active_surface_per_work_unit
    ON proj.work_surfaces (work_unit_id) WHERE status = 'active';

CREATE TABLE proj.work_surface_stage_history (
    id                   text        PRIMARY KEY,
    work_surface_id      text        NOT NULL REFERENCES proj.work_surfaces (work_surface_id),
    stage_id             text        NOT NULL,
    status               text        NOT NULL CHECK (status IN ('entered', 'completed', 'skipped')),
    oracle_suites        jsonb       NOT NULL,
    entered_at           timestamptz NOT NULL,
    completed_at         timestamptz,
    evidence_bundle_ref  text,
    gate_result          jsonb,
    iteration_count      integer     NOT NULL,
    event_id             text        NOT NULL,
    recorded_at          timestamptz NOT NULL,
    position             bigint      NOT NULL,
    last_event_id        text        NOT NULL,
    last_global_seq      bigint      NOT NULL,
    UNIQUE (work_surface_id, stage_id)
);
