# SPDX-License-Identifier: Apache-2.0
"""Would a payment pass? On the page and in the API, and the same as the module does on a real chain."""

import re
from typing import Any

import pytest
from django.utils import timezone

from governance import readings, treasury
from governance.chain import abi
from governance.models import ChainReading, ModuleState, PolicyVersion
from policies.code.encoding import codehash, decode, encode
from policies.code.ring import Ring
from policies.code.signatures import TRANSFER
from policies.document.document import load
from policies.notation.hexadecimal import hex_text
from presentation.words import address_text
from tests.governance.conftest import POLICY_ID, USDC, local_chain, mirror, payroll  # noqa: F401 -- fixtures
from tests.governance.test_life import act, payment
from tests.webapp.conftest import DAY, NOW, account
from tests.webapp.states import TEMPLATES

pytestmark = pytest.mark.django_db
ID = b"\1" * 32
INES = "0x1000000000000000000000000000000000000001"


@pytest.fixture
def policy(made: Any) -> PolicyVersion:
    """The template payroll, in force, of which 5,000 of 12,000 USDC are spent; the treasury has 100,000."""
    usdc = address_text(bytes(made.contracts["asset"].address))
    text = (TEMPLATES / "payroll.yaml").read_text().replace("0x5c0000000000000000000000000000000000dEAD", usdc)
    code = load(text)
    raw = encode(code)
    made.contracts["module"].capabilities |= {"treasury": address_text(bytes(made.contracts["treasury"].address))}
    made.contracts["module"].save()
    version = PolicyVersion.objects.create(
        dao=made.dao, module=made.contracts["module"], policy_id=ID, version=1, agent=code.agent,
        codehash=codehash(raw), code=raw, log=made.log(),
    )  # fmt: skip
    read(made, version, spent=5_000)
    return version


