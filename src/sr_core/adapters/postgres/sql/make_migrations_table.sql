-- Make the table that says which migrations were applied, unless it is there.
--
--   in:  nothing
--   out: nothing
CREATE TABLE IF NOT EXISTS es.schema_migrations (
    version     bigint PRIMARY KEY,
    name        text NOT NULL,
    checksum    text NOT NULL CHECK (checksum ~ '^sha256:[0-9a-f]{64}$'),
    applied_at  timestamptz NOT NULL DEFAULT now()
);
