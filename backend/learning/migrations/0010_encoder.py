from django.db import migrations, models

CHOICES = [("pretrained", "Pretrained"), ("own", "Own")]


class Migration(migrations.Migration):
    """Projects that are there keep what they have until their lead chooses: not everybody may use weights from elsewhere."""

    dependencies = [
        ("learning", "0009_default_acquisition"),
    ]

    operations = [
        migrations.AddField(
            model_name="trainingpolicy",
            name="encoder",
            field=models.CharField(choices=CHOICES, default="own", max_length=10),
        ),
        migrations.AlterField(
            model_name="trainingpolicy",
            name="encoder",
            field=models.CharField(choices=CHOICES, default="pretrained", max_length=10),
        ),
    ]
