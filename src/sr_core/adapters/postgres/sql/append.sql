-- Append a group of commands' events, each command judged by itself (migration 0011).
--
--   in:    for each command its number of events, the position its boundary has to be at,
--          and the request it is for; for each event its columns
--   out:   one row a command: what became of it
--   locks: es.head, until the transaction ends
SELECT member, outcome, about, actual, first_position
  FROM es.append(
       sizes => %(sizes)b::integer[],
       expected => %(expected)b::bigint[],
       boundaries => %(boundaries)b::text[],
       event_ids => %(event_ids)b::text[],
       stream_ids => %(stream_ids)b::text[],
       stream_kinds => %(stream_kinds)b::text[],
       stream_seqs => %(stream_seqs)b::bigint[],
       event_types => %(event_types)b::text[],
       actor_kinds => %(actor_kinds)b::text[],
       actor_ids => %(actor_ids)b::text[],
       occurred_at => %(occurred_at)b::timestamptz[],
       correlation_ids => %(correlation_ids)b::text[],
       envelopes => %(envelopes)b::bytea[],
       envelope_hashes => %(envelope_hashes)b::text[],
       requests => %(requests)s::jsonb);
