-- Go on as the owner of the log, where there is one and this user may be it.
--
--   in:  nothing
--   out: one row that nobody reads, or none
SELECT set_config('role', 'sr_owner', false)
  FROM pg_namespace
 WHERE nspname = 'es' AND nspowner = to_regrole('sr_owner')
   AND pg_has_role(nspowner, 'SET');
