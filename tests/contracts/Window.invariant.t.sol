// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";

/// @notice An adversarial agent, members, guardian and owner against the whole module, beside a naive model: the list of
/// what left the treasury, and when. Amounts are compared in base units, so rounding is tested too.
contract Handler is Base {
    using Build for Build.Policy;

    struct Charge {
        uint256 time;
        uint256 amount;
        uint256 units;
        bool instant;
    }

    struct Announced {
        bytes32 id;
        uint256 amount;
        uint256 time;
        uint16 version;
        uint32 epoch;
        bool dead; // voided, killed, vetoed or released: for ever
    }

    struct Limits {
        uint256 from;
        uint32 instant;
        uint32 limit;
    }

    Charge[] private charges;
    Announced[] private announced;
    Limits[] private limits;
    uint16 private lastVersion;
    uint24 private lastNumber;
    uint32 private lastActTime;
    uint256 public paid;
    uint256 public accepted;
    uint256 public refused;

    function setUp() public override {
        super.setUp();
        newPolicy(INSTANT, LIMIT);
    }

    // ---------------------------------------------------------------- what may happen

    function wait(uint256 seed) external {
        uint256 segment = SEGMENT;
        uint256[8] memory steps =
            [1, COOLDOWN, segment - 1, segment, segment + 1, PERIOD - 1, PERIOD, (seed >> 8) % PERIOD];
        pass(steps[seed % 8]);
        check();
    }

    function executeNow(uint256 first, uint256 second, bool batch) external {
        ready();
        first = amountOf(first);
        second = batch ? amountOf(second) : 0;
        IPolicyModule.Call[] memory calls = batch ? payTwice(first, second) : pay(0, first);
        uint256 wanted = units(first + second);
        uint24 number = nextNumber();
        vm.prank(agent);
        try module.execute(ID, codehash, calls, number, DECISION) {
            ++accepted;
            record(first + second, wanted, true);
        } catch (bytes memory reason) {
            ++refused;
            // What has surely left every window must be free again.
            if (!module.paused() && sumSince(8 * uint256(SEGMENT)) + wanted <= now_().instant) {
                require(first > MOST || second > MOST || isEnded(), string.concat("refused for nothing: ", hexOf(reason)));
            }
        }
        check();
    }

    function scheduleNow(uint256 amount) external {
        ready();
        amount = amountOf(amount);
        uint24 number = nextNumber();
        vm.prank(agent);
        try module.schedule(ID, codehash, pay(0, amount), number, DECISION) returns (bytes32 id) {
            numberOf[id] = number;
            announced.push(Announced(id, amount, block.timestamp, lastVersion, module.pauseEpoch(), false));
        } catch {
            ++refused;
        }
        check();
    }

    function releaseOne(uint256 which, bool late) external {
        if (announced.length == 0) return;
        Announced storage act = announced[which % announced.length];
        if (late && block.timestamp < act.time + DELAY) vm.warp(act.time + DELAY);
        vm.prank(agent);
        try module.release(ID, numberOf[act.id], pay(0, act.amount), DECISION) {
            ++accepted;
            require(!act.dead, "a dead act was released");
            require(block.timestamp >= act.time + DELAY, "released before its delay");
            require(block.timestamp < act.time + DELAY + WINDOW, "released after its window");
            require(act.version == lastVersion && act.epoch == module.pauseEpoch(), "released under another version");
            require(!module.paused(), "released in a pause");
            act.dead = true;
            record(act.amount, units(act.amount), false);
        } catch {
            ++refused;
        }
        check();
    }

    function objectTo(uint256 which, uint256 who) external {
        if (announced.length == 0) return;
        Announced storage act = announced[which % announced.length];
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = act.id;
        address[5] memory members = [ada, ben, chloe, dana, stranger];
        vm.prank(members[who % 5]);
        try module.object(ID, ids) {
            (uint256 objections, bool live) = module.pending(ID, act.id);
            require(objections <= SUPPLY, "more power than there is");
            bool reached = objections >= SUPPLY * BPS / 10_000;
            require(isOver(act.id) == reached && live == !reached, "killed at the threshold");
            if (reached) act.dead = true;
        } catch {}
        check();
    }

    function veto(uint256 which) external {
        if (announced.length == 0 || which % 4 != 0) return;
        Announced storage act = announced[which / 4 % announced.length];
        vm.prank(guardian);
        try module.veto(ID, act.id) {
            act.dead = true;
        } catch {}
        check();
    }

    function pauseAndUnpause(uint256 seed) external {
        if (seed % 5 != 0) return;
        vm.prank(guardian);
        module.pause();
        ready();
        uint24 number = nextNumber();
        vm.prank(agent);
        try module.execute(ID, codehash, pay(0, 1), number, DECISION) {
            revert("spent in a pause");
        } catch {}
        vm.prank(owner);
        module.unpause();
        killAll();
        check();
    }

    function shorten(uint256 seed) external {
        if (seed % 7 != 0) return;
        vm.prank(guardian);
        module.shorten(ID, uint40(block.timestamp));
        killAll();
        check();
        newPolicy(now_().instant, now_().limit);
    }

    /// A vote: other limits on the same ring.
    function replace(uint256 instant, uint256 limit) external {
        if (limit % 3 != 0) return;
        uint32 newLimit = uint32(bound(limit, 1, 2 ** 28 - 1));
        newPolicy(uint32(bound(instant, 0, newLimit)), newLimit);
        check();
    }

    function strangerTries(uint256 who, uint256 amount) external {
        address[4] memory others = [stranger, operator, guardian, ada];
        uint24 number = nextNumber();
        vm.prank(others[who % 4]);
        try module.execute(ID, codehash, pay(0, amountOf(amount)), number, DECISION) {
            revert("somebody else spent");
        } catch {}
    }

    // ---------------------------------------------------------------- what must hold

    /// Every half-open interval of one period, since each of them that ends between two charges holds no more than one
    /// that ends at a charge.
    function check() public {
        uint256 sum;
        uint256 instantSum;
        uint256 highest = now_().limit;
        uint256 highestInstant = now_().instant;
        for (uint256 i = limits.length; i != 0; --i) {
            // Limits in force in the window: the last one set before it began, and all since.
            if (limits[i - 1].limit > highest) highest = limits[i - 1].limit;
            if (limits[i - 1].instant > highestInstant) highestInstant = limits[i - 1].instant;
            if (limits[i - 1].from + PERIOD <= block.timestamp) break;
        }
        for (uint256 i = charges.length; i != 0 && charges[i - 1].time + PERIOD > block.timestamp; --i) {
            sum += charges[i - 1].amount;
            if (charges[i - 1].instant) instantSum += charges[i - 1].amount;
        }
        require(sum <= highest * UNIT, "more than the limit left within one period");
        require(instantSum <= highestInstant * UNIT, "more than the instant limit left at once within one period");

        (, uint16 version, uint24 number, uint32 lastAct,) = module.policyState(ID);
        require(version >= lastVersion && number >= lastNumber && lastAct >= lastActTime, "something went back");
        (lastVersion, lastNumber, lastActTime) = (version, number, lastAct);
        require(IERC20(usdc).balanceOf(treasury) == 1_000_000_000 * USDC - paid, "what left is what was charged");
        require(module.spent(key(), SEGMENT) >= sumSince(PERIOD), "the ring counts too little");
    }

    // ---------------------------------------------------------------- small things

    function record(uint256 amount, uint256 wanted, bool instant) private {
        charges.push(Charge(block.timestamp, amount, wanted, instant));
        paid += amount;
        if (wanted == 0) return; // an act that charges nothing is always within its budgets
        // In the moment of the act, under the limits in force now.
        uint256 sum = sumSince(PERIOD);
        require(sum <= (instant ? now_().instant : now_().limit), "over the limit in force");
    }

    function sumSince(uint256 length) private view returns (uint256 sum) {
        for (uint256 i = charges.length; i != 0 && charges[i - 1].time + length > block.timestamp; --i) {
            sum += charges[i - 1].units;
        }
    }

    function newPolicy(uint32 instant, uint32 limit) private {
        Build.Policy memory p = payroll();
        p.start = 0;
        p.end = type(uint32).max / 3600 * 3600; // the last there is
        p.budgets = one(Build.budget(0, usdc, EXPONENT, PERIOD, instant, limit, "day"));
        put(p);
        killAll();
        limits.push(Limits(block.timestamp, instant, limit));
        (, lastVersion,,,) = module.policyState(ID);
    }

    function killAll() private {
        for (uint256 i; i < announced.length; ++i) {
            announced[i].dead = true;
        }
    }

    /// Past the cooldown, which would refuse nearly everything.
    function ready() private {
        (,,, uint32 lastAct,) = module.policyState(ID);
        if (block.timestamp < lastAct + COOLDOWN) vm.warp(lastAct + COOLDOWN);
    }

    function now_() private view returns (Limits memory) {
        return limits[limits.length - 1];
    }

    function isEnded() private view returns (bool) {
        (,,,, uint40 end) = module.policyState(ID);
        return block.timestamp >= end;
    }

    /// Small, around a unit's edge, around the rule's most, and what is just left.
    function amountOf(uint256 seed) private view returns (uint256) {
        uint256 kind = seed % 6;
        if (kind == 0) return seed >> 8 & 0xff;
        if (kind == 1) return MOST - (seed >> 8) % 100;
        if (kind == 2) {
            uint256 spent = module.spent(key(), SEGMENT);
            uint256 limit = seed & 256 == 0 ? now_().instant : now_().limit;
            uint256 left = limit > spent ? (limit - spent) * UNIT : 0;
            return left < MOST ? left + (seed >> 16) % 3 : MOST;
        }
        return (seed >> 8) % (MOST + 2);
    }

    function hexOf(bytes memory reason) private pure returns (string memory) {
        return reason.length < 4 ? "?" : vm.toString(uint256(uint32(bytes4(reason))));
    }

    constructor() {
        setUp();
        (bool done,) = usdc.call(abi.encodeWithSignature("mint(address,uint256)", treasury, 999_000_000 * USDC));
        require(done);
    }
}

