// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {IVotesAdapter} from "../../contracts/src/adapters/IVotesAdapter.sol";
import {Base, IDelegate} from "./support/Base.sol";
import {Build} from "./support/Build.sol";
import {OwnedSafe, PriorVotesLedger} from "./support/AdaptedVotes.sol";
import {PastVotesToken, PriorVotesToken} from "./support/PastVotes.sol";

interface IAdaptersChecker {
    function check(IPolicyModule module, bytes calldata code) external view;
}

/// @notice Modules that count votes which are no ERC-5805 votes: of a token with prior votes, and of a Safe's owners.
contract AdaptersTest is Base {
    using Build for Build.Policy;

    PriorVotesLedger private comp;
    OwnedSafe private safe;
    address private eva = address(0xE7A);
    address private thief = address(0xBAD);

    function setUp() public override {
        super.setUp();
        vm.roll(2000);
        comp = new PriorVotesLedger();
        comp.mint(ada, 300_000e18);
        comp.mint(ben, 90_000e18);
        comp.mint(dana, 610_000e18); // never delegates
        vm.prank(ada);
        comp.delegate(ada);
        vm.prank(ben);
        comp.delegate(ben);
        vm.roll(2001);
        address[] memory owners = new address[](4);
        (owners[0], owners[1], owners[2], owners[3]) = (ada, ben, chloe, dana);
        safe = new OwnedSafe(owners);
    }

    // ---------------------------------------------------------------- prior votes

    function test_members_with_prior_votes_can_object() public {
        IVotesAdapter adapter = overComp();
        require(same(module.CLOCK_MODE(), "mode=blocknumber&from=default"), "it counts blocks");
        require(same(adapter.CLOCK_MODE(), module.CLOCK_MODE()), "as the adapter says");
        bytes32 actId = schedule(pay(0, 1));
        equal(module.pendingActs(ID)[0].snapshot, block.number - 1, "snapshot");
        equal(module.threshold(ID, uint48(block.number - 1)), 100_000e18, "a tenth of all");
        objectAs(ben, actId);
        require(isLive(actId), "below the threshold");
        objectAs(ada, actId);
        require(isOver(actId), "killed");
    }

    function test_petition_with_prior_votes() public {
        overComp();
        vm.prank(ada);
        module.petition(ID);
        require(module.paused(), "paused");
    }

    /// Votes that are borrowed in or after the block of the announcement count nothing; those that never moved do.
    function test_attack_borrowed_prior_votes(uint256 blocks) public {
        overComp();
        bytes32 actId = schedule(pay(0, 1));
        vm.roll(block.number + bound(blocks, 0, 1000));
        vm.prank(dana);
        comp.transfer(thief, 610_000e18);
        vm.prank(thief);
        comp.delegate(thief);
        vm.roll(block.number + 1);
        vm.prank(thief);
        vm.expectRevert(IPolicyModule.NoPower.selector);
        module.object(ID, list(actId));
        vm.prank(ada);
        comp.transfer(thief, 300_000e18); // what she has given away since is hers for this act
        objectAs(ada, actId);
        require(isOver(actId), "killed");
    }

    /// Not protected: held one block before the announcement, borrowed votes count, as of any votes token.
    function test_limit_prior_votes_borrowed_over_the_snapshot() public {
        overComp();
        vm.prank(dana);
        comp.transfer(thief, 610_000e18);
        vm.prank(thief);
        comp.delegate(thief);
        vm.roll(block.number + 1);
        bytes32 actId = schedule(pay(0, 1));
        objectAs(thief, actId);
        require(isOver(actId), "killed");
    }

    /// Not protected: supply counts as of now. What is minted after the announcement raises the power that kills, and what is
    /// burned lowers it; objections that were made stay.
    function test_limit_supply_that_grows(uint256 minted) public {
        IVotesAdapter adapter = overComp();
        minted = bound(minted, 2_000_000e18 + 10, 1e40);
        bytes32 actId = schedule(pay(0, 1));
        uint48 snapshot = module.pendingActs(ID)[0].snapshot;
        comp.mint(stranger, minted);
        equal(adapter.getPastTotalSupply(snapshot), 1_000_000e18 + minted, "as of now");
        equal(module.threshold(ID, snapshot), (1_000_000e18 + minted) / 10, "more");
        objectAs(ada, actId);
        require(isLive(actId), "three tenths of then are less than a tenth of now");
        comp.burn(stranger, minted);
        objectAs(ben, actId);
        require(isOver(actId), "killed");
    }

    /// Not protected: whoever can raise the supply for a moment, as by a deposit, does so around each objection. The threshold is
    /// looked at when somebody objects and never else, so the act goes through though more than enough have objected.
    function test_limit_supply_raised_around_each_objection(uint256 minted) public {
        overComp();
        minted = bound(minted, 2_900_000e18 + 10, 1e40);
        bytes32 actId = schedule(pay(0, 1));
        comp.mint(thief, minted);
        objectAs(ada, actId);
        objectAs(ben, actId);
        comp.burn(thief, minted);
        (uint256 objections, bool live) = module.pending(ID, actId);
        equal(objections, 390_000e18, "nearly four times the threshold");
        require(live, "and it waits");
        vm.prank(ada);
        vm.expectRevert(IPolicyModule.AlreadyObjected.selector);
        module.object(ID, list(actId));
        pass(DELAY);
        release(actId, pay(0, 1));
    }

    /// Anybody with the smallest power who has not objected yet has it looked at again, and the guardian needs no votes.
    function test_who_objects_last_has_all_objections_counted() public {
        overComp();
        comp.mint(eva, 1);
        vm.prank(eva);
        comp.delegate(eva);
        vm.roll(block.number + 1);
        bytes32 actId = schedule(pay(0, 1));
        comp.mint(thief, 1e30);
        objectAs(ada, actId);
        comp.burn(thief, 1e30);
        require(isLive(actId), "missed");
        objectAs(eva, actId);
        require(isOver(actId), "killed");
    }

    /// What was killed stays so, whatever is minted afterwards.
    function test_attack_supply_raised_after_the_kill(uint256 minted) public {
        overComp();
        bytes32 actId = schedule(pay(0, 1));
        objectAs(ada, actId);
        comp.mint(thief, bound(minted, 1, 1e60));
        require(isOver(actId) && !isLive(actId), "still");
        pass(DELAY);
        uint24 number = numberOf[actId];
        vm.prank(agent);
        vm.expectRevert(IPolicyModule.NotPending.selector);
        module.release(ID, number, pay(0, 1), DECISION);
    }

    /// Votes that are borrowed once a petition is open sign nothing.
    function test_attack_borrowed_prior_votes_in_a_petition(uint256 blocks) public {
        overComp();
        comp.mint(eva, 1e18);
        vm.prank(eva);
        comp.delegate(eva);
        vm.roll(block.number + 1);
        vm.prank(eva);
        module.petition(ID);
        vm.prank(dana);
        comp.transfer(thief, 610_000e18);
        vm.prank(thief);
        comp.delegate(thief);
        vm.roll(block.number + bound(blocks, 0, 1000));
        vm.prank(thief);
        vm.expectRevert(IPolicyModule.NoPower.selector);
        module.petition(ID);
        require(!module.paused(), "not by borrowed votes");
    }

    /// Not protected: a token that answers no more, as behind a proxy whose code was replaced, lets nobody object. The
    /// guardian's veto and pause ask no votes.
    function test_limit_a_token_that_answers_no_more() public {
        overComp();
        bytes32 actId = schedule(pay(0, 1));
        vm.mockCallRevert(address(comp), abi.encodeWithSelector(PriorVotesLedger.getPriorVotes.selector), "gone");
        vm.prank(ada);
        vm.expectRevert(bytes("gone"));
        module.object(ID, list(actId));
        require(isLive(actId), "it waits");
        vm.prank(guardian);
        module.veto(ID, actId);
        require(isOver(actId), "vetoed");
        vm.prank(guardian);
        module.pause();
        require(module.paused(), "paused");
    }

    function test_prior_votes_of_the_future_are_not_told(uint256 ahead) public {
        IVotesAdapter adapter = overComp();
        refuseFuture(adapter, block.number, block.number);
        refuseFuture(adapter, block.number + bound(ahead, 0, type(uint128).max), block.number);
        require(adapter.getPastVotes(ada, block.number - 1) == 300_000e18, "the block before");
        require(adapter.getPastVotes(ada, 1999) == 0, "before she had any");
        equal(adapter.clock(), block.number, "clock");
    }

    // ---------------------------------------------------------------- a Safe's owners

    function test_owners_of_a_safe_can_object() public {
        IVotesAdapter adapter = overSafe(5000); // half of four
        require(same(module.CLOCK_MODE(), "mode=timestamp"), "it counts seconds");
        require(same(adapter.CLOCK_MODE(), module.CLOCK_MODE()), "as the adapter says");
        bytes32 actId = schedule(pay(0, 1));
        objectAs(ada, actId);
        vm.prank(ada);
        vm.expectRevert(IPolicyModule.AlreadyObjected.selector);
        module.object(ID, list(actId));
        vm.prank(thief);
        vm.expectRevert(IPolicyModule.NoPower.selector);
        module.object(ID, list(actId));
        require(isLive(actId), "one of four");
        objectAs(dana, actId);
        require(isOver(actId), "two of four");
    }

    /// However small the threshold, it takes one owner.
    function test_one_owner_at_least() public {
        overSafe(1);
        bytes32 actId = schedule(pay(0, 1));
        equal(module.threshold(ID, uint48(block.timestamp - 1)), 1, "one");
        objectAs(chloe, actId);
        require(isOver(actId), "killed");
    }

    /// Owners count as of now: who was removed since can't object, who was added can, and the threshold follows.
    function test_owners_that_come_and_go() public {
        overSafe(5000);
        bytes32 actId = schedule(pay(0, 1));
        safe.remove(ada);
        vm.prank(ada);
        vm.expectRevert(IPolicyModule.NoPower.selector);
        module.object(ID, list(actId));
        equal(module.threshold(ID, uint48(block.timestamp - 1)), 1, "half of three");
        safe.add(eva);
        equal(module.threshold(ID, uint48(block.timestamp - 1)), 2, "half of four");
        objectAs(eva, actId);
        objectAs(ben, actId);
        require(isOver(actId), "killed");
    }

    /// Not protected: an owner's seat that is handed on between two objections counts twice. It takes the Safe's threshold.
    function test_limit_moved_owners_count_twice() public {
        overSafe(5000);
        bytes32 actId = schedule(pay(0, 1));
        objectAs(ada, actId);
        safe.remove(ada);
        safe.add(thief);
        objectAs(thief, actId);
        require(isOver(actId), "killed by one seat");
    }

    /// Not protected: so does a seat in a petition; it pauses, which a vote lifts again.
    function test_limit_moved_owners_sign_a_petition_twice() public {
        overSafe(5000);
        vm.prank(ada);
        module.petition(ID);
        require(!module.paused(), "one of four");
        safe.remove(ada);
        safe.add(thief);
        vm.prank(thief);
        module.petition(ID);
        require(module.paused(), "by one seat");
    }

    /// Not protected: owners that the Safe takes in after the announcement raise the threshold. An owner of before who objects
    /// last has all objections counted by the owners of then.
    function test_limit_owners_taken_in_against_an_objection() public {
        overSafe(2500); // one of four
        bytes32 actId = schedule(pay(0, 1));
        for (uint160 i = 1; i <= 4; ++i) {
            safe.add(address(0xF000 + i));
        }
        objectAs(ada, actId);
        require(isLive(actId), "one of eight");
        for (uint160 i = 1; i <= 4; ++i) {
            safe.remove(address(0xF000 + i));
        }
        require(isLive(actId), "nobody has looked again");
        objectAs(ben, actId);
        require(isOver(actId), "killed");
    }

    function test_owners_of_the_future_are_not_told(uint256 ahead) public {
        IVotesAdapter adapter = overSafe(5000);
        refuseFuture(adapter, block.timestamp, block.timestamp);
        refuseFuture(adapter, block.timestamp + bound(ahead, 0, type(uint128).max), block.timestamp);
        require(adapter.getPastVotes(ada, block.timestamp - 1) == 1, "an owner");
        require(adapter.getPastVotes(thief, block.timestamp - 1) == 0, "no owner");
        equal(adapter.getPastTotalSupply(block.timestamp - 1), 4, "all");
        equal(adapter.clock(), block.timestamp, "clock");
    }

    // ---------------------------------------------------------------- what no policy may do

    /// The agent can't move the votes that judge it: of the token behind the adapter only `transfer` is permitted.
    function test_the_adapted_token_is_protected(bytes4 selector) public {
        IVotesAdapter adapter = overComp();
        protected(address(comp), selector);
        protected(address(adapter), selector);
        adapter = overSafe(5000);
        protected(address(safe), selector);
        protected(address(adapter), selector);
        accepted(address(comp), selector); // which judges nobody any more
    }

    /// A contract that wraps another is no adapter; nor is one that answers less than a word.
    function test_a_votes_token_that_is_no_adapter_protects_itself(bytes4 selector) public {
        PastVotesToken token = new PastVotesToken(true);
        token.set(IVotesAdapter.adaptedToken.selector, PastVotesToken.Answer.Short);
        over(address(token), 1000);
        protected(address(token), selector);
        token.set(IVotesAdapter.adaptedToken.selector, PastVotesToken.Answer.Reverts);
        protected(address(token), selector);
        vm.mockCall(votes, abi.encodeWithSignature("underlying()"), abi.encode(usdc));
        over(votes, 1000);
        accepted(usdc, selector);
    }

    /// What a token answers that is less than a word names no other contract, so none is protected in its place.
    function test_less_than_a_word_names_no_adapted_token(bytes4 selector) public {
        PastVotesToken token = new PastVotesToken(true);
        token.set(IVotesAdapter.adaptedToken.selector, PastVotesToken.Answer.Short);
        over(address(token), 1000);
        address misread = address(uint160(1e18)); // the 31 bytes that it answers, filled up to a word
        vm.etch(misread, hex"00");
        accepted(misread, selector);
    }

    /// A reason to revert is no answer, though it be a word that names another contract.
    function test_a_revert_names_no_adapted_token(bytes4 selector) public {
        vm.mockCallRevert(votes, abi.encodeCall(IVotesAdapter.adaptedToken, ()), abi.encode(usdc));
        over(votes, 1000);
        accepted(usdc, selector);
    }

    function protected(address target, bytes4 selector) private {
        if (selector == TRANSFER) selector = 0x12345678;
        Build.Policy memory p = calls(target, selector);
        refusePolicy(p, 100, "votes token: only transfer");
        p.rules[0].selector = TRANSFER;
        put(p);
    }

    function accepted(address target, bytes4 selector) private {
        if (outlives(selector)) selector = 0x12345678;
        put(calls(target, selector));
    }

    function outlives(bytes4 selector) private view returns (bool) {
        Build.Policy memory p = calls(usdc, selector);
        try IAdaptersChecker(module.checker()).check(module, p.encode()) {
            return false;
        } catch {
            return true;
        }
    }

    function calls(address target, bytes4 selector) private view returns (Build.Policy memory p) {
        p = payroll();
        (p.budgets, p.lists) = (new bytes[](0), new bytes[](0));
        p.rules = one(Build.rule(target, selector, 0, 2, "", ""));
    }

    // ---------------------------------------------------------------- construction

    function test_adapters_need_something_to_count(address account) public {
        vm.assume(account.code.length == 0);
        bytes memory nothing = err(IVotesAdapter.NothingToCount.selector);
        refuseAdapter("PriorVotesAdapter", account, nothing);
        refuseAdapter("SafeOwnersAdapter", account, nothing);
        address delegated = address(0x7702);
        vm.etch(delegated, abi.encodePacked(hex"ef0100", address(comp)));
        refuseAdapter("PriorVotesAdapter", delegated, nothing);
        vm.etch(delegated, abi.encodePacked(hex"ef0100", address(safe)));
        address[] memory named = new address[](1);
        named[0] = ada;
        vm.mockCall(delegated, abi.encodeWithSignature("getOwners()"), abi.encode(named));
        vm.mockCall(delegated, abi.encodeWithSignature("isOwner(address)", ada), abi.encode(true));
        refuseAdapter("SafeOwnersAdapter", delegated, nothing); // though it names owners, for now
        refuseAdapter("PriorVotesAdapter", usdc, "");
        refuseAdapter("PriorVotesAdapter", address(safe), "");
        refuseAdapter("SafeOwnersAdapter", address(comp), "");
        refuseAdapter("SafeOwnersAdapter", address(new OwnedSafe(new address[](0))), nothing);
        vm.mockCall(address(safe), abi.encodeWithSignature("isOwner(address)", ada), abi.encode(false));
        refuseAdapter("SafeOwnersAdapter", address(safe), nothing);
    }

    /// In the chain's first block there is one before it that can be asked about, and none before that.
    function test_adapter_asks_the_block_before() public {
        vm.roll(1);
        make("PriorVotesAdapter", address(new PriorVotesToken()));
    }

    /// A token whose supply can't be asked gives no threshold.
    function test_adapter_needs_a_supply() public {
        address token = address(new PriorVotesToken());
        make("PriorVotesAdapter", token);
        vm.mockCallRevert(token, abi.encodeWithSignature("totalSupply()"), "");
        refuseAdapter("PriorVotesAdapter", token, "");
    }

    // ---------------------------------------------------------------- small things

    function make(string memory name, address adapted) private returns (IVotesAdapter) {
        return IVotesAdapter(vm.deployCode(string.concat(name, ".sol:", name), abi.encode(adapted)));
    }

    function refuseAdapter(string memory name, address adapted, bytes memory reason) private {
        (address made, bytes memory why) = tryDeploy(string.concat(name, ".sol:", name), abi.encode(adapted));
        require(made == address(0) && keccak256(why) == keccak256(reason), "made, or another reason");
    }

    function over(address votesToken, uint16 bps) private {
        module = IPolicyModule(
            vm.deployCode("PolicyModule.sol:PolicyModule", abi.encode(owner, governor, treasury, votesToken, guardian))
        );
        vm.prank(owner);
        (bool done,) = treasury.call(abi.encodeWithSignature("enableModule(address)", module));
        require(done);
        Build.Policy memory p = payroll();
        p.objectionBps = bps;
        put(p);
    }

    function overComp() private returns (IVotesAdapter adapter) {
        adapter = make("PriorVotesAdapter", address(comp));
        require(adapter.adaptedToken() == address(comp), "behind it");
        over(address(adapter), BPS);
    }

    function overSafe(uint16 bps) private returns (IVotesAdapter adapter) {
        adapter = make("SafeOwnersAdapter", address(safe));
        require(adapter.adaptedToken() == address(safe), "behind it");
        over(address(adapter), bps);
    }

    function refuseFuture(IVotesAdapter adapter, uint256 timepoint, uint256 now_) private {
        bytes memory reason = abi.encodeWithSelector(IVotesAdapter.FutureLookup.selector, timepoint, now_);
        vm.expectRevert(reason);
        adapter.getPastVotes(ada, timepoint);
        vm.expectRevert(reason);
        adapter.getPastTotalSupply(timepoint);
    }

    function same(string memory a, string memory b) private pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }
}
