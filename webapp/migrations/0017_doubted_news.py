from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webapp", "0016_news_since"),
    ]

    operations = [
        migrations.AddField(
            model_name="digestsent",
            name="doubted",
            field=models.JSONField(null=True),
        ),
    ]
