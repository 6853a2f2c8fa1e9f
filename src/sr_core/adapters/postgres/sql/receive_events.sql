-- Write down which events were recorded for a request.
--
--   in:  actor_id, route, key, event_ids
--   out: nothing
INSERT INTO es.request_events (event_id, actor_id, route, key)
SELECT event_id, %(actor_id)s, %(route)s, %(key)s
  FROM unnest(%(event_ids)s::text[]) AS given (event_id);
