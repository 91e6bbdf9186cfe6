-- compatible-from: 2

-- The role that people's requests run as: it owns nothing, so that row-level security holds for it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'alfavoice_service') THEN
        BEGIN
            CREATE ROLE alfavoice_service NOLOGIN;
        EXCEPTION
            -- Roles are of the whole server: another database of it may be made at this moment.
            WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END IF;
    IF NOT pg_has_role(
        current_user, 'alfavoice_service',
        CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END
    ) THEN
        GRANT alfavoice_service TO CURRENT_USER;
    END IF;
END
$$;

-- Whose rows this transaction may see: set by Postgres.call_as.
CREATE FUNCTION acting_user() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('alfavoice.acting_user', TRUE), '')::uuid;

ALTER TABLE users
ADD COLUMN login text UNIQUE CHECK (login = lower(login)),
ADD COLUMN name text NOT NULL DEFAULT '',
ADD COLUMN role text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
ADD COLUMN password_hash text,
ADD COLUMN password_changed_at timestamptz,
ADD COLUMN disabled_at timestamptz,
ADD COLUMN deleted_at timestamptz;

-- Accounts whose keys are destroyed and whose rows are still being deleted.
CREATE INDEX users_to_erase ON users (deleted_at) WHERE deleted_at IS NOT NULL;

UPDATE users SET role = 'admin'
WHERE id = '00000000-0000-8000-8000-000000000001';

-- Master keys this database was used with: a proof that a key is the right one, nothing more.
CREATE TABLE master_keys (
    name text PRIMARY KEY,
    proof bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Keys of users, wrapped by a master key. Number 0 is for the search index.
CREATE TABLE user_keys (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    number integer NOT NULL CHECK (number >= 0),
    wrapped bytea NOT NULL,
    master text NOT NULL REFERENCES master_keys (name),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, number)
);

-- A program on a machine that somebody signed in with.
CREATE TABLE devices (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    platform text NOT NULL DEFAULT '',
    client text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE INDEX devices_of_user ON devices (user_id);

-- Sign-ins. Each use of a refresh token replaces it by the next, so one row is the whole family:
-- the hash of the token in force, that of the one before, and the one in force sealed with a key
-- made of the one before (for a client that lost the answer). Any other token of the family was
-- stolen.
CREATE TABLE refresh_families (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_id uuid NOT NULL UNIQUE REFERENCES devices (id) ON DELETE CASCADE,
    current_hash bytea NOT NULL,
    previous_hash bytea,
    successor bytea,
    issued_at timestamptz NOT NULL DEFAULT now(),
    rotated_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL
);

CREATE INDEX refresh_families_of_user ON refresh_families (user_id);
CREATE INDEX refresh_families_by_expiry ON refresh_families (expires_at);

-- Single-use tickets for sockets of browsers.
CREATE TABLE tickets (
    hash bytea PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_id uuid REFERENCES devices (id) ON DELETE CASCADE,
    scopes text[] NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX tickets_by_end ON tickets (expires_at);

-- Keys for other programs. `start` are the first letters, to tell keys apart in a list.
CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    start text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);

CREATE INDEX api_keys_of_user ON api_keys (user_id);

-- Links that let somebody make an account (or the first administrator).
CREATE TABLE invitations (
    id uuid PRIMARY KEY,
    hash bytea NOT NULL UNIQUE,
    role text NOT NULL CHECK (role IN ('user', 'admin')),
    login text,
    is_setup boolean NOT NULL DEFAULT FALSE,
    invited_by uuid REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE INDEX invitations_by_expiry ON invitations (expires_at);

-- Failed attempts, by a keyed hash of the account or the address they came from.
CREATE TABLE login_attempts (
    subject bytea PRIMARY KEY,
    failures integer NOT NULL,
    last_at timestamptz NOT NULL,
    blocked_until timestamptz
);

CREATE INDEX login_attempts_by_time ON login_attempts (last_at);

-- What happened that matters for security. No names, no addresses of mail, no speech.
CREATE TABLE audit_events (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL,
    actor_id uuid,
    subject_id uuid,
    address inet,
    outcome text NOT NULL DEFAULT 'done',
    details jsonb NOT NULL DEFAULT '{}'
);

CREATE INDEX audit_events_by_subject ON audit_events (subject_id, id DESC);
CREATE INDEX audit_events_by_kind ON audit_events (kind, id DESC);
CREATE INDEX audit_events_by_time ON audit_events (at);

-- What was said is sealed from now on; what is in the clear yet is moved at the next start.
ALTER TABLE finals RENAME TO plain_finals;
ALTER TABLE plain_finals RENAME CONSTRAINT finals_pkey TO plain_finals_pkey;

-- Of a deleted user they go with the transcripts: a reference to the user as well would look
-- through everybody's finals for those that are left.
CREATE TABLE finals (
    transcript_id uuid NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    user_id uuid NOT NULL,
    utterance integer NOT NULL CHECK (utterance >= 0),
    start_sample bigint NOT NULL CHECK (start_sample >= 0),
    end_sample bigint NOT NULL CHECK (end_sample >= start_sample),
    language text NOT NULL,
    sealed bytea NOT NULL,
    word_count integer NOT NULL CHECK (word_count >= 0),
    found_by bigint[] NOT NULL,
    PRIMARY KEY (transcript_id, utterance)
);

-- People see their own rows and no others.
ALTER TABLE transcripts ENABLE ROW LEVEL SECURITY;
ALTER TABLE finals ENABLE ROW LEVEL SECURITY;
ALTER TABLE devices ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY own ON transcripts USING (user_id = (SELECT acting_user()));
CREATE POLICY own ON finals USING (user_id = (SELECT acting_user()));
CREATE POLICY own ON devices USING (user_id = (SELECT acting_user()));
CREATE POLICY own ON api_keys USING (user_id = (SELECT acting_user()));

GRANT SELECT, INSERT, UPDATE, DELETE
ON transcripts, finals, devices, api_keys TO alfavoice_service;
