from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agent", "0012_silence_and_meaning"),
    ]

    operations = [
        migrations.AddField(
            model_name="request",
            name="model_asked_at",
            field=models.DateTimeField(null=True),
        ),
    ]
