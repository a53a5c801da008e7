// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";

contract SetPolicyTest is Base {
    using Build for Build.Policy;

    // Of `policyId -> state`: behind the two strings of EIP712, which are empty, and the guardian's slot.
    uint256 private constant STATES_SLOT = 3;
    // Where things lie in the payroll policy.
    uint256 private constant BUDGET_AT = 100;
    uint256 private constant RULE_AT = 167;
    uint256 private constant LIST_AT = RULE_AT + 32;
    uint256 private constant CLAUSE_AT = LIST_AT + 2 + 5 * 32;
    uint256 private constant CHARGE_AT = CLAUSE_AT + 2 * 35;

    event PolicySet(
        bytes32 indexed policyId, address indexed agent, uint16 version, bytes32 codehash, address pointer
    );

    // ---------------------------------------------------------------- what is stored

    function test_setPolicy_stores_the_bytes_behind_a_stop() public {
        (address pointer, uint16 version, uint24 number, uint32 lastAct, uint40 end) = module.policyState(ID);
        require(keccak256(pointer.code) == keccak256(abi.encodePacked(hex"00", code)), "code");
        equal(version, 1, "version");
        equal(number, 0, "number");
        equal(lastAct, 0, "last act");
        equal(end, T0 + 365 days, "end");
    }

    function test_setPolicy_keeps_number_and_last_act(uint256 acts) public {
        acts = bound(acts, 1, 4);
        for (uint256 i; i < acts; ++i) {
            pass(COOLDOWN);
            execute(pay(0, 1));
        }
        uint256 last = T0 + 10 + acts * COOLDOWN; // not block.timestamp: `make coverage` compiles tests by the IR pipeline
        pass(1);
        Build.Policy memory p = payroll();
        p.agent = stranger;
        bytes memory next = p.encode();
        address pointer = vm.computeCreateAddress(address(module), vm.getNonce(address(module)));
        vm.expectEmit(true, true, true, true, address(module));
        emit PolicySet(ID, stranger, 2, keccak256(abi.encodePacked(hex"00", next)), pointer);
        putCode(next);
        (, uint16 version, uint24 number, uint32 lastAct,) = module.policyState(ID);
        equal(version, 2, "version");
        equal(number, acts, "number");
        equal(lastAct, last, "last act");
    }

    function test_setPolicy_revert_NotOwner(address who) public {
        vm.assume(who != owner);
        bytes memory code_ = code;
        vm.prank(who);
        vm.expectRevert(IPolicyModule.NotOwner.selector);
        module.setPolicy(ID, code_);
    }

    function test_setPolicy_revert_versionsUsedUp() public {
        bytes32 slot = keccak256(abi.encode(ID, STATES_SLOT));
        uint256 word = uint256(vm.load(address(module), slot));
        vm.store(address(module), slot, bytes32(word | uint256(type(uint16).max) << 160));
        (, uint16 version,,,) = module.policyState(ID);
        equal(version, type(uint16).max, "the slot is the state's");
        bytes memory code_ = code;
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        module.setPolicy(ID, code_);
        // Neither do act numbers wrap.
        vm.store(address(module), slot, bytes32(word | uint256(type(uint24).max) << 176));
        for (uint24 number; number < 2; ++number) {
            vm.prank(agent);
            vm.expectRevert(err(IPolicyModule.WrongNumber.selector, 0));
            module.execute(ID, codehash, pay(0, 1), number, DECISION);
        }
    }

    /// Where the code should be deployed, something is already.
    function test_setPolicy_revert_NotStored() public {
        vm.etch(vm.computeCreateAddress(address(module), vm.getNonce(address(module))), hex"00");
        bytes memory code_ = code;
        vm.prank(owner);
        vm.expectRevert(bytes4(keccak256("NotStored()")));
        module.setPolicy(ID, code_);
    }

    // ---------------------------------------------------------------- mutations: only canonical bytes

    function test_setPolicy_revert_BadPolicy_cutOff(uint256 length) public {
        bytes memory cut = code;
        length = bound(length, 0, cut.length - 1);
        assembly {
            mstore(cut, length)
        }
        vm.prank(owner);
        vm.expectPartialRevert(IPolicyModule.BadPolicy.selector);
        module.setPolicy(ID, cut);
    }

    function test_setPolicy_revert_BadPolicy_bytesLeftOver(bytes memory more) public {
        vm.assume(more.length != 0);
        refuseCode(abi.encodePacked(code, more), code.length, "bytes left over");
    }

    function test_setPolicy_revert_BadPolicy_tooLong() public {
        refuseCode(new bytes(24_576), 24_575, "too long");
    }

    function test_setPolicy_takes_the_longest() public {
        // 100 + 67 + 32 + 2 + 32 n + 35 c + 4
        Build.Policy memory p = payroll();
        uint256[] memory words = new uint256[](755);
        for (uint256 i; i < words.length; ++i) {
            words[i] = i;
        }
        p.lists = one(Build.list(words));
        bytes memory clauses;
        for (uint256 i; i < 6; ++i) {
            clauses = abi.encodePacked(clauses, Build.clause(1, NOT_EQUAL, 1e30 + i));
        }
        p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, clauses, Build.charge(0, 0, 1)));
        bytes memory long = p.encode();
        require(long.length == 24_575, "the longest");
        putCode(long);
        execute(pay(0, 1));
    }

    function test_setPolicy_revert_BadPolicy_format(uint8 format) public {
        vm.assume(format != 2);
        mutate(0, format, 1, 0, "unknown format");
    }

    function test_setPolicy_revert_BadPolicy_addresses() public {
        Build.Policy memory p = payroll();
        p.agent = address(0);
        refusePolicy(p, 1, "no agent");
        p = payroll();
        p.operator = address(0);
        refusePolicy(p, 21, "no operator");
    }

    function test_setPolicy_revert_BadPolicy_times(uint40 start, uint40 end) public {
        Build.Policy memory p = payroll();
        (p.start, p.end) = (start, end);
        if (start >= end) refusePolicy(p, 46, "end is not after start");
        else if (end % 3600 != 0) refusePolicy(p, 46, "end is not a whole hour");
        else if (end > type(uint32).max) refusePolicy(p, 46, "end too late");
        else put(p);
    }

    function test_setPolicy_revert_BadPolicy_endTooLate(uint40 later) public {
        Build.Policy memory p = payroll();
        p.end = uint40(bound(later, uint256(type(uint32).max) / 3600 + 1, type(uint40).max / 3600) * 3600);
        refusePolicy(p, 46, "end too late");
        p.end = type(uint32).max / 3600 * 3600;
        put(p);
        (,,,, uint40 end) = module.policyState(ID);
        equal(end, p.end, "end");
    }

    function test_setPolicy_revert_BadPolicy_threshold(uint16 bps) public {
        Build.Policy memory p = payroll();
        p.objectionBps = bps;
        if (bps == 0 || bps > 10_000) refusePolicy(p, 63, "threshold not 1 to 10000 bps");
        else put(p);
    }

    function test_setPolicy_revert_BadPolicy_noObjectionWindow() public {
        Build.Policy memory p = payroll();
        p.objectionDelay = 0;
        refusePolicy(p, 55, "no objection delay");
        p = payroll();
        p.releaseWindow = 0;
        refusePolicy(p, 59, "no release window");
        p.objectionDelay = 0;
        p.budgets = one(Build.budget(0, usdc, EXPONENT, PERIOD, LIMIT, LIMIT, "day"));
        put(p); // nothing needs scheduling
        refuseSchedule(pay(0, 1), err(IPolicyModule.NotSchedulable.selector));
    }

    function test_setPolicy_revert_BadPolicy_noRules() public {
        Build.Policy memory p = payroll();
        p.rules = new Build.Rule[](0);
        refusePolicy(p, 99, "no rules");
    }

    function test_setPolicy_revert_BadPolicy_budget(uint256 field, uint256 value) public {
        field = bound(field, 0, 5);
        if (field == 0) mutate(BUDGET_AT, bound(value, 3, 255), 1, BUDGET_AT, "unknown scope");
        if (field == 1) mutate(BUDGET_AT + 21, bound(value, 69, 255), 1, BUDGET_AT + 21, "unit too large");
        if (field == 5) mutate(BUDGET_AT + 22, bound(value, 2, 255), 1, BUDGET_AT + 22, "unknown budget flag");
        if (field == 2) mutate(BUDGET_AT + 23, bound(value, 0, 6), 4, BUDGET_AT + 23, "period too short");
        if (field == 3) {
            value = value % 2 == 0 ? 0 : bound(value, 2 ** 28, type(uint32).max);
            mutate(BUDGET_AT + 31, value, 4, BUDGET_AT + 31, "limit not 1 to 2^28 - 1");
        }
        if (field == 4) {
            mutate(BUDGET_AT + 27, bound(value, LIMIT + 1, type(uint32).max), 4, BUDGET_AT + 27, "instant limit above limit");
        }
    }

    function test_setPolicy_revert_BadPolicy_name(uint256 position, uint256 letter) public {
        position = bound(position, 0, 31);
        letter = bound(letter, 0, 255);
        bool printable = letter >= 0x20 && letter <= 0x7e;
        // The name is "day": a letter further right leaves a zero before it, and a zero inside cuts it.
        bool good = printable ? position <= 3 : letter == 0 && position >= 2;
        bytes memory code_ = code;
        code_[BUDGET_AT + 35 + position] = bytes1(uint8(letter));
        if (good) putCode(code_);
        else refuseCode(code_, BUDGET_AT + 35, "name not printable ASCII");
    }

    function test_setPolicy_revert_BadPolicy_budgetsNotAscending(uint256 seed) public {
        bytes memory a = Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, bytes32("a"));
        bytes memory b = Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, bytes32("b"));
        Build.Policy memory p = payroll();
        p.rules = one(
            Build.rule(usdc, TRANSFER, 2, 2, "", abi.encodePacked(Build.charge(0, 0, 1), Build.charge(1, 0, 1)))
        );
        p.budgets = two(b, seed % 2 == 0 ? a : b);
        refusePolicy(p, BUDGET_AT + 67, "budgets not ascending");
        p.budgets = two(a, b);
        put(p);
    }

    function test_setPolicy_revert_BadPolicy_twoBudgetsShareARing(uint32 more) public {
        // Another limit, or a period of the same segment, is no other ring.
        Build.Policy memory p = payroll();
        p.rules = one(
            Build.rule(usdc, TRANSFER, 2, 2, "", abi.encodePacked(Build.charge(0, 0, 1), Build.charge(1, 0, 1)))
        );
        p.budgets = two(
            Build.budget(0, usdc, EXPONENT, 8, INSTANT, LIMIT, "day"),
            Build.budget(0, usdc, EXPONENT, uint32(bound(more, 9, 14)), INSTANT, LIMIT, "day")
        );
        refusePolicy(p, BUDGET_AT + 67, "two budgets share a ring");
        p.budgets = two(
            Build.budget(0, usdc, EXPONENT, 8, INSTANT, LIMIT, "day"),
            Build.budget(0, usdc, EXPONENT, uint32(bound(more, 15, 1e6)), INSTANT, LIMIT, "day")
        );
        put(p);
    }

    function test_setPolicy_revert_BadPolicy_budgetNeverCharged() public {
        Build.Policy memory p = payroll();
        p.rules = one(Build.rule(usdc, TRANSFER, 2, 2, "", ""));
        refusePolicy(p, BUDGET_AT, "budget never charged");
    }

    function test_setPolicy_revert_BadPolicy_list(uint256 position, uint256 word) public {
        mutate(LIST_AT, 0, 2, LIST_AT, "empty list");
        position = bound(position, 1, 4);
        uint256 offset = LIST_AT + 2 + 32 * position;
        mutate(offset, bound(word, 0, people[position - 1]), 32, offset, "list not ascending");
    }

    function test_setPolicy_revert_BadPolicy_rulesNotAscending() public {
        Build.Policy memory p = payroll();
        p.rules = two(payRule(), Build.rule(address(0x1), bytes4(0), 1, 0, "", ""));
        refusePolicy(p, RULE_AT + 32, "rules not ascending");
        p.rules = two(Build.rule(address(0x1), bytes4(0), 1, 0, "", ""), payRule());
        put(p);
    }

    function test_setPolicy_revert_BadPolicy_ruleHead(uint256 value) public {
        mutate(RULE_AT + 24, bound(value, 8, 255), 1, RULE_AT + 24, "unknown flag");
        mutate(RULE_AT + 24, 3, 1, RULE_AT + 20, "selector given for none");
        mutate(RULE_AT + 25, bound(value, 33, 255), 1, RULE_AT + 25, "too many arguments");
        Build.Policy memory p = payroll();
        p.rules = two(Build.rule(address(0x1), bytes4(0), 1, 1, "", ""), payRule());
        refusePolicy(p, RULE_AT + 25, "arguments without selector");
    }

    function test_setPolicy_revert_BadPolicy_clause(uint256 value) public {
        mutate(CLAUSE_AT, bound(value, 2, 255), 1, CLAUSE_AT, "no such argument");
        mutate(CLAUSE_AT + 1, bound(value, 1, 255), 1, CLAUSE_AT + 1, "no such column");
        mutate(CLAUSE_AT + 2, value % 2 == 0 ? 0 : bound(value, 7, 255), 1, CLAUSE_AT + 2, "unknown clause");
        mutate(CLAUSE_AT + 3, bound(value, 1, type(uint256).max), 32, CLAUSE_AT + 3, "no such list");
        // The second clause: word 1, at most. Word 0 and a kind below in-list is before the first.
        mutate(CLAUSE_AT + 35, bound(value, EQUAL, AT_LEAST), 3, CLAUSE_AT + 35, "clauses not ascending");
    }

    function test_setPolicy_revert_BadPolicy_sameClauseTwice(uint256 operand, uint256 other) public {
        Build.Policy memory p = payroll();
        p.rules = one(
            Build.rule(
                usdc,
                TRANSFER,
                2,
                2,
                abi.encodePacked(Build.clause(1, NOT_EQUAL, operand), Build.clause(1, NOT_EQUAL, other)),
                Build.charge(0, 0, 1)
            )
        );
        if (other > operand) put(p);
        else refusePolicy(p, CLAUSE_AT + 35, "clauses not ascending");
    }

    function test_setPolicy_revert_BadPolicy_charge(uint256 value) public {
        mutate(CHARGE_AT, bound(value, 1, 255), 1, CHARGE_AT, "no such budget");
        mutate(CHARGE_AT + 1, bound(value, 2, 255), 1, CHARGE_AT + 1, "unknown source");
        mutate(CHARGE_AT + 2, bound(value, 2, 255), 1, CHARGE_AT, "no such argument");
        mutate(CHARGE_AT + 3, bound(value, 1, 255), 1, CHARGE_AT + 1, "no such column");
        mutate(CHARGE_AT + 1, 0x0101, 2, CHARGE_AT + 2, "argument of value");
    }

    function test_setPolicy_revert_BadPolicy_chargesNotAscending(uint8 second) public {
        Build.Policy memory p = payroll();
        p.budgets = two(
            Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "a"),
            Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "b")
        );
        second = second % 2;
        p.rules = one(
            Build.rule(usdc, TRANSFER, 2, 2, "", abi.encodePacked(Build.charge(1, 0, 1), Build.charge(second, 0, 1)))
        );
        refusePolicy(p, 100 + 2 * 67 + 32 + 162 + 4, "charges not ascending");
    }

    /// Whatever byte is changed: the policy is refused, or what is stored is exactly what was given.
    function test_setPolicy_any_byte_changed(uint256 position, uint8 value) public {
        bytes memory code_ = code;
        position = bound(position, 0, code_.length - 1);
        code_[position] = bytes1(value);
        vm.prank(owner);
        try module.setPolicy(ID, code_) {
            (address pointer,,,,) = module.policyState(ID);
            require(keccak256(pointer.code) == keccak256(abi.encodePacked(hex"00", code_)), "stored as given");
        } catch (bytes memory reason) {
            require(bytes4(reason) == IPolicyModule.BadPolicy.selector, "refused by name");
        }
    }

    // ---------------------------------------------------------------- targets

    function test_setPolicy_revert_BadPolicy_forbiddenTarget(uint256 which, bool bare) public {
        address[6] memory forbidden = [address(module), module.checker(), treasury, owner, governor, address(0x9999)];
        vm.prank(owner);
        (bool done,) = treasury.call(abi.encodeWithSignature("enableModule(address)", address(0x9999)));
        require(done);
        address target = forbidden[which % 6];
        Build.Policy memory p = payroll();
        Build.Rule memory bad = Build.rule(target, bare ? bytes4(0) : bytes4(0xaabbccdd), bare ? 1 : 0, 0, "", "");
        bool first = uint160(target) < uint160(usdc);
        p.rules = first ? two(bad, payRule()) : two(payRule(), bad);
        refusePolicy(p, first ? RULE_AT : RULE_AT + 32, "forbidden target");
    }

    function test_setPolicy_revert_BadPolicy_votesToken(bytes4 selector) public {
        Build.Policy memory p = payroll();
        p.budgets = one(Build.budget(0, votes, 18, PERIOD, 1, 1, "votes"));
        vm.assume(selector != TRANSFER);
        p.rules = one(Build.rule(votes, selector, 0, 2, "", Build.charge(0, 0, 1)));
        refusePolicy(p, RULE_AT, "votes token: only transfer");
        p.rules = two(
            Build.rule(votes, bytes4(0), 1, 0, "", ""), Build.rule(votes, TRANSFER, 2, 2, "", Build.charge(0, 0, 1))
        );
        refusePolicy(p, RULE_AT, "votes token: only transfer");
        p.rules = one(Build.rule(votes, TRANSFER, 2, 2, "", Build.charge(0, 0, 1)));
        put(p);
    }

    function test_setPolicy_revert_BadPolicy_targetWithoutCode(address target) public {
        vm.assume(target.code.length == 0 && target != owner && target != governor);
        Build.Policy memory p = payroll();
        p.rules = one(Build.rule(target, TRANSFER, 2, 2, "", Build.charge(0, 0, 1)));
        refusePolicy(p, RULE_AT, "target has no code");
    }

    function test_setPolicy_revert_BadPolicy_standingEffects() public {
        string[23] memory signatures = [
            "approve(address,uint256)",
            "increaseAllowance(address,uint256)",
            "increaseApproval(address,uint256)",
            "approve(address,uint256,uint256)",
            "approve(address,address,uint160,uint48)",
            "approveAndCall(address,uint256)",
            "approveAndCall(address,uint256,bytes)",
            "temporaryApprove(address,uint256)",
            "approveDelegation(address,uint256)",
            "setApprovalForAll(address,bool)",
            "setOperator(address,bool)",
            "authorizeOperator(address)",
            "allow(address,bool)",
            "hope(address)",
            "setAuthorization(address,bool)",
            "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
            "permit(address,address,uint256,uint256,bytes)",
            "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)",
            "approveHash(bytes32)",
            "setPreSignature(bytes,bool)",
            "signMessage(bytes)",
            "delegate(address)",
            "delegateBySig(address,uint256,uint256,uint8,bytes32,bytes32)"
        ];
        for (uint256 i; i < signatures.length; ++i) {
            Build.Policy memory p = payroll();
            p.rules = one(Build.rule(usdc, bytes4(keccak256(bytes(signatures[i]))), 0, 4, "", Build.charge(0, 0, 1)));
            refusePolicy(p, RULE_AT + 20, "outlives every budget");
        }
    }

    /// Overwrites `size` bytes at `offset` of the payroll policy and expects it to be refused.
    function mutate(uint256 offset, uint256 value, uint256 size, uint256 position, bytes32 problem) private {
        bytes memory code_ = code;
        for (uint256 i; i < size; ++i) {
            code_[offset + i] = bytes1(uint8(value >> (8 * (size - 1 - i))));
        }
        refuseCode(code_, position, problem);
    }
}
