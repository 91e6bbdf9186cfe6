-- name: open
INSERT INTO transcripts (id, user_id, session, language, sample_rate, client, app, device_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (session) DO NOTHING
RETURNING id;

-- name: of_session
SELECT
    id,
    finished_at IS NOT NULL AS finished,
    coalesce(audio_samples, 0) AS audio_samples
FROM transcripts
WHERE session = $1;

-- name: add_final
INSERT INTO finals (
    transcript_id, user_id, utterance, start_sample, end_sample, language, sealed, word_count,
    found_by
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (transcript_id, utterance) DO NOTHING
RETURNING TRUE;

-- name: rewrite
-- Once, by whoever finishes it: a copy of the service that comes late changes nothing.
UPDATE finals
SET
    sealed = $5,
    word_count = $6,
    found_by = $7
FROM transcripts
WHERE
    finals.transcript_id = $1
    AND finals.utterance = $2
    AND finals.start_sample = $3
    AND finals.end_sample = $4
    AND transcripts.id = finals.transcript_id
    AND transcripts.finished_at IS NULL;

-- name: is_another_final
SELECT start_sample <> $3 OR end_sample <> $4
FROM finals
WHERE transcript_id = $1 AND utterance = $2;

-- name: index
UPDATE transcripts
SET
    word_count = said.words,
    found_by = said.found_by
FROM (
    SELECT
        coalesce((
            SELECT sum(word_count) FROM finals
            WHERE transcript_id = $1
        ), 0) AS words,
        array(
            SELECT DISTINCT unnest(found_by) FROM finals
            WHERE transcript_id = $1
        ) AS found_by
) AS said
WHERE id = $1 AND edited IS NULL AND purged_at IS NULL;

-- name: only_me
-- Whoever stores a final meanwhile is waited for; the next statement sees it.
SELECT id FROM transcripts
WHERE id = $1
FOR UPDATE;

-- name: forget_empty
DELETE FROM transcripts
WHERE
    id = $1
    AND finished_at IS NULL
    AND edited IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM finals
        WHERE transcript_id = $1
    );

-- name: finish
UPDATE transcripts
SET
    finished_at = coalesce(finished_at, now()),
    audio_samples = coalesce(audio_samples, $2),
    -- Nobody spoke: to people there is no such transcript; to its client it stays done.
    purged_at = CASE
        WHEN kind = 'live' AND edited IS NULL AND $3 THEN coalesce(purged_at, now())
        ELSE purged_at
    END,
    word_count = CASE
        WHEN edited IS NULL THEN said.words
        WHEN finished_at IS NULL THEN word_count + said.words
        ELSE word_count
    END,
    found_by = CASE
        WHEN edited IS NULL THEN said.stems
        WHEN finished_at IS NULL THEN found_by || said.stems
        ELSE found_by
    END
FROM (
    -- Of one that was edited meanwhile: what was said since.
    SELECT
        coalesce(sum(f.word_count), 0) AS words,
        array(
            SELECT DISTINCT unnest(later.found_by) FROM finals AS later
            WHERE later.transcript_id = $1 AND later.utterance >= coalesce(t.edited_until, 0)
        ) AS stems
    FROM transcripts AS t
    LEFT JOIN finals AS f
        ON t.id = f.transcript_id AND f.utterance >= coalesce(t.edited_until, 0)
    WHERE t.id = $1
    GROUP BY t.id
) AS said
WHERE transcripts.id = $1
RETURNING transcripts.id;

-- name: forget
DELETE FROM transcripts
WHERE id = $1;

-- name: finals
SELECT
    transcript_id,
    utterance,
    start_sample,
    end_sample,
    language,
    sealed
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
ORDER BY started_at DESC, id DESC
LIMIT $1;

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
WHERE id = $1;

-- name: count
SELECT count(*) FROM transcripts
WHERE deleted_at IS NULL AND purged_at IS NULL AND word_count > 0;
