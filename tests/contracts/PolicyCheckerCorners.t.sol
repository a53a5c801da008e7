// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../contracts/src/IPolicyModule.sol";
import {Base} from "./support/Base.sol";
import {Build} from "./support/Build.sol";

interface ICornersChecker {
    function check(IPolicyModule module, bytes calldata code) external view;
}

/// @notice A treasury that answers every question alike, or refuses to, and a module that has it.
contract AnsweringTreasury {
    address public immutable treasury = address(this);
    address public constant owner = address(1);
    address public constant governor = address(2);
    address public constant votesToken = address(3);

    bytes private answer;
    bool private refuses;

    function set(bytes calldata answer_, bool refuses_) external {
        (answer, refuses) = (answer_, refuses_);
    }

    fallback() external {
        bytes memory answer_ = answer;
        bool refuses_ = refuses;
        assembly {
            if refuses_ { revert(add(answer_, 32), mload(answer_)) }
            return(add(answer_, 32), mload(answer_))
        }
    }
}

/// @notice The checker where something else than policy code is out of the ordinary, a treasury's answer say; and where
/// parts are equal to those behind them, or end with the code (docs/assurance.md, "Mutation").
contract PolicyCheckerCornersTest is Base {
    using Build for Build.Policy;

    AnsweringTreasury private other; // and its module
    bytes private ethers; // a policy that sends ether to a stranger

    function setUp() public override {
        super.setUp();
        other = new AnsweringTreasury();
        Build.Policy memory p = payroll();
        (p.budgets, p.lists) = (new bytes[](0), new bytes[](0));
        p.rules = one(Build.rule(stranger, 0, 1, 0, "", ""));
        ethers = p.encode();
    }

    function test_module_is_one_by_a_whole_word_that_is_not_zero() public {
        uint8[6] memory sizes = [0, 1, 31, 32, 33, 64];
        for (uint256 j; j < sizes.length; ++j) {
            bytes memory answer = new bytes(sizes[j]);
            asked(answer, false, false);
            for (uint256 i; i < sizes[j]; i += i == 0 ? 30 : 1) {
                answer = new bytes(sizes[j]);
                answer[i] = 0x01;
                asked(answer, false, sizes[j] >= 32 && i < 32);
                asked(answer, true, false);
            }
        }
    }

    function asked(bytes memory answer, bool refuses, bool forbidden) private {
        other.set(answer, refuses);
        ICornersChecker checker = ICornersChecker(module.checker());
        if (forbidden) {
            vm.expectRevert(
                abi.encodeWithSelector(IPolicyModule.BadPolicy.selector, 100, bytes32("forbidden target"))
            );
        }
        checker.check(IPolicyModule(address(other)), ethers);
    }

    /// A module is no target of its own policies, also where its treasury has not enabled it.
    function test_module_that_is_not_enabled_is_forbidden() public {
        address made = vm.deployCode(
            "PolicyModule.sol:PolicyModule", abi.encode(owner, governor, treasury, votes, guardian)
        );
        Build.Policy memory p = payroll();
        (p.budgets, p.lists) = (new bytes[](0), new bytes[](0));
        p.rules = one(Build.rule(made, TRANSFER, 0, 0, "", ""));
        bytes memory code_ = p.encode();
        ICornersChecker checker = ICornersChecker(module.checker());
        checker.check(module, code_); // to another module it is a contract like any other
        vm.expectRevert(abi.encodeWithSelector(IPolicyModule.BadPolicy.selector, 100, bytes32("forbidden target")));
        checker.check(IPolicyModule(made), code_);
    }

    /// Where the code ends with a list's count, that is read: it says whether words are missing, or the list is empty.
    function test_list_that_ends_with_its_count() public {
        bytes memory cut = code;
        uint256 list = 199;
        assembly {
            mstore(cut, add(list, 2))
        }
        refuseCode(cut, list + 2, "list cut off");
        cut[list + 1] = 0x00;
        refuseCode(cut, list, "empty list");
        assembly {
            mstore(cut, add(list, 1))
        }
        refuseCode(cut, list + 1, "list cut off");
    }

    /// Parts that are equal to the one before are refused by name, also where what lies behind is equal too.
    function test_three_equal_parts_are_not_ascending() public {
        uint256[] memory same = new uint256[](4);
        (same[0], same[1], same[2], same[3]) = (7, 7, 7, 7);
        Build.Policy memory p = payroll();
        p.lists = one(Build.list(same));
        refusePolicy(p, 199 + 2 + 32, "list not ascending");
        p = payroll();
        bytes memory clause = Build.clause(1, AT_MOST, MOST);
        p.rules[0].clauses = abi.encodePacked(clause, clause, clause, clause);
        refusePolicy(p, 199 + 2 + 5 * 32 + 35, "clauses not ascending");
        p = payroll();
        p.budgets = new bytes[](4);
        for (uint256 i; i < 4; ++i) {
            p.budgets[i] = Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day");
        }
        refusePolicy(p, 167, "budgets not ascending");
    }

    /// All flags at once are known ones: a rule with them is refused for what it approves.
    function test_every_flag_is_known() public {
        Build.Policy memory p = payroll();
        p.rules = one(Build.rule(usdc, 0, 7, 0, "", ""));
        refusePolicy(p, 167 + 20, "approval of another form");
        p.rules = one(Build.rule(usdc, 0, 8, 0, "", ""));
        refusePolicy(p, 167 + 24, "unknown flag");
    }
}
