-- name: standing
SELECT
    users.name,
    counter.epoch,
    coalesce(counter.last, 0) AS last,
    array(
        SELECT DISTINCT item.kind FROM library_items AS item
        WHERE item.user_id = users.id AND item.change > $2
    ) AS kinds
FROM users
LEFT JOIN user_changes AS counter ON users.id = counter.user_id
WHERE users.id = $1 AND users.deleted_at IS NULL;

-- name: newest
SELECT
    id,
    sealed
FROM library_items
WHERE kind = $1 AND deleted_at IS NULL
ORDER BY id DESC
LIMIT $2;
