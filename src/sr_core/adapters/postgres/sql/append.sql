-- Append a group of commands' events, each command judged by itself (migration 0011).
--
--   in:    for each command its number of events and the position that its boundary has to
--          be at; for each event its boundary, identifier, stream, kind and number in it,
--          type, actor's kind and identifier, time, correlation, envelope and its hash;
--          what the commands are recorded for; whether all have to fit
--   out:   one row a command: what became of it
--   locks: es.head, until the transaction ends
SELECT member, outcome, about, asked, actual, first_position, last_position
  FROM es.append(
       %s::integer[], %s::bigint[],
       %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[],
       %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::bytea[], %s::text[],
       %s::jsonb, %s::boolean)
