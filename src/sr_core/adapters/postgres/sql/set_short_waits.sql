-- Wait for a lock for a moment only, in this transaction: others wait for us meanwhile.
--
--   in:  nothing
--   out: one row that nobody reads
SELECT set_config('lock_timeout', '200ms', true);
