-- Remove rows that were published before a moment and verified, but not the last one.
--
--   in:  before  timestamptz
--   out: as many rows as were removed
--
-- The last one published says how far the stream has come, however old it is.
DELETE FROM es.outbox
 WHERE published_at < %(before)s
   AND verified_at IS NOT NULL
   AND global_seq < (SELECT max(global_seq) FROM es.outbox WHERE published_at IS NOT NULL);
