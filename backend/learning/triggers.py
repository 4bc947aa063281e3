"""The database refuses to train on anything but POOL cases."""

from typing import Final

SQLITE: Final = (
    """
    CREATE TRIGGER learning_snapshotitem_insert BEFORE INSERT ON learning_snapshotitem
    WHEN NOT EXISTS (SELECT 1 FROM projects_case WHERE id = NEW.case_id AND split = 'POOL')
      OR NOT EXISTS (SELECT 1 FROM readings_reading WHERE id = NEW.reading_id AND case_id = NEW.case_id)
    BEGIN SELECT RAISE(ABORT, 'a snapshot holds readings of POOL cases only'); END
    """,
    """
    CREATE TRIGGER learning_snapshotitem_update BEFORE UPDATE ON learning_snapshotitem
    WHEN NOT EXISTS (SELECT 1 FROM projects_case WHERE id = NEW.case_id AND split = 'POOL')
      OR NOT EXISTS (SELECT 1 FROM readings_reading WHERE id = NEW.reading_id AND case_id = NEW.case_id)
    BEGIN SELECT RAISE(ABORT, 'a snapshot holds readings of POOL cases only'); END
    """,
    """
    CREATE TRIGGER learning_unreaditem_insert BEFORE INSERT ON learning_unreaditem
    WHEN NOT EXISTS (SELECT 1 FROM projects_case WHERE id = NEW.case_id AND split = 'POOL')
    BEGIN SELECT RAISE(ABORT, 'a snapshot holds unread POOL cases only'); END
    """,
    """
    CREATE TRIGGER learning_unreaditem_update BEFORE UPDATE ON learning_unreaditem
    WHEN NOT EXISTS (SELECT 1 FROM projects_case WHERE id = NEW.case_id AND split = 'POOL')
    BEGIN SELECT RAISE(ABORT, 'a snapshot holds unread POOL cases only'); END
    """,
)
POSTGRESQL: Final = (
    """
    CREATE OR REPLACE FUNCTION learning_snapshotitem_check() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NOT EXISTS (SELECT 1 FROM projects_case WHERE id = NEW.case_id AND split = 'POOL')
         OR NOT EXISTS (SELECT 1 FROM readings_reading WHERE id = NEW.reading_id AND case_id = NEW.case_id) THEN
        RAISE EXCEPTION 'a snapshot holds readings of POOL cases only' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER learning_snapshotitem_check BEFORE INSERT OR UPDATE ON learning_snapshotitem
    FOR EACH ROW EXECUTE FUNCTION learning_snapshotitem_check()
    """,
    """
    CREATE OR REPLACE FUNCTION learning_unreaditem_check() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NOT EXISTS (SELECT 1 FROM projects_case WHERE id = NEW.case_id AND split = 'POOL') THEN
        RAISE EXCEPTION 'a snapshot holds unread POOL cases only' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER learning_unreaditem_check BEFORE INSERT OR UPDATE ON learning_unreaditem
    FOR EACH ROW EXECUTE FUNCTION learning_unreaditem_check()
    """,
)
