-- Return one dead letter.
--
--   in:  consumer, event_id  text
--   out: the columns of DeadLetter, one row, or none
SELECT consumer, event_id, global_seq, tries, error, first_failed_at, last_failed_at,
       replayed_at
  FROM es.dead_letters
 WHERE consumer = %(consumer)s AND event_id = %(event_id)s;
