-- name: register
INSERT INTO devices (id, user_id, name, platform, client)
VALUES ($1, $2, $3, $4, $5);

-- name: sign_in_again
UPDATE devices
SET
    name = $3, platform = $4, client = $5, last_seen_at = now(), revoked_at = NULL
WHERE id = $1 AND user_id = $2
RETURNING id;

-- name: beyond_limit
SELECT id FROM devices
WHERE user_id = $1 AND revoked_at IS NULL
ORDER BY last_seen_at DESC, id DESC
OFFSET $2;

-- name: listed
SELECT
    id,
    name,
    platform,
    client,
    created_at,
    last_seen_at
FROM devices
WHERE revoked_at IS NULL
ORDER BY last_seen_at DESC, id DESC
LIMIT $1;

-- name: rename
UPDATE devices SET name = $2
WHERE id = $1 AND revoked_at IS NULL
RETURNING id, name, platform, client, created_at, last_seen_at;

-- name: seen
UPDATE devices SET last_seen_at = now()
WHERE id = $1 AND last_seen_at < now() - interval '1 minute';

-- name: revoke
UPDATE devices SET revoked_at = now()
WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL
RETURNING id;

-- name: revoke_all
UPDATE devices SET revoked_at = now()
WHERE user_id = $1 AND revoked_at IS NULL AND id IS DISTINCT FROM $2::uuid;
