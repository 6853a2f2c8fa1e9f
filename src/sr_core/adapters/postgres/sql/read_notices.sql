-- Return notices past one, in the order of the feed.
--
--   in:  after, limit  bigint
--   out: the columns of KeptNotice
SELECT notice_id, global_seq, event_type, portal, subject, asks, occurred_at
  FROM es.notices
 WHERE notice_id > %(after)s
 ORDER BY notice_id
 LIMIT %(limit)s;
