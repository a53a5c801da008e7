# SPDX-License-Identifier: Apache-2.0
"""What exists on the local test chain only: its clock, its people, and the built-in test wallet.

Everything here answers 403 unless this site is set up for a local chain; what acts, unless the node itself says too
that it serves that chain. Anvil holds the people's unlocked accounts, this process holds no key.
"""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dao.local import clock as local_clock
from governance import address_book
from governance.audit_log import Action, record
from governance.chain.rpc import Rpc, RpcError, WrongChain
from governance.models import Dao, Proposal
from governance.state import State, state_of
from policies.notation.hexadecimal import hex_text
from presentation.acts import objectable
from presentation.dao_view import DaoView, is_never

# What the browser may ask of anvil through us. Nothing that moves the chain itself: no evm_, no anvil_, no raw sends.
ALLOWED = frozenset(
    {
        "eth_accounts", "eth_requestAccounts", "eth_chainId", "net_version", "eth_sendTransaction", "personal_sign",
        "eth_signTypedData_v4", "eth_call", "eth_estimateGas", "eth_blockNumber", "eth_gasPrice", "eth_feeHistory",
        "eth_maxPriorityFeePerGas", "eth_getBalance", "eth_getBlockByNumber", "eth_getCode", "eth_getTransactionByHash",
        "eth_getTransactionCount", "eth_getTransactionReceipt",
    }
)  # fmt: skip
# Methods that speak for an account, and where in their parameters it stands.
_SENDER = {"eth_sendTransaction": 0, "personal_sign": 1, "eth_signTypedData_v4": 0}


_NOT_SET_UP = "The test wallet and the clock exist on the local test chain only, and this site is not set to one."


class NotLocal(Exception):
    """This is no local test chain; the message says it to the user."""


def local_rpc() -> Rpc:
    """The local chain's node, after it has said itself that it serves the local chain. Raises NotLocal, RpcError."""
    if settings.LOCAL_CHAIN_ID is None:
        raise NotLocal(_NOT_SET_UP)
    # A client of its own, which asks every endpoint for its chain before anything else; the cached one did so once.
    rpc = Rpc(settings.RPC_URLS.get(settings.LOCAL_CHAIN_ID, ()), settings.LOCAL_CHAIN_ID, attempts=1)
    try:
        rpc.call("eth_chainId", [])
    except WrongChain as error:
        rpc.close()
        raise NotLocal(
            f"The test wallet and the clock exist on the local test chain ({settings.LOCAL_CHAIN_ID}) only; "
            f"this node serves chain {error.got}."
        ) from error
    return rpc


def _refusal(code: int, message: str, status: int) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)


@require_GET
def people(_request: HttpRequest) -> JsonResponse:
    """The demo's people, from the file that the demo wrote; nobody where there is none. Asks no node."""
    if settings.LOCAL_CHAIN_ID is None:
        return _refusal(4901, _NOT_SET_UP, 403)
    named = address_book.people(settings.LOCAL_CHAIN_ID)
    shown = [{"name": person["name"], "address": person["address"], "role": person["role"]} for person in named]
    # Those whom a newcomer wants to be come first.
    shown.sort(key=lambda person: person["name"] in ("deployer", "agent", "relayer"))
    return JsonResponse({"people": shown, "chainId": hex(settings.LOCAL_CHAIN_ID)})


@require_POST
def wallet(request: HttpRequest) -> JsonResponse:
    """One EIP-1193 request of the test wallet, `{"method", "params", "persona"}`, answered by the local chain's node.

    CSRF-protected like every form. `persona` is the chosen account: nothing is signed or sent for another one.
    """
    try:
        sent = json.loads(request.body)
        method, params, persona = str(sent["method"]), sent.get("params") or [], str(sent.get("persona", "")).lower()
        if not isinstance(params, list):
            raise TypeError("params is a list")
    except (ValueError, KeyError, TypeError, RecursionError):
        return _refusal(-32600, "send method, params and persona as JSON", 400)
    try:
        rpc = local_rpc()
    except NotLocal as error:
        return _refusal(4901, str(error), 403)
    except RpcError as error:
        return _refusal(-32603, f"the local chain's node does not answer: {error}", 503)
    try:
        return _forward(rpc, method, params, persona)
    except RpcError as error:
        return _refusal(-32603, f"the local chain's node does not answer: {error}", 503)
    finally:
        rpc.close()


def _forward(rpc: Rpc, method: str, params: list[Any], persona: str) -> JsonResponse:
    if method not in ALLOWED:
        return _refusal(4200, f"the test wallet does not do {method[:60]}", 400)
    if method in ("eth_accounts", "eth_requestAccounts"):
        held = [str(address) for address in rpc.call("eth_accounts", [])]
        return JsonResponse({"result": [address for address in held if address.lower() == persona]})
    if method in _SENDER:
        position = _SENDER[method]
        value = params[position] if len(params) > position else None
        speaks_for = value.get("from") if isinstance(value, dict) else value
        if not persona or not isinstance(speaks_for, str) or speaks_for.lower() != persona:
            return _refusal(4100, "the test wallet acts only for the person chosen on the page", 403)
    if method == "eth_signTypedData_v4" and isinstance(params[1], str):
        try:
            params = [params[0], json.loads(params[1])]
        except ValueError:
            return _refusal(-32602, "the typed data is not JSON", 400)
    try:
        return JsonResponse({"result": rpc.call(method, params)})
    except RpcError as error:
        data = error.data
        return JsonResponse(
            {
                "error": {
                    "code": error.code if error.code is not None else -32603,
                    "message": error.message,
                    "data": hex_text(data) if isinstance(data, bytes) else data,
                }
            },
            status=200,  # an answer of the node, not of this site
        )


