-- Record that an event had its effect.
--
--   in:  consumer, event_id  text, position  bigint
--   out: nothing
INSERT INTO es.inbox (consumer, event_id, global_seq)
VALUES (%(consumer)s, %(event_id)s, %(position)s);
