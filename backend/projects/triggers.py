"""The database keeps the splits: for ever, one for a patient, and blinded where they must be."""

from typing import Final

SQLITE: Final = (
    # A case keeps its split and its project; it may only be taken out of use, before a network has learned from it.
    """
    CREATE TRIGGER projects_case_split_kept BEFORE UPDATE OF split, project_id, group_key ON projects_case
    WHEN (NEW.split IS NOT OLD.split AND NEW.split <> 'EMBARGOED')
      OR NEW.project_id IS NOT OLD.project_id OR (NEW.group_key IS NOT OLD.group_key AND NEW.split <> 'EMBARGOED')
      OR (NEW.split IS NOT OLD.split AND OLD.has_taught)
    BEGIN SELECT RAISE(ABORT, 'a case keeps its split, group and project; it can only be embargoed'); END
    """,
    """
    CREATE TRIGGER projects_case_known_split BEFORE INSERT ON projects_case
    WHEN NEW.split NOT IN ('POOL', 'VALIDATION', 'HOLDOUT', 'EMBARGOED')
    BEGIN SELECT RAISE(ABORT, 'unknown split'); END
    """,
    """
    CREATE TRIGGER projects_case_one_split_per_group BEFORE INSERT ON projects_case
    WHEN NEW.split <> 'EMBARGOED' AND EXISTS (
      SELECT 1 FROM projects_case other WHERE other.project_id = NEW.project_id AND other.group_key = NEW.group_key
        AND other.split <> 'EMBARGOED' AND other.split <> NEW.split)
    BEGIN SELECT RAISE(ABORT, 'a patient or near-duplicate group lies in one split'); END
    """,
    """
    CREATE TRIGGER projects_assignment_blinded_insert BEFORE INSERT ON projects_assignment
    WHEN NEW.arm <> 'blinded' AND EXISTS (
      SELECT 1 FROM projects_case WHERE id = NEW.case_id AND split IN ('VALIDATION', 'HOLDOUT'))
    BEGIN SELECT RAISE(ABORT, 'VALIDATION and HOLDOUT are read blinded'); END
    """,
    """
    CREATE TRIGGER projects_assignment_blinded_update BEFORE UPDATE OF arm, case_id ON projects_assignment
    WHEN NEW.arm <> 'blinded' AND EXISTS (
      SELECT 1 FROM projects_case WHERE id = NEW.case_id AND split IN ('VALIDATION', 'HOLDOUT'))
    BEGIN SELECT RAISE(ABORT, 'VALIDATION and HOLDOUT are read blinded'); END
    """,
)
# PostgreSQL: two transactions cannot see each other's rows, so inserts into one group take turns on an advisory lock.
POSTGRESQL: Final = (
    """
    CREATE OR REPLACE FUNCTION projects_case_split_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF (NEW.split IS DISTINCT FROM OLD.split AND NEW.split <> 'EMBARGOED')
         OR NEW.project_id IS DISTINCT FROM OLD.project_id
         OR (NEW.group_key IS DISTINCT FROM OLD.group_key AND NEW.split <> 'EMBARGOED')
         OR (NEW.split IS DISTINCT FROM OLD.split AND OLD.has_taught) THEN
        RAISE EXCEPTION 'a case keeps its split, group and project; it can only be embargoed'
          USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER projects_case_split_kept BEFORE UPDATE OF split, project_id, group_key ON projects_case
    FOR EACH ROW EXECUTE FUNCTION projects_case_split_kept()
    """,
    """
    CREATE OR REPLACE FUNCTION projects_case_one_split_per_group() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.split NOT IN ('POOL', 'VALIDATION', 'HOLDOUT', 'EMBARGOED') THEN
        RAISE EXCEPTION 'unknown split' USING ERRCODE = 'check_violation';
      END IF;
      IF NEW.split <> 'EMBARGOED' THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(NEW.project_id::text || ':' || NEW.group_key, 0));
        IF EXISTS (SELECT 1 FROM projects_case other WHERE other.project_id = NEW.project_id
            AND other.group_key = NEW.group_key AND other.split <> 'EMBARGOED' AND other.split <> NEW.split) THEN
          RAISE EXCEPTION 'a patient or near-duplicate group lies in one split' USING ERRCODE = 'check_violation';
        END IF;
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER projects_case_one_split_per_group BEFORE INSERT ON projects_case
    FOR EACH ROW EXECUTE FUNCTION projects_case_one_split_per_group()
    """,
    """
    CREATE OR REPLACE FUNCTION projects_assignment_blinded() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.arm <> 'blinded' AND EXISTS (
          SELECT 1 FROM projects_case WHERE id = NEW.case_id AND split IN ('VALIDATION', 'HOLDOUT')) THEN
        RAISE EXCEPTION 'VALIDATION and HOLDOUT are read blinded' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER projects_assignment_blinded BEFORE INSERT OR UPDATE OF arm, case_id ON projects_assignment
    FOR EACH ROW EXECUTE FUNCTION projects_assignment_blinded()
    """,
)
