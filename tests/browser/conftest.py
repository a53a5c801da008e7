# SPDX-License-Identifier: Apache-2.0
"""A whole demo (without the model) and a real Chromium, once for all browser tests."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils import keccak, to_checksum_address
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from dao.local.demo import Demo
from dao.local.stack import Stack
from dao.local.state_folder import forget
from dao.local.wallet import Node, Wallet

HASH = "hashProposal(address[],uint256[],bytes[],bytes32)"


@dataclass
class Running:
    """The demo as a test uses it."""

    stack: Stack
    node: Node
    wallets: dict[str, Wallet]
    governor: str
    slug: str = "mandate"

    @property
    def url(self) -> str:
        return f"{self.stack.web_url}/{self.slug}"

    def propose(self, text: str) -> str:
        """A new proposal, open for votes; its number."""
        token = self.node.call(self.governor, "token()", [], ["address"])
        call = bytes.fromhex("5c19a95c") + bytes.fromhex(self.wallets["ben"].address[2:]).rjust(32, b"\0")
        arguments: list[Any] = [[token], [0], [call]]
        signature = "propose(address[],uint256[],bytes[],string)"
        self.wallets["ben"].invoke(self.governor, signature, [*arguments, text])
        number = self.node.call(self.governor, HASH, [*arguments, keccak(text=text)], ["uint256"])
        opens = self.node.call(self.governor, "proposalSnapshot(uint256)", [number], ["uint256"])
        self.node.advance(max(1, opens + 1 - self.node.time()))
        self.until_mirrored(str(number), "Active")
        return str(number)

    def until_mirrored(self, number: str, state: str) -> None:
        """Wait until the site shows the proposal in a state."""
        give_up, seen = time.monotonic() + 60, None
        while time.monotonic() < give_up:
            answer = httpx.get(f"{self.stack.web_url}/api/v1/daos/{self.slug}/proposals/{number}", timeout=60)
            seen = answer.json().get("state")
            if seen == state:
                return
            time.sleep(0.2)
        raise AssertionError(f"the mirror did not show {state} within 60 s, but {seen}")

    def has_voted(self, number: str, who: str) -> bool:
        return self.node.call(
            self.governor, "hasVoted(uint256,address)", [int(number), self.wallets[who].address], ["bool"]
        )


@pytest.fixture(scope="session")
def beside_playwright() -> Iterator[None]:
    """Let Django use the database in this thread, where Playwright's loop runs: no query is made from within that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "yes")
        yield


@pytest.fixture(scope="session")
def django_db_setup(beside_playwright: None, django_db_setup: None) -> None:
    """The database, which is set up and torn down beside a browser."""


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip(
            "no chromium is installed: `make test-browser` installs it as root, else install Debian's `chromium`"
        )
    return found


@pytest.fixture(scope="session")
def demo(chromium, tmp_path_factory) -> Iterator[Running]:
    state_dir = tmp_path_factory.mktemp("browser") / "state"
    try:
        with Stack(state_dir, model=False) as stack:
            Demo(stack, lambda _line: None).fill()
            node = Node(stack.rpc_url)
            wallets = {name: Wallet.from_key(name, person.key, node) for name, person in stack.people.items()}
            governor = json.loads((state_dir / "demo.json").read_text())["governor"]
            yield Running(stack, node, wallets, governor)
    finally:
        forget(state_dir)


@pytest.fixture(scope="session")
def browser(chromium) -> Iterator[Browser]:
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield running
        running.close()


@pytest.fixture
def context(browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1200, "height": 900})
    yield made
    made.close()


@pytest.fixture
def page(context) -> Page:
    """A page on which no script may fail and nothing may break the site's security policy."""
    made = context.new_page()
    made.set_default_timeout(30_000)
    return made


@pytest.fixture
def quiet(page) -> Iterator[list[str]]:
    """What the page complained about; a test that takes it fails on any complaint."""
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    yield said
    assert said == []


