# SPDX-License-Identifier: Apache-2.0
"""The measurement of the planner: its requests are what it says, and a wrong payment is found and fails the run."""

import json
from dataclasses import replace

import bench.planner.__main__ as planner


def test_no_request_is_paid_wrongly_without_the_operator(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(planner, "RESULTS", tmp_path)
    assert planner.main([]) == 0
    found = json.loads((tmp_path / "planner-no-model.json").read_text())
    assert found["requests"] >= 200
    assert len({one.language for one in planner.requests()}) == 6
    assert len(found["by"]) == 18
    assert found["all"]["wrong payment"] == 0
    assert found["all"]["right candidate"] >= 19
    assert found["all"]["wrong offer"] <= 5
    assert sum(found["all"][verdict] for verdict in planner.VERDICTS) == found["requests"]
    assert "model: no model" in capsys.readouterr().out


def test_a_planner_that_pays_what_was_not_wanted_fails_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(planner, "RESULTS", tmp_path)
    right = planner.outcome

    def wrong(asked, model):
        found = right(asked, model)
        return replace(found, free=found.offers[0]) if found.verdict == "wrong offer" else found

    monkeypatch.setattr(planner, "outcome", wrong)
    assert planner.main([]) == 1
    assert json.loads((tmp_path / "planner-no-model.json").read_text())["all"]["wrong payment"] >= 5  # each wrong offer
