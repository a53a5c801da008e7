// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Base} from "./support/Base.sol";
import {Sink} from "./support/Targets.sol";

interface ILogs {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory logs);
}

/// @notice Answers with a part of what it was called with, by success or by revert.
contract Echo {
    /// @param size how many bytes of `words` to answer with
    function echo(bool fails, uint256 size, bytes calldata words) external payable {
        assembly {
            let start := mload(0x40)
            calldatacopy(start, words.offset, size)
            if fails { revert(start, size) }
            return(start, size)
        }
    }
}

/// @notice What the treasury answers, to the byte, and what it logs, to the event. Treasury.t.sol draws its values;
/// these are written out (docs/assurance.md, "Mutation").
contract TreasuryEdgesTest is Base {
    event ModuleEnabled(address indexed module);
    event ModuleDisabled(address indexed module);

    bytes32 private constant SENT = keccak256("Sent(address,uint256)");

    Echo private echo;

    function setUp() public override {
        super.setUp();
        echo = new Echo();
    }

    /// The call's data are longer than the answer, so what lies behind the answer in memory is not empty. It is padded
    /// with zeros all the same: what comes back is what the compiler would encode.
    function test_answer_is_canonical_for_every_length() public {
        bytes memory words = new bytes(192);
        for (uint256 i; i < words.length; ++i) {
            words[i] = 0xee;
        }
        for (uint256 size; size <= words.length; size += size < 34 ? 1 : size % 32 == 1 ? 30 : 1) {
            bytes memory part = new bytes(size);
            for (uint256 i; i < size; ++i) {
                part[i] = 0xee;
            }
            for (uint256 i; i < 2; ++i) {
                bool fails = i == 1;
                bytes memory data = abi.encodeCall(Echo.echo, (fails, size, words));
                answers("execTransactionFromModuleReturnData", data, abi.encode(!fails, part));
                answers("execTransactionFromModule", data, abi.encode(!fails));
                performs(data, fails, part);
            }
        }
    }

    function answers(string memory name, bytes memory data, bytes memory answer) private {
        vm.prank(address(module));
        (bool done, bytes memory returned) = treasury.call(
            abi.encodeWithSignature(string.concat(name, "(address,uint256,bytes,uint8)"), echo, 0, data, 0)
        );
        require(done && keccak256(returned) == keccak256(answer), name);
    }

    function performs(bytes memory data, bool fails, bytes memory part) private {
        vm.prank(owner);
        (bool done, bytes memory returned) =
            treasury.call(abi.encodeWithSignature("perform(address,uint256,bytes)", echo, 0, data));
        require(done == !fails, "done");
        require(keccak256(returned) == (fails ? keccak256(part) : keccak256(abi.encode(part))), "perform");
    }

    /// What a vote's call brings back is whole, however long.
    function test_long_answer_comes_back_whole() public {
        for (uint256 size = 16_384; size <= 65_536; size *= 2) {
            bytes memory words = new bytes(size);
            for (uint256 i; i < size; i += 1024) {
                words[i] = bytes1(uint8(1 + i / 1024));
            }
            for (uint256 i; i < 512; ++i) {
                words[i] = 0xee;
            }
            performs(abi.encodeCall(Echo.echo, (false, size, words)), false, words);
        }
    }

    /// What arrives is what was to be sent: data, ether, nothing more.
    function test_call_carries_data_and_ether() public {
        Sink sink = new Sink();
        for (uint256 size; size < 40; ++size) {
            bytes memory data = new bytes(size);
            for (uint256 i; i < size; ++i) {
                data[i] = bytes1(uint8(i + 1));
            }
            vm.prank(owner);
            (bool done,) =
                treasury.call(abi.encodeWithSignature("perform(address,uint256,bytes)", sink, size, data));
            require(done && sink.last() == keccak256(data), "data");
        }
        equal(sink.received(), 39 * 40 / 2, "ether");
        equal(sink.calls(), 40, "calls");
    }

    /// Ether that went out is told; a call without ether, or one that failed, tells nothing.
    function test_sent_is_logged_for_ether_that_went_out() public {
        for (uint256 value; value < 2; ++value) {
            for (uint256 i; i < 2; ++i) {
                ILogs(address(vm)).recordLogs();
                bytes memory data = abi.encodeCall(Echo.echo, (i == 1, 0, ""));
                vm.prank(address(module));
                (bool done,) = treasury.call(
                    abi.encodeWithSignature(
                        "execTransactionFromModule(address,uint256,bytes,uint8)", echo, value, data, 0
                    )
                );
                require(done, "answered");
                ILogs.Log[] memory logs = ILogs(address(vm)).getRecordedLogs();
                equal(logs.length, value == 1 && i == 0 ? 1 : 0, "logs");
                if (logs.length == 0) continue;
                require(logs[0].emitter == treasury && logs[0].topics[0] == SENT, "sent");
                require(logs[0].topics[1] == bytes32(uint256(uint160(address(echo)))), "to whom");
                require(keccak256(logs[0].data) == keccak256(abi.encode(1)), "how much");
            }
        }
    }

    /// A call without data may go to an account; one with data only to a contract.
    function test_perform_asks_for_code_only_where_there_are_data() public {
        for (uint256 size; size < 2; ++size) {
            for (uint256 i; i < 2; ++i) {
                address to = i == 0 ? stranger : address(new Sink());
                vm.prank(owner);
                (bool done, bytes memory reason) =
                    treasury.call(abi.encodeWithSignature("perform(address,uint256,bytes)", to, 0, new bytes(size)));
                require(done == (size == 0 || i == 1), "done");
                if (done) continue;
                require(keccak256(reason) == keccak256(abi.encodeWithSignature("NoCode(address)", to)), "why");
            }
        }
    }

    /// Whom the constructor and the owner enable is enabled, each of them, and told.
    function test_modules_are_enabled_and_disabled() public {
        address[] memory modules = new address[](3);
        for (uint256 i; i < 3; ++i) {
            modules[i] = address(uint160(0xabc + i));
        }
        address made = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        for (uint256 i; i < 3; ++i) {
            vm.expectEmit(true, true, true, true, made);
            emit ModuleEnabled(modules[i]);
        }
        vm.deployCode("Treasury.sol:Treasury", abi.encode(owner, modules));
        for (uint256 i; i < 3; ++i) {
            require(isEnabled(made, modules[i]), "enabled");
        }
        require(!isEnabled(made, address(0xabb)) && !isEnabled(made, owner), "and nobody else");
        vm.expectEmit(true, true, true, true, made);
        emit ModuleDisabled(modules[1]);
        vm.prank(owner);
        (bool done,) = made.call(abi.encodeWithSignature("disableModule(address)", modules[1]));
        require(done && !isEnabled(made, modules[1]) && isEnabled(made, modules[2]), "disabled");
        vm.expectEmit(true, true, true, true, made);
        emit ModuleEnabled(modules[1]);
        vm.prank(owner);
        (done,) = made.call(abi.encodeWithSignature("enableModule(address)", modules[1]));
        require(done && isEnabled(made, modules[1]), "enabled again");
        modules[2] = address(0);
        (done,) = address(this).call(abi.encodeCall(this.deploy, (owner, modules)));
        require(!done, "took a zero module");
        (done,) = address(this).call(abi.encodeCall(this.deploy, (address(0), new address[](0))));
        require(!done, "took a zero owner");
    }

    function deploy(address owner_, address[] calldata modules) external {
        vm.deployCode("Treasury.sol:Treasury", abi.encode(owner_, modules));
    }

    function isEnabled(address treasury_, address module_) private view returns (bool) {
        (bool done, bytes memory answer) =
            treasury_.staticcall(abi.encodeWithSignature("isModuleEnabled(address)", module_));
        return done && abi.decode(answer, (bool));
    }
}
