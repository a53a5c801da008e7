# SPDX-License-Identifier: Apache-2.0
"""The systems side by side: each is set up on the same chain, does the same acts, and is shown to refuse the same."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from bench.gas import field as others
from bench.gas import mandate
from bench.gas.chain import BenchError, Chain, Contract, Refused, address_of
from bench.gas.mandate import CAP, COOLDOWN_S, LIMIT, OBJECTION_DELAY_S, PERIOD_S, Payment, Policy, Terms, transfer

AMOUNT = 1_234_567_891
"""What each payment pays, in base units: 1,234.567891 of the test dollar."""
ROUNDS = 3
MAX_RULES = 20


@dataclass(frozen=True)
class Row:
    """The gas of one act by one system: `gas` is what whole transactions used."""

    act: str
    system: str
    gas: int
    note: str = ""


@dataclass(frozen=True)
class Attempt:
    """What a system was asked for and must not do, and the reason it refused with."""

    system: str
    attempt: str
    refused_with: str


@dataclass
class Field:
    """The chain with the token, the people and the safes; what was measured on it."""

    chain: Chain
    rows: list[Row] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.owner, self.agent, self.stranger, self.batcher = self.chain.accounts[:4]
        self.recipients = tuple(address_of(f"recipient {n}") for n in range(5))
        code, abi = others.token_artifact()
        tokens = [self.chain.deploy(self.owner, code, abi) for _ in range(MAX_RULES)]
        # The token whose rule comes last when there are many.
        *self.other_targets, self.token = sorted(tokens, key=lambda token: token.address)
        self.multisend = others.multisend(self.chain, self.owner)
        others.delegate_account(self.chain, self.batcher, self.multisend.address)
        for holder in (*self.recipients, self.agent, self.batcher):
            self.fund(holder)

    def fund(self, holder: bytes) -> None:
        """Money enough for every act of the run."""
        self.chain.transact(self.owner, self.token, "mint", holder, 10**6 * 10**6)

    @property
    def payment(self) -> Payment:
        """The act `transfer`: to the last of the five."""
        return self.recipients[-1], AMOUNT

    @property
    def batch(self) -> list[Payment]:
        """The act `batch5`: each of the five is paid."""
        return [(recipient, AMOUNT) for recipient in self.recipients]

    def add(self, act: str, system: str, gas: int, note: str = "") -> None:
        self.rows.append(Row(act, system, gas, note))

    @contextmanager
    def paying(self, payments: Sequence[Payment]) -> Iterator[None]:
        """Raises BenchError unless exactly these payments arrive meanwhile."""
        before = [self.chain.call(self.token, "balanceOf", to) for to, _ in payments]
        yield
        for (to, amount), had in zip(payments, before, strict=True):
            if (has := self.chain.call(self.token, "balanceOf", to)) != had + amount:
                raise BenchError(f"0x{to.hex()} got {has - had} in place of {amount}: what was measured is no payment")

    def pay(self, sender: bytes, to: bytes, data: bytes, payments: Sequence[Payment], wait_s: int = COOLDOWN_S) -> int:
        """One paying transaction, a cooldown (or `wait_s`) after the one before; its gas."""
        with self.paying(payments):
            self.chain.pass_time(wait_s)
            return self.chain.gas(sender, to, data)

    def measure(self, act: str, system: str, one: Callable[[], int], note: str = "") -> None:
        """Adds a row: the steady state, so from the second time on."""
        with self.chain.undone():
            one()
            rounds = {one() for _ in range(ROUNDS)}
        if len(rounds) != 1:
            raise BenchError(f"{act} by {system} has no steady state: {sorted(rounds)} gas in {ROUNDS} rounds")
        self.add(act, system, rounds.pop(), note)

    def refuses(
        self, system: str, attempt: str, contract: Contract, expected: str, sender: bytes, to: bytes, data: bytes
    ) -> None:
        """Raises BenchError unless the system refuses the transaction, and for the expected reason."""
        with self.chain.undone():
            self.chain.pass_time(COOLDOWN_S)
            self.refuses_now(system, attempt, contract, expected, sender, to, data)

    def refuses_now(
        self, system: str, attempt: str, contract: Contract, expected: str, sender: bytes, to: bytes, data: bytes
    ) -> None:
        try:
            self.chain.send(sender, to, data)
        except Refused as refused:
            reason = contract.error_name(refused.data)
            if reason != expected:
                raise BenchError(f"{system} refused {attempt} with {reason}, not with {expected}") from None
            self.attempts.append(Attempt(system, attempt, reason))
        else:
            raise BenchError(f"{system} allowed {attempt}: what it costs is no use beside systems that enforce")


def run(chain: Chain) -> Field:
    """Sets everything up, measures and tries everything. Raises BenchError when a system does not enforce."""
    found = Field(chain)
    _accounts(found)
    _bare_safe(found)
    _zodiac(found, "zodiac-roles-v2.1", proxied=False)
    _zodiac(found, "zodiac-roles-v2.1-proxy", proxied=True)
    _zodiac_delay(found)
    _mandate(found, "mandate-treasury", in_safe=False)
    _mandate(found, "mandate-safe", in_safe=True)
    return found


def _accounts(found: Field) -> None:
    """A plain transfer from an account: what nobody can go below."""
    to, amount = found.payment
    found.measure(
        "transfer",
        "eoa",
        lambda: found.pay(found.agent, found.token.address, transfer(to, amount), [found.payment]),
        "no bounds at all",
    )
    calls = [(found.token.address, transfer(*payment)) for payment in found.batch]
    found.measure("batch5", "eoa", lambda: _batch(found, calls), "the account runs MultiSendCallOnly (EIP-7702)")


def _batch(found: Field, calls: list[tuple[bytes, bytes]]) -> int:
    """Calls of the batching account in one transaction."""
    data = found.multisend.calldata("multiSend", others.packed(calls))
    return found.pay(found.batcher, found.batcher, data, found.batch)


def _bare_safe(found: Field) -> None:
    """A module of a Safe that checks nothing: the floor of every module."""
    safe = others.Safe.create(found.chain, found.owner)
    found.fund(safe.address)
    for module in (found.agent, found.batcher):
        safe.enable(module)

    def call(payment: Payment) -> bytes:
        return safe.contract.calldata(
            "execTransactionFromModule", found.token.address, 0, transfer(*payment), others.CALL
        )

    found.measure(
        "transfer",
        "safe-bare",
        lambda: found.pay(found.agent, safe.address, call(found.payment), [found.payment]),
        "the account is itself the module",
    )
    calls = [(safe.address, call(payment)) for payment in found.batch]
    found.measure("batch5", "safe-bare", lambda: _batch(found, calls), "the account runs MultiSendCallOnly (EIP-7702)")
    found.refuses("safe-bare", "a stranger", safe.contract, "GS104", found.stranger, safe.address, call(found.payment))


def _zodiac(found: Field, system: str, *, proxied: bool) -> None:
    safe = others.Safe.create(found.chain, found.owner)
    found.fund(safe.address)
    roles = others.Roles.create(found.chain, found.owner, safe.address, safe.address, proxied=proxied)
    safe.enable(roles.address)
    used = _permit(found, roles)
    found.add("set-policy", system, used, "a lower bound: three of the four transactions, without scopeFunction")

    def act(payment: Payment, target: bytes = found.token.address) -> bytes:
        return roles.calldata(target, transfer(*payment))

    def pay() -> int:
        return found.pay(found.agent, roles.address, act(found.payment), [found.payment])

    with found.chain.undone():
        found.add("first-use", system, pay())
    found.measure("transfer", system, pay)
    # The batching account gets the same role.
    found.chain.transact(found.owner, roles.contract, "assignRoles", found.batcher, [others.ROLE], [True])
    calls = [(roles.address, act(payment)) for payment in found.batch]
    found.measure("batch5", system, lambda: _batch(found, calls), "the account runs MultiSendCallOnly (EIP-7702)")

    def refuses(attempt: str, data: bytes, expected: str, sender: bytes = found.agent) -> None:
        found.refuses(system, attempt, roles.contract, expected, sender, roles.address, data)

    last = found.recipients[-1]
    refuses("more than the cap", act((last, CAP + 1)), "ConditionViolation")
    refuses("another recipient", act((found.stranger, AMOUNT)), "ConditionViolation")
    refuses("another token", act(found.payment, found.other_targets[0].address), "ConditionViolation")
    refuses("a stranger", act(found.payment), "NotAuthorized", found.stranger)
    with found.chain.undone():
        roles.allow(AMOUNT - 1, AMOUNT - 1, PERIOD_S)
        refuses("more than the budget", act(found.payment), "ConditionViolation")
    with found.chain.undone():  # the cap itself is allowed, as with us
        found.pay(found.agent, roles.address, act((last, CAP)), [(last, CAP)])


def _permit(found: Field, roles: others.Roles) -> int:
    return roles.permit(found.agent, found.token.address, list(found.recipients), CAP, LIMIT, PERIOD_S)


def _zodiac_delay(found: Field) -> None:
    """Roles in front of Delay: the act is queued, and performed after the delay."""
    system = "zodiac-roles-v2.1+delay"
    safe = others.Safe.create(found.chain, found.owner)
    found.fund(safe.address)
    delay = others.Delay.create(found.chain, found.owner, safe.address, OBJECTION_DELAY_S, 5 * 86_400)
    safe.enable(delay.contract.address)
    roles = others.Roles.create(found.chain, found.owner, safe.address, delay.contract.address, proxied=False)
    delay.enable(roles.address)
    _permit(found, roles)
    data = transfer(*found.payment)
    release = delay.release_calldata(found.token.address, data)

    def schedule() -> int:
        return found.pay(found.agent, roles.address, roles.calldata(found.token.address, data), [])

    _announced(found, system, schedule, lambda: (found.agent, delay.contract.address, release))
    with found.chain.undone():
        schedule()
        found.refuses(
            system,
            "before the delay",
            delay.contract,
            "Transaction is still in cooldown",
            found.agent,
            delay.contract.address,
            release,
        )
    found.refuses(
        system, "a stranger", roles.contract, "NotAuthorized", found.stranger, roles.address,
        roles.calldata(found.token.address, data),
    )  # fmt: skip


def _announced(
    found: Field, system: str, schedule: Callable[[], int], release: Callable[[], tuple[bytes, bytes, bytes]]
) -> None:
    """Adds the rows of an act that is announced, waits and is then performed; both transactions in the steady state."""
    rounds = []
    with found.chain.undone():
        for _ in range(1 + ROUNDS):
            first = schedule()
            sender, to, data = release()
            found.chain.pass_time(OBJECTION_DELAY_S)
            with found.paying([found.payment]):
                rounds.append((first, found.chain.gas(sender, to, data)))
    if len(set(rounds[1:])) != 1:
        raise BenchError(f"schedule and release by {system} have no steady state: {rounds[1:]}")
    scheduled, released = rounds[-1]
    found.add("schedule", system, scheduled)
    found.add("release", system, released)
    found.add("schedule+release", system, scheduled + released)


def _mandate(found: Field, system: str, *, in_safe: bool) -> None:
    chain, owner = found.chain, found.owner
    votes_token = chain.deploy(owner, *others.own_artifact("VotesToken"), "Votes", "VOTE", [owner], [10**24])
    if in_safe:
        safe = others.Safe.create(chain, owner)
        treasury = safe.address
    else:
        own = chain.deploy(owner, *others.own_artifact("Treasury"), owner, [])
        treasury = own.address
    module = mandate.Module.create(chain, owner, address_of("governor"), treasury, votes_token.address)
    if in_safe:
        safe.enable(module.address)
    else:
        chain.transact(owner, own, "enableModule", module.address)
    found.fund(treasury)

    terms = Terms(found.agent, found.token.address, found.recipients)
    policy = module.policy(terms)
    used = chain.gas(owner, module.address, policy.set_calldata())
    found.add("set-policy", system, used, f"one transaction, {len(terms.code())} bytes of policy code")

    def pay(payments: Sequence[Payment] = (found.payment,), wait_s: int = COOLDOWN_S) -> int:
        return found.pay(found.agent, module.address, policy.execute(payments), payments, wait_s)

    with chain.undone():
        found.add("first-use", system, pay())
    found.measure("transfer", system, pay)
    found.measure("batch5", system, lambda: pay(found.batch))
    segment_s = -(-PERIOD_S // 7)
    found.measure("transfer-new-segment", system, lambda: pay(wait_s=segment_s), "the budget's ring turns")
    _announced(found, system, lambda: _schedule(found, policy), lambda: _release(found, policy))
    _mandate_variants(found, system, module, terms)
    _mandate_refusals(found, system, module, policy)


def _schedule(found: Field, policy: Policy) -> int:
    return found.pay(found.agent, policy.module.address, policy.schedule([found.payment]), [])


def _release(found: Field, policy: Policy) -> tuple[bytes, bytes, bytes]:
    number = policy.module.number(policy.policy_id) - 1
    return found.agent, policy.module.address, policy.release([found.payment], number)


def _mandate_variants(found: Field, system: str, module: mandate.Module, terms: Terms) -> None:
    """What a policy pays for that uses more than the plain rule."""
    chain = found.chain

    def variant(act: str, note: str, **more: Any) -> None:
        policy = module.policy(replace(terms, name=act, **more))
        with chain.undone():
            chain.send(found.owner, module.address, policy.set_calldata())
            found.measure(
                act,
                system,
                lambda: found.pay(found.agent, module.address, policy.execute([found.payment]), [found.payment]),
                note,
            )

    targets = tuple(contract.address for contract in found.other_targets)
    variant("transfer-20-rules", "the rule that applies is the last of 20", other_targets=targets)
    variant("transfer-act-cap", "the cap is on the act's sum", act_cap=True)
    variant("transfer-parent-budget", "charged to the DAO's budget, too", parent=True)
    variant("transfer-measured", "the treasury's loss is measured, too", measured=True)


def _mandate_refusals(found: Field, system: str, module: mandate.Module, policy: Policy) -> None:
    last = found.recipients[-1]

    def refuses(attempt: str, data: bytes, expected: str, sender: bytes = found.agent) -> None:
        found.refuses(system, attempt, module.contract, expected, sender, module.address, data)

    refuses("more than the cap", policy.execute([(last, CAP + 1)]), "ClauseFailed")
    refuses("another recipient", policy.execute([(found.stranger, AMOUNT)]), "ClauseFailed")
    elsewhere = [(found.other_targets[0].address, 0, transfer(*found.payment))]
    refuses("another token", policy.execute([], calls=elsewhere), "NoRule")
    refuses("a stranger", policy.execute([found.payment]), "NotAgent", found.stranger)
    refuses("more than the budget's instant part", policy.execute([(last, CAP)] * 9), "OverInstant")
    refuses("more than the budget", policy.execute([(last, CAP)] * 17), "OverBudget")
    refuses("code that is not in force", policy.execute([found.payment], codehash=bytes(32)), "StalePolicy")
    refuses("an act number twice", policy.execute([found.payment], number=0), "WrongNumber")
    refuses("no decision", policy.execute([found.payment], decision=bytes(32)), "NoDecision")
    with found.chain.undone():
        _schedule(found, policy)
        _, _, data = _release(found, policy)
        refuses("before the delay", data, "NotYet")
    with found.chain.undone():
        found.pay(found.agent, module.address, policy.execute([found.payment]), [found.payment])
        data = policy.execute([found.payment])
        found.chain.pass_time(COOLDOWN_S - 1)
        found.refuses_now(system, "within the cooldown", module.contract, "Cooling", found.agent, module.address, data)
    with found.chain.undone():
        found.chain.pass_time(mandate.VALID_S)
        found.refuses_now(
            system, "after the end", module.contract, "Ended", found.agent, module.address,
            policy.execute([found.payment]),
        )  # fmt: skip
    with found.chain.undone():  # the cap itself is allowed
        found.pay(found.agent, module.address, policy.execute([(last, CAP)]), [(last, CAP)])
