-- name: page_finals
SELECT
    f.transcript_id,
    f.utterance,
    f.user_id,
    CASE
        WHEN $4 OR substr(f.sealed, 2, 4) <> int4send((
            SELECT max(k.number) FROM user_keys AS k
            WHERE k.user_id = f.user_id
        )) THEN f.sealed
    END AS sealed
FROM finals AS f
WHERE (f.transcript_id, f.utterance) > ($1, $2)
ORDER BY f.transcript_id, f.utterance
LIMIT $3;

-- name: replace_finals
UPDATE finals AS f SET sealed = n.after
FROM
    unnest($1::uuid[], $2::integer[], $3::bytea[], $4::bytea[])
        AS n (transcript_id, utterance, before, after)
WHERE
    f.transcript_id = n.transcript_id
    AND f.utterance = n.utterance
    AND f.sealed = n.before;

-- name: page_transcripts
SELECT
    t.id,
    t.user_id,
    CASE
        WHEN $3 OR substr(t.edited, 2, 4) <> int4send((
            SELECT max(k.number) FROM user_keys AS k
            WHERE k.user_id = t.user_id
        )) THEN t.edited
    END AS sealed
FROM transcripts AS t
WHERE t.id > $1
ORDER BY t.id
LIMIT $2;

-- name: replace_transcripts
UPDATE transcripts AS t SET edited = n.after
FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS n (id, before, after)
WHERE t.id = n.id AND t.edited = n.before;

-- name: page_library_items
SELECT
    i.user_id,
    i.id,
    CASE
        WHEN $4 OR substr(i.sealed, 2, 4) <> int4send((
            SELECT max(k.number) FROM user_keys AS k
            WHERE k.user_id = i.user_id
        )) THEN i.sealed
    END AS sealed
FROM library_items AS i
WHERE (i.user_id, i.id) > ($1, $2)
ORDER BY i.user_id, i.id
LIMIT $3;

-- name: replace_library_items
UPDATE library_items AS i SET sealed = n.after
FROM
    unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[])
        AS n (user_id, id, before, after)
WHERE i.user_id = n.user_id AND i.id = n.id AND i.sealed = n.before;

-- name: page_recording_audio
SELECT
    a.user_id,
    a.recording_id,
    a.first_byte,
    CASE
        WHEN $5 OR substr(a.sealed, 2, 4) <> int4send((
            SELECT max(k.number) FROM user_keys AS k
            WHERE k.user_id = a.user_id
        )) THEN a.sealed
    END AS sealed
FROM recording_audio AS a
WHERE (a.user_id, a.recording_id, a.first_byte) > ($1, $2, $3)
ORDER BY a.user_id, a.recording_id, a.first_byte
LIMIT $4;

-- name: replace_recording_audio
UPDATE recording_audio AS a SET sealed = n.after
FROM
    unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bytea[], $5::bytea[])
        AS n (user_id, recording_id, first_byte, before, after)
WHERE
    a.user_id = n.user_id
    AND a.recording_id = n.recording_id
    AND a.first_byte = n.first_byte
    AND a.sealed = n.before;
