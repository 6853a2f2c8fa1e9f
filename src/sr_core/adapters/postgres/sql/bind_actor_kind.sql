-- Bind a subject to a kind of actor, unless it is bound.
--
--   in:  subject, actor_kind
--   out: nothing
INSERT INTO es.actor_kinds (subject, actor_kind)
VALUES (%(subject)s, %(actor_kind)s)
ON CONFLICT DO NOTHING;
