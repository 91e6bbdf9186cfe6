-- name: known_masters
SELECT
    name,
    proof
FROM master_keys
ORDER BY created_at;

-- name: know_master
INSERT INTO master_keys (name, proof)
VALUES ($1, $2)
ON CONFLICT (name) DO NOTHING;

-- name: of_user
SELECT
    number,
    wrapped,
    master
FROM user_keys
WHERE user_id = $1;

-- name: insert
INSERT INTO user_keys (user_id, number, wrapped, master)
SELECT
    $1 AS user_id,
    made.number,
    made.wrapped,
    $4 AS master
FROM unnest($2::integer[], $3::bytea[]) AS made (number, wrapped)
ON CONFLICT (user_id, number) DO NOTHING;
