"""What cases look like gets tables of its own; those that are here are looked at once."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F


def hash_known_cases(apps: Any, schema_editor: Any) -> None:
    """The hash of each case's image, or of its series' middle slice in reading order."""
    case_model, instance_model, hash_model, part_model = (
        apps.get_model(*name)
        for name in (
            ("projects", "Case"),
            ("archive", "Instance"),
            ("projects", "CaseHash"),
            ("projects", "CaseHashPart"),
        )
    )
    for case in case_model.objects.select_related("instance").defer("instance__dicom_json").iterator(500):
        if case.instance is not None:
            dhash = case.instance.dhash
        else:
            order = F("position").asc(nulls_last=True), "instance_number", "sop_instance_uid"
            slices = list(
                instance_model.objects.filter(series_id=case.series_id).order_by(*order).values_list("dhash", flat=True)
            )
            dhash = slices[len(slices) // 2] if slices else ""
        if dhash:
            made = hash_model.objects.create(case_id=case.pk, project_id=case.project_id, dhash=dhash)
            keys = (place << 16 | int(dhash[place * 4 : place * 4 + 4], 16) for place in range(16))
            part_model.objects.bulk_create([part_model(hash=made, project_id=case.project_id, key=key) for key in keys])


class Migration(migrations.Migration):
    dependencies = [
        ("archive", "0001_initial"),
        ("projects", "0005_may_reidentify"),
    ]

    operations = [
        migrations.CreateModel(
            name="CaseHash",
            fields=[
                (
                    "case",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="hash",
                        serialize=False,
                        to="projects.case",
                    ),
                ),
                ("dhash", models.CharField(max_length=64)),
                (
                    "project",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="projects.project"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CaseHashPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.PositiveIntegerField()),
                (
                    "hash",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="projects.casehash"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="projects.project",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["project", "key"], name="case_hash_part")],
            },
        ),
        migrations.RunPython(hash_known_cases, migrations.RunPython.noop),
    ]
