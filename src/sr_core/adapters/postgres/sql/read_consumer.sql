-- Return how far a consumer has come.
--
--   in:  consumer  text
--   out: position  bigint, one row, or none before its first event
SELECT position FROM es.consumers WHERE consumer = %(consumer)s;
