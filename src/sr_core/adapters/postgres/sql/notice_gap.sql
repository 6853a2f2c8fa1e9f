-- Record a gap of the bus, once.
--
--   in:  noticed_by  text, first, last  bigint, why  text
--   out: gap_id  bigint, one row, or none where it was noticed before
INSERT INTO es.bus_gaps (noticed_by, from_seq, to_seq, why)
VALUES (%(noticed_by)s, %(first)s, %(last)s, %(why)s)
ON CONFLICT (noticed_by, from_seq, to_seq) DO NOTHING
RETURNING gap_id;
