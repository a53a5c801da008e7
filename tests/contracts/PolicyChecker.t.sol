// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";
import {Market, Sink} from "./support/Targets.sol";

interface IPolicyChecker {
    function check(IPolicyModule module, bytes calldata code) external view;
}

/// @notice What SetPolicy.t.sol does not look at: dynamic arguments, columns, measured budgets, incomes, approvals; and
/// a policy that has all of them, with any of its bytes changed or cut off.
contract PolicyCheckerTest is Base {
    using Build for Build.Policy;
    using Build for Build.Rule;

    bytes4 private constant F = 0xf0f0f0f0;
    bytes4 private constant APPROVE = 0x095ea7b3;

    // Where things lie in a policy of one budget, one rule and no list.
    uint256 private constant BUDGET_AT = 100;
    uint256 private constant RULE_AT = 167;
    uint256 private constant BODY_AT = 199;

    Sink private sink;

    function setUp() public override {
        super.setUp();
        sink = new Sink();
    }

    // ---------------------------------------------------------------- asked directly

    function test_check_says_what_the_module_says(uint256 position, uint8 value) public {
        bytes memory code_ = rich();
        IPolicyChecker checker = IPolicyChecker(module.checker());
        checker.check(module, code_);
        position = bound(position, 0, code_.length - 1);
        code_[position] = bytes1(value);
        (bool passes, bytes memory reason) =
            address(checker).call(abi.encodeCall(IPolicyChecker.check, (module, code_)));
        vm.prank(owner);
        try module.setPolicy(ID, code_) {
            require(passes, "the module takes what the checker refuses");
        } catch (bytes memory modules) {
            require(!passes && keccak256(reason) == keccak256(modules), "the same reason");
        }
    }

    // ---------------------------------------------------------------- cut off

    /// Where each of the payroll policy's sections is missing, to the byte.
    function test_check_revert_cutOff_wherever(uint256 length) public {
        bytes memory cut = code;
        length = bound(length, 0, cut.length - 1);
        bytes32 problem = length < 100
            ? bytes32("header cut off")
            : length < 167 ? bytes32("budget cut off") : length < 199 ? bytes32("rule cut off") : bytes32("list cut off");
        if (length >= 199 + 2 + 5 * 32) problem = "rule cut off"; // its body
        assembly {
            mstore(cut, length)
        }
        refuseCode(cut, length, problem);
    }

    /// Numbers that promise more than there is.
    function test_check_revert_countsThatLie(uint256 field, uint256 count) public {
        bytes memory code_ = code;
        field = bound(field, 0, 2);
        count = bound(count, 2, 254);
        code_[97 + field] = bytes1(uint8(count));
        vm.prank(owner);
        vm.expectPartialRevert(IPolicyModule.BadPolicy.selector);
        module.setPolicy(ID, code_);
        code_ = code;
        code_[RULE_AT + 26 + field] = bytes1(uint8(count + 1)); // of dynamics, clauses, charges
        vm.prank(owner);
        vm.expectPartialRevert(IPolicyModule.BadPolicy.selector);
        module.setPolicy(ID, code_);
        code_ = code;
        (code_[199], code_[200]) = (bytes1(uint8(count)), bytes1(uint8(0)));
        refuseCode(code_, code_.length, "list cut off");
    }

    // ---------------------------------------------------------------- heads

    function test_check_revert_bodyLiesElsewhere(uint16 body) public {
        bytes memory code_ = code;
        vm.assume(body != 199 + 2 + 5 * 32);
        (code_[RULE_AT + 30], code_[RULE_AT + 31]) = (bytes1(uint8(body >> 8)), bytes1(uint8(body)));
        refuseCode(code_, RULE_AT + 30, "body lies elsewhere");
    }

    /// Two rules may not share one body, nor lie in another order than their heads.
    function test_check_revert_bodyLiesElsewhere_shared() public {
        Build.Policy memory p = bare();
        p.rules = two(Build.rule(address(sink), F, 0, 1, "", ""), Build.rule(address(sink), F, 0, 1, "", ""));
        bytes memory code_ = p.encode();
        putCode(code_); // bodies of nothing lie at the same place
        p.rules = two(
            Build.rule(address(sink), F, 0, 1, Build.clause(0, EQUAL, 1), ""),
            Build.rule(address(sink), F, 0, 1, Build.clause(0, EQUAL, 1), "")
        );
        code_ = p.encode();
        code_[100 + 32 + 31] = code_[100 + 31];
        code_[100 + 32 + 30] = code_[100 + 30];
        refuseCode(code_, 100 + 32 + 30, "body lies elsewhere");
    }

    function test_check_revert_tooManyDynamics(uint8 words, uint8 count) public {
        words = uint8(bound(words, 0, 32));
        count = uint8(bound(count, words + 1, 255));
        Build.Policy memory p = bare();
        p.rules = one(Build.rule(address(sink), F, 0, words, "", ""));
        bytes memory code_ = p.encode();
        code_[100 + 26] = bytes1(count);
        refuseCode(code_, 100 + 26, "too many dynamic arguments");
    }

    /// The heads' order knows that "no selector" comes after selector zero.
    function test_check_revert_rulesNotAscending_noSelector() public {
        Build.Policy memory p = bare();
        Build.Rule memory zero = Build.rule(address(sink), bytes4(0), 0, 0, "", "");
        Build.Rule memory none = Build.rule(address(sink), bytes4(0), 1, 0, "", "");
        p.rules = two(none, zero);
        refusePolicy(p, 132, "rules not ascending");
        p.rules = two(zero, none);
        put(p);
    }

    // ---------------------------------------------------------------- dynamic arguments

    function test_check_revert_dynamics(uint8 word, uint8 width) public {
        Build.Policy memory p = bare();
        p.rules = one(Build.rule(address(sink), F, 0, 3, "", "").dynamic(Build.array(word, width)));
        if (word >= 3) refusePolicy(p, 132, "no such argument");
        else put(p);
    }

    function test_check_revert_dynamicsNotAscending(uint8 first, uint8 second) public {
        (first, second) = (first % 3, second % 3);
        Build.Policy memory p = bare();
        bytes memory dynamics = abi.encodePacked(Build.array(first, 1), Build.array(second, 2));
        p.rules = one(Build.rule(address(sink), F, 0, 3, "", "").dynamic(dynamics));
        if (first >= second) refusePolicy(p, 134, "dynamic arguments not ascending");
        else put(p);
    }

    // ---------------------------------------------------------------- places

    /// A static word has one column; an array of width w has w and its count; bytes have a length and a hash.
    function test_check_revert_noSuchColumn(uint8 word, uint8 column, uint8 width) public {
        word = word % 5;
        column = column % 6;
        width = width % 5;
        Build.Policy memory p = bare();
        p.rules = one(
            Build.rule(address(sink), F, 0, 4, Build.clause(word, column, AT_MOST, 1), "").dynamic(
                Build.array(2, width)
            )
        );
        uint256 columns = word != 2 ? 1 : width == 0 ? 2 : width + 1;
        if (word > 3) refusePolicy(p, 134, "no such argument");
        else if (column >= columns) refusePolicy(p, 135, "no such column");
        else put(p);
    }

    function test_check_revert_capOnAHash(bool hash) public {
        Build.Policy memory p = bare();
        p.rules = one(
            Build.rule(address(sink), F, 0, 1, Build.clause(0, hash ? 1 : 0, CAP, 1), "").dynamic(Build.array(0, 0))
        );
        if (hash) refusePolicy(p, 136, "cap on a hash");
        else put(p);
    }

    function test_check_revert_chargeOfNoAmounts(uint8 width, uint8 column) public {
        width = width % 4;
        column = column % 4;
        Build.Policy memory p = payroll();
        p.lists = new bytes[](0);
        p.rules = one(
            Build.rule(address(sink), F, 0, 1, "", Build.charge(0, 0, 0, column)).dynamic(Build.array(0, width))
        );
        uint256 columns = width == 0 ? 2 : width + 1;
        if (column >= columns) refusePolicy(p, BODY_AT + 3, "no such column");
        else if (column >= width) refusePolicy(p, BODY_AT + 5, "charge of no amounts"); // counts, lengths, hashes
        else put(p);
    }

    function test_check_revert_valueChargesAnotherAsset() public {
        Build.Policy memory p = payroll();
        p.lists = new bytes[](0);
        p.rules = one(Build.rule(address(sink), F, 0, 1, "", Build.charge(0, 1, 0)));
        refusePolicy(p, BODY_AT, "value charges another asset");
    }

    // ---------------------------------------------------------------- measured budgets

    function test_check_revert_assetHasNoCode(address asset, bool measured) public {
        vm.assume(asset != address(0) && asset.code.length == 0);
        Build.Policy memory p = payroll();
        p.lists = new bytes[](0);
        p.rules = one(Build.rule(address(sink), F, 0, 1, "", Build.charge(0, 0, 0)));
        p.budgets = one(
            measured
                ? Build.measured(0, asset, 0, PERIOD, 1, 1, "day")
                : Build.budget(0, asset, 0, PERIOD, 1, 1, "day")
        );
        if (measured) refusePolicy(p, BUDGET_AT + 1, "asset has no code");
        else put(p); // nobody asks it for anything
        p.budgets = one(Build.measured(0, address(0), 0, PERIOD, 1, 1, "day"));
        put(p);
    }

    function test_check_takes_a_measured_budget_that_no_rule_charges() public {
        Build.Policy memory p = bare();
        p.rules = one(Build.rule(address(sink), F, 0, 1, "", ""));
        p.budgets = one(Build.measured(0, usdc, EXPONENT, PERIOD, 1, 1, "day"));
        put(p);
    }

    /// Whether it is measured is not part of the ring's name.
    function test_check_revert_twoBudgetsShareARing_measured() public {
        Build.Policy memory p = payroll();
        p.budgets = two(
            Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day"),
            Build.measured(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day")
        );
        refusePolicy(p, BUDGET_AT + 67, "two budgets share a ring");
    }

    // ---------------------------------------------------------------- incomes

    function test_check_revert_income() public {
        address coin = address(sink); // has code
        refuseIncome(Build.income(coin, 1, 1, 1), 20, "no such budget");
        refuseIncome(Build.income(coin, 255, 1, 1), 20, "no such budget");
        refuseIncome(Build.income(address(0x1234), 0, 1, 1), 0, "asset has no code");
        refuseIncome(Build.income(usdc, 0, 1, 1), 0, "income of what is spent");
        refuseIncome(Build.income(coin, 0, 0, 1), 21, "income of nothing");
        refuseIncome(Build.income(coin, 0, 1, 0), 37, "no denominator");
        put(earning(Build.income(coin, 0, type(uint128).max, type(uint128).max)));
        put(earning(Build.income(address(0), 0, 1, 1))); // ether
    }

    function test_check_revert_incomesNotAscending(uint128 first, uint128 second) public {
        first = uint128(bound(first, 1, type(uint128).max));
        second = uint128(bound(second, 1, type(uint128).max));
        bytes memory incomes =
            abi.encodePacked(Build.income(address(sink), 0, first, 1), Build.income(address(sink), 0, second, 1));
        if (first < second) put(earning(incomes));
        else refuseIncome(incomes, 53, "incomes not ascending");
    }

    /// An income is for what its own rule charges, or for what is measured.
    function test_check_revert_incomeForNoCharge(bool measured) public {
        Build.Policy memory p = payroll();
        p.lists = new bytes[](0);
        p.budgets = one(
            measured
                ? Build.measured(0, usdc, EXPONENT, PERIOD, 1, 1, "day")
                : Build.budget(0, usdc, EXPONENT, PERIOD, 1, 1, "day")
        );
        bool sinkFirst = uint160(address(sink)) < uint160(usdc);
        Build.Rule memory earns =
            Build.rule(address(sink), F, 0, 1, "", "").earning(Build.income(address(0), 0, 1, 1));
        Build.Rule memory pays = Build.rule(usdc, TRANSFER, 2, 2, "", Build.charge(0, 0, 1));
        p.rules = sinkFirst ? two(earns, pays) : two(pays, earns);
        uint256 body = 100 + 67 + 64 + (sinkFirst ? 0 : 4);
        if (measured) put(p);
        else refusePolicy(p, body + 20, "income for no charge");
    }

    // ---------------------------------------------------------------- approvals

    function test_check_revert_approvalOfAnotherForm(bytes4 selector, uint8 words, bool dynamic) public {
        Build.Policy memory p = bare();
        p.budgets = one(Build.measured(0, usdc, EXPONENT, PERIOD, 1, 1, "day"));
        words = uint8(bound(words, 1, 4));
        Build.Rule memory r = Build.rule(usdc, selector, 4, words, "", "");
        p.rules = one(dynamic ? r.dynamic(Build.array(0, 1)) : r);
        if (selector != APPROVE || words != 2 || dynamic) refusePolicy(p, RULE_AT + 20, "approval of another form");
        r = Build.rule(usdc, APPROVE, 4, words, "", "");
        p.rules = one(dynamic ? r.dynamic(Build.array(0, 1)) : r);
        if (words != 2 || dynamic) refusePolicy(p, RULE_AT + 20, "approval of another form");
        else put(p);
    }

    function test_check_revert_approvalIsNotMeasured(bool measured) public {
        Build.Policy memory p = bare();
        p.budgets = one(
            measured
                ? Build.measured(0, address(0), 9, PERIOD, 1, 1, "another asset")
                : Build.budget(0, usdc, EXPONENT, PERIOD, 1, 1, "not measured")
        );
        p.rules = one(Build.rule(usdc, APPROVE, 4, 2, "", measured ? bytes("") : Build.charge(0, 0, 1)));
        refusePolicy(p, RULE_AT, "approval is not measured");
    }

    function test_check_revert_approvalWithoutTheFlag(uint8 flags) public {
        flags = flags & 2;
        Build.Policy memory p = bare();
        p.budgets = one(Build.measured(0, usdc, EXPONENT, PERIOD, 1, 1, "day"));
        p.rules = one(Build.rule(usdc, APPROVE, flags, 2, "", ""));
        refusePolicy(p, RULE_AT + 20, "outlives every budget");
        p.rules = one(Build.rule(usdc, APPROVE, flags | 4, 2, "", ""));
        put(p);
    }

    // ---------------------------------------------------------------- targets

    /// A treasury that can't be asked for its modules has none; one that answers strangely has all.
    function test_check_forbidden_module_of_a_treasury(uint256 answer, uint256 length) public {
        length = bound(length, 0, 64);
        bytes memory returned = abi.encodePacked(answer, answer);
        assembly {
            mstore(returned, length)
        }
        Build.Policy memory p = bare();
        p.rules = one(Build.rule(address(sink), F, 0, 1, "", ""));
        vm.mockCall(treasury, abi.encodeWithSignature("isModuleEnabled(address)", sink), returned);
        if (length >= 32 && answer != 0) refusePolicy(p, 100, "forbidden target");
        else put(p);
    }

    // ---------------------------------------------------------------- any byte

    /// Whatever byte of a policy that has everything is changed: it is refused, or what is stored is exactly what was
    /// given.
    function test_check_any_byte_of_everything_changed(uint256 position, uint8 value) public {
        bytes memory code_ = rich();
        putCode(code_);
        position = bound(position, 0, code_.length - 1);
        code_[position] = bytes1(value);
        setAnyhow(code_);
    }

    /// Whole words, where they hurt most: counts and places.
    function test_check_any_word_of_everything_changed(uint256 position, uint256 value) public {
        bytes memory code_ = rich();
        position = bound(position, 97, code_.length - 32);
        for (uint256 i; i < 32; ++i) {
            code_[position + i] = bytes1(uint8(value >> (8 * i)));
        }
        setAnyhow(code_);
    }

    function test_check_any_length_of_everything(uint256 length) public {
        bytes memory code_ = rich();
        length = bound(length, 0, code_.length - 1);
        assembly {
            mstore(code_, length)
        }
        vm.prank(owner);
        vm.expectPartialRevert(IPolicyModule.BadPolicy.selector);
        module.setPolicy(ID, code_);
    }

    function test_check_random_bytes(bytes memory code_) public {
        if (code_.length != 0) code_[0] = 0x02;
        vm.prank(owner);
        vm.expectPartialRevert(IPolicyModule.BadPolicy.selector);
        module.setPolicy(ID, code_);
    }

    // ---------------------------------------------------------------- small things

    function setAnyhow(bytes memory code_) private {
        (address before,,,,) = module.policyState(ID);
        bytes32 old = before.codehash;
        vm.prank(owner);
        try module.setPolicy(ID, code_) {
            (address pointer, uint16 version,,,) = module.policyState(ID);
            require(keccak256(pointer.code) == keccak256(abi.encodePacked(hex"00", code_)), "stored as given");
            require(version != 0 && pointer != before, "another version");
        } catch (bytes memory reason) {
            require(bytes4(reason) == IPolicyModule.BadPolicy.selector, "refused by name");
            (address pointer,,,,) = module.policyState(ID);
            require(pointer.codehash == old, "nothing changed");
        }
    }

    /// No budgets and no lists: what is under test is one rule, at 100, with its body at 132.
    function bare() private view returns (Build.Policy memory p) {
        p = payroll();
        p.budgets = new bytes[](0);
        p.lists = new bytes[](0);
    }

    /// One rule that charges the day's USDC and demands incomes for it; they lie at BODY_AT + 4.
    function earning(bytes memory incomes) private view returns (Build.Policy memory p) {
        p = payroll();
        p.lists = new bytes[](0);
        p.rules = one(Build.rule(address(sink), F, 0, 1, "", Build.charge(0, 0, 0)).earning(incomes));
    }

    function refuseIncome(bytes memory incomes, uint256 offset, bytes32 problem) private {
        refusePolicy(earning(incomes), BODY_AT + 4 + offset, problem);
    }

    /// Everything that format 2 knows.
    function rich() private view returns (bytes memory) {
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](3);
        p.budgets[0] = Build.measured(0, address(0), 11, PERIOD, 1e8, 1e8, "ether");
        p.budgets[1] = Build.budget(1, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "agent's");
        p.budgets[2] = Build.measured(2, usdc, EXPONENT, 30 days, INSTANT, LIMIT, "the DAO's");
        p.lists = two(Build.list(people), Build.list(people));
        Build.Rule[] memory r = new Build.Rule[](2);
        r[0] = Build.rule(usdc, APPROVE, 6, 2, Build.clause(0, EQUAL, uint160(address(sink))), "");
        r[1] = payRule();
        r[1].charges = abi.encodePacked(Build.charge(1, 0, 1), Build.charge(2, 0, 1));
        Build.Rule[] memory s = new Build.Rule[](2);
        s[0] = Build.rule(
            address(sink),
            F,
            0,
            4,
            abi.encodePacked(
                Build.clause(1, 0, IN_LIST, 1),
                Build.clause(1, 1, CAP, 8),
                Build.clause(2, 1, AT_MOST, MOST),
                Build.clause(3, 1, EQUAL, 5)
            ),
            abi.encodePacked(Build.charge(0, 1, 0), Build.charge(2, 0, 2, 1))
        ).dynamic(abi.encodePacked(Build.array(1, 1), Build.array(2, 2), Build.array(3, 0))).earning(
            abi.encodePacked(Build.income(address(0), 2, 5, 7), Build.income(votes, 0, 1, 1))
        );
        s[1] = Build.rule(address(sink), F, 2, 2, Build.clause(0, NOT_EQUAL, 1), Build.charge(0, 1, 0));
        bool sinkFirst = uint160(address(sink)) < uint160(usdc);
        p.rules = new Build.Rule[](4);
        for (uint256 i; i < 2; ++i) {
            p.rules[i] = sinkFirst ? s[i] : r[i];
            p.rules[i + 2] = sinkFirst ? r[i] : s[i];
        }
        return p.encode();
    }
}
