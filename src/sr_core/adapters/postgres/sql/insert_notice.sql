-- Put a notice into the feed.
--
--   in:  position  bigint, event_id, event_type, portal, subject, asks  text,
--        occurred_at  timestamptz
--   out: nothing
INSERT INTO es.notices (
    global_seq, event_id, event_type, portal, subject, asks, occurred_at
) VALUES (
    %(position)s, %(event_id)s, %(event_type)s, %(portal)s, %(subject)s, %(asks)s,
    %(occurred_at)s
);
