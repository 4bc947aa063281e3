"""The database refuses to train on anything but POOL cases."""

from django.db import migrations

SQLITE = """
CREATE TRIGGER learning_snapshotitem_{name} BEFORE {event} ON learning_snapshotitem
WHEN NOT EXISTS (SELECT 1 FROM projects_case WHERE id = NEW.case_id AND split = 'POOL')
  OR NOT EXISTS (SELECT 1 FROM readings_reading WHERE id = NEW.reading_id AND case_id = NEW.case_id)
BEGIN SELECT RAISE(ABORT, 'a snapshot holds readings of POOL cases only'); END
"""
POSTGRES_FUNCTION = """
CREATE FUNCTION learning_snapshotitem_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM projects_case WHERE id = NEW.case_id AND split = 'POOL')
     OR NOT EXISTS (SELECT 1 FROM readings_reading WHERE id = NEW.reading_id AND case_id = NEW.case_id) THEN
    RAISE EXCEPTION 'a snapshot holds readings of POOL cases only' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
"""
POSTGRES_TRIGGER = """
CREATE TRIGGER learning_snapshotitem_check BEFORE INSERT OR UPDATE ON learning_snapshotitem
FOR EACH ROW EXECUTE FUNCTION learning_snapshotitem_check()
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
            schema_editor.execute(f"DROP TRIGGER learning_snapshotitem_{event}")
    else:
        schema_editor.execute("DROP TRIGGER learning_snapshotitem_check ON learning_snapshotitem")
        schema_editor.execute("DROP FUNCTION learning_snapshotitem_check()")


class Migration(migrations.Migration):
    dependencies = [("learning", "0001_initial"), ("projects", "0001_initial"), ("readings", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
