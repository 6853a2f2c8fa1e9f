-- Say where the roles, the grants and the guards are not those of migration 0012.
--
--   in:  nothing
--   out: gap  text, a sentence each; none where all is as it has to be
WITH roles (role) AS (
    VALUES ('sr_owner'), ('sr_app'), ('sr_publisher'), ('sr_reader')
), tables AS (
    SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relowner,
           n.nspname || '.' || c.relname AS title
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('es', 'proj', 'graph') AND c.relkind IN ('r', 'p')
), functions AS (
    SELECT p.oid, p.proowner, p.prosecdef, n.nspname || '.' || p.proname AS title
      FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
     WHERE n.nspname IN ('es', 'proj', 'graph')
), wanted (role, oid, title, privilege) AS (
    SELECT r.role, t.oid, t.title, p.privilege
      FROM tables AS t
     CROSS JOIN (VALUES ('sr_app', 'SELECT'), ('sr_reader', 'SELECT'),
                        ('sr_app', 'INSERT'), ('sr_app', 'UPDATE')) AS p (role, privilege)
      JOIN roles AS r USING (role)
     WHERE p.privilege = 'SELECT' OR t.schema <> 'es'
    UNION ALL
    SELECT 'sr_app', t.oid, t.title, 'INSERT' FROM tables AS t
     WHERE t.title IN ('es.request_answers', 'es.actor_kinds', 'es.followers',
                       'es.kek_wraps')
    UNION ALL
    SELECT 'sr_publisher', t.oid, t.title, 'SELECT' FROM tables AS t
     WHERE t.title IN ('es.events', 'es.head', 'es.outbox')
), refused (role, oid, title, privilege) AS (
    SELECT r.role, t.oid, t.title, p.privilege
      FROM tables AS t
     CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS p (privilege)
     CROSS JOIN roles AS r
     WHERE r.role <> 'sr_owner'
       AND t.title IN ('es.events', 'es.head', 'es.streams', 'es.boundaries', 'es.outbox')
       -- Who publishes may clear away what was published; a trigger keeps the rest.
       AND (r.role, t.title, p.privilege) <> ('sr_publisher', 'es.outbox', 'DELETE')
)
SELECT format('role %s is not there', r.role) AS gap
  FROM roles AS r WHERE to_regrole(r.role) IS NULL
UNION ALL
SELECT format('%s belongs to %s, not to sr_owner', o.title, pg_get_userbyid(o.owner))
  FROM (SELECT title, relowner FROM tables
        UNION ALL SELECT title, proowner FROM functions
        UNION ALL SELECT nspname, nspowner FROM pg_namespace
                   WHERE nspname IN ('es', 'proj', 'graph')) AS o (title, owner)
 WHERE o.owner IS DISTINCT FROM to_regrole('sr_owner')
UNION ALL
SELECT format('%s may not %s %s', w.role, w.privilege, w.title)
  FROM wanted AS w
  JOIN pg_roles AS r ON r.rolname = w.role
 WHERE NOT has_table_privilege(r.oid, w.oid, w.privilege)
UNION ALL
SELECT format('%s may %s %s', w.role, w.privilege, w.title)
  FROM refused AS w
  JOIN pg_roles AS r ON r.rolname = w.role
 WHERE has_table_privilege(r.oid, w.oid, w.privilege)
UNION ALL
SELECT format('%s may not use schema %s', r.rolname, n.nspname)
  FROM pg_namespace AS n
  JOIN pg_roles AS r ON r.rolname IN ('sr_app', 'sr_reader')
                     OR r.rolname = 'sr_publisher' AND n.nspname = 'es'
 WHERE n.nspname IN ('es', 'proj', 'graph') AND NOT has_schema_privilege(r.oid, n.oid, 'USAGE')
UNION ALL
SELECT 'sr_publisher may not UPDATE es.outbox.published_at'
  FROM tables AS t
  JOIN pg_roles AS r ON r.rolname = 'sr_publisher'
 WHERE t.title = 'es.outbox'
   AND NOT has_column_privilege(r.oid, t.oid, 'published_at', 'UPDATE')
UNION ALL
SELECT 'sr_app may not UPDATE es.kek_wraps.wraps'
  FROM tables AS t
  JOIN pg_roles AS r ON r.rolname = 'sr_app'
 WHERE t.title = 'es.kek_wraps'
   AND NOT has_column_privilege(r.oid, t.oid, 'wraps', 'UPDATE')
UNION ALL
SELECT format('%s may not call %s', r.rolname, f.title)
  FROM functions AS f
  JOIN pg_roles AS r ON r.rolname = 'sr_app'
 WHERE f.title = 'es.append' AND NOT has_function_privilege(r.oid, f.oid, 'EXECUTE')
UNION ALL
SELECT format('%s may call %s', r.rolname, f.title)
  FROM functions AS f
  JOIN pg_roles AS r ON r.rolname IN ('sr_publisher', 'sr_reader')
 WHERE f.title = 'es.append' AND has_function_privilege(r.oid, f.oid, 'EXECUTE')
UNION ALL
SELECT format('%s does not run as its owner', f.title)
  FROM functions AS f
 WHERE f.title = 'es.append' AND NOT f.prosecdef
UNION ALL
SELECT format('trigger %s of %s is not always on', g.tgname, t.title)
  FROM pg_trigger AS g JOIN tables AS t ON t.oid = g.tgrelid
 WHERE NOT g.tgisinternal AND g.tgenabled <> 'A' AND t.schema = 'es'
UNION ALL
SELECT format('trigger %s of %s is not there', w.trigger, w.title)
  FROM (VALUES ('events_never_change', 'es.events'), ('head_stays', 'es.head'),
               ('boundaries_stay', 'es.boundaries'), ('streams_stay', 'es.streams'),
               ('outbox_stays', 'es.outbox'), ('outbox_keeps_unpublished', 'es.outbox'),
               ('outbox_keeps_its_message', 'es.outbox')) AS w (trigger, title)
  JOIN tables AS t USING (title)
 WHERE NOT EXISTS (SELECT FROM pg_trigger AS g
                    WHERE g.tgrelid = t.oid AND g.tgname = w.trigger)
ORDER BY 1;
