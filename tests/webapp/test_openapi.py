# SPDX-License-Identifier: Apache-2.0
"""The API is what its schema says: asked everything that the schema allows, and much that it forbids, it answers with
statuses, types and fields that are written there, and never fails."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from agent.models import Request
from governance.models import Proposal, Vote
from presentation.words import address_text
from tests.webapp import states
from webapp import throttle
from webapp.account import signin
from webapp.api import api

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATIONS = [
    (path, method)
    for path, methods in api.get_openapi_schema(path_prefix="/api/v1/")["paths"].items()
    for method in methods
]
CASES = 25


@pytest.fixture
def schema(made, settings, monkeypatch):
    """The API of a DAO that is in every state that pages tell apart; nobody is asked too often."""
    settings.RPC_URLS = {}
    settings.KEEPERS = frozenset({b"\7" * 20})
    settings.ALLOWED_HOSTS = ["localhost"]  # as Schemathesis calls an application
    states.fill(made)
    monkeypatch.setattr(throttle, "allow", lambda *_, **__: True)
    signals = (request_started, request_finished)
    for signal in signals:  # as Django's test client does: the test's own connection must outlive a request
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    for signal in signals:
        signal.connect(close_old_connections)


def real_values(made) -> dict[str, list[Any]]:
    """By a parameter's name, what is there to be asked about."""
    accounts = [address_text(bytes(voter)) for voter in Vote.objects.values_list("voter", flat=True)[:5]]
    accounts += [address_text(b"\7" * 20), "0x" + "ab" * 20]
    return {
        "slug": [made.dao.slug],
        "proposal_id": [str(number) for number in Proposal.objects.values_list("proposal_id", flat=True)],
        "request_id": list(Request.objects.values_list("pk", flat=True)),
        "account": accounts, "voter": accounts, "delegate": accounts, "delegator": accounts, "after": accounts,
        "candidate": ["c1", "c2"], "support": [0, 1, 2], "signature": ["0x" + "11" * 65],
    }  # fmt: skip


def put(place: Any, data: st.DataObject, known: dict[str, list[Any]]) -> None:
    """Put what is there into parameters or a body, in two of three cases."""
    if not isinstance(place, dict):
        return
    for name in list(place):
        if known.get(name) and data.draw(st.integers(0, 2)):
            place[name] = data.draw(st.sampled_from(known[name]))


@pytest.mark.parametrize("is_signed_in", [False, True], ids=["stranger", "signed in"])
def test_operations_answer_as_their_schema_says(schema, made, monkeypatch, is_signed_in):
    monkeypatch.setattr(signin, "account_of", lambda _: b"\7" * 20 if is_signed_in else None)
    known, wrong = real_values(made), []
    for path, method in OPERATIONS:
        if is_signed_in and method == "get":
            continue  # no reading operation asks who reads
        try:
            ask_much(schema[path][method.upper()], known)
        except (AssertionError, FailureGroup) as error:
            wrong.append(f"{method} {path}: {error!s:.2000}")
    assert not wrong, "\n\n".join(wrong)


def ask_much(operation: schemathesis.APIOperation, known: dict[str, list[Any]]) -> None:
    """Ask an operation what its schema allows and forbids, mostly about what is there."""
    strategies = st.one_of(operation.as_strategy(), operation.as_strategy(schemathesis.GenerationMode.NEGATIVE))

    @settings(
        derandomize=True, max_examples=CASES, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=strategies, data=st.data())
    def asked(case, data):
        put(case.path_parameters, data, known)
        put(case.query, data, known)
        put(case.body, data, known)
        response = case.call(headers={"Accept-Encoding": "identity"})  # schemathesis unpacks nothing
        assert response.status_code != 500, response.text
        case.validate_response(response, checks=CHECKS)

    asked()


def test_every_operation_says_what_it_answers():
    told = api.get_openapi_schema(path_prefix="/api/v1/")["paths"]
    for path, method in OPERATIONS:
        operation = told[path][method]
        well = [status for status in operation["responses"] if status < 300]
        assert len(well) == 1, (path, method)
        content = operation["responses"][well[0]]["content"]["application/json"]["schema"]
        assert content not in ({}, {"type": "object"}), (path, method)
        if "{" in path:
            assert 404 in operation["responses"]


def test_what_is_not_written_is_not_sent():
    """An answer with a field that its schema does not have fails here before it surprises a program that reads it."""
    names = api.get_openapi_schema(path_prefix="/api/v1/")["components"]["schemas"]
    asked_for = {
        "Topic", "SignedVote", "SignedDelegation", "SignedStatement", "SignedRoster", "Ask", "Approve", "Subscribe",
        "Stop", "Start",
    }  # fmt: skip
    open_ended = {name for name, one in names.items() if one.get("additionalProperties") is not False}
    assert open_ended <= asked_for
    assert len(set(itertools.chain(names))) > 40
