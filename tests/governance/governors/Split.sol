// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// A votes token of ours for tests, whose holders split their votes among several delegates by the interface of
/// ERC20VotesPartialDelegation. Nothing of the product uses it. Anybody mints; what a share's division leaves over goes
/// to nobody.
contract SplitVotes {
    struct PartialDelegation {
        address _delegatee;
        uint96 _numerator;
    }

    struct Mark {
        uint48 since;
        uint208 power;
    }

    error PartialDelegationLimitExceeded(uint256 length, uint256 max);
    error DuplicateOrUnsortedDelegatees(address delegatee);
    error InvalidNumeratorZero();
    error NumeratorSumExceedsDenominator(uint256 numerator, uint96 denominator);

    event Transfer(address indexed from, address indexed to, uint256 value);
    event DelegateChanged(
        address indexed delegator, PartialDelegation[] oldDelegatees, PartialDelegation[] newDelegatees
    );
    event DelegateVotesChanged(address indexed delegate, uint256 previousVotes, uint256 newVotes);

    uint96 public constant DENOMINATOR = 10_000;
    uint256 public constant MAX_PARTIAL_DELEGATIONS = 3;
    string public constant name = "Split votes";
    string public constant symbol = "SPLIT";
    uint8 public constant decimals = 18;

    mapping(address => uint256) public balanceOf;
    uint256 public totalSupply;
    mapping(address => PartialDelegation[]) private parts;
    mapping(address => Mark[]) private marks;
    Mark[] private supplies;

    function clock() public view returns (uint48) {
        return uint48(block.number);
    }

    function CLOCK_MODE() external pure returns (string memory) {
        return "mode=blocknumber&from=default";
    }

    function mint(address to, uint256 amount) external {
        PartialDelegation[] memory now_ = parts[to];
        move(now_, balanceOf[to], false);
        balanceOf[to] += amount;
        totalSupply += amount;
        move(now_, balanceOf[to], true);
        supplies.push(Mark(clock(), uint208(totalSupply)));
        emit Transfer(address(0), to, amount);
    }

    function delegates(address account) external view returns (PartialDelegation[] memory) {
        return parts[account];
    }

    function delegate(address to) external {
        PartialDelegation[] memory wanted = new PartialDelegation[](1);
        wanted[0] = PartialDelegation(to, DENOMINATOR);
        take(wanted);
    }

    function delegate(PartialDelegation[] calldata wanted) external {
        take(wanted);
    }

    function getVotes(address account) public view returns (uint256) {
        return powerAt(marks[account], clock());
    }

    function getPastVotes(address account, uint256 timepoint) external view returns (uint256) {
        require(timepoint < clock(), "future");
        return powerAt(marks[account], timepoint);
    }

    function getPastTotalSupply(uint256 timepoint) external view returns (uint256) {
        require(timepoint < clock(), "future");
        return powerAt(supplies, timepoint);
    }

    function take(PartialDelegation[] memory wanted) private {
        if (wanted.length > MAX_PARTIAL_DELEGATIONS) {
            revert PartialDelegationLimitExceeded(wanted.length, MAX_PARTIAL_DELEGATIONS);
        }
        uint256 sum;
        for (uint256 i = 0; i < wanted.length; ++i) {
            if (wanted[i]._numerator == 0) revert InvalidNumeratorZero();
            if (i > 0 && wanted[i]._delegatee <= wanted[i - 1]._delegatee) {
                revert DuplicateOrUnsortedDelegatees(wanted[i]._delegatee);
            }
            sum += wanted[i]._numerator;
        }
        if (sum > DENOMINATOR) revert NumeratorSumExceedsDenominator(sum, DENOMINATOR);
        PartialDelegation[] memory before = parts[msg.sender];
        move(before, balanceOf[msg.sender], false);
        delete parts[msg.sender];
        for (uint256 i = 0; i < wanted.length; ++i) {
            parts[msg.sender].push(wanted[i]);
        }
        move(wanted, balanceOf[msg.sender], true);
        emit DelegateChanged(msg.sender, before, wanted);
    }

    function move(PartialDelegation[] memory some, uint256 held, bool isMore) private {
        for (uint256 i = 0; i < some.length; ++i) {
            address to = some[i]._delegatee;
            uint256 share = held * some[i]._numerator / DENOMINATOR;
            if (to == address(0) || share == 0) continue;
            uint256 before = getVotes(to);
            uint256 power = isMore ? before + share : before - share;
            marks[to].push(Mark(clock(), uint208(power)));
            emit DelegateVotesChanged(to, before, power);
        }
    }

    function powerAt(Mark[] storage some, uint256 timepoint) private view returns (uint256) {
        for (uint256 i = some.length; i > 0; --i) {
            if (some[i - 1].since <= timepoint) return some[i - 1].power;
        }
        return 0;
    }
}
