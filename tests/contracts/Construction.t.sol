// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {PastVotesToken, PriorVotesToken} from "./support/PastVotes.sol";

interface IBuildVm {
    function expectCall(address callee, bytes calldata data, uint64 count) external;
}

/// @notice What the module's constructor asks of a votes token: with one that can't tell past votes nobody could ever
/// object, and every announced act would be released.
contract ConstructionTest is Base {
    IBuildVm private constant builder = IBuildVm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bytes4 private constant PAST_SUPPLY = IVotes.getPastTotalSupply.selector;
    bytes4 private constant PAST_VOTES = IVotes.getPastVotes.selector;

    function test_constructor_revert_NoPastVotes_whatever_is_missing() public {
        for (uint256 i; i < 4; ++i) {
            PastVotesToken token = new PastVotesToken(i < 2);
            bytes4 asked = i % 2 == 0 ? PAST_SUPPLY : PAST_VOTES;
            wrong(token, asked, PastVotesToken.Answer.Short);
            wrong(token, asked, PastVotesToken.Answer.Nothing);
            wrong(token, asked, PastVotesToken.Answer.Reverts);
            token.set(asked, PastVotesToken.Answer.Word);
            require(make(address(token)).length == 0, "both are answered");
        }
    }

    function wrong(PastVotesToken token, bytes4 asked, PastVotesToken.Answer answer) private {
        token.set(asked, answer);
        refuse(address(token));
    }

    /// The attack: a token of COMP's kind passed, and acts were released although nine in ten tried to object.
    function test_constructor_revert_NoPastVotes_of_a_token_with_prior_votes_alone() public {
        refuse(address(new PriorVotesToken()));
    }

    function test_constructor_revert_NoPastVotes_of_a_token_without_votes() public {
        refuse(usdc);
    }

    function test_constructor_revert_NoPastVotes_without_code(address account) public {
        vm.assume(uint160(account) > 0x1000); // precompiled contracts: below
        vm.assume(account.code.length == 0);
        refuse(account);
    }

    /// A precompiled contract answers without code. The identity answers both questions with the question, and has no clock.
    function test_constructor_revert_NoPastVotes_of_a_precompile() public {
        (bool done, bytes memory answer) = address(4).staticcall(abi.encodeWithSelector(PAST_SUPPLY, 1));
        require(done && answer.length >= 32, "an answer");
        refuse(address(4));
        for (uint160 i = 1; i < 4; ++i) {
            require(make(address(i)).length != 0, "the others take a hash, or nothing, for their clock");
        }
    }

    /// An account with a key can name another contract whenever it likes, and then nobody has votes.
    function test_constructor_revert_NoPastVotes_of_an_account_with_a_key() public {
        address account = address(0x7702);
        vm.etch(account, abi.encodePacked(hex"ef0100", votes));
        refuse(account);
        vm.etch(account, votes.code);
        require(make(account).length == 0, "the same code, its own");
    }

    /// Nobody may have votes yet: that is said before a deployment, and stops none.
    function test_constructor_takes_a_supply_of_zero(bool hasClock) public {
        PastVotesToken token = new PastVotesToken(hasClock);
        token.set(PAST_SUPPLY, PastVotesToken.Answer.Zero);
        token.set(PAST_VOTES, PastVotesToken.Answer.Zero);
        require(make(address(token)).length == 0, "zero is an answer");
        token.set(PAST_SUPPLY, PastVotesToken.Answer.Long);
        token.set(PAST_VOTES, PastVotesToken.Answer.Long);
        require(make(address(token)).length == 0, "and so is more than a word");
        bytes memory nobody = abi.encode("Young", "Y", new address[](0), new uint256[](0));
        require(make(vm.deployCode("VotesToken.sol:VotesToken", nobody)).length == 0, "a real one");
    }

    /// The moment before, in the token's clock: of the moment itself no token tells.
    function test_constructor_asks_the_moment_before() public {
        PastVotesToken byBlock = new PastVotesToken(false);
        builder.expectCall(address(byBlock), abi.encodeWithSelector(PAST_SUPPLY, block.number - 1), 1);
        require(make(address(byBlock)).length == 0, "by block");
        builder.expectCall(votes, abi.encodeWithSelector(PAST_SUPPLY, block.timestamp - 1), 1);
        require(make(votes).length == 0, "by time");
    }

    function test_constructor_revert_NoAddress_and_UnknownClock() public {
        same(make(address(0)), err(IPolicyModule.NoAddress.selector));
        vm.mockCall(votes, abi.encodeWithSignature("clock()"), abi.encode(5));
        same(make(votes), err(IPolicyModule.UnknownClock.selector));
    }

    // ---------------------------------------------------------------- small things

    function refuse(address token) private {
        same(make(token), err(IPolicyModule.NoPastVotes.selector));
    }

    /// @return problem why no module was made with this votes token; empty if one was
    function make(address token) private returns (bytes memory problem) {
        address made;
        bytes memory arguments = abi.encode(owner, governor, treasury, token, guardian);
        (made, problem) = tryDeploy("PolicyModule.sol:PolicyModule", arguments);
        require((made == address(0)) == (problem.length != 0), "a module, or a reason");
    }

    function same(bytes memory problem, bytes memory expected) private pure {
        require(keccak256(problem) == keccak256(expected), "another answer");
    }
}
