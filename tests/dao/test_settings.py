# SPDX-License-Identifier: Apache-2.0
"""Settings that make no sense are refused in one clear line, before anything runs."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from dao.settings import ROOT, _extra_body


@pytest.mark.parametrize(
    "text", ["", "{}", '{"chat_template_kwargs": {"enable_thinking": false}}', '{"top_k": 1, "é": [null]}']
)
def test_an_object_of_fields_is_taken(text):
    assert isinstance(_extra_body(text), dict)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "no JSON object"),
        ("7", "no JSON object"),
        ("null", "no JSON object"),
        ("{'a': 1}", "can't be read as JSON"),
        ("{", "can't be read as JSON"),
        ('{"a": NaN}', "can't be read as JSON"),
        ('{"a": 1e999}', "can't be read as JSON"),
        ('{"a": 99999999999999999999}', "can't be read as JSON"),
        ('{"a": "\\ud800"}', "can't be read as JSON"),
        ('{"a": 1, "a": 2}', "twice"),
        ('{"a": ' + "[" * 4000 + "]" * 4000 + "}", "can't be read as JSON"),
        ('{"a": "' + "x" * 10_000 + '"}', "longer than"),
        ('{"model": "other"}', "may not set model"),
        ('{"top_k": 1, "stream": true, "n": 2}', "may not set n, stream"),
        ('{"messages": []}', "may not set messages"),
        ('{"response_format": null}', "may not set response_format"),
        ('{"structured_outputs": {}}', "may not set structured_outputs"),
        ('{"temperature": 1}', "may not set temperature"),
        ('{"max_tokens": 1}', "may not set max_tokens"),
        ('{"seed": 1}', "may not set seed"),
    ],
)  # fmt: skip
def test_what_is_no_object_or_is_ours_to_set_is_refused(text, says):
    with pytest.raises(ImproperlyConfigured, match=says) as refused:
        _extra_body(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MODEL_EXTRA_BODY", "[]", "MODEL_EXTRA_BODY is no JSON object"),
        ("MANDATE_FINALITY_DEPTHS", "137", "holds '137': write <chain id>=<blocks>"),
        ("MANDATE_FINALITY_DEPTHS", "137=512 10=0", "holds '10=0'"),
        ("MANDATE_FINALITY_DEPTHS", "137=-1", "1 to 1,000,000"),
        ("MANDATE_FINALITY_DEPTHS", "137=1000001", "1 to 1,000,000"),
        ("MODEL_DEADLINE_S", "0", "MODEL_DEADLINE_S is 0"),
        ("MODEL_DEADLINE_S", "soon", "whole number"),
        ("MODEL_DEADLINE_S", "99999", "1 to 3600"),
        ("MODEL_SILENCE_S", "-1", "whole number"),
        ("MODEL_SILENCE_S", "9999999", "0 to 2592000"),
        ("MODEL_URL", "127.0.0.1:8000", "does not begin with http"),
        ("MODEL_EXTRA_BODY_FILE", "/nonexistent", "can't be read"),
    ],
)
def test_a_process_says_so_and_ends(name, value, says):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import dao.settings"], cwd=ROOT, env={**os.environ, name: value},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert says in done.stderr.splitlines()[-1]


def test_the_fields_may_stand_in_a_file(tmp_path):
    (tmp_path / "extra.json").write_text('{"top_k": 1}\n')
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "from dao.settings import MODEL_EXTRA_BODY as m; print(m)"], cwd=ROOT,
        env={**os.environ, "MODEL_EXTRA_BODY_FILE": str(tmp_path / "extra.json")},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "{'top_k': 1}"
