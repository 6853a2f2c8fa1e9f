-- Let a consumer pass one event, if it stands right before it.
--
--   in:  consumer  text, position  bigint, the event's
--   out: one row, or none where the consumer stands elsewhere
--   locks: the consumer's row, until the transaction ends
--
-- A second instance waits here until the first has committed, and then finds itself
-- overtaken; so the effect that the transaction writes is written once.
UPDATE es.consumers
   SET position = %(position)s
 WHERE consumer = %(consumer)s AND position = %(position)s - 1
RETURNING position;
