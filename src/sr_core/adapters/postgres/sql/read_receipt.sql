-- Read what is recorded for a request, and what was answered.
--
--   in:  actor_id, route, key
--   out: one row or none
SELECT requests.content_hash, requests.attempt, answers.status, answers.media_type,
       answers.body,
       ARRAY(SELECT events.event_id
               FROM es.request_events
               JOIN es.events USING (event_id)
              WHERE (request_events.actor_id, request_events.route, request_events.key)
                  = (requests.actor_id, requests.route, requests.key)
              ORDER BY events.global_seq) AS event_ids
  FROM es.requests
  LEFT JOIN es.request_answers AS answers USING (actor_id, route, key)
 WHERE (requests.actor_id, requests.route, requests.key)
     = (%(actor_id)s, %(route)s, %(key)s);
