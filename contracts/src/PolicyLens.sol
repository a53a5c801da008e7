// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyLens} from "./IPolicyLens.sol";
import {IPolicyModule} from "./IPolicyModule.sol";
import {Arguments} from "./libraries/Arguments.sol";
import {Calls} from "./libraries/Calls.sol";
import {PolicyCode} from "./libraries/PolicyCode.sol";
import {Ring} from "./libraries/Ring.sol";

/// @title PolicyLens
/// @notice Says of an act every reason that a policy module would refuse it for, and what every budget has left.
/// @dev Holds nothing, owns nothing and is trusted by nobody: one lens serves every module. It reads a module through its
/// public views, and policy code, calls and rings with the module's own libraries. Where it repeats what is private to the
/// module (the order of the checks, an act's name), tests hold the two against each other: tests/contracts/Lens.t.sol and
/// tests/policies/test_lens.py.
contract PolicyLens is IPolicyLens {
    using Calls for IPolicyModule.Call[];

    /// @notice Stands in a finding for "no call" and "no rule".
    // solhint-disable-next-line func-name-mixedcase
    uint256 public constant NOWHERE = type(uint256).max;

    /// @dev One look at a policy: what the module says of it, and what was found so far.
    struct Look {
        IPolicyModule module;
        bytes32 policyId;
        address pointer; // zero: there is no such policy
        uint256 version;
        uint256 number;
        uint256 lastAct;
        uint256 end;
        uint256 code; // where the policy code lies in memory; only if there is a policy
        Finding[] found; // has room for more than `count`
        uint256 count;
    }

    // ================================================================ what can be asked

    /// @inheritdoc IPolicyLens
    function check(IPolicyModule module, Act calldata act)
        external
        view
        returns (Finding[] memory findings, Headroom[] memory budgets)
    {
        Look memory look = _look(module, act.policyId);
        if (act.mode == Mode.RELEASE) _checkRelease(look, act);
        else _checkBegin(look, act);
        if (look.pointer != address(0)) {
            uint256[] memory amounts = _checkCalls(look, act.calls);
            budgets = _headroom(look, amounts);
            _checkBudgets(look, budgets, act.mode == Mode.EXECUTE);
            if (act.mode == Mode.SCHEDULE) _checkPlaces(look);
        }
        findings = look.found;
        uint256 count = look.count;
        assembly ("memory-safe") {
            mstore(findings, count) // what was kept free is given up
        }
    }

    /// @inheritdoc IPolicyLens
    function headroom(IPolicyModule module, bytes32 policyId) external view returns (Headroom[] memory) {
        Look memory look = _look(module, policyId);
        if (look.pointer == address(0)) revert IPolicyModule.NoPolicy();
        return _headroom(look, new uint256[](PolicyCode.budgets(look.code)));
    }

    /// @inheritdoc IPolicyLens
    function policy(IPolicyModule module, bytes32 policyId)
        external
        view
        returns (bytes memory code, bytes32 codehash)
    {
        (address pointer,,,,) = module.policyState(policyId);
        if (pointer == address(0)) revert IPolicyModule.NoPolicy();
        code = new bytes(pointer.code.length - 1);
        assembly ("memory-safe") {
            extcodecopy(pointer, add(code, 32), 1, mload(code))
        }
        codehash = pointer.codehash;
    }

    function _look(IPolicyModule module, bytes32 policyId) private view returns (Look memory look) {
        look.module = module;
        look.policyId = policyId;
        (look.pointer, look.version, look.number, look.lastAct, look.end) = module.policyState(policyId);
        look.found = new Finding[](8);
        if (look.pointer != address(0)) look.code = PolicyCode.load(look.pointer);
    }

    // ================================================================ who and when

    /// @dev What `execute` and `schedule` ask first: who, when, under which version.
    function _checkBegin(Look memory look, Act calldata act) private view {
        if (look.module.paused()) _add(look, IPolicyModule.IsPaused.selector);
        if (look.pointer == address(0)) return _add(look, IPolicyModule.NoPolicy.selector);
        bytes32 inForce = look.pointer.codehash;
        if (act.codehash != inForce) _add(look, IPolicyModule.StalePolicy.selector, uint256(inForce));
        _checkSender(look, act.sender);
        unchecked {
            // In 256 bits: after 16,777,215 acts no number is one more than the last. What the error names then is 0.
            uint256 next = look.number + 1;
            if (act.number != next) _add(look, IPolicyModule.WrongNumber.selector, uint24(next));
        }
        if (act.decision == 0) _add(look, IPolicyModule.NoDecision.selector);
        uint256 start = PolicyCode.start(look.code);
        if (block.timestamp < start) _add(look, IPolicyModule.NotStarted.selector, start);
        if (block.timestamp >= look.end) _add(look, IPolicyModule.Ended.selector, look.end);
        uint256 until = look.lastAct + PolicyCode.cooldown(look.code);
        if (block.timestamp < until) _add(look, IPolicyModule.Cooling.selector, until);
    }

    /// @dev What `release` asks first: whether the act is pending, its time, and whether it is the same act.
    function _checkRelease(Look memory look, Act calldata act) private view {
        (bool isPending, IPolicyModule.PendingAct memory place) = _placeOf(look, act.number);
        if (!isPending) _add(look, IPolicyModule.NotPending.selector);
        if (look.module.paused()) _add(look, IPolicyModule.IsPaused.selector);
        if (isPending) {
            bool isLive = place.version == look.version && place.epoch == look.module.pauseEpoch()
                && block.timestamp < look.end;
            if (!isLive) _add(look, IPolicyModule.Voided.selector);
            if (block.timestamp < place.releasableAt) {
                _add(look, IPolicyModule.NotYet.selector, place.releasableAt);
            }
            if (block.timestamp >= place.expiresAt) _add(look, IPolicyModule.Expired.selector, place.expiresAt);
        }
        if (look.pointer != address(0)) _checkSender(look, act.sender);
        if (isPending && _actId(look, act, place.version) != place.actId) {
            _add(look, IPolicyModule.OtherCalls.selector);
        }
    }

    function _checkSender(Look memory look, address sender) private pure {
        address agent = PolicyCode.agent(look.code);
        if (sender != agent) _add(look, IPolicyModule.NotAgent.selector, uint160(agent));
    }

    /// @dev As the module finds the place of a number.
    function _placeOf(Look memory look, uint256 number)
        private
        view
        returns (bool found, IPolicyModule.PendingAct memory place)
    {
        IPolicyModule.PendingAct[4] memory places = look.module.pendingActs(look.policyId);
        for (uint256 i; i < places.length; ++i) {
            if (places[i].number == number && places[i].expiresAt != 0) return (true, places[i]);
        }
    }

    /// @dev The name under which the look's module would have announced the act: docs/policy-code.md, *Acts*. The same as
    /// `Calls.hash`, which names the acts of the contract that runs it.
    function _actId(Look memory look, Act calldata act, uint256 version) private view returns (bytes32) {
        bytes memory all = abi.encode(block.chainid, look.module, look.policyId, version, act.number, act.decision);
        for (uint256 i; i < act.calls.length; ++i) {
            (address to, uint256 value, bytes calldata data) = act.calls.at_(i);
            // At most 31 zeros, as many as are missing to a whole word.
            bytes memory padding = new bytes((32 - data.length % 32) % 32);
            all = bytes.concat(all, abi.encode(to, value, data.length), data, padding);
        }
        return keccak256(all);
    }

    // ================================================================ calls

    /// @return amounts what the calls that fit a rule charge each budget, in base units
    function _checkCalls(Look memory look, IPolicyModule.Call[] calldata calls)
        private
        pure
        returns (uint256[] memory amounts)
    {
        amounts = new uint256[](PolicyCode.budgets(look.code));
        if (calls.length == 0) _add(look, IPolicyModule.NoCalls.selector);
        for (uint256 i; i < calls.length; ++i) {
            (address to, uint256 value, bytes calldata data) = calls.at_(i);
            if (data.length < 4 && data.length != 0) {
                _addAt(look, i, NOWHERE, abi.encodeWithSelector(IPolicyModule.BadCalldata.selector, i));
                continue;
            }
            (uint256 index, uint256 head) = _ruleOf(look, i, to, data);
            if (head == 0) continue;
            _checkCaps(look, i, index, head, data);
            _checkCharges(look, i, index, head, value, data, amounts);
        }
    }

    /// @dev The rule that applies to the call, and its place; a zero head, and why, if none does.
    function _ruleOf(Look memory look, uint256 i, address to, bytes calldata data)
        private
        pure
        returns (uint256 index, uint256 head)
    {
        uint256 code = look.code;
        uint256 wanted = PolicyCode.keyOf(to, data);
        uint256 first;
        (first, head) = PolicyCode.find(code, wanted);
        if (head == 0) {
            bytes4 selector = PolicyCode.selectorOf(wanted);
            _addAt(look, i, NOWHERE, abi.encodeWithSelector(IPolicyModule.NoRule.selector, i, to, selector));
            return (0, 0);
        }
        for (index = first; head != 0; ++index) {
            (uint256 failing,,) = Arguments.failing(code, head, data);
            if (failing == Arguments.NONE) return (index, head);
            head = PolicyCode.alternative(code, index + 1, wanted);
        }
        for (; index != first; --index) {
            _explain(look, i, index - 1, data); // the last one first, as the module names only that
        }
        return (0, 0);
    }

    /// @dev Why the rule doesn't fit the call: its form, or each clause that fails, caps apart.
    function _explain(Look memory look, uint256 i, uint256 index, bytes calldata data) private pure {
        uint256 code = look.code;
        uint256 head = PolicyCode.headAt(code, index);
        if (!Arguments.fit(code, head, data)) {
            return _addAt(look, i, index, abi.encodeWithSelector(IPolicyModule.BadCalldata.selector, i));
        }
        uint256 count = PolicyCode.clauses(head);
        for (uint256 j; j < count; ++j) {
            uint256 clause = PolicyCode.clauseAt(code, head, j);
            uint256 clauseHead = PolicyCode.wordAt(clause);
            if (PolicyCode.kindOf(clauseHead) == PolicyCode.CAP) continue;
            (bool holds, uint256 value) =
                Arguments.holdsForAll(code, head, data, clauseHead, PolicyCode.operandOf(clause));
            if (holds) continue;
            _addAt(look, i, index, abi.encodeWithSelector(IPolicyModule.ClauseFailed.selector, i, index, j, value));
        }
    }

    /// @dev As in the module, a cap's operand in memory is what is left of it in this act. A cap that is broken is empty.
    function _checkCaps(Look memory look, uint256 i, uint256 index, uint256 head, bytes calldata data) private pure {
        uint256 code = look.code;
        uint256 count = PolicyCode.clauses(head);
        for (uint256 j; j < count; ++j) {
            uint256 clause = PolicyCode.clauseAt(code, head, j);
            uint256 clauseHead = PolicyCode.wordAt(clause);
            if (PolicyCode.kindOf(clauseHead) != PolicyCode.CAP) continue;
            uint256 left = PolicyCode.operandOf(clause);
            uint256 amount = Arguments.total(
                code, head, data, PolicyCode.wordOf(clauseHead), PolicyCode.columnOf(clauseHead)
            );
            PolicyCode.setOperand(clause, _less(left, amount));
            if (amount <= left) continue;
            bytes4 over = IPolicyModule.OverCap.selector;
            _addAt(look, i, index, abi.encodeWithSelector(over, i, index, j, amount, left));
        }
    }

    /// @dev Adds what the call charges to the act's amounts. Ether may only be sent where it is charged.
    function _checkCharges(
        Look memory look,
        uint256 i,
        uint256 index,
        uint256 head,
        uint256 value,
        bytes calldata data,
        uint256[] memory amounts
    ) private pure {
        bool isCharged = value == 0;
        uint256 count = PolicyCode.charges(head);
        for (uint256 j; j < count; ++j) {
            uint256 charge = PolicyCode.chargeAt(look.code, head, j);
            (uint256 budget, uint256 amount, bool isValue) = Arguments.charge(look.code, head, charge, value, data);
            amounts[budget] = Arguments.saturatingAdd(amounts[budget], amount);
            if (isValue) isCharged = true;
        }
        if (isCharged) return;
        _addAt(look, i, index, abi.encodeWithSelector(IPolicyModule.ValueNotCharged.selector, i));
    }

    // ================================================================ budgets

    /// @dev Each budget as it is now, and what the act charges it.
    function _headroom(Look memory look, uint256[] memory amounts) private view returns (Headroom[] memory budgets) {
        address agent = PolicyCode.agent(look.code);
        budgets = new Headroom[](amounts.length);
        for (uint256 i; i < amounts.length; ++i) {
            uint256 budget = PolicyCode.budgetAt(look.code, i);
            Headroom memory one = budgets[i];
            one.key = PolicyCode.ringKey(budget, look.policyId, agent);
            one.unit = PolicyCode.unitOf(budget);
            one.charged = Ring.unitsOf(amounts[i], one.unit);
            uint256 word = look.module.ring(one.key);
            uint256 segment = Ring.segmentOf(PolicyCode.period(budget));
            if (!_turns(word, segment)) continue; // nothing can be charged, so nothing is left
            uint256 spent = Ring.sum(Ring.turn(word, block.timestamp, segment));
            one.instantLeft = _less(PolicyCode.instantLimit(budget), spent);
            one.left = _less(PolicyCode.limit(budget), spent);
        }
    }

    /// @dev Every charged budget without room; the module looks at no other.
    function _checkBudgets(Look memory look, Headroom[] memory budgets, bool instant) private view {
        for (uint256 i; i < budgets.length; ++i) {
            Headroom memory one = budgets[i];
            if (one.charged == 0) continue;
            uint256 segment = Ring.segmentOf(PolicyCode.period(PolicyCode.budgetAt(look.code, i)));
            if (!_turns(look.module.ring(one.key), segment)) {
                _add(look, IPolicyModule.BadTime.selector);
            } else if (one.charged > one.left) {
                _addOver(look, IPolicyModule.OverBudget.selector, one, one.left);
            } else if (instant && one.charged > one.instantLeft) {
                _addOver(look, IPolicyModule.OverInstant.selector, one, one.instantLeft);
            }
        }
    }

    /// @dev Whether `Ring.turn` takes this block's time. It refuses a time before the ring's last charge.
    function _turns(uint256 word, uint256 segment) private view returns (bool) {
        uint256 newest = block.timestamp / segment;
        uint256 last = word >> (Ring.BITS * Ring.BUCKETS);
        return newest == last || (newest > last && newest <= type(uint32).max);
    }

    // ================================================================ pending acts

    /// @dev Whether the act could be announced now.
    function _checkPlaces(Look memory look) private view {
        uint256 delay = PolicyCode.objectionDelay(look.code);
        uint256 window = PolicyCode.releaseWindow(look.code);
        if (delay == 0 || window == 0) _add(look, IPolicyModule.NotSchedulable.selector);
        // Of a policy that has ended that is said already.
        if (block.timestamp < look.end && block.timestamp + delay >= look.end) {
            bytes4 tooSoon = IPolicyModule.EndsTooSoon.selector;
            _addAt(look, NOWHERE, NOWHERE, abi.encodeWithSelector(tooSoon, block.timestamp + delay, look.end));
        }
        if (block.timestamp + delay + window > type(uint32).max) _add(look, IPolicyModule.BadTime.selector);

        IPolicyModule.PendingAct[4] memory places = look.module.pendingActs(look.policyId);
        uint256 quietUntil = places[0].quietUntil;
        if (block.timestamp < quietUntil) _add(look, IPolicyModule.Quiet.selector, quietUntil);
        uint256 epoch = look.module.pauseEpoch();
        uint256 firstExpiry = type(uint256).max;
        for (uint256 i; i < places.length; ++i) {
            IPolicyModule.PendingAct memory place = places[i];
            if (block.timestamp >= place.expiresAt || place.version != look.version || place.epoch != epoch) return;
            if (place.expiresAt < firstExpiry) firstExpiry = place.expiresAt;
        }
        _add(look, IPolicyModule.TooManyPending.selector, firstExpiry);
    }

    // ================================================================ small things

    function _less(uint256 a, uint256 b) private pure returns (uint256) {
        unchecked {
            return a > b ? a - b : 0;
        }
    }

    function _add(Look memory look, bytes4 selector) private pure {
        _addAt(look, NOWHERE, NOWHERE, abi.encodeWithSelector(selector));
    }

    function _add(Look memory look, bytes4 selector, uint256 value) private pure {
        _addAt(look, NOWHERE, NOWHERE, abi.encodeWithSelector(selector, value));
    }

    function _addOver(Look memory look, bytes4 selector, Headroom memory budget, uint256 left) private pure {
        _addAt(look, NOWHERE, NOWHERE, abi.encodeWithSelector(selector, budget.key, budget.charged, left));
    }

    function _addAt(Look memory look, uint256 call_, uint256 rule, bytes memory revertData) private pure {
        uint256 count = look.count;
        if (count == look.found.length) {
            Finding[] memory more = new Finding[](2 * count);
            for (uint256 i; i < count; ++i) {
                more[i] = look.found[i];
            }
            look.found = more;
        }
        look.found[count] = Finding(call_, rule, revertData);
        look.count = count + 1;
    }
}
