-- Take the end of the log, with as many numbers as there are events to append.
--
--   in:  events  bigint
--   out: global_seq  bigint, before them; chain_hash  bytea, before them; one row
--   locks: the one row, last of all that an append locks
--
-- This makes the order of global_seq the order of commit. Were the number drawn from a
-- sequence, a reader could pass number 8 while the slower transaction that holds 7 is
-- still open, and would never see 7; and a rollback would leave a hole for ever.
UPDATE es.head
   SET global_seq = global_seq + %(events)s
RETURNING global_seq - %(events)s AS global_seq, chain_hash;
