"""Segmentations that reports of other imports may refer to, and why what waited was not used."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """`RememberedSegmentation` and `PendingReading.reason`."""

    dependencies = [("exchange", "0007_facts_of_refused_files"), ("projects", "0009_sent_back_assignments")]
    operations = [
        migrations.AddField("pendingreading", "reason", models.TextField(blank=True)),
        migrations.CreateModel(
            name="RememberedSegmentation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sop_instance_uid", models.CharField(max_length=64)),
                ("reader", models.CharField(blank=True, max_length=150)),
                ("key", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="remembered_segmentations",
                        to="projects.project",
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "sop_instance_uid"), name="one_remembered_segmentation")
                ],
            },
        ),
    ]
