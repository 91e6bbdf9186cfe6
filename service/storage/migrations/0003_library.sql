-- compatible-from: 3

-- Changes of a user's things are numbered in the order they became visible: the row lock on this
-- table makes the second writer wait until the first has committed.
-- `epoch` tells numberings apart: a cursor of another user, or of before a restored backup, is of
-- another epoch. Of what was deleted for good nothing is known any more up to number `forgotten`.
CREATE TABLE user_changes (
    user_id uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    last bigint NOT NULL,
    epoch uuid NOT NULL DEFAULT gen_random_uuid(),
    forgotten bigint NOT NULL DEFAULT 0
);

CREATE FUNCTION number_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('alfavoice.resealing', TRUE) = 'on' THEN
        -- Sealed again with another key: no device needs to hear of it.
        RETURN NEW;
    END IF;
    INSERT INTO user_changes AS counted (user_id, last) VALUES (NEW.user_id, 1)
    ON CONFLICT (user_id) DO UPDATE SET last = counted.last + 1
    RETURNING counted.last INTO NEW.change;
    RETURN NEW;
END
$$;

-- Tells every service that this user's clients have something to pull.
CREATE FUNCTION notify_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('alfavoice_changes', NEW.user_id::text);
    RETURN NULL;
END
$$;

CREATE TRIGGER notify_first_change AFTER INSERT ON user_changes
FOR EACH ROW EXECUTE FUNCTION notify_change();

CREATE TRIGGER notify_change AFTER UPDATE ON user_changes
FOR EACH ROW WHEN (old.last <> new.last) EXECUTE FUNCTION notify_change();

-- Rows of which nothing stayed, not even a tombstone: so that every device hears of it.
CREATE TABLE removals (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    thing text NOT NULL CHECK (thing IN ('transcripts', 'recordings')),
    id uuid NOT NULL,
    change bigint NOT NULL DEFAULT 0,
    removed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, change)
);

CREATE INDEX removals_by_time ON removals (removed_at);

CREATE TRIGGER number_change BEFORE INSERT ON removals
FOR EACH ROW EXECUTE FUNCTION number_change();

-- Whose account was deleted has no devices to tell. Owned by the owner of `users`, which people's
-- own role may not read.
CREATE FUNCTION note_removal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO removals (user_id, thing, id)
    SELECT OLD.user_id, TG_TABLE_NAME, OLD.id
    FROM users
    WHERE users.id = OLD.user_id;
    RETURN NULL;
END
$$;

-- The text as edited takes the place of the utterances below `edited_until`; those said later
-- follow it. Of a transcript that was deleted for good only id, owner and change stay, so that
-- every device hears of it.
ALTER TABLE transcripts
ADD COLUMN change bigint NOT NULL DEFAULT 0,
ADD COLUMN kind text NOT NULL DEFAULT 'live' CHECK (kind IN ('live', 'recording', 'import')),
ADD COLUMN device_id uuid REFERENCES devices (id) ON DELETE SET NULL,
ADD COLUMN is_favourite boolean NOT NULL DEFAULT FALSE,
ADD COLUMN edited bytea,
ADD COLUMN edited_at timestamptz,
ADD COLUMN edited_until integer CHECK (edited_until >= 0),
ADD COLUMN deleted_at timestamptz,
ADD COLUMN purged_at timestamptz,
ADD COLUMN word_count integer NOT NULL DEFAULT 0,
ADD COLUMN found_by bigint[] NOT NULL DEFAULT '{}';

DROP INDEX transcripts_of_user;

-- Carries all that history is filtered by, and what statistics add up: neither reads the table.
CREATE INDEX transcripts_by_time ON transcripts (user_id, started_at DESC, id DESC)
INCLUDE (
    app, device_id, kind, is_favourite, deleted_at, purged_at, word_count, audio_samples
);
-- What is rare among thousands is found without going through the thousands.
CREATE INDEX transcripts_by_app ON transcripts (user_id, app, started_at DESC, id DESC)
INCLUDE (device_id, kind, is_favourite, deleted_at, purged_at);
CREATE INDEX transcripts_by_rare_kind ON transcripts (user_id, kind, started_at DESC, id DESC)
INCLUDE (app, device_id, is_favourite, deleted_at, purged_at)
WHERE kind <> 'live';
CREATE INDEX transcripts_by_favour ON transcripts (user_id, started_at DESC, id DESC)
INCLUDE (app, device_id, kind, is_favourite, deleted_at, purged_at)
WHERE is_favourite;
CREATE INDEX transcripts_by_deletion ON transcripts (user_id, started_at DESC, id DESC)
INCLUDE (app, device_id, kind, is_favourite, deleted_at, purged_at)
WHERE deleted_at IS NOT NULL;
CREATE INDEX transcripts_to_purge ON transcripts (deleted_at)
WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
-- What is to be forgotten in the end; and what a device that goes leaves behind.
CREATE INDEX transcripts_purged ON transcripts (purged_at) WHERE purged_at IS NOT NULL;
CREATE INDEX transcripts_of_device ON transcripts (device_id) WHERE device_id IS NOT NULL;
CREATE INDEX transcripts_by_change ON transcripts (user_id, change);
CREATE INDEX transcripts_by_word ON transcripts USING gin (found_by) WITH (fastupdate = off);

