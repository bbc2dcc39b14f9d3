-- When a key came to each state of its life. Keys from before count from when they were made.
ALTER TABLE keys
    ADD COLUMN published_at timestamptz,
    ADD COLUMN activated_at timestamptz,
    ADD COLUMN retiring_at timestamptz,
    ADD COLUMN retired_at timestamptz;

UPDATE keys SET published_at = created_at, activated_at = created_at WHERE state = 'active';

-- Peppers are stored like other keys.
ALTER TABLE keys DROP CONSTRAINT keys_purpose_check;
ALTER TABLE keys ADD CONSTRAINT keys_purpose_check
    CHECK (purpose IN ('access', 'refresh', 'pepper', 'master_check'));

-- A retired key has no secret part any more, every other one has.
ALTER TABLE keys ADD CONSTRAINT keys_sealed_check
    CHECK ((state = 'retired') = (length(sealed) = 0));

-- One active key for each purpose, whatever its algorithm, and one that comes after it.
DROP INDEX keys_one_active;
CREATE UNIQUE INDEX keys_one_active ON keys (purpose) WHERE state = 'active';
CREATE UNIQUE INDEX keys_one_pending ON keys (purpose) WHERE state = 'pending';

-- Tells every listening node, when the transaction commits, that keys changed.
CREATE FUNCTION keys_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('renewd_keys', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER keys_tell
    AFTER INSERT OR UPDATE OR DELETE ON keys
    FOR EACH STATEMENT EXECUTE FUNCTION keys_tell();
