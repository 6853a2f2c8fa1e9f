-- Who may do what (SPEC 10, R-EVT-8): nobody but the owner of the log can change what is
-- recorded, and no process runs as the owner.
--
--   sr_owner      owns es, proj and graph; migrates and rebuilds
--   sr_app        appends by es.append and by nothing else; writes the read model
--   sr_publisher  reads the log, and says of its rows that they are published
--   sr_reader     reads
--
-- All four are groups that nobody logs in as. They belong to the cluster, so another
-- database's migration may be making them at this very moment.

DO $$
DECLARE
    each  text;
    group_name text;
BEGIN
    FOREACH group_name IN ARRAY '{sr_owner,sr_app,sr_publisher,sr_reader}'::text[] LOOP
        IF to_regrole(group_name) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', group_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- the other one was first
            END;
        END IF;
    END LOOP;
    IF NOT pg_has_role('sr_owner', 'SET') THEN
        EXECUTE format('GRANT sr_owner TO %I', current_user);
    END IF;
    EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO sr_owner', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO sr_app, sr_publisher, sr_reader',
                   current_database());

    FOR each IN
        SELECT format('ALTER SCHEMA %I OWNER TO sr_owner', n.nspname)
          FROM pg_namespace AS n WHERE n.nspname IN ('es', 'proj', 'graph')
        UNION ALL
        SELECT format('ALTER TABLE %s OWNER TO sr_owner', c.oid::regclass)
          FROM pg_class AS c
         WHERE c.relkind IN ('r', 'p', 'v', 'm')
           AND c.relnamespace::regnamespace::text IN ('es', 'proj', 'graph')
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO sr_owner', p.oid::regprocedure)
          FROM pg_proc AS p
         WHERE p.pronamespace::regnamespace::text IN ('es', 'proj', 'graph')
    LOOP
        EXECUTE each;
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION '% may not make the roles of the log, or not give it to them: %',
        current_user, SQLERRM
        USING ERRCODE = 'insufficient_privilege', HINT = format(
            'Let an administrator of the server run, in this database: '
            'CREATE ROLE sr_owner; CREATE ROLE sr_app; CREATE ROLE sr_publisher; '
            'CREATE ROLE sr_reader; GRANT sr_owner TO %1$I; '
            'GRANT CREATE ON DATABASE %2$I TO sr_owner;',
            current_user, current_database());
END;
$$;

-- The rest is the owner's to say, and so is everything in the migrations after this one.
SET LOCAL ROLE sr_owner;

-- A function that runs as its owner looks nothing up where its caller can put things. A
-- schema for temporary things that is not named is looked into first, so it is named last.
ALTER FUNCTION es.append SECURITY DEFINER SET search_path = pg_catalog, es, pg_temp;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA es, proj, graph FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE sr_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

GRANT USAGE ON SCHEMA es, proj, graph TO sr_app, sr_reader;
GRANT USAGE ON SCHEMA es TO sr_publisher;

GRANT SELECT ON ALL TABLES IN SCHEMA es, proj, graph TO sr_app, sr_reader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA graph TO sr_app, sr_reader;
GRANT EXECUTE ON FUNCTION es.member TO sr_publisher, sr_reader;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA es TO sr_app;
GRANT INSERT ON es.request_answers, es.actor_kinds, es.followers TO sr_app;
GRANT UPDATE (position) ON es.followers TO sr_app;
GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA proj, graph TO sr_app;

GRANT SELECT ON es.events, es.head, es.outbox, es.schema_migrations TO sr_publisher;
GRANT UPDATE (published_at) ON es.outbox TO sr_publisher;

-- A later migration grants what goes beyond this.
ALTER DEFAULT PRIVILEGES FOR ROLE sr_owner IN SCHEMA es, proj, graph
    GRANT SELECT ON TABLES TO sr_app, sr_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE sr_owner IN SCHEMA proj, graph
    GRANT INSERT, UPDATE ON TABLES TO sr_app;
ALTER DEFAULT PRIVILEGES FOR ROLE sr_owner IN SCHEMA graph
    GRANT EXECUTE ON FUNCTIONS TO sr_app, sr_reader;

-- What the log's order rests on is not taken away, by the owner either. That it is not set
-- back is left to who may change it: a trigger for each row of an append made it slower.
CREATE TRIGGER head_stays BEFORE DELETE OR TRUNCATE ON es.head
    FOR EACH STATEMENT EXECUTE FUNCTION es.refuse_rewriting();
CREATE TRIGGER boundaries_stay BEFORE DELETE OR TRUNCATE ON es.boundaries
    FOR EACH STATEMENT EXECUTE FUNCTION es.refuse_rewriting();
CREATE TRIGGER streams_stay BEFORE DELETE OR TRUNCATE ON es.streams
    FOR EACH STATEMENT EXECUTE FUNCTION es.refuse_rewriting();
CREATE TRIGGER outbox_stays BEFORE TRUNCATE ON es.outbox
    FOR EACH STATEMENT EXECUTE FUNCTION es.refuse_rewriting();

-- What was published may be cleared away some day; what was not may not.
CREATE TRIGGER outbox_keeps_unpublished AFTER DELETE ON es.outbox FOR EACH ROW
    WHEN (OLD.published_at IS NULL)
    EXECUTE FUNCTION es.refuse_rewriting();

CREATE TRIGGER outbox_keeps_its_message AFTER UPDATE ON es.outbox FOR EACH ROW
    WHEN (NEW.global_seq <> OLD.global_seq OR NEW.topic <> OLD.topic)
    EXECUTE FUNCTION es.refuse_rewriting();

ALTER TABLE es.head ENABLE ALWAYS TRIGGER head_stays;
ALTER TABLE es.boundaries ENABLE ALWAYS TRIGGER boundaries_stay;
ALTER TABLE es.streams ENABLE ALWAYS TRIGGER streams_stay;
ALTER TABLE es.outbox ENABLE ALWAYS TRIGGER outbox_stays;
ALTER TABLE es.outbox ENABLE ALWAYS TRIGGER outbox_keeps_its_message;
ALTER TABLE es.outbox ENABLE ALWAYS TRIGGER outbox_keeps_unpublished;
