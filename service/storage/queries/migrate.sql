-- name: lock
SELECT pg_advisory_xact_lock($1);

-- name: make_table
CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    compatible_from integer NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- name: applied
SELECT
    version,
    compatible_from,
    checksum
FROM schema_migrations
ORDER BY version;

-- name: record
INSERT INTO schema_migrations (version, name, compatible_from, checksum)
VALUES ($1, $2, $3, $4);
