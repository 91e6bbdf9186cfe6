-- name: counter
INSERT INTO user_changes (user_id, last)
VALUES ($1, 0)
ON CONFLICT (user_id) DO UPDATE SET last = user_changes.last
RETURNING epoch, last, forgotten;

-- name: newest
SELECT
    epoch,
    last,
    forgotten
FROM user_changes
WHERE user_id = $1;

-- name: changes
WITH changed AS (
    (
        SELECT
            change,
            'transcripts' AS thing,
            id,
            purged_at IS NULL AND deleted_at IS NULL AS lives
        FROM transcripts
        WHERE
            user_id = $1
            AND change > $2
            AND (
                finished_at IS NOT NULL
                OR word_count > 0
                OR edited IS NOT NULL
                OR purged_at IS NOT NULL
            )
        ORDER BY change
        LIMIT $3
    )
    UNION ALL
    (
        SELECT
            change,
            'library_items' AS thing,
            id,
            deleted_at IS NULL AS lives
        FROM library_items
        WHERE user_id = $1 AND change > $2
        ORDER BY change
        LIMIT $3
    )
    UNION ALL
    (
        SELECT
            change,
            'recordings' AS thing,
            id,
            state <> 'deleted' AS lives
        FROM recordings
        WHERE user_id = $1 AND change > $2
        ORDER BY change
        LIMIT $3
    )
    UNION ALL
    (
        SELECT
            change,
            thing,
            id,
            FALSE AS lives
        FROM removals
        WHERE user_id = $1 AND change > $2
        ORDER BY change
        LIMIT $3
    )
),

first_changed AS (
    SELECT
        change,
        thing,
        id,
        lives
    FROM changed
    ORDER BY change
    LIMIT $3
),

sized AS (
    SELECT
        c.change,
        c.thing,
        c.id,
        c.lives,
        sum(
            CASE
                WHEN NOT c.lives THEN 0
                WHEN c.thing = 'library_items'
                    THEN (
                        SELECT octet_length(i.sealed) FROM library_items AS i
                        WHERE i.user_id = $1 AND i.id = c.id
                    )
                WHEN c.thing = 'transcripts'
                    THEN (
                        SELECT coalesce(octet_length(t.edited), 0) FROM transcripts AS t
                        WHERE t.id = c.id
                    ) + coalesce((
                        SELECT sum(octet_length(f.sealed)) FROM finals AS f
                        WHERE f.transcript_id = c.id
                    ), 0)
                ELSE 0
            END
        ) OVER (ORDER BY c.change) AS bytes,
        row_number() OVER (ORDER BY c.change) AS place
    FROM first_changed AS c
)

SELECT
    change,
    thing,
    id,
    lives
FROM sized
WHERE bytes <= $4 OR place = 1
ORDER BY change;

-- name: items
SELECT
    id,
    kind,
    sealed,
    change,
    created_at,
    updated_at,
    deleted_at,
    deleted_by
FROM library_items
WHERE user_id = $1 AND id = any($2::uuid[]);

-- name: transcripts
SELECT
    id,
    change,
    kind,
    language,
    client,
    app,
    device_id,
    started_at,
    finished_at,
    audio_samples,
    is_favourite,
    edited,
    edited_at,
    edited_until,
    word_count
FROM transcripts
WHERE id = any($1::uuid[]);

-- name: recordings
SELECT
    id,
    state,
    reason,
    language,
    app,
    recorded_at,
    audio_samples,
    transcript_id,
    audio_deleted_at IS NULL AND state <> 'uploading' AS has_audio
FROM recordings
WHERE id = any($1::uuid[]);

-- name: edited_at
SELECT edited_at FROM transcripts
WHERE id = $1;

-- name: forget_items
WITH gone AS (
    DELETE FROM library_items
    WHERE
        ctid IN (
            SELECT ctid FROM library_items
            WHERE deleted_at IS NOT NULL AND updated_at < now() - $1::interval
            ORDER BY updated_at
            LIMIT $2
        )
    RETURNING user_id, change
),

newest AS (
    SELECT
        user_id,
        max(change) AS change
    FROM gone
    GROUP BY user_id
)

UPDATE user_changes
SET forgotten = greatest(user_changes.forgotten, newest.change)
FROM newest
WHERE user_changes.user_id = newest.user_id;

-- name: forget_removals
WITH gone AS (
    DELETE FROM removals
    WHERE
        ctid IN (
            SELECT ctid FROM removals
            WHERE removed_at < now() - $1::interval
            ORDER BY removed_at
            LIMIT $2
        )
    RETURNING user_id, change
),

newest AS (
    SELECT
        user_id,
        max(change) AS change
    FROM gone
    GROUP BY user_id
)

UPDATE user_changes
SET forgotten = greatest(user_changes.forgotten, newest.change)
FROM newest
WHERE user_changes.user_id = newest.user_id;

-- name: forget_transcripts
WITH gone AS (
    DELETE FROM transcripts
    WHERE
        ctid IN (
            SELECT ctid FROM transcripts
            WHERE purged_at < now() - $1::interval
            ORDER BY purged_at
            LIMIT $2
        )
    RETURNING user_id, change
),

newest AS (
    SELECT
        user_id,
        max(change) AS change
    FROM gone
    GROUP BY user_id
)

UPDATE user_changes
SET forgotten = greatest(user_changes.forgotten, newest.change)
FROM newest
WHERE user_changes.user_id = newest.user_id;

-- name: forget_operations
DELETE FROM sync_operations
WHERE ctid IN (
    SELECT ctid FROM sync_operations
    WHERE done_at < now() - $1::interval
    ORDER BY done_at
    LIMIT $2
);
