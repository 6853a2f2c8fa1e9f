-- Wait until nobody else appends; what the transaction does next sees all that was.
--
--   in:    nothing
--   out:   one row that nobody reads
--   locks: es.head, until the transaction ends
--
-- A statement sees what was committed when it began. One that began before it had the
-- head, and waited for it, would miss the rows that were added meanwhile.
SELECT es.lock_head();
