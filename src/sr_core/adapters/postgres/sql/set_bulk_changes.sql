-- Prepare a transaction for changes of many rows by their keys.
--
--   in:  nothing
--   out: one row that nobody reads
--
-- A plan that is kept, and was made while a table was small, would read all of it once it
-- has grown. Nobody relies on a copy that is being made, so a commit need not wait for the
-- disk: after a crash it is made anew.
SELECT set_config('enable_seqscan', 'off', true),
       set_config('synchronous_commit', 'off', true);
