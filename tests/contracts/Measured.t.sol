// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";
import {Market} from "./support/Targets.sol";
import {FeeToken, Token} from "./support/Tokens.sol";

/// @notice What can only be known after the calls: how far balances fell, what came in, which allowances are left.
contract MeasuredTest is Base {
    using Build for Build.Policy;
    using Build for Build.Rule;

    bytes4 private constant APPROVE = 0x095ea7b3;
    Market private market;
    Token private coin;

    function setUp() public override {
        super.setUp();
        market = new Market();
        vm.deal(address(market), 100 ether);
        coin = new Token(18);
        coin.mint(address(market), 1e30);
        coin.mint(treasury, 1e30);
        // By vote, so that the market can pull without an approval in the act.
        vm.prank(treasury);
        coin.approve(address(market), type(uint256).max);
        allow(usdc);
        give(usdc, 500_000 * USDC);
        put(trading(measuredDay(), Build.charge(0, 0, 0), ""));
    }

    // ---------------------------------------------------------------- falls

    /// Charged is the larger of what was said and what fell.
    function test_measured_charges_what_was_said_or_what_fell(uint256 said, uint256 fall) public {
        said = bound(said, 0, 6000 * USDC);
        fall = bound(fall, 0, 6000 * USDC);
        execute(trade(said, usdc, fall, address(0), 0));
        equal(spent(usdc, "day"), units(said > fall ? said : fall), "spent");
    }

    /// A budget that no rule charges still is.
    function test_measured_charges_a_fall_alone(uint256 fall) public {
        put(trading(measuredDay(), "", ""));
        fall = bound(fall, 0, 6000 * USDC);
        execute(trade(type(uint256).max, usdc, fall, address(0), 0));
        equal(spent(usdc, "day"), units(fall), "spent");
    }

    /// Each call is measured for itself, and the act is rounded up once.
    function test_measured_adds_the_calls_up(uint256[3] memory said, uint256[3] memory falls) public {
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](3);
        uint256 sum;
        for (uint256 i; i < 3; ++i) {
            said[i] = bound(said[i], 0, 2000 * USDC);
            falls[i] = bound(falls[i], 0, 2000 * USDC);
            calls[i] = trade(said[i], usdc, falls[i], address(0), 0)[0];
            sum += said[i] > falls[i] ? said[i] : falls[i];
        }
        execute(calls);
        equal(spent(usdc, "day"), units(sum), "spent");
    }

    /// What comes in during one call makes up for nothing in another, before it or after it.
    function test_measured_rises_never_net_falls(uint256 rise, uint256 fall, bool riseFirst) public {
        put(trading(measuredDay(), "", ""));
        rise = bound(rise, 0, 100_000 * USDC);
        fall = bound(fall, 0, 6000 * USDC);
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](2);
        calls[riseFirst ? 0 : 1] = trade(0, usdc, 0, usdc, rise)[0];
        calls[riseFirst ? 1 : 0] = trade(0, usdc, fall, usdc, 0)[0];
        execute(calls);
        equal(spent(usdc, "day"), units(fall), "spent");
    }

    /// Every call of the policy is measured: also one whose own rule charges something else, or nothing.
    function test_measured_around_calls_of_every_rule(uint256 fall) public {
        fall = bound(fall, 0, 6000 * USDC);
        Build.Policy memory p = payroll();
        p.budgets = one(measuredDay());
        p.rules = sorted(
            Build.rule(address(market), Market.trade.selector, 0, 5, "", ""),
            Build.rule(usdc, TRANSFER, 2, 2, "", Build.charge(0, 0, 1))
        );
        put(p);
        execute(trade(0, usdc, fall, address(0), 0));
        equal(spent(usdc, "day"), units(fall), "spent");
    }

    function test_measured_several_budgets(uint256 ofUsdc, uint256 ofCoin, uint256 value, uint256 back) public {
        ofUsdc = bound(ofUsdc, 0, 6000 * USDC);
        ofCoin = bound(ofCoin, 0, 1000e18);
        value = bound(value, 0, 2 ether);
        back = bound(back, 0, 3 ether);
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](4);
        p.budgets[0] = Build.measured(0, address(0), 11, PERIOD, 1e8, 1e8, "ether");
        bool coinFirst = uint160(address(coin)) < uint160(usdc);
        bytes memory coins = Build.measured(0, address(coin), 15, PERIOD, 1e6, 1e6, "coins");
        p.budgets[coinFirst ? 1 : 3] = coins;
        p.budgets[coinFirst ? 2 : 1] = measuredDay();
        p.budgets[coinFirst ? 3 : 2] = Build.measured(0, usdc, EXPONENT, 30 days, LIMIT, LIMIT, "month");
        p.rules = one(Build.rule(address(market), Market.trade.selector, 0, 5, "", Build.charge(0, 1, 0)));
        put(p);
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](2);
        calls[0] = trade(0, usdc, ofUsdc, address(0), back)[0];
        calls[0].value = value;
        calls[1] = trade(0, address(coin), ofCoin, address(0), 0)[0];
        execute(calls);
        equal(spent(usdc, "day"), units(ofUsdc), "day");
        uint32 segment = uint32(uint256(30 days + 6) / 7);
        bytes32 month = keccak256(abi.encode(0, ID, usdc, EXPONENT, segment, bytes32("month")));
        equal(module.spent(month, segment), units(ofUsdc), "month");
        bytes32 k = keccak256(abi.encode(0, ID, address(coin), 15, SEGMENT, bytes32("coins")));
        equal(module.spent(k, SEGMENT), (ofCoin + 1e15 - 1) / 1e15, "coins");
        k = keccak256(abi.encode(0, ID, address(0), 11, SEGMENT, bytes32("ether")));
        equal(module.spent(k, SEGMENT), (value + 1e11 - 1) / 1e11, "ether: the value, whatever came back");
    }

    /// Ether that leaves other than as a call's value can't: but what a call sends and keeps is measured like the rest.
    function test_measured_ether_is_the_value_that_stays_away(uint256 value, uint256 back) public {
        value = bound(value, 0, 10 ether);
        back = bound(back, 0, 10 ether);
        Build.Policy memory p = payroll();
        p.budgets = new bytes[](2);
        p.budgets[0] = Build.budget(0, address(0), 11, PERIOD, 1e8, 1e8, "value");
        p.budgets[1] = Build.measured(0, address(0), 11, PERIOD, 1e8, 1e8, "net");
        p.rules = one(Build.rule(address(market), Market.trade.selector, 0, 5, "", Build.charge(0, 1, 0)));
        put(p);
        IPolicyModule.Call[] memory calls = trade(0, usdc, 0, address(0), back);
        calls[0].value = value;
        execute(calls);
        uint256 net = value > back ? value - back : 0;
        bytes32 k = keccak256(abi.encode(0, ID, address(0), 11, SEGMENT, bytes32("net")));
        equal(module.spent(k, SEGMENT), (net + 1e11 - 1) / 1e11, "net");
        k = keccak256(abi.encode(0, ID, address(0), 11, SEGMENT, bytes32("value")));
        equal(module.spent(k, SEGMENT), (value + 1e11 - 1) / 1e11, "value");
    }

    function test_measured_revert_OverInstant_afterTheCalls(uint256 said, uint256 fall) public {
        fall = bound(fall, 6000 * USDC + 1, 12_000 * USDC);
        said = bound(said, 0, 6000 * USDC);
        IPolicyModule.Call[] memory calls = trade(said, usdc, fall, address(0), 0);
        // With the whole charge of the act, not only what the fall adds.
        refuseExecute(
            calls, abi.encodeWithSelector(IPolicyModule.OverInstant.selector, key(), units(fall), INSTANT)
        );
        equal(spent(usdc, "day"), 0, "nothing charged");
        bytes32 actId = schedule(calls);
        pass(DELAY);
        release(actId, calls); // which the whole limit is for
        equal(spent(usdc, "day"), units(fall), "spent");
    }

    function test_measured_revert_OverBudget_afterTheCalls(uint256 fall, uint256 before) public {
        before = bound(before, 0, 6000 * USDC);
        fall = bound(fall, 12_000 * USDC + 1, 400_000 * USDC);
        execute(trade(before, usdc, 0, address(0), 0));
        pass(COOLDOWN);
        refuseExecute(
            trade(1, usdc, fall, address(0), 0),
            abi.encodeWithSelector(IPolicyModule.OverBudget.selector, key(), units(fall), LIMIT - units(before))
        );
    }

    /// A scheduled act is charged on release with what fell then.
    function test_measured_charges_on_release(uint256 said, uint256 fall) public {
        said = bound(said, 0, 12_000 * USDC);
        fall = bound(fall, 0, 12_000 * USDC);
        IPolicyModule.Call[] memory calls = trade(said, usdc, fall, address(0), 0);
        bytes32 actId = schedule(calls);
        equal(spent(usdc, "day"), 0, "nothing yet");
        pass(DELAY);
        release(actId, calls);
        equal(spent(usdc, "day"), units(said > fall ? said : fall), "spent");
    }

    /// A fee that a token takes on top of what is paid is charged, too.
    function test_measured_charges_a_fee_on_transfer(uint256 amount, uint256 bps) public {
        amount = bound(amount, 0, 100e18);
        bps = bound(bps, 0, 10_000);
        FeeToken token = new FeeToken();
        token.mint(treasury, 1000e18);
        token.setBps(bps);
        Build.Policy memory p = payroll();
        p.budgets = one(Build.measured(0, address(token), 12, PERIOD, 2e8, 2e8, "day"));
        p.rules = one(Build.rule(address(token), TRANSFER, 2, 2, "", Build.charge(0, 0, 1)));
        put(p);
        execute(calling(address(token), 0, abi.encodeWithSelector(TRANSFER, people[0], amount)));
        bytes32 k = keccak256(abi.encode(0, ID, address(token), 12, SEGMENT, bytes32("day")));
        uint256 left = amount + amount * bps / 10_000;
        equal(1000e18 - token.balanceOf(treasury), left, "what left");
        equal(module.spent(k, SEGMENT), (left + 1e12 - 1) / 1e12, "and was charged");
    }

    // ---------------------------------------------------------------- incomes

    function test_income_at_least_the_ratio_rounded_up(
        uint256 said,
        uint256 numerator,
        uint256 denominator,
        uint256 given
    ) public {
        said = bound(said, 0, 6000 * USDC);
        numerator = bound(numerator, 1, 1e24);
        denominator = bound(denominator, 1, 1e6);
        bytes memory income = Build.income(address(coin), 0, uint128(numerator), uint128(denominator));
        put(trading(plainDay(), Build.charge(0, 0, 0), income));
        uint256 needed = (said * numerator + denominator - 1) / denominator;
        given = given % 3 == 0 ? needed : given % 3 == 1 && needed != 0 ? needed - 1 : bound(given, 0, 2 * needed);
        coin.mint(address(market), given);
        IPolicyModule.Call[] memory calls = trade(said, usdc, 0, address(coin), given);
        if (given < needed) refuseExecute(calls, tooLittle(0, address(coin), given, needed));
        else execute(calls);
    }

    /// Under a measured budget, the fall is what must be paid for, if it is more than was said.
    function test_income_for_the_measured_fall(uint256 said, uint256 fall, uint256 given) public {
        said = bound(said, 0, 6000 * USDC);
        fall = bound(fall, 0, 6000 * USDC);
        put(trading(measuredDay(), Build.charge(0, 0, 0), Build.income(address(coin), 0, 3, 2)));
        uint256 charged = said > fall ? said : fall;
        uint256 needed = (charged * 3 + 1) / 2;
        given = bound(given, needed == 0 ? 0 : needed - 1, needed + 1);
        IPolicyModule.Call[] memory calls = trade(said, usdc, fall, address(coin), given);
        if (given < needed) refuseExecute(calls, tooLittle(0, address(coin), given, needed));
        else execute(calls);
    }

    /// Every call must bring its own: what one brings too much pays for no other.
    function test_income_of_each_call(uint256 first, uint256 second) public {
        first = bound(first, 0, 300);
        second = bound(second, 0, 300);
        put(trading(plainDay(), Build.charge(0, 0, 0), Build.income(address(coin), 0, 1, 1)));
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](2);
        calls[0] = trade(100, usdc, 0, address(coin), first)[0];
        calls[1] = trade(200, usdc, 0, address(coin), second)[0];
        if (first < 100) refuseExecute(calls, tooLittle(0, address(coin), first, 100));
        else if (second < 200) refuseExecute(calls, tooLittle(1, address(coin), second, 200));
        else execute(calls);
    }

    function test_income_in_ether(uint256 given) public {
        given = bound(given, 0, 2 ether);
        put(trading(plainDay(), Build.charge(0, 0, 0), Build.income(address(0), 0, 1e12, 1)));
        IPolicyModule.Call[] memory calls = trade(1e6, usdc, 0, address(0), given);
        if (given < 1 ether) refuseExecute(calls, tooLittle(0, address(0), given, 1 ether));
        else execute(calls);
    }

    function test_income_several(uint256 ofEther, uint256 ofCoin) public {
        ofEther = bound(ofEther, 0, 2000);
        ofCoin = bound(ofCoin, 0, 2000);
        Build.Policy memory p = trading(
            plainDay(),
            Build.charge(0, 0, 0),
            abi.encodePacked(Build.income(address(0), 0, 1, 1), Build.income(address(coin), 0, 1, 1))
        );
        p.rules = one(p.rules[0]);
        put(p);
        // One call can give only one of them: the other stays away.
        refuseExecute(trade(1000, usdc, 0, address(coin), ofCoin), tooLittle(0, address(0), 0, 1000));
        bytes memory reason =
            ofEther < 1000 ? tooLittle(0, address(0), ofEther, 1000) : tooLittle(0, address(coin), 0, 1000);
        refuseExecute(trade(1000, usdc, 0, address(0), ofEther), reason);
        execute(trade(0, usdc, 0, address(0), 0)); // nothing for nothing
    }

    /// A demand that does not fit 256 bits is the highest there is, not what is left of it.
    function test_income_revert_TooLittleIncome_overflow(uint256 said, uint128 numerator, uint256 given) public {
        said = bound(said, 2 ** 250, (2 ** 28 - 1) * 10 ** 68);
        numerator = uint128(bound(numerator, 64, type(uint128).max));
        given = bound(given, 0, 1e29);
        Build.Policy memory p = trading(
            Build.budget(0, usdc, 68, PERIOD, 2 ** 28 - 1, 2 ** 28 - 1, "day"),
            Build.charge(0, 0, 0),
            Build.income(address(coin), 0, numerator, 1)
        );
        put(p);
        refuseExecute(
            trade(said, usdc, 0, address(coin), given), tooLittle(0, address(coin), given, type(uint256).max)
        );
    }

    /// The highest products that still fit are exact.
    function test_income_of_large_numbers(uint128 numerator, uint128 denominator, uint256 said) public {
        numerator = uint128(bound(numerator, 1, type(uint128).max));
        denominator = uint128(bound(denominator, numerator, type(uint128).max));
        said = bound(said, 1, (2 ** 28 - 1) * 10 ** 68);
        put(
            trading(
                Build.budget(0, usdc, 68, PERIOD, 2 ** 28 - 1, 2 ** 28 - 1, "day"),
                Build.charge(0, 0, 0),
                Build.income(address(coin), 0, numerator, denominator)
            )
        );
        // said x numerator / denominator <= said, by long division.
        uint256 needed = said / denominator * numerator;
        uint256 rest = said % denominator * numerator; // 128 bits each
        needed += rest / denominator + (rest % denominator == 0 ? 0 : 1);
        refuseExecute(trade(said, usdc, 0, usdc, 1), tooLittle(0, address(coin), 0, needed));
    }

    /// A treasury that loses of the very asset it should earn has earned nothing.
    function test_income_revert_TooLittleIncome_fell(uint256 fall) public {
        fall = bound(fall, 0, 1e18);
        put(trading(plainDay(), Build.charge(0, 0, 0), Build.income(address(coin), 0, 1, 1)));
        refuseExecute(trade(1, address(coin), fall, usdc, 1), tooLittle(0, address(coin), 0, 1));
    }

    // ---------------------------------------------------------------- approvals

    function test_approval_used_up(uint256 amount) public {
        amount = bound(amount, 0, 6000 * USDC);
        putApproval();
        execute(approveAndTrade(amount, amount));
        equal(spent(usdc, "day"), units(amount), "spent");
    }

    function test_approval_revert_AllowanceLeft(uint256 amount, uint256 used) public {
        amount = bound(amount, 1, 6000 * USDC);
        used = bound(used, 0, amount - 1);
        putApproval();
        refuseExecute(approveAndTrade(amount, used), allowanceLeft(0, amount - used));
    }

    function test_approval_taken_back(uint256 amount, uint256 used) public {
        used = bound(used, 0, 6000 * USDC);
        if (amount < used) amount = used; // up to everything there is, which a token may take for "for ever"
        putApproval();
        IPolicyModule.Call[] memory two_ = approveAndTrade(amount, used);
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](3);
        (calls[0], calls[1], calls[2]) = (two_[0], two_[1], approve(0)[0]);
        execute(calls);
        equal(spent(usdc, "day"), units(used), "spent");
        equal(Token(usdc).allowance(treasury, address(market)), 0, "none left");
    }

    function test_approval_revert_AllowanceLeft_alone(uint256 amount) public {
        amount = bound(amount, 1, type(uint256).max);
        putApproval();
        refuseExecute(approve(amount), allowanceLeft(0, amount));
        IPolicyModule.Call[] memory calls = approve(amount);
        bytes32 actId = schedule(calls);
        pass(DELAY);
        refuseRelease(actId, calls, allowanceLeft(0, amount));
    }

    /// What the act leaves is looked at after its last call: an approval may come last, but only of nothing.
    function test_approval_revert_AllowanceLeft_byTheLastCall(uint256 amount) public {
        amount = bound(amount, 1, type(uint256).max);
        putApproval();
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](2);
        (calls[0], calls[1]) = (approve(0)[0], approve(amount)[0]);
        refuseExecute(calls, allowanceLeft(0, amount)); // of the first approval of this spender
    }

    function test_approval_of_several_spenders(uint256 amount, bool first) public {
        amount = bound(amount, 1, 6000 * USDC);
        putApproval();
        IPolicyModule.Call[] memory calls = new IPolicyModule.Call[](2);
        address other = address(0x5555);
        calls[first ? 0 : 1] = approve(0)[0];
        calls[first ? 1 : 0] = calling(usdc, 0, abi.encodeWithSelector(APPROVE, other, amount))[0];
        refuseExecute(
            calls, abi.encodeWithSelector(IPolicyModule.AllowanceLeft.selector, first ? 1 : 0, other, amount)
        );
    }

    /// What a vote has allowed is in the way too: an act that approves ends with none, whosever it was.
    function test_approval_ends_with_none_also_of_what_a_vote_allowed() public {
        putApproval();
        vm.prank(treasury);
        Token(usdc).approve(address(market), 50);
        execute(approveAndTrade(10, 10));
        equal(Token(usdc).allowance(treasury, address(market)), 0, "none left");
    }

    // ---------------------------------------------------------------- small things

    function measuredDay() private view returns (bytes memory) {
        return Build.measured(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day");
    }

    function plainDay() private view returns (bytes memory) {
        return Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day");
    }

    function trading(bytes memory budget, bytes memory charges, bytes memory incomes)
        private
        view
        returns (Build.Policy memory p)
    {
        p = payroll();
        p.budgets = one(budget);
        p.rules =
            one(Build.rule(address(market), Market.trade.selector, 0, 5, "", charges).earning(incomes));
    }

    function putApproval() private {
        vm.prank(treasury);
        Token(usdc).approve(address(market), 0);
        Build.Policy memory p = payroll();
        p.budgets = one(measuredDay());
        p.rules = sorted(
            Build.rule(address(market), Market.trade.selector, 0, 5, "", ""),
            Build.rule(usdc, APPROVE, 6, 2, "", "")
        );
        put(p);
    }

    function sorted(Build.Rule memory a, Build.Rule memory b) private pure returns (Build.Rule[] memory) {
        return uint160(a.target) < uint160(b.target) ? two(a, b) : two(b, a);
    }

    function trade(uint256 said, address tokenIn, uint256 pulled, address tokenOut, uint256 given)
        private
        view
        returns (IPolicyModule.Call[] memory)
    {
        return calling(address(market), 0, abi.encodeCall(Market.trade, (said, tokenIn, pulled, tokenOut, given)));
    }

    function approve(uint256 amount) private view returns (IPolicyModule.Call[] memory) {
        return calling(usdc, 0, abi.encodeWithSelector(APPROVE, market, amount));
    }

    function approveAndTrade(uint256 amount, uint256 used) private view returns (IPolicyModule.Call[] memory calls) {
        calls = new IPolicyModule.Call[](2);
        calls[0] = approve(amount)[0];
        calls[1] = trade(0, usdc, used, usdc, 0)[0];
    }

    function allow(address token) private {
        vm.prank(treasury);
        Token(token).approve(address(market), type(uint256).max);
    }

    function give(address token, uint256 amount) private {
        vm.prank(treasury);
        Token(token).transfer(address(market), amount);
    }

    function spent(address token, bytes32 name) private view returns (uint256) {
        return module.spent(keccak256(abi.encode(0, ID, token, EXPONENT, SEGMENT, name)), SEGMENT);
    }

    function tooLittle(uint256 call, address asset, uint256 risen, uint256 needed)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(IPolicyModule.TooLittleIncome.selector, call, asset, risen, needed);
    }

    function allowanceLeft(uint256 call, uint256 amount) private view returns (bytes memory) {
        return abi.encodeWithSelector(IPolicyModule.AllowanceLeft.selector, call, market, amount);
    }
}
