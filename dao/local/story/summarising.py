# SPDX-License-Identifier: Apache-2.0
"""Steps 3 and 4: a real proposal appears on the page, and the model drafts a summary of it."""

import json
from typing import Any

from dao.local.founding import USDC
from dao.local.paths import ROOT
from dao.local.story.must import must, until
from dao.local.story.scene import Scene
from dao.local.story.site import normal, strip_tags
from dao.local.wallet import argument_types, calldata

SHARED_PROPOSAL = ROOT.parent / "shared" / "data" / "proposals" / "ens" / "ep-5-16"


def propose_real(scene: Scene) -> None:
    scene.node.advance(2)  # who proposes must have held the votes a second ago
    description, calls, source = real_proposal(scene.contracts, scene.wallets["dana"].address)
    scene.real = scene.propose("ada", calls, description)
    until("the proposal's page", lambda: scene.proposal_on_page(scene.real))
    late = scene.node.block_number() - scene.real.block_number
    must(late <= 2, "the page must show the proposal within two blocks", f"{late} blocks")
    shown = scene.proposal_on_page(scene.real)
    must(all(action["decoded"] for action in shown["actions"]), "the calls must be shown decoded", shown["actions"])
    must(len(shown["actions"]) == len(calls), "each call must be shown", shown["actions"])
    page = scene.site.text(f"/{scene.slug}/proposals/{scene.real.id}/")
    for action, (target, _, data) in zip(shown["actions"], calls, strict=True):
        signature, parts = action["decoded"]["signature"], action["decoded"]["args"]
        again = calldata(
            signature,
            [of_json(kind, part["value"]) for kind, part in zip(argument_types(signature), parts, strict=True)],
        )
        must(again == data.lower(), "what is shown must be what is called", action["decoded"])
        must(action["target"].lower() == target.lower(), f"the call must go to {target}", action)
        name = signature.partition("(")[0]
        must(name in strip_tags(page), f"the page must name the call {name}", strip_tags(page)[:500])
    scene.show("text and calls", source)
    scene.show("proposed in", f"{scene.real.transaction_hash}, block {scene.real.block_number}")
    scene.show("on the page after", f"{late} blocks")
    for action in shown["actions"]:
        arguments = ", ".join(f"{a['name']} = {a['value']}" for a in action["decoded"]["args"])
        scene.show("decoded", f"{action['decoded']['signature']}: {arguments}"[:300])


def read_summary(scene: Scene) -> None:
    shown = until(
        "a summary by the model",
        lambda: scene.proposal_on_page(scene.real),
        lambda saw: saw["summary"] is not None and saw["summary"]["status"] in ("written", "abstained"),
        seconds=90,
    )
    summary = shown["summary"]
    page = scene.site.text(f"/{scene.slug}/proposals/{scene.real.id}/")
    must("demo model" in page.lower(), 'the page must say "demo model"', page[:300])
    must(summary["model"] in page, "the page must name the model", summary["model"])
    must(shown["actions"][0]["effect"] is not None, "the decoded effects must be beside it", shown["actions"])
    scene.show("model", f"{summary['model']} (demo model)")
    if summary["status"] == "abstained":
        must("abstain" in page.lower(), "an abstention must be shown as one", page[:300])
        scene.show("the model abstained", summary.get("reason", ""))
    else:
        must(bool(summary["sentences"]), "a written summary must have sentences", summary)
    log = (scene.stack.state_dir / "logs" / "model.log").read_text(errors="replace")
    must("processing task" in log, "the model server must have been asked", log[-300:])
    for sentence in summary["sentences"]:
        source = sentence["source"]
        in_page = normal(sentence["text"]) in normal(strip_tags(page))
        must(in_page, "each sentence must be on the page", sentence["text"])
        if source["kind"] == "span":
            # As the page shows it: a link has its host printed beside it there.
            found = normal(source["quote"]) in normal(strip_tags(proposals_text(page)))
            must(found, "each quote must be in the proposal's text word for word", source["quote"])
        scene.show(f"quoted from {source['kind']} {source['id']}", sentence["text"][:160])


def proposals_text(page: str) -> str:
    """Return the part of the proposal's page that renders its text; without its summary, which quotes it."""
    _, heading, behind = page.partition('<h2 id="text">')
    text, _, _ = behind.partition("</section>")
    must(bool(heading) and bool(text), "the page must show the proposal's text", page[:300])
    return text


def real_proposal(contracts: dict[str, str], recipient: str) -> tuple[str, list[tuple[str, int, str]], str]:
    """Text and calls of an ENS proposal from the shared data; where it is absent, one that we wrote."""
    if SHARED_PROPOSAL.is_dir():
        text = (SHARED_PROPOSAL / "proposalDescription.md").read_text()
        calls = json.loads((SHARED_PROPOSAL / "proposalCalldata.json").read_text())["executableCalls"]
        return text, [(call["target"], int(call["value"]), call["calldata"]) for call in calls], "ENS EP 5.16"
    text = (
        "# Pay for the security review of the vote page\n\n"
        "## Summary\nThis proposal pays 2,500 USDC from the treasury for the security review of the vote page.\n\n"
        "## Background\nThe page was reviewed in October. The report was published and its findings were mended.\n\n"
        f"## Specification\nTransfer 2,500 USDC (2500000000 base units) from the treasury to {recipient}.\n"
    )
    transfer = calldata("transfer(address,uint256)", [recipient, 2500 * USDC])
    return text, [(contracts["usdc"], 0, transfer)], "written for the story (the shared data is absent)"


def of_json(kind: str, value: Any) -> Any:
    """An argument as the API shows it (numbers as text), for encoding."""
    return int(value) if kind.startswith(("uint", "int")) else value
