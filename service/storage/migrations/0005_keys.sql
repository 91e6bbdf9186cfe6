-- compatible-from: 5

-- Master keys that wrap nothing any more. A key leaves master_keys for this table only while no row
-- of user_keys names it, and from then on none can: the foreign key there is the proof.
CREATE TABLE retired_master_keys (
    name text PRIMARY KEY,
    retired_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX user_keys_by_master ON user_keys (master);

-- Runs of `alfavoice keys rotate-users`; one that was interrupted goes on from what is here.
CREATE TABLE key_rotations (
    started_at timestamptz PRIMARY KEY DEFAULT clock_timestamp(),
    finished_at timestamptz
);

-- Nothing new may be sealed with a closed key: what it sealed is being sealed again, after which
-- the key is deleted.
ALTER TABLE user_keys ADD COLUMN closed_at timestamptz;

-- The rows are locked only while a user has more than one data key, that is during a rotation.
-- After an error of class 40 the same is tried again.
CREATE FUNCTION refuse_closed_key() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    sealed bytea;
    used bigint;
    closed boolean;
BEGIN
    IF TG_TABLE_NAME = 'transcripts' THEN
        sealed := NEW.edited;
    ELSE
        sealed := NEW.sealed;
    END IF;
    IF sealed IS NULL OR length(sealed) < 33 THEN
        RETURN NEW;
    END IF;
    used := (get_byte(sealed, 1)::bigint << 24) | (get_byte(sealed, 2) << 16)
        | (get_byte(sealed, 3) << 8) | get_byte(sealed, 4);
    IF EXISTS (SELECT FROM user_keys AS k WHERE k.user_id = NEW.user_id AND k.number > used) THEN
        SELECT k.closed_at IS NOT NULL INTO closed FROM user_keys AS k
        WHERE k.user_id = NEW.user_id AND k.number = used
        FOR SHARE;
        IF NOT FOUND OR closed THEN
            RAISE EXCEPTION 'sealed with a closed key' USING ERRCODE = '40001';
        END IF;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER refuse_closed_key BEFORE INSERT OR UPDATE OF sealed ON finals
FOR EACH ROW EXECUTE FUNCTION refuse_closed_key();
CREATE TRIGGER refuse_closed_key BEFORE INSERT OR UPDATE OF edited ON transcripts
FOR EACH ROW EXECUTE FUNCTION refuse_closed_key();
CREATE TRIGGER refuse_closed_key BEFORE INSERT OR UPDATE OF sealed ON library_items
FOR EACH ROW EXECUTE FUNCTION refuse_closed_key();
CREATE TRIGGER refuse_closed_key BEFORE INSERT OR UPDATE OF sealed ON recording_audio
FOR EACH ROW EXECUTE FUNCTION refuse_closed_key();
