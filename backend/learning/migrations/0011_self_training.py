from django.db import migrations, models


class Migration(migrations.Migration):
    """Projects that are there go on as they do until their lead chooses; new ones learn from unread images, too."""

    dependencies = [
        ("learning", "0010_encoder"),
    ]

    operations = [
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
    ]