@dataclass
class Injected:
    """An EIP-1193 wallet with keys of its own in this process, announced to the page by EIP-6963.

    A test changes `wallet` and `chain_id` as a person would in the wallet's window; the page hears of it where the test
    says so by `emit`. `speaks=False`: a wallet without events. `answers`: what it answers to a method, whatever is so.
    `meanwhile`: called with each method before it is answered.
    """

    node: Node
    wallet: Wallet | None
    chain_id: str = "0x7a69"
    refuses: tuple[str, ...] = ()
    switches: bool = True
    speaks: bool = True
    answers: dict[str, Any] = field(default_factory=dict)
    meanwhile: Callable[[str], None] = lambda _method: None
    asked: list[str] = field(default_factory=list)

    def install(self, page: Page) -> None:
        page.expose_function("walletRequest", self._answer)
        page.add_init_script(
            """
            const listeners = (window.walletListeners = {});
            const provider = {
              request: async ({ method, params }) => {
                const answer = await window.walletRequest(method, JSON.stringify(params ?? []));
                if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
                return answer.result;
              },
            };
            if (SPEAKS) provider.on = (event, listener) => { (listeners[event] ??= []).push(listener); };
            else if (window.listeningFails) provider.on = () => { throw new Error("no events here"); };
            const info = { uuid: "6d2f1a7e", name: "Signing wallet", icon: "data:,", rdns: "test.signing" };
            const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider",
              { detail: Object.freeze({ info, provider }) }));
            window.addEventListener("eip6963:requestProvider", announce);
            announce();
            """.replace("SPEAKS", json.dumps(self.speaks))
        )

    def emit(self, page: Page, event: str, value: Any) -> None:
        """Have the page hear one of EIP-1193's events."""
        page.evaluate(
            "([event, value]) => (window.walletListeners[event] ?? []).forEach((listener) => listener(value))",
            [event, value],
        )

    def change(self, page: Page, wallet: Wallet | None) -> None:
        """Go to another account (None: take the site's permission away), and say so where the wallet says anything."""
        self.wallet = wallet
        if self.speaks:
            self.emit(page, "accountsChanged", self._accounts())

    def _accounts(self) -> list[str]:
        return [self.wallet.address.lower()] if self.wallet else []

    def _answer(self, method: str, text: str) -> dict[str, Any]:
        params = json.loads(text)
        self.asked.append(method)
        self.meanwhile(method)
        if method in self.answers:
            return self.answers[method]
        if method in self.refuses:
            return {"error": {"code": 4001, "message": "User rejected the request."}}
        if method in ("eth_accounts", "eth_requestAccounts"):
            return {"result": self._accounts()}
        if method == "eth_chainId":
            return {"result": self.chain_id}
        if method == "wallet_switchEthereumChain":
            if not self.switches:
                return {"error": {"code": 4902, "message": "Unrecognized chain ID."}}
            self.chain_id = params[0]["chainId"]
            return {"result": None}
        if method == "eth_signTypedData_v4":
            return {"result": self.wallet.sign_typed_data(json.loads(params[1]))}
        if method == "personal_sign":
            signed = Account.sign_message(encode_defunct(hexstr=params[0]), self.wallet.account.key)
            return {"result": "0x" + signed.signature.hex()}
        if method == "eth_sendTransaction":
            call = params[0]
            receipt = self.wallet.send(
                to_checksum_address(call["to"]), call["data"], int(call.get("value", "0x0"), 16), must_succeed=False
            )
            return {"result": receipt["transactionHash"]}
        return self._of_the_node(method, params)

    def _of_the_node(self, method: str, params: list[Any]) -> dict[str, Any]:
        """The node's answer or error, as wallets hand both on."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self.node._http.post("", json=asked).json()
        return {"error": answer["error"]} if "error" in answer else {"result": answer["result"]}


@pytest.fixture
def screenshots() -> Path | None:
    """Where screenshots go (MANDATE_SCREENSHOTS), or None."""
    place = os.environ.get("MANDATE_SCREENSHOTS")
    if not place:
        return None
    folder = Path(place)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
