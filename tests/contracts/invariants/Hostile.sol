// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

// What surrounds the module in the invariant tests, and means it no good.

/// @notice Votes checkpointed by block number: the other of the two clocks that there are.
contract BlockVotes is ERC20("Votes by block", "VBB"), ERC20Permit("Votes by block"), ERC20Votes {
    constructor(address[] memory holders, uint256[] memory amounts) {
        for (uint256 i; i < holders.length; ++i) {
            _mint(holders[i], amounts[i]);
        }
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }

    function nonces(address account) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(account);
    }
}

/// @notice Writes down each call that the treasury makes, as its target sees it: what it was, and what the treasury truly
/// owned before and after.
contract Journal {
    struct Entry {
        address to;
        uint256 value;
        bytes32 data; // its hash
        uint256[4] before; // ether, then the three tokens, by their own books
        uint256[4] afterwards;
    }

    address public treasury;
    HostileToken[3] public tokens;
    Entry[] public entries;
    bool public byTreasury; // the treasury itself tells, not the targets

    function begin(address treasury_, HostileToken[3] memory tokens_, bool byTreasury_) external {
        (treasury, tokens, byTreasury) = (treasury_, tokens_, byTreasury_);
    }

    function clear() external {
        delete entries;
    }

    function all() external view returns (Entry[] memory) {
        return entries;
    }

    /// @param arrived ether of the call that has already reached the target
    /// @return index what to leave with
    function enter(address to, uint256 value, bytes calldata data, uint256 arrived) external returns (uint256 index) {
        index = entries.length;
        Entry storage entry = entries.push();
        (entry.to, entry.value, entry.data) = (to, value, keccak256(data));
        entry.before = balances();
        entry.before[0] += arrived;
    }

    function leave(uint256 index) external {
        entries[index].afterwards = balances();
    }

    function balances() public view returns (uint256[4] memory owned) {
        owned[0] = treasury.balance;
        for (uint256 i; i < 3; ++i) {
            if (address(tokens[i]) != address(0)) owned[i + 1] = tokens[i].truth(treasury);
        }
    }
}

/// @notice Tells the journal of each call that comes from the treasury.
abstract contract Watched {
    Journal internal immutable journal;

    constructor(Journal journal_) {
        journal = journal_;
    }

    function arrived() private view returns (uint256 value) {
        assembly {
            value := callvalue()
        }
    }

    modifier watched() {
        bool tells = msg.sender == journal.treasury() && !journal.byTreasury();
        uint256 index = tells ? journal.enter(address(this), arrived(), msg.data, arrived()) : 0;
        _;
        if (tells) journal.leave(index);
    }
}

/// @notice A token in any of the bad moods that tokens have.
contract HostileToken is Watched {
    enum Answer {
        True,
        Nothing,
        FalseYetMoved,
        FalseNotMoved,
        Two // neither true nor false
    }

    struct Mood {
        Answer answer;
        uint16 feeBps; // taken from what arrives
        uint16 surchargeBps; // taken from the sender on top of what is sent
        bool sticky; // pulling uses up no allowance
        bool deaf; // an approval of zero changes nothing
        bool pokes; // calls the accomplice while it moves
        bool blocking; // nothing goes to the blocked account
        uint8 lie; // to the treasury about its balance: 0 no, 1 always the same, 2 ever more
    }

    struct Payment {
        address to;
        uint256 amount;
    }

    uint8 public immutable decimals;
    Accomplice public immutable accomplice;
    Mood public mood;
    address public blocked;
    uint256 private lies;
    mapping(address account => uint256) public truth;
    mapping(address account => mapping(address spender => uint256)) public allowance;

    constructor(Journal journal_, uint8 decimals_, Accomplice accomplice_) Watched(journal_) {
        (decimals, accomplice) = (decimals_, accomplice_);
    }

    function become(Mood memory mood_, address blocked_) external {
        (mood, blocked) = (mood_, blocked_);
    }

    function mint(address to, uint256 amount) external {
        truth[to] += amount;
    }

    function balanceOf(address account) external view returns (uint256) {
        if (mood.lie == 0 || account != journal.treasury()) return truth[account];
        return mood.lie == 1 ? 10 ** 30 : 10 ** 30 + gasleft();
    }

    function transfer(address to, uint256 amount) external {
        move(msg.sender, to, amount);
        respond();
    }

    function transferFrom(address from, address to, uint256 amount) external {
        require(allowance[from][msg.sender] >= amount, "allowance");
        if (!mood.sticky) allowance[from][msg.sender] -= amount;
        move(from, to, amount);
        respond();
    }

    function transferMany(Payment[] calldata payments) external {
        moveMany(payments);
        respond();
    }

    function approve(address spender, uint256 amount) external {
        allow(spender, amount);
        respond();
    }

    function allow(address spender, uint256 amount) private watched {
        if (amount != 0 || !mood.deaf) allowance[msg.sender][spender] = amount;
    }

    function moveMany(Payment[] calldata payments) private watched {
        for (uint256 i; i < payments.length; ++i) {
            shift(msg.sender, payments[i].to, payments[i].amount);
        }
    }

    function move(address from, address to, uint256 amount) private watched {
        shift(from, to, amount);
    }

    function shift(address from, address to, uint256 amount) private {
        if (mood.answer == Answer.FalseNotMoved) return;
        require(!mood.blocking || to != blocked, "blocked");
        uint256 surcharge = amount * mood.surchargeBps / 10_000;
        uint256 fee = amount * mood.feeBps / 10_000;
        truth[from] -= amount + surcharge;
        truth[to] += amount - fee;
        truth[address(this)] += surcharge + fee;
        if (mood.pokes) accomplice.poke();
    }

    function respond() private view {
        Answer answer = mood.answer;
        assembly {
            if eq(answer, 1) { return(0, 0) }
            mstore(0, add(eq(answer, 0), mul(2, eq(answer, 4))))
            return(0, 32)
        }
    }
}

