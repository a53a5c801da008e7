# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501 -- a place in the contracts is quoted as it stands there
"""Named mistakes in the policy module, each of which the stateful invariants must notice (run.py --mutants).

contracts/assurance/mutation.py makes every small mistake that its operators know and asks all tests. These here are whole
ideas gone wrong, a line or two each, and only the invariants are asked: each of the properties 1 to 8 can fail.
"""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "contracts" / "src"


@dataclass(frozen=True)
class Mutant:
    """In `file`, below contracts/src, `before` stands exactly once and becomes `after`.

    `why` is for a mistake that the invariants can't or needn't tell from none: what makes up for it, in one sentence.
    """

    name: str
    file: str
    before: str
    after: str
    why: str = ""

    def apply(self, text: str) -> str:
        """The file's text with the mistake. Raises ValueError if the place is not there, or not the only one."""
        if text.count(self.before) != 1:
            raise ValueError(f"{self.name}: {self.file} holds {text.count(self.before)} times: {self.before}")
        return text.replace(self.before, self.after)


MODULE = "PolicyModule.sol"
CHECKER = "PolicyChecker.sol"
RING = "libraries/Ring.sol"
CODE = "libraries/PolicyCode.sol"
ARGUMENTS = "libraries/Arguments.sol"
BALANCES = "libraries/Balances.sol"
CALLS = "libraries/Calls.sol"
STATE = "libraries/PolicyState.sol"

