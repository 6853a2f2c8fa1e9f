-- Keep the answer to a recorded request; the first one kept stays.
--
--   in:  actor_id, route, key, attempt, status, media_type, body
--   out: whether this attempt's request is recorded
WITH recorded AS (
    SELECT actor_id, route, key
      FROM es.requests
     WHERE (actor_id, route, key, attempt)
         = (%(actor_id)s, %(route)s, %(key)s, %(attempt)s)
), kept AS (
    INSERT INTO es.request_answers (actor_id, route, key, status, media_type, body)
    SELECT actor_id, route, key, %(status)s, %(media_type)s, %(body)s
      FROM recorded
    ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT FROM recorded) AS is_recorded;