/// @notice A token that goes wrong in no way but the journal: what is expected of USDC.
contract HonestToken is HostileToken {
    constructor(Journal journal_) HostileToken(journal_, 6, Accomplice(payable(address(0)))) {}
}

/// @notice An exchange, a faucet, a till and a pickpocket in one.
contract Bazaar is Watched {
    HostileToken public immutable wild;
    HostileToken public immutable gold;
    Accomplice public immutable accomplice;
    uint256 public takenBps = 10_000; // of what a swap names
    uint256 public price = 2; // gold for each base unit of the wild token
    uint256 public gift; // of wild tokens, to whoever claims
    uint256 public back; // ether sent back for ether received
    bool public pokes;

    constructor(Journal journal_, HostileToken wild_, HostileToken gold_, Accomplice accomplice_) Watched(journal_) {
        (wild, gold, accomplice) = (wild_, gold_, accomplice_);
    }

    function become(uint256 takenBps_, uint256 price_, uint256 gift_, uint256 back_, bool pokes_) external {
        (takenBps, price, gift, back, pokes) = (takenBps_, price_, gift_, back_, pokes_);
    }

    function swap(uint256 amount, uint256) external watched {
        uint256 taken = amount * takenBps / 10_000;
        wild.transferFrom(msg.sender, address(this), taken);
        gold.mint(msg.sender, amount * price);
        poke();
    }

    /// Pays inside the call that takes: the fall is what is left of both, never less than the argument.
    function swapAndClaim(uint256 amount) external watched {
        wild.transferFrom(msg.sender, address(this), amount);
        wild.mint(msg.sender, gift);
        poke();
    }

    function claim() external watched {
        wild.mint(msg.sender, gift);
        poke();
    }

    /// Names no amount: whatever was allowed.
    function drain() external watched {
        uint256 allowed = wild.allowance(msg.sender, address(this));
        uint256 owned = wild.truth(msg.sender) / 2;
        wild.transferFrom(msg.sender, address(this), allowed < owned ? allowed : owned);
        poke();
    }

    function deposit(uint256) external payable watched {
        giveBack(msg.sender);
    }

    function note(bytes calldata, uint256) external payable watched {
        poke();
    }

    receive() external payable watched {
        giveBack(msg.sender);
    }

    function giveBack(address to) private {
        uint256 amount = back < address(this).balance ? back : address(this).balance;
        (bool done,) = to.call{value: amount}("");
        require(done, "not given back");
        poke();
    }

    function poke() private {
        if (pokes) accomplice.poke();
    }
}

/// @notice The second agent: a contract, which others can wake while the treasury is acting.
contract Accomplice {
    address public target;
    bytes public attack;
    uint256 public woken;
    uint256 public sneaked; // attacks that went through

    function go(address to, bytes calldata data) external returns (bool done, bytes memory returned) {
        return to.call(data);
    }

    function prepare(address target_, bytes calldata attack_) external {
        (target, attack) = (target_, attack_);
    }

    function poke() external {
        if (attack.length == 0) return;
        ++woken;
        (bool done,) = target.call(attack);
        if (done) ++sneaked;
    }

    receive() external payable {}
}

/// @notice A treasury as far as a module needs one, with Safe's operations: it does as its module says, delegate calls
/// included, so that only the module keeps it from them. It tells the journal itself, so no target is left out.
contract TestSafe {
    Journal private immutable journal;
    mapping(address module => bool) public isModuleEnabled;
    uint256 public delegated;

    constructor(Journal journal_) {
        journal = journal_;
    }

    receive() external payable {}

    function enableModule(address module) external {
        isModuleEnabled[module] = true;
    }

    function execTransactionFromModuleReturnData(address to, uint256 value, bytes calldata data, uint8 operation)
        external
        returns (bool success, bytes memory returnData)
    {
        require(isModuleEnabled[msg.sender], "GS104");
        if (operation == 1) {
            ++delegated;
            return to.delegatecall(data);
        }
        uint256 index = journal.enter(to, value, data, 0);
        (success, returnData) = to.call{value: value}(data);
        journal.leave(index);
    }
}
