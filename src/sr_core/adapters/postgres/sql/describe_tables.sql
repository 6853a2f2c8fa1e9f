-- Return all that is to be known of the read model's tables, or of copies of them.
--
--   in:  suffix  text: that of the copies' schemas, empty for the model itself
--   out: fact  text, sorted; a model and its copy have the same ones
WITH tables AS (
    SELECT c.oid, c.relname, n.nspname,
           left(n.nspname, length(n.nspname) - length(%(suffix)s::text)) || '.'
               || c.relname AS name,
           c.relacl, c.reloptions, c.relowner, c.relrowsecurity, c.relforcerowsecurity
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('proj' || %(suffix)s::text, 'graph' || %(suffix)s::text)
       AND c.relkind = 'r'
), facts (fact) AS (
    SELECT format('%%s has an owner, %%s, options %%s, row security %%s %%s', t.name,
                  pg_get_userbyid(t.relowner), t.reloptions, t.relrowsecurity,
                  t.relforcerowsecurity)
      FROM tables AS t
    UNION ALL
    SELECT format('%%s has a column %%s: %%s, not null %%s, default %%s, %%s%%s, %%s', t.name,
                  a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                  pg_get_expr(d.adbin, d.adrelid), a.attgenerated, a.attidentity,
                  a.attcollation::regcollation)
      FROM tables AS t
      JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0
                            AND NOT a.attisdropped
      LEFT JOIN pg_attrdef AS d ON d.adrelid = t.oid AND d.adnum = a.attnum
    UNION ALL
    SELECT format('%%s has a constraint %%s: %%s', t.name, k.conname,
                  pg_get_constraintdef(k.oid))
      FROM tables AS t
      JOIN pg_constraint AS k ON k.conrelid = t.oid
    UNION ALL
    SELECT format('%%s has an index: %%s', t.name, pg_get_indexdef(i.indexrelid))
      FROM tables AS t
      JOIN pg_index AS i ON i.indrelid = t.oid
    UNION ALL
    SELECT format('%%s has a trigger %%s', t.name, g.tgname)
      FROM tables AS t
      JOIN pg_trigger AS g ON g.tgrelid = t.oid AND NOT g.tgisinternal
    UNION ALL
    SELECT format('%%s has a policy %%s', t.name, p.polname)
      FROM tables AS t
      JOIN pg_policy AS p ON p.polrelid = t.oid
    UNION ALL
    SELECT format('%%s grants %%s to %%s, grantable %%s', t.name, a.privilege_type,
                  a.grantee::regrole, a.is_grantable)
      FROM tables AS t
     CROSS JOIN LATERAL aclexplode(coalesce(t.relacl, acldefault('r', t.relowner))) AS a
)
SELECT replace(replace(fact, 'proj' || %(suffix)s::text || '.', 'proj.'),
               'graph' || %(suffix)s::text || '.', 'graph.') AS fact
  FROM facts
 ORDER BY 1;
