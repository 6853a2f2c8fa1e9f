-- Lay an event aside.
--
--   in:  consumer, event_id, error  text, position  bigint, tries  integer,
--        first_failed_at, last_failed_at  timestamptz, null for now
--   out: nothing
INSERT INTO es.dead_letters (
    consumer, event_id, global_seq, tries, error, first_failed_at, last_failed_at
) VALUES (
    %(consumer)s, %(event_id)s, %(position)s, %(tries)s, %(error)s,
    coalesce(%(first_failed_at)s, now()), coalesce(%(last_failed_at)s, now())
);
