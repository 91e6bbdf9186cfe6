-- name: page
SELECT
    id,
    started_at
FROM transcripts
WHERE
    purged_at IS NULL
    AND (deleted_at IS NOT NULL) = $1
    AND (started_at, id) < ($2, $3)
    AND started_at >= $4
    AND started_at < $5
    AND ($6::text IS NULL OR app = $6)
    AND ($7::uuid IS NULL OR device_id = $7)
    AND ($8::text IS NULL OR kind = $8)
    AND ($9::boolean IS NULL OR is_favourite = $9)
ORDER BY started_at DESC, id DESC
LIMIT $10;

-- name: newest_read_with_words
SELECT
    newest.id,
    newest.started_at
FROM (
    SELECT
        id,
        started_at,
        found_by
    FROM transcripts
    WHERE
        purged_at IS NULL
        AND (deleted_at IS NOT NULL) = $1
        AND (started_at, id) < ($2, $3)
        AND started_at >= $4
        AND started_at < $5
        AND ($6::text IS NULL OR app = $6)
        AND ($7::uuid IS NULL OR device_id = $7)
        AND ($8::text IS NULL OR kind = $8)
        AND ($9::boolean IS NULL OR is_favourite = $9)
    ORDER BY started_at DESC, id DESC
    LIMIT $12
) AS newest
WHERE newest.found_by @> $11::bigint[]
ORDER BY newest.started_at DESC, newest.id DESC
LIMIT $10;

-- name: newest_with_words
SELECT
    newest.id,
    newest.started_at
FROM (
    SELECT
        id,
        started_at
    FROM transcripts
    WHERE
        purged_at IS NULL
        AND (deleted_at IS NOT NULL) = $1
        AND (started_at, id) < ($2, $3)
        AND started_at >= $4
        AND started_at < $5
        AND ($6::text IS NULL OR app = $6)
        AND ($7::uuid IS NULL OR device_id = $7)
        AND ($8::text IS NULL OR kind = $8)
        AND ($9::boolean IS NULL OR is_favourite = $9)
    ORDER BY started_at DESC, id DESC
    LIMIT $12
) AS newest
-- Not a join: for one the planner reads all of a person's rows, not knowing how many there are.
WHERE
    (
        SELECT t.found_by FROM transcripts AS t
        WHERE t.id = newest.id
    ) @> $11::bigint[]
ORDER BY newest.started_at DESC, newest.id DESC
LIMIT $10;

-- name: how_many
SELECT count(*)
FROM (
    SELECT id
    FROM transcripts
    WHERE
        purged_at IS NULL
        AND (deleted_at IS NOT NULL) = $1
        AND (started_at, id) < ($2, $3)
        AND started_at >= $4
        AND started_at < $5
        AND ($6::text IS NULL OR app = $6)
        AND ($7::uuid IS NULL OR device_id = $7)
        AND ($8::text IS NULL OR kind = $8)
        AND ($9::boolean IS NULL OR is_favourite = $9)
    ORDER BY started_at DESC, id DESC
    LIMIT $10
) AS passing;

-- name: all_with_words
SELECT
    id,
    started_at
