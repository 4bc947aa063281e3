from django.db import migrations, models


def keep_as_it_is(apps, schema_editor):
    """A project whose lead has never saved a policy has no row, and would follow the new default without a word."""
    policies = apps.get_model("learning", "TrainingPolicy")
    projects = apps.get_model("projects", "Project").objects.exclude(pk__in=policies.objects.values("project"))
    policies.objects.bulk_create([policies(project=project, gate_margin=None) for project in projects])


class Migration(migrations.Migration):
    """Projects that are there keep the rule that they have until their lead chooses; new ones begin with a margin."""

    dependencies = [
        ("learning", "0011_self_training"),
        ("projects", "0009_sent_back_assignments"),
    ]

    operations = [
        migrations.AlterField(
            model_name="trainingpolicy",
            name="gate_margin",
            field=models.FloatField(default=0.1, null=True),
        ),
        migrations.RunPython(keep_as_it_is, migrations.RunPython.noop),
    ]
