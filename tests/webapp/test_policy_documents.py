# SPDX-License-Identifier: Apache-2.0
"""The document that members read: found in the proposal, kept and served by its hash, shown beside the decoded code."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

import policies
from governance.chain.module import SET_POLICY
from governance.models import Contract, PolicyVersion, ProposalTransition
from policies.code.encoding import codehash, encode, policy_id, set_policy_calldata
from policies.document.document import load
from policies.document.published import published
from policies.notation.hexadecimal import hex_text
from tests.webapp.conftest import account
from webapp.models import PolicyText
from webapp.policies import texts

pytestmark = pytest.mark.django_db
PAYROLL = (Path(policies.__file__).parent / "templates" / "payroll.yaml").read_text()
RAISED = PAYROLL.replace("limit: 12,000 USDC", "limit: 15,000 USDC")
HASH, PUBLISHED = published(PAYROLL)
PAGE = "/river/policies/"


def put_in_force(made: Any, text: str = PAYROLL, version: int = 1, proposal: Any = None) -> PolicyVersion:
    """The policy, set in a transaction of its own, by a proposal if one is given."""
    code, log = encode(load(text)), made.log()
    if proposal is not None:
        ProposalTransition.objects.create(proposal=proposal, kind="executed", log=log)
    return PolicyVersion.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=b"\1" * 32, version=version, agent=account(50),
        codehash=codehash(code), code=code, log=log,
    )  # fmt: skip


def proposed(made: Any, text: str, *, block: str | None = None, number: int = 7) -> Any:
    """A proposal that sets the policy, with a block in its text."""
    shown = text if block is None else block
    made_ = made.proposal(number, description=f"# New policy\n\nAs discussed.\n\n```yaml\n{shown}```\n\nThanks.")
    made_.actions.update(calldata=set_policy_calldata(b"\1" * 32, encode(load(text))))
    return made_


def test_the_text_in_the_proposal_is_found_kept_served_and_shown(client: Any, made: Any) -> None:
    put_in_force(made, proposal=proposed(made, PAYROLL))
    assert "This mirror has not found the text" in client.get(PAGE).content.decode()
    assert client.get(f"/policies/{hex_text(HASH)}.yaml").status_code == 404
    assert texts.find_in_proposals() == 1
    assert texts.find_in_proposals() == 0
    answer = client.get(f"/policies/{hex_text(HASH)}.yaml")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer["X-Content-Type-Options"] == "nosniff"
    body = answer.content.decode()
    assert (body, load(body).document_hash) == (PUBLISHED, HASH)
    page = client.get(PAGE).content.decode()
    assert "This mirror has not found the text" not in page
    assert "Monthly pay of the five contributors." in page
    assert f"/policies/{hex_text(HASH)}.yaml" in page
    (policy,) = client.get("/api/v1/daos/river/policies").json()
    assert (policy["document_hash"], policy["document"]) == (hex_text(HASH), PUBLISHED)


def test_a_policy_is_headed_by_the_name_in_its_document_where_its_id_is_made_of_that_name(
    client: Any, made: Any
) -> None:
    row = put_in_force(made)
    assert "Policy <code" in client.get(PAGE).content.decode()
    texts.keep(PAYROLL)
    # Its id is no hash of “payroll”: whoever reads the name would take it for another policy.
    assert "Policy <code" in client.get(PAGE).content.decode()
    PolicyVersion.objects.filter(pk=row.pk).update(policy_id=policy_id("payroll"))
    page = client.get(PAGE).content.decode()
    short = f"{hex_text(policy_id('payroll'))[:6]}"
    assert f'Policy “payroll” <code title="{hex_text(policy_id("payroll"))}">{short}' in page
    assert "Policy <code" not in page


def test_the_text_of_a_call_whose_function_is_named_as_text_is_found(made: Any) -> None:
    """Of Compound's kin: the selector is nowhere in the data."""
    proposal = proposed(made, PAYROLL)
    data = bytes(proposal.actions.get().calldata)[4:]
    proposal.actions.update(calldata=data, signature=SET_POLICY)
    assert texts.find_in_proposals() == 1
    assert texts.text_of(HASH) == PUBLISHED


