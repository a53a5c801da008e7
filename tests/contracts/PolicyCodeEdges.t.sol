// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PolicyCode} from "../../contracts/src/libraries/PolicyCode.sol";
import {PolicyState} from "../../contracts/src/libraries/PolicyState.sol";
import {Base} from "./support/Base.sol";

/// @notice Each reader of policy code and of a policy's state reads exactly its own bytes, whatever lies around them:
/// the places of docs/policy-code.md, written out a second time (docs/assurance.md, "Mutation").
contract PolicyCodeEdgesTest is Base {
    using PolicyState for uint256;

    bytes private noise; // no byte of it is 0, and few neighbours are equal
    uint256 private constant SIZE = 4096;

    function setUp() public override {
        super.setUp();
        bytes memory made = new bytes(SIZE);
        for (uint256 i; i < SIZE; ++i) {
            made[i] = bytes1(uint8(1 + uint256(keccak256(abi.encode(i))) % 255));
        }
        noise = made;
    }

    /// `size` bytes from `place` on, as a number.
    function number(bytes memory bytes_, uint256 place, uint256 size) private pure returns (uint256 value) {
        for (uint256 i; i < size; ++i) {
            value = (value << 8) | uint8(bytes_[place + i]);
        }
    }

    function positionOf(bytes memory bytes_) private pure returns (uint256 position) {
        assembly {
            position := add(bytes_, 32)
        }
    }

    // ---------------------------------------------------------------- readers

    function test_header_readers() public view {
        bytes memory code_ = noise;
        uint256 c = positionOf(code_);
        equal(PolicyCode.wordAt(c + 3), number(code_, 3, 32), "word");
        equal(PolicyCode.byteAt(c + 3), number(code_, 3, 1), "byte");
        equal(uint160(PolicyCode.agent(c)), number(code_, 1, 20), "agent");
        equal(uint160(PolicyCode.operator(c)), number(code_, 21, 20), "operator");
        equal(PolicyCode.start(c), number(code_, 41, 5), "start");
        equal(PolicyCode.end(c), number(code_, 46, 5), "end");
        equal(PolicyCode.cooldown(c), number(code_, 51, 4), "cooldown");
        equal(PolicyCode.objectionDelay(c), number(code_, 55, 4), "objection delay");
        equal(PolicyCode.releaseWindow(c), number(code_, 59, 4), "release window");
        equal(PolicyCode.objectionBps(c), number(code_, 63, 2), "objection bps");
        equal(PolicyCode.budgets(c), number(code_, 97, 1), "budgets");
        equal(PolicyCode.lists(c), number(code_, 98, 1), "lists");
        equal(PolicyCode.rules(c), number(code_, 99, 1), "rules");
    }

    function test_budget_readers() public view {
        bytes memory code_ = noise;
        for (uint256 i; i < 3; ++i) {
            uint256 place = 100 + 67 * i;
            uint256 b = PolicyCode.budgetAt(positionOf(code_), i);
            equal(b - positionOf(code_), place, "place");
            equal(PolicyCode.scope(b), number(code_, place, 1), "scope");
            equal(uint160(PolicyCode.asset(b)), number(code_, place + 1, 20), "asset");
            equal(PolicyCode.exponent(b), number(code_, place + 21, 1), "exponent");
            equal(PolicyCode.budgetFlags(b), number(code_, place + 22, 1), "flags");
            equal(PolicyCode.period(b), number(code_, place + 23, 4), "period");
            equal(PolicyCode.instantLimit(b), number(code_, place + 27, 4), "instant limit");
            equal(PolicyCode.limit(b), number(code_, place + 31, 4), "limit");
            equal(PolicyCode.name(b), number(code_, place + 35, 32), "name");
        }
        for (uint8 value; value < 78; ++value) {
            code_[100 + 21] = bytes1(value);
            code_[100 + 22] = bytes1(value);
            uint256 b = PolicyCode.budgetAt(positionOf(code_), 0);
            equal(PolicyCode.unitOf(b), 10 ** uint256(value), "unit");
            require(PolicyCode.isMeasured(b) == (value % 2 == 1), "measured");
        }
    }

    /// A ring is the policy's, the agent's or the DAO's; asset, unit, segment and name are all of its name.
    function test_ringKey_of_each_scope() public view {
        bytes memory code_ = noise;
        uint256 b = PolicyCode.budgetAt(positionOf(code_), 0);
        for (uint8 scope; scope < 3; ++scope) {
            code_[100] = bytes1(scope);
            uint256 id = scope == 0 ? uint256(ID) : scope == 1 ? uint160(stranger) : 0;
            uint256 segment = (number(code_, 123, 4) + 6) / 7;
            bytes memory all =
                abi.encode(scope, id, PolicyCode.asset(b), PolicyCode.exponent(b), segment, PolicyCode.name(b));
            require(PolicyCode.ringKey(b, ID, stranger) == keccak256(all), "key");
        }
    }

    function test_head_readers() public view {
        bytes memory code_ = noise;
        uint256 c = positionOf(code_);
        (code_[97], code_[98], code_[99]) = (bytes1(uint8(3)), bytes1(uint8(2)), bytes1(uint8(4)));
        uint256 heads = 100 + 3 * 67;
        equal(PolicyCode.headsOf(c) - c, heads, "heads");
        for (uint256 i; i < 4; ++i) {
            uint256 place = heads + 32 * i;
            uint256 head = PolicyCode.headAt(c, i);
            equal(head, number(code_, place, 32), "head");
            equal(uint160(PolicyCode.target(head)), number(code_, place, 20), "target");
            equal(uint32(PolicyCode.selector(head)), number(code_, place + 20, 4), "selector");
            equal(PolicyCode.flags(head), number(code_, place + 24, 1), "flags");
            equal(PolicyCode.words(head), number(code_, place + 25, 1), "words");
            equal(PolicyCode.dynamics(head), number(code_, place + 26, 1), "dynamics");
            equal(PolicyCode.clauses(head), number(code_, place + 27, 1), "clauses");
            equal(PolicyCode.charges(head), number(code_, place + 28, 1), "charges");
            equal(PolicyCode.incomes(head), number(code_, place + 29, 1), "incomes");
            equal(PolicyCode.bodyOffset(head), number(code_, place + 30, 2), "body");
            equal(PolicyCode.bodyOf(c, head), c + number(code_, place + 30, 2), "body's position");
            for (uint256 flags; flags < 8; ++flags) {
                uint256 flagged = (head & ~(uint256(0xff) << 56)) | (flags << 56);
                uint256 wanted = 2 * number(code_, place, 24) + flags % 2;
                equal(PolicyCode.keyOf(flagged), wanted, "key");
                require(PolicyCode.selectorOf(wanted) == PolicyCode.selector(head), "the key's selector");
            }
        }
    }

    /// The key of a call is that of the rules for its target and selector, or of those without one.
    function test_keyOf_a_call() public view {
        address to = address(type(uint160).max - 5);
        for (uint256 size; size < 40; size += size == 0 ? 4 : 1) {
            bytes memory data = new bytes(size);
            for (uint256 i; i < size; ++i) {
                data[i] = noise[i];
            }
            uint256 wanted = size == 0 ? 1 : number(data, 0, 4) << 1;
            equal(this.keyOf(to, data), (uint256(uint160(to)) << 33) | wanted, "key");
        }
    }

    function keyOf(address to, bytes calldata data) external pure returns (uint256) {
        return PolicyCode.keyOf(to, data);
    }

    /// Each list lies behind the one before; behind the last begin the bodies.
    function test_lists_lie_behind_each_other() public view {
        bytes memory code_ = noise;
        uint256 c = positionOf(code_);
        (code_[97], code_[98], code_[99]) = (bytes1(uint8(2)), bytes1(uint8(3)), bytes1(uint8(3)));
        uint256 place = 100 + 2 * 67 + 3 * 32;
        uint16[3] memory counts = [uint16(2), 1, 257];
        for (uint256 i; i < 4; ++i) {
            equal(PolicyCode.listAt(c, i), c + place, "list");
            if (i == 3) break;
            (code_[place], code_[place + 1]) = (bytes1(uint8(counts[i] >> 8)), bytes1(uint8(counts[i])));
            place += 2 + 32 * uint256(counts[i]);
        }
    }

    function test_body_readers() public view {
        bytes memory code_ = noise;
        uint256 c = positionOf(code_);
        // Five dynamic arguments, three clauses, two charges, two incomes; the body at 777.
        uint256 head = (uint256(5) << 40) | (uint256(3) << 32) | (uint256(2) << 24) | (uint256(2) << 16) | 777;
        for (uint256 i; i < 5; ++i) {
            (uint256 word, uint256 width) = PolicyCode.dynamicAt(PolicyCode.bodyOf(c, head), i);
            equal(word, number(code_, 777 + 2 * i, 1), "dynamic word");
            equal(width, number(code_, 778 + 2 * i, 1), "width");
        }
        for (uint256 i; i < 4; ++i) {
            uint256 place = 787 + 35 * i;
            uint256 clause = PolicyCode.clauseAt(c, head, i);
            equal(clause, c + place, "clause");
            uint256 clauseHead = PolicyCode.wordAt(clause);
            equal(PolicyCode.wordOf(clauseHead), number(code_, place, 1), "clause's word");
            equal(PolicyCode.columnOf(clauseHead), number(code_, place + 1, 1), "clause's column");
            equal(PolicyCode.kindOf(clauseHead), number(code_, place + 2, 1), "kind");
            equal(PolicyCode.operandOf(clause), number(code_, place + 3, 32), "operand");
        }
        for (uint256 i; i < 3; ++i) {
            uint256 place = 892 + 4 * i;
            uint256 charge = PolicyCode.chargeAt(c, head, i);
            equal(charge, c + place, "charge");
            (uint256 budget, uint256 source, uint256 word, uint256 column) = PolicyCode.chargeOf(charge);
            equal(budget, number(code_, place, 1), "charge's budget");
            equal(source, number(code_, place + 1, 1), "source");
            equal(word, number(code_, place + 2, 1), "charge's word");
            equal(column, number(code_, place + 3, 1), "charge's column");
        }
        for (uint256 i; i < 3; ++i) {
            uint256 place = 900 + 53 * i;
            uint256 income = PolicyCode.incomeAt(c, head, i);
            equal(income, c + place, "income");
            (address asset, uint256 budget, uint256 numerator, uint256 denominator) = PolicyCode.incomeOf(income);
            equal(uint160(asset), number(code_, place, 20), "income's asset");
            equal(budget, number(code_, place + 20, 1), "income's budget");
            equal(numerator, number(code_, place + 21, 16), "numerator");
            equal(denominator, number(code_, place + 37, 16), "denominator");
        }
    }

    function test_setOperand_writes_the_operand_alone() public view {
        bytes memory code_ = noise;
        bytes memory before = noise;
        PolicyCode.setOperand(positionOf(code_) + 100, type(uint256).max);
        for (uint256 i; i < 300; ++i) {
            require(code_[i] == (i >= 103 && i < 135 ? bytes1(0xff) : before[i]), "a byte");
        }
    }

    // ---------------------------------------------------------------- storing and loading

    /// Code of every length around whole words comes back as it was stored, and what is taken behind it in memory does
    /// not overwrite it.
    function test_store_and_load() public {
        for (uint256 size = 1; size < 70; ++size) {
            bytes memory code_ = new bytes(size);
            for (uint256 i; i < size; ++i) {
                code_[i] = noise[i];
            }
            address pointer = this.store(code_);
            require(keccak256(pointer.code) == keccak256(abi.encodePacked(hex"00", code_)), "stored behind a STOP");
            uint256 c = PolicyCode.load(pointer);
            uint256[2] memory next = [type(uint256).max, type(uint256).max];
            for (uint256 i; i < size; ++i) {
                equal(PolicyCode.byteAt(c + i), uint8(noise[i]), "byte");
            }
            equal(next[0], type(uint256).max, "what was taken after it");
        }
    }

    function store(bytes calldata code_) external returns (address) {
        return PolicyCode.store(code_);
    }

    // ---------------------------------------------------------------- a policy's state

    /// Each part of the state is read and replaced by itself.
    function test_state_parts() public view {
        bytes memory bytes_ = noise;
        for (uint256 i; i < 4; ++i) {
            uint256 state = number(bytes_, 32 * i, 32);
            equal(state.endHours(), number(bytes_, 32 * i, 3), "end, hours");
            equal(state.end(), 3600 * number(bytes_, 32 * i, 3), "end");
            equal(state.lastAct(), number(bytes_, 32 * i + 3, 4), "last act");
            equal(state.number(), number(bytes_, 32 * i + 7, 3), "number");
            equal(state.version(), number(bytes_, 32 * i + 10, 2), "version");
            equal(uint160(state.pointer()), number(bytes_, 32 * i + 12, 20), "pointer");

            uint256 other = ~state;
            equal(
                state.withPolicy(other.pointer(), other.version()),
                (state & ~uint256(type(uint176).max)) | (other & type(uint176).max),
                "with policy"
            );
            uint256 act = uint256(type(uint56).max) << 176;
            equal(state.withAct(other.number(), other.lastAct()), (state & ~act) | (other & act), "with act");
            equal(
                state.withEndHours(other.endHours()),
                (state & type(uint232).max) | (other & ~uint256(type(uint232).max)),
                "with end"
            );
        }
        equal(uint256(type(uint256).max).end(), 3600 * (2 ** 24 - 1), "the last end");
    }
}
