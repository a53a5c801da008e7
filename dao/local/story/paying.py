# SPDX-License-Identifier: Apache-2.0
"""Step 8: the agent pays five contributors, and what is not the roster waits for the operator's signature."""

from dao.local import founding
from dao.local.founding import USDC
from dao.local.people import CONTRIBUTORS
from dao.local.story.asking import RESTING, act_of, ask, show_the_models_word
from dao.local.story.must import must, until
from dao.local.story.scene import POLICY_ID, Scene
from dao.local.wallet import calldata


def sign_roster(scene: Scene) -> None:
    entries = [
        {"name": name, "address": scene.wallets[name].address, "amount": str(1000 * USDC)} for name in CONTRIBUTORS
    ]
    founding.sign_roster(scene.stack, scene.slug, scene.contracts, POLICY_ID, entries, scene.wallets["olga"])
    scene.roster_signed_s = scene.node.time()
    scene.show("roster signed by olga", f"{len(entries)} contributors, 1,000 USDC each a month")


def pay(scene: Scene) -> None:
    sign_roster(scene)
    contributors = [scene.wallets[name].address for name in CONTRIBUTORS]
    before = [scene.balance(address) for address in contributors]
    request = ask(scene, "pay the contributors for November", "november")
    must(request["status"] == "executed", "the agent must pay", request)
    # November began before the roster was signed: whatever the model says, that month is olga's to release.
    must(request["id"] in scene.olga_signed, "a month from before the roster must wait for olga", request)
    show_the_models_word(scene, request)
    paid = [scene.balance(address) - held for address, held in zip(contributors, before, strict=True)]
    must(paid == [1000 * USDC] * 5, "each contributor must have received 1,000 USDC", paid)
    act = until("the act in the mirror", lambda: act_of(scene, request))
    must(act["status"] == "executed", "the mirror must show the act as executed", act)
    chosen = next(row for row in request["candidates"] if row["key"] == request["choice"])
    must(chosen["is_roster"], "what was paid must be derived from the roster", chosen)
    must(
        sorted(call["calldata"].lower() for call in act["calls"])
        == sorted(calldata("transfer(address,uint256)", [to, 1000 * USDC]) for to in contributors),
        "the act must be five transfers",
        act["calls"],
    )
    scene.show("candidate", f"{chosen['key']}: {chosen['label']}; chosen by: {request['chosen_by']}")
    scene.show("paid in", act["transaction_hash"])
    scene.show("balances moved by", f"{paid} base units of USDC")
    scene.show("decision record", f"{scene.stack.web_url}/records/{act['decision']}.json")
    verified = scene.manage_text("verify_record", act["decision"])
    scene.show("verify_record", verified.strip().splitlines()[-1])
    record = scene.site.bytes(f"/records/{act['decision']}.json")
    downloaded = scene.stack.state_dir / "record.json"
    downloaded.write_bytes(record)
    checks = {
        check["check"]: check for check in scene.manage("verify_record", str(downloaded), "--rpc", "--json")["checks"]
    }
    must(checks["act on chain"]["ok"] is True, "the chain must have the act of this record", checks)
    scene.show("the chain says", checks["act on chain"]["detail"])
    other = record.replace(b"1000000000", b"1000000001", 1)
    must(other != record, "the record must hold the amounts", record[:300])
    downloaded.write_bytes(other)
    must(scene.is_refused("verify_record", str(downloaded)), "a changed record must be rejected", "accepted")
    scene.show("verify_record of the record with one amount changed", "rejected")
    pay_a_difference(scene)


def pay_a_difference(scene: Scene) -> None:
    """What is not the roster waits for the operator's signature, and nobody else's will do."""
    ines = scene.wallets["ines"].address
    held = scene.balance(ines)
    asked = ask(scene, "pay ines 900 USDC as a bonus", "bonus", ends=("needs_approval", *RESTING))
    must(asked["status"] == "needs_approval", "a difference must wait for the operator", asked)
    approve = f"/api/v1/daos/{scene.slug}/requests/{asked['id']}/approve"
    forged = scene.wallets["mallory"].sign_typed_data(asked["approval"]["typed_data"])
    answer = scene.site.answer_to(approve, {"candidate": asked["approval"]["candidate"], "signature": forged})
    must(400 <= answer.status_code < 500, "a stranger's signature must be refused", answer.status_code)
    must(scene.balance(ines) == held, "nothing may be paid before the operator signs", scene.balance(ines))
    scene.show("mallory signs the difference", f"refused: {answer.text[:160]}")
    paid = ask(scene, "pay ines 900 USDC as a bonus", "bonus")
    must(paid["status"] == "executed", "what olga signed must be paid at once", paid)
    must(scene.balance(ines) == held + 900 * USDC, "ines must have 900 USDC more", scene.balance(ines) - held)
