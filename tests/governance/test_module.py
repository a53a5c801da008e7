# SPDX-License-Identifier: Apache-2.0
"""The module's signatures against the ABI that the compiler built, and its answers as the contract gives them."""

import json
import re
from pathlib import Path

import pytest

from governance.chain import abi, module
from policies.code import encoding
from policies.code.ring import Ring
from tests.governance.conftest import POLICY_ID, USDC
from tests.governance.test_life import payment

BUILT = Path(__file__).resolve().parents[2] / ".build" / "abi" / "IPolicyModule.json"
SIGNATURE = re.compile(r"[A-Za-z]+\(.*\)")


def built(kind: str) -> set[str]:
    """The signatures of this kind that the compiler wrote down."""

    def of(parameter) -> str:
        if not parameter["type"].startswith("tuple"):
            return parameter["type"]
        return f"({','.join(map(of, parameter['components']))}){parameter['type'][5:]}"

    found = json.loads(BUILT.read_text())
    items = found if isinstance(found, list) else found["abi"]
    return {f"{item['name']}({','.join(map(of, item['inputs']))})" for item in items if item["type"] == kind}


def test_every_signature_is_the_compilers(compiled):
    assert set(module.FUNCTIONS) <= built("function")
    assert set(module.EVENTS) <= built("event")


def test_no_signature_escapes_the_check():
    written = {
        value for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and SIGNATURE.fullmatch(value) and not value.startswith("(")
    }  # fmt: skip
    assert written == {*module.FUNCTIONS, *module.EVENTS}


@pytest.mark.django_db
def test_the_module_answers_what_is_asked(mirror, payroll):
    """A policy that was used once: its state, its treasury, whether it is paused, and what is spent of its budget."""
    deployed, raw = mirror.deployed, payroll()
    address, code = deployed.addresses["module"], encoding.decode(raw)
    deployed.set_policy(POLICY_ID, raw)
    calls = [payment(mirror, "ines", 700)]
    deployed.send("agent", "module", "execute", POLICY_ID, encoding.codehash(raw), calls, 1, b"\7" * 32)
    state = module.read_policy(mirror.rpc.eth_call(*module.policy_question(address, POLICY_ID)))
    assert (state.version, state.number, state.end_chain_s) == (1, 1, code.end_s)
    assert any(state.pointer)
    assert state.last_act_chain_s == deployed.anvil.now
    treasury = mirror.rpc.eth_call(*module.treasury_question(address))
    assert module.read_treasury(treasury) == deployed.addresses["treasury"]
    assert module.read_paused(mirror.rpc.eth_call(*module.paused_question(address))) is False
    (key,), (budget,) = module.budget_keys(POLICY_ID, code), code.budgets
    ring = Ring.unpack(module.read_word(mirror.rpc.eth_call(*module.ring_question(address, key))))
    assert budget.base_units(ring.spent(budget.segment_s, deployed.anvil.now)) == 700 * USDC


@pytest.mark.parametrize("answer", [b"", b"\0" * 31])
def test_an_answer_without_a_word_is_no_zero(answer):
    with pytest.raises(abi.NotCanonical):
        module.read_word(answer)
    with pytest.raises(abi.NotCanonical):
        module.read_policy(answer)
