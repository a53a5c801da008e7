// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../../contracts/src/IPolicyModule.sol";
import {Accomplice, Bazaar, HostileToken} from "./Hostile.sol";
import {SlowPolicy} from "./SlowPolicy.sol";
import {World} from "./World.sol";

/// @notice What may happen: agents, members, guardian, owner, strangers, targets and the clock, each as bad as it can be.
/// Each function is one step of the fuzzer; all chance in it comes from its argument.
abstract contract Adversary is World {
    using SlowPolicy for SlowPolicy.Policy;

    // ================================================================ the clock

    function wait(uint256 seed) external {
        begin(seed);
        uint256 segment = keys.length == 0 ? 2 : ledgers[keys[random(keys.length)]].segment;
        uint256 kind = random(6);
        if (kind == 0) pass(random(3));
        else if (kind == 1) passTo((block.timestamp / segment + 1) * segment - 1 + random(2));
        else if (kind == 2) pass(7 * segment - 1 + random(2));
        else if (kind == 3) pass(segment * random(9) + random(3));
        else if (kind == 4) pass(random(100));
        else passTo((block.timestamp / segment + 8) * segment - 1 + random(2));
    }

    // ================================================================ the agents

    /// @dev What an agent sends with an act.
    struct Sent {
        address sender;
        bytes32 codehash;
        uint256 number;
        bytes32 decision;
        bytes data;
    }

    function execute(uint256 seed) external {
        begin(seed);
        uint256 which = random(POLICIES);
        Act memory act = ready(which);
        Sent memory sent = drawSent(act, IPolicyModule.execute.selector);
        if (act.calls.length == 2 && oneIn(8)) alias_(act, sent.data);
        arm(which);
        journal.clear();
        (bool done,) = send(sent.sender, sent.data);
        disarm();
        if (done) {
            ++counts.executed;
            requireDue(act, sent.sender, sent.codehash, sent.number, sent.decision);
            used(which);
            settle(act, true);
        } else {
            ++counts.notExecuted;
        }
    }

    function schedule(uint256 seed) external {
        begin(seed);
        uint256 which = random(POLICIES);
        for (uint256 i = oneIn(12) ? 6 : 1; i != 0; --i) {
            trySchedule(which); // now and then as many as there are places, and more
        }
    }

    function trySchedule(uint256 which) private {
        Act memory act = ready(which);
        Sent memory sent = drawSent(act, IPolicyModule.schedule.selector);
        (bool done, bytes memory returned) = send(sent.sender, sent.data);
        if (done) {
            ++counts.scheduled;
            requireDue(act, sent.sender, sent.codehash, sent.number, sent.decision);
            used(which);
            announced(act, abi.decode(returned, (bytes32)), sent.decision);
        } else {
            ++counts.notScheduled;
        }
    }

    function drawSent(Act memory act, bytes4 selector) private returns (Sent memory sent) {
        act.calls = drawCalls(act, selector == IPolicyModule.execute.selector);
        sent.number = policies[act.which].number + (oneIn(24) ? random(3) : 1);
        sent.codehash = hashOf(oneIn(24) ? random(POLICIES) : act.which);
        sent.decision = oneIn(32) ? bytes32(0) : keccak256(abi.encode("decision", random()));
        sent.sender = oneIn(24) ? agentOf(random(POLICIES)) : act.p.agent;
        sent.data = encoded(act, selector, sent);
    }

    function encoded(Act memory act, bytes4 selector, Sent memory sent) private pure returns (bytes memory) {
        bytes memory arguments =
            abi.encode(idOf(act.which), sent.codehash, act.calls, uint24(sent.number), sent.decision);
        return bytes.concat(selector, arguments);
    }

    function release(uint256 seed) external {
        begin(seed);
        if (pendings.length == 0) return;
        Pending storage pending = recent();
        for (uint256 i; i < 4 && (pending.over || block.timestamp >= pending.expiresAt); ++i) {
            pending = recent();
        }
        uint256 which = pending.which;
        if (!oneIn(6)) passTo(oneIn(4) ? pending.expiresAt - random(2) : pending.releasableAt - (oneIn(8) ? 1 : 0));
        Act memory act = open(which, inForce(which));
        act.calls = abi.decode(pending.calls, (IPolicyModule.Call[]));
        address sender = oneIn(24) ? agentOf(random(POLICIES)) : act.p.agent;
        bytes memory data = releasing(pending, oneIn(8));
        arm(which);
        journal.clear();
        (bool done,) = send(sender, data);
        disarm();
        if (done) {
            ++counts.released;
            require(keccak256(data) == keccak256(releasing(pending, false)), "P6: other calls were released");
            requireReleasable(pending, act, sender);
            pending.over = true;
            settle(act, false);
        } else {
            ++counts.notReleased;
        }
    }

    function requireReleasable(Pending storage pending, Act memory act, address sender) private view {
        require(!pending.over, "P6: released again, or although it was killed, vetoed or void");
        require(!paused && pending.epoch == epoch, "P3: released in or after a pause");
        require(pending.version == policies[pending.which].version, "P3: released under another version");
        require(block.timestamp < policies[pending.which].end, "P3: released after the policy's end");
        require(block.timestamp >= pending.releasableAt, "P3: released before its delay");
        require(block.timestamp < pending.expiresAt, "P3: released after its window");
        require(pending.objections < pending.kills, "P3: released against the threshold");
        require(sender == act.p.agent, "P5: released by somebody else");
    }

    function used(uint256 which) private {
        policies[which].number += 1;
        policies[which].lastAct = block.timestamp;
    }

    /// @dev It was accepted for later: then it was due, permitted, and there was a place.
    function announced(Act memory act, bytes32 id, bytes32 decision) private {
        require(!known[id], "P6: an act id twice");
        known[id] = true;
        uint256 end = policies[act.which].end;
        require(block.timestamp + act.p.delay < end, "P6: announced although it could never be released");
        require(block.timestamp >= policies[act.which].quietUntil, "P3: scheduled in the quiet after a killed act");
        uint256 live;
        for (uint256 i; i < pendings.length; ++i) {
            Pending storage other = pendings[i];
            if (other.which != act.which || other.over || other.epoch != epoch) continue;
            if (other.version == policies[act.which].version && block.timestamp < other.expiresAt) ++live;
        }
        require(live < 4, "P6: more than four acts are pending");
        for (uint256 i; i < act.calls.length; ++i) {
            uint256 index = act.p.ruleFor(act.calls[i].to, act.calls[i].data);
            require(index != SlowPolicy.NONE, "P4: a call that no rule permits was scheduled");
            chargesOf(act, index, act.calls[i]);
        }
        remember(act, id, decision);
    }

    function remember(Act memory act, bytes32 id, bytes32 decision) private {
        Pending storage pending = pendings.push();
        (pending.which, pending.id, pending.decision) = (act.which, id, decision);
        pending.calls = abi.encode(act.calls);
        pending.number = policies[act.which].number;
        pending.version = policies[act.which].version;
        pending.epoch = epoch;
        pending.snapshot = votes.clock() - 1;
        pending.releasableAt = block.timestamp + act.p.delay;
        pending.expiresAt = pending.releasableAt + act.p.window;
        pending.kills = thresholdOf(act.p.bps, pending.snapshot);
        IPolicyModule.PendingAct[4] memory places = module.pendingActs(idOf(act.which));
        uint256 i;
        while (places[i].actId != id) ++i;
        require(places[i].snapshot == pending.snapshot, "P8: votes of another time");
        require(places[i].releasableAt == pending.releasableAt, "P3: another delay");
        require(places[i].expiresAt == pending.expiresAt, "P3: another window");
    }

    function releasing(Pending storage pending, bool wrong) private returns (bytes memory) {
        IPolicyModule.Call[] memory calls = abi.decode(pending.calls, (IPolicyModule.Call[]));
        bytes32 decision = pending.decision;
        if (wrong) {
            uint256 kind = random(3);
            if (kind == 0) decision = bytes32(uint256(decision) ^ 1);
            else if (kind == 1) calls[0].value += 1;
            else calls[0].to = favourite;
        }
        return abi.encodeCall(IPolicyModule.release, (idOf(pending.which), uint24(pending.number), calls, decision));
    }

    function recent() private returns (Pending storage) {
        uint256 back = random(pendings.length < 6 ? pendings.length : 6);
        return pendings[pendings.length - 1 - back];
    }

    // ---------------------------------------------------------------- an agent's ideas

    /// @dev A new act under a policy that is mostly not paused, not ended, not cooling.
    function ready(uint256 which) private returns (Act memory) {
        if (paused && !oneIn(4)) unpause();
        if (block.timestamp >= policies[which].end && !oneIn(8)) setPolicy(which);
        SlowPolicy.Policy memory p = inForce(which);
        if (!oneIn(5)) {
            passTo(policies[which].lastAct + p.cooldown - (oneIn(8) && p.cooldown != 0 ? 1 : 0));
            if (!oneIn(4)) passTo(p.start);
        }
        uint256 end = policies[which].end;
        if (end < block.timestamp + 3 days && oneIn(4)) passTo(end - random(2));
        return open(which, p);
    }

    function hashOf(uint256 which) private view returns (bytes32) {
        return keccak256(bytes.concat(hex"00", codeOf(which)));
    }

    function drawCalls(Act memory act, bool instant) private returns (IPolicyModule.Call[] memory calls) {
        if (act.which != 0 && oneIn(12)) {
            // Two calls of which either takes more than it names: both falls count.
            calls = new IPolicyModule.Call[](4);
            uint256 amount = amountOf(act, address(wild), instant) / (oneIn(2) ? 1 : 2);
            for (uint256 i; i < 4; i += 2) {
                calls[i] = callOf(address(wild), 0, abi.encodeCall(HostileToken.approve, (address(bazaar), amount)));
                calls[i + 1] = oneOf(act, 12, amount);
            }
        } else if (act.which != 0 && oneIn(3)) {
            calls = new IPolicyModule.Call[](3);
            uint256 amount = amountOf(act, address(wild), instant);
            calls[0] = callOf(address(wild), 0, abi.encodeCall(HostileToken.approve, (address(bazaar), amount)));
            calls[1] = oneOf(act, 9 + random(4), amount);
            calls[2] = oneIn(5)
                ? oneOf(act, random(13), amount)
                : callOf(address(wild), 0, abi.encodeCall(HostileToken.approve, (address(bazaar), 0)));
        } else {
            calls = new IPolicyModule.Call[](oneIn(2) ? 1 : 1 + random(3));
            for (uint256 i; i < calls.length; ++i) {
                uint256 kind = random(act.which == 0 || oneIn(2) ? 9 : 13);
                address asset = kind < 3 ? address(usdc) : kind < 6 ? address(0) : kind == 7 ? address(gold) : address(wild);
                // The same again and again: what counts each call alone sees nothing wrong with it.
                if (i != 0 && oneIn(3)) calls[i] = callOf(calls[i - 1].to, calls[i - 1].value, calls[i - 1].data);
                else calls[i] = oneOf(act, kind, amountOf(act, asset, instant) / (oneIn(2) ? 1 : calls.length));
            }
        }
        if (oneIn(10)) corrupt(calls[random(calls.length)]);
    }

    function oneOf(Act memory, uint256 kind, uint256 amount) private returns (IPolicyModule.Call memory) {
        address payee = oneIn(24) ? stranger : address(uint160(payees[random(payees.length)]));
        if (kind == 0) {
            if (oneIn(3)) amount = 700 + random(900); // about the rule's lower cap, alone or with another
            return callOf(address(usdc), 0, abi.encodeCall(HostileToken.transfer, (payee, amount)));
        }
        if (kind == 1) return callOf(address(usdc), 0, abi.encodeCall(HostileToken.transfer, (favourite, amount)));
        if (kind == 2) {
            HostileToken.Payment[] memory payments = new HostileToken.Payment[](oneIn(8) ? random(5) : 1 + random(3));
            for (uint256 i; i < payments.length; ++i) {
                payments[i] = HostileToken.Payment(oneIn(8) ? stranger : payee, amount / payments.length);
            }
            return callOf(address(usdc), 0, abi.encodeCall(HostileToken.transferMany, (payments)));
        }
        if (kind == 3) return callOf(address(uint160(payees[0])), amount, "");
        if (kind == 4) return callOf(address(bazaar), amount, "");
        if (kind == 5) return callOf(address(bazaar), amount, abi.encodeCall(Bazaar.deposit, (random(9))));
        if (kind == 6) return callOf(address(wild), 0, abi.encodeCall(HostileToken.transfer, (payee, amount)));
        if (kind == 7) return callOf(address(gold), 0, abi.encodeCall(HostileToken.transfer, (payee, amount)));
        if (kind == 8) {
            bytes memory text = new bytes(oneIn(8) ? random(70) : 1 + random(60));
            uint256 value = oneIn(8) ? 1 : 0; // charged by no rule
            return callOf(address(bazaar), value, abi.encodeCall(Bazaar.note, (text, oneIn(8) ? random(6) : 5)));
        }
        if (kind == 9) return callOf(address(bazaar), 0, abi.encodeCall(Bazaar.swap, (amount, 0)));
        if (kind == 10) return callOf(address(bazaar), 0, abi.encodeCall(Bazaar.swapAndClaim, (amount)));
        if (kind == 11) return callOf(address(bazaar), 0, abi.encodeCall(Bazaar.claim, ()));
        return callOf(address(bazaar), 0, abi.encodeCall(Bazaar.drain, ()));
    }

    function callOf(address to, uint256 value, bytes memory data) private pure returns (IPolicyModule.Call memory) {
        return IPolicyModule.Call(to, value, data);
    }

    /// @dev What the tightest budget of the asset leaves, a little more, a part of it, or dust.
    function amountOf(Act memory act, address asset, bool instant) private returns (uint256) {
        uint256 room = 1e24;
        for (uint256 i; i < act.p.budgets.length; ++i) {
            SlowPolicy.Budget memory b = act.p.budgets[i];
            if (b.asset != asset) continue;
            uint256 limit = instant ? b.instant : b.limit;
            uint256 left = limit > act.before[i] ? (limit - act.before[i]) * 10 ** b.exponent : 0;
            if (left < room) room = left;
        }
        uint256 kind = random(16);
        if (kind < 4) return room;
        // What passes the whole limit must be scheduled, and be released before anything else is spent: tried more often.
        if (kind == 4 || (!instant && kind > 12)) return room + 1;
        if (kind == 5) return 2 * room + random(1000);
        if (kind < 9) return room / 2 + random(2);
        if (kind < 12) return room / 3;
        return random(2000);
    }

    /// @dev What an agent could hope that the module reads otherwise than the target.
    function corrupt(IPolicyModule.Call memory c) private {
        bytes memory data = c.data;
        bytes4 selector = bytes4(data);
        bool dynamic = selector == HostileToken.transferMany.selector || selector == Bazaar.note.selector;
        uint256 kind = dynamic && oneIn(2) ? 5 : random(8);
        if (kind == 0) {
            c.data = data.length < 4 ? bytes(hex"a9") : bytes.concat(data, hex"00");
        } else if (kind == 1) {
            uint256 length = random(data.length + 1);
            assembly ("memory-safe") {
                if lt(length, mload(data)) { mstore(data, length) }
            }
        } else if (kind == 2 && data.length >= 36) {
            data[4 + random(12)] = 0x01; // dirty high bits
        } else if (kind == 3) {
            c.value += 1;
        } else if (kind == 4) {
            address[6] memory others =
                [treasury, address(module), address(votes), owner, address(accomplice), address(gold)];
            c.to = others[random(6)];
        } else if (kind == 5 && data.length >= 68) {
            // Where the first dynamic argument lies: mostly on another word, where a lenient decoder finds one as well.
            data[35] = bytes1(uint8(oneIn(4) ? random(256) : 32 * random(4)));
        } else if (data.length != 0) {
            data[random(data.length)] = bytes1(uint8(random(256)));
        }
    }

    /// @dev Two calls that lie in the same place of the calldata: the second is what the first is.
    function alias_(Act memory act, bytes memory data) private pure {
        assembly ("memory-safe") {
            let calls := add(add(data, 36), mload(add(data, 100))) // the third word of the head says where they lie
            mstore(add(calls, 64), mload(add(calls, 32)))
        }
        act.calls[1] = act.calls[0];
    }

    /// @dev Whoever is called while the treasury acts tries to start an act of its own, which would be due.
    function arm(uint256 which) private {
        if (oneIn(2)) return;
        uint256 other = which == 1 ? 2 : 1;
        if (pendings.length != 0 && oneIn(3)) {
            accomplice.prepare(address(module), releasing(recent(), false));
            return;
        }
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](1);
        calls[0] = callOf(address(usdc), 0, abi.encodeCall(HostileToken.transfer, (favourite, 0)));
        uint24 number = uint24(policies[other].number + 1);
        bytes32 codehash = hashOf(other);
        accomplice.prepare(
            address(module),
            oneIn(2)
                ? abi.encodeCall(IPolicyModule.execute, (idOf(other), codehash, calls, number, bytes32(uint256(1))))
                : abi.encodeCall(IPolicyModule.schedule, (idOf(other), codehash, calls, number, bytes32(uint256(1))))
        );
    }

    function disarm() private {
        counts.woken = accomplice.woken();
        accomplice.prepare(address(0), "");
    }

    // ================================================================ everybody else

    /// @dev An act or a release, tried before something happens and after.
    struct Door {
        address sender;
        bytes data;
        bool open;
    }

    /// @dev P5: what members, guardian, agents and strangers do may close doors, and opens none. One act and one release
    /// are rehearsed before and after.
    function stop(uint256 seed) external {
        begin(seed);
        uint256 which = random(POLICIES);
        if (paused && oneIn(2)) unpause();
        Door memory first = anAct(which);
        Door memory second;
        if (pendings.length != 0) {
            Pending storage pending = recent();
            second.sender = agentOf(pending.which);
            second.data = releasing(pending, false);
            (second.open,) = rehearsal(second.sender, second.data);
        }
        interfere(which);
        (bool opened,) = rehearsal(first.sender, first.data);
        require(first.open || !opened, "P5: an act became possible without the owner");
        if (second.data.length != 0) {
            (opened,) = rehearsal(second.sender, second.data);
            require(second.open || !opened, "P5: a release became possible without the owner");
        }
    }

    function anAct(uint256 which) private returns (Door memory door) {
        Act memory act = open(which, inForce(which));
        bytes4 selector = oneIn(3) ? IPolicyModule.schedule.selector : IPolicyModule.execute.selector;
        Sent memory sent = drawSent(act, selector);
        (door.sender, door.data) = (sent.sender, sent.data);
        bytes4 why;
        (door.open, why) = rehearsal(door.sender, door.data);
        // A place that becomes free is no door: the act was permitted, but for those that are pending.
        if (why == IPolicyModule.TooManyPending.selector) door.open = true;
    }

    function interfere(uint256 which) private {
        uint256 kind = random(20);
        if (kind < 6) objectTo();
        else if (kind < 9) petition(which);
        else if (kind == 9) flash(which);
        else if (kind == 10) veto();
        else if (kind == 11) pauseAndTrespass(which);
        else if (kind < 14) shorten(which);
        else if (kind == 14) renounce(which);
        else trespass(which);
    }

    function vote(uint256 seed) external {
        begin(seed);
        uint256 kind = random(8);
        if (kind < 4) {
            objectTo();
        } else if (kind == 4) {
            petition(random(POLICIES));
        } else if (kind == 5) {
            flash(random(POLICIES));
        } else {
            address from = member(random(MEMBERS));
            address to = oneIn(6) ? lender : member(random(MEMBERS));
            uint256 amount = oneIn(2) ? votes.balanceOf(from) / 2 : votes.balanceOf(from);
            vm.prank(from);
            if (kind == 6) votes.delegate(to);
            else votes.transfer(to, amount);
            ++counts.other;
        }
    }

    function objectTo() private {
        if (pendings.length == 0) return;
        Pending storage pending = recent();
        objectAs(pending, member(random(MEMBERS)), oneIn(6), oneIn(3));
    }

    function objectAs(Pending storage pending, address account, bool twice, bool bySignature) private {
        bytes memory data;
        bool stolen;
        bytes32 policyId = idOf(pending.which);
        if (bySignature) {
            address signer = oneIn(4) ? member(random(MEMBERS)) : account;
            bytes memory signature = signatureOf(signer, account, policyId, pending.id);
            data = abi.encodeCall(IPolicyModule.objectBySig, (policyId, pending.id, account, signature));
            (twice, stolen) = (false, signer != account);
        } else {
            bytes32[] memory ids = new bytes32[](twice ? 2 : 1);
            ids[0] = pending.id;
            if (twice) ids[1] = pending.id;
            data = abi.encodeCall(IPolicyModule.object, (policyId, ids));
        }
        (bool done,) = send(bySignature ? stranger : account, data);
        if (!done) {
            ++counts.notVotes;
            return;
        }
        ++counts.votes;
        require(!stolen, "P8: an objection that its account did not sign");
        require(!objected[pending.id][account], "P8: an objection was counted twice");
        require(!pending.over && block.timestamp < pending.expiresAt, "P8: an objection to what is over");
        objected[pending.id][account] = true;
        pending.objections += votes.getPastVotes(account, pending.snapshot);
        // The same act twice in one list: the second goes unheard only if the first has killed it.
        require(!twice || pending.objections >= pending.kills, "P8: an objection was counted twice");
        if (pending.objections < pending.kills) return;
        ++counts.kills;
        pending.over = true;
        policies[pending.which].quietUntil = block.timestamp + inForce(pending.which).delay;
    }

    function signatureOf(address signer, address account, bytes32 policyId, bytes32 actId) private view returns (bytes memory) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Mandate PolicyModule"),
                keccak256("2"),
                block.chainid,
                address(module)
            )
        );
        uint256 key = 0xA0;
        while (vm.addr(key) != signer) ++key;
        bytes32 content = keccak256(abi.encode(OBJECTION, policyId, actId, account));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, content)));
        return abi.encodePacked(r, s, v);
    }

    mapping(uint256 which => mapping(uint256 serial => mapping(address account => bool))) private asked;

    function petition(uint256 which) private {
        petitionAs(which, member(random(MEMBERS)));
    }

    function petitionAs(uint256 which, address account) private {
        (bool done,) = send(account, abi.encodeCall(IPolicyModule.petition, (idOf(which))));
        if (!done) {
            ++counts.notVotes;
            return;
        }
        ++counts.votes;
        Petition storage ghost = petitions[which];
        require(!paused && block.timestamp < policies[which].end, "P8: a petition for nothing");
        if (ghost.serial == 0 || block.timestamp >= ghost.until || ghost.epoch != epoch) {
            (ghost.serial, ghost.power, ghost.epoch) = (ghost.serial + 1, 0, epoch);
            (ghost.snapshot, ghost.until) = (votes.clock() - 1, block.timestamp + 7 days);
        }
        require(!asked[which][ghost.serial][account], "P8: a petition signed twice");
        asked[which][ghost.serial][account] = true;
        ghost.power += votes.getPastVotes(account, ghost.snapshot);
        IPolicyModule.Petition memory counted = module.petitionOf(idOf(which));
        require(counted.power == ghost.power, "P8: signatures were not counted once each");
        require(counted.snapshot == ghost.snapshot && counted.until == ghost.until, "P8: another petition");
        require(counted.power <= votes.getPastTotalSupply(ghost.snapshot), "P8: more power than there was");
        if (ghost.power >= thresholdOf(inForce(which).bps, ghost.snapshot)) stopped();
    }

    /// @dev Half of all votes for one moment: borrowed, delegated, used, given back.
    function flash(uint256 which) private {
        address account = member(random(MEMBERS));
        uint256 amount = votes.balanceOf(lender);
        vm.prank(lender);
        votes.transfer(account, amount);
        vm.prank(account);
        votes.delegate(account);
        if (pendings.length != 0) objectAs(pendings[pendings.length - 1], account, false, false);
        petitionAs(which, account);
        vm.prank(account);
        votes.transfer(lender, amount);
    }

    function stopped() private {
        (paused, epoch) = (true, epoch + 1);
        ++counts.pauses;
        for (uint256 i; i < pendings.length; ++i) {
            pendings[i].over = true;
        }
    }

    function voidAll(uint256 which) private {
        for (uint256 i; i < pendings.length; ++i) {
            if (pendings[i].which == which) pendings[i].over = true;
        }
    }

    function guard() private returns (address) {
        return oneIn(4) ? owner : guardian;
    }

    function tally(bool done) private {
        if (done) ++counts.stops;
        else ++counts.notStops;
    }

    function veto() private {
        if (pendings.length == 0) return;
        Pending storage pending = recent();
        (bool done,) = send(guard(), abi.encodeCall(IPolicyModule.veto, (idOf(pending.which), pending.id)));
        tally(done);
        if (done) pending.over = true;
    }

    function pause() private {
        (bool done,) = send(guard(), abi.encodeCall(IPolicyModule.pause, ()));
        tally(done);
        require(done != paused, "P5: a pause refused, or twice");
        if (done) stopped();
    }

    function pauseAndTrespass(uint256 which) private {
        pause();
        trespass(which);
    }

    function unpause() private {
        vm.prank(owner);
        module.unpause();
        paused = false;
    }

    /// @dev To now, or to somewhat earlier than it was; or later, which must not go.
    function shorten(uint256 which) private {
        Policy storage ghost = policies[which];
        uint256 end = oneIn(3) ? block.timestamp : ghost.end + 7200 - random(14400);
        (bool done,) = send(guard(), abi.encodeCall(IPolicyModule.shorten, (idOf(which), uint40(end))));
        tally(done);
        if (!done) return;
        require(end / 3600 * 3600 < ghost.end, "P5: an end moved back");
        ghost.end = end / 3600 * 3600;
        if (block.timestamp >= ghost.end) voidAll(which);
    }

    function renounce(uint256 which) private {
        (bool done,) = send(agentOf(which), abi.encodeCall(IPolicyModule.renounce, (idOf(which))));
        tally(done);
        if (!done) return;
        policies[which].end = block.timestamp / 3600 * 3600;
        voidAll(which);
    }

    /// @dev Everybody tries what is not theirs.
    function trespass(uint256 which) private {
        address[5] memory people = [stranger, member(0), guardian, agentOf(which), agentOf(2 - which)];
        uint256 who = random(5);
        bytes memory data;
        uint256 kind = random(8);
        if (paused && oneIn(2)) (kind, who) = (0, oneIn(2) ? 2 : who);
        if (kind == 0) data = abi.encodeCall(IPolicyModule.unpause, ());
        else if (kind == 1) data = abi.encodeCall(IPolicyModule.setPolicy, (idOf(which), codeOf(which)));
        else if (kind == 2) data = abi.encodeCall(IPolicyModule.setGuardian, (stranger));
        else if (who == 2) return; // the rest a guardian may
        else if (kind == 3) data = abi.encodeCall(IPolicyModule.pause, ());
        else if (kind == 4) data = abi.encodeCall(IPolicyModule.shorten, (idOf(which), uint40(block.timestamp)));
        else if (kind == 5 && pendings.length != 0) data = vetoing(recent());
        else if (who > 2 && agentOf(which) == agentOf(2 - which)) return;
        else if (who == 3) return;
        else data = abi.encodeCall(IPolicyModule.renounce, (idOf(which)));
        (bool done,) = send(people[who], data);
        require(!done, "P5: somebody did what only others may");
    }

    function vetoing(Pending storage pending) private view returns (bytes memory) {
        return abi.encodeCall(IPolicyModule.veto, (idOf(pending.which), pending.id));
    }

    // ================================================================ votes, and the world

    /// @dev A vote of the DAO: another version of a policy, another guardian.
    function decide(uint256 seed) external {
        begin(seed);
        if (paused && oneIn(2)) {
            unpause();
        } else if (oneIn(6)) {
            guardian = oneIn(3) ? address(0xC34) : address(0xC33);
            vm.prank(owner);
            module.setGuardian(guardian);
        } else {
            uint256 which = random(POLICIES);
            setPolicy(which);
            voidAll(which);
        }
    }

    /// @dev Targets change their ways.
    function turn(uint256 seed) external {
        begin(seed);
        HostileToken token = oneIn(3) ? gold : wild;
        HostileToken.Mood memory mood;
        if (oneIn(2)) mood.answer = HostileToken.Answer(random(5));
        if (oneIn(4)) mood.feeBps = uint16(random(10_001));
        if (oneIn(3)) mood.surchargeBps = uint16(random(3000));
        mood.sticky = oneIn(4);
        mood.deaf = oneIn(6);
        mood.pokes = oneIn(2);
        mood.blocking = oneIn(4);
        if (oneIn(6)) mood.lie = uint8(1 + random(2));
        token.become(mood, address(uint160(payees[random(payees.length)])));
        uint256 gift = [uint256(0), 1, 1e6, 1e30][random(4)];
        bazaar.become(oneIn(3) ? random(20_001) : 10_000, random(4), gift, oneIn(2) ? 0 : random(1e18), oneIn(2));
        ++counts.other;
    }

    // ================================================================ bytes

    /// @dev P7: whatever bytes are accepted, decoding and encoding them gives the same bytes again.
    function code(uint256 seed) external {
        begin(seed);
        for (uint256 i; i < 3; ++i) {
            tryCode();
        }
    }

    function tryCode() private {
        bytes memory bytes_ = codeOf(random(POLICIES));
        for (uint256 i = oneIn(16) ? 0 : 1 + random(4) / 3; i != 0; --i) {
            bytes_ = mutate(bytes_);
        }
        try this.rehearseCode(bytes_) {
            revert("a rehearsal did not end");
        } catch (bytes memory answer) {
            if (bytes4(answer) == Rehearsed.selector) ++counts.codes;
            else if (bytes4(answer) == NotCanonical.selector) revert("P7: accepted bytes are not canonical");
            else ++counts.notCodes;
        }
    }

    error NotCanonical();

    function rehearseCode(bytes memory bytes_) external {
        vm.prank(owner);
        module.setPolicy(idOf(0), bytes_);
        (bool good, SlowPolicy.Policy memory p) = SlowPolicy.decode(codeOf(0));
        if (!good || keccak256(p.encode()) != keccak256(bytes_)) revert NotCanonical();
        revert Rehearsed(true, 0);
    }

    function mutate(bytes memory bytes_) private returns (bytes memory) {
        uint256 kind = random(12);
        uint256 budgets = uint8(bytes_[97]);
        uint256 rules = uint8(bytes_[99]);
        uint256 heads = 100 + 67 * budgets;
        // A change before this one may have hit the counts, which then name places that are not there.
        if (budgets == 0 || rules == 0 || heads + 32 * rules > bytes_.length) return bytes_;
        if (kind == 0) return bytes.concat(bytes_, bytes1(uint8(random(2))));
        if (kind == 1) {
            assembly ("memory-safe") {
                mstore(bytes_, sub(mload(bytes_), 1))
            }
        } else if (kind == 2) {
            exchange(bytes_, 100 + 67 * random(budgets), 67);
        } else if (kind == 3) {
            exchange(bytes_, heads + 32 * random(rules), 32);
        } else if (kind == 4) {
            exchange(bytes_, heads + 32 * rules + 2 + 32 * random(payees.length), 32); // the list
        } else if (kind < 8) {
            uint256 head = heads + 32 * random(rules);
            uint256 body = uint256(uint8(bytes_[head + 30])) * 256 + uint8(bytes_[head + 31]);
            uint256 clauses = body + 2 * uint256(uint8(bytes_[head + 26]));
            uint256 charges = clauses + 35 * uint256(uint8(bytes_[head + 27]));
            if (kind == 5) exchange(bytes_, clauses + 35 * random(1 + uint8(bytes_[head + 27])), 35);
            else if (kind == 6) exchange(bytes_, charges, 4);
            else bytes_[head + 24 + random(8)] ^= bytes1(uint8(1 << random(8))); // flags, counts, where the body lies
        } else if (kind == 8) {
            uint256 at = oneIn(3) ? 2 : oneIn(3) ? random(15) : 15 + random(32); // the flags; unit to limit; the name
            bytes_[100 + 67 * random(budgets) + 20 + at] = bytes1(uint8(oneIn(2) ? random(256) : random(4)));
        } else if (kind == 9) {
            exchange(bytes_, heads + 32 * random(rules), 32, 24); // two rules' targets and selectors, and nothing else
        } else if (kind == 10) {
            uint256 from = heads + 32 * random(rules);
            uint256 to = heads + 32 * random(rules);
            (bytes_[to + 30], bytes_[to + 31]) = (bytes_[from + 30], bytes_[from + 31]); // another rule's body
        } else {
            bytes_[random(bytes_.length)] ^= bytes1(uint8(1 << random(8)));
        }
        return bytes_;
    }

    /// @dev Changes the places of two neighbours of the same size.
    function exchange(bytes memory bytes_, uint256 at, uint256 size) private pure {
        exchange(bytes_, at, size, size);
    }

    /// @dev The same of their first `count` bytes.
    function exchange(bytes memory bytes_, uint256 at, uint256 size, uint256 count) private pure {
        if (at + 2 * size > bytes_.length) return;
        for (uint256 i; i < count; ++i) {
            (bytes_[at + i], bytes_[at + size + i]) = (bytes_[at + size + i], bytes_[at + i]);
        }
    }

    // ================================================================ the end of a run

    /// @notice What must hold between any two steps.
    function check() external view {
        steady();
    }

    /// @notice The properties over the whole past, and what was tried, as a line of JSON if MANDATE_INVARIANT_COUNTS names a
    /// file.
    function finish() external {
        windows();
        string memory path = vm.envOr("MANDATE_INVARIANT_COUNTS", "");
        if (bytes(path).length != 0) vm.writeLine(path, line());
    }

    function line() private view returns (string memory) {
        Counts memory c = counts;
        string memory acts = string.concat(
            pair("executed", c.executed), pair("not executed", c.notExecuted), pair("scheduled", c.scheduled)
        );
        acts = string.concat(acts, pair("not scheduled", c.notScheduled), pair("released", c.released));
        acts = string.concat(acts, pair("not released", c.notReleased), pair("attempts to re-enter", c.woken));
        string memory rest = string.concat(pair("votes counted", c.votes), pair("votes refused", c.notVotes));
        rest = string.concat(rest, pair("acts killed", c.kills), pair("pauses", c.pauses), pair("stops", c.stops));
        rest = string.concat(rest, pair("stops refused", c.notStops), pair("policies set", c.policies));
        rest = string.concat(rest, pair("codes accepted", c.codes), pair("codes refused", c.notCodes));
        return string.concat("{", acts, rest, "\"runs\": 1}");
    }

    function pair(string memory name, uint256 value) private pure returns (string memory) {
        return string.concat("\"", name, "\": ", vm.toString(value), ", ");
    }
}