@require_http_methods(["GET", "HEAD", "POST"])
@ensure_csrf_cookie
def clock(request: HttpRequest) -> HttpResponse:
    """See the local chain's time and wind it on: to the end of voting, of a timelock, or by a month.

    What is seen is of the newest block that was read; the node is asked when the clock is wound.
    """
    if request.method == "POST":
        return _wind(request)
    if settings.LOCAL_CHAIN_ID is None:
        raise PermissionDenied(_NOT_SET_UP)
    place = _local_place()
    if place is None:
        raise PermissionDenied("No DAO of the local test chain is read here yet.")
    shown = {"place": place, "here": "clock", "steps": clock_steps(place, place.now_chain_s)}
    return render(request, "dao/clock.html", shown)


def _wind(request: HttpRequest) -> HttpResponse:
    """Wind the clock to the moment that was chosen, by the node's own time: the mirror may be a moment behind it."""
    try:
        rpc = local_rpc()
    except NotLocal as error:
        raise PermissionDenied(str(error)) from error
    except RpcError as error:
        messages.error(request, gettext("The local chain's node does not answer: %(problem)s") % {"problem": error})
        text = {"heading": gettext("The clock"), "text": gettext("Try again in a moment.")}
        return render(request, "webapp/message.html", text, status=503)
    rpc.close()
    chain = Rpc.for_chain(settings.LOCAL_CHAIN_ID)
    header = chain.block("latest")
    steps = clock_steps(_local_place(), header.timestamp_chain_s if header else 0)
    chosen = next((step for step in steps if step["to"] == request.POST.get("to")), None)
    if chosen is None:
        messages.error(request, gettext("That moment is not offered any more; choose again."))
        return redirect("clock")
    try:
        if chosen["kind"] == "by":
            local_clock.advance(chain, chosen["seconds"])
        else:
            local_clock.advance_to(chain, chosen["seconds"])
    except (local_clock.NotLocalChain, local_clock.ClockRefused, RpcError) as error:
        messages.error(request, gettext("The clock was not moved: %(problem)s") % {"problem": error})
        return redirect("clock")
    record(Action.LOCAL_CLOCK_WOUND, step=chosen["to"])
    messages.success(request, gettext("Done: %(step)s.") % {"step": chosen["label"]})
    return redirect("clock")


def _local_place() -> DaoView | None:
    dao = Dao.objects.select_related("chain").filter(chain_id=settings.LOCAL_CHAIN_ID).order_by("id").first()
    return DaoView(dao) if dao else None


def clock_steps(place: DaoView | None, now_chain_s: int) -> list[dict[str, Any]]:
    """Where the clock may be wound to: what the open proposals and acts wait for, and plain stretches.

    `now_chain_s` is the node's time: right after winding, the mirror is a moment behind it.
    """
    steps: list[dict[str, Any]] = []
    if place and place.one("governor") and not place.counts_blocks:
        waiting = Proposal.objects.filter(dao=place.dao, executed=False, canceled=False).prefetch_related("operations")
        for proposal in waiting.order_by("-id")[:50]:
            state = state_of(proposal, place.now, place.governor)
            if state is State.PENDING:
                steps.append(_to("start", gettext("Start of the next vote"), proposal.snapshot + 1))
            elif state is State.ACTIVE:
                steps.append(_to("end", gettext("End of voting"), proposal.deadline + 1))
            elif state is State.QUEUED and (proposal.eta_chain_s or 0) > place.now_chain_s:
                steps.append(_to("timelock", gettext("End of the timelock"), proposal.eta_chain_s or 0))
    if place:
        steps += [
            _to("window", gettext("End of the objection window"), act.releasable_chain_s)
            for act in objectable(place)
            if act.releasable_chain_s and act.releasable_chain_s > place.now_chain_s
        ]
    steps = [step for step in steps if not is_never(step["seconds"] - 1)]
    nearest: dict[str, dict[str, Any]] = {}
    for step in sorted(steps, key=lambda step: step["seconds"]):
        if step["seconds"] <= now_chain_s:
            continue
        nearest.setdefault(step["name"], step)
    plain = [
        ("hour", gettext("One hour on"), 3600),
        ("day", gettext("One day on"), 86_400),
        ("month", gettext("Next month"), 30 * 86_400),
    ]
    return [
        *nearest.values(),
        *(
            {"name": name, "to": name, "label": label, "kind": "by", "seconds": seconds}
            for name, label, seconds in plain
        ),
    ]


def _to(name: str, label: str, seconds: int) -> dict[str, Any]:
    return {"name": name, "to": f"{name}:{seconds}", "label": label, "kind": "to", "seconds": seconds}
