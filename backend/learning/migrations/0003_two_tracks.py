from django.db import migrations, models


def name_tracks(apps, schema_editor):
    """A warm round was what is now the fast track, one from scratch the slow one."""
    for round_ in apps.get_model("learning", "Round").objects.all().iterator():
        before = round_.settings.get("track")
        if before in ("warm", "scratch"):
            round_.settings = {**round_.settings, "start": before, "track": "fast" if before == "warm" else "slow"}
            round_.save(update_fields=["settings"])


def forget_tracks(apps, schema_editor):
    for round_ in apps.get_model("learning", "Round").objects.all().iterator():
        before = round_.settings.pop("start", None)
        if before is not None:
            round_.settings["track"] = "warm" if before == "warm" else "scratch"
            round_.save(update_fields=["settings"])


class Migration(migrations.Migration):
    dependencies = [("learning", "0002_what_to_read_next")]

    operations = [
        migrations.AddField("round", "reason", models.JSONField(default=dict)),
        migrations.AddField("trainingpolicy", "slow_growth", models.PositiveIntegerField(default=25)),
        migrations.AddField(
            "trainingpolicy",
            "slow_start",
            models.CharField(
                choices=[("warm", "Warm"), ("scratch", "Scratch"), ("shrink_perturb", "Shrink Perturb")],
                default="scratch",
                max_length=14,
            ),
        ),
        migrations.AddField("trainingpolicy", "slow_hour", models.PositiveSmallIntegerField(null=True)),
        migrations.AlterField("trainingpolicy", "steps_warm", models.PositiveIntegerField(default=30)),
        migrations.RunPython(name_tracks, forget_tracks),
    ]
