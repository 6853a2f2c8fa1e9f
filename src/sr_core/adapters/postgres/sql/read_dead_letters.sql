-- Return the dead letters, oldest first.
--
--   in:  limit  bigint
--   out: the columns of DeadLetter
SELECT consumer, event_id, global_seq, tries, error, first_failed_at, last_failed_at,
       replayed_at
  FROM es.dead_letters
 ORDER BY first_failed_at, global_seq, consumer
 LIMIT %(limit)s;
