-- Return how far a follower of the log has come.
--
--   in:  follower  text
--   out: position  bigint; one row, or none where it never said
SELECT position
  FROM es.followers
 WHERE follower = %(follower)s;
