-- name: shown
SELECT
    id,
    title_ru,
    title_en,
    body_ru,
    body_en,
    is_important,
    published_at,
    expires_at
FROM news
WHERE
    published_at <= now()
    AND (expires_at IS NULL OR expires_at > now())
    AND ($1::timestamptz IS NULL OR (published_at, id) < ($1, $2::uuid))
    AND ($3::timestamptz IS NULL OR (published_at, id) > ($3, $4::uuid))
ORDER BY published_at DESC, id DESC
LIMIT $5;

-- name: all
SELECT
    id,
    title_ru,
    title_en,
    body_ru,
    body_en,
    is_important,
    published_at,
    expires_at
FROM news
WHERE ($1::timestamptz IS NULL OR (published_at, id) < ($1, $2::uuid))
ORDER BY published_at DESC, id DESC
LIMIT $3;

-- name: get
SELECT
    id,
    title_ru,
    title_en,
    body_ru,
    body_en,
    is_important,
    published_at,
    expires_at
FROM news
WHERE id = $1;

-- name: insert
INSERT INTO news (
    id, title_ru, title_en, body_ru, body_en, is_important, published_at, expires_at, created_by
)
VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, now()), $8, $9)
RETURNING
    id,
    title_ru,
    title_en,
    body_ru,
    body_en,
    is_important,
    published_at,
    expires_at;

-- name: update
UPDATE news
SET
    title_ru = $2,
    title_en = $3,
    body_ru = $4,
    body_en = $5,
    is_important = $6,
    published_at = coalesce($7, published_at),
    expires_at = $8
WHERE id = $1
RETURNING
    id,
    title_ru,
    title_en,
    body_ru,
    body_en,
    is_important,
    published_at,
    expires_at;

-- name: delete
DELETE FROM news
WHERE id = $1
RETURNING id;
