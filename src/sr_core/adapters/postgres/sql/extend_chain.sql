-- Record the chain hash of the last event appended, while the head is held.
--
--   in:  chain_hash  bytea
--   out: nothing
UPDATE es.head
   SET chain_hash = %(chain_hash)s;
