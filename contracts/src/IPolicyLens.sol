// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "./IPolicyModule.sol";

/// @title IPolicyLens
/// @notice Says beforehand what a policy module would answer to an act: not only the first error, as the module does, but
/// every one, and what every budget has left.
/// @dev For reading by `eth_call`. Answers hold for the block and state that they are asked in.
interface IPolicyLens {
    /// @notice What is asked of the module: its functions `execute`, `schedule` and `release`.
    enum Mode {
        EXECUTE,
        SCHEDULE,
        RELEASE
    }

    /// @notice An act as it would be sent to the module.
    struct Act {
        Mode mode;
        bytes32 policyId;
        bytes32 codehash; // the policy version that the act was planned under; `release` does not look at it
        IPolicyModule.Call[] calls;
        uint24 number; // the number that is due; for `release` the one that the act was scheduled under
        bytes32 decision;
        address sender; // who would send it
    }

    /// @notice One reason why the module would refuse.
    struct Finding {
        uint256 call; // the call that it is about, from 0; NOWHERE if it is about none
        uint256 rule; // the rule that says no, by its place in the policy; NOWHERE if none does
        bytes revertData; // exactly what the module would revert with, were this the only reason: an error of IPolicyModule
    }

    /// @notice What a budget has left at this block's time. All in units but the unit.
    struct Headroom {
        bytes32 key; // of the budget's ring
        uint256 unit; // base units in one unit
        uint256 charged; // what the act would charge before its calls, rounded up; 0 where no act was asked about
        uint256 instantLeft; // what may be charged at once, before the act
        uint256 left; // what may be charged with an objection window, before the act; never less than `instantLeft`
    }

    /// @notice Every reason that can be known before the calls why the module would refuse the act now.
    ///
    /// The first finding is the error that the module reverts with. No finding means that the module comes as far as the
    /// treasury's calls. Nobody can know beforehand, so nothing is said of it: whether the calls succeed (`CallFailed`,
    /// `NotTrue`), what they bring in (`TooLittleIncome`), which allowances they leave (`AllowanceLeft`), by how much
    /// *measured* budgets fall beyond what is charged (`OverInstant`, `OverBudget`). Nor can it be seen from outside that an
    /// act is being performed (`Locked`).
    ///
    /// Findings come in the order of the module's checks (docs/policy-code.md). Of a call for which its target and selector
    /// have several rules, and none fits, the last rule's findings come first, as in the module's error. A clause that
    /// fails for several elements of an array is named once, with the first. A call that fits no rule charges nothing, so a
    /// budget may turn out to be too small as well once the call is put right. Without a policy, or for `release` of a
    /// number that is not pending, what depends on them is left out.
    /// @param module any module of this code; one that lies gets answers about its lies
    /// @return findings the reasons; empty if there is none
    /// @return budgets each of the policy's budgets, in its order; empty if there is no policy
    function check(IPolicyModule module, Act calldata act)
        external
        view
        returns (Finding[] memory findings, Headroom[] memory budgets);

    /// @notice What each budget of the policy in force has left, in the policy's order. It says nothing of a pause, the
    /// start, the end or the cooldown. Reverts with `NoPolicy` if there is none.
    function headroom(IPolicyModule module, bytes32 policyId) external view returns (Headroom[] memory);

    /// @notice The policy in force. Reverts with `NoPolicy` if there is none.
    /// @return code policy code (docs/policy-code.md), without the leading 00
    /// @return codehash what an act planned under it must name: keccak256(00 ++ code)
    function policy(IPolicyModule module, bytes32 policyId) external view returns (bytes memory code, bytes32 codehash);
}
