-- Read whether this server keeps what it confirms, and what this user may do to the log.
--
--   in:  nothing
--   out: one row: is_replica, is_read_only  boolean; fsync, synchronous_commit,
--        full_page_writes, data_checksums  text; is_superuser, may_change_log  boolean
SELECT pg_is_in_recovery() AS is_replica,
       current_setting('default_transaction_read_only') = 'on' AS is_read_only,
       current_setting('fsync') AS fsync,
       current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('full_page_writes') AS full_page_writes,
       current_setting('data_checksums') AS data_checksums,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
       coalesce((SELECT has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
                        OR pg_has_role(c.relowner, 'MEMBER')
                   FROM pg_class AS c
                  WHERE c.relnamespace = to_regnamespace('es')
                    AND c.relname = 'events'), false) AS may_change_log;
