# SPDX-License-Identifier: Apache-2.0
"""Steps 9 and 10: what is outside the bounds is refused by planner and chain, and an objection ends an act."""

from typing import Any

from eth_utils import keccak

from dao.local.founding import PARAMETERS, USDC
from dao.local.story.asking import act_of, ask
from dao.local.story.must import must, until
from dao.local.story.scene import POLICY_ID, Scene
from dao.local.story.site import normal, strip_tags
from dao.local.wallet import calldata
from governance.chain.module import EXECUTE, RELEASE
from policies.notation.hexadecimal import hex_bytes

KILLED_ERROR = "NotPending"  # what the module says of an act that members objected to


def send_with_the_agents_key(scene: Scene, payments: list[tuple[str, int]], error: str) -> dict[str, Any]:
    """What a thief of the agent's key would do: the call straight to the module. Returns the refusal."""
    receipt = scene.wallets["agent"].invoke(
        scene.contracts["module"],
        EXECUTE,
        [
            keccak(text=POLICY_ID),
            scene.codehash(),
            [(scene.contracts["usdc"], 0, hex_bytes(calldata("transfer(address,uint256)", list(p)))) for p in payments],
            scene.policy_state()[2] + 1,
            keccak(text="no decision at all"),
        ],
        must_succeed=False,
    )
    return refused_by_the_chain(scene, receipt, error)


def refused_by_the_chain(scene: Scene, receipt: dict[str, Any], error: str) -> dict[str, Any]:
    """The refusal of a transaction to the module, as the page shows it: it must be for this error of the module."""
    sent = receipt["transactionHash"]
    must(int(receipt["status"], 16) == 0, f"the chain must refuse it with {error}", f"{sent} succeeded")
    refused = until(
        "the refusal in the API",
        lambda: [row for row in scene.api("/refusals") if row["transaction_hash"] == sent],
    )[0]
    must(refused["reason"].startswith(error), f"the chain's reason must be {error}", refused)
    page = scene.site.text(f"/{scene.slug}/agent/")
    must(f"transaction {sent}" in page, "the page must name the refused transaction", sent)
    said = normal(refused["clause"] or refused["reason"])
    must(said in normal(strip_tags(page)), "the page must say why", refused)
    return refused


def refuse(scene: Scene) -> None:
    ines, mallory = scene.wallets["ines"].address, scene.wallets["mallory"].address
    # 5,900 are spent. To stand at the rolling limit, first spend 5,000 more, after the objection delay.
    large = ask(scene, "pay jon 5,000 USDC for the audit", "audit")
    must(large["status"] == "scheduled", "what passes 6,000 must be scheduled", large)
    scene.node.advance(PARAMETERS["objection_delay_s"] + 2)
    until(
        "the release of the scheduled act",
        lambda: act_of(scene, large),
        lambda act: act is not None and act["status"] == "released",
        seconds=40,
    )
    scene.show("spent so far", "5,000 + 900 at once, 5,000 after its objection delay")
    cases = [
        ("over the cap", "pay ines 5,001 USDC as a bonus", [(ines, 5001 * USDC)], "OverCap", "at most 5,000 USDC"),
        ("to a stranger", f"pay {mallory} 100 USDC", [(mallory, 100 * USDC)], "ClauseFailed", "one of these 5"),
        (
            "over the rolling budget", "pay ines 1,200 USDC for travel", [(ines, 1200 * USDC)],
            "OverBudget", "12,000 USDC in any 24 days",
        ),
    ]  # fmt: skip
    for what, text, payments, error, clause in cases:
        asked = ask(scene, text, what)
        must(asked["status"] == "refused", f"the planner must refuse an act {what}", asked)
        must(clause in asked["refusal"], f"and say that it breaks {clause}", asked["refusal"])
        scene.show(f"{what}: the planner says", asked["refusal"])
        held = scene.balance(payments[0][0])
        refused = send_with_the_agents_key(scene, payments, error)
        must(scene.balance(payments[0][0]) == held, "no balance may move", refused)
        must(clause in refused["clause"], f"the clause must be the one of {clause}", refused)
        scene.show(f"{what}: the chain says", f"{refused['reason']} in {refused['transaction_hash']}")
        scene.show(f"{what}: the page says", refused["clause"])


def object_to(scene: Scene) -> None:
    request = ask(scene, "pay kim 500 USDC for the design", "design")
    must(request["status"] == "scheduled", "an act that would pass the 6,000 must be scheduled", request)
    act = until("the pending act on the page", lambda: act_of(scene, request))
    scene.show("scheduled", f"act {act['number']}, id {act['act_id']}")
    module, act_id = scene.contracts["module"], hex_bytes(act["act_id"])
    receipt = scene.wallets["ada"].invoke(module, "object(bytes32,bytes32[])", [keccak(text=POLICY_ID), [act_id]])
    scene.show("ada objects", receipt["transactionHash"])
    killed = until("the act as killed", lambda: act_of(scene, request), lambda saw: saw["status"] == "killed")
    scene.show("objected", f"{killed['objection_power']} of {killed['objection_threshold']} needed, on the page")
    scene.node.advance(PARAMETERS["objection_delay_s"] + 2)
    held = scene.balance(scene.wallets["kim"].address)
    calls = [(call["target"], int(call["value_wei"]), hex_bytes(call["calldata"])) for call in act["calls"]]
    released = [keccak(text=POLICY_ID), act["number"], calls, hex_bytes(act["decision"])]
    receipt = scene.wallets["agent"].invoke(module, RELEASE, released, must_succeed=False)
    refused = refused_by_the_chain(scene, receipt, KILLED_ERROR)
    must(scene.balance(scene.wallets["kim"].address) == held, "no balance may move", held)
    scene.show(
        "released with the agent's key, after the delay", f"{refused['reason']} in {refused['transaction_hash']}"
    )
