-- compatible-from: 3

-- A recording on its way to a transcript. The id is a UUIDv7 made by the client.
-- uploading, checking (its SHA-256), waiting, working, done: so it goes. failed says why in
-- `reason`; deleted is hidden from everybody and goes when its audio is gone.
-- `learned_language` was recognised with certainty in utterance `learned_from`.
CREATE TABLE recordings (
    id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_id uuid REFERENCES devices (id) ON DELETE SET NULL,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    size_bytes bigint NOT NULL CHECK (size_bytes > 0),
    received_bytes bigint NOT NULL DEFAULT 0
    CHECK (received_bytes BETWEEN 0 AND size_bytes),
    encoding text NOT NULL,
    sample_rate integer,
    language text NOT NULL DEFAULT 'auto',
    app text,
    recorded_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'uploading' CHECK (
        state IN ('uploading', 'checking', 'waiting', 'working', 'done', 'failed', 'deleted')
    ),
    reason text,
    progress real NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    leased_by uuid,
    leased_until timestamptz,
    transcript_id uuid REFERENCES transcripts (id) ON DELETE SET NULL,
    audio_samples bigint,
    is_silent boolean NOT NULL DEFAULT FALSE,
    learned_language text,
    learned_from integer,
    keep_audio_until timestamptz,
    audio_deleted_at timestamptz,
    change bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id)
);

CREATE INDEX recordings_by_time ON recordings (user_id, recorded_at DESC, id DESC);
CREATE INDEX recordings_to_do ON recordings (next_attempt_at)
WHERE state IN ('checking', 'waiting', 'working');
CREATE INDEX recordings_by_change ON recordings (user_id, change);
-- Whoever deletes a transcript or a device looks for these.
CREATE INDEX recordings_of_transcript ON recordings (transcript_id)
WHERE transcript_id IS NOT NULL;
CREATE INDEX recordings_of_device ON recordings (device_id) WHERE device_id IS NOT NULL;
CREATE INDEX recordings_by_update ON recordings (user_id, updated_at);
CREATE INDEX recordings_with_audio ON recordings (keep_audio_until)
WHERE audio_deleted_at IS NULL;

CREATE INDEX recordings_to_delete ON recordings (updated_at)
WHERE state IN ('uploading', 'deleted');

-- Bytes received, progress and leases are no changes that devices pull: they come every second, and
-- each change locks the counter that live transcripts of the same person need as well.
CREATE TRIGGER number_change
BEFORE INSERT OR UPDATE OF state, reason, transcript_id, audio_deleted_at ON recordings
FOR EACH ROW EXECUTE FUNCTION number_change();

CREATE TRIGGER note_removal AFTER DELETE ON recordings
FOR EACH ROW EXECUTE FUNCTION note_removal();

-- Their audio, in sealed pieces as they came.
CREATE TABLE recording_audio (
    user_id uuid NOT NULL,
    recording_id uuid NOT NULL,
    first_byte bigint NOT NULL CHECK (first_byte >= 0),
    size_bytes integer NOT NULL CHECK (size_bytes > 0),
    sealed bytea NOT NULL,
    PRIMARY KEY (user_id, recording_id, first_byte),
    FOREIGN KEY (user_id, recording_id) REFERENCES recordings (user_id, id) ON DELETE CASCADE
);

ALTER TABLE recording_audio ALTER COLUMN sealed SET STORAGE EXTERNAL;

ALTER TABLE recordings ENABLE ROW LEVEL SECURITY;
ALTER TABLE recording_audio ENABLE ROW LEVEL SECURITY;

CREATE POLICY own ON recordings USING (user_id = (SELECT acting_user()));
CREATE POLICY own ON recording_audio USING (user_id = (SELECT acting_user()));

GRANT SELECT, INSERT, UPDATE, DELETE ON recordings, recording_audio TO alfavoice_service;
