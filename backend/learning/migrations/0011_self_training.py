import django.db.models.deletion
from django.db import migrations, models


def keep_as_it_is(apps, schema_editor):
    """A project whose lead has never saved a policy has no row, and would follow the new defaults without a word."""
    policies = apps.get_model("learning", "TrainingPolicy")
    projects = apps.get_model("projects", "Project").objects.exclude(pk__in=policies.objects.values("project"))
    policies.objects.bulk_create(
        [policies(project=project, learns_unread=False, steps_scratch=2000) for project in projects]
    )


class Migration(migrations.Migration):
    """Projects that are there go on as they do until their lead chooses; new ones learn from unread images, too."""

    dependencies = [
        ("learning", "0010_encoder"),
        ("projects", "0007_case_has_taught"),
    ]

    operations = [
        migrations.CreateModel(
            name="UnreadItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "case",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="projects.case"),
                ),
                (
                    "snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="unread", to="learning.snapshot"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("snapshot", "case"), name="unread_once_per_snapshot")],
            },
        ),
        migrations.AddField(
            model_name="trainingpolicy",
            name="learns_unread",
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name="trainingpolicy",
            name="learns_unread",
            field=models.BooleanField(default=True),
        ),
        migrations.AlterField(
            model_name="trainingpolicy",
            name="steps_scratch",
            field=models.PositiveIntegerField(default=1200),
        ),
        migrations.RunPython(keep_as_it_is, migrations.RunPython.noop),
    ]
