// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";
import {Sink} from "./support/Targets.sol";

interface IChecker {
    function check(IPolicyModule module, bytes calldata code) external view;
}

/// @notice Each bound of the policy checker on both sides, and each refusal with the exact place and name that it
/// gives, on the first part of its kind and on a later one. PolicyChecker.t.sol and SetPolicy.t.sol draw their values;
/// these are written out (docs/assurance.md, "Mutation").
contract PolicyCheckerEdgesTest is Base {
    using Build for Build.Policy;
    using Build for Build.Rule;

    bytes4 private constant F = 0xf0f0f0f0;
    bytes4 private constant APPROVE = 0x095ea7b3;

    // Where the parts of `full()` lie: three budgets, three heads, two lists, three bodies.
    uint256 private constant BUDGETS = 100;
    uint256 private constant HEADS = 301;
    uint256 private constant LISTS = 397;
    uint256 private constant SECOND_LIST = 463;
    uint256 private constant BODY = 497;
    uint256 private constant CLAUSES = 501;
    uint256 private constant CHARGES = 571;
    uint256 private constant INCOMES = 579;
    uint256 private constant SECOND_BODY = 685;
    uint256 private constant THIRD_BODY = 724;
    uint256 private constant END = 728;

    IChecker private checker;
    Sink private sink;
    bytes private whole;

    function setUp() public override {
        super.setUp();
        checker = IChecker(module.checker());
        sink = new Sink();
        whole = full().encode();
        equal(whole.length, END, "length");
        taken(whole);
    }

    /// Every kind of part at least twice. The rules are all of one target, so their order is that of their selectors.
    function full() private view returns (Build.Policy memory p) {
        p = payroll();
        p.budgets = new bytes[](3);
        for (uint8 i; i < 3; ++i) {
            p.budgets[i] = Build.budget(i, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day");
        }
        uint256[] memory pair = new uint256[](2);
        (pair[0], pair[1]) = (1, 2);
        uint256[] memory single = new uint256[](1);
        single[0] = 1; // not above the first list's last: the order is within a list
        p.lists = two(Build.list(pair), Build.list(single));
        p.rules = new Build.Rule[](3);
        p.rules[0] = Build.rule(
            address(sink),
            F,
            0,
            3,
            abi.encodePacked(Build.clause(0, IN_LIST, 1), Build.clause(1, 1, AT_MOST, 9)),
            abi.encodePacked(Build.charge(0, 0, 0), Build.charge(1, 0, 1, 1))
        ).dynamic(abi.encodePacked(Build.array(1, 2), Build.array(2, 0))).earning(
            abi.encodePacked(Build.income(address(0), 0, 1, 1), Build.income(address(sink), 1, 2, 3))
        );
        p.rules[1] = Build.rule(address(sink), selector(1), 0, 1, Build.clause(0, EQUAL, 7), Build.charge(1, 0, 0));
        p.rules[2] = Build.rule(address(sink), selector(2), 0, 1, "", Build.charge(2, 0, 0));
    }

    /// One rule, at 100, with its body at 132; no budgets and no lists.
    function bare(Build.Rule memory rule) private view returns (bytes memory) {
        Build.Policy memory p = payroll();
        (p.budgets, p.lists, p.rules) = (new bytes[](0), new bytes[](0), one(rule));
        return p.encode();
    }

    function selector(uint32 i) private pure returns (bytes4) {
        return bytes4(uint32(F) + i);
    }

    function taken(bytes memory code_) private view {
        checker.check(module, code_);
    }

    function refused(bytes memory code_, uint256 offset, bytes32 problem) private {
        vm.expectRevert(abi.encodeWithSelector(IPolicyModule.BadPolicy.selector, offset, problem));
        checker.check(module, code_);
    }

    /// `whole` with other bytes at a place.
    function with(uint256 place, bytes memory bytes_) private view returns (bytes memory code_) {
        code_ = whole;
        for (uint256 i; i < bytes_.length; ++i) {
            code_[place + i] = bytes_[i];
        }
    }

    function with(uint256 place, uint256 value) private view returns (bytes memory) {
        return with(place, abi.encodePacked(uint8(value)));
    }

    // ---------------------------------------------------------------- length

    /// Wherever the code is cut off, it is named what is missing first, at the place where the code ends.
    function test_cut_off_at_the_edges_of_every_part() public {
        uint256[13] memory ends = [
            BUDGETS,
            167,
            234,
            HEADS,
            333,
            365,
            LISTS,
            LISTS + 2,
            SECOND_LIST,
            SECOND_LIST + 2,
            BODY,
            SECOND_BODY,
            THIRD_BODY
        ];
        cut(0);
        cut(1);
        for (uint256 i; i < ends.length; ++i) {
            cut(ends[i] - 1);
            cut(ends[i]);
            cut(ends[i] + 1);
        }
        cut(END - 1);
        refused(abi.encodePacked(whole, uint8(0)), END, "bytes left over");
    }

    function cut(uint256 length) private {
        bytes memory code_ = whole;
        assembly {
            mstore(code_, length)
        }
        bytes32 problem = "rule cut off"; // its head or its body
        if (length < BUDGETS) problem = "header cut off";
        else if (length < HEADS) problem = "budget cut off";
        else if (length >= LISTS && length < BODY) problem = "list cut off";
        refused(code_, length, problem);
    }

    function test_longest() public {
        refused(new bytes(24_576), 24_575, "too long");
        bytes memory code_ = new bytes(24_575);
        refused(code_, 0, "unknown format");
    }

    // ---------------------------------------------------------------- header

    function test_header() public {
        refused(with(0, 1), 0, "unknown format");
        refused(with(0, 3), 0, "unknown format");
        refused(with(1, abi.encodePacked(address(0))), 1, "no agent");
        refused(with(21, abi.encodePacked(address(0))), 21, "no operator");
        taken(with(1, abi.encodePacked(address(1))));
        taken(with(21, abi.encodePacked(address(1))));
        refused(with(63, abi.encodePacked(uint16(0))), 63, "threshold not 1 to 10000 bps");
        taken(with(63, abi.encodePacked(uint16(1))));
        taken(with(63, abi.encodePacked(uint16(10_000))));
        refused(with(63, abi.encodePacked(uint16(10_001))), 63, "threshold not 1 to 10000 bps");
        refused(with(99, 0), 99, "no rules");
    }

    /// The end is after the start, a whole hour (even and odd ones), and one that 32 bits hold.
    function test_header_times() public {
        uint256 last = type(uint32).max / 3600 * 3600;
        for (uint256 hour = last / 3600 - 1; hour <= last / 3600; ++hour) {
            uint40 end = uint40(3600 * hour);
            taken(with(41, abi.encodePacked(end - 1, end)));
            refused(with(41, abi.encodePacked(end, end)), 46, "end is not after start");
            refused(with(41, abi.encodePacked(end - 1, end + 1)), 46, "end is not a whole hour");
            refused(with(41, abi.encodePacked(end - 2, end - 1)), 46, "end is not a whole hour");
        }
        refused(with(46, abi.encodePacked(uint40(last + 3600))), 46, "end too late");
    }

    // ---------------------------------------------------------------- budgets

    function test_budget() public {
        for (uint256 i; i < 3; ++i) {
            uint256 place = BUDGETS + 67 * i;
            if (i == 2) refused(with(place, 3), place, "unknown scope");
            refused(with(place + 21, 69), place + 21, "unit too large");
            taken(with(place + 21, 68));
            refused(with(place + 22, 2), place + 22, "unknown budget flag");
            taken(with(place + 22, 1));
            refused(with(place + 23, abi.encodePacked(uint32(6))), place + 23, "period too short");
            taken(with(place + 23, abi.encodePacked(uint32(7))));
            refused(with(place + 31, abi.encodePacked(uint32(0))), place + 31, "limit not 1 to 2^28 - 1");
            refused(with(place + 31, abi.encodePacked(uint32(2 ** 28))), place + 31, "limit not 1 to 2^28 - 1");
            taken(with(place + 27, abi.encodePacked(uint32(2 ** 28 - 1), uint32(2 ** 28 - 1))));
            taken(with(place + 27, abi.encodePacked(uint32(0), uint32(1))));
            taken(with(place + 27, abi.encodePacked(LIMIT)));
            refused(with(place + 27, abi.encodePacked(LIMIT + 1)), place + 27, "instant limit above limit");
            // What is measured must be ether, or something that can be asked.
            bytes memory nothing = abi.encodePacked(uint8(i), address(0x1234), EXPONENT);
            taken(with(place, nothing));
            refused(with(place, abi.encodePacked(nothing, uint8(1))), place + 1, "asset has no code");
        }
    }

    /// An act that may not be done at once needs a time to object and a time to release; one that may needs neither.
    function test_budget_needs_an_objection_window_only_below_its_limit() public {
        refused(with(55, abi.encodePacked(uint32(0))), 55, "no objection delay");
        taken(with(55, abi.encodePacked(uint32(1))));
        refused(with(59, abi.encodePacked(uint32(0))), 59, "no release window");
        taken(with(59, abi.encodePacked(uint32(1))));
        bytes memory code_ = with(55, new bytes(8));
        for (uint256 i; i < 3; ++i) {
            bytes memory instant = abi.encodePacked(LIMIT);
            for (uint256 j; j < 4; ++j) {
                code_[BUDGETS + 67 * i + 27 + j] = instant[j];
            }
        }
        taken(code_);
    }

    function test_budget_name() public {
        for (uint256 i; i < 3; ++i) {
            uint256 place = BUDGETS + 67 * i + 35;
            for (uint256 j; j < 32; j += 31) {
                // 32 letters, of which one is at the edge.
                for (uint256 k; k < 4; ++k) {
                    bytes memory name = "abcdefghijklmnopqrstuvwxyz{|}~ !";
                    name[j] = [bytes1(0x1f), 0x20, 0x7e, 0x7f][k];
                    if (k == 0 || k == 3) refused(with(place, name), place, "name not printable ASCII");
                    else taken(with(place, name));
                }
            }
            refused(with(place + 1, 0), place, "name not printable ASCII"); // d, nothing, y
            refused(with(place + 31, 0x20), place, "name not printable ASCII");
            taken(with(place + 2, 0));
            taken(with(place, new bytes(3))); // a name of nothing
        }
    }

    function test_budgets_ascending() public {
        for (uint256 i; i < 2; ++i) {
            uint256 place = BUDGETS + 67 * i;
            bytes memory same = abi.encodePacked(uint8(i)); // the scope of the one before
            refused(with(place + 67, same), place + 67, "budgets not ascending");
            bytes memory code_ = with(place + 67, same);
            (code_[place + 35 + 3], code_[place + 67 + 35 + 3]) = ("b", "a");
            refused(code_, place + 67, "budgets not ascending");
            (code_[place + 35 + 3], code_[place + 67 + 35 + 3]) = ("a", "b");
            taken(code_);
        }
        refused(with(BUDGETS + 67, 2), BUDGETS + 134, "budgets not ascending");
    }

    /// All 67 bytes are compared, the last one too, and nothing behind them.
    function test_budgets_ascending_to_the_last_letter() public {
        bytes memory name = "abcdefghijklmnopqrstuvwxyz{|}~ !";
        bytes memory later = "abcdefghijklmnopqrstuvwxyz{|}~ \"";
        pairOf(budget(EXPONENT, 7, name), budget(EXPONENT, 7, later), "");
        pairOf(budget(EXPONENT, 7, later), budget(EXPONENT, 7, name), "budgets not ascending");
        pairOf(budget(EXPONENT, 7, name), budget(EXPONENT, 7, name), "budgets not ascending");
    }

    /// Scope, asset, exponent, name and segment make the ring; the limits and whether it is measured do not.
    function test_budgets_share_a_ring() public {
        bytes memory first = budget(EXPONENT, 8, "day");
        bytes32 shared = "two budgets share a ring";
        pairOf(first, budget(EXPONENT, 9, "day"), shared);
        pairOf(first, budget(EXPONENT, 14, "day"), shared);
        pairOf(first, budget(EXPONENT, 15, "day"), "");
        pairOf(first, budget(EXPONENT, 9, "dax"), "");
        pairOf(first, budget(EXPONENT + 1, 8, "day"), "");
        pairOf(first, Build.budget(0, usdc, EXPONENT, 8, INSTANT, LIMIT + 1, "day"), shared);
        pairOf(first, Build.measured(0, usdc, EXPONENT, 8, INSTANT, LIMIT, "day"), shared);
        pairOf(first, Build.budget(1, usdc, EXPONENT, 8, INSTANT, LIMIT, "day"), "");
        pairOf(Build.budget(0, address(0), EXPONENT, 8, INSTANT, LIMIT, "day"), first, "");
    }

    /// Any two of them, not only neighbours.
    function test_budgets_share_a_ring_apart() public {
        bytes[3] memory parts = [budget(EXPONENT, 8, "a"), budget(EXPONENT, 9, "b"), budget(EXPONENT, 10, "a")];
        refused(charging(parts), BUDGETS + 134, "two budgets share a ring");
        parts[2] = budget(EXPONENT, 10, "b");
        refused(charging(parts), BUDGETS + 134, "two budgets share a ring");
        parts[2] = budget(EXPONENT, 10, "c");
        taken(charging(parts));
        parts[1] = budget(EXPONENT, 9, "a");
        refused(charging(parts), BUDGETS + 67, "two budgets share a ring");
    }

    function budget(uint8 exponent, uint32 period, bytes memory name) private view returns (bytes memory) {
        return Build.budget(0, usdc, exponent, period, INSTANT, LIMIT, bytes32(name));
    }

    function pairOf(bytes memory first, bytes memory second, bytes32 problem) private {
        Build.Policy memory p = payroll();
        p.lists = new bytes[](0);
        p.budgets = two(first, second);
        bytes memory charges = abi.encodePacked(Build.charge(0, 0, 0), Build.charge(1, 0, 0));
        p.rules = one(Build.rule(address(sink), F, 0, 1, "", charges));
        if (problem == 0) taken(p.encode());
        else refused(p.encode(), BUDGETS + 67, problem);
    }

    function charging(bytes[3] memory parts) private view returns (bytes memory) {
        Build.Policy memory p = payroll();
        p.lists = new bytes[](0);
        p.budgets = new bytes[](3);
        bytes memory charges;
        for (uint8 i; i < 3; ++i) {
            p.budgets[i] = parts[i];
            charges = abi.encodePacked(charges, Build.charge(i, 0, 0));
        }
        p.rules = one(Build.rule(address(sink), F, 0, 1, "", charges));
        return p.encode();
    }

    /// A budget must be charged by some rule, or measured.
    function test_budgets_charged() public {
        for (uint8 i; i < 3; ++i) {
            Build.Policy memory p = payroll();
            p.lists = new bytes[](0);
            p.budgets = new bytes[](3);
            Build.Rule[] memory rules = new Build.Rule[](2);
            for (uint8 j; j < 3; ++j) {
                p.budgets[j] = Build.budget(j, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day");
            }
            // The other two, by a rule each.
            rules[0] = Build.rule(address(sink), F, 0, 1, "", Build.charge(i == 0 ? 1 : 0, 0, 0));
            rules[1] = Build.rule(address(sink), selector(1), 0, 1, "", Build.charge(i == 2 ? 1 : 2, 0, 0));
            p.rules = rules;
            refused(p.encode(), BUDGETS + 67 * uint256(i), "budget never charged");
            p.budgets[i] = Build.measured(i, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day");
            taken(p.encode());
        }
    }

    // ---------------------------------------------------------------- heads

    function test_heads() public {
        for (uint256 i; i < 3; ++i) {
            uint256 place = HEADS + 32 * i;
            refused(with(place + 24, 8), place + 24, "unknown flag");
            taken(with(place + 24, 2));
            refused(with(place + 24, 1), place + 20, "selector given for none");
            refused(with(place + 24, 3), place + 20, "selector given for none");
            refused(with(place + 25, 33), place + 25, "too many arguments");
            taken(with(place + 25, 32));
            refused(with(place + 26, uint8(whole[place + 25]) + 1), place + 26, "too many dynamic arguments");
            refused(with(place + 24, 4), place + 20, "approval of another form");
            refused(with(place + 30, uint8(whole[place + 30]) + 1), place + 30, "body lies elsewhere");
            refused(with(place + 31, uint8(whole[place + 31]) + 1), place + 30, "body lies elsewhere");
            refused(with(place + 31, uint8(whole[place + 31]) - 1), place + 30, "body lies elsewhere");
        }
        Build.Rule memory rule = Build.rule(address(sink), F, 0, 2, "", "");
        taken(bare(rule.dynamic(abi.encodePacked(Build.array(0, 0), Build.array(1, 1)))));
    }

    function test_heads_without_selector() public {
        taken(bare(Build.rule(address(sink), 0, 1, 0, "", "")));
        taken(bare(Build.rule(address(sink), 0, 3, 0, "", "")));
        refused(bare(Build.rule(address(sink), 0x00000001, 1, 0, "", "")), 120, "selector given for none");
        refused(bare(Build.rule(address(sink), 0, 1, 1, "", "")), 125, "arguments without selector");
        refused(bare(Build.rule(address(sink), APPROVE, 5, 0, "", "")), 120, "selector given for none");
        refused(bare(Build.rule(address(sink), 0, 5, 0, "", "")), 120, "approval of another form");
    }

    /// Rules of one target and selector may follow each other: they are alternatives.
    function test_heads_ascending() public {
        taken(with(HEADS + 32 + 23, uint8(bytes1(whole[HEADS + 23]))));
        refused(with(HEADS + 32 + 23, uint8(whole[HEADS + 23]) - 1), HEADS + 32, "rules not ascending");
        refused(with(HEADS + 64 + 23, uint8(whole[HEADS + 32 + 23]) - 1), HEADS + 64, "rules not ascending");
        bytes memory code_ = with(HEADS + 32 + 23, uint8(whole[HEADS + 64 + 23]));
        taken(code_);
        code_[HEADS + 32 + 23] = bytes1(uint8(code_[HEADS + 32 + 23]) + 1);
        refused(code_, HEADS + 64, "rules not ascending");
    }

    // ---------------------------------------------------------------- approvals

    function test_approval_of_exactly_one_form() public {
        approves(APPROVE, 2, "", "");
        approves(APPROVE, 1, "", "approval of another form");
        approves(APPROVE, 3, "", "approval of another form");
        approves(APPROVE, 2, Build.array(1, 1), "approval of another form");
        approves(bytes4(uint32(APPROVE) + 1), 2, "", "approval of another form");
        approves(bytes4(uint32(APPROVE) - 1), 2, "", "approval of another form");
    }

    function approves(bytes4 selector_, uint8 words, bytes memory dynamics, bytes32 problem) private {
        for (uint8 flags = 4; flags < 8; flags += 2) {
            Build.Policy memory p = payroll();
            p.lists = new bytes[](0);
            p.budgets = one(Build.measured(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day"));
            p.rules = one(Build.rule(usdc, selector_, flags, words, "", "").dynamic(dynamics));
            if (problem == 0) taken(p.encode());
            else refused(p.encode(), 187, problem);
        }
    }

    /// What is approved must be measured: by any of the budgets, but a measured one, of that asset.
    function test_approval_is_measured_by_any_budget() public {
        bytes memory yes = Build.measured(1, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day");
        bytes memory ether_ = Build.measured(0, address(0), EXPONENT, PERIOD, INSTANT, LIMIT, "day");
        bytes memory plain = Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day");
        bytes memory last = Build.measured(2, address(0), EXPONENT, PERIOD, INSTANT, LIMIT, "day");
        approving(one(yes), true);
        approving(two(ether_, yes), true);
        approving(two(yes, last), true);
        approving(two(plain, last), false);
        approving(two(ether_, last), false);
        approving(one(plain), false);
        approving(new bytes[](0), false);
    }

    function approving(bytes[] memory budgets, bool isMeasured) private {
        Build.Policy memory p = payroll();
        p.lists = new bytes[](0);
        p.budgets = budgets;
        Build.Rule memory rule = Build.rule(usdc, APPROVE, 4, 2, "", "");
        bool charges = budgets.length != 0 && budgets[0][22] == 0;
        p.rules = one(Build.rule(usdc, APPROVE, 4, 2, "", charges ? Build.charge(0, 0, 1) : rule.charges));
        if (isMeasured) taken(p.encode());
        else refused(p.encode(), 100 + 67 * budgets.length, "approval is not measured");
    }

    // ---------------------------------------------------------------- lists

    function test_lists() public {
        refused(with(LISTS, new bytes(2)), LISTS, "empty list");
        refused(with(SECOND_LIST, new bytes(2)), SECOND_LIST, "empty list");
        refused(with(LISTS + 2 + 63, 1), LISTS + 34, "list not ascending");
        refused(with(LISTS + 2 + 63, 0), LISTS + 34, "list not ascending");
        taken(with(LISTS + 2 + 31, 0));
        taken(with(SECOND_LIST + 2 + 31, 0));
        Build.Policy memory p = payroll();
        uint256[] memory words = new uint256[](3);
        (words[0], words[1], words[2]) = (1, 2, 2);
        p.lists = one(Build.list(words));
        refused(p.encode(), 199 + 2 + 64, "list not ascending");
        words[2] = 3;
        p.lists = one(Build.list(words));
        taken(p.encode());
    }

    // ---------------------------------------------------------------- dynamic arguments and places

    function test_dynamics() public {
        refused(with(BODY, 3), BODY, "no such argument");
        refused(with(BODY + 2, 3), BODY + 2, "no such argument");
        refused(with(BODY + 2, 1), BODY + 2, "dynamic arguments not ascending");
        refused(with(BODY + 2, 0), BODY + 2, "dynamic arguments not ascending");
        // One that begins with word 0 has none before it.
        taken(bare(Build.rule(address(sink), F, 0, 1, "", "").dynamic(Build.array(0, 0))));
    }

    function test_clauses() public {
        uint256 second = CLAUSES + 35;
        refused(with(CLAUSES, 3), CLAUSES, "no such argument");
        refused(with(second, 3), second, "no such argument");
        refused(with(CLAUSES + 1, 1), CLAUSES + 1, "no such column");
        refused(with(second + 1, 3), second + 1, "no such column");
        taken(with(second + 1, 2)); // how many there are
        refused(with(second + 2, 0), second + 2, "unknown clause");
        refused(with(second + 2, 7), second + 2, "unknown clause");
        taken(with(second + 2, CAP));
        refused(with(CLAUSES + 2, 0), CLAUSES + 2, "unknown clause");
        taken(with(CLAUSES + 34, 0));
        refused(with(CLAUSES + 34, 2), CLAUSES + 3, "no such list");
        refused(with(second + 2, abi.encodePacked(IN_LIST, uint256(2))), second + 3, "no such list");
        taken(with(second + 2, abi.encodePacked(IN_LIST, uint256(1))));
        // Bytes: their length is a number to be capped, their hash is not.
        taken(with(second, abi.encodePacked(uint8(2), uint8(0), CAP)));
        taken(with(second, abi.encodePacked(uint8(2), uint8(1), EQUAL)));
        refused(with(second, abi.encodePacked(uint8(2), uint8(1), CAP)), second + 2, "cap on a hash");
        refused(with(second, abi.encodePacked(uint8(2), uint8(2), EQUAL)), second + 1, "no such column");
        refused(with(SECOND_BODY, 1), SECOND_BODY, "no such argument");
    }

    /// All 35 bytes are compared, the operand's last one too, and nothing behind them.
    function test_clauses_ascending() public {
        clauses(Build.clause(0, AT_MOST, 4), Build.clause(0, AT_MOST, 5), Build.clause(1, AT_MOST, 4), 0);
        clauses(Build.clause(0, AT_MOST, 5), Build.clause(0, AT_MOST, 4), Build.clause(1, AT_MOST, 6), 167);
        clauses(Build.clause(0, AT_MOST, 5), Build.clause(0, AT_MOST, 5), Build.clause(1, AT_MOST, 6), 167);
        clauses(Build.clause(0, AT_MOST, 5), Build.clause(1, AT_MOST, 4), Build.clause(1, AT_MOST, 4), 202);
        clauses(Build.clause(0, AT_LEAST, 5), Build.clause(0, AT_MOST, 6), Build.clause(1, AT_MOST, 4), 167);
    }

    function clauses(bytes memory first, bytes memory second, bytes memory third, uint256 wrong) private {
        Build.Rule memory rule = Build.rule(address(sink), F, 0, 2, "", "");
        rule.clauses = abi.encodePacked(first, second, third);
        if (wrong == 0) taken(bare(rule));
        else refused(bare(rule), wrong, "clauses not ascending");
    }

    function test_charges() public {
        for (uint256 i; i < 2; ++i) {
            uint256 place = CHARGES + 4 * i;
            refused(with(place, 3), place, "no such budget");
            refused(with(place + 1, 2), place + 1, "unknown source");
            refused(with(place + 2, 3), place, "no such argument");
        }
        refused(with(CHARGES + 3, 1), CHARGES + 1, "no such column");
        refused(with(CHARGES + 7, 3), CHARGES + 5, "no such column");
        taken(with(CHARGES + 7, 0));
        // How many there are, how many bytes, and their hash.
        refused(with(CHARGES + 7, 2), CHARGES + 7, "charge of no amounts");
        refused(with(CHARGES + 6, abi.encodePacked(uint8(2), uint8(0))), CHARGES + 7, "charge of no amounts");
        refused(with(CHARGES + 6, abi.encodePacked(uint8(2), uint8(1))), CHARGES + 7, "charge of no amounts");
        refused(with(CHARGES + 4, 0), CHARGES + 4, "charges not ascending");
        refused(with(CHARGES, 1), CHARGES + 4, "charges not ascending");
        refused(with(CHARGES, 2), CHARGES + 4, "charges not ascending");
        refused(with(SECOND_BODY + 35, 3), SECOND_BODY + 35, "no such budget");
        refused(with(THIRD_BODY, 3), THIRD_BODY, "no such budget");
    }

    /// The value that a call sends is ether's, wherever its budget stands, and has no word and no column.
    function test_charges_of_value() public {
        bytes32 other = "value charges another asset";
        for (uint8 i; i < 2; ++i) {
            Build.Policy memory p = payroll();
            p.lists = new bytes[](0);
            bytes memory ether_ = Build.budget(i, address(0), EXPONENT, PERIOD, INSTANT, LIMIT, "ether");
            bytes memory coin = Build.measured(1 - i, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "coin");
            p.budgets = i == 0 ? two(ether_, coin) : two(coin, ether_);
            Build.Rule memory rule = Build.rule(address(sink), F, 0, 2, "", "");
            rule.charges = Build.charge(i, 1, 0, 0);
            p.rules = one(rule);
            taken(p.encode());
            rule.charges = Build.charge(i, 1, 1, 0);
            p.rules = one(rule);
            refused(p.encode(), 100 + 134 + 32 + 2, "argument of value");
            rule.charges = Build.charge(i, 1, 0, 1);
            p.rules = one(rule);
            refused(p.encode(), 100 + 134 + 32 + 2, "argument of value");
            rule.charges = Build.charge(1 - i, 1, 0, 0);
            p.rules = one(rule);
            refused(p.encode(), 100 + 134 + 32, other);
        }
    }

    function test_incomes() public {
        for (uint256 i; i < 2; ++i) {
            uint256 place = INCOMES + 53 * i;
            refused(with(place + 20, 3), place + 20, "no such budget");
            refused(with(place + 20, 2), place + 20, "income for no charge"); // its own rule does not charge it
            refused(with(place, abi.encodePacked(address(0x1234))), place, "asset has no code");
            refused(with(place, abi.encodePacked(usdc)), place, "income of what is spent");
            refused(with(place + 21, abi.encodePacked(uint128(0))), place + 21, "income of nothing");
            refused(with(place + 37, abi.encodePacked(uint128(0))), place + 37, "no denominator");
        }
        taken(with(INCOMES + 20, 1));
        bytes memory code_ = with(BUDGETS + 134 + 22, 1);
        code_[INCOMES + 20] = bytes1(uint8(2));
        taken(code_); // measured
    }

    /// All 53 bytes are compared, the last one too, and nothing behind them.
    function test_incomes_ascending() public {
        bytes32 problem = "incomes not ascending";
        earns(Build.income(address(0), 0, 1, 4), Build.income(address(0), 0, 1, 5), "");
        earns(Build.income(address(0), 0, 1, 5), Build.income(address(0), 0, 1, 4), problem);
        earns(Build.income(address(0), 0, 1, 5), Build.income(address(0), 0, 1, 5), problem);
        earns(Build.income(address(0), 0, 2, 5), Build.income(address(0), 0, 1, 6), problem);
        earns(Build.income(address(sink), 0, 1, 5), Build.income(address(0), 0, 1, 6), problem);
    }

    function earns(bytes memory first, bytes memory second, bytes32 problem) private {
        Build.Policy memory p = payroll();
        p.lists = new bytes[](0);
        bytes memory last = Build.income(address(sink), 0, 9, 9);
        Build.Rule memory rule = Build.rule(address(sink), F, 0, 1, "", Build.charge(0, 0, 0));
        p.rules = one(rule.earning(abi.encodePacked(first, second, last)));
        if (problem == 0) taken(p.encode());
        else refused(p.encode(), 199 + 4 + 53, problem);
    }

    // ---------------------------------------------------------------- targets

    /// Of each rule, with a selector and without, that names what no policy may: where its head lies.
    function test_forbidden_targets() public {
        address other = address(new Sink());
        vm.prank(owner);
        (bool done,) = treasury.call(abi.encodeWithSignature("enableModule(address)", other));
        require(done);
        vm.etch(owner, hex"00");
        vm.etch(governor, hex"00");
        address[6] memory targets = [address(module), address(checker), treasury, owner, governor, other];
        for (uint256 i; i < 6; ++i) {
            refused(bare(Build.rule(targets[i], F, 0, 0, "", "")), 100, "forbidden target");
            refused(bare(Build.rule(targets[i], 0, 1, 0, "", "")), 100, "forbidden target");
            refused(bare(Build.rule(targets[i], TRANSFER, 0, 0, "", "")), 100, "forbidden target");
        }
        // At every place in the table of rules.
        for (uint160 i; i < 3; ++i) {
            Build.Policy memory p = payroll();
            (p.budgets, p.lists, p.rules) = (new bytes[](0), new bytes[](0), new Build.Rule[](3));
            for (uint160 j; j < 3; ++j) {
                p.rules[j] = Build.rule(address(uint160(other) + j - i), 0, 1, 0, "", "");
            }
            refused(p.encode(), 100 + 32 * uint256(i), "forbidden target");
        }
    }

    function test_votes_token() public {
        bytes32 problem = "votes token: only transfer";
        taken(bare(Build.rule(votes, TRANSFER, 0, 2, "", "")));
        refused(bare(Build.rule(votes, bytes4(uint32(TRANSFER) + 1), 0, 2, "", "")), 100, problem);
        refused(bare(Build.rule(votes, 0, 1, 0, "", "")), 100, problem);
        taken(bare(Build.rule(address(sink), bytes4(uint32(TRANSFER) + 1), 0, 2, "", "")));
    }

    /// A target with a selector is a contract: not nothing, and no account with a key that runs a contract's code.
    function test_target_code() public {
        address target = address(0x7702);
        bytes memory rule = bare(Build.rule(target, F, 0, 0, "", ""));
        refused(rule, 100, "target has no code");
        taken(bare(Build.rule(target, 0, 1, 0, "", ""))); // ether may go anywhere
        vm.etch(target, hex"00");
        taken(rule);
        vm.etch(target, abi.encodePacked(hex"ef0100", address(sink)));
        refused(rule, 100, "target has no code");
        vm.etch(target, abi.encodePacked(hex"5f0100", address(sink)));
        taken(rule); // 23 bytes, but of a contract
        vm.etch(target, abi.encodePacked(hex"5f0100", address(sink), hex"00"));
        taken(rule);
    }

    /// Every function whose effect outlives an act is refused by its name, and so is none beside it.
    function test_standing_effects() public {
        string[32] memory known = [
            "approve(address,uint256)",
            "increaseAllowance(address,uint256)",
            "increaseApproval(address,uint256)",
            "approve(address,uint256,uint256)",
            "approve(uint256,address,uint256)",
            "approve(address,address,uint160,uint48)",
            "approveAndCall(address,uint256)",
            "approveAndCall(address,uint256,bytes)",
            "temporaryApprove(address,uint256)",
            "approveDelegation(address,uint256)",
            "setApprovalForAll(address,bool)",
            "setOperator(address,bool)",
            "setOperator(address,uint48)",
            "setOperator(bytes19,address,uint256)",
            "setAccountOperator(address,address,bool)",
            "setOperators((address,bool)[])",
            "setRelayerApproval(address,address,bool)",
            "authorizeOperator(address)",
            "authorizeOperatorByPartition(bytes32,address)",
            "allow(address,bool)",
            "hope(address)",
            "cdpAllow(uint256,address,uint256)",
            "setAuthorization(address,bool)",
            "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
            "permit(address,address,uint256,uint256,bytes)",
            "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)",
            "approveHash(bytes32)",
            "setPreSignature(bytes,bool)",
            "registerAllowedOrderSigner(address,bool)",
            "signMessage(bytes)",
            "delegate(address)",
            "delegateBySig(address,uint256,uint256,uint8,bytes32,bytes32)"
        ];
        for (uint256 i; i < known.length; ++i) {
            bytes4 selector_ = bytes4(keccak256(bytes(known[i])));
            refused(bare(Build.rule(address(sink), selector_, 0, 0, "", "")), 120, "outlives every budget");
            taken(bare(Build.rule(address(sink), bytes4(uint32(selector_) + 1), 0, 0, "", "")));
        }
    }
}