FROM transcripts_with_words($11, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: entries
SELECT
    t.id,
    t.kind,
    t.language,
    t.app,
    t.client,
    t.device_id,
    d.name AS device,
    t.started_at,
    t.finished_at,
    t.is_favourite,
    t.edited,
    t.edited_at,
    t.edited_until,
    t.deleted_at,
    CASE
        WHEN t.finished_at IS NOT NULL THEN t.audio_samples
        ELSE coalesce((
            SELECT max(f.end_sample) FROM finals AS f
            WHERE f.transcript_id = t.id
        ), 0)
    END AS samples,
    CASE
        WHEN t.finished_at IS NOT NULL OR t.edited IS NOT NULL THEN t.word_count
        ELSE coalesce((
            SELECT sum(f.word_count) FROM finals AS f
            WHERE f.transcript_id = t.id
        ), 0)
    END AS words
FROM transcripts AS t
LEFT JOIN devices AS d ON t.device_id = d.id
WHERE t.id = any($1::uuid[]) AND t.purged_at IS NULL;

-- name: openings
SELECT
    transcript_id,
    utterance,
    sealed
FROM finals
WHERE transcript_id = any($1::uuid[]) AND utterance < $2
ORDER BY transcript_id, utterance;

-- name: first_with_words
SELECT DISTINCT ON (transcript_id)
    transcript_id,
    utterance,
    sealed
FROM finals
WHERE transcript_id = any($1::uuid[]) AND found_by && $2::bigint[]
ORDER BY transcript_id, utterance;

-- name: lock
SELECT
    (
        SELECT max(f.utterance) + 1 FROM finals AS f
        WHERE f.transcript_id = t.id
    ) AS utterances
FROM transcripts AS t
WHERE t.id = $1 AND t.purged_at IS NULL
FOR UPDATE OF t;

-- name: edit
UPDATE transcripts
SET
    edited = $2,
    edited_at = now(),
    edited_until = $3,
    word_count = $4,
    found_by = $5
WHERE id = $1;

-- name: revert
UPDATE transcripts
SET
    edited = NULL,
    edited_at = NULL,
    edited_until = NULL,
    word_count = coalesce(
        (
            SELECT sum(word_count) FROM finals
            WHERE transcript_id = $1
        ), 0
    ),
    found_by = array(
        SELECT DISTINCT unnest(found_by) FROM finals
        WHERE transcript_id = $1
    )
WHERE id = $1 AND edited IS NOT NULL;

-- name: favour
UPDATE transcripts
SET is_favourite = $2
WHERE id = $1 AND is_favourite <> $2;

-- name: delete
UPDATE transcripts
SET deleted_at = now()
WHERE id = any($1::uuid[]) AND deleted_at IS NULL AND purged_at IS NULL
RETURNING id;

-- name: restore
UPDATE transcripts
SET deleted_at = NULL
WHERE id = any($1::uuid[]) AND deleted_at IS NOT NULL AND purged_at IS NULL
RETURNING id;

-- name: count_of
SELECT count(*)
FROM transcripts
WHERE id = any($1::uuid[]) AND purged_at IS NULL;

-- name: days
SELECT
    (t.started_at AT TIME ZONE $1)::date AS day,
    count(*) AS transcripts,
    sum(t.word_count)::bigint AS words,
    sum(coalesce(
        t.audio_samples, (
            SELECT max(f.end_sample) FROM finals AS f
            WHERE f.transcript_id = t.id
        ), 0
    ))::bigint AS samples
FROM transcripts AS t
WHERE t.deleted_at IS NULL AND t.purged_at IS NULL
GROUP BY day
ORDER BY day;

-- name: purge
WITH due AS (
    SELECT id
    FROM transcripts
    WHERE
        (SELECT pg_try_advisory_xact_lock($3))
        AND deleted_at < now() - $1::interval
        AND purged_at IS NULL
    ORDER BY deleted_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
),

emptied AS (
    DELETE FROM finals
    USING due
    WHERE finals.transcript_id = due.id
)

UPDATE transcripts
SET
    purged_at = now(),
    session = 'purged-' || transcripts.id,
    language = '',
    client = '',
    app = NULL,
    device_id = NULL,
    started_at = '1970-01-01 00:00:00+00',
    finished_at = NULL,
    audio_samples = NULL,
    is_favourite = FALSE,
    edited = NULL,
    edited_at = NULL,
    edited_until = NULL,
    word_count = 0,
    found_by = '{}'
FROM due
WHERE transcripts.id = due.id
RETURNING transcripts.id;

-- name: who_prefers
SELECT user_id
FROM library_items
WHERE kind = 'preferences' AND deleted_at IS NULL AND user_id > $1
ORDER BY user_id
LIMIT $2;

-- name: expire
UPDATE transcripts
SET deleted_at = now()
WHERE
    id IN (
        SELECT old.id
        FROM transcripts AS old
        WHERE
            old.started_at < now() - $1::interval
            AND old.deleted_at IS NULL
            AND old.purged_at IS NULL
            AND NOT old.is_favourite
        ORDER BY old.started_at DESC, old.id DESC
        LIMIT $2
    )
RETURNING id;

-- name: keep_audio_no_longer
UPDATE recordings
SET keep_audio_until = updated_at + $1::interval
WHERE state = 'done' AND audio_deleted_at IS NULL AND keep_audio_until > updated_at + $1::interval;

-- name: index_unfinished
WITH said AS (
    SELECT
        t.id,
        coalesce(sum(f.word_count), 0) AS words
    FROM transcripts AS t
    INNER JOIN finals AS f ON t.id = f.transcript_id
    WHERE t.finished_at IS NULL AND t.started_at >= $1
    GROUP BY t.id
),

stale AS (
    SELECT
        t.id,
        said.words,
        array(
            SELECT DISTINCT unnest(f.found_by) FROM finals AS f
            WHERE f.transcript_id = t.id
        ) AS found_by
    FROM transcripts AS t
    INNER JOIN said ON t.id = said.id
    WHERE
        (SELECT pg_try_advisory_xact_lock($3))
        AND t.purged_at IS NULL
        AND t.edited IS NULL
        AND t.word_count <> said.words
    ORDER BY t.started_at
    LIMIT $2
    FOR UPDATE OF t SKIP LOCKED
)

UPDATE transcripts
SET
    word_count = stale.words,
    found_by = stale.found_by
FROM stale
WHERE transcripts.id = stale.id
RETURNING transcripts.id;
