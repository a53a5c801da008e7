// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IPolicyModule} from "../IPolicyModule.sol";
import {PolicyCode} from "./PolicyCode.sol";

/// @title Balances
/// @notice Measures a treasury around a call: the assets of the policy's measured budgets, and those in which the call's
/// rule demands an income.
library Balances {
    /// @notice The treasury's balances: one for each budget (0 for those that are not measured), then one for each income.
    function read(uint256 code, uint256 head, address treasury) internal view returns (uint256[] memory balances) {
        uint256 count = PolicyCode.budgets(code);
        balances = new uint256[](count + PolicyCode.incomes(head));
        for (uint256 i; i < count; ++i) {
            uint256 budget = PolicyCode.budgetAt(code, i);
            if (PolicyCode.isMeasured(budget)) balances[i] = _balanceOf(PolicyCode.asset(budget), treasury);
        }
        for (uint256 i = count; i < balances.length; ++i) {
            (address asset,,,) = PolicyCode.incomeOf(PolicyCode.incomeAt(code, head, i - count));
            balances[i] = _balanceOf(asset, treasury);
        }
    }

    /// @notice Reverts unless every income of the rule came in.
    /// @param charged what the call charged each budget, in base units
    function requireIncomes(
        uint256 code,
        uint256 head,
        uint256 call,
        uint256[] memory charged,
        uint256[] memory before,
        uint256[] memory afterwards
    ) internal pure {
        uint256 count = PolicyCode.incomes(head);
        for (uint256 i; i < count; ++i) {
            (address asset, uint256 budget, uint256 numerator, uint256 denominator) =
                PolicyCode.incomeOf(PolicyCode.incomeAt(code, head, i));
            uint256 place = charged.length + i;
            uint256 risen = afterwards[place] > before[place] ? afterwards[place] - before[place] : 0;
            uint256 needed = _share(charged[budget], numerator, denominator);
            if (risen < needed) revert IPolicyModule.TooLittleIncome(call, asset, risen, needed);
        }
    }

    /// @dev amount x numerator / denominator, rounded up; what does not fit is the most that fits.
    function _share(uint256 amount, uint256 numerator, uint256 denominator) private pure returns (uint256) {
        (uint256 high,) = Math.mul512(amount, numerator);
        if (high >= denominator) return type(uint256).max;
        return Math.mulDiv(amount, numerator, denominator, Math.Rounding.Ceil);
    }

    function _balanceOf(address asset, address account) private view returns (uint256) {
        return asset == address(0) ? account.balance : IERC20(asset).balanceOf(account);
    }
}
