-- name: samples
SELECT
    (
        SELECT coalesce(sum(coalesce(t.audio_samples, said.samples)), 0)
        FROM transcripts AS t
        LEFT JOIN LATERAL (
            SELECT max(f.end_sample) AS samples FROM finals AS f
            WHERE t.audio_samples IS NULL AND f.transcript_id = t.id
        ) AS said ON TRUE
        WHERE t.user_id = $1 AND t.started_at >= $2 AND t.kind = 'live'
    )::bigint
    + (
        SELECT coalesce(sum(r.audio_samples), 0) FROM recordings AS r
        WHERE r.user_id = $1 AND r.created_at >= $2
    )::bigint AS samples;
