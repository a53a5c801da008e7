# SPDX-License-Identifier: Apache-2.0
"""Step 14: a guardian pauses the agent, and only a vote brings it back."""

from dao.local.story.asking import COOLDOWN_S, RESTING, act_of, ask
from dao.local.story.must import must, until
from dao.local.story.refusing import send_with_the_agents_key
from dao.local.story.scene import Scene


def pause(scene: Scene) -> None:
    module = scene.contracts["module"]
    receipt = scene.wallets["gus"].invoke(module, "pause()", [])
    scene.show("gus pauses", receipt["transactionHash"])
    until("the pause on the page", lambda: scene.api("/policies")[0]["paused"], seconds=15)
    scene.node.advance(COOLDOWN_S)  # so that nothing but the pause can refuse it
    refused = send_with_the_agents_key(scene, [(scene.wallets["ines"].address, 1)], "IsPaused")
    scene.show("the agent tries", f"{refused['reason']} in {refused['transaction_hash']}")
    asked = ask(scene, "pay ines 100 USDC for books", "books", ends=("waiting", *RESTING))
    must(asked["status"] in ("waiting", "refused"), "the planner must not act while paused", asked)
    must("pause" in asked["reason"].lower(), "and say that it is paused", asked["reason"])
    scene.show("the planner says", asked["reason"])
    for who in ("gus", "agent", "olga", "ada"):
        refused = scene.wallets[who].invoke(module, "unpause()", [], must_succeed=False)
        must(int(refused["status"], 16) == 0, f"{who} must not be able to unpause", refused["transactionHash"])
    scene.show("unpause by guardian, agent, operator, member", "each refused by the chain")
    scene.show("the vote that lets it work again", scene.pass_and_execute(scene.unpause))
    until("the page without the pause", lambda: not scene.api("/policies")[0]["paused"], seconds=15)
    paid = ask(scene, "pay ines 100 USDC for more books", "more-books")
    must(paid["status"] == "executed", "after the vote the agent must be able to pay", paid)
    scene.show("paid again in", act_of(scene, paid)["transaction_hash"])
