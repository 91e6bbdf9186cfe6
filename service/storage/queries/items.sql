-- name: lock_changes
INSERT INTO user_changes (user_id, last)
VALUES ($1, 0)
ON CONFLICT (user_id) DO UPDATE SET last = user_changes.last
RETURNING last;

-- name: done
SELECT
    id,
    outcome
FROM sync_operations
WHERE id = any($1::uuid[]);

-- name: record_done
INSERT INTO sync_operations (user_id, id, outcome)
VALUES ($1, $2, $3);

-- name: of_ids
SELECT
    id,
    kind,
    sealed,
    change,
    created_at,
    updated_at,
    deleted_at,
    deleted_by
FROM library_items
WHERE id = any($1::uuid[]);

-- name: page
SELECT
    id,
    kind,
    sealed,
    change,
    created_at,
    updated_at,
    deleted_at,
    deleted_by
FROM library_items
WHERE kind = $1 AND deleted_at IS NULL AND ($2::uuid IS NULL OR id < $2)
ORDER BY id DESC
LIMIT $3;

-- name: count
SELECT count(*) FROM library_items
WHERE kind = $1 AND deleted_at IS NULL;

-- name: insert
INSERT INTO library_items (user_id, id, kind, sealed, created_at)
VALUES ($1, $2, $3, $4, coalesce($5, now()));

-- name: update
UPDATE library_items
SET
    sealed = $2,
    deleted_at = $3,
    deleted_by = $4,
    updated_at = now()
WHERE id = $1;
