// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {IPolicyModule} from "../../../contracts/src/IPolicyModule.sol";
import {Cheats} from "./Cheats.sol";
import {Accomplice, Bazaar, HonestToken, HostileToken, Journal} from "./Hostile.sol";
import {SlowPolicy} from "./SlowPolicy.sol";

interface IVotesToken is IVotes {
    function transfer(address to, uint256 amount) external returns (bool);
    function balanceOf(address account) external view returns (uint256);
    function clock() external view returns (uint48);
}

/// @notice A treasury, its module, three policies of two agents, and everybody who may have a hand in it: with accounts of
/// its own of what left, when, and under whose leave. It believes nothing that the module says about amounts: those come
/// from the tokens' own books, and permissions from the slow reading of the code on chain.
///
/// Every failure begins with the property that it breaks: P1 to P8, as design and docs/policy-module.md number them.
abstract contract World {
    using SlowPolicy for SlowPolicy.Policy;

    Cheats internal constant vm = Cheats(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant T0 = 1_800_000_000; // a whole hour
    uint256 internal constant SUPPLY = 1_000_000e18;
    uint256 internal constant POLICIES = 3;
    uint256 internal constant MEMBERS = 5;
    bytes32 internal constant OBJECTION = keccak256("Objection(bytes32 policyId,bytes32 actId,address account)");

    // Budgets, before they are sorted.
    uint8 internal constant OWN = 0;
    uint8 internal constant ALL = 1;
    uint8 internal constant WILD = 2;
    uint8 internal constant ETHER = 3;
    uint8 internal constant GOLD = 4;

    /// @dev What left a ring's asset, or should count as if it had.
    struct Spent {
        uint256 time;
        uint256 amount;
        bool instant;
    }

    /// @dev A limit of a ring, in force from `from` until `to`, in base units.
    struct InForce {
        uint256 which;
        uint256 from;
        uint256 to;
        uint256 limit;
        uint256 instantLimit;
    }

    struct Ledger {
        uint256 segment;
        Spent[] spent;
        InForce[] inForce;
    }

    struct Policy {
        uint256 version;
        uint256 number;
        uint256 lastAct;
        uint256 end;
        uint256 quietUntil;
    }

    struct Pending {
        uint256 which;
        bytes32 id;
        uint256 number;
        bytes calls;
        bytes32 decision;
        uint256 version;
        uint256 epoch;
        uint256 snapshot;
        uint256 releasableAt;
        uint256 expiresAt;
        uint256 kills;
        uint256 objections;
        bool over;
    }

    struct Petition {
        uint256 serial;
        uint256 snapshot;
        uint256 until;
        uint256 epoch;
        uint256 power;
    }

    /// @dev An act that is being tried.
    struct Act {
        uint256 which;
        SlowPolicy.Policy p;
        IPolicyModule.Call[] calls;
        uint256[] before; // what each ring held
        uint256[] charged; // what each budget must be charged, at least; in base units
        uint256[][] capped; // rule by rule, clause by clause
    }

    struct Counts {
        uint256 executed;
        uint256 notExecuted;
        uint256 scheduled;
        uint256 notScheduled;
        uint256 released;
        uint256 notReleased;
        uint256 votes;
        uint256 notVotes;
        uint256 stops;
        uint256 notStops;
        uint256 policies;
        uint256 codes;
        uint256 notCodes;
        uint256 kills;
        uint256 pauses;
        uint256 woken;
        uint256 other;
    }

    address internal owner = address(0xA11CE);
    address internal governor = address(0xB22);
    address internal guardian = address(0xC33);
    address internal stranger = address(0xF66);
    address internal keyAgent = address(0xD44);
    address internal lender = address(0x1E4D);
    Accomplice internal accomplice;

    IVotesToken internal votes;
    address payable internal treasury;
    IPolicyModule internal module;
    Journal internal journal;
    HostileToken internal usdc;
    HostileToken internal wild;
    HostileToken internal gold;
    Bazaar internal bazaar;
    uint256[] internal payees;
    address internal favourite = address(0x2000);

    Policy[POLICIES] internal policies;
    Pending[] internal pendings;
    Petition[POLICIES] internal petitions;
    bytes32[] internal keys;
    mapping(bytes32 key => Ledger) internal ledgers;
    mapping(bytes32 actId => bool) internal known;
    mapping(bytes32 actId => mapping(address account => bool)) internal objected;
    mapping(bytes32 signature => bool) internal signed;
    bool internal paused;
    uint256 internal epoch;
    Counts internal counts;
    uint256 private seed_;

    error Rehearsed(bool done, bytes4 why);

    // ================================================================ the stage

    /// @dev Deploys votes token and treasury, and says whether the treasury keeps the journal.
    function build(address[] memory holders, uint256[] memory amounts) internal virtual returns (bool byTreasury);

    function enableModule() internal virtual;

    constructor() {
        vm.warp(T0);
        vm.roll(1000);
        address[] memory holders = new address[](MEMBERS + 1);
        uint256[] memory amounts = new uint256[](MEMBERS + 1);
        uint256[MEMBERS] memory percent = [uint256(30), 9, 9, 2, 1];
        for (uint256 i; i < MEMBERS; ++i) {
            (holders[i], amounts[i]) = (member(i), SUPPLY * percent[i] / 100);
        }
        (holders[MEMBERS], amounts[MEMBERS]) = (lender, SUPPLY * 49 / 100);
        journal = new Journal();
        bool byTreasury = build(holders, amounts);
        module = IPolicyModule(
            vm.deployCode("PolicyModule.sol:PolicyModule", abi.encode(owner, governor, treasury, votes, guardian))
        );
        enableModule();
        accomplice = new Accomplice();
        usdc = new HonestToken(journal);
        wild = new HostileToken(journal, 18, accomplice);
        gold = new HostileToken(journal, 18, accomplice);
        bazaar = new Bazaar(journal, wild, gold, accomplice);
        journal.begin(treasury, [usdc, wild, gold], byTreasury);
        usdc.mint(treasury, 1e30);
        wild.mint(treasury, 1e36);
        gold.mint(treasury, 1e36);
        vm.deal(treasury, 1e30);
        for (uint256 i; i < MEMBERS; ++i) {
            vm.prank(member(i));
            votes.delegate(member(i));
        }
        for (uint256 i; i < 4; ++i) {
            payees.push(0x1000 + i);
        }
        payees.push(uint160(address(accomplice)));
        pass(10);
        for (uint256 i; i < POLICIES; ++i) {
            setPolicy(i);
        }
    }

    function member(uint256 i) internal pure returns (address) {
        return vm.addr(0xA0 + i);
    }

    function pass(uint256 time) internal {
        vm.warp(block.timestamp + time);
        vm.roll(block.number + 1 + time / 12);
    }

    function passTo(uint256 time) internal {
        if (time > block.timestamp) pass(time - block.timestamp);
    }

    function idOf(uint256 which) internal pure returns (bytes32) {
        return keccak256(abi.encode("policy", which));
    }

    function agentOf(uint256 which) internal view returns (address) {
        return which == 0 ? keyAgent : address(accomplice);
    }

    // ---------------------------------------------------------------- chance

    function begin(uint256 seed) internal {
        seed_ = seed;
    }

    function random() internal returns (uint256) {
        return seed_ = uint256(keccak256(abi.encode(seed_)));
    }

    function random(uint256 below) internal returns (uint256) {
        return random() % below;
    }

    function oneIn(uint256 n) internal returns (bool) {
        return random(n) == 0;
    }

    // ================================================================ policies

    function setPolicy(uint256 which) internal {
        SlowPolicy.Policy memory p = draw(which);
        bytes memory code = p.encode();
        vm.prank(owner);
        module.setPolicy(idOf(which), code);
        (address pointer,,,,) = module.policyState(idOf(which));
        require(keccak256(pointer.code) == keccak256(bytes.concat(hex"00", code)), "P7: other bytes are in force");
        Policy storage ghost = policies[which];
        ghost.version += 1;
        ghost.end = p.end;
        ++counts.policies;
        for (uint256 i; i < keys.length; ++i) {
            InForce[] storage limits = ledgers[keys[i]].inForce;
            for (uint256 j = limits.length; j != 0; --j) {
                if (limits[j - 1].which != which) continue;
                if (limits[j - 1].to == type(uint256).max) limits[j - 1].to = block.timestamp;
                break;
            }
        }
        for (uint256 i; i < p.budgets.length; ++i) {
            bytes32 key = p.keyOf(p.budgets[i], idOf(which));
            Ledger storage ledger = ledgers[key];
            if (ledger.segment == 0) keys.push(key);
            ledger.segment = SlowPolicy.segmentOf(p.budgets[i]);
            uint256 unit = 10 ** p.budgets[i].exponent;
            (uint256 limit, uint256 instant) = (p.budgets[i].limit * unit, p.budgets[i].instant * unit);
            ledger.inForce.push(InForce(which, block.timestamp, type(uint256).max, limit, instant));
        }
    }

    /// @dev Another policy with the same agent, and rings that stay the same as far as periods do.
    function draw(uint256 which) internal returns (SlowPolicy.Policy memory p) {
        p.agent = agentOf(which);
        p.operator = address(0xE55);
        p.start = oneIn(16) ? block.timestamp + random(1 hours) : block.timestamp - random(10);
        p.end = (block.timestamp / 1 hours + 2 + random(oneIn(8) ? 48 : 80_000)) * 1 hours;
        p.cooldown = [uint256(0), 0, 1, 60][random(4)];
        p.delay = [uint256(1), 13, 100, 1 days][random(4)];
        p.window = [uint256(1), 100, 1 days, 7 days][random(4)];
        // Often just what one member has, so that the threshold is met and not passed.
        uint256 share = votes.getVotes(member(random(MEMBERS))) / (SUPPLY / 10_000);
        p.bps = oneIn(3) && share != 0 ? share : [uint256(1), 1000, 4000, 10_000][random(4)];
        p.document = bytes32(random());
        p.lists = new uint256[][](1);
        p.lists[0] = payees;
        bool measured = which != 0;
        p.budgets = new SlowPolicy.Budget[](5);
        uint32 short = [uint32(7), 13, 20, 100][random(4)];
        uint8 scope = uint8(random(2));
        p.budgets[OWN] = budget(scope, address(usdc), 3, false, oneIn(2) ? 13 : short, "own");
        p.budgets[ALL] = budget(2, address(usdc), 3, false, oneIn(2) ? 13 : 1 days, "all");
        p.budgets[WILD] = budget(1, address(wild), 6, measured, oneIn(2) ? 13 : 1 days, "wild");
        p.budgets[ETHER] = budget(2, address(0), 15, measured && oneIn(2), oneIn(2) ? 13 : 100, "ether");
        p.budgets[GOLD] = budget(0, address(gold), 0, measured && oneIn(2), 100, "gold");
        p.rules = rulesOf(measured);
    }

    function budget(uint8 scope, address asset, uint8 exponent, bool measured, uint32 period, string memory name)
        private
        returns (SlowPolicy.Budget memory)
    {
        uint32 limit = uint32([uint256(1 + random(10)), 1000 + random(3), 1 + random(1e6), 2 ** 28 - 1][random(4)]);
        uint32 instant = uint32([uint256(limit), limit / 2, random(uint256(limit) + 1), limit][random(4)]);
        return SlowPolicy.Budget(scope, asset, exponent, measured, period, instant, limit, name);
    }

    function rulesOf(bool measured) private returns (SlowPolicy.Rule[] memory rules) {
        rules = new SlowPolicy.Rule[](measured ? 14 : 9);
        rules[0] = rule(address(usdc), HostileToken.transfer.selector, 2, 3, 2);
        rules[0].clauses[0] = SlowPolicy.Clause(0, 0, 5, 0);
        rules[0].clauses[1] = SlowPolicy.Clause(1, 0, 3, 2 ** 20); // far below the cap, which would hold by itself
        rules[0].clauses[2] = SlowPolicy.Clause(1, 0, 6, oneIn(2) ? 2 ** 36 : 1500);
        (rules[0].charges[0], rules[0].charges[1]) = (place(OWN, 1, 0), place(ALL, 1, 0));
        rules[0].mustReturnTrue = true;
        rules[1] = rule(address(usdc), HostileToken.transfer.selector, 2, 1, 1);
        rules[1].clauses[0] = SlowPolicy.Clause(0, 0, 1, uint160(favourite));
        rules[1].charges[0] = place(ALL, 1, 0);
        rules[2] = rule(address(usdc), HostileToken.transferMany.selector, 1, 2, 2);
        (rules[2].dynamicWords, rules[2].widths) = (single(0), single(2));
        rules[2].clauses[0] = SlowPolicy.Clause(0, 0, 5, 0);
        rules[2].clauses[1] = SlowPolicy.Clause(0, 2, 3, 3);
        (rules[2].charges[0], rules[2].charges[1]) = (place(OWN, 0, 1), place(ALL, 0, 1));
        rules[3] = rule(address(uint160(payees[0])), 0, 0, 0, 1);
        (rules[3].bare, rules[3].charges[0]) = (true, SlowPolicy.Charge(ETHER, true, 0, 0));
        rules[4] = rule(address(bazaar), 0, 0, 0, 1);
        (rules[4].bare, rules[4].charges[0]) = (true, SlowPolicy.Charge(ETHER, true, 0, 0));
        rules[5] = rule(address(bazaar), Bazaar.deposit.selector, 1, 1, 1);
        rules[5].clauses[0] = SlowPolicy.Clause(0, 0, 2, 7);
        rules[5].charges[0] = SlowPolicy.Charge(ETHER, true, 0, 0);
        rules[6] = rule(address(wild), HostileToken.transfer.selector, 2, 1, 1);
        rules[6].clauses[0] = SlowPolicy.Clause(0, 0, 5, 0);
        rules[6].charges[0] = place(WILD, 1, 0);
        rules[6].mustReturnTrue = oneIn(2);
        rules[7] = rule(address(gold), HostileToken.transfer.selector, 2, 1, 1);
        rules[7].clauses[0] = SlowPolicy.Clause(0, 0, 5, 0);
        rules[7].charges[0] = place(GOLD, 1, 0);
        rules[7].mustReturnTrue = oneIn(2);
        rules[8] = rule(address(bazaar), Bazaar.note.selector, 2, 3, 0);
        (rules[8].dynamicWords, rules[8].widths) = (single(0), single(0));
        rules[8].clauses[0] = SlowPolicy.Clause(0, 0, 3, 64);
        rules[8].clauses[1] = SlowPolicy.Clause(0, 1, 2, uint256(keccak256("")));
        rules[8].clauses[2] = SlowPolicy.Clause(1, 0, 4, 5);
        if (measured) measuredRules(rules);
    }

    function measuredRules(SlowPolicy.Rule[] memory rules) private {
        rules[9] = rule(address(wild), HostileToken.approve.selector, 2, 1, 0);
        rules[9].clauses[0] = SlowPolicy.Clause(0, 0, 1, uint160(address(bazaar)));
        rules[9].approval = true;
        rules[10] = rule(address(bazaar), Bazaar.swap.selector, 2, 0, 1);
        rules[10].charges[0] = place(WILD, 0, 0);
        rules[10].incomes = new SlowPolicy.Income[](1);
        rules[10].incomes[0] = SlowPolicy.Income(address(gold), WILD, oneIn(2) ? 1 : 5, 3);
        rules[11] = rule(address(bazaar), Bazaar.swapAndClaim.selector, 1, 0, 1);
        rules[11].charges[0] = place(WILD, 0, 0);
        rules[12] = rule(address(bazaar), Bazaar.claim.selector, 0, 0, 0);
        rules[13] = rule(address(bazaar), Bazaar.drain.selector, 0, 0, 0);
    }

    function rule(address target, bytes4 selector, uint8 words, uint256 clauses, uint256 charges)
        private
        pure
        returns (SlowPolicy.Rule memory r)
    {
        (r.target, r.selector, r.words) = (target, selector, words);
        r.clauses = new SlowPolicy.Clause[](clauses);
        r.charges = new SlowPolicy.Charge[](charges);
    }

    function place(uint8 budget_, uint8 word, uint8 column) private pure returns (SlowPolicy.Charge memory) {
        return SlowPolicy.Charge(budget_, false, word, column);
    }

    function single(uint8 value) private pure returns (uint8[] memory values) {
        values = new uint8[](1);
        values[0] = value;
    }

    /// @dev The policy in force, read from the chain.
    function inForce(uint256 which) internal view returns (SlowPolicy.Policy memory p) {
        bool good;
        (good, p) = SlowPolicy.decode(codeOf(which));
        require(good, "P7: code in force that can't be read");
    }

    function codeOf(uint256 which) internal view returns (bytes memory code) {
        (address pointer,,,,) = module.policyState(idOf(which));
        bytes memory stored = pointer.code;
        code = new bytes(stored.length - 1);
        assembly ("memory-safe") {
            mcopy(add(code, 32), add(stored, 33), mload(code))
        }
    }

    // ================================================================ what an accepted act must be

    /// @dev A new act of the policy, with what its rings hold now.
    function open(uint256 which, SlowPolicy.Policy memory p) internal view returns (Act memory act) {
        act.which = which;
        act.p = p;
        act.before = ringsOf(act);
        act.charged = new uint256[](act.p.budgets.length);
        act.capped = new uint256[][](act.p.rules.length);
    }

    function ringsOf(Act memory act) internal view returns (uint256[] memory units) {
        units = new uint256[](act.p.budgets.length);
        for (uint256 i; i < units.length; ++i) {
            SlowPolicy.Budget memory b = act.p.budgets[i];
            uint256 word = module.ring(act.p.keyOf(b, idOf(act.which)));
            units[i] = SlowPolicy.spentIn(word, block.timestamp, SlowPolicy.segmentOf(b));
        }
    }

    /// @dev It was performed. Was it permitted, and is all of it counted?
    function settle(Act memory act, bool instant) internal {
        Journal.Entry[] memory entries = journal.all();
        uint256 next;
        for (uint256 i; i < act.calls.length; ++i) {
            IPolicyModule.Call memory c = act.calls[i];
            Journal.Entry memory entry;
            if (journal.byTreasury() || c.to.code.length != 0) {
                require(next < entries.length, "P4: a call of the act was not made as CALL");
                entry = entries[next++];
                require(entry.to == c.to && entry.value == c.value, "P4: another call was made");
                require(entry.data == keccak256(c.data), "P4: other data was sent");
            } else {
                entry.before[0] = c.value;
            }
            settleCall(act, c, entry);
        }
        require(next == entries.length, "P4: the treasury made a call that is not in the act");
        uint256[] memory afterwards = ringsOf(act);
        for (uint256 i; i < act.charged.length; ++i) {
            uint256 unit = 10 ** act.p.budgets[i].exponent;
            uint256 units = act.charged[i] / unit + (act.charged[i] % unit == 0 ? 0 : 1);
            require(afterwards[i] >= act.before[i] + units, "P2: less was charged than left");
            if (act.charged[i] != 0) count(act, i, unit, instant);
        }
        requireNoAllowances();
    }

    /// @dev P1 and P3, at the moment of a charge. That is at least as strict as the properties: what an interval holds was
    /// complete with its last charge, which was made under a limit in force in it.
    function count(Act memory act, uint256 i, uint256 unit, bool instant) private {
        SlowPolicy.Budget memory b = act.p.budgets[i];
        Ledger storage ledger = ledgers[act.p.keyOf(b, idOf(act.which))];
        ledger.spent.push(Spent(block.timestamp, act.charged[i], instant));
        uint256 sum;
        for (uint256 j = ledger.spent.length; j != 0; --j) {
            Spent storage spent = ledger.spent[j - 1];
            if (spent.time + 7 * ledger.segment <= block.timestamp) break;
            sum += spent.amount;
        }
        require(sum <= b.limit * unit, "P1: more than the limit within a period");
        if (instant) require(sum <= b.instant * unit, "P3: more than the instant limit at once");
    }

    function settleCall(Act memory act, IPolicyModule.Call memory c, Journal.Entry memory entry) private view {
        uint256 index = act.p.ruleFor(c.to, c.data);
        require(index != SlowPolicy.NONE, "P4: a call that no rule permits");
        SlowPolicy.Rule memory r = act.p.rules[index];
        uint256[] memory charges = chargesOf(act, index, c);
        for (uint256 i; i < charges.length; ++i) {
            uint256 fall = fallOf(entry, assetIndex(act.p.budgets[i].asset));
            if (act.p.budgets[i].measured && !isLying(act.p.budgets[i].asset) && fall > charges[i]) charges[i] = fall;
            act.charged[i] = SlowPolicy.plus(act.charged[i], charges[i]);
        }
        // Ether and USDC do as they are told, so no more of them leaves than the rule's own charges name.
        requireNamed(act, r, entry, address(0), charges);
        requireNamed(act, r, entry, address(usdc), charges);
        for (uint256 i; i < r.incomes.length; ++i) {
            SlowPolicy.Income memory income = r.incomes[i];
            if (isLying(income.asset) || isLying(act.p.budgets[income.budget].asset)) continue;
            uint256 a = assetIndex(income.asset);
            uint256 rise = entry.afterwards[a] > entry.before[a] ? entry.afterwards[a] - entry.before[a] : 0;
            require(rise * income.denominator >= charges[income.budget] * income.numerator, "P2: income is missing");
        }
        if (r.mustReturnTrue) {
            (HostileToken.Answer answer,,,,,,,) = HostileToken(c.to).mood();
            bool good = answer == HostileToken.Answer.True || answer == HostileToken.Answer.Nothing;
            require(good, "P4: the target did not return true");
        }
    }

    /// @dev What the rule charges each budget for this call. Counts the rule's caps.
    function chargesOf(Act memory act, uint256 index, IPolicyModule.Call memory c)
        internal
        pure
        returns (uint256[] memory charges)
    {
        SlowPolicy.Rule memory r = act.p.rules[index];
        (, uint256[][] memory cells) = SlowPolicy.parse(r, c.data);
        charges = new uint256[](act.p.budgets.length);
        bool valueCharged = c.value == 0;
        for (uint256 i; i < r.charges.length; ++i) {
            SlowPolicy.Charge memory charge = r.charges[i];
            if (charge.ofValue) (charges[charge.budget], valueCharged) = (c.value, true);
            else charges[charge.budget] = SlowPolicy.sumAt(r, cells, charge.word, charge.column);
        }
        require(valueCharged, "P4: value that is not charged");
        if (act.capped[index].length == 0) act.capped[index] = new uint256[](r.clauses.length);
        for (uint256 i; i < r.clauses.length; ++i) {
            SlowPolicy.Clause memory clause = r.clauses[i];
            if (clause.kind != SlowPolicy.CAP) continue;
            uint256 sum = SlowPolicy.plus(
                act.capped[index][i], SlowPolicy.sumAt(r, cells, clause.word, clause.column)
            );
            require(sum <= clause.operand, "P4: over a cap");
            act.capped[index][i] = sum;
        }
    }

    function requireNamed(
        Act memory act,
        SlowPolicy.Rule memory r,
        Journal.Entry memory entry,
        address asset,
        uint256[] memory charges
    ) private view {
        uint256 fall = fallOf(entry, assetIndex(asset));
        if (fall == 0) return;
        bool named;
        for (uint256 i; i < r.charges.length; ++i) {
            if (act.p.budgets[r.charges[i].budget].asset != asset) continue;
            require(charges[r.charges[i].budget] >= fall, "P2: more left than the argument says");
            named = true;
        }
        require(named, "P2: something left that no budget was charged");
    }

    function fallOf(Journal.Entry memory entry, uint256 a) private pure returns (uint256) {
        return entry.before[a] > entry.afterwards[a] ? entry.before[a] - entry.afterwards[a] : 0;
    }

    function assetIndex(address asset) private view returns (uint256) {
        return asset == address(0) ? 0 : asset == address(usdc) ? 1 : asset == address(wild) ? 2 : 3;
    }

    function isLying(address asset) private view returns (bool) {
        if (asset == address(0)) return false;
        (,,,,,,, uint8 lie) = HostileToken(asset).mood();
        return lie != 0;
    }

    function requireNoAllowances() internal view {
        for (uint256 i; i < 3; ++i) {
            HostileToken token = journal.tokens(i);
            require(token.allowance(treasury, address(bazaar)) == 0, "P2: an allowance survived its act");
            require(token.allowance(treasury, address(accomplice)) == 0, "P2: an allowance survived its act");
        }
    }

    /// @dev What every act needs before its calls are looked at.
    function requireDue(Act memory act, address sender, bytes32 codehash, uint256 number, bytes32 decision)
        internal
        view
    {
        Policy storage ghost = policies[act.which];
        require(!paused, "P5: an act in a pause");
        require(sender == act.p.agent, "P5: an act of somebody else");
        require(codehash == keccak256(bytes.concat(hex"00", codeOf(act.which))), "P4: an act under other code");
        require(number == ghost.number + 1, "P6: a number out of turn");
        require(decision != 0, "P6: an act without a decision");
        require(block.timestamp >= act.p.start && block.timestamp < ghost.end, "P5: an act outside its policy's time");
        require(ghost.lastAct == 0 || block.timestamp >= ghost.lastAct + act.p.cooldown, "P5: an act too soon");
    }

    // ================================================================ what must hold at any time

    function thresholdOf(uint256 bps, uint256 snapshot) internal view returns (uint256 power) {
        power = votes.getPastTotalSupply(snapshot) * bps / 10_000;
        if (power == 0) power = 1;
    }

    /// @dev Nothing goes back, and module and ghosts agree on who has said what.
    function steady() internal view {
        require(module.paused() == paused && module.pauseEpoch() == epoch, "P5: a pause came or went by itself");
        for (uint256 i; i < POLICIES; ++i) {
            Policy storage ghost = policies[i];
            (, uint256 version, uint256 number, uint256 lastAct, uint256 end) = module.policyState(idOf(i));
            require(version == ghost.version, "P6: a version went wrong");
            require(number == ghost.number, "P6: an act number went wrong");
            require(lastAct == ghost.lastAct, "P6: the time of the last act went wrong");
            require(end == ghost.end, "P5: a policy's end moved");
        }
        for (uint256 i = pendings.length; i != 0 && i + 6 > pendings.length; --i) {
            Pending storage act = pendings[i - 1];
            (uint256 counted, bool live) = module.pending(idOf(act.which), act.id);
            require(live == lives(act), "P6: an act is void that should live, or lives that should be void");
            require(counted == act.objections, "P8: objections were not counted once each");
            require(counted <= votes.getPastTotalSupply(act.snapshot), "P8: more power than there was");
        }
        require(accomplice.sneaked() == 0, "P4: an act began inside an act");
    }

    function lives(Pending storage act) private view returns (bool) {
        Policy storage ghost = policies[act.which];
        if (act.over || act.version != ghost.version || act.epoch != epoch) return false;
        return block.timestamp < act.expiresAt && block.timestamp < ghost.end;
    }

    /// @dev The window property in its own words, over the whole past: for every half-open interval of one period that ends
    /// with a charge, the charges in it are at most the largest limit that was in force in it. And P3 likewise for what was
    /// executed at once. (An interval that ends elsewhere holds no more than one of these.)
    function windows() internal view {
        for (uint256 k; k < keys.length; ++k) {
            Ledger storage ledger = ledgers[keys[k]];
            for (uint256 j; j < ledger.spent.length; ++j) {
                (uint256 sum, uint256 instantly) = spentUpTo(ledger, j);
                (uint256 limit, uint256 instantLimit) = limitsAt(ledger, ledger.spent[j].time);
                require(sum <= limit, "P1: the window property");
                require(instantly <= instantLimit, "P3: instant charges in a window");
            }
        }
    }

    function spentUpTo(Ledger storage ledger, uint256 j) private view returns (uint256 sum, uint256 instantly) {
        uint256 last = ledger.spent[j].time;
        for (uint256 i = j + 1; i != 0 && ledger.spent[i - 1].time + 7 * ledger.segment > last; --i) {
            sum += ledger.spent[i - 1].amount;
            if (ledger.spent[i - 1].instant) instantly += ledger.spent[i - 1].amount;
        }
    }

    function limitsAt(Ledger storage ledger, uint256 last) private view returns (uint256 limit, uint256 instantLimit) {
        uint256 length = 7 * ledger.segment;
        for (uint256 i; i < ledger.inForce.length; ++i) {
            InForce storage one = ledger.inForce[i];
            if (one.from > last || (one.to <= last && one.to + length <= last)) continue;
            if (one.limit > limit) limit = one.limit;
            if (one.instantLimit > instantLimit) instantLimit = one.instantLimit;
        }
    }

    // ================================================================ rehearsals

    function send(address sender, bytes memory data) internal returns (bool done, bytes memory returned) {
        if (sender == address(accomplice)) return accomplice.go(address(module), data);
        vm.prank(sender);
        return address(module).call(data);
    }

    /// @dev Only ever reverts, so nothing of it stays.
    function rehearse(address sender, bytes calldata data) external {
        (bool done, bytes memory returned) = send(sender, data);
        revert Rehearsed(done, bytes4(returned));
    }

    function rehearsal(address sender, bytes memory data) internal returns (bool done, bytes4 why) {
        try this.rehearse(sender, data) {
            revert("a rehearsal did not end");
        } catch (bytes memory answer) {
            require(bytes4(answer) == Rehearsed.selector, "a rehearsal failed");
            assembly ("memory-safe") {
                done := mload(add(answer, 36))
                why := mload(add(answer, 68))
            }
        }
    }
}
