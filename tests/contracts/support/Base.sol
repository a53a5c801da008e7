// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPolicyModule} from "../../../contracts/src/IPolicyModule.sol";
import {ITreasury} from "../../../contracts/src/ITreasury.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Build} from "./Build.sol";
import {Vm} from "./Vm.sol";

interface IMint {
    function mint(address to, uint256 amount) external;
}

interface IDelegate {
    function delegate(address delegatee) external;
}

/// @notice A DAO with a treasury of 1,000,000 USDC and 100 ether, and one policy: payroll of at most 5,000 USDC a call
/// to five people, 12,000 USDC in any day, 6,000 of it at once. Contracts come from artifacts, so that no test compiles
/// them again.
abstract contract Base {
    using Build for Build.Policy;

    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant T0 = 1_800_000_000; // a whole hour
    uint256 internal constant USDC = 1e6;
    uint32 internal constant PERIOD = 1 days;
    uint32 internal constant SEGMENT = (PERIOD + 6) / 7;
    uint8 internal constant EXPONENT = 3;
    uint256 internal constant UNIT = 10 ** EXPONENT; // base units: a tenth of a cent
    uint32 internal constant LIMIT = uint32(12_000 * USDC / UNIT);
    uint32 internal constant INSTANT = uint32(6_000 * USDC / UNIT);
    uint256 internal constant MOST = 5_000 * USDC;
    uint32 internal constant COOLDOWN = 60;
    uint32 internal constant DELAY = 1 days;
    uint32 internal constant WINDOW = 2 days;
    uint16 internal constant BPS = 1000;
    uint256 internal constant SUPPLY = 1_000_000e18;
    bytes32 internal constant ID = keccak256("payroll");
    bytes32 internal constant DECISION = keccak256("decision");
    bytes4 internal constant TRANSFER = IERC20.transfer.selector;

    uint8 internal constant EQUAL = 1;
    uint8 internal constant NOT_EQUAL = 2;
    uint8 internal constant AT_MOST = 3;
    uint8 internal constant AT_LEAST = 4;
    uint8 internal constant IN_LIST = 5;
    uint8 internal constant CAP = 6;

    address internal owner = address(0xA11);
    address internal governor = address(0xB22);
    address internal guardian = address(0xC33);
    address internal agent = address(0xD44);
    address internal operator = address(0xE55);
    address internal stranger = address(0xF66);
    address internal ada = address(0xAda); // 30 % of the votes
    address internal ben = address(0xBe4); // 9 %, below the threshold
    address internal chloe = address(0xC10); // 9 %
    address internal dana = address(0xDa4a); // no votes of her own

    address internal votes;
    address internal usdc;
    address internal treasury;
    IPolicyModule internal module;
    uint256[] internal people;
    bytes internal code;
    bytes32 internal codehash;
    mapping(bytes32 actId => uint24) internal numberOf; // of the acts that `schedule` announced

    function setUp() public virtual {
        vm.warp(T0);
        vm.roll(1000);
        for (uint256 i; i < 5; ++i) {
            people.push(0x1000 + i);
        }
        address[] memory holders = new address[](4);
        uint256[] memory amounts = new uint256[](4);
        (holders[0], amounts[0]) = (ada, 300_000e18);
        (holders[1], amounts[1]) = (ben, 90_000e18);
        (holders[2], amounts[2]) = (chloe, 90_000e18);
        (holders[3], amounts[3]) = (owner, 520_000e18);
        votes = vm.deployCode("VotesToken.sol:VotesToken", abi.encode("Mandate", "MAND", holders, amounts));
        usdc = vm.deployCode("TestUSDC.sol:TestUSDC", "");
        treasury = vm.deployCode("Treasury.sol:Treasury", abi.encode(owner, new address[](0)));
        module = IPolicyModule(
            vm.deployCode("PolicyModule.sol:PolicyModule", abi.encode(owner, governor, treasury, votes, guardian))
        );
        vm.prank(owner);
        (bool done,) = treasury.call(abi.encodeWithSignature("enableModule(address)", module));
        require(done);
        for (uint256 i; i < 3; ++i) {
            vm.prank(holders[i]);
            IDelegate(votes).delegate(holders[i]);
        }
        IMint(usdc).mint(treasury, 1_000_000 * USDC);
        vm.deal(treasury, 100 ether);
        vm.warp(T0 + 10);
        put(payroll());
    }

    /// Deploys as a transaction does, so that a constructor's own revert data come back.
    /// @return made the contract, or zero
    /// @return problem why there is none
    function tryDeploy(string memory artifact, bytes memory arguments) internal returns (address made, bytes memory problem) {
        bytes memory creation = bytes.concat(vm.getCode(artifact), arguments);
        assembly ("memory-safe") {
            made := create(0, add(creation, 32), mload(creation))
            if iszero(made) {
                problem := mload(0x40)
                mstore(problem, returndatasize())
                returndatacopy(add(problem, 32), 0, returndatasize())
                mstore(0x40, and(add(add(problem, 95), returndatasize()), not(31)))
            }
        }
    }

    /// Lets the address answer for past votes, so that a module can be built on it; whatever else it is.
    function answerPastVotes(address token) internal {
        vm.mockCall(token, abi.encodeWithSignature("getPastTotalSupply(uint256)"), abi.encode(0));
        vm.mockCall(token, abi.encodeWithSignature("getPastVotes(address,uint256)"), abi.encode(0));
    }

    // ---------------------------------------------------------------- policies

    function payroll() internal view returns (Build.Policy memory p) {
        p.agent = agent;
        p.operator = operator;
        p.start = uint40(T0);
        p.end = uint40(T0 + 365 days);
        p.cooldown = COOLDOWN;
        p.objectionDelay = DELAY;
        p.releaseWindow = WINDOW;
        p.objectionBps = BPS;
        p.documentHash = keccak256("document");
        p.budgets = one(Build.budget(0, usdc, EXPONENT, PERIOD, INSTANT, LIMIT, "day"));
        p.lists = one(Build.list(people));
        p.rules = one(payRule());
    }

    function payRule() internal view returns (Build.Rule memory) {
        return Build.rule(
            usdc,
            TRANSFER,
            2,
            2,
            abi.encodePacked(Build.clause(0, IN_LIST, 0), Build.clause(1, AT_MOST, MOST)),
            Build.charge(0, 0, 1)
        );
    }

    function one(bytes memory part) internal pure returns (bytes[] memory parts) {
        parts = new bytes[](1);
        parts[0] = part;
    }

    function two(bytes memory a, bytes memory b) internal pure returns (bytes[] memory parts) {
        parts = new bytes[](2);
        (parts[0], parts[1]) = (a, b);
    }

    function one(Build.Rule memory rule) internal pure returns (Build.Rule[] memory rules) {
        rules = new Build.Rule[](1);
        rules[0] = rule;
    }

    function two(Build.Rule memory a, Build.Rule memory b) internal pure returns (Build.Rule[] memory rules) {
        rules = new Build.Rule[](2);
        (rules[0], rules[1]) = (a, b);
    }

    function put(Build.Policy memory p) internal {
        putCode(p.encode());
    }

    function putCode(bytes memory code_) internal {
        code = code_;
        codehash = keccak256(abi.encodePacked(hex"00", code_));
        vm.prank(owner);
        module.setPolicy(ID, code_);
    }

    function refusePolicy(Build.Policy memory p, uint256 offset, bytes32 problem) internal {
        refuseCode(p.encode(), offset, problem);
    }

    function refuseCode(bytes memory code_, uint256 offset, bytes32 problem) internal {
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IPolicyModule.BadPolicy.selector, offset, problem));
        module.setPolicy(ID, code_);
    }

    // ---------------------------------------------------------------- acts

    function pay(uint256 who, uint256 amount) internal view returns (IPolicyModule.Call[] memory) {
        return calling(usdc, 0, abi.encodeWithSelector(TRANSFER, address(uint160(people[who % 5])), amount));
    }

    function payTwice(uint256 first, uint256 second) internal view returns (IPolicyModule.Call[] memory calls) {
        calls = new IPolicyModule.Call[](2);
        calls[0] = pay(0, first)[0];
        calls[1] = pay(1, second)[0];
    }

    function calling(address to, uint256 value, bytes memory data)
        internal
        pure
        returns (IPolicyModule.Call[] memory calls)
    {
        calls = new IPolicyModule.Call[](1);
        calls[0] = IPolicyModule.Call(to, value, data);
    }

    function nextNumber() internal view returns (uint24) {
        (,, uint24 number,,) = module.policyState(ID);
        return number + 1;
    }

    function execute(IPolicyModule.Call[] memory calls) internal {
        uint24 number = nextNumber();
        vm.prank(agent);
        module.execute(ID, codehash, calls, number, DECISION);
    }

    function schedule(IPolicyModule.Call[] memory calls) internal returns (bytes32 actId) {
        uint24 number = nextNumber();
        vm.prank(agent);
        actId = module.schedule(ID, codehash, calls, number, DECISION);
        numberOf[actId] = number;
    }

    function release(bytes32 actId, IPolicyModule.Call[] memory calls) internal {
        vm.prank(agent);
        module.release(ID, numberOf[actId], calls, DECISION);
    }

    function objectAs(address member, bytes32 actId) internal {
        vm.prank(member);
        module.object(ID, list(actId));
    }

    function list(bytes32 actId) internal pure returns (bytes32[] memory ids) {
        ids = new bytes32[](1);
        ids[0] = actId;
    }

    function refuseExecute(IPolicyModule.Call[] memory calls, bytes memory reason) internal {
        uint24 number = nextNumber();
        vm.prank(agent);
        vm.expectRevert(reason);
        module.execute(ID, codehash, calls, number, DECISION);
    }

    function refuseSchedule(IPolicyModule.Call[] memory calls, bytes memory reason) internal {
        uint24 number = nextNumber();
        vm.prank(agent);
        vm.expectRevert(reason);
        module.schedule(ID, codehash, calls, number, DECISION);
    }

    function refuseRelease(bytes32 actId, IPolicyModule.Call[] memory calls, bytes memory reason) internal {
        vm.prank(agent);
        vm.expectRevert(reason);
        module.release(ID, numberOf[actId], calls, DECISION);
    }

    function key() internal view returns (bytes32) {
        uint256 segment = (uint256(PERIOD) + 6) / 7;
        return keccak256(abi.encode(0, ID, usdc, EXPONENT, segment, bytes32("day")));
    }

    function units(uint256 amount) internal pure returns (uint256) {
        return amount / UNIT + (amount % UNIT == 0 ? 0 : 1);
    }

    /// The name of an act, written out a second time: six words, then each call as target, value, length and padded data.
    function actIdOf(IPolicyModule.Call[] memory calls, uint16 version, uint24 number) internal view returns (bytes32) {
        bytes memory all = abi.encode(block.chainid, module, ID, version, number, DECISION);
        for (uint256 i; i < calls.length; ++i) {
            bytes memory data = calls[i].data;
            bytes memory padding = new bytes((32 - data.length % 32) % 32);
            all = abi.encodePacked(all, abi.encode(calls[i].to, calls[i].value, data.length), data, padding);
        }
        return keccak256(all);
    }

    function isLive(bytes32 actId) internal view returns (bool live) {
        (, live) = module.pending(ID, actId);
    }

    /// Killed, vetoed or released: of the places that still name it, if any, none holds it.
    function isOver(bytes32 actId) internal view returns (bool) {
        IPolicyModule.PendingAct[4] memory places = module.pendingActs(ID);
        for (uint256 i; i < 4; ++i) {
            if (places[i].actId == actId && places[i].expiresAt != 0) return false;
        }
        return true;
    }

    function pass(uint256 time) internal {
        vm.warp(block.timestamp + time);
    }

    function bound(uint256 x, uint256 low, uint256 high) internal pure returns (uint256) {
        if (x >= low && x <= high) return x;
        return low + x % (high - low + 1);
    }

    function equal(uint256 a, uint256 b, string memory what) internal pure {
        if (a != b) revert(string.concat(what, ": ", vm.toString(a), " is not ", vm.toString(b)));
    }

    function err(bytes4 selector) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector);
    }

    function err(bytes4 selector, uint256 a) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, a);
    }
}
