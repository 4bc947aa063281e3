"""The database refuses an evaluation that would break the splits: only VALIDATION, and HOLDOUT once released."""

from django.db import migrations

SQLITE = """
CREATE TRIGGER registry_evaluation_{name} BEFORE {event} ON registry_evaluation
WHEN NEW.split NOT IN ('VALIDATION', 'HOLDOUT')
  OR (NEW.split = 'HOLDOUT'
      AND NOT EXISTS (SELECT 1 FROM registry_modelversion WHERE id = NEW.model_version_id AND released_at IS NOT NULL))
BEGIN SELECT RAISE(ABORT, 'an evaluation is on VALIDATION, or on HOLDOUT of a released version'); END
"""
POSTGRES_FUNCTION = """
CREATE FUNCTION registry_evaluation_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.split NOT IN ('VALIDATION', 'HOLDOUT') OR (NEW.split = 'HOLDOUT' AND NOT EXISTS (
      SELECT 1 FROM registry_modelversion WHERE id = NEW.model_version_id AND released_at IS NOT NULL)) THEN
    RAISE EXCEPTION 'an evaluation is on VALIDATION, or on HOLDOUT of a released version' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
"""
POSTGRES_TRIGGER = """
CREATE TRIGGER registry_evaluation_check BEFORE INSERT OR UPDATE ON registry_evaluation
FOR EACH ROW EXECUTE FUNCTION registry_evaluation_check()
"""


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for event in ("INSERT", "UPDATE"):
            schema_editor.execute(SQLITE.format(name=event.lower(), event=event))
    else:
        schema_editor.execute(POSTGRES_FUNCTION)
        schema_editor.execute(POSTGRES_TRIGGER)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for event in ("insert", "update"):
            schema_editor.execute(f"DROP TRIGGER registry_evaluation_{event}")
    else:
        schema_editor.execute("DROP TRIGGER registry_evaluation_check ON registry_evaluation")
        schema_editor.execute("DROP FUNCTION registry_evaluation_check()")


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
