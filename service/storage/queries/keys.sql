-- name: lock_masters
LOCK TABLE master_keys IN SHARE ROW EXCLUSIVE MODE;

-- name: known_masters
SELECT
    name,
    proof
FROM master_keys
ORDER BY created_at, name;

-- name: retired_masters
SELECT name FROM retired_master_keys;

-- name: wrapped_by
SELECT
    m.name,
    (
        SELECT count(*) FROM user_keys AS k
        WHERE k.master = m.name
    ) AS keys
FROM master_keys AS m
ORDER BY m.created_at, m.name;

-- name: masters_in_use
SELECT DISTINCT master AS name FROM user_keys;

-- name: know_master
INSERT INTO master_keys (name, proof)
VALUES ($1, $2)
ON CONFLICT (name) DO NOTHING;

-- name: of_user
SELECT
    number,
    wrapped,
    master,
    created_at <= now() - make_interval(secs => $2) AS is_settled
FROM user_keys
WHERE user_id = $1;

-- name: insert
INSERT INTO user_keys (user_id, number, wrapped, master)
SELECT
    made.user_id,
    made.number,
    made.wrapped,
    $4 AS master
FROM unnest($1::uuid[], $2::integer[], $3::bytea[]) AS made (user_id, number, wrapped)
INNER JOIN users AS u ON made.user_id = u.id AND u.deleted_at IS NULL
ON CONFLICT (user_id, number) DO NOTHING;

-- name: lock_rotation
SELECT pg_try_advisory_lock($1);

-- name: to_rewrap
SELECT
    user_id,
    number,
    wrapped,
    master
FROM user_keys
WHERE master <> $1
ORDER BY user_id, number
LIMIT $2
FOR UPDATE;

-- name: rewrap
UPDATE user_keys AS k
SET
    wrapped = n.wrapped,
    master = $4
FROM unnest($1::uuid[], $2::integer[], $3::bytea[]) AS n (user_id, number, wrapped)
WHERE k.user_id = n.user_id AND k.number = n.number;

-- name: retire_master
WITH gone AS (
    DELETE FROM master_keys
    WHERE name = $1
    RETURNING name
)

INSERT INTO retired_master_keys (name)
SELECT name FROM gone
ON CONFLICT (name) DO NOTHING;

-- name: unfinished_rotation
SELECT started_at FROM key_rotations
WHERE finished_at IS NULL
ORDER BY started_at
LIMIT 1;

-- name: begin_rotation
INSERT INTO key_rotations DEFAULT VALUES
RETURNING started_at;

-- name: finish_rotation
UPDATE key_rotations
SET finished_at = now()
WHERE finished_at IS NULL;

-- name: users_to_rekey
SELECT
    user_id,
    max(number) AS newest
FROM user_keys
WHERE number > 0
GROUP BY user_id
HAVING max(created_at) < $1
ORDER BY user_id
LIMIT $2;

-- name: unsettled_s
SELECT coalesce(max(extract(EPOCH FROM created_at + make_interval(secs => $1) - now())), 0)::float
FROM user_keys
WHERE number > 1;

-- name: close_old_keys
UPDATE user_keys AS k
SET closed_at = now()
WHERE
    k.number > 0
    AND k.closed_at IS NULL
    AND EXISTS (
        SELECT FROM user_keys AS newer
        WHERE newer.user_id = k.user_id AND newer.number > k.number
    );

-- name: writers
SELECT DISTINCT l.virtualtransaction
FROM pg_locks AS l
INNER JOIN pg_database AS d ON l.database = d.oid AND d.datname = current_database()
WHERE
    l.locktype = 'relation'
    AND l.relation = any($1::text[]::regclass[]::oid[])
    AND l.mode = 'RowExclusiveLock'
    AND l.granted
    AND l.pid IS DISTINCT FROM pg_backend_pid();

-- name: delete_closed_keys
DELETE FROM user_keys
WHERE closed_at IS NOT NULL;

-- name: quiet_changes
SELECT set_config('alfavoice.resealing', 'on', TRUE);

-- name: status
SELECT
    (SELECT count(*) FROM user_keys) AS keys,
    (SELECT count(DISTINCT user_id) FROM user_keys) AS users,
    (
        SELECT count(*) FROM user_keys
        WHERE closed_at IS NOT NULL
    ) AS closed,
    (
        SELECT max(finished_at) FROM key_rotations
    ) AS rotated_at,
    exists(
        SELECT FROM key_rotations
        WHERE finished_at IS NULL
    ) AS is_rotating;

-- name: every_key
SELECT
    user_id,
    number,
    wrapped,
    master
FROM user_keys
WHERE (user_id, number) > ($1, $2)
ORDER BY user_id, number
LIMIT $3;
