// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPolicyModule} from "./IPolicyModule.sol";
import {ITreasury} from "./ITreasury.sol";
import {IVotesAdapter} from "./adapters/IVotesAdapter.sol";
import {PolicyCode} from "./libraries/PolicyCode.sol";
import {Ring} from "./libraries/Ring.sol";
import {StandingEffects} from "./libraries/StandingEffects.sol";

/// @title PolicyChecker
/// @notice Accepts only policy code that a module can bound: canonical bytes (docs/policy-code.md), no forbidden target,
/// no function whose effect outlives every budget. The module asks it once, when a policy is set, and relies on the
/// answer ever after; anyone may ask it what the module would say.
/// @dev A contract of its own because both together are larger than a contract may be. It holds no state, and the module
/// deploys it in its own constructor, so there is nothing to trust but the module's code.
contract PolicyChecker {
    /// @dev The code's length, and where in memory it lies.
    struct Code {
        uint256 start;
        uint256 length;
    }

    /// @notice Reverts with `BadPolicy(offset, problem)` unless `module` could take the bytes as a policy.
    /// @param module whose owner, governor, treasury and votes token (and the token behind an adapter) no rule may reach
    /// @param bytes_ policy code without the leading 00
    function check(IPolicyModule module, bytes memory bytes_) external view {
        Code memory code;
        code.length = bytes_.length;
        assembly ("memory-safe") {
            mstore(code, add(bytes_, 32))
        }
        _require(code.length <= PolicyCode.MAX_LENGTH, PolicyCode.MAX_LENGTH, "too long");
        _require(code.length >= PolicyCode.HEADER, code.length, "header cut off");
        _checkHeader(code);
        uint256 offset = _checkBudgets(code);
        uint256 heads = offset;
        offset = _checkHeads(code, offset);
        offset = _checkLists(code, offset);
        offset = _checkBodies(code, heads, offset);
        _require(offset == code.length, offset, "bytes left over");
        _refuseForbidden(module, code, heads);
    }

    // ================================================================ header and budgets

    function _checkHeader(Code memory code) private pure {
        uint256 start = code.start;
        _require(PolicyCode.byteAt(start) == PolicyCode.FORMAT, 0, "unknown format");
        _require(PolicyCode.agent(start) != address(0), 1, "no agent");
        _require(PolicyCode.operator(start) != address(0), 21, "no operator");
        uint256 end = PolicyCode.end(start);
        _require(PolicyCode.start(start) < end, 46, "end is not after start");
        _require(end % 1 hours == 0, 46, "end is not a whole hour");
        _require(end <= type(uint32).max, 46, "end too late");
        uint256 bps = PolicyCode.objectionBps(start);
        _require(bps != 0 && bps <= 10_000, 63, "threshold not 1 to 10000 bps");
        _require(PolicyCode.rules(start) != 0, 99, "no rules");
    }

    function _checkBudgets(Code memory code) private view returns (uint256 offset) {
        offset = PolicyCode.HEADER;
        uint256 count = PolicyCode.budgets(code.start);
        for (uint256 i; i < count; ++i) {
            _require(offset + PolicyCode.BUDGET <= code.length, code.length, "budget cut off");
            _checkBudget(code, offset);
            uint256 budget = code.start + offset;
            if (i != 0) _requireAscending(budget, PolicyCode.BUDGET, offset, "budgets not ascending");
            for (uint256 j; j < i; ++j) {
                _require(!_sameRing(PolicyCode.budgetAt(code.start, j), budget), offset, "two budgets share a ring");
            }
            offset += PolicyCode.BUDGET;
        }
    }

    function _checkBudget(Code memory code, uint256 offset) private view {
        uint256 budget = code.start + offset;
        _require(PolicyCode.scope(budget) <= PolicyCode.SCOPE_DAO, offset, "unknown scope");
        // 2^256 - 1 base units are more than any limit: so a sum that saturates is over it.
        _require(PolicyCode.exponent(budget) <= 68, offset + 21, "unit too large");
        _require(PolicyCode.budgetFlags(budget) <= PolicyCode.MEASURED, offset + 22, "unknown budget flag");
        if (PolicyCode.isMeasured(budget)) _requireAsset(PolicyCode.asset(budget), offset + 1);
        _require(PolicyCode.period(budget) >= 7, offset + 23, "period too short");
        uint256 limit = PolicyCode.limit(budget);
        uint256 instant = PolicyCode.instantLimit(budget);
        _require(limit != 0 && limit <= Ring.MAX, offset + 31, "limit not 1 to 2^28 - 1");
        _require(instant <= limit, offset + 27, "instant limit above limit");
        if (instant < limit) {
            _require(PolicyCode.objectionDelay(code.start) != 0, 55, "no objection delay");
            _require(PolicyCode.releaseWindow(code.start) != 0, 59, "no release window");
        }
        _checkName(PolicyCode.name(budget), offset + 35);
    }

    /// @dev Printable ASCII, then only zeros: so that one name has one spelling, and shows as what it is.
    function _checkName(uint256 name, uint256 offset) private pure {
        for (; name != 0; name <<= 8) {
            uint256 letter = name >> 248;
            _require(letter >= 0x20 && letter <= 0x7e, offset, "name not printable ASCII");
        }
    }

    function _sameRing(uint256 a, uint256 b) private pure returns (bool) {
        // Scope, asset and exponent are the first 22 bytes.
        return PolicyCode.wordAt(a) >> 80 == PolicyCode.wordAt(b) >> 80 && PolicyCode.name(a) == PolicyCode.name(b)
            && Ring.segmentOf(PolicyCode.period(a)) == Ring.segmentOf(PolicyCode.period(b));
    }

    // ================================================================ rule heads

    function _checkHeads(Code memory code, uint256 offset) private pure returns (uint256) {
        uint256 last;
        for (uint256 left = PolicyCode.rules(code.start); left != 0; --left) {
            _require(offset + PolicyCode.HEAD <= code.length, code.length, "rule cut off");
            uint256 head = PolicyCode.wordAt(code.start + offset);
            uint256 key = PolicyCode.keyOf(head);
            _require(last <= key, offset, "rules not ascending");
            last = key;
            _checkHead(head, offset);
            offset += PolicyCode.HEAD;
        }
        return offset;
    }

    function _checkHead(uint256 head, uint256 offset) private pure {
        uint256 flags = PolicyCode.flags(head);
        uint256 known = PolicyCode.NO_SELECTOR | PolicyCode.MUST_RETURN_TRUE | PolicyCode.APPROVAL;
        _require(flags <= known, offset + 24, "unknown flag");
        uint256 words = PolicyCode.words(head);
        if (flags & PolicyCode.NO_SELECTOR != 0) {
            _require(PolicyCode.selector(head) == 0, offset + 20, "selector given for none");
            _require(words == 0, offset + 25, "arguments without selector");
        }
        _require(words <= 32, offset + 25, "too many arguments");
        _require(PolicyCode.dynamics(head) <= words, offset + 26, "too many dynamic arguments");
        if (flags & PolicyCode.APPROVAL != 0) {
            bool approves = PolicyCode.selector(head) == IERC20.approve.selector && words == 2
                && PolicyCode.dynamics(head) == 0;
            _require(approves, offset + 20, "approval of another form");
        }
    }

    // ================================================================ lists

    function _checkLists(Code memory code, uint256 offset) private pure returns (uint256) {
        for (uint256 left = PolicyCode.lists(code.start); left != 0; --left) {
            _require(offset + 2 <= code.length, code.length, "list cut off");
            uint256 count = PolicyCode.wordAt(code.start + offset) >> 240;
            _require(count != 0, offset, "empty list");
            offset += 2;
            _require(offset + 32 * count <= code.length, code.length, "list cut off");
            for (uint256 i; i < count; ++i) {
                if (i != 0) _requireAscending(code.start + offset, 32, offset, "list not ascending");
                offset += 32;
            }
        }
        return offset;
    }

    // ================================================================ rule bodies

    function _checkBodies(Code memory code, uint256 heads, uint256 offset) private view returns (uint256) {
        uint256 charged; // a bit for each budget
        uint256 count = PolicyCode.rules(code.start);
        for (uint256 i; i < count; ++i) {
            uint256 head = PolicyCode.headAt(code.start, i);
            _require(PolicyCode.bodyOffset(head) == offset, heads + 32 * i + 30, "body lies elsewhere");
            uint256 end = PolicyCode.incomeAt(code.start, head, PolicyCode.incomes(head)) - code.start;
            _require(end <= code.length, code.length, "rule cut off");
            _checkDynamics(code, head);
            _checkClauses(code, head);
            uint256 here = _checkCharges(code, head);
            _checkIncomes(code, head, here);
            charged |= here;
            offset = end;
        }
        _checkAllCharged(code, charged);
        return offset;
    }

    function _checkAllCharged(Code memory code, uint256 charged) private pure {
        uint256 count = PolicyCode.budgets(code.start);
        for (uint256 i; i < count; ++i) {
            uint256 budget = PolicyCode.budgetAt(code.start, i);
            bool used = (charged >> i) & 1 != 0 || PolicyCode.isMeasured(budget);
            _require(used, budget - code.start, "budget never charged");
        }
    }

    function _checkDynamics(Code memory code, uint256 head) private pure {
        uint256 body = PolicyCode.bodyOf(code.start, head);
        uint256 count = PolicyCode.dynamics(head);
        uint256 last;
        for (uint256 i; i < count; ++i) {
            uint256 offset = body + PolicyCode.DYNAMIC * i - code.start;
            (uint256 word,) = PolicyCode.dynamicAt(body, i);
            _require(word < PolicyCode.words(head), offset, "no such argument");
            _require(i == 0 || last < word, offset, "dynamic arguments not ascending");
            last = word;
        }
    }

    function _checkClauses(Code memory code, uint256 head) private pure {
        uint256 count = PolicyCode.clauses(head);
        for (uint256 i; i < count; ++i) {
            uint256 clause = PolicyCode.clauseAt(code.start, head, i);
            uint256 offset = clause - code.start;
            uint256 clauseHead = PolicyCode.wordAt(clause);
            uint256 kind = PolicyCode.kindOf(clauseHead);
            uint256 column = PolicyCode.columnOf(clauseHead);
            (bool dynamic, uint256 width) = _place(code, head, PolicyCode.wordOf(clauseHead), column, offset);
            _require(kind >= PolicyCode.EQUAL && kind <= PolicyCode.CAP, offset + 2, "unknown clause");
            bool hash = dynamic && width == 0 && column == 1;
            if (kind == PolicyCode.CAP) _require(!hash, offset + 2, "cap on a hash");
            if (kind == PolicyCode.IN_LIST) {
                _require(PolicyCode.operandOf(clause) < PolicyCode.lists(code.start), offset + 3, "no such list");
            }
            if (i != 0) _requireAscending(clause, PolicyCode.CLAUSE, offset, "clauses not ascending");
        }
    }

    function _checkCharges(Code memory code, uint256 head) private pure returns (uint256 charged) {
        uint256 count = PolicyCode.charges(head);
        for (uint256 i; i < count; ++i) {
            uint256 charge = PolicyCode.chargeAt(code.start, head, i);
            uint256 offset = charge - code.start;
            (uint256 budget, uint256 source, uint256 word, uint256 column) = PolicyCode.chargeOf(charge);
            _require(budget < PolicyCode.budgets(code.start), offset, "no such budget");
            _require(charged >> budget == 0, offset, "charges not ascending");
            charged |= 1 << budget;
            _require(source <= PolicyCode.FROM_VALUE, offset + 1, "unknown source");
            if (source == PolicyCode.FROM_VALUE) {
                _require(word == 0 && column == 0, offset + 2, "argument of value");
                address asset = PolicyCode.asset(PolicyCode.budgetAt(code.start, budget));
                _require(asset == address(0), offset, "value charges another asset");
            } else {
                (bool dynamic, uint256 width) = _place(code, head, word, column, offset);
                _require(!dynamic || column < width, offset + 3, "charge of no amounts");
            }
        }
    }

    function _checkIncomes(Code memory code, uint256 head, uint256 charged) private view {
        uint256 count = PolicyCode.incomes(head);
        for (uint256 i; i < count; ++i) {
            uint256 income = PolicyCode.incomeAt(code.start, head, i);
            uint256 offset = income - code.start;
            (address asset, uint256 index, uint256 numerator, uint256 denominator) = PolicyCode.incomeOf(income);
            _require(index < PolicyCode.budgets(code.start), offset + 20, "no such budget");
            uint256 budget = PolicyCode.budgetAt(code.start, index);
            bool charges = (charged >> index) & 1 != 0 || PolicyCode.isMeasured(budget);
            _require(charges, offset + 20, "income for no charge");
            _requireAsset(asset, offset);
            _require(asset != PolicyCode.asset(budget), offset, "income of what is spent");
            _require(numerator != 0, offset + 21, "income of nothing");
            _require(denominator != 0, offset + 37, "no denominator");
            if (i != 0) _requireAscending(income, PolicyCode.INCOME, offset, "incomes not ascending");
        }
    }

    /// @dev Whether the place's word is dynamic, and how wide. Reverts if there is no such place.
    function _place(Code memory code, uint256 head, uint256 word, uint256 column, uint256 offset)
        private
        pure
        returns (bool dynamic, uint256 width)
    {
        _require(word < PolicyCode.words(head), offset, "no such argument");
        uint256 body = PolicyCode.bodyOf(code.start, head);
        uint256 columns = 1;
        for (uint256 i = PolicyCode.dynamics(head); i != 0; --i) {
            (uint256 word_, uint256 width_) = PolicyCode.dynamicAt(body, i - 1);
            if (word_ != word) continue;
            (dynamic, width) = (true, width_);
            columns = width == 0 ? 2 : width + 1; // of bytes: length, hash; of an array: its columns, their count
        }
        _require(column < columns, offset + 1, "no such column");
    }

    // ================================================================ what no policy may do

    /// @dev Targets through which an act could change its own bounds or move votes, and functions whose effect outlives
    /// every budget.
    function _refuseForbidden(IPolicyModule module, Code memory code, uint256 offset) private view {
        address treasury = module.treasury();
        address owner = module.owner();
        address governor = module.governor();
        address votesToken = module.votesToken();
        address adaptedToken = _adaptedToken(votesToken);
        for (uint256 left = PolicyCode.rules(code.start); left != 0; --left) {
            uint256 head = PolicyCode.wordAt(code.start + offset);
            address target = PolicyCode.target(head);
            bool forbidden = target == address(module) || target == address(this) || target == treasury
                || target == owner || target == governor || _isModule(treasury, target);
            _require(!forbidden, offset, "forbidden target");
            bool transfers = PolicyCode.selector(head) == IERC20.transfer.selector;
            bool votes = target == votesToken || target == adaptedToken;
            _require(!votes || transfers, offset, "votes token: only transfer");
            if (PolicyCode.flags(head) & PolicyCode.NO_SELECTOR == 0) _checkFunction(code, head, offset);
            offset += PolicyCode.HEAD;
        }
    }

    function _checkFunction(Code memory code, uint256 head, uint256 offset) private view {
        address target = PolicyCode.target(head);
        _require(_hasCode(target), offset, "target has no code");
        if (PolicyCode.flags(head) & PolicyCode.APPROVAL != 0) {
            _require(_isMeasured(code, target), offset, "approval is not measured");
        } else {
            _require(!StandingEffects.has(PolicyCode.selector(head)), offset + 20, "outlives every budget");
        }
    }

    function _isMeasured(Code memory code, address asset) private pure returns (bool) {
        for (uint256 i = PolicyCode.budgets(code.start); i != 0; --i) {
            uint256 budget = PolicyCode.budgetAt(code.start, i - 1);
            if (PolicyCode.isMeasured(budget) && PolicyCode.asset(budget) == asset) return true;
        }
        return false;
    }

    /// @dev The contract whose votes an adapter counts: votes are moved there. A votes token that is no adapter is that itself.
    function _adaptedToken(address votesToken) private view returns (address) {
        (bool answered, bytes memory returned) = votesToken.staticcall(abi.encodeCall(IVotesAdapter.adaptedToken, ()));
        if (!answered || returned.length < 32) return votesToken;
        return address(uint160(uint256(bytes32(returned))));
    }

    /// @dev Another module could be made to act for the treasury. A treasury that can't be asked has none to protect.
    function _isModule(address treasury, address target) private view returns (bool) {
        (bool answered, bytes memory returned) = treasury.staticcall(abi.encodeCall(ITreasury.isModuleEnabled, (target)));
        return answered && returned.length >= 32 && uint256(bytes32(returned)) != 0;
    }

    // ================================================================ small things

    /// @dev Ether, or a contract that can be asked for a balance.
    function _requireAsset(address asset, uint256 offset) private view {
        _require(asset == address(0) || _hasCode(asset), offset, "asset has no code");
    }

    /// @dev Whether a contract lies there. An account with a key that runs a contract's code (EIP-7702) is none: its code is
    /// ef0100 and an address, and the key names another whenever it likes.
    function _hasCode(address account) private view returns (bool) {
        uint256 size = account.code.length;
        return size != 0 && (size != 23 || bytes3(account.code) != 0xef0100);
    }

    /// @dev Whether the `size` bytes at `item` come after the `size` bytes in front of them.
    function _requireAscending(uint256 item, uint256 size, uint256 offset, bytes32 problem) private pure {
        uint256 before = item - size;
        for (; size > 32 && PolicyCode.wordAt(before) == PolicyCode.wordAt(item); size -= 32) {
            before += 32;
            item += 32;
        }
        uint256 rest = size < 32 ? 8 * (32 - size) : 0;
        _require(PolicyCode.wordAt(before) >> rest < PolicyCode.wordAt(item) >> rest, offset, problem);
    }

    function _require(bool holds, uint256 offset, bytes32 problem) private pure {
        if (!holds) revert IPolicyModule.BadPolicy(offset, problem);
    }
}
