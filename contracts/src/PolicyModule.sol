// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC6372} from "@openzeppelin/contracts/interfaces/IERC6372.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IPolicyModule} from "./IPolicyModule.sol";
import {ITreasury} from "./ITreasury.sol";
import {PolicyChecker} from "./PolicyChecker.sol";
import {Arguments} from "./libraries/Arguments.sol";
import {Balances} from "./libraries/Balances.sol";
import {Calls} from "./libraries/Calls.sol";
import {PolicyCode} from "./libraries/PolicyCode.sol";
import {PolicyState} from "./libraries/PolicyState.sol";
import {Ring} from "./libraries/Ring.sol";
import {Words} from "./libraries/Words.sol";

/// @title PolicyModule
/// @notice Makes a treasury perform an agent's acts, and only those that the members' policy permits. Guardians and
/// objecting members can only stop or tighten; only a vote, through the owner, loosens.
/// @dev No initialiser, no clone, no upgrade; everything but the guardian is immutable. The only call that leaves here
/// and may change something is the treasury's `execTransactionFromModuleReturnData`, always with operation CALL.
///
/// Storage, slot by slot:
///   0, 1  never used: the names of OpenZeppelin's EIP712, when they do not fit an immutable
///   2  | pause epoch (32) | paused (8) | guardian (160) |
///   3  policyId -> | end, hours (24) | last act, seconds (32) | act number (24) | version (16) | pointer (160) |
///   4  ring key -> | newest segment (32) | eight buckets (8 x 28) |
///   5  policyId -> four places of two slots:
///        | quiet until (32) | expires (32) | releasable (32) | number (24) | version (16) | epoch (32) | snapshot (48) |
///        | act id (256) |
///   6  actId -> power that has objected
///   7  actId -> account -> whether it has objected
///   8  policyId -> | serial (32) | epoch (32) | until (40) | snapshot (48) | and power (256) of the last petition
///   9  policyId -> account -> serial of the last petition signed
///   transient 0  the lock
contract PolicyModule is IPolicyModule, EIP712 {
    using PolicyState for uint256;
    using Calls for Call[];

    /// @dev One word of storage that is found once, then read and written.
    struct Slot {
        uint256 word;
    }

    bytes32 private constant OBJECTION = keccak256("Objection(bytes32 policyId,bytes32 actId,address account)");
    uint256 private constant PLACES = 4;
    uint256 private constant PETITION_TIME = 7 days;

    /// @inheritdoc IPolicyModule
    address public immutable owner;
    /// @inheritdoc IPolicyModule
    address public immutable governor;
    /// @inheritdoc IPolicyModule
    address public immutable treasury;
    /// @inheritdoc IPolicyModule
    address public immutable votesToken;
    /// @inheritdoc IPolicyModule
    address public immutable checker;
    bool private immutable _clockIsTime;

    /// @inheritdoc IPolicyModule
    address public guardian;
    /// @inheritdoc IPolicyModule
    bool public paused;
    /// @inheritdoc IPolicyModule
    uint32 public pauseEpoch;

    mapping(bytes32 policyId => Slot) private _states;
    /// @inheritdoc IPolicyModule
    mapping(bytes32 key => Slot) public ring;
    mapping(bytes32 policyId => PendingAct[PLACES]) private _places;
    mapping(bytes32 actId => uint256 power) private _objections;
    /// @inheritdoc IPolicyModule
    mapping(bytes32 actId => mapping(address account => bool)) public hasObjected;
    mapping(bytes32 policyId => Petition) private _petitions;
    /// @inheritdoc IPolicyModule
    mapping(bytes32 policyId => mapping(address account => uint32 serial)) public signedPetition;

    /// @dev One lock over all policies: a target that calls back can start no other act, of whatever policy.
    uint256 private transient _locked;

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner();
        _;
    }

    modifier onlyGuardianOrOwner() {
        if (msg.sender != guardian && msg.sender != owner) revert NotGuardian();
        _;
    }

    modifier lock() {
        if (_locked != 0) revert Locked();
        _locked = 1;
        _;
        _locked = 0;
    }

    /// @param owner_ the timelock
    /// @param governor_ the governor; only so that no policy may ever target it
    /// @param treasury_ our Treasury or a Safe that has this module enabled
    /// @param votesToken_ whose past votes count as objections (ERC-5805). It must answer for both past votes and past total
    /// supply already: with a token that does not, nobody could ever object.
    /// @param guardian_ who may stop and shorten; zero for none
    constructor(address owner_, address governor_, address treasury_, address votesToken_, address guardian_)
        EIP712("Mandate PolicyModule", "2")
    {
        if (
            owner_ == address(0) || governor_ == address(0) || treasury_ == address(0) || votesToken_ == address(0)
        ) revert NoAddress();
        owner = owner_;
        governor = governor_;
        treasury = treasury_;
        votesToken = votesToken_;
        guardian = guardian_;
        emit GuardianSet(guardian_);
        checker = address(new PolicyChecker());
        _clockIsTime = _probeClock(votesToken_);
        _probePastVotes(votesToken_, _clock() - 1);
    }

    // ================================================================ the owner

    /// @inheritdoc IPolicyModule
    function setPolicy(bytes32 policyId, bytes calldata code) external onlyOwner {
        PolicyChecker(checker).check(this, code);
        address pointer = PolicyCode.store(code);

        Slot storage slot = _states[policyId];
        uint256 state = slot.word;
        uint16 version = state.version() + 1; // checked: 65,535 versions, then no more
        uint256 stored = PolicyCode.load(pointer);
        uint24 endHours = uint24(PolicyCode.end(stored) / 1 hours); // fits: the checker has seen to it
        slot.word = state.withPolicy(pointer, version).withEndHours(endHours);
        emit PolicySet(policyId, PolicyCode.agent(stored), version, pointer.codehash, pointer);
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
        Call[] calldata calls,
        uint24 number,
        bytes32 decision
    ) external lock {
        (uint256 code,) = _begin(policyId, codehash, number, decision);
        (uint256[] memory heads, uint256[] memory amounts) = _check(code, calls);
        bool measured = _charge(policyId, code, amounts, true, true);
        emit ActExecuted(policyId, msg.sender, decision, number);
        if (measured) _performMeasured(policyId, code, calls, heads, amounts, true);
        else _perform(code, calls, heads);
    }

    /// @inheritdoc IPolicyModule
    function schedule(
        bytes32 policyId,
        bytes32 codehash,
        Call[] calldata calls,
        uint24 number,
        bytes32 decision
    ) external lock returns (bytes32 actId) {
        (uint256 code, uint256 state) = _begin(policyId, codehash, number, decision);
        (, uint256[] memory amounts) = _check(code, calls);
        _charge(policyId, code, amounts, false, false);
        uint256 delay = PolicyCode.objectionDelay(code);
        uint256 window = PolicyCode.releaseWindow(code);
        if (delay == 0 || window == 0) revert NotSchedulable();
        uint256 releasableAt = block.timestamp + delay;
        // Such an act could never be released: members would be asked to watch what can't happen.
        if (releasableAt >= state.end()) revert EndsTooSoon(uint40(releasableAt), state.end());
        uint16 version = state.version();

        PendingAct memory pending_ = PendingAct({
            snapshot: _clock() - 1,
            epoch: pauseEpoch,
            version: version,
            number: number,
            releasableAt: uint32(releasableAt), // fits: the policy ends later, and before the year 2106
            expiresAt: _time32(releasableAt + window),
            quietUntil: 0,
            actId: calls.hash(policyId, version, number, decision)
        });
        _enter(policyId, pending_);
        emit ActScheduled(
            policyId,
            msg.sender,
            decision,
            pending_.actId,
            number,
            version,
            pending_.releasableAt,
            pending_.expiresAt,
            pending_.snapshot,
            calls
        );
        return pending_.actId;
    }

    /// @inheritdoc IPolicyModule
    function release(bytes32 policyId, uint24 number, Call[] calldata calls, bytes32 decision) external lock {
        PendingAct storage place = _placeOfNumber(policyId, number);
        PendingAct memory pending_ = place;
        if (paused) revert IsPaused();
        if (!_isLive(policyId, pending_)) revert Voided();
        if (block.timestamp < pending_.releasableAt) revert NotYet(pending_.releasableAt);
        if (block.timestamp >= pending_.expiresAt) revert Expired(pending_.expiresAt);

        // Living means: the same version, so the same code; and an end that has not come.
        uint256 code = PolicyCode.load(_states[policyId].word.pointer());
        if (msg.sender != PolicyCode.agent(code)) revert NotAgent(PolicyCode.agent(code));
        bytes32 actId = calls.hash(policyId, pending_.version, number, decision);
        if (actId != pending_.actId) revert OtherCalls();
        (uint256[] memory heads, uint256[] memory amounts) = _check(code, calls);
        bool measured = _charge(policyId, code, amounts, false, true);
        place.expiresAt = 0;
        emit ActReleased(policyId, msg.sender, decision, actId);
        if (measured) _performMeasured(policyId, code, calls, heads, amounts, false);
        else _perform(code, calls, heads);
    }

    /// @inheritdoc IPolicyModule
    function renounce(bytes32 policyId) external {
        address agent = PolicyCode.agent(_load(policyId));
        if (msg.sender != agent) revert NotAgent(agent);
        _shorten(policyId, block.timestamp);
    }

    // ================================================================ those who stop it

    /// @inheritdoc IPolicyModule
    function object(bytes32 policyId, bytes32[] calldata actIds) external {
        uint256 count = actIds.length;
        bool counted;
        for (uint256 i; i < count; ++i) {
            // Of several acts, one that is over by now (the agent may have released it just in front) must not save the
            // others. Of one alone, say why.
            if (count != 1) {
                (, bool live) = pending(policyId, actIds[i]);
                if (!live) continue;
            }
            _object(policyId, actIds[i], msg.sender);
            counted = true;
        }
        if (!counted) revert NotPending();
    }

    /// @inheritdoc IPolicyModule
    function objectBySig(bytes32 policyId, bytes32 actId, address account, bytes calldata signature) external {
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(OBJECTION, policyId, actId, account)));
        if (!_isWordOf(account, digest, signature)) revert BadSignature(account);
        _object(policyId, actId, account);
    }

    /// @inheritdoc IPolicyModule
    function petition(bytes32 policyId) external {
        if (paused) revert IsPaused();
        uint256 code = _load(policyId);
        uint40 end = _states[policyId].word.end();
        if (block.timestamp >= end) revert Ended(end);
        Petition memory asked = _petitions[policyId];
        if (block.timestamp >= asked.until || asked.epoch != pauseEpoch) {
            asked = Petition({
                snapshot: _clock() - 1,
                until: uint40(block.timestamp + PETITION_TIME),
                epoch: pauseEpoch,
                serial: asked.serial + 1,
                power: 0
            });
            emit PetitionOpened(policyId, asked.serial, asked.snapshot, asked.until, _threshold(code, asked.snapshot));
        }
        if (signedPetition[policyId][msg.sender] == asked.serial) revert AlreadySigned();
        uint256 power = _powerOf(msg.sender, asked.snapshot);

        signedPetition[policyId][msg.sender] = asked.serial;
        asked.power += power;
        _petitions[policyId] = asked;
        emit PetitionSigned(policyId, msg.sender, asked.serial, power, asked.power);
        if (asked.power >= _threshold(code, asked.snapshot)) _pause();
    }

    /// @inheritdoc IPolicyModule
    function veto(bytes32 policyId, bytes32 actId) external onlyGuardianOrOwner {
        _placeOfAct(policyId, actId).expiresAt = 0;
        emit ActVetoed(policyId, actId, msg.sender);
    }

    /// @inheritdoc IPolicyModule
    function pause() external onlyGuardianOrOwner {
        if (paused) revert IsPaused();
        _pause();
    }

    /// @inheritdoc IPolicyModule
    function shorten(bytes32 policyId, uint40 end) external onlyGuardianOrOwner {
        if (_states[policyId].word.pointer() == address(0)) revert NoPolicy();
        _shorten(policyId, end);
    }

    // ================================================================ views

    /// @inheritdoc IPolicyModule
    function policyState(bytes32 policyId)
        external
        view
        returns (address pointer, uint16 version, uint24 number, uint32 lastAct, uint40 end)
    {
        uint256 state = _states[policyId].word;
        return (state.pointer(), state.version(), state.number(), state.lastAct(), state.end());
    }

    /// @inheritdoc IPolicyModule
    function spent(bytes32 key, uint32 segment) external view returns (uint256 units) {
        return Ring.sum(Ring.turn(ring[key].word, block.timestamp, segment));
    }

    /// @inheritdoc IPolicyModule
    function pendingActs(bytes32 policyId) external view returns (PendingAct[PLACES] memory) {
        return _places[policyId];
    }

    /// @inheritdoc IPolicyModule
    function pending(bytes32 policyId, bytes32 actId) public view returns (uint256 objections, bool live) {
        objections = _objections[actId];
        for (uint256 i; i < PLACES; ++i) {
            PendingAct memory place = _places[policyId][i];
            if (place.actId == actId) live = block.timestamp < place.expiresAt && _isLive(policyId, place);
        }
    }

    /// @inheritdoc IPolicyModule
    function petitionOf(bytes32 policyId) external view returns (Petition memory) {
        return _petitions[policyId];
    }

    /// @inheritdoc IPolicyModule
    function threshold(bytes32 policyId, uint48 snapshot) external view returns (uint256) {
        return _threshold(_load(policyId), snapshot);
    }

    /// @inheritdoc IPolicyModule
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() external view returns (string memory) {
        return _clockIsTime ? "mode=timestamp" : "mode=blocknumber&from=default";
    }

    // ================================================================ beginning an act

    /// @dev Who, when, under which version: then the act's number is used up. Execute and schedule alike.
    /// @return code the code of the policy in force
    /// @return state the policy's slot as it was before this act: its version and end are those in force
    function _begin(bytes32 policyId, bytes32 codehash, uint24 number, bytes32 decision)
        private
        returns (uint256 code, uint256 state)
    {
        if (paused) revert IsPaused();
        Slot storage slot = _states[policyId];
        state = slot.word;
        address pointer = state.pointer();
        if (pointer == address(0)) revert NoPolicy();
        if (codehash != pointer.codehash) revert StalePolicy(pointer.codehash);
        code = PolicyCode.load(pointer);
        address agent = PolicyCode.agent(code);
        if (msg.sender != agent) revert NotAgent(agent);
        // In 256 bits: after 16,777,215 acts no number is one more than the last.
        unchecked {
            if (number != uint256(state.number()) + 1) revert WrongNumber(state.number() + 1);
        }
        if (decision == 0) revert NoDecision();
        if (block.timestamp < PolicyCode.start(code)) revert NotStarted(uint40(PolicyCode.start(code)));
        if (block.timestamp >= state.end()) revert Ended(state.end());
        unchecked {
            uint256 until = uint256(state.lastAct()) + PolicyCode.cooldown(code); // 33 bits at most
            if (block.timestamp < until) revert Cooling(uint40(until));
        }

        slot.word = state.withAct(number, uint32(block.timestamp)); // fits: the policy ends before the year 2106
    }

    // ================================================================ checking calls

    /// @dev Every call against its rule, in order. Reads the chain in nothing: what is permitted is in the code alone.
    /// @return heads the rule head of each call
    /// @return amounts what the act charges each budget, in base units
    function _check(uint256 code, Call[] calldata calls)
        private
        pure
        returns (uint256[] memory heads, uint256[] memory amounts)
    {
        uint256 count = calls.length;
        if (count == 0) revert NoCalls();
        (heads, amounts) = Words.make(count, PolicyCode.budgets(code));
        for (uint256 i; i < count; ++i) {
            (address to, uint256 value, bytes calldata data) = calls.at_(i);
            uint256 head = _ruleOf(code, i, to, data);
            Words.set(heads, i, head);
            _countCharges(code, head, i, value, data, amounts);
        }
    }

    /// @dev The head of the first rule for this target and selector whose form and clauses fit the call. Counts its caps.
    function _ruleOf(uint256 code, uint256 i, address to, bytes calldata data) private pure returns (uint256 head) {
        if (data.length < 4 && data.length != 0) revert BadCalldata(i);
        uint256 wanted = PolicyCode.keyOf(to, data);
        uint256 index;
        (index, head) = PolicyCode.find(code, wanted);
        if (head == 0) revert NoRule(i, to, PolicyCode.selectorOf(wanted));
        while (true) {
            (uint256 failing, uint256 value, bool capped) = Arguments.failing(code, head, data);
            if (failing == Arguments.NONE) {
                if (capped) _countCaps(code, head, data, i, index);
                return head;
            }
            head = PolicyCode.alternative(code, index + 1, wanted);
            if (head == 0) {
                if (failing == Arguments.FORM) revert BadCalldata(i);
                revert ClauseFailed(i, index, failing, bytes32(value));
            }
            ++index;
        }
    }

    /// @dev Counts each cap of the rule down by the call's amount. The caps are counted in the act's own copy of the
    /// policy in memory: a cap's operand is what is left of it in this act.
    function _countCaps(uint256 code, uint256 head, bytes calldata data, uint256 i, uint256 index) private pure {
        uint256 count = PolicyCode.clauses(head);
        for (uint256 j; j < count; ++j) {
            uint256 clause = PolicyCode.clauseAt(code, head, j);
            uint256 clauseHead = PolicyCode.wordAt(clause);
            if (PolicyCode.kindOf(clauseHead) != PolicyCode.CAP) continue;
            uint256 left = PolicyCode.operandOf(clause);
            uint256 amount = Arguments.total(
                code, head, data, PolicyCode.wordOf(clauseHead), PolicyCode.columnOf(clauseHead)
            );
            if (amount > left) revert OverCap(i, index, j, amount, left);
            PolicyCode.setOperand(clause, left - amount);
        }
    }

    /// @dev Adds what the call charges to the act's amounts. Ether may only be sent where it is charged.
    function _countCharges(
        uint256 code,
        uint256 head,
        uint256 i,
        uint256 value,
        bytes calldata data,
        uint256[] memory amounts
    ) private pure {
        unchecked {
            uint256 uncharged = value;
            uint256 charge = PolicyCode.chargeAt(code, head, 0);
            uint256 end = charge + PolicyCode.CHARGE * PolicyCode.charges(head);
            for (; charge != end; charge += PolicyCode.CHARGE) {
                (uint256 budget, uint256 amount, bool isValue) = Arguments.charge(code, head, charge, value, data);
                Words.set(amounts, budget, Arguments.saturatingAdd(Words.get(amounts, budget), amount));
                if (isValue) uncharged = 0;
            }
            if (uncharged != 0) revert ValueNotCharged(i);
        }
    }

    // ================================================================ budgets

    /// @dev Charges every budget of the act against its instant limit or its whole limit; or only looks whether it could.
    /// @return measured whether any of the policy's budgets is
    function _charge(bytes32 policyId, uint256 code, uint256[] memory amounts, bool instant, bool store)
        private
        returns (bool measured)
    {
        unchecked {
            uint256 flags;
            uint256 count = amounts.length;
            uint256 budget = PolicyCode.budgetAt(code, 0);
            for (uint256 i; i < count; ++i) {
                flags |= PolicyCode.budgetFlags(budget);
                uint256 amount = Words.get(amounts, i);
                if (amount != 0) _chargeBudget(policyId, code, budget, amount, 0, instant, store);
                budget += PolicyCode.BUDGET;
            }
            return flags & PolicyCode.MEASURED != 0;
        }
    }

    /// @dev Charges a budget with `amount`, of which this act has charged `charged` already. Reverts if it has no room.
    function _chargeBudget(
        bytes32 policyId,
        uint256 code,
        uint256 budget,
        uint256 amount,
        uint256 charged,
        bool instant,
        bool store
    ) private {
        unchecked {
            uint256 unit = PolicyCode.unitOf(budget);
            uint256 units = Ring.unitsOf(amount, unit);
            uint256 before = charged == 0 ? 0 : Ring.unitsOf(charged, unit);
            bytes32 key = PolicyCode.ringKey(budget, policyId, PolicyCode.agent(code));
            Slot storage slot = ring[key];
            uint256 word = Ring.turn(slot.word, block.timestamp, Ring.segmentOf(PolicyCode.period(budget)));
            uint256 already = Ring.sum(word) - before; // what this act has charged is in the sum
            uint256 most = PolicyCode.limit(budget);
            // Neither is above 2^28, once the first comparison has been made.
            if (units > most || already + units > most) revert OverBudget(key, units, _left(most, already));
            if (instant) {
                most = PolicyCode.instantLimit(budget);
                if (already + units > most) revert OverInstant(key, units, _left(most, already));
            }
            if (store) slot.word = Ring.add(word, units - before);
        }
    }

    /// @dev A limit may have been lowered below what is spent: then nothing is left.
    function _left(uint256 limit, uint256 already) private pure returns (uint256) {
        unchecked {
            return limit > already ? limit - already : 0;
        }
    }

    // ================================================================ performing

    /// @dev Everything is checked and written; now the treasury calls, in order. One failure undoes all.
    function _perform(uint256 code, Call[] calldata calls, uint256[] memory heads) private {
        uint256 count = calls.length;
        for (uint256 i; i < count; ++i) {
            uint256 head = Words.get(heads, i);
            if (PolicyCode.incomes(head) == 0) {
                _call(head, calls, i);
            } else {
                uint256[] memory before = Balances.read(code, head, treasury);
                _call(head, calls, i);
                _settle(code, head, calls, i, before, new uint256[](0));
            }
        }
    }

    /// @dev The same under a policy with measured budgets: only such a policy can permit approvals. What can't be known
    /// before the calls (falls, incomes, allowances) is checked after them.
    function _performMeasured(
        bytes32 policyId,
        uint256 code,
        Call[] calldata calls,
        uint256[] memory heads,
        uint256[] memory amounts,
        bool instant
    ) private {
        uint256[] memory falls = new uint256[](amounts.length);
        for (uint256 i; i < calls.length; ++i) {
            uint256[] memory before = Balances.read(code, heads[i], treasury);
            _call(heads[i], calls, i);
            _settle(code, heads[i], calls, i, before, falls);
        }
        for (uint256 i; i < falls.length; ++i) {
            if (falls[i] == 0) continue;
            uint256 amount = Arguments.saturatingAdd(amounts[i], falls[i]);
            _chargeBudget(policyId, code, PolicyCode.budgetAt(code, i), amount, amounts[i], instant, true);
        }
        for (uint256 i; i < calls.length; ++i) {
            if (PolicyCode.flags(heads[i]) & PolicyCode.APPROVAL != 0) _requireNoAllowance(calls, i);
        }
    }

    function _call(uint256 head, Call[] calldata calls, uint256 i) private {
        (address to, uint256 value, bytes calldata data) = calls.at_(i);
        (bool success, bytes memory returned) = Calls.perform(treasury, to, value, data);
        if (!success) revert CallFailed(i, returned);
        if (PolicyCode.flags(head) & PolicyCode.MUST_RETURN_TRUE == 0) return;
        // As SafeERC20 does: nothing returned counts as true if there is a contract that could have reverted.
        if (returned.length < 32 || Words.first(returned) != 1) {
            if (returned.length != 0 || to.code.length == 0) revert NotTrue(i);
        }
    }

    /// @dev After call i: adds to `falls` what the treasury lost of each measured budget beyond the call's own charge, and
    /// demands the incomes. `falls` is empty if nothing is measured.
    function _settle(
        uint256 code,
        uint256 head,
        Call[] calldata calls,
        uint256 i,
        uint256[] memory before,
        uint256[] memory falls
    ) private view {
        (, uint256 value, bytes calldata data) = calls.at_(i);
        uint256[] memory charged = new uint256[](PolicyCode.budgets(code));
        uint256 count = PolicyCode.charges(head);
        for (uint256 j; j < count; ++j) {
            uint256 charge = PolicyCode.chargeAt(code, head, j);
            (uint256 budget, uint256 amount,) = Arguments.charge(code, head, charge, value, data);
            charged[budget] = amount;
        }
        uint256[] memory afterwards = Balances.read(code, head, treasury);
        for (uint256 j; j < falls.length; ++j) {
            uint256 fall = before[j] > afterwards[j] ? before[j] - afterwards[j] : 0;
            if (fall <= charged[j]) continue;
            falls[j] = Arguments.saturatingAdd(falls[j], fall - charged[j]);
            charged[j] = fall;
        }
        Balances.requireIncomes(code, head, i, charged, before, afterwards);
    }

    /// @dev An approval is for the act alone: whatever of it is not used must have been taken back.
    function _requireNoAllowance(Call[] calldata calls, uint256 i) private view {
        (address token,, bytes calldata data) = calls.at_(i);
        address spender = address(uint160(Arguments.load(data, 4)));
        uint256 allowance = IERC20(token).allowance(treasury, spender);
        if (allowance != 0) revert AllowanceLeft(i, spender, allowance);
    }

    // ================================================================ pending acts

    /// @dev Puts an act into the first free place: one that was never used, or whose act is over or void.
    function _enter(bytes32 policyId, PendingAct memory entering) private {
        PendingAct[PLACES] storage places = _places[policyId];
        uint32 quietUntil = places[0].quietUntil;
        if (block.timestamp < quietUntil) revert Quiet(quietUntil);
        uint32 firstExpiry = type(uint32).max;
        for (uint256 i; i < PLACES; ++i) {
            PendingAct storage place = places[i];
            uint32 expiresAt = place.expiresAt;
            if (block.timestamp >= expiresAt || place.version != entering.version || place.epoch != entering.epoch) {
                places[i] = entering;
                return;
            }
            if (expiresAt < firstExpiry) firstExpiry = expiresAt;
        }
        revert TooManyPending(firstExpiry);
    }

    /// @dev Objects with the account's power; kills the act when the objections reach the threshold.
    function _object(bytes32 policyId, bytes32 actId, address account) private {
        PendingAct storage place = _placeOfAct(policyId, actId);
        PendingAct memory pending_ = place;
        if (!_isLive(policyId, pending_)) revert Voided();
        if (block.timestamp >= pending_.expiresAt) revert Expired(pending_.expiresAt);
        if (hasObjected[actId][account]) revert AlreadyObjected();
        uint256 power = _powerOf(account, pending_.snapshot);

        hasObjected[actId][account] = true;
        uint256 total = _objections[actId] + power;
        _objections[actId] = total;
        uint256 code = _load(policyId);
        uint256 kills = _threshold(code, pending_.snapshot);
        emit ActObjected(policyId, actId, account, power, total, kills);
        if (total < kills) return;

        place.expiresAt = 0;
        // No new announcement at once: members who have just objected need not watch every block.
        uint256 quietUntil = block.timestamp + PolicyCode.objectionDelay(code);
        _places[policyId][0].quietUntil = quietUntil > type(uint32).max ? type(uint32).max : uint32(quietUntil);
        emit ActKilled(policyId, actId, total);
    }

    /// @dev The place of an act that was scheduled and not yet released, killed or vetoed. It may be void or expired.
    function _placeOfAct(bytes32 policyId, bytes32 actId) private view returns (PendingAct storage place) {
        for (uint256 i; i < PLACES; ++i) {
            place = _places[policyId][i];
            if (place.actId == actId && place.expiresAt != 0) return place;
        }
        revert NotPending();
    }

    function _placeOfNumber(bytes32 policyId, uint24 number) private view returns (PendingAct storage place) {
        for (uint256 i; i < PLACES; ++i) {
            place = _places[policyId][i];
            if (place.number == number && place.expiresAt != 0) return place;
        }
        revert NotPending();
    }

    /// @dev Whether nothing has voided the act: the version it was scheduled under is in force and has not ended, and
    /// there was no pause since. Each of these is final: versions and epochs only rise, and within a version the end
    /// only falls.
    function _isLive(bytes32 policyId, PendingAct memory act) private view returns (bool) {
        uint256 state = _states[policyId].word;
        return act.version == state.version() && act.epoch == pauseEpoch && block.timestamp < state.end();
    }

    // ================================================================ votes

    /// @dev Reverts if the account had none: an objection or signature that counts nothing is a mistake.
    function _powerOf(address account, uint48 snapshot) private view returns (uint256 power) {
        power = IVotes(votesToken).getPastVotes(account, snapshot);
        if (power == 0) revert NoPower();
    }

    /// @dev Power that kills or pauses: basis points of the past total supply, rounded down, at least 1.
    function _threshold(uint256 code, uint48 snapshot) private view returns (uint256) {
        uint256 supply = IVotes(votesToken).getPastTotalSupply(snapshot);
        uint256 power = supply * PolicyCode.objectionBps(code) / 10_000;
        return power == 0 ? 1 : power;
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

    /// @dev A token that can't tell past votes lets nobody object, so every announced act would be released. A zero is an
    /// answer: votes may still be handed out or delegated.
    function _probePastVotes(address token, uint256 timepoint) private view {
        // What has no code of its own answers nothing, or (a precompile, or an account with a key that runs a
        // contract's code, EIP-7702) only for now.
        bool answers = token.code.length != 0 && bytes3(token.code) != 0xef0100
            && _answersWord(token, abi.encodeCall(IVotes.getPastTotalSupply, (timepoint)))
            && _answersWord(token, abi.encodeCall(IVotes.getPastVotes, (address(this), timepoint)));
        if (!answers) revert NoPastVotes();
    }

    function _answersWord(address token, bytes memory question) private view returns (bool) {
        (bool answered, bytes memory returned) = token.staticcall(question);
        return answered && returned.length >= 32;
    }

    /// @dev The key first, so that a member whose account runs code (EIP-7702) keeps its own signature: whoever has the key
    /// can object in its name anyway. No contract has a key.
    function _isWordOf(address account, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (address recovered, ECDSA.RecoverError wrong,) = ECDSA.tryRecoverCalldata(digest, signature);
        return (wrong == ECDSA.RecoverError.NoError && recovered == account)
            || SignatureChecker.isValidERC1271SignatureNowCalldata(account, digest, signature);
    }

    // ================================================================ small things

    function _pause() private {
        paused = true;
        pauseEpoch += 1; // checked: never wraps, so a voided act never comes back
        emit Paused(msg.sender, pauseEpoch);
    }

    function _shorten(bytes32 policyId, uint256 end) private {
        Slot storage slot = _states[policyId];
        uint256 state = slot.word;
        uint256 endHours = end / 1 hours;
        if (endHours >= state.endHours()) revert NotShorter(state.end());
        state = state.withEndHours(uint24(endHours)); // fits: it is less than what was there
        slot.word = state;
        emit PolicyShortened(policyId, state.end());
    }

    /// @dev The code of the policy in force.
    function _load(bytes32 policyId) private view returns (uint256 code) {
        address pointer = _states[policyId].word.pointer();
        if (pointer == address(0)) revert NoPolicy();
        return PolicyCode.load(pointer);
    }

    function _time32(uint256 time) private pure returns (uint32) {
        if (time > type(uint32).max) revert BadTime();
        return uint32(time);
    }
}
