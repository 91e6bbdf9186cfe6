-- name: announce
INSERT INTO recordings (
    id, user_id, device_id, sha256, size_bytes, encoding, sample_rate, language, app, recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (user_id, id) DO NOTHING
RETURNING *;

-- name: announce_again
UPDATE recordings
SET
    sha256 = $2,
    size_bytes = $3,
    encoding = $4,
    sample_rate = $5,
    language = $6,
    app = $7,
    recorded_at = $8,
    received_bytes = 0,
    state = 'uploading',
    reason = NULL,
    attempts = 0,
    updated_at = now()
WHERE id = $1 AND state = 'failed' AND reason = 'hash_mismatch'
RETURNING *;

-- name: unfinished
SELECT
    count(*) AS recordings,
    coalesce(sum(size_bytes), 0)::bigint AS bytes
FROM recordings
WHERE state IN ('uploading', 'checking', 'waiting', 'working', 'failed') AND id <> $1;

-- name: get
SELECT * FROM recordings -- noqa: AM04
WHERE id = $1 AND state <> 'deleted';

-- name: is_being_deleted
SELECT TRUE FROM recordings
WHERE id = $1 AND state = 'deleted';

-- name: page
SELECT * FROM recordings -- noqa: AM04
WHERE
    state <> 'deleted'
    AND (recorded_at, id) < ($1, $2)
    AND ($3::text IS NULL OR state = $3)
ORDER BY recorded_at DESC, id DESC
LIMIT $4;

-- name: news
SELECT * FROM recordings -- noqa: AM04
WHERE
    state <> 'deleted'
    AND (updated_at >= $1 OR state IN ('uploading', 'checking', 'waiting', 'working'))
ORDER BY updated_at DESC
LIMIT $2;

-- name: lock
SELECT * FROM recordings -- noqa: AM04
WHERE id = $1 AND state <> 'deleted'
FOR UPDATE;

-- name: receive
UPDATE recordings
SET
    received_bytes = $2,
    updated_at = now()
WHERE id = $1
RETURNING *;

-- name: received_all
UPDATE recordings
SET
    received_bytes = size_bytes,
    state = 'checking',
    next_attempt_at = now(),
    updated_at = now()
WHERE id = $1
RETURNING *;

-- name: retry
UPDATE recordings
SET
    state = 'waiting',
    reason = NULL,
    attempts = 0,
    next_attempt_at = now(),
    updated_at = now()
WHERE id = $1 AND state = 'failed' AND received_bytes = size_bytes AND audio_deleted_at IS NULL
RETURNING *;

-- name: hide
UPDATE recordings
SET
    state = 'deleted',
    leased_by = NULL,
    leased_until = NULL,
    updated_at = now()
WHERE id = $1
RETURNING transcript_id;

-- name: hide_unfinished_transcript
UPDATE transcripts
SET deleted_at = coalesce(deleted_at, now())
WHERE id = $1 AND finished_at IS NULL;

-- name: remove
DELETE FROM recordings
WHERE user_id = $1 AND id = $2 AND state = 'deleted';

-- name: last_piece
SELECT
    first_byte,
    size_bytes,
    CASE WHEN size_bytes < $2 THEN sealed END AS sealed
FROM recording_audio
WHERE recording_id = $1
ORDER BY first_byte DESC
LIMIT 1;

-- name: drop_piece
DELETE FROM recording_audio
WHERE recording_id = $1 AND first_byte = $2;

-- name: add_piece
INSERT INTO recording_audio (user_id, recording_id, first_byte, size_bytes, sealed)
VALUES ($1, $2, $3, $4, $5);

-- name: piece_at
SELECT
    first_byte,
    sealed
FROM recording_audio
WHERE user_id = $1 AND recording_id = $2 AND first_byte <= $3
ORDER BY first_byte DESC
LIMIT 1;

-- name: drop_pieces
DELETE FROM recording_audio
WHERE
    user_id = $1 AND recording_id = $2 AND first_byte IN (
        SELECT dropped.first_byte FROM recording_audio AS dropped
        WHERE dropped.user_id = $1 AND dropped.recording_id = $2
        ORDER BY dropped.first_byte
        LIMIT $3
    );

-- name: audio_is_gone
UPDATE recordings
SET
    audio_deleted_at = now(),
    updated_at = now()
WHERE user_id = $1 AND id = $2 AND audio_deleted_at IS NULL;
