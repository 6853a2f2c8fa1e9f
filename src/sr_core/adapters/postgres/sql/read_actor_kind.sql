-- Read the kind of actor that a subject is bound to.
--
--   in:  subject
--   out: one row or none
SELECT actor_kind FROM es.actor_kinds WHERE subject = %(subject)s;
