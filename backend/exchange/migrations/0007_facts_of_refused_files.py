"""What can be told of a file that is not stored."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """`ImportItem.facts`."""

    dependencies = [("exchange", "0006_published_objects")]
    operations = [migrations.AddField("importitem", "facts", models.JSONField(default=dict))]
