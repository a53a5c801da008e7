# SPDX-License-Identifier: Apache-2.0
"""Ten questions that members ask of a policy: the true answers, found without the code under test, stand in its words.

The facts of each policy are written here once more, as a person reads them in its document; the numbers come from
playing the thief second by second at the edges of the segments (`refills`) and from trying every split (`most`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import pytest

from policies.code.encoding import decode, encode
from policies.document.document import load
from policies.notation.primitives import checksum, keccak
from policies.trial.stolen_key import simulate, simulate_together
from policies.words.diff import Mark, diff
from policies.words.explanation import Explanation, explanation

TEMPLATES = Path(__file__).resolve().parents[2] / "policies" / "templates"
DAY_S = 86_400
HEAD = """
version: 1
name: need
agent: "0xe3E5BA07dA92Ad9c5F6ecC7D9b29ac5bb0c9a1D4"
operator: "0xA1c40d9B6D8B0B3E1c2D3F40516273849506a7B8"
valid: {from: 2027-01-01T00:00Z, until: 2028-01-01T00:00Z}
cooldown: 1 hour
objection: {delay: 2 days, release within: 5 days, threshold: 5 %}
"""
USDC = 'USDC: {address: "0x5c0000000000000000000000000000000000dEAD", decimals: 6}'


@dataclass(frozen=True)
class Limit:
    """A budget as people read it, in whole tokens."""

    at_once: float
    limit: float
    days: int


@dataclass(frozen=True)
class Facts:
    """What is true of a policy. `splits` are the budgets that each kind of payment passes, by their names."""

    token: str
    limits: dict[str, Limit]
    splits: list[tuple[str, ...]]
    life_days: int
    delay: str
    threshold: str
    until: str
    doubt: str = ""
    whom: tuple[str, ...] = ()
    anybody: bool = False
    says: tuple[str, ...] = field(default=())


def refills(days: int, duration_s: int) -> int:
    """How often a thief empties a budget of that period within a duration, beginning at the worst moment."""
    segment_s = -(-days * DAY_S // 7)
    best = 0
    for begin_s in (0, segment_s - 1):
        now_s, count = begin_s, 0
        while now_s < begin_s + duration_s:
            count += 1
            now_s = (now_s // segment_s + 8) * segment_s  # when what was spent counts no more
        best = max(best, count)
    return best


def most(facts: Facts, capacity: dict[str, float]) -> float:
    """The most that all payments together take, by trying every split of each into tenths of the smallest budget."""
    rooms = {name: capacity[name] for name in facts.limits}
    if all(len(split) == 1 for split in facts.splits):
        return sum(rooms[name] for name in {split[0] for split in facts.splits})
    choices = []
    for split in facts.splits:
        whole = min(rooms[one] for one in split)
        choices.append(sorted({*(whole * tenth / 10 for tenth in range(11)), *_rests(split, rooms)}))
    best = 0.0
    for amounts in product(*choices):
        taken = dict.fromkeys(rooms, 0.0)
        for split, amount in zip(facts.splits, amounts, strict=True):
            for one in split:
                taken[one] += amount
        if all(taken[one] <= rooms[one] for one in rooms):
            best = max(best, sum(amounts))
    return best


def _rests(split: tuple[str, ...], rooms: dict[str, float]) -> Iterator[float]:
    """What is left of one budget where another was used up."""
    for one, other in product(split, rooms):
        if 0 <= rooms[one] - rooms[other] <= min(rooms[name] for name in split):
            yield rooms[one] - rooms[other]


def text(amount: float, facts: Facts) -> str:
    return f"{amount:,.6f}".rstrip("0").rstrip(".") + f" {facts.token}{facts.doubt}"


def questions(facts: Facts, said: Explanation) -> Iterator[tuple[str, str, str]]:
    """Question, true answer, and the text in which it must stand."""
    who, much, thief = said.together
    year_s, month_s = facts.life_days * DAY_S, 31 * DAY_S
    everything = "\n".join(said.lines)

    def total(duration_s: int, *, alone: bool) -> float:
        return most(
            facts,
            {
                name: (one.at_once if alone else one.limit) * refills(one.days, duration_s)
                for name, one in facts.limits.items()
            },
        )

    at_once = most(facts, {name: one.at_once for name, one in facts.limits.items()})
    unannounced = "nothing without an announcement"  # what a thief takes alone, where that is nothing
    right_away = f"{text(at_once, facts)} right away" if at_once else unannounced
    ready = f"{right_away} without an announcement" if at_once else "nothing of it without an announcement"
    for name in facts.whom:
        yield "Who can be paid?", name, who
    yield "Can anybody be paid?", "ANYBODY" if facts.anybody else "the agent", who
    yield (
        "How much can leave at once, with no objection possible?",
        ready,
        much,
    )
    yield "What can a thief take right away, before anybody can object?", right_away, thief
    life = f"in all its time ({facts.life_days} days)"
    yield "What can leave in all?", f"{text(total(year_s, alone=False), facts)} {life}", much
    yield (
        "What can a thief take in all, if nobody stops it?",
        f"{text(alone, facts)} {life}" if (alone := total(year_s, alone=True)) else unannounced,
        thief,
    )
    if facts.life_days > 31:
        month = "in any 31 days"
        yield "What can leave in March?", f"{text(total(month_s, alone=False), facts)} {month}", much
        alone = total(month_s, alone=True)
        yield (
            "What can a thief take in March?",
            f"{text(alone, facts)} {month}" if alone else unannounced,
            thief,
        )
    for name, one in facts.limits.items():
        counted = [refills(one.days, time_s) for time_s in (*([month_s] if facts.life_days > 31 else []), year_s)]
        times = " and ".join({1: "once", 2: "twice"}.get(count, f"{count} times") for count in counted[-1:])
        (spent,) = (line for line in said.sentences if line.startswith("What is spent from") and f"“{name}”" in line)
        often = "does not come back" if counted[-1] == 1 else f"{times} {life}"
        yield f"How often can all of {name} go?", often, spent
        if facts.life_days > 31 and counted[-1] > 1:
            month = {1: "once", 2: "twice"}.get(counted[0], f"{counted[0]} times")
            yield f"Why is March's number not {name}'s own?", f"can go at most {month} in any 31 days", spent
    yield "How long can members object?", f"waits {facts.delay};" if facts.delay else "Nothing has to wait", everything
    yield "How many votes stop it?", facts.threshold, everything
    yield "When does it end?", facts.until, everything
    for part in facts.says:
        yield "What else must be known?", part, everything


PAYROLL = Facts(
    "USDC", {"payroll": Limit(6_000, 12_000, 24)}, [("payroll",)], 365, "2 days", "5 %", "until 2027-11-01",
    whom=("“ines”", "“jon”", "“kim”", "“lea”", "“max”"),
)  # fmt: skip
TEMPLATE_FACTS = {
    "payroll": PAYROLL,
    "operations": Facts(
        "USDC", {"bills": Limit(4_000, 4_000, 24), "audits": Limit(0, 60_000, 180)}, [("bills",), ("audits",)], 365,
        "3 days", "3 %", "until 2027-12-01", whom=("“hosting”", "“software”", "“auditor”"),
    ),
    "grants": Facts(
        "USDC",
        {"docs": Limit(0, 12_000, 182), "light client": Limit(0, 40_000, 182), "all grants": Limit(0, 20_000, 24)},
        [("docs", "all grants"), ("light client", "all grants")], 182, "5 days", "2 %", "until 2027-06-01",
        whom=("“light client team”", "“docs team”"),
    ),
    "bounties": Facts(
        "USDC", {"rewards": Limit(500, 5_000, 6)}, [("rewards",)], 182, "3 days", "2 %", "until 2027-06-01",
        anybody=True, says=("0.2 ETH right away", "1 ETH in any 31 days", "“triage”", "“moderator”"),
    ),
    "yield": Facts(
        "USDC", {"into the vault": Limit(20_000, 50_000, 6)}, [("into the vault",)], 182, "2 days", "3 %",
        "until 2027-06-01", doubt=" (or ANOTHER token, not limited here)",
        says=(
            "at most 1 in 10 of it is lost if 1 vUSDC is worth no less than 1 USDC, which no policy can show",
            "at most 1 in 100 of it is lost if 1 USDC is worth no less than 1 vUSDC, which no policy can show",
            "for all of it something must come in as long as what is called keeps to its standard: at most 1 in 10",
            "breaks its standard and uses an allowance, such as one given in the same act, to take what such a call",
            "rule 4 charges it, and whatever leaves by rule 3 counts too",
            "but all of it can go for nothing, and to anybody, if the contract that is called under rules 3 and 4",
        ),
    ),
    "swaps": Facts(
        "USDC", {"to swap": Limit(10_000, 30_000, 6)}, [("to swap",)], 14, "1 day", "3 %", "until 2026-12-15",
        doubt=" or MORE", says=("true only if the effect of rule 2 ends with the act", "at the voted ratio"),
    ),
    "streams": Facts(
        "USDC", {"deposits": Limit(0, 60_000, 78)}, [("deposits",)], 182, "3 days", "3 %", "until 2027-06-01",
        doubt=" or MORE", says=("true only if the effect of rule 2 ends with the act",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(TEMPLATE_FACTS))
def test_templates(name: str) -> None:
    document = load((TEMPLATES / f"{name}.yaml").read_text())
    check(TEMPLATE_FACTS[name], explanation(decode(encode(document)), {}, {}, document=document))


def check(facts: Facts, said: Explanation) -> None:
    asked = list(questions(facts, said))
    wrong = [(question, answer, where) for question, answer, where in asked if answer not in where]
    assert wrong == []
    assert len({question for question, _, _ in asked}) >= 8


def test_metagovernance_moves_nothing_and_says_what_is_not_known() -> None:
    document = load((TEMPLATES / "metagovernance.yaml").read_text())
    said = explanation(decode(encode(document)), {}, {}, document=document)
    assert "`castVote(uint256,uint8)`" in said.together[0]
    assert "; and make no other call; but what calls under rules 1, 2 and 3 begin, or allow" in said.together[0]
    assert said.together[1].endswith(
        "acts are at least 5 minutes apart, but one act can hold any number of calls, so nothing bounds how many of "
        "the permitted calls are made."
    )
    assert "which is not known" in said.together[2]
    assert said.table == ()


# Five policies of real needs


def person(number: int) -> str:
    return f'"{checksum((number + 1).to_bytes(20, "big"))}"'


def address_of(name: str) -> str:
    """An address of its own for each name, with its checksum."""
    return f'"{checksum(keccak(name.encode())[:20])}"'


def payroll_of_eight() -> tuple[str, Facts]:
    """Eight people with a budget each, two of them after their raise."""
    pay = [4_000, 4_500, 5_000, 5_000, 5_250.5, 5_500, 6_000, 4_500]
    names = [f"p{number}" for number in range(8)]
    budgets = "".join(
        f'  {name}: {{limit: "{amount:,.1f} USDC", period: 24 days, without objection: "{amount:,.1f} USDC"}}\n'
        for name, amount in zip(names, pay, strict=True)
    )
    rules = "".join(
        f"  - call: transfer(address to, uint256 amount)\n    on: USDC\n    where: {{to: {{equals: {name}}}}}\n"
        f"    charge: {{{name}: amount}}\n"
        for name in names
    )
    addresses = ", ".join(f"{name}: {person(number)}" for number, name in enumerate(names))
    limits = {name: Limit(amount, amount, 24) for name, amount in zip(names, pay, strict=True)}
    facts = Facts("USDC", limits, [(name,) for name in names], 365, "", "2028-01-01", "until 2028-01-01")
    document = f"{HEAD}tokens: {{{USDC}}}\naddresses: {{{addresses}}}\nbudgets:\n{budgets}rules:\n{rules}"
    return document, facts


def milestones() -> tuple[str, Facts]:
    """Three grantees with a total each, and one budget for all of them."""
    totals = {"alpha": 30_000, "beta": 20_000, "gamma": 10_000}
    budgets = '  every: {limit: "25,000 USDC", period: 78 days, without objection: "5,000 USDC"}\n' + "".join(
        f'  {name}: {{limit: "{total:,} USDC", period: 365 days, without objection: "{total:,} USDC"}}\n'
        for name, total in totals.items()
    )
    rules = "".join(
        f"  - call: transfer(address to, uint256 amount)\n    on: USDC\n    where: {{to: {{equals: {name}}}}}\n"
        f"    charge: {{{name}: amount, every: amount}}\n"
        for name in totals
    )
    addresses = ", ".join(f"{name}: {person(number)}" for number, name in enumerate(totals))
    limits = {name: Limit(total, total, 365) for name, total in totals.items()} | {"every": Limit(5_000, 25_000, 78)}
    facts = Facts(
        "USDC", limits, [(name, "every") for name in totals], 365, "2 days", "5 %", "until 2028-01-01",
        whom=("“alpha”", "“beta”", "“gamma”"),
    )  # fmt: skip
    return f"{HEAD}tokens: {{{USDC}}}\naddresses: {{{addresses}}}\nbudgets:\n{budgets}rules:\n{rules}", facts


def three_vaults() -> tuple[str, Facts]:
    """Three vaults, one measured budget for all that goes into them, and one for what comes out of each."""
    vaults = ["vA", "vB", "vC"]
    tokens = ", ".join([USDC, *(f"{name}: {{address: {address_of(name)}, decimals: 6}}" for name in vaults)])
    rules = "".join(
        f"  - call: deposit(uint256 assets, address receiver)\n    on: {name}\n"
        f"    where: {{receiver: {{equals: treasury}}}}\n    charge: {{saved: assets}}\n"
        f"    income: {{saved: at least 0.999 {name} per USDC}}\n"
        f"  - call: redeem(uint256 shares, address receiver, address owner)\n    on: {name}\n"
        f"    where: {{receiver: {{equals: treasury}}, owner: {{equals: treasury}}}}\n"
        f"    charge: {{out {name}: shares}}\n"
        f"    income: {{out {name}: at least 0.999 USDC per {name}}}\n"
        for name in vaults
    )
    budgets = "".join(
        f'  {name}: {{limit: "1,000,000 {token}", period: 24 days, '
        f'without objection: "100,000 {token}", measured: yes}}\n'
        for name, token in [("saved", "USDC"), *((f"out {name}", name) for name in vaults)]
    )
    facts = Facts(
        "USDC", {"saved": Limit(100_000, 1_000_000, 24)}, [("saved",)], 365, "2 days", "5 %", "until 2028-01-01",
        doubt=" (or ANOTHER token, not limited here)", says=(
            "at most 1 in 1,000 of it is lost if 1 v",
            *(f"1 {name} is worth no less than 1 USDC" for name in vaults),
        ),
    )  # fmt: skip
    written = f"{HEAD}tokens: {{{tokens}}}\naddresses: {{treasury: {address_of('treasury')}}}\n"
    return f"{written}budgets:\n{budgets}rules:\n{rules}", facts


def vendors() -> tuple[str, Facts]:
    """200 vendors in one list."""
    names = [f"vendor{number}" for number in range(200)]
    addresses = "".join(f"  {name}: {address_of(name)}\n" for name in names)
    rules = (
        "  - call: transfer(address to, uint256 amount)\n    on: USDC\n    where: {to: {one of: vendors}}\n"
        "    charge: {bills: amount}\n"
    )
    facts = Facts(
        "USDC", {"bills": Limit(2_000, 50_000, 24)}, [("bills",)], 365, "2 days", "5 %", "until 2028-01-01",
        whom=("200 addresses (listed below)",),
    )  # fmt: skip
    return (
        f"{HEAD}tokens: {{{USDC}}}\naddresses:\n{addresses}lists: {{vendors: [{', '.join(names)}]}}\n"
        'budgets:\n  bills: {limit: "50,000 USDC", period: 24 days, without objection: "2,000 USDC"}\n'
        f"rules:\n{rules}",
        facts,
    )


def streams() -> tuple[str, Facts]:
    """Streams whose whole deposit is taken at once."""
    rules = (
        "  - call: createStream(address recipient, uint256 deposit, address tokenAddress, uint256 startTime, "
        "uint256 stopTime)\n    on: streaming\n    where: {recipient: {equals: ines}, tokenAddress: {equals: USDC}, "
        "startTime: anything, stopTime: anything}\n    charge: {deposits: deposit}\n"
    )
    facts = Facts(
        "USDC", {"deposits": Limit(1_000, 60_000, 78)}, [("deposits",)], 365, "2 days", "5 %", "until 2028-01-01",
        doubt=" or MORE", says=("true only if the effect of the only rule ends with the act",),
    )  # fmt: skip
    return (
        f"{HEAD}tokens: {{{USDC}}}\naddresses: {{streaming: {person(9)}, ines: {person(1)}}}\n"
        'budgets:\n  deposits: {limit: "60,000 USDC", period: 78 days, '
        'without objection: "1,000 USDC", measured: yes}\n'
        f"rules:\n{rules}",
        facts,
    )


@pytest.mark.parametrize("need", [payroll_of_eight, milestones, three_vaults, vendors, streams])
def test_policies_of_real_needs(need) -> None:  # type: ignore[no-untyped-def]
    written, facts = need()
    document = load(written)
    said = explanation(decode(encode(document)), {}, {}, document=document)
    check(facts, said)


def test_a_raise_is_the_next_version_and_all_that_it_widens() -> None:
    """p2 gets 5,500 USDC from July on: what is paid by then counts on, and the other seven get no more."""
    before = payroll_of_eight()[0]
    raised = before.replace('p2: {limit: "5,000.0 USDC"', 'p2: {limit: "5,500.0 USDC"').replace(
        'objection: "5,000.0 USDC"}\n  p3', 'objection: "5,500.0 USDC"}\n  p3'
    )
    old, new = decode(encode(load(before))), decode(encode(load(raised)))
    document = load(raised)
    lent = {token.address: token for token in document.tokens}
    changes = diff(old, new, {address: name for name, address in document.addresses}, lent)
    assert [change.mark for change in changes] == [Mark.WIDER, Mark.OTHER]
    assert "“p2”" in changes[0].text
    assert "5,500 USDC" in changes[0].text
    assert {budget.key(bytes(32), old.agent) for budget in old.budgets} == {
        budget.key(bytes(32), new.agent) for budget in new.budgets
    }
    facts = payroll_of_eight()[1]
    limits = facts.limits | {"p2": Limit(5_500, 5_500, 24)}
    check(replace(facts, limits=limits), explanation(new, {}, {}, document=document))


@pytest.mark.parametrize("need", [payroll_of_eight, milestones, three_vaults, vendors, streams])
def test_who_tries_takes_in_a_month_what_is_said_and_no_more(need) -> None:  # type: ignore[no-untyped-def]
    """What can a thief take in March, alone? As much as is said to be the most, of each budget; announced no more."""
    policy = decode(encode(load(need()[0])))
    for days in (31, 365):
        for reached in simulate(policy, days):
            assert reached.unopposed == reached.unopposed_bound, (days, reached)
            assert reached.in_all <= reached.bound, (days, reached)
        for together in simulate_together(policy, days):
            assert together.unopposed == together.unopposed_bound, (days, together)
            assert together.in_all == together.bound, (days, together)


def test_a_budget_s_own_sentence_says_what_others_let_out_at_once() -> None:
    """How much can gamma get at once? Its own budget lets out 10,000 USDC, and the one for all three 5,000."""
    lines = "\n".join(explanation(decode(encode(load(milestones()[0]))), {}, {}, document=load(milestones()[0])).lines)
    told = "of which at most 5,000 USDC may be taken right away without an announcement (this budget alone would allow"
    assert lines.count(told) == 3
    alone = explanation(decode(encode(load(payroll_of_eight()[0]))), {}, {}, document=load(payroll_of_eight()[0]))
    assert "this budget alone" not in "\n".join(alone.lines)
    later = milestones()[0].replace('without objection: "5,000 USDC"', 'without objection: "0 USDC"')
    said = explanation(decode(encode(load(later))), {}, {}, document=load(later))
    assert "\n".join(said.lines).count("of which nothing may be taken right away without an announcement") == 3


def test_march_has_a_day_more_than_thirty() -> None:
    """In 30 days the limit leaves once, in 31 twice: who asks of March must read the second."""
    written = vendors()[0].replace("period: 24 days", "period: 30 days")
    facts = replace(vendors()[1], limits={"bills": Limit(2_000, 50_000, 30)})
    assert [refills(30, days * DAY_S) for days in (30, 31)] == [1, 2]
    document = load(written)
    said = explanation(decode(encode(document)), {}, {}, document=document)
    check(facts, said)
    assert "100,000 USDC in any 31 days" in said.together[1]


def test_each_vendor_is_listed_whole_once() -> None:
    document = load(vendors()[0])
    lines = explanation(decode(encode(document)), {}, {}, document=document).lines
    for address in dict(document.addresses).values():
        assert "\n".join(lines).lower().count(address.hex()) == 1
    assert sum(len(line) for line in lines if not line.startswith("List 1, 200 addresses: ")) < 5_000


def test_addresses_that_look_alike_are_never_shortened() -> None:
    first, second = "0x1111000000000000000000000000000000001111", "0x1111000000000000000000000000000000021111"
    text_ = (TEMPLATES / "payroll.yaml").read_text()
    document = load(text_.replace("0x1000000000000000000000000000000000000001", first))
    code = decode(encode(document))
    items = sorted({*code.lists[0], int(second, 16)})
    twins = explanation(
        type(code)(**{**{name: getattr(code, name) for name in code.__dataclass_fields__}, "lists": (tuple(items),)}),
        {}, {},
    )  # fmt: skip
    assert f"{first}, {second}" in "\n".join(twins.sentences)
    assert "0x1111…1111" not in "\n".join(twins.lines)
    alone = explanation(code, {}, {}, document=document)
    assert "“ines” (0x1111…1111)" in alone.together[0]
    assert f"“ines” is {first}" in alone.below[-1]


def test_texts_recipients_in_words_and_amounts_of_a_named_token() -> None:
    written = f"""{HEAD}tokens: {{{USDC}}}
addresses: {{names: {person(3)}, bridge: {person(4)}, treasury: {person(5)}}}
budgets: {{fees: {{limit: 1 ETH, period: 24 days, without objection: 1 ETH}}}}
rules:
  - call: renew(string name, uint256 duration)
    on: names
    where: {{name: {{one of: ["ourdao", "ourclub"]}}, duration: {{at most: 31536000}}}}
    charge: {{fees: value}}
  - call: burnFor(bytes32 recipient, address token, uint256 amount)
    on: bridge
    where: {{recipient: {{equals: "0x{5 + 1:064x}"}}, token: {{equals: USDC}}, amount: {{at most: 1000000000000}}}}
    charges: nothing
"""
    document = load(written)
    lines = "\n".join(explanation(decode(encode(document)), {}, {}, document=document).lines)
    assert "“ourdao” (0x" in lines
    assert "“ourclub” (0x" in lines
    assert "which as an address is “treasury” (0x0000…0006)," in lines
    assert "at most 1,000,000,000,000 (1,000,000 USDC, if it counts the token of `token`) in each call" in lines
