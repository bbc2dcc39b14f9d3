-- Tells every listening node, when the transaction commits, that sessions ended. Only a hint to read
-- the feed now: it says nothing of which, and who does not hear it reads the feed a moment later.
-- Any number of ends in one transaction is told once.
CREATE OR REPLACE FUNCTION sessions_stamp_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.ended_xid := pg_current_xact_id();
    PERFORM pg_notify('renewd_ended', '');
    RETURN NEW;
END
$$;
