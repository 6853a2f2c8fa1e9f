-- Loops over staged work, bounded by the hours too; iterations that run, fail and leave a
-- summary; decisions about anything in scope (SPEC 4.1, 4.2, 5.2, 5.5).

ALTER TABLE proj.loops
    ADD COLUMN work_unit        text,
    ADD COLUMN work_surface_id  text,
    ADD COLUMN stop_count       integer NOT NULL DEFAULT 0;

UPDATE proj.loops
   SET work_unit  = loop_id,
       budgets    = '{"max_wallclock_hours": 16}'::jsonb || budgets,
       stop_count = (SELECT count(*)
                       FROM proj.loop_stop_triggers AS fired
                      WHERE fired.loop_id = loops.loop_id);

ALTER TABLE proj.loops ALTER COLUMN work_unit SET NOT NULL;

ALTER TABLE proj.loop_stop_triggers
    ADD COLUMN bound                 text,
    ADD COLUMN run_id                text,
    ADD COLUMN candidate_id          text,
    ADD COLUMN evidence_bundle_hash  text,
    ADD COLUMN decision_id           text;

ALTER TABLE proj.iterations
    ADD COLUMN work_surface_id  text,
    ADD COLUMN begun_at         timestamptz,
    ADD COLUMN failure_reason   text,
    DROP COLUMN summary,
    ADD COLUMN summary          jsonb;

ALTER TABLE proj.decisions
    ALTER COLUMN loop_id DROP NOT NULL,
    ALTER COLUMN trigger DROP NOT NULL,
    ADD COLUMN kind                     text,
    ADD COLUMN scope                    jsonb,
    ADD COLUMN subject_refs             jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN evidence_refs            jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN exceptions_acknowledged  jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN is_precedent             boolean NOT NULL DEFAULT false,
    ADD COLUMN applicability            text,
    ADD COLUMN refs                     jsonb NOT NULL DEFAULT '[]';

UPDATE proj.decisions
   SET kind  = decision,
       scope = jsonb_build_object('loop_id', loop_id);

ALTER TABLE proj.decisions
    ALTER COLUMN kind SET NOT NULL,
    ALTER COLUMN scope SET NOT NULL;

CREATE INDEX decisions_by_loop ON proj.decisions (loop_id);
CREATE INDEX loops_by_work_unit ON proj.loops (work_unit);
