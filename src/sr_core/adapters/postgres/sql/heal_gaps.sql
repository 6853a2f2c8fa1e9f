-- Record that everything up to a position was done from the log; a first time is kept.
--
--   in:  noticed_by  text, up_to  bigint
--   out: nothing
UPDATE es.bus_gaps
   SET healed_at = clock_timestamp()
 WHERE noticed_by = %(noticed_by)s AND to_seq <= %(up_to)s AND healed_at IS NULL;
