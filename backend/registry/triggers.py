"""The database refuses an evaluation that would break the splits: only VALIDATION, and HOLDOUT once released."""

from typing import Final

SQLITE: Final = (
    """
    CREATE TRIGGER registry_evaluation_insert BEFORE INSERT ON registry_evaluation
    WHEN NEW.split NOT IN ('VALIDATION', 'HOLDOUT')
      OR (NEW.split = 'HOLDOUT'
          AND NOT EXISTS (SELECT 1 FROM registry_modelversion WHERE id = NEW.model_version_id AND released_at IS NOT NULL))
    BEGIN SELECT RAISE(ABORT, 'an evaluation is on VALIDATION, or on HOLDOUT of a released version'); END
    """,
    """
    CREATE TRIGGER registry_evaluation_update BEFORE UPDATE ON registry_evaluation
    WHEN NEW.split NOT IN ('VALIDATION', 'HOLDOUT')
      OR (NEW.split = 'HOLDOUT'
          AND NOT EXISTS (SELECT 1 FROM registry_modelversion WHERE id = NEW.model_version_id AND released_at IS NOT NULL))
    BEGIN SELECT RAISE(ABORT, 'an evaluation is on VALIDATION, or on HOLDOUT of a released version'); END
    """,
)
POSTGRESQL: Final = (
    """
    CREATE OR REPLACE FUNCTION registry_evaluation_check() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.split NOT IN ('VALIDATION', 'HOLDOUT') OR (NEW.split = 'HOLDOUT' AND NOT EXISTS (
          SELECT 1 FROM registry_modelversion WHERE id = NEW.model_version_id AND released_at IS NOT NULL)) THEN
        RAISE EXCEPTION 'an evaluation is on VALIDATION, or on HOLDOUT of a released version'
          USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER registry_evaluation_check BEFORE INSERT OR UPDATE ON registry_evaluation
    FOR EACH ROW EXECUTE FUNCTION registry_evaluation_check()
    """,
)
