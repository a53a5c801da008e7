# SPDX-License-Identifier: Apache-2.0
"""Steps 5 to 7: an operator's policy is proposed, voted on by transaction and by signature, and put in force."""

from typing import Any

from eth_utils import keccak

from dao.local import founding
from dao.local.founding import DAY_S
from dao.local.governor import ProposalOnChain
from dao.local.people import CONTRIBUTORS
from dao.local.story.must import must, until
from dao.local.story.scene import POLICY_ID, Scene
from dao.local.story.site import normal, strip_tags
from dao.local.wallet import calldata
from governance.chain.governor import (
    ABSTAIN,
    CAST_VOTE,
    CAST_VOTE_WITH_REASON,
    FOR,
    HAS_VOTED,
    NONCES,
    PROPOSAL_VOTES,
    STATE,
    SigningDomain,
)
from governance.chain.module import SET_POLICY
from policies.notation.hexadecimal import hex_bytes, hex_text


def propose_policy(scene: Scene) -> None:
    policy_file = scene.stack.state_dir / "payroll.yaml"
    policy_file.write_text(payroll_document(scene))
    compiled = scene.manage("policy", "compile", str(policy_file), "--json")
    explained = scene.manage("policy", "explain", str(policy_file), "--json")
    code = hex_bytes(compiled["code"])
    sentences = [*explained["together"], *explained["sentences"], *explained["addresses"]]
    scene.policy_codehash = compiled["codehash"]
    stored = hex_text(keccak(b"\0" + code))  # it is stored as a contract's code behind a STOP
    must(stored == scene.policy_codehash, f"the code must have the hash {stored}", scene.policy_codehash)
    bounds = ["12,000 USDC", "6,000 USDC", "5,000 USDC", "24 days"]
    for bound in bounds + [scene.wallets[name].address for name in CONTRIBUTORS]:
        must(any(bound in sentence for sentence in sentences), f"the words must give {bound}", sentences)
    text = "# Put the payroll policy in force\n\n" + "\n".join(f"- {sentence}" for sentence in sentences)
    call = calldata(SET_POLICY, [keccak(text=POLICY_ID), code])
    scene.policy = scene.propose("ada", [(scene.contracts["module"], 0, call)], text)
    scene.show("policy code", f"{len(code)} bytes, codehash {compiled['codehash']}")
    for sentence in sentences[:6]:
        scene.show("in words", sentence)
    shown = until("the proposal of the policy, on its page", lambda: scene.proposal_on_page(scene.policy))
    decoded = [action["decoded"] for action in shown["actions"]]
    must(
        len(decoded) == 1 and bool(decoded[0]) and decoded[0]["signature"] == SET_POLICY,
        "the page must decode the call",
        decoded,
    )
    must(decoded[0]["args"][1]["value"] == hex_text(code), "with the compiled code", decoded)
    page = strip_tags(scene.site.text(f"/{scene.slug}/proposals/{scene.policy.id}/"))
    must("The policy it puts in force" in page, "the page must say what the policy is", page[:400])
    for bound in bounds:
        must(bound in page, f"the page must give {bound}", page[:400])
    scene.show("proposed in", scene.policy.transaction_hash)


def payroll_document(scene: Scene) -> str:
    """The operator's document: the shipped template with this DAO's addresses and dates filled in."""
    hour = scene.node.time() // 3600 * 3600
    return founding.payroll_document(
        contracts=scene.contracts,
        addresses={name: wallet.address for name, wallet in scene.wallets.items()},
        start_chain_s=hour,
        end_chain_s=hour + 365 * DAY_S,
    )


def vote(scene: Scene) -> None:
    until("the policy's proposal", lambda: scene.proposal_on_page(scene.policy))
    scene.open_voting(scene.policy)
    receipt = scene.wallets["ada"].invoke(
        scene.contracts["governor"],
        CAST_VOTE_WITH_REASON,
        [scene.policy.id, FOR, "Bounded, and the chain holds the bounds."],
    )
    scene.show("ada votes by transaction", receipt["transactionHash"])
    signed = vote_by_signature(scene, "ben", scene.policy, 1)["transaction_hash"]
    sender = scene.node.request("eth_getTransactionByHash", signed)["from"]
    relayer = scene.wallets["relayer"].address
    must(sender.lower() == relayer.lower(), "the relayer must have sent ben's vote", sender)
    scene.show("ben votes by signature, sent by the relayer", signed)
    receipt = scene.wallets["dana"].invoke(scene.contracts["governor"], CAST_VOTE, [scene.policy.id, ABSTAIN])
    scene.show("dana abstains by transaction", receipt["transactionHash"])

    def tallies() -> dict[str, list[str]]:
        chain = scene.governor(PROPOSAL_VOTES, [scene.policy.id], ["uint256", "uint256", "uint256"])
        tally = scene.proposal_on_page(scene.policy)["tally"]
        return {
            "chain": [str(votes) for votes in chain],
            "page": [tally["against"], tally["for"], tally["abstain"]],
        }

    saw = until(
        "the tally on the page equal to proposalVotes()",
        tallies,
        lambda saw: saw["chain"] == saw["page"] and len([v for v in saw["page"] if v != "0"]) == 2,
    )
    scene.show("tally (against, for, abstain)", f"page {saw['page']} == proposalVotes() {saw['chain']}")


def vote_by_signature(scene: Scene, who: str, proposal: ProposalOnChain, support: int) -> dict[str, Any]:
    wallet = scene.wallets[who]
    nonce = scene.governor(NONCES, [wallet.address], ["uint256"])
    name = scene.governor("name()", [], ["string"])
    domain = SigningDomain(
        name, "1", int(scene.node.request("eth_chainId"), 16), hex_bytes(scene.contracts["governor"])
    )
    ballot = domain.typed_data(proposal.id, support, hex_bytes(wallet.address), nonce)
    path = f"/api/v1/daos/{scene.slug}/proposals/{proposal.id}/vote-by-signature"
    body = {"voter": wallet.address, "support": support, "signature": wallet.sign_typed_data(ballot)}
    scene.site.post(path, body)
    until(f"{who}'s signed vote on chain", lambda: scene.governor(HAS_VOTED, [proposal.id, wallet.address], ["bool"]))
    votes = until(
        f"{who}'s signed vote on the page",
        lambda: [vote for vote in scene.proposal_on_page(proposal)["votes"] if vote["voter"] == wallet.address],
    )
    return votes[0]


def enforce(scene: Scene) -> None:
    scene.show("executed in", scene.pass_and_execute(scene.policy))
    state = scene.governor(STATE, [scene.policy.id], ["uint8"])
    must(state == 7, "the governor must call the proposal executed", state)
    seen = until("the policy on the page", lambda: scene.api("/policies"))
    in_force = hex_text(scene.codehash())
    must(in_force == scene.policy_codehash, "the code that was voted for must be in force", in_force)
    must(seen[0]["codehash"] == hex_text(scene.codehash()), "the page must name the code in force", seen[0])
    page = scene.site.text(f"/{scene.slug}/policies/")
    for sentence in seen[0]["sentences"]:
        must(normal(sentence) in normal(strip_tags(page)), "each sentence must be on the page", sentence)
    must(any("12,000" in s for s in seen[0]["sentences"]), "the page decodes the limit", seen[0]["sentences"])
    scene.show("in force", f"version {seen[0]['version']}, codehash {seen[0]['codehash']}")
    scene.show("read from the chain", seen[0]["sentences"][0])
