-- name: claim
WITH busy AS (
    SELECT
        user_id,
        count(*) AS jobs
    FROM recordings
    WHERE
        state IN ('checking', 'waiting', 'working') -- the index knows these, and no value of $3
        AND state = any($3::text[])
        AND leased_until > now()
    GROUP BY user_id
),

next_job AS (
    SELECT
        due.user_id,
        due.id
    FROM recordings AS due
    LEFT JOIN busy ON due.user_id = busy.user_id
    WHERE
        due.state IN ('checking', 'waiting', 'working')
        AND due.state = any($3::text[])
        AND due.next_attempt_at <= now()
        AND (due.leased_until IS NULL OR due.leased_until <= now())
    ORDER BY coalesce(busy.jobs, 0), due.next_attempt_at
    LIMIT 1
    FOR UPDATE OF due SKIP LOCKED
)

UPDATE recordings AS claimed
SET
    state = CASE WHEN claimed.state = 'checking' THEN 'checking' ELSE 'working' END,
    leased_by = $1,
    leased_until = now() + $2::interval,
    attempts = claimed.attempts + 1,
    updated_at = now()
FROM next_job
WHERE claimed.user_id = next_job.user_id AND claimed.id = next_job.id
RETURNING claimed.*;

-- name: renew
UPDATE recordings
SET
    leased_until = now() + $3::interval,
    progress = greatest(progress, $4),
    updated_at = now()
WHERE id = $1 AND leased_by = $2
RETURNING TRUE;

-- name: open_transcript
INSERT INTO transcripts (
    id, user_id, session, language, sample_rate, client, app, device_id, kind, started_at
)
VALUES ($1, $2, $3, $4, $5, '', $6, $7, 'recording', $8)
ON CONFLICT DO NOTHING;

-- name: bring_back_transcript
UPDATE transcripts
SET deleted_at = NULL
WHERE id = $1 AND finished_at IS NULL AND deleted_at IS NOT NULL;

-- name: begin
UPDATE recordings
SET transcript_id = $3
WHERE id = $1 AND leased_by = $2 AND state = 'working'
RETURNING TRUE;

-- name: cut_anew
DELETE FROM finals
WHERE transcript_id = $1;

-- name: advance
UPDATE recordings
SET
    attempts = 1,
    learned_language = coalesce(learned_language, $3),
    learned_from = coalesce(learned_from, $4),
    updated_at = now()
WHERE id = $1 AND leased_by = $2 AND state = 'working'
RETURNING TRUE;

-- name: unlearn
UPDATE recordings
SET
    learned_language = NULL,
    learned_from = NULL
WHERE id = $1 AND leased_by = $2 AND state = 'working'
RETURNING TRUE;

-- name: done
UPDATE recordings
SET
    state = 'done',
    reason = NULL,
    progress = 1,
    leased_by = NULL,
    leased_until = NULL,
    audio_samples = $3,
    is_silent = $4,
    keep_audio_until = now() + $5::interval,
    updated_at = now()
WHERE id = $1 AND leased_by = $2 AND state = 'working'
RETURNING TRUE;

-- name: checked
UPDATE recordings
SET
    state = 'waiting',
    attempts = 0,
    next_attempt_at = now(),
    leased_by = NULL,
    leased_until = NULL,
    updated_at = now()
WHERE id = $1 AND leased_by = $2 AND state = 'checking'
RETURNING TRUE;

-- name: fail
UPDATE recordings
SET
    state = 'failed',
    reason = $3,
    received_bytes = CASE WHEN $4 THEN 0 ELSE received_bytes END,
    leased_by = NULL,
    leased_until = NULL,
    updated_at = now()
WHERE id = $1 AND leased_by = $2
RETURNING TRUE;

-- name: drop_empty_transcript
DELETE FROM transcripts AS t
WHERE
    t.id = $1
    AND t.finished_at IS NULL
    AND t.edited IS NULL
    AND t.purged_at IS NULL
    AND NOT EXISTS (
        SELECT FROM finals AS f
        WHERE f.transcript_id = t.id
    );

-- name: put_back
UPDATE recordings
SET
    state = CASE WHEN state = 'checking' THEN 'checking' ELSE 'waiting' END,
    next_attempt_at = now() + $3::interval,
    attempts = greatest(0, attempts - $4::integer),
    leased_by = NULL,
    leased_until = NULL,
    updated_at = now()
WHERE id = $1 AND leased_by = $2
RETURNING TRUE;

-- name: abandon
UPDATE recordings
SET
    state = 'deleted',
    updated_at = now()
WHERE state = 'uploading' AND updated_at < now() - $1::interval;

-- name: to_clear
SELECT
    user_id,
    id,
    state
FROM recordings
WHERE
    state = 'deleted'
    OR (keep_audio_until <= now() AND audio_deleted_at IS NULL)
ORDER BY updated_at
LIMIT 20;
