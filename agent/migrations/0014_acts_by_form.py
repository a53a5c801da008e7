import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agent", "0013_when_the_model_was_last_asked"),
    ]

    operations = [
        migrations.AddField(
            model_name="request",
            name="act",
            field=models.JSONField(default=dict),
        ),
        migrations.AlterField(
            model_name="candidate",
            name="roster",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="agent.roster"
            ),
        ),
    ]
