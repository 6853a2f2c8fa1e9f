-- Return what would go on using a table of the read model after another took its place.
--
--   in:  nothing
--   out: name  text, what it is; it rests on the table itself, and not on its name
--
-- A view, a foreign key from elsewhere, or a function whose arguments or result are the
-- table's rows. A function that names the table in its text finds whatever has that name.
WITH tables AS (
    SELECT c.oid, c.reltype, t.typarray
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_type AS t ON t.oid = c.reltype
     WHERE n.nspname IN ('proj', 'graph') AND c.relkind = 'r'
)
SELECT DISTINCT pg_describe_object(d.classid, d.objid, 0) AS name
  FROM pg_depend AS d
 WHERE d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_constraint'::regclass)
   AND d.deptype = 'n'
   AND ((d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT oid FROM tables))
        OR (d.refclassid = 'pg_type'::regclass
            AND d.refobjid IN (SELECT reltype FROM tables UNION ALL
                               SELECT typarray FROM tables)))
   AND NOT (d.classid = 'pg_constraint'::regclass
            AND EXISTS (SELECT FROM pg_constraint AS k
                         WHERE k.oid = d.objid AND k.conrelid IN (SELECT oid FROM tables)))
 ORDER BY 1;
