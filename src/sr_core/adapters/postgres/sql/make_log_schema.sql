-- Make the schema of the log, unless it is there.
--
--   in:  nothing
--   out: nothing
CREATE SCHEMA IF NOT EXISTS es;
