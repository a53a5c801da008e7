# SPDX-License-Identifier: Apache-2.0
"""All of a policy together: who may be paid what for what, how much in all, and what a stolen key can take.

The numbers are bounds over all budgets and rules (policies.words.worst_case). A move is *fenced* where the treasury
must receive something for it: then what can be lost is the difference, and under which assumption is said. What a
function that is understood can't move on a known token is not counted as taken (policies.code.understood).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from policies.answer.permitted import permitted, sends_ether
from policies.code.policy_code import ETHER_ASSET, Income, PolicyCode, Rule
from policies.notation.amounts import format_duration
from policies.notation.primitives import checksum
from policies.words.announcing import MONTH_S, YEAR_S, in_several_acts, in_time_text
from policies.words.conditions import caveat, doubt, otherwise, way_to_more, which_rules
from policies.words.leaving import Leaving, counted_if_taken, fence, leaves, leaving, uncounted, unfenced
from policies.words.wording import (
    FEW,
    Vocabulary,
    budget_name,
    capital,
    function_name,
    is_pay,
    listed,
    numbered_rules,
)
from policies.words.worst_case import (
    YEAR_DAYS,
    Charged,
    WorstCase,
    apart_s,
    at_once,
    charges_of,
    charges_to,
    in_all,
    paid_by,
    pays,
    unopposed,
    worst_of,
)


@dataclass(frozen=True, slots=True)
class Most:
    """What can be taken of one asset at most, in base units, over all budgets and rules.

    `at_once` unopposed, in one moment and no more than in a day, by acts that are `apart_s` apart at least (0 where one
    act could take it, or none must wait); `in_time` are (seconds, unopposed, if nobody objects
    either) for a month, a year and all the policy's time, as far as they are not longer than that. `doubt` is said
    behind each amount of which more can be taken than is counted.
    """

    at_once: int
    in_time: tuple[tuple[int, int, int], ...]
    apart_s: int
    doubt: str


@dataclass(frozen=True, slots=True)
class AssetTotal:
    """One asset that budgets count. `recipients` of what is taken, None where the policy doesn't limit them.

    `taken` is what leaves for nothing, `fenced` what leaves against something, `incomes` what must come in for it.
    `pulled` is what leaves for nothing if contracts under the rules `pulling` (from 1) use an allowance against their
    standard. `joint` is everything together. `to_whom` says who can get what is taken, or why nothing limits that.
    """

    asset: bytes
    taken: Most
    recipients: tuple[bytes, ...] | None
    fenced: Most
    incomes: tuple[Income, ...]
    pulled: Most
    pulling: tuple[int, ...]
    joint: Most
    to_whom: str


def totals(policy: PolicyCode, words: Vocabulary) -> tuple[AssetTotal, ...]:
    """Each asset that a budget counts, in the order of the budgets."""
    assets = dict.fromkeys(budget.asset for budget in policy.budgets)
    return tuple(_total(policy, asset, words) for asset in assets)


def _total(policy: PolicyCode, asset: bytes, words: Vocabulary) -> AssetTotal:
    how = [(one, leaving(policy, one, words)) for one in charges_of(policy, asset)]
    free: list[Charged] = []
    fenced: list[Charged] = []
    pulled: list[Charged] = []
    incomes: dict[Income, None] = {}
    for one, way in how:
        if way is Leaving.NOT:
            continue
        if income := fence(policy, policy.rules[one.rule], asset):
            fenced.append(one)
            incomes[income] = None
        else:
            (free if way is Leaving.BY_CALL else pulled).append(one)
    recipients = _recipients(policy, free)
    said = doubt(policy, words, asset)
    return AssetTotal(
        asset,
        _most(policy, free, said),
        recipients,
        _most(policy, fenced, said),
        tuple(incomes),
        _most(policy, pulled, said),
        unfenced(policy, pulled),
        _most(policy, [*free, *fenced, *pulled], said),
        to_anybody(policy, free) if recipients is None else f"only to {_whom(recipients, words)}",
    )


def _most(policy: PolicyCode, chosen: Sequence[Charged], said: str) -> Most:
    life_s = policy.end_s - policy.start_s
    durations = [one_s for one_s in (MONTH_S, YEAR_S) if one_s < life_s]
    return Most(
        at_once(policy, chosen),
        tuple(
            (time_s, unopposed(policy, chosen, time_s), in_all(policy, chosen, time_s))
            for time_s in [*durations, life_s]
        ),
        apart_s(policy, chosen),
        said,
    )


def _recipients(policy: PolicyCode, chosen: Sequence[Charged]) -> tuple[bytes, ...] | None:
    found: set[bytes] = set()
    for one in chosen:
        rule = policy.rules[one.rule]
        charged = [
            charge.budget
            for charge in rule.charges
            if charge.budget in one.budgets and policy.budgets[charge.budget].asset == one.asset
        ]
        paid = None if one.is_fall or not charged else paid_by(policy, rule, charged[0])
        if paid is None:
            return None
        found |= paid
    return tuple(sorted(found))


# The three lines


def together(policy: PolicyCode, words: Vocabulary) -> tuple[str, str, str]:
    """Who may be paid what, how much at most, what a stolen key can take; the last two with their condition."""
    found = totals(policy, words)
    return (
        f"All together: {_who(policy, words)}.",
        f"{_how_much(policy, found, words)}.",
        f"{_stolen(policy, found, words)}.",
    )


def _who(policy: PolicyCode, words: Vocabulary) -> str:
    payments: dict[tuple[bytes, str], frozenset[bytes] | None] = {}
    calls: dict[bytes, dict[str, None]] = {}
    for rule in policy.rules:
        if rule.approval:
            continue  # it moves nothing: the call that takes it does
        what = _payment(policy, rule, words)
        if what is None:
            calls.setdefault(rule.target, {})[_called(rule, words)] = None
            continue
        asset, budgets, paid = what
        before = payments.setdefault((asset, budgets), frozenset())
        payments[asset, budgets] = None if paid is None or before is None else before | paid
    parts = [_pays(asset, budgets, paid, words) for (asset, budgets), paid in payments.items()]
    parts += [f"may call {listed(list(names))} on {words.address(target)}" for target, names in calls.items()]
    if not parts:
        return "the agent may move nothing by this policy"
    if tokens := {rule.target: None for rule in policy.rules if rule.approval}:
        named = listed([words.address(token) for token in tokens])
        parts.append(f"may give allowances in {named} that end with the act")
    more = more_than_is_permitted(policy, words)
    return f"the agent {'; '.join(parts)}; and {f'make no other call; {more}' if more else 'do nothing else'}"


def more_than_is_permitted(policy: PolicyCode, words: Vocabulary) -> str:
    """What can happen though no rule permits it: the same wherever it is said that all else is impossible."""
    numbers = way_to_more(policy, words)
    if not numbers:
        return ""
    rules = which_rules(numbers, policy)
    return (
        f"but what calls under {rules} begin, or allow others to do (as a subscription goes on taking money), may "
        "take from the treasury or do in its name more than is said here, and this policy does not stop it"
    )


def _called(rule: Rule, words: Vocabulary) -> str:
    return "it without data" if rule.no_selector else function_name(rule, words)


def _payment(policy: PolicyCode, rule: Rule, words: Vocabulary) -> tuple[bytes, str, frozenset[bytes] | None] | None:
    """The asset, what for, and whom the rule pays (None: anybody), if paying is all that it does."""
    paid: frozenset[bytes] | None
    if rule.no_selector and sends_ether(rule):
        asset, paid = ETHER_ASSET, frozenset({rule.target})
    elif is_pay(rule) and words.token(rule.target) is not None:
        values = permitted(rule, policy).at((0, 0)).listed(most=sum(map(len, policy.lists)) + len(rule.clauses))
        asset = rule.target
        paid = None if values is None else frozenset((value % 2**160).to_bytes(20, "big") for value in values)
    else:
        return None
    named = [budget_name(policy, charge.budget) for charge in rule.charges]
    return asset, " and ".join(named), paid


def _pays(asset: bytes, budgets: str, paid: frozenset[bytes] | None, words: Vocabulary) -> str:
    symbol = words.native.symbol if asset == ETHER_ASSET else words.address(asset)
    whom = "ANYBODY" if paid is None else _whom(sorted(paid), words)
    return f"may pay {whom} in {symbol}" + (f" from {budgets}" if budgets else ", which no budget counts")


def _whom(addresses: Sequence[bytes], words: Vocabulary) -> str:
    shown = [words.address(address) for address in addresses[:FEW]]
    if len(addresses) > FEW:
        return f"{len(addresses):,} addresses (listed below)"
    return listed(shown) if shown else "nobody"


def _how_much(policy: PolicyCode, found: Sequence[AssetTotal], words: Vocabulary) -> str:
    if not found:
        apart = f"acts are at least {format_duration(policy.cooldown_s)} apart, but " if policy.cooldown_s else ""
        return (
            f"At most: no budget counts anything; {apart}one act can hold any number of calls, so nothing bounds how "
            "many of the permitted calls are made"
        )
    parts = [_most_of_asset(policy, total.joint, total.asset, words) for total in found]
    most = "As far as it is counted" if any(total.joint.doubt for total in found) else "At most"
    return f"{most}, over all budgets and rules{_in_brackets(policy, words)}: {'; '.join(parts)}"


def _most_of_asset(policy: PolicyCode, most: Most, asset: bytes, words: Vocabulary) -> str:
    shown = [f"{_amount(all_, most, asset, words)} {in_time_text(policy, time_s)}" for time_s, _, all_ in most.in_time]
    whole = listed(shown)
    if not most.in_time[-1][2]:
        return whole
    if not most.in_time[-1][1]:
        return f"{whole}, nothing of it without an announcement{_as_counted(most)}"
    no_rest = most.at_once == most.in_time[-1][2] or any(alone != all_ for _, alone, all_ in most.in_time)
    also = "" if no_rest else ", and the rest needs none either"
    at_first = (
        f"{_amount(most.at_once, most, asset, words)} right away without an announcement{in_several_acts(most.apart_s)}"
    )
    return f"{whole}, of which {at_first}{also}"


def _in_brackets(policy: PolicyCode, words: Vocabulary) -> str:
    """The condition, and what else can be: a number was taken for sure where only its condition was said."""
    condition = caveat(policy, words)
    return f" ({condition}{otherwise(policy, words)})" if condition else ""


def _amount(base_units: int, most: Most, asset: bytes, words: Vocabulary) -> str:
    return (words.amount(base_units, asset) if base_units else f"no {words.symbol(asset)}") + most.doubt


def _as_counted(most: Most) -> str:
    return ", as far as it is counted" if most.doubt else ""


def _stolen(policy: PolicyCode, found: Sequence[AssetTotal], words: Vocabulary) -> str:
    told = [(total.asset, text) for total in found if (text := _of_asset(policy, total, words))]
    parts = [f"{'Of' if number else 'of'} {words.asset(asset)}: {text}" for number, (asset, text) in enumerate(told)]
    if len(found) == 1:
        parts = [text for _, text in told]
    beyond: dict[str, list[int]] = {}
    for number, asset in uncounted(policy, words):
        beyond.setdefault(words.asset(asset), []).append(number + 1)
    for number, rule in enumerate(policy.rules, 1):
        if counted_if_taken(policy, rule, words) == ():
            beyond.setdefault("the token that is taken for shares", []).append(number)
    no_bound = ""
    if beyond:
        leaving_by = listed([f"{numbered_rules(rules)} of {asset}" for asset, rules in beyond.items()])
        no_bound = f", and WITHOUT ANY BOUND all that may leave by {leaving_by}, which no budget counts"
    if not parts:
        if found:
            return (
                f"A stolen key of the agent takes nothing that a budget counts{_in_brackets(policy, words)}{no_bound}"
            )
        condition = caveat(policy, words)
        nothing = f"; that nothing leaves the treasury by them is {condition}" if condition else ""
        return f"A stolen key of the agent can make any number of the permitted calls{nothing}{no_bound}"
    most = "" if no_bound else " at most"
    if any(total.joint.doubt for total in found):
        most = ", as far as it is counted"
    return f"A stolen key of the agent can take{most}{_in_brackets(policy, words)}: {'. '.join(parts)}{no_bound}"


def _of_asset(policy: PolicyCode, total: AssetTotal, words: Vocabulary) -> str:
    """What of the asset goes, how much of it for nothing and to whom, and what must come in for the rest."""
    free, fenced = (bool(most.in_time[-1][2]) for most in (total.taken, total.fenced))
    if not (free or fenced or total.pulling):
        return ""
    parts = [_taken(policy, total.joint, total.asset, words)]
    if free and total.taken != total.joint:
        parts.append(f"of this for nothing: {_taken(policy, total.taken, total.asset, words)}")
    whole = free and total.taken == total.joint
    if whole and total.recipients is None:
        return "; ".join([*parts, total.to_whom])  # nothing is worse than all of it for nothing to anybody
    if free:
        has_others = whole and (fenced or total.pulling)  # whom those pay, the list does not limit
        parts.append(f"{'for nothing it can go ' * bool(has_others)}{total.to_whom}")
    if fenced:
        which = ("what goes in another way" if whole else "the rest") if free else "all of it"
        kept = " as long as what is called keeps to its standard" if total.pulling else ""
        parts.append(f"for {which} something must come in{kept}: {_lost(total, words)}")
    if total.pulling:
        parts.append(_pulled(policy, total, words, alone=not (free or fenced)))
    return "; ".join(parts)


def _pulled(policy: PolicyCode, total: AssetTotal, words: Vocabulary, *, alone: bool) -> str:
    if alone:
        return f"this only if {pulls(total.pulling)}; then for nothing, and this policy does not limit who gets it"
    same = total.pulled == total.joint
    much = "all of it" if same else f"of it {_taken(policy, total.pulled, total.asset, words)}"
    return f"but {much} can go for nothing, and to anybody, if {pulls(total.pulling)}"


def pulls(numbers: Sequence[int]) -> str:
    """The condition under which something is pulled by the rules with these numbers, from 1."""
    return (
        f"the contract that is called under {numbered_rules(numbers)} breaks its standard and uses an allowance, "
        "such as one given in the same act, to take what such a call should not take"
    )


def _taken(policy: PolicyCode, most: Most, asset: bytes, words: Vocabulary) -> str:
    def in_time(of: Sequence[tuple[int, int]]) -> str:
        return listed([f"{_amount(much, most, asset, words)} {in_time_text(policy, time_s)}" for time_s, much in of])

    never = [(time_s, alone) for time_s, alone, _ in most.in_time]
    both = [(time_s, all_) for time_s, _, all_ in most.in_time]
    if not never[-1][1]:
        return (
            f"nothing without an announcement{_as_counted(most)}; with announced acts to which nobody objects, if "
            f"nobody stops it, {in_time(both)}"
        )
    several = in_several_acts(most.apart_s)
    now = _amount(most.at_once, most, asset, words)
    at_first = f"{now} right away{several} and, if nobody stops it, {in_time(never)}"
    if never == both:
        return f"{at_first}, all without an announcement"
    return (
        f"without an announcement {at_first}; together with announced acts, if nobody objects either, {in_time(both)}"
    )


def to_anybody(policy: PolicyCode, chosen: Iterable[Charged]) -> str:
    """That who gets what is charged is not limited, and by which rules: they pay without a list, or call a contract."""
    paying: list[int] = []
    calling: list[int] = []
    falling: list[int] = []
    for one in chosen:
        rule = policy.rules[one.rule]
        if one.is_fall and not _says_how_much(policy, one):
            falling.append(one.rule + 1)
            continue
        pays_it = not one.is_fall and any(
            pays(policy, rule, charge.budget) for charge in rule.charges if charge.budget in one.budgets
        )
        if not pays_it:
            calling.append(one.rule + 1)
        elif all(paid_by(policy, rule, charge.budget) is None for charge in rule.charges):
            paying.append(one.rule + 1)
    because = []
    if calling:
        rules = which_rules(sorted(set(calling)), policy)
        because.append(
            f"what a contract that is called under {rules} does with it is not bounded, whomever the call names"
        )
    if falling:
        because.append(
            f"the calls under {which_rules(sorted(set(falling)), policy)} charge no budget with it, but the called "
            "contract may take some, which is measured, and what it does with that is not bounded"
        )
    if paying:
        because.append(f"{which_rules(sorted(set(paying)), policy)} has no list of who can be paid")
    return f"this policy does not limit who gets it in the end{': ' * bool(because)}{', and '.join(because)}"


def _says_how_much(policy: PolicyCode, fall: Charged) -> bool:
    """Whether the rule of the fall also charges a budget of the asset with what its calls say."""
    charges = policy.rules[fall.rule].charges
    return any(policy.budgets[charge.budget].asset == fall.asset for charge in charges)


def _lost(total: AssetTotal, words: Vocabulary) -> str:
    """What of the fenced is lost at most: by the weakest of the ratios, for a thief takes the way that loses most."""
    weakest: dict[bytes, Fraction] = {}
    for income in total.incomes:
        token, other = words.token(total.asset), words.token(income.asset)
        if token is None or other is None:
            return _unpriced(total, words)
        ratio = Fraction(income.numerator * 10**token.decimals, income.denominator * 10**other.decimals)
        if not Fraction(1, 2) <= ratio <= 1:
            return _unpriced(total, words)
        weakest[income.asset] = min(ratio, weakest.get(income.asset, ratio))
    lost = 1 - min(weakest.values())
    share = f"at most {_share(lost)} of it is lost" if lost else "nothing of it is lost"
    worth = listed(
        [f"1 {words.symbol(asset)} is worth no less than 1 {words.symbol(total.asset)}" for asset in weakest]
    )
    return f"{share} if {worth}, which no policy can show"


def _unpriced(total: AssetTotal, words: Vocabulary) -> str:
    received = " or ".join(words.asset(asset) for asset in dict.fromkeys(income.asset for income in total.incomes))
    return (
        f"for each part the treasury must receive {received} at the voted ratio, and what that is worth no policy "
        "can show"
    )


def _share(lost: Fraction) -> str:
    """`1 in 1,000`, rounded up to a simple share where it is none."""
    return f"1 in {int(1 / lost):,}"


# Which rules charge a budget


def charged_by(policy: PolicyCode, number: int, words: Vocabulary) -> str:
    """`rules 1 and 2 charge it, and rule 3 by what leaves`: what else takes from a budget; empty for a lone rule."""
    return _charged_by(policy, number, words) if len(policy.rules) > 1 else ""


def shown_case(policy: PolicyCode, number: int, words: Vocabulary) -> WorstCase:
    """The worst case of one budget in a year, without what functions that are understood can't move."""
    mine = [one for one in charges_to(policy, number) if not one.is_fall or leaves(policy, one, words)]
    case = worst_of(policy, number, YEAR_DAYS, mine)
    # From a measured budget, too, only those get something who are paid, where nothing else can leave.
    return replace(case, recipients=_recipients(policy, mine)) if policy.budgets[number].measured else case


