# SPDX-License-Identifier: Apache-2.0
"""How an operator asks the agent: a request, the signature it may want, what the model said, the act it led to."""

from typing import Any

from dao.local.story.must import must, until
from dao.local.story.scene import Scene
from dao.local.story.site import strip_tags

COOLDOWN_S = 600  # the payroll template's, in seconds
RESTING = ("executed", "scheduled", "refused", "stopped", "failed", "abstained")


def ask(scene: Scene, text: str, key: str, *, ends: tuple[str, ...] = RESTING) -> dict[str, Any]:
    """Ask the agent as the operator, signing whatever approval it wants; returns the request when it rests."""
    scene.node.advance(COOLDOWN_S)
    scene.site.sign_in(scene.wallets["olga"])
    asked = scene.site.post(f"/api/v1/daos/{scene.slug}/requests", {"text": text, "key": key})

    def look() -> dict[str, Any]:
        request = scene.api(f"/requests/{asked['id']}")
        if request["status"] == "needs_approval" and "needs_approval" not in ends:
            typed_data = request["approval"]["typed_data"]
            signature = scene.wallets["olga"].sign_typed_data(typed_data)
            scene.site.post(
                f"/api/v1/daos/{scene.slug}/requests/{asked['id']}/approve",
                {"candidate": request["approval"]["candidate"], "signature": signature},
            )
            note_signature(scene, request)
        return request

    return until(f"an end of the request {text!r}", look, lambda saw: saw["status"] in ends, seconds=90)


def note_signature(scene: Scene, request: dict[str, Any]) -> None:
    """olga signed for the request: say so once, with the reason why it waited for her."""
    if request["id"] not in scene.olga_signed:
        scene.olga_signed.add(request["id"])
        scene.show("olga signs, since", request["approval"]["reason"])


def show_the_models_word(scene: Scene, request: dict[str, Any]) -> None:
    """What the model said, which must stand on the page too, and on whose word the payment rests."""
    said, signed = request["model_said"], request["id"] in scene.olga_signed
    if said is None and request["no_second_look"] is not None and not signed:
        scene.show("the model", request["no_second_look"])
        scene.show("paid on the word of", "the roster that olga signed")
        return
    if said is None:
        must(signed, "what no model was asked about must rest on olga's signature", request)
        scene.show("the model", "was not asked")
        return
    page = strip_tags(scene.site.text(f"/{scene.slug}/agent/"))
    must(f"The model said: {said['text']}" in page, "the page must tell the model's word", page[-2000:])
    must(said["agrees"] or signed, "a model that says no must leave it to olga", request)
    scene.show("the model said", f"{said['text']} ({said['model']}{', demo model' if said['is_demo'] else ''})")
    scene.show("paid on the word of", "olga's signature" if signed else "the roster that olga signed")


def act_of(scene: Scene, request: dict[str, Any]) -> dict[str, Any] | None:
    acts = [act for act in scene.api("/acts") if act["decision"] == request["decision"]]
    return acts[0] if acts else None
