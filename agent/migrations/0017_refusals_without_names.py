# SPDX-License-Identifier: Apache-2.0
"""Takes roster names out of refusals that a release before 0015 stored: refusals are public, and who is who is not.

Those wrote `“ines” (0x...)`, with the name that the roster gave to the address; only the address stays. A text that was
cut at its end may hold a name without its address: what stands behind the last opening quotation mark goes with it. Names
that policies gave stood in none of these texts: nobody lent them.
"""

import re

from django.db import migrations

_NAMED = re.compile("“[^“”]*” \\((0x[0-9a-fA-F]{40})\\)")
_CUT = re.compile("“[^“”]*(?:”(?: (?:\\((?:0(?:x[0-9a-fA-F]{0,40})?)?)?)?)?$")
_LONGEST = 400  # of a request's reason, which was cut there
_MARK = "…"


def without_names(text):
    """The text with each named address by its address alone; where it was cut within one, up to there."""
    masked = _NAMED.sub(r"\1", text)
    return _CUT.sub(_MARK, masked) if len(text) >= _LONGEST else masked


def masked(value):
    """The same of every text in a JSON value."""
    if isinstance(value, str):
        return without_names(value)
    if isinstance(value, list):
        return [masked(item) for item in value]
    return {key: masked(item) for key, item in value.items()} if isinstance(value, dict) else value


def mask(apps, _schema):
    for model, columns in (
        ("Refusal", ("reasons", "label", "label_code", "module_says")),
        ("Request", ("reason", "reason_values")),
        ("RequestMove", ("reason_values",)),
    ):
        manager = apps.get_model("agent", model).objects
        for row in manager.only("pk", *columns).iterator(chunk_size=500):
            changed = {name: new for name in columns if (new := masked(getattr(row, name))) != getattr(row, name)}
            if changed:
                manager.filter(pk=row.pk).update(**changed)


class Migration(migrations.Migration):
    dependencies = [("agent", "0016_chain_facts")]

    operations = [migrations.RunPython(mask, migrations.RunPython.noop)]
