# SPDX-License-Identifier: Apache-2.0
"""Step 11: a reorganisation of the chain removes a vote, and the page says so."""

import re

from dao.local.story.must import must, until
from dao.local.story.scene import Scene
from dao.local.wallet import calldata
from governance.chain.governor import AGAINST, CAST_VOTE, FOR, HAS_VOTED, PROPOSAL_VOTES


def reorganise(scene: Scene) -> None:
    description = "# Publish the treasury's figures every month\n\nA text that asks for no call but a note on chain."
    token = scene.contracts["votes_token"]
    note = scene.propose("ben", [(token, 0, calldata("delegate(address)", [scene.contracts["timelock"]]))], description)
    scene.open_voting(note)
    scene.wallets["ben"].invoke(scene.contracts["governor"], CAST_VOTE, [note.id, FOR])
    receipt = scene.wallets["dana"].invoke(scene.contracts["governor"], CAST_VOTE, [note.id, AGAINST])
    dana = scene.wallets["dana"].address
    voted = until(
        "dana's vote on the page",
        lambda: [vote for vote in scene.proposal_on_page(note)["votes"] if vote["voter"] == dana],
    )
    scene.show("dana's vote, on the page", voted[0]["transaction_hash"])
    depth = 0
    for _ in range(3):  # a block may be mined between the count and the reorganisation: then count again
        if not scene.governor(HAS_VOTED, [note.id, dana], ["bool"]):
            break
        depth = scene.node.block_number() - int(receipt["blockNumber"], 16) + 1
        scene.node.request("anvil_reorg", depth, [])
    has_voted = scene.governor(HAS_VOTED, [note.id, dana], ["bool"])
    must(not has_voted, "the reorganised chain must not know the vote", has_voted)
    until(
        "the page without the vote",
        lambda: [vote["voter"] for vote in scene.proposal_on_page(note)["votes"]],
        lambda voters: dana not in voters,
    )
    notice = until(
        "the page's word on the reorganisation",
        lambda: re.search(r"[^<>]*reorgani[sz]ation[^<>]*", scene.site.text(f"/{scene.slug}/proposals/{note.id}/")),
    )
    chain = scene.governor(PROPOSAL_VOTES, [note.id], ["uint256", "uint256", "uint256"])
    tally = scene.proposal_on_page(note)["tally"]
    must(
        [tally["against"], tally["for"], tally["abstain"]] == [str(votes) for votes in chain],
        "the tally must equal proposalVotes() again",
        tally,
    )
    scene.show("reorganised", f"{depth} blocks")
    scene.show("the page says", " ".join(notice.group(0).split())[:200])
