-- Make the row of a consumer, if it has none.
--
--   in:  consumer  text
--   out: nothing
INSERT INTO es.consumers (consumer) VALUES (%(consumer)s) ON CONFLICT DO NOTHING;
