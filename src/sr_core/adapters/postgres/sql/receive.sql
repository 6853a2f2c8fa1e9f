-- Write down the name of a request, unless it is there.
--
--   in:  actor_id, route, key, content_hash, attempt
--   out: the attempt whose request of that name is recorded
--   locks: needs the head to be held, so that nobody else writes the name now
WITH received AS (
    INSERT INTO es.requests (actor_id, route, key, content_hash, attempt)
    VALUES (%(actor_id)s, %(route)s, %(key)s, %(content_hash)s, %(attempt)s)
    ON CONFLICT DO NOTHING
    RETURNING attempt
)
SELECT attempt FROM received
UNION ALL
SELECT attempt FROM es.requests
 WHERE (actor_id, route, key) = (%(actor_id)s, %(route)s, %(key)s);
