# SPDX-License-Identifier: Apache-2.0
"""Acts a policy template out on the local chain: stand-ins of ours, a policy by vote, one act from form to log.

A running demo shows payroll. The other templates call contracts of others, which a chain of one's own does not have:
stand-ins take their place, and are named so in the policy's document, which the pages show their names from.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any

from eth_abi import encode
from eth_utils import keccak

from agent.acts import approvals, submitting
from agent.acts.shown import shown
from agent.acts.words import reason_of
from agent.models import Request
from dao.local import stand_ins
from dao.local.founding import DAY_S, FoundingError
from dao.local.governor import Proposal
from dao.local.voting import Voting
from dao.local.wallet import Node, Wallet, calldata
from governance.chain.address import checksum
from governance.chain.governor import FOR
from governance.chain.module import SET_POLICY
from governance.models import Dao, PolicyVersion
from policies.answer.filled import filled, input_name
from policies.answer.form import form
from policies.code.encoding import decode
from policies.code.encoding import encode as code_of
from policies.document.document import PolicyDocument, load
from policies.files import read_text
from policies.notation.amounts import Token, write_time
from policies.notation.hexadecimal import hex_bytes, hex_text
from webapp.policies import texts

TEMPLATES = Path(__file__).resolve().parents[2] / "policies" / "templates"
ETHER = 10**18
_LOOKS = 400  # at what the agent and the mirror do, before it is given up
# Who of the demo's people stands for whom in the templates.
_PEOPLE = {
    "ines": "ines", "jon": "jon", "kim": "kim", "lea": "lea", "max": "max", "agent": "agent", "operator": "olga",
    "triage": "kim", "moderator": "lea", "light client team": "jon", "docs team": "lea", "hosting": "ines",
    "auditor": "jon", "software": "kim",
}  # fmt: skip
# What a template calls an address or a token -> the stand-in's name in the document, and its contract.
_STAND_INS = {
    "router": ("stand-in router", "StandInRouter"),
    "streaming": ("stand-in streams", "StandInStreams"),
    "lending governor": ("stand-in governor", "StandInGovernor"),
    "naming governor": ("other stand-in governor", "StandInGovernor"),
    "WETH": ("siWETH", "StandInToken"),
    "vUSDC": ("siUSDC", "StandInVault"),
}
_TAKING_USDC = ("StandInStreams", "StandInVault")  # whose constructor takes the token
_RATE = ETHER // 3_900  # wei for each USDC, that the stand-in router gives
_LINE = r'(?m)^(\s*{}:\s*(?:\{{address: )?)"0x[0-9a-fA-F]{{40}}"'


@dataclass(frozen=True)
class Asked:
    """What is asked for under a template: functions of rules (`ETH`: plain ether), and inputs by their name."""

    functions: tuple[str, ...]
    values: Mapping[str, str]


def _asked(name: str, address: Callable[[str], str], now_chain_s: int) -> Asked:
    begins_s = now_chain_s + 20 * DAY_S
    return {
        "payroll": Asked(("transfer",), {"to": address("ines"), "amount": "100 USDC"}),
        "operations": Asked(("transfer",), {"to": address("ines"), "amount": "99.50 USDC"}),
        "grants": Asked(("transfer",), {"amount": "500 USDC"}),
        "bounties": Asked(
            ("transfer", "ETH"), {"to": address("max"), "amount": "100 USDC", "value_wei": "0.01 ETH"}
        ),
        "yield": Asked(("approve", "deposit"), {"amount": "1,000 USDC", "assets": "1,000 USDC"}),
        "swaps": Asked(
            ("approve", "exactInputSingle"),
            {"amount": "390 USDC", "params.amountIn": "390 USDC", "params.amountOutMinimum": "0.5 %",
             "params.deadline": str(begins_s)},
        ),
        "streams": Asked(
            ("approve", "createStream"),
            {"amount": "3,000", "deposit": "3,000", "recipient": address("ines"), "startTime": str(begins_s),
             "stopTime": str(begins_s + 10**7)},
        ),
        "metagovernance": Asked(
            ("castVoteWithReason",), {"proposalId": "7", "support": "1", "reason": "as our members said"}
        ),
    }[name]  # fmt: skip


class ActingOut(Voting):
    """Acts templates out in one DAO. `work` lets the agent and the mirror go on for a while; `folder` keeps the
    documents, so that a second act is under the policy of the first."""

    def __init__(
        self,
        node: Node,
        wallets: Mapping[str, Wallet],
        contracts: Mapping[str, str],
        dao: Dao,
        folder: Path,
        say: Callable[[str], None],
        work: Callable[[], None],
    ) -> None:
        super().__init__(node, wallets, contracts["governor"], say)
        self._contracts, self._dao, self._folder, self._work = contracts, dao, folder, work

    def act_out(self, name: str) -> Request:
        """Put the template in force where it is not yet, and perform one act under it. Raises FoundingError."""
        document = self._in_force(name)
        request = self._ask(name, document)
        self._say(f"  asked for, as olga: request {request.pk}")
        self._until(request, Request.Status.NEEDS_APPROVAL)
        candidate = shown(request)["approval"]["candidate"]
        typed_data = approvals.typed_data(request, request.candidates.get(key=candidate))
        approvals.accept(request, candidate, self._wallets["olga"].sign_typed_data(typed_data))
        self._say("  olga, the operator, signs it")
        self._until(request, Request.Status.EXECUTED, Request.Status.SCHEDULED)
        if request.status == Request.Status.SCHEDULED:
            self._say(f"  announced: nobody objects for {document.objection_delay_s // DAY_S} days")
            self._node.advance(document.objection_delay_s + 1)
            self._until(request, Request.Status.EXECUTED)
        self._say("  done: the mirror shows the act")
        return request

    # The policy

    def _in_force(self, name: str) -> PolicyDocument:
        file = self._folder / f"acted-out-{name}.yaml"
        if name == "payroll" and (self._folder / "payroll.yaml").exists():
            file = self._folder / "payroll.yaml"  # the demo's own, which is in force
        if not file.exists():
            half = file.with_suffix(".half")
            half.write_text(self._text(name))
            half.replace(file)
        text = read_text(str(file))
        document = load(text)
        code = code_of(document)
        texts.keep(text)  # the pages show the stand-ins' names from it
        if not self._is_in_force(name, code):
            self._vote_on(name, document, code)
        for _ in range(_LOOKS):
            if self._is_in_force(name, code):
                return document
            self._work()
        raise FoundingError(f"the mirror does not see the policy {name!r}")

    def _is_in_force(self, name: str, code: bytes) -> bool:
        versions = PolicyVersion.objects.filter(dao=self._dao, policy_id=keccak(text=name))
        newest = versions.order_by("-version").first()
        return newest is not None and bytes(newest.code) == code

    def _vote_on(self, name: str, document: PolicyDocument, code: bytes) -> None:
        call = calldata(SET_POLICY, [keccak(text=name), code])
        proposal = Proposal(((self._contracts["module"], 0, call),), _proposal_text(name, document))
        self.propose("ada", proposal)
        self.open(proposal)
        self.vote(proposal, {"ada": (FOR, ""), "ben": (FOR, "")})
        self.carry_out(proposal)

    def _text(self, name: str) -> str:
        """The template with this chain's people, stand-ins and dates."""
        text = "".join(
            line for line in (TEMPLATES / f"{name}.yaml").read_text().splitlines(True) if not line.startswith("#")
        )
        addresses = {key: self._wallets[who].address for key, who in _PEOPLE.items()}
        addresses |= {"USDC": self._contracts["usdc"], "treasury": self._contracts["treasury"]}
        for key, (shown_as, contract) in _STAND_INS.items():
            if re.search(_LINE.format(key), text):
                addresses[shown_as] = self._put(contract)
                text = re.sub(rf"\b{key}\b", shown_as, text)
        for key, address in addresses.items():
            text = re.sub(_LINE.format(key), rf'\g<1>"{address}"', text)
        if contract := addresses.get("stand-in router"):
            self._fill_router(contract, addresses["siWETH"])
        start_s = self._node.time() // 3600 * 3600
        end_s = start_s + (20 if name == "swaps" else 300) * DAY_S
        for key, value in (("from", write_time(start_s)), ("until", write_time(end_s))):
            text = re.sub(rf"(?m)^(  {key}: )\S+", rf"\g<1>{value}", text)
        if "stand-in" in text or "siUSDC" in text:
            text = re.sub(r"(?m)^summary: (.*)$", r"summary: On stand-ins of the demo. \1", text)
        return text

    def _put(self, contract: str) -> str:
        data = stand_ins.compiled()[contract]["bytecode"].removeprefix("0x")
        arguments = encode(["address"], [self._contracts["usdc"]]).hex() if contract in _TAKING_USDC else ""
        deployed = self._wallets["deployer"].send("", f"0x{data}{arguments}")
        self._say(f"  {contract}, a stand-in of ours, at {deployed['contractAddress']}")
        return checksum(hex_bytes(deployed["contractAddress"]))

    def _fill_router(self, router: str, token: str) -> None:
        """Give the router its price, and tokens to give."""
        wallet = self._wallets["deployer"]
        wallet.invoke(token, "mint(address,uint256)", [router, 100 * ETHER])
        wallet.invoke(router, "setPrice(uint256,uint256)", [_RATE, 1000])
        up, down = (_RATE, 10**6) if int(self._contracts["usdc"], 16) < int(token, 16) else (10**6, _RATE)
        wallet.invoke(router, "setPool(uint160)", [isqrt(up * 2**192 // down)])

    # The act

    def _ask(self, name: str, document: PolicyDocument) -> Request:
        asked = _asked(name, lambda who: self._wallets[who].address, self._node.time())
        act = _act(document, asked)
        olga = hex_bytes(self._wallets["olga"].address)
        key = f"acted-out:{name}:{self._node.block_number()}"
        return submitting.submit(
            self._dao, keccak(text=name), f"what {name} is for", olga, key, signed_in=False, act=act
        )

    def _until(self, request: Request, *wanted: str) -> None:
        for _ in range(_LOOKS):
            request.refresh_from_db()
            if request.status in wanted:
                return
            if request.status in (Request.Status.REFUSED, Request.Status.ABSTAINED, Request.Status.FAILED):
                break
            self._work()
        raise FoundingError(f"request {request.pk} is {request.status}: {reason_of(request)}")


def _act(document: PolicyDocument, asked: Asked) -> dict[str, Any]:
    policy = decode(code_of(document))
    functions = {rule.function.selector: rule.function for rule in document.rules if rule.function}
    tokens = {token.address: Token(token.symbol, token.address, token.decimals) for token in document.tokens}
    names = ["ETH" if rule.no_selector else functions[rule.selector].name for rule in policy.rules]
    rules = [names.index(name) for name in asked.functions]
    named = {
        input_name(rule.number, field.key): asked.values[field.key]
        for rule in form(policy, functions, tokens, {})
        if rule.number in rules
        for field in rule.fields
        if field.key in asked.values
    }
    answer = filled(policy, functions, tokens, rules, named)
    return answer | {"functions": sorted(function.text for function in functions.values())}


def _proposal_text(name: str, document: PolicyDocument) -> str:
    stand_ins_ = [f"- {title}: {hex_text(address)}" for title, address in document.addresses if "stand-in" in title]
    stand_ins_ += [f"- {t.symbol}: {hex_text(t.address)}" for t in document.tokens if t.symbol.startswith("si")]
    said = "\n".join(["It calls stand-ins of the demo for other projects' contracts:", "", *stand_ins_])
    return f"# Put the {name} policy in force\n\n{document.summary}\n" + (f"\n{said}\n" if stand_ins_ else "")
