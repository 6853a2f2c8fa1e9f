-- Record how far a follower of the log has come; it never goes back.
--
--   in:  follower  text, position  bigint
--   out: nothing
INSERT INTO es.followers (follower, position)
VALUES (%(follower)s, %(position)s)
ON CONFLICT (follower) DO UPDATE
   SET position = greatest(followers.position, excluded.position);
