-- Plan instances, the work units that they hold, and what the governor decided (SPEC 12.3,
-- SPEC 6.7).

CREATE TABLE proj.plans (
    plan_id            text        PRIMARY KEY,
    plan_hash          text        NOT NULL,
    source_id          text        NOT NULL,
    source_hash        text        NOT NULL,
    status             text        NOT NULL,
    work_units         jsonb       NOT NULL,
    edges              jsonb       NOT NULL,
    rationale          text        NOT NULL,
    policy             jsonb,
    policy_hash        text,
    recorded_by_kind   text        NOT NULL CHECK (recorded_by_kind = 'HUMAN'),
    recorded_by_id     text        NOT NULL,
    recorded_at        timestamptz NOT NULL,
    activated_at       timestamptz,
    ended_at           timestamptz,
    cancelled_because  text,
    position           bigint      NOT NULL,
    last_event_id      text        NOT NULL,
    last_global_seq    bigint      NOT NULL
);

CREATE TABLE proj.plan_work_units (
    plan_id          text     NOT NULL REFERENCES proj.plans (plan_id),
    work_unit_id     text     NOT NULL,
    is_plan_active   boolean  NOT NULL,
    position         bigint   NOT NULL,
    last_event_id    text     NOT NULL,
    last_global_seq  bigint   NOT NULL,
    PRIMARY KEY (plan_id, work_unit_id)
);

-- A work unit belongs to one active plan at a time, whoever activates at the same moment.
CREATE UNIQUE INDEX one_active_plan_per_work_unit
    ON proj.plan_work_units (work_unit_id) WHERE is_plan_active;

CREATE TABLE proj.governor_decisions (
    decision_id      text        PRIMARY KEY,
    loop_id          text        NOT NULL REFERENCES proj.loops (loop_id),
    decision_type    text        NOT NULL,
    outcome          text        NOT NULL,
    failure          text,
    stop             text,
    preconditions    jsonb       NOT NULL,
    rationale        text        NOT NULL,
    decided_by_kind  text        NOT NULL CHECK (decided_by_kind = 'SYSTEM'),
    decided_by_id    text        NOT NULL,
    decided_at       timestamptz NOT NULL,
    position         bigint      NOT NULL,
    last_event_id    text        NOT NULL,
    last_global_seq  bigint      NOT NULL
);

CREATE INDEX governor_decisions_by_loop ON proj.governor_decisions (loop_id);
