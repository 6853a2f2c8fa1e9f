-- Make the table that says how far a rebuild is.
--
--   in:  nothing
--   out: nothing
CREATE TABLE proj_shadow.checkpoint (position bigint NOT NULL);
INSERT INTO proj_shadow.checkpoint VALUES (0);
