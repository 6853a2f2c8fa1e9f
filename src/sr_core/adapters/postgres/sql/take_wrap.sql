-- Count one more data key that a KEK version wraps, if it may wrap one more.
--
--   in:    kek_id  text, version  bigint, wraps_max  bigint, at least 1
--   out:   wraps  bigint, with this one in it; no row where it may wrap no more
--   locks: the version's row, to the end of the transaction
INSERT INTO es.kek_wraps (kek_id, version, wraps)
VALUES (%(kek_id)s, %(version)s, 1)
ON CONFLICT (kek_id, version) DO UPDATE
   SET wraps = kek_wraps.wraps + 1
 WHERE kek_wraps.wraps < %(wraps_max)s
RETURNING wraps;