def test_comments_are_not_published_for_the_hash_does_not_cover_them(made: Any) -> None:
    lie = PAYROLL.replace("limit: 12,000 USDC", "limit: 12,000 USDC  # at most 10 USDC, whatever it says")
    proposed(made, PAYROLL, block=lie)
    assert texts.find_in_proposals() == 1
    assert texts.text_of(HASH) == PUBLISHED
    assert "#" not in PUBLISHED


def with_parameters() -> str:
    """The document written with a parameter whose name tells another story."""
    return PAYROLL.replace("limit: 12,000 USDC", "limit: $never_more_than_10_USDC") + (
        "\nparameters: {never_more_than_10_USDC: '12,000 USDC'}\n"
    )


def test_parameters_are_not_published_for_the_hash_does_not_cover_them(made: Any) -> None:
    proposed(made, PAYROLL, block=with_parameters())
    assert texts.find_in_proposals() == 1
    assert texts.text_of(HASH) == PUBLISHED
    assert texts.keep(PAYROLL + "\n# and a comment") == HASH


def test_texts_that_were_kept_before_are_published_anew() -> None:
    PolicyText.objects.create(document_hash=HASH, text=with_parameters())
    PolicyText.objects.create(document_hash=b"\2" * 32, text=f"{PAYROLL}\nparameters: {{READ_ME: 'all is well'}}\n")
    import_module("webapp.migrations.0004_plain_policy_texts").publish_again(apps, None)
    assert [(bytes(row.document_hash), row.text) for row in PolicyText.objects.all()] == [(HASH, PUBLISHED)]


