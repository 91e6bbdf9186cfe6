-- name: any
SELECT exists(SELECT 1 FROM plain_finals);

-- name: owners
SELECT DISTINCT t.user_id
FROM plain_finals AS p
INNER JOIN transcripts AS t ON p.transcript_id = t.id;

-- name: turn
SELECT pg_advisory_xact_lock($1);

-- name: take
WITH taken AS (
    SELECT
        p.transcript_id,
        p.utterance
    FROM plain_finals AS p
    ORDER BY p.transcript_id, p.utterance
    LIMIT $1
    FOR UPDATE SKIP LOCKED
)

DELETE FROM plain_finals AS p
USING taken, transcripts AS t
WHERE
    p.transcript_id = taken.transcript_id
    AND p.utterance = taken.utterance
    AND t.id = p.transcript_id
RETURNING
    p.transcript_id,
    t.user_id,
    p.utterance,
    p.start_sample,
    p.end_sample,
    p.text,
    p.raw,
    p.language,
    p.words;

-- name: alone
LOCK TABLE plain_finals IN ACCESS EXCLUSIVE MODE;

-- name: empty
TRUNCATE plain_finals;
