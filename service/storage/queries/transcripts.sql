-- name: open
INSERT INTO transcripts (id, user_id, session, language, sample_rate, client, app)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (session) DO NOTHING
RETURNING id;

-- name: of_session
SELECT
    id,
    user_id,
    finished_at IS NOT NULL AS finished,
    coalesce(audio_samples, 0) AS audio_samples
FROM transcripts
WHERE session = $1;

-- name: add_final
INSERT INTO finals (
    transcript_id, utterance, start_sample, end_sample, text, raw, language, words
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (transcript_id, utterance) DO NOTHING;

-- name: finish
UPDATE transcripts
SET
    finished_at = coalesce(finished_at, now()),
    audio_samples = coalesce(audio_samples, $2)
WHERE id = $1
RETURNING id;

-- name: forget
DELETE FROM transcripts
WHERE id = $1;

-- name: finals
SELECT
    transcript_id,
    utterance,
    start_sample,
    end_sample,
    text,
    raw,
    language,
    words
FROM finals
WHERE transcript_id = any($1::uuid[])
ORDER BY transcript_id, utterance;

-- name: recent
SELECT
    id,
    session,
    language,
    sample_rate,
    client,
    app,
    started_at,
    finished_at,
    audio_samples
FROM transcripts
WHERE user_id = $1
ORDER BY started_at DESC, id DESC
LIMIT $2;

-- name: get
SELECT
    id,
    session,
    language,
    sample_rate,
    client,
    app,
    started_at,
    finished_at,
    audio_samples
FROM transcripts
WHERE user_id = $1 AND id = $2;
