-- name: transcripts
SELECT
    id,
    kind,
    language,
    sample_rate,
    client,
    app,
    started_at,
    finished_at,
    audio_samples,
    is_favourite,
    edited,
    edited_at,
    edited_until,
    deleted_at
FROM transcripts
WHERE user_id = $1 AND purged_at IS NULL AND (started_at, id) < ($2, $3)
ORDER BY started_at DESC, id DESC
LIMIT $4;

-- name: add_transcript
INSERT INTO transcripts (
    id, user_id, session, kind, language, sample_rate, client, app, started_at, finished_at,
    audio_samples, is_favourite, edited, edited_at, edited_until, deleted_at, word_count, found_by
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: has_transcript
SELECT exists(
    SELECT 1 FROM transcripts
    WHERE id = $1
);

-- name: recordings
SELECT
    id,
    sha256,
    size_bytes,
    encoding,
    sample_rate,
    language,
    app,
    recorded_at,
    state,
    reason,
    transcript_id,
    audio_samples,
    is_silent,
    keep_audio_until,
    audio_deleted_at IS NULL AS has_audio
FROM recordings
WHERE
    user_id = $1
    AND state NOT IN ('uploading', 'deleted')
    AND (recorded_at, id) < ($2, $3)
ORDER BY recorded_at DESC, id DESC
LIMIT $4;

-- name: pieces
SELECT first_byte
FROM recording_audio
WHERE user_id = $1 AND recording_id = $2
ORDER BY first_byte;

-- name: piece
SELECT sealed FROM recording_audio
WHERE user_id = $1 AND recording_id = $2 AND first_byte = $3;

-- name: add_recording
INSERT INTO recordings (
    id, user_id, sha256, size_bytes, encoding, sample_rate, language, app, recorded_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (user_id, id) DO NOTHING
RETURNING id;

-- name: recording
SELECT
    sha256,
    state,
    received_bytes
FROM recordings
WHERE user_id = $1 AND id = $2
FOR UPDATE;

-- name: add_piece
INSERT INTO recording_audio (user_id, recording_id, first_byte, size_bytes, sealed)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (user_id, recording_id, first_byte) DO NOTHING;

-- name: here
SELECT coalesce(sum(size_bytes), 0)::bigint FROM recording_audio
WHERE user_id = $1 AND recording_id = $2;

-- name: complete_recording
UPDATE recordings
SET
    received_bytes = size_bytes,
    state = $3,
    reason = $4,
    transcript_id = $5,
    audio_samples = $6,
    is_silent = $7,
    keep_audio_until = $8,
    audio_deleted_at = CASE WHEN $9::boolean THEN NULL ELSE now() END,
    progress = $10,
    updated_at = now()
WHERE user_id = $1 AND id = $2;
