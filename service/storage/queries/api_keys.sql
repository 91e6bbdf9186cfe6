-- name: insert
INSERT INTO api_keys (id, user_id, name, start, hash, scopes, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval)
RETURNING id, name, start, scopes, created_at, expires_at, last_used_at;

-- name: count
SELECT count(*) FROM api_keys
WHERE revoked_at IS NULL;

-- name: listed
SELECT
    id,
    name,
    start,
    scopes,
    created_at,
    expires_at,
    last_used_at
FROM api_keys
WHERE revoked_at IS NULL
ORDER BY id DESC
LIMIT $1;

-- name: revoke
UPDATE api_keys SET revoked_at = now()
WHERE id = $1 AND revoked_at IS NULL
RETURNING id;

-- name: by_hash
SELECT
    api_keys.id,
    api_keys.user_id,
    api_keys.scopes,
    users.role,
    api_keys.expires_at <= now() AS has_expired,
    api_keys.revoked_at IS NOT NULL OR users.disabled_at IS NOT NULL AS is_revoked,
    coalesce(
        api_keys.last_used_at < now() - interval '1 minute', TRUE
    ) AS used_long_ago
FROM api_keys
INNER JOIN users ON api_keys.user_id = users.id
WHERE api_keys.hash = $1;

-- name: used
UPDATE api_keys SET last_used_at = now()
WHERE id = $1 AND coalesce(last_used_at < now() - interval '1 minute', TRUE);

-- name: clean
DELETE FROM api_keys
WHERE revoked_at < now() - interval '30 days';
