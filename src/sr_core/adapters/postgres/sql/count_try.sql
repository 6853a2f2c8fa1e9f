-- Count a try of an event that went wrong.
--
--   in:  consumer, event_id, error  text, position  bigint
--   out: tries  integer, one row: how many there were, with this one
INSERT INTO es.failed_tries AS f (consumer, event_id, global_seq, error)
VALUES (%(consumer)s, %(event_id)s, %(position)s, %(error)s)
ON CONFLICT (consumer, event_id) DO UPDATE
   SET tries = f.tries + 1, error = excluded.error, last_failed_at = now()
RETURNING tries;
