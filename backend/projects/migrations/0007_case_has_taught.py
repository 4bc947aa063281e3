from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0006_case_hashes"),
    ]

    operations = [
        migrations.AddField(
            model_name="case",
            name="has_taught",
            field=models.BooleanField(default=False),
        ),
    ]
