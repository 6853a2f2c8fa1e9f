-- Return what makes empty copies of the read model's tables, from the catalog.
--
--   in:  suffix  text: a copy of proj.loops is proj<suffix>.loops
--   out: statement  text, in the order in which they have to be carried out
--
-- A copy has the columns, defaults, checks and storage of its model, its constraints and
-- indexes under the same names, its owner and its grants, so that it can take its model's
-- place. Its foreign keys lead to copies, and are looked up as its owner, who therefore
-- owns the copies' schemas too.
--
-- The session's search_path names none of the schemas: so each name says its own.
WITH models AS (
    SELECT c.oid, c.relname, c.relacl, c.relowner,
           coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') AS options,
           format('%%I.%%I', n.nspname || %(suffix)s::text, c.relname) AS twin
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('proj', 'graph') AND c.relkind = 'r'
), made (step, name, statement) AS (
    SELECT 1, n.nspname, format('CREATE SCHEMA %%I AUTHORIZATION %%I',
                                n.nspname || %(suffix)s::text,
                                pg_get_userbyid(n.nspowner))
      FROM pg_namespace AS n WHERE n.nspname IN ('proj', 'graph')
    UNION ALL
    SELECT 2, m.relname, format(
               'CREATE TABLE %%s (LIKE %%s INCLUDING ALL EXCLUDING INDEXES)%%s',
               m.twin, m.oid::regclass, m.options)
      FROM models AS m
    UNION ALL
    SELECT 3, k.conname, format(
               'ALTER TABLE %%s ADD CONSTRAINT %%I %%s',
               m.twin, k.conname, pg_get_constraintdef(k.oid))
      FROM models AS m
      JOIN pg_constraint AS k ON k.conrelid = m.oid AND k.contype IN ('p', 'u', 'x')
    UNION ALL
    SELECT 4, i.indexrelid::regclass::text, format(
               'CREATE %%sINDEX %%I ON %%s%%s',
               CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, c.relname, m.twin,
               substr(d.definition, position(' USING ' IN d.definition)))
      FROM models AS m
      JOIN pg_index AS i ON i.indrelid = m.oid
      JOIN pg_class AS c ON c.oid = i.indexrelid
     CROSS JOIN LATERAL pg_get_indexdef(i.indexrelid) AS d (definition)
     WHERE NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid
                          AND k.conrelid = m.oid AND k.contype IN ('p', 'u', 'x'))
    UNION ALL
    SELECT 5, k.conname, format(
               'ALTER TABLE %%s ADD CONSTRAINT %%I %%s', m.twin, k.conname,
               replace(pg_get_constraintdef(k.oid),
                       format('REFERENCES %%s(', k.confrelid::regclass),
                       format('REFERENCES %%s(', parent.twin)))
      FROM models AS m
      JOIN pg_constraint AS k ON k.conrelid = m.oid AND k.contype = 'f'
      JOIN models AS parent ON parent.oid = k.confrelid
    UNION ALL
    SELECT 6, m.relname, format('ALTER TABLE %%s OWNER TO %%I', m.twin, r.rolname)
      FROM models AS m
      JOIN pg_roles AS r ON r.oid = m.relowner AND r.rolname <> current_user
    UNION ALL
    SELECT 7, m.relname, format(
               'GRANT %%s ON %%s TO %%s%%s', a.privilege_type, m.twin,
               CASE a.grantee WHEN 0 THEN 'PUBLIC'
                              ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
               CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
      FROM models AS m
     CROSS JOIN LATERAL aclexplode(m.relacl) AS a
    UNION ALL
    SELECT 7, m.relname, format(
               'GRANT %%s (%%I) ON %%s TO %%s%%s', a.privilege_type, c.attname, m.twin,
               CASE a.grantee WHEN 0 THEN 'PUBLIC'
                              ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
               CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
      FROM models AS m
      JOIN pg_attribute AS c ON c.attrelid = m.oid AND c.attnum > 0
     CROSS JOIN LATERAL aclexplode(c.attacl) AS a
)
SELECT statement FROM made ORDER BY step, name, statement;
