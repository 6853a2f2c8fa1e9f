-- Record that a migration was applied, in the transaction that applies it.
--
--   in:  version  bigint, name  text, checksum  text
--   out: nothing
INSERT INTO es.schema_migrations (version, name, checksum)
VALUES (%(version)s, %(name)s, %(checksum)s);
