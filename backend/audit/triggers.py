"""The database refuses to change or delete an event; sealing one, once, is the exception."""

from typing import Final

SQLITE: Final = (
    """
    CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
    """,
    """
    CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event
    WHEN OLD.sealed_hash IS NOT NULL OR NEW.sealed_hash IS NULL
      OR NEW.id IS NOT OLD.id OR NEW.at IS NOT OLD.at OR NEW.actor_id IS NOT OLD.actor_id OR NEW.actor IS NOT OLD.actor
      OR NEW.verb IS NOT OLD.verb OR NEW.project_id IS NOT OLD.project_id OR NEW.object_type IS NOT OLD.object_type
      OR NEW.object_id IS NOT OLD.object_id OR NEW.detail IS NOT OLD.detail
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
    """,
)
POSTGRESQL: Final = (
    """
    CREATE OR REPLACE FUNCTION audit_event_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'UPDATE' AND OLD.sealed_hash IS NULL AND NEW.sealed_hash IS NOT NULL
         AND (to_jsonb(NEW) - 'sealed_hash') = (to_jsonb(OLD) - 'sealed_hash') THEN
        RETURN NEW;
      END IF;
      RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_append_only()
    """,
)