def shown_cases(policy: PolicyCode, words: Vocabulary) -> tuple[WorstCase, ...]:
    """The worst case of each budget."""
    return tuple(shown_case(policy, number, words) for number in range(len(policy.budgets)))


def _charged_by(policy: PolicyCode, number: int, words: Vocabulary) -> str:
    said, by_fall = [], []
    for one in charges_to(policy, number):
        rule = policy.rules[one.rule]
        if any(charge.budget == number for charge in rule.charges):
            said.append(one.rule + 1)
        elif leaves(policy, one, words):
            by_fall.append(one.rule + 1)
    parts = []
    if said:
        parts.append(f"{numbered_rules(said)} charge{'s' * (len(set(said)) == 1)} it")
    if by_fall:
        parts.append(f"whatever leaves by {numbered_rules(by_fall)} counts too")
    return ", and ".join(parts)


# The table


@dataclass(frozen=True, slots=True)
class Row:
    """One budget as a row of the table, in words."""

    asset: str
    budget: str
    whom: str
    at_once: str
    in_a_period: str
    in_time: str
    charged_by: str


def table(policy: PolicyCode, words: Vocabulary, cases: Iterable[WorstCase]) -> tuple[Row, ...]:
    """A row for each budget, by its `shown_case`: whom it pays, how much at once, in its period and in a year (or all
    the policy's time).
    """

    def amount(base_units: int, case: WorstCase) -> str:
        asset = policy.budgets[case.budget].asset
        return words.amount(base_units, asset) + doubt(policy, words, asset)

    return tuple(
        Row(
            asset=checksum(policy.budgets[case.budget].asset),
            budget=capital(budget_name(policy, case.budget)),
            whom="not limited" if case.recipients is None else _whom(case.recipients, words),
            at_once=amount(case.at_once, case) + in_several_acts(case.apart_s),
            in_a_period=f"{amount(case.in_a_period, case)} in any "
            + format_duration(policy.budgets[case.budget].period_s),
            in_time=f"{amount(case.in_all, case)} {in_time_text(policy, case.duration_s)}",
            charged_by=_charged_by(policy, case.budget, words) or "nothing takes from it",
        )
        for case in cases
    )
