-- name: insert
INSERT INTO users (id, login, name, role, password_hash, password_changed_at)
VALUES ($1, $2, $3, $4, $5, now())
ON CONFLICT (login) DO NOTHING
RETURNING id;

-- name: by_login
SELECT
    id,
    login,
    name,
    role,
    password_hash,
    disabled_at
FROM users
WHERE login = $1;

-- name: by_id
SELECT
    id,
    login,
    name,
    role,
    password_hash,
    disabled_at,
    created_at
FROM users
WHERE id = $1;

-- name: lock_signing_in
SELECT id FROM users
WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL
FOR SHARE;

-- name: listed
SELECT
    users.id,
    users.login,
    users.name,
    users.role,
    users.created_at,
    users.disabled_at,
    (
        SELECT max(devices.last_seen_at) FROM devices
        WHERE devices.user_id = users.id
    ) AS last_seen_at
FROM users
WHERE users.login IS NOT NULL AND ($1::uuid IS NULL OR users.id > $1)
ORDER BY users.id
LIMIT $2;

-- name: one_listed
SELECT
    users.id,
    users.login,
    users.name,
    users.role,
    users.created_at,
    users.disabled_at,
    (
        SELECT max(devices.last_seen_at) FROM devices
        WHERE devices.user_id = users.id
    ) AS last_seen_at
FROM users
WHERE users.login IS NOT NULL AND users.id = $1;

-- name: lock_admins
SELECT id FROM users
WHERE role = 'admin' AND login IS NOT NULL AND disabled_at IS NULL
ORDER BY id
FOR UPDATE;

-- name: has_admin
SELECT count(*) > 0 FROM users
WHERE role = 'admin' AND login IS NOT NULL AND password_hash IS NOT NULL;

-- name: lock_setup
SELECT pg_advisory_xact_lock(hashtextextended('alfavoice first administrator', 0));

-- name: set_role
UPDATE users SET role = $2
WHERE id = $1;

-- name: set_name
UPDATE users SET name = $2
WHERE id = $1;

-- name: set_disabled
UPDATE users SET disabled_at = CASE WHEN $2 THEN coalesce(disabled_at, now()) END
WHERE id = $1;

-- name: set_password
UPDATE users SET password_hash = $2, password_changed_at = now()
WHERE id = $1;

-- name: set_password_hash
UPDATE users SET password_hash = $3
WHERE id = $1 AND password_hash = $2;

-- name: mark_deleted
UPDATE users
SET
    login = NULL,
    name = '',
    role = 'user',
    password_hash = NULL,
    disabled_at = coalesce(disabled_at, now()),
    deleted_at = coalesce(deleted_at, now())
WHERE id = $1;

-- name: destroy_keys
DELETE FROM user_keys
WHERE user_id = $1;

-- name: end_keys
DELETE FROM api_keys
WHERE user_id = $1;

-- name: to_erase
SELECT id FROM users
WHERE deleted_at IS NOT NULL
ORDER BY deleted_at
LIMIT 100;

-- name: erase
DELETE FROM users
WHERE id = $1 AND deleted_at IS NOT NULL;

-- name: of_session
SELECT
    users.role,
    family.device_id,
    devices.last_seen_at < now() - interval '1 minute' AS seen_long_ago
FROM refresh_families AS family
INNER JOIN users ON family.user_id = users.id
INNER JOIN devices ON family.device_id = devices.id
WHERE
    family.id = $1
    AND family.user_id = $2
    AND users.disabled_at IS NULL
    AND family.ends_at > now();

-- name: lost
SELECT asked.place
FROM
    unnest($1::uuid[], $2::uuid[], $3::uuid[])
    WITH ORDINALITY AS asked (user_id, device_id, key_id, place)
WHERE
    NOT EXISTS (
        SELECT FROM users
        WHERE users.id = asked.user_id AND users.disabled_at IS NULL
    )
    OR asked.device_id IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM refresh_families AS family
        WHERE
            family.device_id = asked.device_id
            AND family.user_id = asked.user_id
            AND family.ends_at > now()
    )
    OR asked.key_id IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM api_keys
        WHERE
            api_keys.id = asked.key_id
            AND api_keys.user_id = asked.user_id
            AND api_keys.revoked_at IS NULL
            AND (api_keys.expires_at IS NULL OR api_keys.expires_at > now())
    );

-- name: invite
INSERT INTO invitations (id, hash, role, login, is_setup, invited_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval)
RETURNING expires_at;

-- name: open_invitations
SELECT count(*) FROM invitations
WHERE used_at IS NULL AND expires_at > now();

-- name: invitations
SELECT
    id,
    role,
    login,
    created_at,
    expires_at
FROM invitations
WHERE
    used_at IS NULL
    AND NOT is_setup
    AND expires_at > now()
    AND ($1::uuid IS NULL OR id < $1)
ORDER BY id DESC
LIMIT $2;

-- name: withdraw_invitation
DELETE FROM invitations
WHERE id = $1 AND used_at IS NULL AND NOT is_setup
RETURNING id;

-- name: invitation
SELECT
    id,
    role,
    login,
    is_setup,
    invited_by
FROM invitations
WHERE
    hash = $1
    AND used_at IS NULL
    AND expires_at > now()
    AND (
        invited_by IS NULL
        OR EXISTS (
            SELECT FROM users
            WHERE
                users.id = invitations.invited_by
                AND users.role = 'admin'
                AND users.disabled_at IS NULL
        )
    );

-- name: lock_invitation
SELECT id FROM invitations
WHERE hash = $1 AND used_at IS NULL AND expires_at > now()
FOR UPDATE;

-- name: use_invitation
UPDATE invitations SET used_at = now()
WHERE id = $1;

-- name: end_setup
DELETE FROM invitations
WHERE is_setup AND used_at IS NULL;

-- name: clean_invitations
DELETE FROM invitations
WHERE expires_at < now() - interval '30 days';