contract WindowInvariantTest is Base {
    Handler private handler;

    function setUp() public override {
        handler = new Handler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0].addr = address(handler);
        bytes4[] memory s = new bytes4[](13);
        s[0] = Handler.wait.selector;
        s[1] = Handler.wait.selector;
        s[2] = Handler.executeNow.selector;
        s[3] = Handler.executeNow.selector;
        s[4] = Handler.executeNow.selector;
        s[5] = Handler.scheduleNow.selector;
        s[6] = Handler.releaseOne.selector;
        s[7] = Handler.objectTo.selector;
        s[8] = Handler.veto.selector;
        s[9] = Handler.pauseAndUnpause.selector;
        s[10] = Handler.shorten.selector;
        s[11] = Handler.replace.selector;
        s[12] = Handler.strangerTries.selector;
        targets[0].selectors = s;
    }

    function invariant_window() public {
        handler.check();
    }

    /// Acts do get through the handler, or the invariant would say nothing.
    function test_the_handler_acts() public {
        handler.executeNow(1 << 8 | 3, 0, false);
        handler.scheduleNow(1000 << 8 | 3);
        handler.releaseOne(0, true);
        handler.pauseAndUnpause(0);
        handler.wait(6);
        handler.wait(6);
        handler.executeNow(2 << 8 | 3, 3 << 8 | 3, true);
        equal(handler.accepted() * 10 + handler.refused(), 30, "three acts");
    }
}
