-- Return the log's rows from a position on, every column that an envelope speaks of.
--
--   in:  first  bigint
--   out: the columns of LogRow, in the order of the log, any number of rows
--
-- The time is written out here, as envelopes write it: the driver knows no time before
-- the year 1 or beyond 9999, and whoever tampers may.
SELECT global_seq AS position, event_id, stream_id, stream_kind, stream_seq, event_type,
       actor_kind, actor_id, correlation_id, envelope, envelope_hash, chain_hash,
       replace(to_char(occurred_at AT TIME ZONE 'UTC',
                       'YYYY-MM-DD"T"HH24:MI:SS.US"Z" BC'), ' AD', '') AS occurred_at
  FROM es.events
 WHERE global_seq >= %(first)s
 ORDER BY global_seq;
