-- Mark a dead letter as replayed, if it was not.
--
--   in:  consumer, event_id  text
--   out: one row, or none where it was replayed before or is none
--   locks: the letter's row, until the transaction ends
UPDATE es.dead_letters
   SET replayed_at = now()
 WHERE consumer = %(consumer)s AND event_id = %(event_id)s AND replayed_at IS NULL
RETURNING event_id;
