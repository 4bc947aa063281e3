"""The database refuses to change or delete a revision: a reading that was ever saved cannot be deleted either.

Only the author may become null, when a person's account is deleted; the audit trail still names that person.
"""

from typing import Final

SQLITE: Final = (
    """
    CREATE TRIGGER readings_revision_no_update BEFORE UPDATE ON readings_readingrevision
    WHEN NEW.id IS NOT OLD.id OR NEW.reading_id IS NOT OLD.reading_id OR NEW.number IS NOT OLD.number
      OR NEW.content IS NOT OLD.content OR NEW.request_digest IS NOT OLD.request_digest
      OR NEW.created_at IS NOT OLD.created_at OR (NEW.author_id IS NOT OLD.author_id AND NEW.author_id IS NOT NULL)
    BEGIN SELECT RAISE(ABORT, 'revisions are append-only'); END
    """,
    """
    CREATE TRIGGER readings_revision_no_delete BEFORE DELETE ON readings_readingrevision
    BEGIN SELECT RAISE(ABORT, 'revisions are append-only'); END
    """,
)
POSTGRESQL: Final = (
    """
    CREATE OR REPLACE FUNCTION readings_revision_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'UPDATE' AND NEW.author_id IS NULL AND (to_jsonb(NEW) - 'author_id') = (to_jsonb(OLD) - 'author_id') THEN
        RETURN NEW;
      END IF;
      RAISE EXCEPTION 'revisions are append-only' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER readings_revision_append_only BEFORE UPDATE OR DELETE ON readings_readingrevision
    FOR EACH ROW EXECUTE FUNCTION readings_revision_append_only()
    """,
)
