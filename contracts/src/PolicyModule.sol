// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC6372} from "@openzeppelin/contracts/interfaces/IERC6372.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IPolicyModule} from "./IPolicyModule.sol";
import {ITreasury} from "./ITreasury.sol";
import {Docket} from "./libraries/Docket.sol";
import {PolicyCode} from "./libraries/PolicyCode.sol";
import {Ring} from "./libraries/Ring.sol";
import {StandingEffects} from "./libraries/StandingEffects.sol";

/// @title PolicyModule
/// @notice Makes a treasury perform an agent's acts, and only those that the members' policy permits. Guardians and
/// objecting members can only stop or tighten; only a vote, through the owner, loosens.
/// @dev No initialiser, no clone, no upgrade; everything but the guardian is immutable. The only call that leaves here
/// for anything but the votes token is the treasury's `execTransactionFromModuleReturnData`, always with operation CALL.
contract PolicyModule is IPolicyModule {
    using SafeCast for uint256;

    /// @dev A policy's moving parts: one slot. Version, act number and last act never go back and never wrap.
    /// | end, hours (24) | last act, seconds (32) | act number (24) | version (16) | pointer (160) |
    struct State {
        address pointer;
        uint16 version;
        uint24 number;
        uint32 lastAct;
        uint24 endHours;
    }

    /// @dev An act while it is checked: where the policy lies in memory, the rule of each call, the units per budget.
    struct Checked {
        uint256 code;
        uint256[] rules;
        uint256[] units;
    }

    /// @inheritdoc IPolicyModule
    address public immutable owner;
    /// @inheritdoc IPolicyModule
    address public immutable governor;
    /// @inheritdoc IPolicyModule
    address public immutable treasury;
    /// @inheritdoc IPolicyModule
    address public immutable votesToken;
    bool private immutable _clockIsTime;

    // One slot: | pause epoch (32) | paused (8) | guardian (160) |
    /// @inheritdoc IPolicyModule
    address public guardian;
    /// @inheritdoc IPolicyModule
    bool public paused;
    /// @inheritdoc IPolicyModule
    uint32 public pauseEpoch;

    mapping(bytes32 policyId => State) private _states;
    /// @inheritdoc IPolicyModule
    mapping(bytes32 key => uint256 word) public ring;
    mapping(bytes32 actId => PendingAct) private _pending;
    /// @inheritdoc IPolicyModule
    mapping(bytes32 actId => mapping(address account => bool)) public hasObjected;
    // By policy, then by (version, pause epoch): replacing a policy or pausing starts an empty docket.
    mapping(bytes32 policyId => mapping(uint256 versionAndEpoch => uint256 docket)) private _dockets;

    /// @dev One lock over all policies: a target that calls back can start no other act, of whatever policy.
    bool private transient _locked;

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner();
        _;
    }

    modifier onlyGuardianOrOwner() {
        if (msg.sender != guardian && msg.sender != owner) revert NotGuardian();
        _;
    }

    modifier lock() {
        if (_locked) revert Locked();
        _locked = true;
        _;
        _locked = false;
    }

    /// @param owner_ the timelock
    /// @param governor_ the governor; only so that no policy may ever target it
    /// @param treasury_ our Treasury or a Safe that has this module enabled
    /// @param votesToken_ whose past votes count as objections (ERC-5805)
    /// @param guardian_ who may stop and shorten; zero for none
    constructor(address owner_, address governor_, address treasury_, address votesToken_, address guardian_) {
        if (
            owner_ == address(0) || governor_ == address(0) || treasury_ == address(0) || votesToken_ == address(0)
        ) revert NoAddress();
        owner = owner_;
        governor = governor_;
        treasury = treasury_;
        votesToken = votesToken_;
        guardian = guardian_;
        emit GuardianSet(guardian_);
        _clockIsTime = _probeClock(votesToken_);
    }

    // ================================================================ the owner

    /// @inheritdoc IPolicyModule
    function setPolicy(bytes32 policyId, bytes calldata code) external onlyOwner {
        uint256 parsed = PolicyCode.validate(code);
        _refuseForbidden(parsed);
        address pointer = PolicyCode.store(code);

        State storage state = _states[policyId];
        uint16 version = state.version + 1; // checked: 65,535 versions, then no more
        state.pointer = pointer;
        state.version = version;
        state.endHours = uint24(PolicyCode.end(parsed) / 1 hours);
        emit PolicySet(policyId, PolicyCode.agent(parsed), version, pointer.codehash, pointer);
    }

    /// @inheritdoc IPolicyModule
    function unpause() external onlyOwner {
        if (!paused) revert NotPaused();
        paused = false;
        emit Unpaused(pauseEpoch);
    }

    /// @inheritdoc IPolicyModule
    function setGuardian(address newGuardian) external onlyOwner {
        guardian = newGuardian;
        emit GuardianSet(newGuardian);
    }

    // ================================================================ the agent

    /// @inheritdoc IPolicyModule
    function execute(
        bytes32 policyId,
        bytes32 codehash,
        uint24 number,
        Call[] calldata calls,
        bytes32 decision
    ) external lock {
        (uint256 code, uint16 version) = _begin(policyId, codehash, number, decision);
        Checked memory act = _check(code, calls);
        _charge(policyId, act, true);
        emit ActExecuted(policyId, msg.sender, decision, number, version);
        _perform(act, calls);
    }

    /// @inheritdoc IPolicyModule
    function schedule(
        bytes32 policyId,
        bytes32 codehash,
        uint24 number,
        Call[] calldata calls,
        bytes32 decision
    ) external lock returns (bytes32 actId) {
        (uint256 code, uint16 version) = _begin(policyId, codehash, number, decision);
        _checkBudgets(policyId, _check(code, calls));

        PendingAct memory act = PendingAct({
            policyId: policyId,
            decision: decision,
            version: version,
            number: number,
            epoch: pauseEpoch,
            releasableAt: (block.timestamp + PolicyCode.objectionDelay(code)).toUint40(),
            expiresAt: 0,
            snapshot: _clock() - 1,
            status: Status.Pending,
            objections: 0
        });
        act.expiresAt = act.releasableAt + uint40(PolicyCode.releaseWindow(code));
        if (PolicyCode.objectionDelay(code) == 0 || act.expiresAt == act.releasableAt) revert NotSchedulable();
        _enter(act);

        actId = _actId(act, calls);
        _pending[actId] = act;
        emit ActScheduled(
            policyId,
            msg.sender,
            decision,
            actId,
            number,
            version,
            act.releasableAt,
            act.expiresAt,
            act.snapshot,
            _threshold(code, act.snapshot),
            calls
        );
    }

    /// @inheritdoc IPolicyModule
    function release(bytes32 actId, Call[] calldata calls) external lock {
        PendingAct memory act = _pending[actId];
        if (act.status != Status.Pending) revert NotPending();
        if (paused) revert IsPaused();
        if (!_live(act)) revert Voided();
        if (block.timestamp < act.releasableAt) revert NotYet(act.releasableAt);
        if (block.timestamp >= act.expiresAt) revert Expired(act.expiresAt);
        if (_actId(act, calls) != actId) revert OtherCalls();

        // Living means: the same version, so the same code; and an end that has not come.
        uint256 code = PolicyCode.load(_states[act.policyId].pointer);
        if (msg.sender != PolicyCode.agent(code)) revert NotAgent(PolicyCode.agent(code));
        Checked memory checked = _check(code, calls);
        _charge(act.policyId, checked, false);
        _pending[actId].status = Status.Released;
        _vacate(act);
        emit ActReleased(act.policyId, msg.sender, act.decision, actId);
        _perform(checked, calls);
    }

    /// @inheritdoc IPolicyModule
    function renounce(bytes32 policyId) external {
        address pointer = _states[policyId].pointer;
        if (pointer == address(0)) revert NoPolicy();
        address agent = PolicyCode.agent(PolicyCode.load(pointer));
        if (msg.sender != agent) revert NotAgent(agent);
        _shorten(policyId, block.timestamp);
    }

    // ================================================================ those who stop it

    /// @inheritdoc IPolicyModule
    function object(bytes32[] calldata actIds) external {
        for (uint256 i; i < actIds.length; ++i) {
            _object(actIds[i]);
        }
    }

    /// @inheritdoc IPolicyModule
    function veto(bytes32 actId) external onlyGuardianOrOwner {
        PendingAct memory act = _pending[actId];
        if (act.status != Status.Pending) revert NotPending();
        _pending[actId].status = Status.Vetoed;
        _vacate(act);
        emit ActVetoed(actId, msg.sender);
    }

    /// @inheritdoc IPolicyModule
    function pause() external onlyGuardianOrOwner {
        if (paused) revert IsPaused();
        paused = true;
        pauseEpoch += 1; // checked: never wraps, so a voided act never comes back
        emit Paused(msg.sender, pauseEpoch);
    }

    /// @inheritdoc IPolicyModule
    function shorten(bytes32 policyId, uint40 end) external onlyGuardianOrOwner {
        if (_states[policyId].pointer == address(0)) revert NoPolicy();
        _shorten(policyId, end);
    }

    // ================================================================ views

    /// @inheritdoc IPolicyModule
    function policyState(bytes32 policyId)
        external
        view
        returns (address pointer, uint16 version, uint24 number, uint32 lastAct, uint40 end)
    {
        State memory state = _states[policyId];
        return (state.pointer, state.version, state.number, state.lastAct, _end(state.endHours));
    }

    /// @inheritdoc IPolicyModule
    function spent(bytes32 key, uint32 segment) external view returns (uint256 units) {
        return Ring.sum(Ring.turn(ring[key], block.timestamp, segment));
    }

    /// @inheritdoc IPolicyModule
    function pending(bytes32 actId) external view returns (PendingAct memory act, bool live) {
        act = _pending[actId];
        live = act.status == Status.Pending && block.timestamp < act.expiresAt && _live(act);
    }

    /// @inheritdoc IPolicyModule
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() external view returns (string memory) {
        return _clockIsTime ? "mode=timestamp" : "mode=blocknumber&from=default";
    }

    // ================================================================ beginning an act

    /// @dev Who, when, under which version: then the act's number is used up. Execute and schedule alike.
    function _begin(bytes32 policyId, bytes32 codehash, uint24 number, bytes32 decision)
        private
        returns (uint256 code, uint16 version)
    {
        if (paused) revert IsPaused();
        State memory state = _states[policyId];
        if (state.pointer == address(0)) revert NoPolicy();
        if (codehash != state.pointer.codehash) revert StalePolicy(state.pointer.codehash);
        code = PolicyCode.load(state.pointer);
        if (msg.sender != PolicyCode.agent(code)) revert NotAgent(PolicyCode.agent(code));
        uint24 expected = state.number + 1; // checked: 16,777,215 acts, then no more
        if (number != expected) revert WrongNumber(expected);
        if (decision == 0) revert NoDecision();
        uint40 end = _end(state.endHours);
        if (block.timestamp < PolicyCode.start(code)) revert NotStarted(PolicyCode.start(code));
        if (block.timestamp >= end) revert Ended(end);
        uint256 until = state.lastAct + PolicyCode.cooldown(code);
        if (block.timestamp < until) revert Cooling(uint40(until));
        if (block.timestamp > type(uint32).max) revert BadTime();

        State storage stored = _states[policyId];
        stored.number = number;
        stored.lastAct = uint32(block.timestamp);
        return (code, state.version);
    }

    // ================================================================ checking calls

    /// @dev Every call against its rule, in order. Reads the chain in nothing: what is permitted is in the code alone.
    function _check(uint256 code, Call[] calldata calls) private pure returns (Checked memory act) {
        if (calls.length == 0) revert NoCalls();
        act.code = code;
        act.rules = new uint256[](calls.length);
        act.units = new uint256[](PolicyCode.budgets(code));
        uint256 firstRule = PolicyCode.listAt(code, PolicyCode.lists(code));
        for (uint256 i; i < calls.length; ++i) {
            Call calldata call = calls[i];
            (uint256 rule, uint256 index) = _ruleOf(code, firstRule, i, call);
            act.rules[i] = rule;
            _countCaps(act, calls, i, index);
            _countCharges(act, rule, i, call);
        }
    }

    /// @dev The first rule for this target and selector whose length and word clauses fit the call.
    function _ruleOf(uint256 code, uint256 rule, uint256 i, Call calldata call)
        private
        pure
        returns (uint256, uint256)
    {
        bool bare = call.data.length == 0;
        if (!bare && call.data.length < 4) revert BadLength(i);
        bytes4 selector = bare ? bytes4(0) : bytes4(call.data);
        uint256 wanted = PolicyCode.keyOf(call.to, selector, bare);

        uint256 count = PolicyCode.rules(code);
        for (uint256 index; index < count; ++index) {
            uint256 key = PolicyCode.ruleKey(rule);
            if (key > wanted) break; // rules ascend
            uint256 next = PolicyCode.nextRule(rule);
            if (key == wanted) {
                uint256 failing = _failingClause(code, rule, call.data);
                if (failing == FITS) return (rule, index);
                bool last = index + 1 == count || PolicyCode.ruleKey(next) != wanted;
                if (last) _refuse(rule, i, index, failing, call.data);
            }
            rule = next;
        }
        revert NoRule(i, call.to, selector);
    }

    uint256 private constant FITS = type(uint256).max;
    uint256 private constant LENGTH = type(uint256).max - 1;

    /// @dev The first word clause that the calldata fails; or LENGTH; or FITS.
    function _failingClause(uint256 code, uint256 rule, bytes calldata data) private pure returns (uint256) {
        uint256 expected = PolicyCode.flags(rule) & PolicyCode.NO_SELECTOR != 0 ? 0 : 4 + 32 * PolicyCode.words(rule);
        if (data.length != expected) return LENGTH;
        uint256 count = PolicyCode.clauses(rule);
        for (uint256 i; i < count; ++i) {
            uint256 clause = PolicyCode.clauseAt(rule, i);
            if (!_holds(code, clause, _argument(data, PolicyCode.clauseWord(clause)))) return i;
        }
        return FITS;
    }

    function _holds(uint256 code, uint256 clause, uint256 argument) private pure returns (bool) {
        uint256 kind = PolicyCode.clauseKind(clause);
        uint256 operand = PolicyCode.operand(clause);
        if (kind == PolicyCode.EQUAL) return argument == operand;
        if (kind == PolicyCode.NOT_EQUAL) return argument != operand;
        if (kind == PolicyCode.AT_MOST) return argument <= operand;
        if (kind == PolicyCode.AT_LEAST) return argument >= operand;
        if (kind == PolicyCode.IN_LIST) return PolicyCode.contains(PolicyCode.listAt(code, operand), argument);
        return kind == PolicyCode.CAP; // counted over the whole act, see _countCaps; anything else never holds
    }

    function _refuse(uint256 rule, uint256 i, uint256 index, uint256 failing, bytes calldata data) private pure {
        if (failing == LENGTH) revert BadLength(i);
        uint256 clause = PolicyCode.clauseAt(rule, failing);
        revert ClauseFailed(i, index, failing, bytes32(_argument(data, PolicyCode.clauseWord(clause))));
    }

    /// @dev Counts each cap of the rule down by the call's argument. The caps are counted in the act's own copy of the
    /// policy in memory: a cap's operand is what is left of it in this act.
    function _countCaps(Checked memory act, Call[] calldata calls, uint256 i, uint256 index) private pure {
        uint256 rule = act.rules[i];
        uint256 count = PolicyCode.clauses(rule);
        for (uint256 j; j < count; ++j) {
            uint256 clause = PolicyCode.clauseAt(rule, j);
            if (PolicyCode.clauseKind(clause) != PolicyCode.CAP) continue;
            uint256 argument = _argument(calls[i].data, PolicyCode.clauseWord(clause));
            uint256 left = PolicyCode.operand(clause);
            if (argument > left) revert OverCap(index, j, _total(act, calls, i, PolicyCode.clauseWord(clause)));
            PolicyCode.setOperand(clause, left - argument);
        }
    }

    /// @dev What an argument comes to in the act's calls under one rule, up to call i; saturates. For the error alone.
    function _total(Checked memory act, Call[] calldata calls, uint256 i, uint256 word)
        private
        pure
        returns (uint256 total)
    {
        for (uint256 j; j <= i; ++j) {
            if (act.rules[j] == act.rules[i]) total = _saturatingAdd(total, _argument(calls[j].data, word));
        }
    }

    /// @dev Adds what the call charges to the act's units. Sums saturate: far above any limit, they stay above it.
    function _countCharges(Checked memory act, uint256 rule, uint256 i, Call calldata call) private pure {
        bool valueCharged;
        uint256 count = PolicyCode.charges(rule);
        for (uint256 j; j < count; ++j) {
            uint256 charge = PolicyCode.chargeAt(rule, j);
            uint256 index = PolicyCode.chargedBudget(charge);
            uint256 budget = PolicyCode.budgetAt(act.code, index);
            uint256 amount;
            if (PolicyCode.chargeSource(charge) == PolicyCode.FROM_VALUE) {
                amount = call.value;
                if (PolicyCode.asset(budget) == address(0)) valueCharged = true;
            } else {
                amount = _argument(call.data, PolicyCode.chargeWord(charge));
            }
            uint256 units = Ring.unitsOf(amount, PolicyCode.exponent(budget));
            act.units[index] = _saturatingAdd(act.units[index], units);
        }
        if (call.value != 0 && !valueCharged) revert ValueNotCharged(i);
    }

    function _argument(bytes calldata data, uint256 word) private pure returns (uint256) {
        uint256 offset = 4 + 32 * word;
        return uint256(bytes32(data[offset:offset + 32]));
    }

    // ================================================================ budgets

    /// @dev Charges every budget of the act against its instant limit or its whole limit.
    function _charge(bytes32 policyId, Checked memory act, bool instant) private {
        for (uint256 i; i < act.units.length; ++i) {
            if (act.units[i] == 0) continue;
            (bytes32 key, uint256 turned) = _fit(policyId, act, i, instant);
            ring[key] = Ring.add(turned, act.units[i]);
        }
    }

    /// @dev Whether the act would fit into its budgets now; charges nothing.
    function _checkBudgets(bytes32 policyId, Checked memory act) private view {
        for (uint256 i; i < act.units.length; ++i) {
            if (act.units[i] != 0) _fit(policyId, act, i, false);
        }
    }

    /// @dev Reverts unless the budget has room. Returns its ring, turned to now.
    function _fit(bytes32 policyId, Checked memory act, uint256 i, bool instant)
        private
        view
        returns (bytes32 key, uint256 turned)
    {
        uint256 budget = PolicyCode.budgetAt(act.code, i);
        key = PolicyCode.ringKey(budget, policyId, PolicyCode.agent(act.code));
        turned = Ring.turn(ring[key], block.timestamp, Ring.segmentOf(PolicyCode.period(budget)));
        uint256 already = Ring.sum(turned);
        // A limit may have been lowered below what is spent: then nothing is left.
        uint256 left = _left(PolicyCode.limit(budget), already);
        if (act.units[i] > left) revert OverBudget(key, act.units[i], left);
        if (!instant) return (key, turned);
        left = _left(PolicyCode.instantLimit(budget), already);
        if (act.units[i] > left) revert OverInstant(key, act.units[i], left);
    }

    function _left(uint256 limit, uint256 already) private pure returns (uint256) {
        return limit > already ? limit - already : 0;
    }

    // ================================================================ performing

    /// @dev Everything is checked and written; now the treasury calls, in order. One failure undoes all.
    function _perform(Checked memory act, Call[] calldata calls) private {
        for (uint256 i; i < calls.length; ++i) {
            Call calldata call = calls[i];
            (bool success, bytes memory returned) =
                ITreasury(treasury).execTransactionFromModuleReturnData(call.to, call.value, call.data, 0);
            if (!success) revert CallFailed(i, returned);
            if (PolicyCode.flags(act.rules[i]) & PolicyCode.MUST_RETURN_TRUE != 0) {
                if (!_isTrue(call.to, returned)) revert NotTrue(i);
            }
        }
    }

    /// @dev As SafeERC20 does: nothing returned counts as true if there is a contract that could have reverted.
    function _isTrue(address target, bytes memory returned) private view returns (bool) {
        if (returned.length == 0) return target.code.length != 0;
        return returned.length >= 32 && uint256(bytes32(returned)) == 1;
    }

    // ================================================================ pending acts

    /// @dev Objects with the caller's power; kills the act when the objections reach the threshold.
    function _object(bytes32 actId) private {
        PendingAct memory act = _pending[actId];
        if (act.status != Status.Pending) revert NotPending();
        if (!_live(act)) revert Voided();
        if (block.timestamp >= act.expiresAt) revert Expired(act.expiresAt);
        if (hasObjected[actId][msg.sender]) revert AlreadyObjected();
        uint256 power = IVotes(votesToken).getPastVotes(msg.sender, act.snapshot);
        if (power == 0) revert NoPower();

        hasObjected[actId][msg.sender] = true;
        uint256 total = act.objections + power;
        _pending[actId].objections = total;
        emit ActObjected(actId, msg.sender, power, total);

        uint256 code = PolicyCode.load(_states[act.policyId].pointer);
        if (total < _threshold(code, act.snapshot)) return;
        _pending[actId].status = Status.Killed;
        _vacate(act);
        // No new announcement at once: members who have just objected need not watch every block.
        mapping(uint256 => uint256) storage dockets = _dockets[act.policyId];
        uint256 place = _docketOf(act);
        dockets[place] = Docket.quieten(dockets[place], block.timestamp + PolicyCode.objectionDelay(code));
        emit ActKilled(actId, total);
    }

    /// @dev Power that kills: basis points of the past total supply, rounded down, at least 1.
    function _threshold(uint256 code, uint48 snapshot) private view returns (uint256) {
        uint256 supply = IVotes(votesToken).getPastTotalSupply(snapshot);
        uint256 threshold = supply * PolicyCode.objectionBps(code) / 10_000;
        return threshold == 0 ? 1 : threshold;
    }

    /// @dev Whether nothing has voided the act: the version it was scheduled under is in force and has not ended, and
    /// there was no pause since. Each of these is final: versions and epochs only rise, and within a version the end
    /// only falls.
    function _live(PendingAct memory act) private view returns (bool) {
        State memory state = _states[act.policyId];
        return act.version == state.version && act.epoch == pauseEpoch && block.timestamp < _end(state.endHours);
    }

    /// @dev Binds the act's calls to what was announced, on this chain and this module.
    function _actId(PendingAct memory act, Call[] calldata calls) private view returns (bytes32) {
        return keccak256(
            abi.encode(block.chainid, address(this), act.policyId, act.version, act.number, act.decision, calls)
        );
    }

    function _docketOf(PendingAct memory act) private pure returns (uint256) {
        return uint256(act.version) << 32 | act.epoch;
    }

    function _enter(PendingAct memory act) private {
        mapping(uint256 => uint256) storage dockets = _dockets[act.policyId];
        uint256 place = _docketOf(act);
        uint256 docket = dockets[place];
        uint256 quiet = Docket.quietUntil(docket);
        if (block.timestamp < quiet) revert Quiet(uint40(quiet));
        (uint256 entered, uint256 firstExpiry) =
            Docket.enter(docket, block.timestamp, act.number, _time32(act.expiresAt));
        if (entered == 0) revert TooManyPending(uint40(firstExpiry));
        dockets[place] = entered;
    }

    function _vacate(PendingAct memory act) private {
        mapping(uint256 => uint256) storage dockets = _dockets[act.policyId];
        uint256 place = _docketOf(act);
        dockets[place] = Docket.vacate(dockets[place], act.number);
    }

    // ================================================================ small things

    function _shorten(bytes32 policyId, uint256 end) private {
        State storage state = _states[policyId];
        uint256 endHours = end / 1 hours;
        if (endHours >= state.endHours) revert NotShorter(_end(state.endHours));
        state.endHours = uint24(endHours); // fits: it is less than what was there
        emit PolicyShortened(policyId, _end(uint24(endHours)));
    }

    function _saturatingAdd(uint256 a, uint256 b) private pure returns (uint256) {
        unchecked {
            return a + b < a ? type(uint256).max : a + b;
        }
    }

    function _end(uint24 endHours) private pure returns (uint40) {
        return uint40(endHours) * 1 hours;
    }

    function _time32(uint256 time) private pure returns (uint256) {
        if (time > type(uint32).max) revert BadTime();
        return time;
    }

    /// @dev Now, in the votes token's clock.
    function _clock() private view returns (uint48) {
        return uint48(_clockIsTime ? block.timestamp : block.number);
    }

    /// @dev ERC-6372. A token without a clock counts blocks, as ERC-5805 says.
    function _probeClock(address token) private view returns (bool) {
        (bool answered, bytes memory returned) = token.staticcall(abi.encodeCall(IERC6372.clock, ()));
        if (!answered || returned.length < 32) return false;
        uint256 clock = uint256(bytes32(returned));
        if (clock == block.timestamp) return true;
        if (clock != block.number) revert UnknownClock();
        return false;
    }

    /// @dev Targets through which an act could change its own bounds or move votes, and functions whose effect outlives
    /// every budget.
    function _refuseForbidden(uint256 code) private view {
        uint256 rule = PolicyCode.listAt(code, PolicyCode.lists(code));
        for (uint256 left = PolicyCode.rules(code); left != 0; --left) {
            uint256 key = PolicyCode.ruleKey(rule);
            address target = address(uint160(key >> 33));
            bytes4 selector = bytes4(uint32(key >> 1));
            bool bare = key & PolicyCode.NO_SELECTOR != 0;
            uint256 offset = rule - code;
            if (
                target == address(this) || target == treasury || target == owner || target == governor
                    || _isModule(target)
            ) revert BadPolicy(offset, "forbidden target");
            if (target == votesToken && (bare || selector != IERC20.transfer.selector)) {
                revert BadPolicy(offset, "votes token: only transfer");
            }
            if (!bare) {
                if (target.code.length == 0) revert BadPolicy(offset, "target has no code");
                if (StandingEffects.has(selector)) revert BadPolicy(offset + 20, "outlives every budget");
            }
            rule = PolicyCode.nextRule(rule);
        }
    }

    /// @dev Another module could be made to act for the treasury. A treasury that can't be asked has none to protect.
    function _isModule(address target) private view returns (bool) {
        (bool answered, bytes memory returned) = treasury.staticcall(abi.encodeCall(ITreasury.isModuleEnabled, (target)));
        return answered && returned.length >= 32 && uint256(bytes32(returned)) != 0;
    }
}
