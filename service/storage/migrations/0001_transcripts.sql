-- compatible-from: 1

-- Who speaks. Everything that is kept belongs to one of them.
CREATE TABLE users (
    id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- LOCAL_USER of service/storage/transcripts.py: whoever sits at this machine.
INSERT INTO users (id) VALUES ('00000000-0000-8000-8000-000000000001');

-- One dictation. The id is a UUIDv7 made by the service.
CREATE TABLE transcripts (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session text NOT NULL UNIQUE,
    language text NOT NULL,
    sample_rate integer NOT NULL CHECK (sample_rate > 0),
    client text NOT NULL,
    app text,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    audio_samples bigint CHECK (audio_samples >= 0),
    CHECK ((finished_at IS NULL) = (audio_samples IS NULL))
);

CREATE INDEX transcripts_of_user ON transcripts (user_id, started_at DESC);

-- The text of one utterance. What was said is in no index and in no constraint: it will be
-- encrypted.
CREATE TABLE finals (
    transcript_id uuid NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    utterance integer NOT NULL CHECK (utterance >= 0),
    start_sample bigint NOT NULL CHECK (start_sample >= 0),
    end_sample bigint NOT NULL CHECK (end_sample >= start_sample),
    text text NOT NULL,
    raw text NOT NULL,
    language text NOT NULL,
    words jsonb NOT NULL,
    PRIMARY KEY (transcript_id, utterance)
);
