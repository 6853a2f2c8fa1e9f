-- Prepare a transaction for reading whole tables.
--
--   in:  nothing
--   out: one row that nobody reads
SELECT set_config('enable_seqscan', 'on', true),
       set_config('work_mem', '64MB', true);