CREATE TRIGGER number_change BEFORE INSERT OR UPDATE ON transcripts
FOR EACH ROW EXECUTE FUNCTION number_change();

-- Finds by words with the index over them. Under row-level security PostgreSQL may not use that
-- index: @> of arrays is not marked leakproof, so it is only asked of rows that passed the policy,
-- all of a person's one by one. So this runs as the owner, and holds to the acting user by itself.
-- The words come first and alone: they are keyed by user and select better than anything.
CREATE FUNCTION transcripts_with_words(
    words bigint[],
    is_deleted boolean,
    before timestamptz,
    before_id uuid,
    since timestamptz,
    until timestamptz,
    in_app text,
    on_device uuid,
    of_kind text,
    favourite boolean,
    most integer
) RETURNS TABLE (id uuid, started_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog
BEGIN ATOMIC
    WITH found AS MATERIALIZED (
        SELECT
            id,
            user_id,
            started_at,
            app,
            device_id,
            kind,
            is_favourite,
            deleted_at,
            purged_at
        FROM transcripts
        WHERE found_by @> words
    )

    SELECT
        id,
        started_at
    FROM found
    WHERE
        user_id = acting_user()
        AND purged_at IS NULL
        AND (deleted_at IS NOT NULL) = is_deleted
        AND (started_at, id) < (before, before_id)
        AND started_at >= since
        AND started_at < until
        AND (in_app IS NULL OR app = in_app)
        AND (on_device IS NULL OR device_id = on_device)
        AND (of_kind IS NULL OR kind = of_kind)
        AND (favourite IS NULL OR is_favourite = favourite)
    ORDER BY started_at DESC, id DESC
    LIMIT most;
END;

REVOKE ALL ON FUNCTION transcripts_with_words FROM public;
GRANT EXECUTE ON FUNCTION transcripts_with_words TO alfavoice_service;

-- Until it is finished (or has words) no device was told of it; see queries/sync.sql.
CREATE TRIGGER note_removal AFTER DELETE ON transcripts
FOR EACH ROW WHEN (
    old.purged_at IS NULL
    AND (old.finished_at IS NOT NULL OR old.word_count > 0 OR old.edited IS NOT NULL)
)
EXECUTE FUNCTION note_removal();

-- For the upkeep, which indexes what was said in sessions that never ended properly.
CREATE INDEX transcripts_unfinished ON transcripts (started_at) WHERE finished_at IS NULL;

-- Notes, snippets, terms of the dictionary and preferences: small things a person writes and every
-- device has. `sealed` holds their fields, each with the time it was last written. Of a deleted one
-- a tombstone stays: `deleted_at` is the time of the clock that deleted it, `updated_at` ours.
CREATE TABLE library_items (
    id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('note', 'snippet', 'term', 'preferences')),
    sealed bytea,
    change bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    deleted_by text,
    CHECK ((sealed IS NULL) = (deleted_at IS NOT NULL)),
    CHECK ((deleted_by IS NULL) = (deleted_at IS NULL)),
    PRIMARY KEY (user_id, id)
);

CREATE INDEX library_items_by_kind ON library_items (user_id, kind, id);
CREATE INDEX library_items_by_change ON library_items (user_id, change);
CREATE UNIQUE INDEX library_items_preferences ON library_items (user_id)
WHERE kind = 'preferences';

CREATE INDEX library_items_tombstones ON library_items (updated_at) WHERE deleted_at IS NOT NULL;

CREATE TRIGGER number_change BEFORE INSERT OR UPDATE ON library_items
FOR EACH ROW EXECUTE FUNCTION number_change();

-- Operations that clients pushed and that were done: the same once more changes nothing.
CREATE TABLE sync_operations (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('applied', 'merged')),
    done_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id)
);

CREATE INDEX sync_operations_by_time ON sync_operations (done_at);

-- What the operator tells everybody. Nobody's secret: not sealed.
CREATE TABLE news (
    id uuid PRIMARY KEY,
    title_ru text NOT NULL,
    title_en text NOT NULL,
    body_ru text NOT NULL,
    body_en text NOT NULL,
    is_important boolean NOT NULL DEFAULT FALSE,
    published_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    created_by uuid REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX news_by_time ON news (published_at DESC, id DESC);

ALTER TABLE user_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE library_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE removals ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_operations ENABLE ROW LEVEL SECURITY;

CREATE POLICY own ON user_changes USING (user_id = (SELECT acting_user()));
CREATE POLICY own ON library_items USING (user_id = (SELECT acting_user()));
CREATE POLICY own ON removals USING (user_id = (SELECT acting_user()));
CREATE POLICY own ON sync_operations USING (user_id = (SELECT acting_user()));

GRANT SELECT, INSERT, UPDATE ON user_changes TO alfavoice_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON library_items TO alfavoice_service;
GRANT SELECT ON removals TO alfavoice_service;
GRANT SELECT, INSERT ON sync_operations TO alfavoice_service;
GRANT SELECT ON news TO alfavoice_service;
