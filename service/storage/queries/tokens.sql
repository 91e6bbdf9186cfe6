-- name: begin_family
INSERT INTO refresh_families (id, user_id, device_id, current_hash, expires_at, ends_at)
VALUES ($1, $2, $3, $4, now() + $5::interval, now() + $6::interval);

-- name: lock_family
SELECT
    family.user_id,
    family.device_id,
    family.current_hash,
    family.previous_hash,
    family.successor,
    family.expires_at,
    family.ends_at,
    users.role,
    users.login,
    users.name,
    now() AS now,
    family.rotated_at > now() - $2::interval AS in_grace,
    least(family.expires_at, family.ends_at) > now() AS is_alive
FROM refresh_families AS family
INNER JOIN users ON family.user_id = users.id
WHERE family.id = $1 AND users.disabled_at IS NULL
FOR UPDATE OF family;

-- name: rotate
UPDATE refresh_families
SET
    previous_hash = current_hash,
    current_hash = $2,
    successor = $3,
    rotated_at = now(),
    expires_at = least(now() + $4::interval, ends_at)
WHERE id = $1
RETURNING expires_at;

-- name: end_family
DELETE FROM refresh_families
WHERE id = $1;

-- name: end_families_of_device
DELETE FROM refresh_families
WHERE user_id = $1 AND device_id = $2;

-- name: end_families_of_user
DELETE FROM refresh_families
WHERE user_id = $1 AND device_id IS DISTINCT FROM $2::uuid
RETURNING device_id;

-- name: clean_families
DELETE FROM refresh_families
WHERE expires_at < now();

-- name: issue_ticket
INSERT INTO tickets (hash, user_id, device_id, scopes, expires_at)
VALUES ($1, $2, $3, $4, now() + $5::interval);

-- name: open_tickets
SELECT count(*) FROM tickets
WHERE user_id = $1 AND expires_at > now();

-- name: take_ticket
DELETE FROM tickets
WHERE hash = $1
RETURNING user_id, device_id, scopes, expires_at > now() AS is_alive;

-- name: of_ticket
SELECT users.role
FROM users
WHERE
    users.id = $1
    AND users.disabled_at IS NULL
    AND (
        $2::uuid IS NULL
        OR EXISTS (
            SELECT FROM refresh_families AS family
            WHERE family.device_id = $2 AND family.user_id = $1 AND family.ends_at > now()
        )
    );

-- name: end_tickets_of_user
DELETE FROM tickets
WHERE user_id = $1 AND device_id IS DISTINCT FROM $2::uuid;

-- name: clean_tickets
DELETE FROM tickets
WHERE expires_at < now();

-- name: begin_attempt
INSERT INTO login_attempts AS counted (subject, failures, last_at)
VALUES ($1, 1, now())
ON CONFLICT (subject) DO UPDATE
    SET
        failures = CASE
            WHEN counted.last_at < now() - $4::interval THEN 1 ELSE counted.failures + 1
        END,
        last_at = now(),
        blocked_until = CASE
            WHEN counted.last_at >= now() - $4::interval AND counted.failures >= $2
                THEN
                    now()
                    + least(2 ^ least(counted.failures - $2, 30), $3::integer) * interval '1 second'
        END
    WHERE counted.blocked_until IS NULL OR counted.blocked_until <= now()
RETURNING failures;

-- name: blocked_for
SELECT ceil(extract(EPOCH FROM blocked_until - now()))::integer
FROM login_attempts
WHERE subject = $1;

-- name: forget_attempts
DELETE FROM login_attempts
WHERE subject = $1;

-- name: forgive_attempt
UPDATE login_attempts
SET failures = greatest(failures - 1, 0), blocked_until = NULL
WHERE subject = $1;

-- name: clean_attempts
DELETE FROM login_attempts
WHERE last_at < now() - interval '2 days';
