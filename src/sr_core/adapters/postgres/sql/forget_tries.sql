-- Forget the tries of an event, and return what they were.
--
--   in:  consumer, event_id  text
--   out: tries  integer, first_failed_at, last_failed_at  timestamptz; a row, or none
DELETE FROM es.failed_tries
 WHERE consumer = %(consumer)s AND event_id = %(event_id)s
RETURNING tries, first_failed_at, last_failed_at;
