// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base, IDelegate} from "./support/Base.sol";
import {Build} from "./support/Build.sol";
import {AgentContract, Market, Sink} from "./support/Targets.sol";
import {Books, Token} from "./support/Tokens.sol";

/// @notice Answers as many bytes as it is asked for, all ones: or reverts with them.
contract Bomb {
    function go(uint256 size, bool reverts) external pure {
        assembly {
            let start := mload(0x40)
            for { let i := 0 } lt(i, size) { i := add(i, 32) } { mstore(add(start, i), not(0)) }
            if reverts { revert(start, size) }
            return(start, size)
        }
    }
}

/// @notice Reads only the low 160 bits of an address word, as compilers once did.
contract MaskingToken is Books {
    fallback() external {
        require(bytes4(msg.data) == 0x095ea7b3);
        allowance[msg.sender][address(uint160(uint256(bytes32(msg.data[4:]))))] = uint256(bytes32(msg.data[36:]));
    }
}

/// @notice An exchange that, once it has taken, calls whatever it was told to call.
contract CallingMarket {
    address private target;
    bytes private data;
    bool public succeeded;

    function set(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function take(IERC20 token, uint256 amount) external {
        if (amount != 0) token.transferFrom(msg.sender, address(this), amount);
        (succeeded,) = target.call(data);
    }
}

/// @notice Keeps a token for its depositors and gives it back.
contract Vault {
    IERC20 private immutable TOKEN;
    mapping(address account => uint256) public shares;

    constructor(address token) {
        TOKEN = IERC20(token);
    }

    function credit(address account, uint256 amount) external {
        shares[account] += amount;
    }

    function redeem(uint256 amount) external {
        shares[msg.sender] -= amount;
        TOKEN.transfer(msg.sender, amount);
    }
}

interface IEnable {
    function enableModule(address module) external;
}

/// @notice A review's attempts to steal, or to keep members from stopping a theft. What begins with `limit` shows what
/// docs/policy-module.md says is not protected, so that a change to it is seen.
contract TheftTest is Base {
    using Build for Build.Policy;
    using Build for Build.Rule;

    bytes4 private constant APPROVE = 0x095ea7b3;

    // ================================================================ keeping members from stopping

    /// The agent releases one small act in front of a member's list of objections: the others must not be saved by it.
    function test_theft_release_in_front_of_a_list_of_objections(uint256 which, bool byReplay) public {
        bytes32[] memory ids = new bytes32[](3);
        for (uint256 i; i < 3; ++i) {
            ids[i] = schedule(pay(i, 1000 * USDC));
            pass(COOLDOWN);
        }
        which = which % 3;
        pass(DELAY);
        if (byReplay) objectAs(ada, ids[which]);
        else release(ids[which], pay(which, 1000 * USDC));
        vm.prank(ada);
        module.object(ID, ids);
        for (uint256 i; i < 3; ++i) {
            require(isOver(ids[i]), "all are over");
        }
        equal(1_000_000 * USDC - IERC20(usdc).balanceOf(treasury), byReplay ? 0 : 1000 * USDC, "what left");
        vm.prank(ada);
        vm.expectRevert(IPolicyModule.NotPending.selector);
        module.object(ID, ids); // nothing is left that could count
        vm.prank(ada);
        vm.expectRevert(IPolicyModule.NotPending.selector);
        module.object(ID, new bytes32[](0));
    }

    /// Passing by what is over must not let an objection through that counts nothing.
    function test_theft_list_of_objections_without_power() public {
        bytes32[] memory ids = new bytes32[](2);
        ids[0] = schedule(pay(0, 1));
        pass(COOLDOWN);
        ids[1] = schedule(pay(1, 1));
        vm.prank(dana);
        vm.expectRevert(IPolicyModule.NoPower.selector);
        module.object(ID, ids);
    }

    /// The longest policy and full places make stopping dearer, but never dear.
    function test_theft_stopping_made_too_expensive() public {
        Build.Policy memory p = payroll();
        uint256[] memory words = new uint256[](755);
        for (uint256 i; i < 755; ++i) {
            words[i] = people[0] + i;
        }
        p.lists = one(Build.list(words));
        p.cooldown = 0;
        put(p);
        require(code.length > 24_000, "long");
        bytes32[] memory ids = new bytes32[](4);
        for (uint256 i; i < 4; ++i) {
            ids[i] = schedule(pay(i, 1));
        }
        pass(1);
        vm.prank(ben);
        uint256 gas = gasleft();
        module.object(ID, ids);
        require(gas - gasleft() < 500_000, "object");
        vm.prank(ben);
        gas = gasleft();
        module.petition(ID);
        require(gas - gasleft() < 300_000, "petition");
        vm.prank(guardian);
        gas = gasleft();
        module.veto(ID, ids[3]);
        require(gas - gasleft() < 100_000, "veto");
        vm.prank(guardian);
        gas = gasleft();
        module.pause();
        require(gas - gasleft() < 100_000, "pause");
    }

    /// The quiet time lies in the first place: an act that is pending there neither loses it nor is hurt by it.
    function test_theft_quiet_time_in_an_occupied_place(uint256 amount) public {
        amount = bound(amount, 1, 1000 * USDC);
        bytes32 first = schedule(pay(0, amount));
        pass(COOLDOWN);
        bytes32 second = schedule(pay(1, amount));
        pass(DELAY - COOLDOWN);
        objectAs(ada, second);
        uint256 until = block.timestamp + DELAY;
        require(isLive(first), "not that one");
        release(first, pay(0, amount)); // frees the place that holds the quiet time
        refuseSchedule(pay(2, 1), err(IPolicyModule.Quiet.selector, until));
        vm.warp(until - 1);
        refuseSchedule(pay(2, 1), err(IPolicyModule.Quiet.selector, until));
        vm.warp(until);
        bytes32 third = schedule(pay(2, 1));
        equal(module.pendingActs(ID)[0].quietUntil, 0, "over");
        require(module.pendingActs(ID)[0].actId == third, "in the first place");
    }

    /// Objections stay with the act that they were made to, and an expired act's place gives its name no second life.
    function test_theft_place_freed_by_expiry() public {
        bytes32 old = schedule(pay(0, 1));
        objectAs(ben, old); // 9 of the 10 % that kill
        pass(uint256(DELAY) + WINDOW);
        bytes32 next = schedule(pay(0, 1));
        require(module.pendingActs(ID)[0].actId == next && old != next, "the same place, another name");
        (uint256 objections,) = module.pending(ID, next);
        equal(objections, 0, "of the next act");
        vm.prank(chloe);
        vm.expectRevert(IPolicyModule.NotPending.selector);
        module.object(ID, list(old));
        pass(DELAY);
        refuseRelease(old, pay(0, 1), err(IPolicyModule.NotPending.selector));
        objectAs(chloe, next); // 9 % of its own
        release(next, pay(0, 1));
    }

    // ================================================================ calldata and memory

    /// Lengths that wrap around: of the data, and of the bytes or the array in it.
    function test_theft_lengths_that_wrap(uint256 outer, uint256 inner, bool isArray) public {
        Sink sink = new Sink();
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](0);
        p.rules = one(Build.rule(address(sink), TRANSFER, 0, 1, "", "").dynamic(Build.array(0, isArray ? 255 : 0)));
        put(p);
        unchecked {
            outer = type(uint256).max - outer % 1024;
            inner = type(uint256).max / (isArray ? 1 + outer % 8192 : 1) - inner % 1024;
        }
        bytes memory data = abi.encodePacked(
            IPolicyModule.execute.selector,
            abi.encode(ID, codehash, 160, 1, DECISION, 1, 32),
            abi.encode(sink, 0, 96, outer),
            abi.encodePacked(TRANSFER, uint256(32), inner, uint256(0), uint256(0))
        );
        vm.prank(agent);
        (bool done,) = address(module).call{gas: 3_000_000}(data);
        require(!done && sink.calls() == 0, "refused");
    }

    /// A long answer lies behind what is checked next, and overwrites nothing of it: neither calls, nor heads, nor caps.
    function test_theft_answer_that_overwrites_memory(uint256 size, uint256 over) public {
        Bomb bomb = new Bomb();
        size = bound(size, 0, 20_000);
        Build.Policy memory p = payroll();
        p.budgets = one(Build.measured(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day"));
        Build.Rule memory bombs = Build.rule(address(bomb), Bomb.go.selector, 0, 2, "", "");
        p.rules = uint160(address(bomb)) < uint160(usdc) ? two(bombs, payRule()) : two(payRule(), bombs);
        put(p);
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](3);
        calls[0] = calling(address(bomb), 0, abi.encodeCall(Bomb.go, (size, false)))[0];
        calls[1] = pay(0, 5000 * USDC)[0];
        calls[2] = calls[0];
        execute(calls);
        equal(module.spent(key(), SEGMENT), units(5000 * USDC), "charged");
        equal(IERC20(usdc).balanceOf(address(uint160(people[0]))), 5000 * USDC, "paid");
        pass(COOLDOWN);
        calls[1] = pay(0, 1000 * USDC + bound(over, 1, USDC))[0];
        uint24 number = nextNumber();
        vm.prank(agent);
        vm.expectPartialRevert(IPolicyModule.OverInstant.selector);
        module.execute(ID, codehash, calls, number, DECISION);
        calls[1] = pay(0, 1)[0];
        calls[2] = calling(address(bomb), 0, abi.encodeCall(Bomb.go, (size, true)))[0];
        vm.prank(agent);
        vm.expectPartialRevert(IPolicyModule.CallFailed.selector);
        module.execute(ID, codehash, calls, number, DECISION);
    }

    /// A spender written with dirt above the address, for a token that does not look at it.
    function test_theft_approval_with_dirty_bits(uint96 dirt, uint256 amount) public {
        address token = address(new MaskingToken());
        amount = bound(amount, 1, type(uint128).max);
        Build.Policy memory p = payroll();
        p.budgets = one(Build.measured(0, token, EXPONENT, PERIOD, INSTANT, LIMIT, "day"));
        p.rules = one(Build.rule(token, APPROVE, 4, 2, "", ""));
        put(p);
        uint256 word = uint256(dirt) << 160 | uint160(stranger);
        refuseExecute(
            calling(token, 0, abi.encodePacked(APPROVE, word, amount)),
            abi.encodeWithSelector(IPolicyModule.AllowanceLeft.selector, 0, stranger, amount)
        );
    }

    // ================================================================ things that happen inside a call

    /// A vote is executed (by anybody) in the middle of an act: the act goes on under the code that it was checked
    /// against, and what it takes is charged where the new policy looks.
    function test_theft_vote_executed_inside_an_act(uint256 amount) public {
        amount = bound(amount, 1, 6000 * USDC);
        CallingMarket market = new CallingMarket();
        AgentContract timelock = new AgentContract();
        owner = address(timelock);
        module = IPolicyModule(
            vm.deployCode(
                "PolicyModule.sol:PolicyModule", abi.encode(owner, governor, treasury, votes, guardian)
            )
        );
        vm.prank(address(0xA11));
        IEnable(treasury).enableModule(address(module));
        Build.Policy memory p = marketPolicy(address(market), CallingMarket.take.selector, 2);
        put(p);
        bytes32 pending = schedule(take(market, 0, 0));
        pass(COOLDOWN);
        p.budgets = one(Build.measured(0, usdc, EXPONENT, PERIOD, 1, 1, "day")); // nearly nothing
        market.set(
            address(timelock),
            abi.encodeCall(AgentContract.act, (address(module), abi.encodeCall(IPolicyModule.setPolicy, (ID, p.encode()))))
        );
        bytes32 planned = codehash;
        vm.prank(agent);
        module.execute(ID, planned, take(market, amount, amount), 2, DECISION);
        require(market.succeeded(), "replaced");
        equal(module.spent(key(), SEGMENT), units(amount), "charged");
        require(!isLive(pending), "void");
        pass(COOLDOWN);
        vm.prank(agent);
        vm.expectRevert();
        module.execute(ID, planned, take(market, 0, 0), 3, DECISION);
    }

    /// Not protected: somebody else's payment, made to happen inside the agent's call by whoever that call reaches, is charged
    /// to the agent's measured budget. It uses up the instant part, or makes the act fail; nothing more leaves by it.
    function test_limit_anothers_payment_inside_the_call_burns_the_instant_part(uint256 paid, uint256 taken) public {
        taken = bound(taken, 1, 6000 * USDC);
        paid = bound(paid, 1, 6000 * USDC);
        CallingMarket market = new CallingMarket();
        AgentContract timelock = new AgentContract();
        treasury = vm.deployCode("Treasury.sol:Treasury", abi.encode(timelock, new address[](0)));
        Token(usdc).mint(treasury, 100_000 * USDC);
        module = IPolicyModule(
            vm.deployCode("PolicyModule.sol:PolicyModule", abi.encode(owner, governor, treasury, votes, guardian))
        );
        timelock.act(treasury, abi.encodeCall(IEnable.enableModule, (address(module))));
        put(marketPolicy(address(market), CallingMarket.take.selector, 2));
        // A vote to pay somebody, which anybody may execute: here the market does.
        bytes memory pays = abi.encodeWithSignature(
            "perform(address,uint256,bytes)", usdc, 0, abi.encodeWithSelector(TRANSFER, stranger, paid)
        );
        market.set(address(timelock), abi.encodeCall(AgentContract.act, (treasury, pays)));
        if (units(taken + paid) > INSTANT) {
            bytes memory over = abi.encodeWithSelector(
                IPolicyModule.OverInstant.selector, key(), units(taken + paid), INSTANT
            );
            refuseExecute(take(market, taken, taken), over);
            return;
        }
        execute(take(market, taken, taken));
        equal(module.spent(key(), SEGMENT), units(taken + paid), "both are charged");
        equal(IERC20(usdc).balanceOf(stranger), paid, "what the vote paid");
        equal(IERC20(usdc).balanceOf(address(market)), taken, "what the act took");
    }

    /// Not protected: what comes in while a call runs makes up for what goes out in it, also when it was the treasury's
    /// before. Here another module on the same treasury redeems inside the call: nothing falls, so nothing is charged.
    /// A rule that charges its argument is not fooled (test_attack_fall_netted_by_a_claim_inside_the_call); the lock
    /// keeps other acts of the same module out.
    function test_limit_other_module_nets_a_measured_fall(bool sameModule) public {
        CallingMarket market = new CallingMarket();
        Vault vault = new Vault(usdc);
        AgentContract puppet = new AgentContract();
        uint256 amount = 5000 * USDC;
        vault.credit(treasury, amount);
        Token(usdc).mint(address(vault), amount);
        put(marketPolicy(address(market), CallingMarket.take.selector, 2));

        IPolicyModule other = sameModule
            ? module
            : IPolicyModule(
                vm.deployCode("PolicyModule.sol:PolicyModule", abi.encode(owner, governor, treasury, votes, guardian))
            );
        vm.prank(owner);
        IEnable(treasury).enableModule(address(other));
        Build.Policy memory p = payroll();
        p.agent = address(puppet);
        p.budgets = new bytes[](0);
        p.rules = one(Build.rule(address(vault), Vault.redeem.selector, 0, 1, "", ""));
        bytes memory redeems = p.encode();
        vm.prank(owner);
        other.setPolicy("vault", redeems);
        IPolicyModule.Call[] memory inner = calling(address(vault), 0, abi.encodeCall(Vault.redeem, (amount)));
        bytes memory act = abi.encodeCall(
            IPolicyModule.execute, ("vault", keccak256(abi.encodePacked(hex"00", redeems)), inner, 1, DECISION)
        );
        market.set(address(puppet), abi.encodeCall(AgentContract.act, (address(other), act)));

        execute(take(market, amount, amount));
        equal(IERC20(usdc).balanceOf(address(market)), amount, "taken");
        equal(module.spent(key(), SEGMENT), sameModule ? units(amount) : 0, "charged");
        equal(vault.shares(treasury), sameModule ? amount : 0, "shares");
    }

    /// Two policies over one ring of the DAO, both measured: together no more than the limit.
    function test_theft_two_measured_policies_over_one_ring(uint256 first, uint256 second) public {
        CallingMarket market = new CallingMarket();
        Build.Policy memory p = marketPolicy(address(market), CallingMarket.take.selector, 2);
        p.budgets = one(Build.measured(2, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "dao"));
        put(p);
        vm.prank(owner);
        module.setPolicy("other", code);
        first = bound(first, 1000, 6000 * USDC);
        second = bound(second, 6000 * USDC - first + 1, 6000 * USDC);
        execute(take(market, first, first));
        IPolicyModule.Call[] memory calls = take(market, second, second);
        vm.prank(agent);
        vm.expectPartialRevert(IPolicyModule.OverInstant.selector);
        module.execute("other", codehash, calls, 1, DECISION);
    }

    // ================================================================ policies and wiring

    /// An account with a key may run a contract's code today and other code tomorrow: it is no contract to vote for.
    function test_theft_target_that_is_an_account_running_code(address implementation, bytes23 other) public {
        address account = address(0x7702);
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](0);
        p.rules = one(Build.rule(account, TRANSFER, 0, 2, "", ""));
        vm.etch(account, abi.encodePacked(hex"ef0100", implementation));
        refusePolicy(p, 100, "target has no code");
        p = payroll();
        p.budgets = two(p.budgets[0], Build.measured(1, account, 0, PERIOD, 1, 1, ""));
        refusePolicy(p, 100 + 67 + 1, "asset has no code");
        vm.assume(bytes1(other) != 0xef);
        vm.etch(account, abi.encodePacked(other)); // as long, but a contract
        put(p);
    }

    /// Other contracts' words for "may take from me later".
    function test_theft_operators_under_other_names() public {
        string[9] memory signatures = [
            "approve(uint256,address,uint256)",
            "setOperator(address,uint48)",
            "setOperator(bytes19,address,uint256)",
            "setAccountOperator(address,address,bool)",
            "setOperators((address,bool)[])",
            "setRelayerApproval(address,address,bool)",
            "authorizeOperatorByPartition(bytes32,address)",
            "cdpAllow(uint256,address,uint256)",
            "registerAllowedOrderSigner(address,bool)"
        ];
        for (uint256 i; i < signatures.length; ++i) {
            Build.Policy memory p = payroll();
            p.budgets = new bytes[](0);
            p.rules = one(Build.rule(usdc, bytes4(keccak256(bytes(signatures[i]))), 0, 4, "", ""));
            refusePolicy(p, 100 + 20, "outlives every budget");
        }
    }

    /// Not protected: the threshold of the policy that is petitioned against pauses the module, and so every policy.
    function test_limit_a_policy_with_a_low_threshold_pauses_all() public {
        Build.Policy memory p = payroll();
        p.objectionBps = 1;
        p.agent = address(0xA6E);
        vm.prank(owner);
        module.setPolicy("small", p.encode());
        pass(1);
        vm.prank(ben);
        module.petition("small");
        require(module.paused(), "all of them");
        refuseExecute(pay(0, 1), err(IPolicyModule.IsPaused.selector));
    }

    /// Not protected: a guardian that vetoes an act in front of the objection that would kill it spares the agent the
    /// quiet time. The act is over all the same.
    function test_limit_guardian_vetoes_in_front_of_the_kill(bool vetoes) public {
        bytes32 actId = schedule(pay(0, 1));
        pass(COOLDOWN);
        if (vetoes) {
            vm.prank(guardian);
            module.veto(ID, actId);
            vm.prank(ada);
            vm.expectRevert(IPolicyModule.NotPending.selector);
            module.object(ID, list(actId));
            schedule(pay(0, 1));
        } else {
            objectAs(ada, actId);
            refuseSchedule(pay(0, 1), err(IPolicyModule.Quiet.selector, block.timestamp + DELAY));
        }
        require(isOver(actId), "over");
    }

    /// Not protected: two incomes in one asset are each demanded, but the same rise answers both.
    function test_limit_two_incomes_of_one_asset_are_not_added_up(uint256 given) public {
        Market market = new Market();
        Token coin = new Token(6);
        Token other = new Token(6);
        Build.Policy memory p = payroll();
        p.budgets = two(
            Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day"),
            Build.budget(0, address(other), EXPONENT, PERIOD, INSTANT, LIMIT, "day")
        );
        if (uint160(usdc) > uint160(address(other))) (p.budgets[0], p.budgets[1]) = (p.budgets[1], p.budgets[0]);
        bytes memory incomes =
            abi.encodePacked(Build.income(address(coin), 0, 1, 1), Build.income(address(coin), 1, 1, 1));
        bytes memory charges = abi.encodePacked(Build.charge(0, 0, 0), Build.charge(1, 0, 0));
        p.rules = one(Build.rule(address(market), Market.trade.selector, 0, 5, "", charges).earning(incomes));
        put(p);
        given = bound(given, 0, 2000);
        coin.mint(address(market), given);
        IPolicyModule.Call[] memory calls =
            calling(address(market), 0, abi.encodeCall(Market.trade, (1000, usdc, 0, address(coin), given)));
        if (given < 1000) {
            refuseExecute(
                calls, abi.encodeWithSelector(IPolicyModule.TooLittleIncome.selector, 0, address(coin), given, 1000)
            );
        } else {
            execute(calls); // 1000 are enough, though 1000 of each was charged
        }
    }

    /// Wrapped ether and old contracts pay with 2,300 gas: what is owed to the treasury must still come in.
    function test_treasury_is_paid_with_a_stipend() public {
        vm.deal(address(this), 1);
        payable(treasury).transfer(1);
        equal(treasury.balance, 100 ether + 1, "came in");
    }

    /// A treasury that is no contract performs nothing, and so nothing counts as performed.
    function test_theft_treasury_without_code() public {
        module = IPolicyModule(
            vm.deployCode("PolicyModule.sol:PolicyModule", abi.encode(owner, governor, stranger, votes, guardian))
        );
        put(payroll());
        refuseExecute(pay(0, 1), "");
    }

    /// Not protected: whoever holds one vote opens a petition, and so fixes its snapshot. What is delegated later counts in
    /// the next petition, after seven days at the latest: opening one again before that changes nothing.
    function test_limit_petition_opened_for_its_snapshot(uint256 wait) public {
        vm.prank(owner);
        IERC20(votes).transfer(stranger, 1);
        vm.prank(stranger);
        IDelegate(votes).delegate(stranger);
        pass(1);
        uint256 opened = block.timestamp;
        vm.prank(stranger);
        module.petition(ID);
        vm.prank(owner); // 52 % that were never delegated
        IDelegate(votes).delegate(owner);
        pass(bound(wait, 1, 7 days - 1));
        vm.prank(stranger);
        vm.expectRevert(IPolicyModule.AlreadySigned.selector);
        module.petition(ID);
        vm.prank(owner);
        vm.expectRevert(IPolicyModule.NoPower.selector);
        module.petition(ID);
        vm.warp(opened + 7 days);
        vm.prank(stranger);
        module.petition(ID); // at once again: but now the snapshot knows them
        vm.prank(owner);
        module.petition(ID);
        require(module.paused(), "paused");
    }

    // ================================================================ locking funds up

    /// Agent, guardian and members together, at their worst, lock nothing up: by vote everything can still be paid, the
    /// module taken away, or the work be given to another agent in the budgets as they stand.
    function test_theft_nothing_locks_the_treasury(bool paused, bool ended, uint256 spent) public {
        spent = bound(spent, 1, 5000 * USDC);
        execute(pay(0, spent));
        for (uint256 i; i < 4; ++i) {
            pass(COOLDOWN);
            schedule(pay(i, 5000 * USDC)); // every place is taken
        }
        if (ended) {
            vm.prank(agent);
            module.renounce(ID);
        }
        if (paused) {
            vm.prank(guardian);
            module.pause();
        }
        payOutByVote(usdc, 0, abi.encodeWithSelector(TRANSFER, stranger, 10));
        payOutByVote(stranger, 1 ether, "");
        equal(IERC20(usdc).balanceOf(stranger), 10, "paid by vote");
        equal(stranger.balance, 1 ether, "ether by vote");

        // Another agent, another guardian; a pause ends by vote as well.
        agent = address(0xA6E);
        put(payroll());
        vm.prank(owner);
        module.setGuardian(address(0));
        if (paused) {
            vm.prank(owner);
            module.unpause();
        }
        pass(COOLDOWN);
        uint256 left = INSTANT - units(spent);
        refuseExecute(
            payTwice(5000 * USDC, 1000 * USDC), // what was spent stays spent
            abi.encodeWithSelector(IPolicyModule.OverInstant.selector, key(), INSTANT, left)
        );
        execute(pay(1, left * UNIT < 5000 * USDC ? left * UNIT : 5000 * USDC));
        schedule3();

        payOutByVote(usdc, 0, abi.encodeWithSelector(TRANSFER, stranger, IERC20(usdc).balanceOf(treasury)));
        payOutByVote(stranger, treasury.balance, "");
        equal(IERC20(usdc).balanceOf(treasury) + treasury.balance, 0, "all of it");
    }

    // ================================================================ small things

    function payOutByVote(address to, uint256 value, bytes memory data) private {
        vm.prank(owner);
        (bool done,) = treasury.call(abi.encodeWithSignature("perform(address,uint256,bytes)", to, value, data));
        require(done, "performed");
    }

    /// The places of acts that are void are free again.
    function schedule3() private {
        for (uint256 i; i < 3; ++i) {
            pass(COOLDOWN);
            schedule(pay(i, 1));
        }
    }

    /// A policy that approves a market without charging it, and measures.
    function marketPolicy(address market, bytes4 selector, uint8 words) private view returns (Build.Policy memory p) {
        p = payroll();
        p.budgets = one(Build.measured(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day"));
        Build.Rule memory takes = Build.rule(market, selector, 0, words, "", "");
        Build.Rule memory approves = Build.rule(usdc, APPROVE, 6, 2, "", "");
        p.rules = uint160(market) < uint160(usdc) ? two(takes, approves) : two(approves, takes);
    }

    function take(CallingMarket market, uint256 approved, uint256 taken)
        private
        view
        returns (IPolicyModule.Call[] memory calls)
    {
        calls = new IPolicyModule.Call[](2);
        calls[0] = calling(usdc, 0, abi.encodeWithSelector(APPROVE, market, approved))[0];
        calls[1] = calling(address(market), 0, abi.encodeCall(CallingMarket.take, (IERC20(usdc), taken)))[0];
    }
}