def read(made: Any, version: PolicyVersion, *, spent: int, held: int = 100_000, block: int = 500) -> None:
    """What the chain said at a block."""
    code = decode(bytes(version.code))
    module, usdc = bytes(version.module.address), bytes(made.contracts["asset"].address)
    state = [account(9), 1, 3, NOW - DAY, code.end_s]
    (budget,) = code.budgets
    ring = Ring().charged(budget.segment_s, NOW - 60, spent * 10**6 // budget.base_units(1)).pack()
    told = [
        ("enabled", module, bytes(32), (1).to_bytes(32, "big")),
        ("balance", usdc, bytes(32), (held * 10**6).to_bytes(32, "big")),
        ("policy", module, ID, abi.encode(["address", "uint16", "uint24", "uint32", "uint40"], state)),
        ("ring", module, budget.key(ID, code.agent), ring.to_bytes(32, "big")),
    ]
    ChainReading.objects.all().delete()
    for kind, address, key, value in told:
        ChainReading.objects.create(
            dao=made.dao, kind=kind, address=address, key=key, value=value, block_number=block, block_hash=b"\5" * 32,
            block_timestamp_chain_s=NOW, read_at=timezone.now(),
        )  # fmt: skip


def asked(client: Any, made: Any, amount: str, to: str = INES, asset: bytes | None = None) -> tuple[dict, str]:
    """What the API and the page answer."""
    of = address_text(asset or bytes(made.contracts["asset"].address))
    query = {"asset": of, "to": to, "amount": amount}
    page = client.get("/river/policies/", {**query, "policy": hex_text(ID)}).content.decode()
    return client.get(f"/api/v1/daos/river/policies/{hex_text(ID)}/payment", query).json(), page


def test_a_payment_that_fits_passes_at_once_and_says_what_is_left(client: Any, made: Any, policy: Any) -> None:
    answer, page = asked(client, made, "1,000")
    assert (answer["verdict"], answer["amount"], answer["read_at_block"]) == ("at_once", "1000000000", 500)
    assert all(clause["holds"] for clause in answer["clauses"])
    assert answer["left"] == ["payroll: then 0 USDC are left at once, 6,000 USDC in all."]
    assert answer["conditions"] == ["call 1 returns true"]
    assert "<strong>Yes, at once.</strong>" in page
    assert "By the policy module's state at block 500" in page


def test_one_that_needs_an_announcement_says_why(client: Any, made: Any, policy: Any) -> None:
    answer, page = asked(client, made, "1,500")
    assert answer["verdict"] == "announced"
    assert answer["reasons"] == [
        "The budget “payroll”: the act takes 1,500 USDC, and 1,000 USDC are left of the 6,000 USDC in any 24 days "
        "without an objection window; it must be scheduled."
    ]
    assert "Only after an announcement of 2 days, if members let it pass." in page
    waiting = made.act(
        4, status="scheduled", act_id=b"\4" * 32, releasable_chain_s=NOW + 60, expires_chain_s=NOW + DAY
    )  # fmt: skip
    head = TRANSFER + bytes.fromhex(INES[2:]).rjust(32, b"\0")
    waiting.calls.update(calldata=head + (5 * USDC).to_bytes(32, "big"))
    assert asked(client, made, "1,500")[0]["left"][-1] == "5,495 USDC in all if what is announced is paid as well."
    assert asked(client, made, "4,999")[0]["verdict"] == "announced"
    waiting.calls.update(calldata=head + (6_000 * USDC).to_bytes(32, "big"))
    assert "does not fit any more" in asked(client, made, "4,999")[0]["left"][-1]


@pytest.mark.parametrize(
    ("amount", "to", "why"),
    [
        ("5,001", INES, "5,000 USDC are left in this act"),
        (
            "1",
            "0x6000000000000000000000000000000000000006",
            "the recipient is 0x6000000000000000000000000000000000000006",
        ),
        ("100,001", INES, "The treasury had no more than 100,000 USDC at block 500"),
    ],
)
def test_what_is_refused_says_why(client: Any, made: Any, policy: Any, amount: str, to: str, why: str) -> None:
    answer, page = asked(client, made, amount, to)
    assert answer["verdict"] == "refused"
    assert any(why in text for text in answer["reasons"]), answer["reasons"]
    assert "<strong>No.</strong>" in page
    assert answer["left"] == answer["conditions"] == []


def test_another_asset_is_no_call_that_the_policy_permits(client: Any, made: Any, policy: Any) -> None:
    answer, _ = asked(client, made, "1", asset=account(0))
    assert answer["verdict"] == "refused"
    assert "the policy permits no such call" in answer["reasons"][0]


def test_a_pause_stops_it_and_one_in_doubt_makes_it_unknown(client: Any, made: Any, policy: Any) -> None:
    state, _ = ModuleState.objects.get_or_create(module=made.contracts["module"])
    state.paused = True
    state.save()
    answer, _ = asked(client, made, "1")
    assert answer["verdict"] in ("refused", "unknown")
    assert "ause" in answer["reasons"][0]


def test_a_stopped_act_and_a_module_without_power_stop_it(client: Any, made: Any, policy: Any) -> None:
    killed = made.act(3, status="killed", act_id=b"\3" * 32, final_log=made.log())
    killed.final_log.block_timestamp_chain_s = NOW - DAY
    killed.final_log.save()
    assert asked(client, made, "1")[0]["verdict"] == "at_once"
    answer, _ = asked(client, made, "1,500")
    assert (answer["verdict"], answer["reasons"][0][:23]) == ("refused", "Members stopped an act;")
    ChainReading.objects.filter(kind="enabled").update(value=bytes(32))
    answer, _ = asked(client, made, "1")
    assert (answer["verdict"], answer["reasons"][0][:35]) == ("refused", "The policy module is not in power: ")


def test_a_module_of_another_owner_pays_all_the_same_and_its_owner_is_named(
    client: Any, made: Any, policy: Any
) -> None:
    ChainReading.objects.create(
        dao=made.dao, kind="owner", address=policy.module.address, key=bytes(32), value=account(77).rjust(32, b"\0"),
        block_number=500, block_hash=b"\5" * 32, block_timestamp_chain_s=NOW, read_at=timezone.now(),
    )  # fmt: skip
    answer, page = asked(client, made, "1,000")
    assert (answer["verdict"], answer["reasons"]) == ("at_once", [])
    assert f"belongs to {address_text(account(77))}" in answer["notes"][0]
    assert page.count("they do not rule it") == 2  # above the policies, and at the answer
    assert asked(client, made, "5,001")[0]["verdict"] == "refused"


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        ("balance", "What the policy module's treasury holds"),
        ("balance of another block", "What the policy module's treasury holds"),
        ("balance of another treasury", "What the policy module's treasury holds"),
        ("enabled", "Whether the treasury lets the policy module act"),
        ("enabled at another block", "Whether the treasury lets the policy module act"),
        ("codehash", "does not hash to what"),
        ("ended since", "has ended since"),
    ],
)
def test_nothing_is_said_to_pass_that_was_not_read_at_that_block(
    client: Any, made: Any, policy: Any, missing: str, why: str
) -> None:
    module = made.contracts["module"]
    rows = ChainReading.objects.filter(kind=missing.split()[0])
    if missing in ("balance", "enabled"):
        rows.delete()
    elif missing == "balance of another treasury":
        module.capabilities |= {"treasury": address_text(account(66))}
        module.save()
    elif missing == "codehash":
        PolicyVersion.objects.update(codehash=b"\7" * 32)
    elif missing == "ended since":
        state = [account(9), 1, 3, NOW - DAY, NOW]
        ChainReading.objects.filter(kind="policy").update(
            value=abi.encode(["address", "uint16", "uint24", "uint32", "uint40"], state)
        )
        ChainReading.objects.update(block_timestamp_chain_s=NOW - 5)
    else:
        rows.update(block_hash=b"\6" * 32)
    for amount in ("1,000", "1,500"):  # at once, and with an announcement
        answer, page = asked(client, made, amount)
        assert (answer["verdict"], answer["left"], answer["conditions"]) == ("unknown", [], [])
        assert len(answer["reasons"]) == 1
        assert why in answer["reasons"][0]
        assert "<strong>Not known.</strong>" in page
    if missing.startswith(("balance", "enabled")):
        assert asked(client, made, "1", account_text(6))[0]["verdict"] == "refused"  # by the policy alone


