# SPDX-License-Identifier: Apache-2.0
"""The web app as a step reads it: pages, the JSON API, sign-in, the links of mails."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx

from dao.local.story.must import StepFailed
from dao.local.wallet import Wallet


class Site:
    """The web app as a browser without JavaScript and a script over its JSON API see it."""

    def __init__(self, url: str):
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=30, follow_redirects=True)

    def _get(self, path: str) -> httpx.Response:
        answer = self._http.get(path)
        if answer.status_code >= 500:
            raise StepFailed(f"GET {path} answered {answer.status_code}: {strip_tags(answer.text)[:300]}")
        return answer

    def json(self, path: str) -> Any:
        answer = self._get(path)
        if answer.status_code != 200:
            raise StepFailed(f"GET {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def json_or_none(self, path: str) -> Any:
        answer = self._get(path)
        return answer.json() if answer.status_code == 200 else None

    def text(self, path: str) -> str:
        return self._get(path).text

    def bytes(self, path: str) -> bytes:
        return self._get(path).content

    def answer_to(self, path: str, body: dict[str, Any]) -> httpx.Response:
        token = next((cookie.value for cookie in self._http.cookies.jar if cookie.name.endswith("_csrf")), "")
        return self._http.post(path, json=body, headers={"X-CSRFToken": token, "Referer": self.url + "/"})

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.answer_to(path, body)
        if answer.status_code >= 400:
            raise StepFailed(f"POST {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json() if answer.content else None

    def sign_in(self, wallet: Wallet) -> None:
        """Sign-in with Ethereum (EIP-4361)."""
        begun = self.json("/auth/nonce")
        domain = self.url.split("://", 1)[1]
        now = datetime.now(UTC)
        issued, expires = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (now, now + timedelta(minutes=5)))
        chain_id = int(wallet.node.request("eth_chainId"), 16)
        message = (
            f"{domain} wants you to sign in with your Ethereum account:\n{wallet.address}\n\nSign in to Mandate.\n\n"
            f"URI: {self.url}\nVersion: 1\nChain ID: {chain_id}\nNonce: {begun['nonce']}\nIssued At: {issued}\n"
            f"Expiration Time: {expires}"
        )
        self.post("/auth/verify", {"message": message, "signature": wallet.sign_text(message)})

    def confirm(self, link: str) -> None:
        """Open the confirmation's page and press its button."""
        page = self._http.get(link)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        answer = self._http.post(
            str(page.url), data={"csrfmiddlewaretoken": token.group(1) if token else ""}, headers={"Referer": link}
        )
        if answer.status_code != 200:
            raise StepFailed(f"the confirmation answered {answer.status_code}: {strip_tags(answer.text)[:300]}")

    def unsubscribe(self, link: str) -> None:
        """As a mail program does in one click (RFC 8058): a POST without cookies or a page."""
        answer = httpx.post(link, data={"List-Unsubscribe": "One-Click"}, timeout=30)
        if answer.status_code not in (200, 202, 204):
            raise StepFailed(f"one-click unsubscribe answered {answer.status_code}: {answer.text[:300]}")


def strip_tags(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", html))


def normal(text: str) -> str:
    """Without the differences that rendering makes: letters and digits only, in one case."""
    return re.sub(r"[^a-z0-9]+", "", text.lower())
