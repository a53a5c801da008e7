# SPDX-License-Identifier: Apache-2.0
"""Step 13: a subscribed delegate gets a digest by e-mail, and none after unsubscribing."""

import re
import time
from email import policy as mail_policy
from email.message import EmailMessage
from email.parser import BytesParser

from dao.local.story.must import StepFailed, must, until
from dao.local.story.scene import Scene
from dao.local.wallet import calldata


def digest(scene: Scene) -> None:
    address = "dana@example.org"
    subscribe(scene, address, "dana")
    subscribe(scene, "ben@example.org", "ben")
    scene.unpause = scene.propose(
        "ada",
        [(scene.contracts["module"], 0, calldata("unpause()", []))],
        "# Let the agent work again after a pause\n\nThis proposal unpauses the policy module.",
    )
    mail = until(
        "the digest's e-mail",
        lambda: [mail for mail in mails_to(scene, address) if "Let the agent work again" in text_part(mail)],
        seconds=60,
    )[-1]
    html = mail.get_body(preferencelist=("html",))
    must(html is not None, "the digest must have an HTML part", mail.get_content_type())
    for part, content in (("HTML", html.get_content()), ("text", text_part(mail))):
        linked = f"{scene.stack.web_url}/{scene.slug}/proposals/{scene.unpause.id}/" in content
        must(linked, f"its {part} must link to the vote", content[:400])
    unsubscribe = mail["List-Unsubscribe"]
    must(bool(unsubscribe), "it must say how to unsubscribe", dict(mail.items()))
    must(
        mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click",
        "in one click (RFC 8058)",
        mail["List-Unsubscribe-Post"],
    )
    scene.show("digest", f"{mail['Subject']!r}, text and HTML, in {scene.stack.mail_dir}")
    scene.site.unsubscribe(re.search(r"<(https?://[^>]+)>", unsubscribe).group(1))
    scene.show("unsubscribed", "in one click")
    had = len(mails_to(scene, address))
    scene.propose("ada", [(scene.contracts["module"], 0, calldata("pause()", []))], "# Rest the agent in August")
    until(
        "a later digest to somebody who is subscribed",
        lambda: [mail for mail in mails_to(scene, "ben@example.org") if "Rest the agent" in text_part(mail)],
        seconds=60,
    )
    time.sleep(3)  # the mails of one event go out together; one to dana would be there by now
    must(len(mails_to(scene, address)) == had, "who unsubscribed must get no more mail", mails_to(scene, address))
    scene.show("after it", "the next digest went to ben and not to dana")


def subscribe(scene: Scene, address: str, delegate: str) -> None:
    """Subscribe, and press the confirmation's button; before that nothing but the confirmation is sent."""
    scene.site.post(
        f"/api/v1/daos/{scene.slug}/subscriptions",
        {"email": address, "delegate": scene.wallets[delegate].address, "frequency": "immediate"},
    )
    mail = until("the confirmation's e-mail", lambda: mails_to(scene, address))[-1]
    link = re.search(r"https?://\S+/subscriptions/\S+", text_part(mail))
    must(link is not None, "the mail must hold the link that confirms", text_part(mail)[:400])
    assert link is not None
    scene.site.confirm(link[0])
    scene.show("confirmed", f"{address} by {link[0].split('/subscriptions/')[0]}/subscriptions/...")


def mails_to(scene: Scene, address: str) -> list[EmailMessage]:
    """All mails to `address` in the local mailbox, oldest first."""
    parser = BytesParser(policy=mail_policy.default)
    files = sorted(scene.stack.mail_dir.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    mails = [parser.parsebytes(path.read_bytes()) for path in files]
    return [mail for mail in mails if address in str(mail["To"])]


def text_part(mail: EmailMessage) -> str:
    part = mail.get_body(preferencelist=("plain",))
    if part is None:
        raise StepFailed(f"the mail {mail['Subject']!r} has no plain-text part")
    return part.get_content()
