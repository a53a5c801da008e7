# SPDX-License-Identifier: Apache-2.0
"""Steps 1 and 2: the DAO is deployed as its parameters say, and members delegate."""

from eth_utils import keccak

from dao.local import founding
from dao.local.story.must import must, until
from dao.local.story.scene import Scene


def deploy(scene: Scene) -> None:
    scene.contracts = founding.deploy(scene.stack, scene.slug, "Story DAO")["contracts"]
    for name in ("votes_token", "governor", "timelock", "treasury", "module", "usdc"):
        code = scene.node.request("eth_getCode", scene.contracts[name], "latest")
        must(len(code) > 2, f"{name} must have code at {scene.contracts[name]}", code)
        scene.show(name, scene.contracts[name])
    treasury = scene.contracts["treasury"]
    must(scene.balance(treasury) > 0, "the treasury must hold test USDC", scene.balance(treasury))
    scene.show(
        "treasury holds",
        f"{scene.balance(treasury)} base units of USDC and "
        f"{int(scene.node.request('eth_getBalance', treasury, 'latest'), 16)} wei",
    )
    check_what_was_deployed(scene)
    seen = until("the DAO in the API", scene.api)
    must(seen["contracts"]["governor"] == scene.contracts["governor"], "the mirror must name the governor", seen)
    scene.show("page", f"{scene.stack.web_url}/{scene.slug}/")


def check_what_was_deployed(scene: Scene) -> None:
    """The deployment against its parameters, asked of the chain."""
    wanted, zero = founding.PARAMETERS, "0x" + 40 * "0"
    facts = [
        ("votes_token", "CLOCK_MODE()", "string", "mode=timestamp"),
        ("votes_token", "nonces(address)", "uint256", 0),  # of permit
        ("governor", "votingDelay()", "uint256", wanted["voting_delay_s"]),
        ("governor", "votingPeriod()", "uint256", wanted["voting_period_s"]),
        ("governor", "proposalThreshold()", "uint256", wanted["proposal_threshold_mand"] * founding.MAND),
        ("governor", "COUNTING_MODE()", "string", "support=bravo&quorum=for,abstain"),
        ("governor", "quorumNumerator()", "uint256", wanted["quorum_percent"]),
        ("governor", "lateQuorumVoteExtension()", "uint48", wanted["late_quorum_extension_s"]),
        ("governor", "timelock()", "address", scene.contracts["timelock"]),
        ("governor", "token()", "address", scene.contracts["votes_token"]),
        ("timelock", "getMinDelay()", "uint256", wanted["timelock_delay_s"]),
    ]
    for contract, signature, kind, value in facts:
        arguments = [zero] if "(address)" in signature else []
        saw = scene.node.call(scene.contracts[contract], signature, arguments, [kind])
        same = saw.lower() == value.lower() if isinstance(saw, str) else saw == value
        must(same, f"{contract}.{signature} must say {value}", saw)
    has_role = "hasRole(bytes32,address)"
    for role, name, holds in (
        ("PROPOSER_ROLE", "governor", True), ("EXECUTOR_ROLE", "governor", True), ("", "deployer", False)
    ):  # fmt: skip
        address = scene.contracts[name] if name in scene.contracts else scene.wallets[name].address
        key = keccak(text=role) if role else bytes(32)  # the administrator's is zero
        saw = scene.node.call(scene.contracts["timelock"], has_role, [key, address], ["bool"])
        must(saw is holds, f"{name} {'must' if holds else 'must not'} hold {role or 'the admin role'}", saw)
    scene.show("as wanted", f"{len(facts)} settings of token, governor and timelock; the deployer keeps no role")


def delegate(scene: Scene) -> None:
    token = scene.contracts["votes_token"]
    for member, to in (("ada", "ada"), ("ben", "ben"), ("chloe", "dana")):
        receipt = scene.wallets[member].invoke(token, "delegate(address)", [scene.wallets[to].address])
        scene.show(f"{member} delegates to {to}", receipt["transactionHash"])
    expected = {
        scene.wallets[name].address: str(
            scene.node.call(token, "getVotes(address)", [scene.wallets[name].address], ["uint256"])
        )
        for name in ("ada", "ben", "dana")
    }
    until(
        "the power that the chain has, in the mirror",
        lambda: {row["account"]: row["power"] for row in scene.api("/delegates")},
        lambda saw: all(saw.get(account) == power for account, power in expected.items()),
    )
    held = founding.PARAMETERS["holders_mand"]
    for name, member in (("ada", "ada"), ("ben", "ben"), ("dana", "chloe")):
        power = expected[scene.wallets[name].address]
        must(power == str(held[member] * founding.MAND), f"{name} must have the votes of {member}", power)
    page = scene.site.text(f"/{scene.slug}/delegates/")
    for account, power in expected.items():
        must(f"{int(power) // founding.MAND:,}" in page, f"the page must show the power of {account}", power)
        must(account in page, f"the delegates page must show {account}", page[:300])
        scene.show(account, f"{power} base units of MAND, on chain and on the page")