def test_a_second_treasury_pays_from_what_it_holds(client: Any, made: Any, policy: Any) -> None:
    """The first treasury has 100,000 USDC; the module pays from another one, which has 10."""
    module, other = made.contracts["module"], account(66)
    module.capabilities |= {"treasury": address_text(other)}
    module.save()
    assert asked(client, made, "1")[0]["verdict"] == "unknown"
    first = ChainReading.objects.get(kind="balance")
    first.pk, first.key, first.value = None, other.rjust(32, b"\0"), (10 * USDC).to_bytes(32, "big")
    first.save()
    assert asked(client, made, "10")[0]["verdict"] == "at_once"
    answer, _ = asked(client, made, "11")
    assert answer["verdict"] == "refused"
    assert answer["reasons"][0].startswith(f"The treasury {address_text(other)} had no more than 10 USDC at block 500")
    (held,) = treasury.holdings(made.dao)  # what the DAO's treasury is said to hold stays the first one's
    assert held.base_units == 100_000 * USDC


def account_text(number: int) -> str:
    return address_text(account(number))


def test_the_window_says_when_what_was_spent_comes_back(client: Any, made: Any, policy: Any) -> None:
    """Two payments, four segments apart: each comes back eight segments after its own, and the module's ring agrees."""
    (budget,) = decode(bytes(policy.code)).budgets
    early, late = NOW - 60 - 4 * budget.segment_s, NOW - 60
    unit = budget.base_units(1)
    ring = (
        Ring()
        .charged(budget.segment_s, early, 2_000 * USDC // unit)
        .charged(budget.segment_s, late, 500 * USDC // unit)
    )
    ChainReading.objects.filter(kind="ring").update(value=ring.pack().to_bytes(32, "big"))
    (told,) = client.get("/api/v1/daos/river/policies").json()
    first, last = told["budgets"][0]["returns"]
    assert [first["amount"], first["still_counts"]] == [str(2_000 * USDC), str(500 * USDC)]
    assert [last["amount"], last["still_counts"]] == [str(500 * USDC), "0"]
    assert first["spent_from_chain_s"] <= early < first["spent_before_chain_s"]
    assert last["spent_from_chain_s"] <= late < last["spent_before_chain_s"]
    for one, counts in ((first, 500), (last, 0)):
        assert ring.spent(budget.segment_s, one["at_chain_s"] - 1) * unit > counts * USDC
        assert ring.spent(budget.segment_s, one["at_chain_s"]) * unit == counts * USDC
    page = client.get("/river/policies/").content.decode()
    assert "2,500 USDC of 12,000 USDC count now; the first part comes back at" in page
    steps = re.search(r'<path d="M0 100H(\d+)V84H(\d+)V80H(\d+)V96H(\d+)V100H1000"/>', page)
    now = re.search(r'<path class="bound" d="M(\d+) 0V100"/>', page)
    assert steps
    assert now
    places = [*map(int, steps.groups()[:2]), int(now[1]), *map(int, steps.groups()[2:])]
    assert places == sorted(places)  # spent before now, back after it
    assert page.count('<path class="bound" d="M0 ') == 2
    ChainReading.objects.filter(kind="ring").update(value=bytes(32))
    assert "When it was spent" not in client.get("/river/policies/").content.decode()


@pytest.mark.parametrize("missing", ["policy", "ring", "another block", "an act since", "an end since"])
def test_what_was_not_read_is_not_known(client: Any, made: Any, policy: Any, missing: str) -> None:
    if missing == "another block":
        ChainReading.objects.filter(kind="ring").update(block_hash=b"\6" * 32)
    elif missing == "an act since":
        made.act(9).log.__class__.objects.filter(pk=made.dao.acts.get().log_id).update(block_number=501)
    elif missing == "an end since":
        end = made.log()
        type(end).objects.filter(pk=end.pk).update(block_number=501)
        made.act(9, status="released", final_log=end)
    else:
        ChainReading.objects.filter(kind=missing).delete()
    answer, page = asked(client, made, "1")
    assert (answer["verdict"], answer["left"]) == ("unknown", [])
    assert len(answer["reasons"]) == 1
    assert "<strong>Not known.</strong>" in page


@pytest.mark.parametrize(
    ("amount", "to", "says"),
    [
        ("12.000", INES, "can be read as 12,000 or as 12.000"),
        ("much", INES, "is not an amount"),
        ("", INES, "amount"),
        ("1" * 100, INES, "too long"),
        ("1", "ines", "40 hexadecimal digits"),
        ("9" * 75, INES, "no token has so much"),
        ("1", "0xAB00000000000000000000000000000000000aB1", "the checksum of"),
    ],
)
def test_what_is_no_payment_is_said(client: Any, made: Any, policy: Any, amount: str, to: str, says: str) -> None:
    answer, page = asked(client, made, amount, to)
    assert says in str(answer)
    assert says in page
    assert not re.search(r"\bYes\b", page.split("Would this payment pass?")[1]), "a word, not letters of a form's key"


def test_only_a_policy_that_pays_has_the_form(client: Any, made: Any, policy: Any) -> None:
    page = client.get("/river/policies/").content.decode()
    assert page.count("Would this payment pass?") == 1
    assert page.count(f'<option value="{INES}"') == 1
    metagovernance = encode(load((TEMPLATES / "metagovernance.yaml").read_text()))
    PolicyVersion.objects.update(code=metagovernance)
    assert "Would this payment pass?" not in client.get("/river/policies/").content.decode()
    assert client.get(f"/api/v1/daos/river/policies/{'7' * 64}/payment?asset=x&to=y&amount=1").status_code == 404


def test_the_answer_is_what_the_module_does(client: Any, mirror: Any, payroll: Any) -> None:  # noqa: F811
    d = mirror.deployed
    d.set_policy(POLICY_ID, payroll())
    mirror.sync()
    paid = 0
    for number, (who, usdc) in enumerate(
        [("ines", 1000), ("ines", 1001), ("ada", 5), ("jon", 1000), ("ines", 1000), ("jon", 1)]
    ):
        readings.read(mirror.dao, mirror.rpc)
        query = {"asset": address_text(d.addresses["usdc"]), "to": address_text(d.address(who)), "amount": str(usdc)}
        answer = client.get(f"/api/v1/daos/mandate/policies/{hex_text(POLICY_ID)}/payment", query).json()
        succeeds = int(act(mirror, "execute", paid + 1, [payment(mirror, who, usdc)])["status"], 16) == 1
        assert (answer["verdict"] == "at_once") == succeeds, (number, answer)
        paid += succeeds
        if not succeeds and who != "ada" and usdc <= 1000:
            assert answer["verdict"] == "announced"
        mirror.sync()
    assert paid == 3
    assert answer["reasons"][0].startswith(
        "The budget “payroll”: the act takes 1 USDC, and 0 USDC are left of the 3,000 USDC"
    )
