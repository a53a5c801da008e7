# SPDX-License-Identifier: Apache-2.0
from django.db import migrations


def withdraw(apps, _schema_editor) -> None:
    """Withdraw the "matches" of summaries that were judged before `agent.understanding.told`: what it would say of them is unknown."""
    for summary in apps.get_model("agent", "Summary").objects.filter(verdict="matches"):
        summary.verdict = "unmatched"
        for finding in summary.findings:
            if finding.get("kind") == "claimed_and_done":
                finding["text"] = "The text has the numbers and addresses of this call, as an older version found."
        summary.save(update_fields=["verdict", "findings"])


class Migration(migrations.Migration):
    dependencies = [("agent", "0003_summaries_again")]

    operations = [migrations.RunPython(withdraw, migrations.RunPython.noop)]
