-- name: unhurried
SELECT set_config(s.name, s.value, FALSE) AS was
FROM (
    VALUES
    ('statement_timeout', '0'),
    ('idle_in_transaction_session_timeout', '0'),
    ('lock_timeout', '10s'),
    ('row_security', 'off'),
    ('datestyle', 'ISO'),
    ('timezone', 'UTC'),
    ('bytea_output', 'hex')
) AS s (name, value);

-- name: tables
SELECT
    c.relname AS name,
    array(
        SELECT a.attname::text FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        ORDER BY a.attnum
    ) AS columns,
    array(
        SELECT DISTINCT f.relname::text FROM pg_constraint AS r
        INNER JOIN pg_class AS f ON r.confrelid = f.oid
        WHERE r.conrelid = c.oid AND r.contype = 'f' AND r.confrelid <> r.conrelid
    ) AS needs
FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
ORDER BY c.relname;

-- name: migrations
SELECT
    version,
    name,
    compatible_from,
    checksum
FROM schema_migrations
ORDER BY version;

-- name: functions
SELECT p.oid::regprocedure::text AS name FROM pg_proc AS p
WHERE
    p.pronamespace = current_schema()::regnamespace
    AND NOT EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
    );

-- name: services
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'alfavoice' AND pid <> pg_backend_pid();

-- name: new_epochs
UPDATE user_changes
SET epoch = DEFAULT;
