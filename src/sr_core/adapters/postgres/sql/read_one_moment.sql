-- Let all statements of this transaction see one moment.
--
--   in:  nothing
--   out: nothing
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
