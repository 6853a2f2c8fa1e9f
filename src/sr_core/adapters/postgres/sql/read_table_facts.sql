-- Read what the order of changes depends on, for each table of the read model.
--
--   in:  nothing
--   out: one row a table: its name, the columns of its unique indexes and of the
--        conditions they have, the tables that its rows refer to, and the columns that
--        they do so by
--
SELECT c.oid::regclass::text AS name,
       ARRAY(SELECT DISTINCT a.attname::text
               FROM pg_index AS i
               JOIN pg_depend AS d
                 ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
               JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
              WHERE i.indrelid = c.oid AND i.indisunique AND NOT i.indisprimary
              UNION
             SELECT DISTINCT a.attname::text
               FROM pg_index AS i
              CROSS JOIN LATERAL unnest(i.indkey) AS k (number)
               JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number
              WHERE i.indrelid = c.oid AND i.indisunique) AS guarded,
       ARRAY(SELECT DISTINCT f.confrelid::regclass::text
               FROM pg_constraint AS f
              WHERE f.contype = 'f' AND f.conrelid = c.oid) AS parents,
       ARRAY(SELECT DISTINCT a.attname::text
               FROM pg_constraint AS f
              CROSS JOIN LATERAL unnest(f.conkey) AS k (number)
               JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number
              WHERE f.contype = 'f' AND f.conrelid = c.oid) AS referring
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('proj', 'graph') AND c.relkind = 'r';
