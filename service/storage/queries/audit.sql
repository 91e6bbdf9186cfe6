-- name: record
INSERT INTO audit_events (id, kind, actor_id, subject_id, address, outcome, details)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: page
SELECT
    id,
    at,
    kind,
    actor_id,
    subject_id,
    address,
    outcome,
    details
FROM audit_events
WHERE
    ($1::uuid IS NULL OR id < $1)
    AND ($2::text IS NULL OR kind = $2)
    AND ($3::uuid IS NULL OR subject_id = $3)
ORDER BY id DESC
LIMIT $4;

-- name: clean
DELETE FROM audit_events
WHERE at < now() - $1::interval;