def test_each_proposal_is_searched_once(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many blocks of a proposal are documents that are costly to read, they are read in one round only."""
    costly = "\n```\n\n```yaml\n".join([RAISED] * 3)
    proposed(made, PAYROLL, block=costly)
    proposed(made, PAYROLL, block=RAISED, number=8)
    read: list[str] = []
    plain = texts.read
    monkeypatch.setattr(texts, "read", lambda text: read.append(text) or plain(text))
    monkeypatch.setattr(texts, "ROUND_CPU_S", 0.001)
    assert texts.find_in_proposals() == 0
    assert len(read) == 1  # of the newest; the next round has the other
    monkeypatch.setattr(texts, "PROPOSAL_CPU_S", 0.001)
    assert texts.find_in_proposals() == 0
    assert len(read) == 2  # its first block used up what a proposal may cost
    assert texts.find_in_proposals() == 0
    assert len(read) == 2
    run("find", "--again")
    assert len(read) == 3


@pytest.mark.parametrize(
    "block",
    [
        RAISED,
        PAYROLL.replace("ines", "inez"),
        "agent rules [",
        "agent: &a [rules, *a]\n",
        "x" * 300_000 + "agent rules",
    ],
    ids=["another policy", "another name", "no YAML", "a bomb", "too long"],
)
def test_a_text_that_is_not_voted_on_is_not_kept(made: Any, block: str) -> None:
    """Neither another policy beside the code, nor what is no policy at all: and a hostile one stops nothing."""
    proposed(made, PAYROLL, block=block + "\n")
    assert texts.find_in_proposals() == 0
    assert PolicyText.objects.count() == 0


def test_each_version_is_shown_with_its_vote_and_what_it_changed(client: Any, made: Any) -> None:
    first, second = proposed(made, PAYROLL), made.proposal(8, description="# Raise the budget\n\nBy 3,000 USDC.")
    put_in_force(made, proposal=first)
    put_in_force(made, RAISED, 2, second)
    put_in_force(made, PAYROLL, 3)
    page = client.get(PAGE).content.decode()
    assert "Raise the budget" in page
    assert "Which vote set it is not known" in page  # of the third
    assert "The first version that was read" in page
    (policy,) = client.get("/api/v1/daos/river/policies").json()
    versions = policy["versions"]
    assert [(one["version"], one["proposal_id"]) for one in versions] == [(3, None), (2, "8"), (1, "7")]
    assert [one["changes"] and one["changes"][0]["mark"] for one in versions] == ["tighter", "wider", None]
    assert "at most 15,000,000,000 base units" in versions[1]["changes"][0]["text"]


def test_votes_that_count_as_of_now_are_named_beside_the_policy(client: Any, made: Any) -> None:
    """Its sentences say what share of all votes stops an act; of when they count is said below."""
    put_in_force(made)
    (policy,) = client.get("/api/v1/daos/river/policies").json()
    assert policy["counted_as_of_now"] is None
    Contract.objects.filter(kind="module").update(capabilities={"votes_adapter": "PriorVotesAdapter"})
    assert "The total supply counts as of now" in client.get(PAGE).content.decode()
    (policy,) = client.get("/api/v1/daos/river/policies").json()
    assert "The total supply counts as of now" in policy["counted_as_of_now"]


def test_a_version_whose_code_was_not_read_says_so(client: Any, made: Any) -> None:
    put_in_force(made)
    PolicyVersion.objects.update(code=b"")
    put_in_force(made, RAISED, 2)
    assert "What it changed is not known" in client.get(PAGE).content.decode()


def test_a_transaction_that_executed_two_proposals_names_neither(client: Any, made: Any) -> None:
    set_ = put_in_force(made, proposal=proposed(made, PAYROLL))
    ProposalTransition.objects.create(proposal=made.proposal(8), kind="executed", log=set_.log)
    (policy,) = client.get("/api/v1/daos/river/policies").json()
    assert policy["versions"][0]["proposal_id"] is None


@pytest.mark.parametrize("name", ["0x12", "x" * 64, "0x" + "g" * 64, "0x" + "00" * 33, "%2e%2e"])
def test_what_is_no_hash_is_not_found(client: Any, name: str) -> None:
    assert client.get(f"/policies/{name}.yaml").status_code == 404


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("policy_document", *arguments, stdout=out)
    return out.getvalue().strip()


def test_an_operator_gives_a_document_by_its_file(client: Any, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(PAYROLL)
    path = run("publish", str(tmp_path / "p.yaml"))
    assert path == f"/policies/{hex_text(HASH)}.yaml"
    assert client.get(path).status_code == 200
    assert run("publish", str(tmp_path / "p.yaml")) == path
    (tmp_path / "p.yaml").write_text(PAYROLL.replace("[ines, jon, kim, lea, max]", "{file: people.txt}"))
    with pytest.raises(CommandError, match="no document that is complete by itself"):
        run("publish", str(tmp_path / "p.yaml"))


def serve(monkeypatch: pytest.MonkeyPatch, body: bytes, status: int = 200) -> list[str]:
    """Another mirror that answers with this; returns what it was asked for."""
    asked: list[str] = []

    @contextmanager
    def stream(method: str, url: str, **_: object) -> Iterator[Any]:
        asked.append(f"{method} {url}")
        yield SimpleNamespace(status_code=status, iter_bytes=lambda: iter([body[:100], body[100:]]))

    monkeypatch.setattr(httpx, "stream", stream)
    return asked


def test_another_mirror_s_document_is_kept_if_it_has_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = serve(monkeypatch, PUBLISHED.encode())
    assert run("fetch", hex_text(HASH), "--from", "https://mirror.example/") == f"/policies/{hex_text(HASH)}.yaml"
    assert asked == [f"GET https://mirror.example/policies/{hex_text(HASH)}.yaml"]
    assert texts.text_of(HASH) == PUBLISHED


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (RAISED.encode(), 200, "is another document: its hash is 0x"),
        (b"<html>", 200, "no document that is complete by itself"),
        (b"\xff\xfe", 200, "is not UTF-8 text"),
        (b"x" * 200_000, 200, "is larger than"),
        (b"", 404, "answers 404"),
    ],
)
def test_another_mirror_can_not_give_anything_else(
    monkeypatch: pytest.MonkeyPatch, body: bytes, status: int, said: str
) -> None:
    serve(monkeypatch, body, status)
    with pytest.raises(CommandError, match=said):
        run("fetch", hex_text(HASH), "--from", "https://mirror.example")
    assert PolicyText.objects.count() == 0
