-- Say how far a rebuild is, in the transaction that brings it there.
--
--   in:  position  bigint
--   out: nothing
UPDATE proj_shadow.checkpoint SET position = %(position)s;