MUTANTS = (
    # the ring
    Mutant("amounts rounded down to units", RING, "if (units * unit != amount) ++units;", ""),
    Mutant("segment rounded down", RING, "return (period + 6) / 7;", "return period / 7;"),
    Mutant("ring forgets everything when it turns", RING, "if (passed < BUCKETS) {", "if (passed < 1) {"),
    Mutant(
        "ring forgets one segment too many", RING, "(1 << (BITS * passed)) - 1;", "(1 << (BITS * (passed + 1))) - 1;"
    ),
    Mutant("ring empties the wrong buckets", RING, "((last + 1) % BUCKETS);", "((last + 2) % BUCKETS);"),
    Mutant("seven buckets are summed", RING, "((word & ALL) * ONES)", "((word & ALL & ~MAX) * ONES)"),
    Mutant("charges go to the next bucket", RING, "(word >> (BITS * BUCKETS)) % BUCKETS", "((word >> 224) + 1) % BUCKETS"),
    Mutant("ring key without the name", CODE, "key := keccak256(start_, 192)", "key := keccak256(start_, 160)"),
    # budgets
    Mutant("limit compared with the act alone", MODULE, "|| already + units > most) revert OverBudget", "|| units > most) revert OverBudget"),
    Mutant("instant limit compared with the act alone", MODULE, "if (already + units > most) revert OverInstant", "if (units > most) revert OverInstant"),
    Mutant("one unit more than the limit", MODULE, "|| already + units > most) revert OverBudget", "|| already + units > most + 1) revert OverBudget"),
    Mutant("instant limit not asked", MODULE, "if (instant) {\n                most =", "if (false) {\n                most ="),
    Mutant("nothing is stored", MODULE, "if (store) slot.word = Ring.add(word, units - before);", ""),
    Mutant("falls are compared and not stored", MODULE, "Ring.add(word, units - before)", "Ring.add(word, before == 0 ? units : 0)"),
    Mutant("only the last call's charge counts", MODULE, "Arguments.saturatingAdd(Words.get(amounts, budget), amount)", "amount"),
    Mutant("array's first element is charged", ARGUMENTS, "for (uint256 i; i < span.count; ++i) {", "for (uint256 i; i < 1; ++i) {"),
    # measuring
    Mutant("falls are forgotten", MODULE, "if (falls[i] == 0) continue;", "continue;"),
    Mutant("falls are netted over calls", MODULE, "if (fall <= charged[j]) continue;", "if (fall == 0 && falls[j] != 0) { falls[j] = 0; }\n            if (fall <= charged[j]) continue;"),
    Mutant("only the last call's fall counts", MODULE, "falls[j] = Arguments.saturatingAdd(falls[j], fall - charged[j]);", "falls[j] = fall - charged[j];"),
    Mutant("income is not demanded", BALANCES, "if (risen < needed) revert", "if (false) revert"),
    Mutant("income is rounded to nothing", BALANCES, "Math.mulDiv(amount, numerator, denominator, Math.Rounding.Ceil)", "Math.mulDiv(amount, 1, denominator)"),
    Mutant("allowances may stay", MODULE, "if (allowance != 0) revert", "if (false) revert"),
    # rules
    Mutant("at most lets everything pass", ARGUMENTS, "else if (kind == PolicyCode.AT_MOST) holds = value <= operand;\n                    else if (kind == PolicyCode.EQUAL) holds = value == operand;\n                    else if (kind == PolicyCode.AT_LEAST) holds = value >= operand;\n                    else if", "else if (kind == PolicyCode.AT_MOST) holds = true;\n                    else if (kind == PolicyCode.EQUAL) holds = value == operand;\n                    else if (kind == PolicyCode.AT_LEAST) holds = value >= operand;\n                    else if"),
    Mutant("data of any form fits", ARGUMENTS, "if (!fit(code, head, data)) return (FORM, 0, false);", "if (false) return (FORM, 0, false);"),
    Mutant("overlong data fits", ARGUMENTS, "if (count == 0) return data.length == size;", "if (count == 0) return data.length >= size;"),
    Mutant("only an array's first element is looked at", ARGUMENTS, "from += stride;", "left = 1;"),
    Mutant("offsets may lie", ARGUMENTS, "if (load(data, 4 + WORD * word) != size - 4) return false;", ""),
    Mutant("caps are not counted", MODULE, "if (amount > left) revert OverCap(i, index, j, amount, left);", "if (amount > left) left = amount;"),
    Mutant("caps count each call alone", MODULE, "PolicyCode.setOperand(clause, left - amount);", ""),
    Mutant("value may go uncharged", MODULE, "if (uncharged != 0) revert ValueNotCharged(i);", ""),
    Mutant("delegate calls", CALLS, "mstore(add(start, 100), 0)", "mstore(add(start, 100), 1)"),
    Mutant("false counts as true", MODULE, "revert NotTrue(i);", "{}"),
    # acts
    Mutant("no lock", MODULE, "if (_locked != 0) revert Locked();", ""),
    Mutant("anybody is the agent", MODULE, "if (msg.sender != agent) revert NotAgent(agent);\n        // In", "// In"),
    Mutant("any code will do", MODULE, "if (codehash != pointer.codehash) revert StalePolicy(pointer.codehash);", ""),
    Mutant("any number will do", MODULE, "revert WrongNumber(state.number() + 1);", "number = state.number() + 1;"),
    Mutant("no decision", MODULE, "if (decision == 0) revert NoDecision();", ""),
    Mutant("acts before the start", MODULE, "if (block.timestamp < PolicyCode.start(code)) revert", "if (false) revert"),
    Mutant("acts in the second of the end", MODULE, "if (block.timestamp >= state.end()) revert Ended(state.end());", "if (block.timestamp > state.end()) revert Ended(state.end());"),
    Mutant("no cooldown", MODULE, "if (block.timestamp < until) revert", "if (false) revert"),
    Mutant("acts in a pause", MODULE, "        if (paused) revert IsPaused();\n        Slot storage slot", "        Slot storage slot"),
    # scheduled acts
    Mutant("released before the delay", MODULE, "if (block.timestamp < pending_.releasableAt) revert", "if (false) revert"),
    Mutant("released one second early", MODULE, "if (block.timestamp < pending_.releasableAt) revert", "if (block.timestamp + 1 < pending_.releasableAt) revert"),
    Mutant("released in the second of expiry", MODULE, "        if (block.timestamp >= pending_.expiresAt) revert Expired(pending_.expiresAt);\n\n", "        if (block.timestamp > pending_.expiresAt) revert Expired(pending_.expiresAt);\n\n"),
    Mutant("released twice", MODULE, "        place.expiresAt = 0;\n        emit ActReleased", "        emit ActReleased"),
    Mutant("other calls are released", MODULE, "if (actId != pending_.actId) revert OtherCalls();", ""),
    Mutant("released under another version", MODULE, "return act.version == state.version() && act.epoch", "return act.epoch"),
    Mutant("released after a pause", MODULE, "&& act.epoch == pauseEpoch && block", "&& block"),
    Mutant("released after the end", MODULE, "&& block.timestamp < state.end();", ";"),
    Mutant("releases are not charged", MODULE, "_charge(policyId, code, amounts, false, true)", "_charge(policyId, code, amounts, false, false)"),
    Mutant("a fifth pending act", MODULE, "if (block.timestamp >= expiresAt || place.version", "if (i == 3 || block.timestamp >= expiresAt || place.version"),
    Mutant("announced past the policy's end", MODULE, "if (releasableAt >= state.end()) revert", "if (false) revert"),
    Mutant("no quiet after a kill", MODULE, "if (block.timestamp < quietUntil) revert Quiet(quietUntil);", ""),
    Mutant("a veto does nothing", MODULE, "_placeOfAct(policyId, actId).expiresAt = 0;", "_placeOfAct(policyId, actId);"),
    # votes
    Mutant("objections count twice", MODULE, "if (hasObjected[actId][account]) revert AlreadyObjected();", ""),
    Mutant("power of now", MODULE, "snapshot: _clock() - 1,\n            epoch", "snapshot: _clock(),\n            epoch"),
    Mutant("threshold must be passed", MODULE, "if (total < kills) return;", "if (total <= kills) return;"),
    Mutant("killed acts live", MODULE, "        place.expiresAt = 0;\n        // No new", "        // No new"),
    Mutant("any signature will do", MODULE, "revert BadSignature(account);", "{}"),
    Mutant("petitions signed twice", MODULE, "if (signedPetition[policyId][msg.sender] == asked.serial) revert AlreadySigned();", ""),
    Mutant("petitions outlive a pause", MODULE, "|| asked.epoch != pauseEpoch) {", ") {"),
    # those who stop it
    Mutant("anybody unpauses", MODULE, "function unpause() external onlyOwner {", "function unpause() external {"),
    Mutant("a pause keeps its epoch", MODULE, "pauseEpoch += 1;", ""),
    Mutant("guardians unpause", MODULE, "function unpause() external onlyOwner {", "function unpause() external onlyGuardianOrOwner {"),
    Mutant("anybody sets policies", MODULE, "function setPolicy(bytes32 policyId, bytes calldata code) external onlyOwner {", "function setPolicy(bytes32 policyId, bytes calldata code) external {"),
    Mutant("anybody pauses", MODULE, "function pause() external onlyGuardianOrOwner {", "function pause() external {"),
    Mutant("ends move back", MODULE, "if (endHours >= state.endHours()) revert", "if (false) revert"),
    # bookkeeping
    Mutant("a new policy starts its numbers anew", STATE, "return (state >> 176 << 176) |", "return (state >> 200 << 200) |"),
    Mutant("a new policy forgets the last act", STATE, "return (state >> 176 << 176) |", "return (state & 0xffffff << 176) | (state >> 232 << 232) |"),
    # bytes
    Mutant("bytes may be left over", CHECKER, '_require(offset == code.length, offset, "bytes left over");', ""),
    Mutant("rules in any order", CHECKER, '_require(last <= key, offset, "rules not ascending");', ""),
    Mutant("budgets in any order", CHECKER, 'if (i != 0) _requireAscending(budget, PolicyCode.BUDGET, offset, "budgets not ascending");', ""),
    Mutant("lists in any order", CHECKER, 'if (i != 0) _requireAscending(code.start + offset, 32, offset, "list not ascending");', ""),
    Mutant("clauses in any order", CHECKER, 'if (i != 0) _requireAscending(clause, PolicyCode.CLAUSE, offset, "clauses not ascending");', ""),
    Mutant("unknown flags", CHECKER, '_require(flags <= known, offset + 24, "unknown flag");', ""),
    Mutant("unknown budget flags", CHECKER, '_require(PolicyCode.budgetFlags(budget) <= PolicyCode.MEASURED, offset + 22, "unknown budget flag");', ""),
    Mutant("names with holes", CHECKER, '_require(letter >= 0x20 && letter <= 0x7e, offset, "name not printable ASCII");', ""),
    Mutant("bodies anywhere", CHECKER, '_require(PolicyCode.bodyOffset(head) == offset, heads + 32 * i + 30, "body lies elsewhere");', ""),
)  # fmt: skip
