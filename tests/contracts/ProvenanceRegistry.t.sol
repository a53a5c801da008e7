// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IProvenanceRegistry} from "../../contracts/src/IProvenanceRegistry.sol";
import {ProvenanceBase} from "./support/ProvenanceBase.sol";
import {FollowingWallet, MoodyWallet, ReenteringWallet, SimpleWallet} from "./support/Signers.sol";

interface IERC5267 {
    function eip712Domain()
        external
        view
        returns (bytes1, string memory, string memory, uint256, address, bytes32, uint256[] memory);
}

contract ProvenanceRegistryTest is ProvenanceBase {
    event Registered(bytes32 indexed contentHash, IProvenanceRegistry.Kind indexed kind, string uri);
    event Relocated(bytes32 indexed contentHash, string uri);
    event Superseded(bytes32 indexed contentHash, bytes32 indexed successor);
    event Withdrawn(bytes32 indexed contentHash);
    event StatementOpened(
        bytes32 indexed id,
        bytes32 indexed contentHash,
        address indexed opener,
        address[] parties,
        uint256 threshold,
        string text
    );
    event Signed(bytes32 indexed id, address indexed party);
    event Declined(bytes32 indexed id, address indexed party);
    event Completed(bytes32 indexed id, bytes32 indexed contentHash);

    // ================================================================ constructor

    function test_constructor() public view {
        require(registry.owner() == timelock, "owner");
        (bytes1 fields, string memory name, string memory version, uint256 chain, address contract_,,) =
            IERC5267(address(registry)).eip712Domain();
        require(fields == 0x0f, "fields");
        same(name, "Mandate provenance registry", "name");
        same(version, "1", "version");
        require(chain == block.chainid && contract_ == address(registry), "this chain, this contract");
        equal(registry.MAX_TEXT(), 1024, "MAX_TEXT");
        equal(registry.MAX_PARTIES(), 256, "MAX_PARTIES");
    }

    function test_constructor_revert_NoAddress() public {
        vm.expectRevert();
        this.deploy(address(0));
    }

    // ================================================================ register

    function test_register(bytes32 contentHash, bool data, uint256 length, uint40 time) public {
        vm.assume(contentHash != 0);
        time = uint40(bound(time, 1, type(uint40).max));
        vm.warp(time);
        IProvenanceRegistry.Kind kind = data ? A_DATA_SET : A_MODEL;
        string memory uri = textOf(bound(length, 0, 1024));
        expect();
        emit Registered(contentHash, kind, uri);
        vm.prank(timelock);
        registry.register(contentHash, kind, uri);
        IProvenanceRegistry.Entry memory made = registry.entry(contentHash);
        require(made.kind == kind && !made.withdrawn && made.successor == 0, "entry");
        equal(made.registeredAt, time, "registeredAt");
        equal(made.endedAt, 0, "endedAt");
        same(made.uri, uri, "uri");
        require(registry.isInForce(contentHash), "in force");
    }

    function test_register_revert_NotOwner(address who) public {
        vm.assume(who != timelock);
        vm.prank(who);
        vm.expectRevert(err(IProvenanceRegistry.NotOwner.selector));
        registry.register(MODEL, A_MODEL, "");
        require(!registry.isInForce(MODEL), "not registered");
    }

    function test_register_revert_NoHash() public {
        vm.prank(timelock);
        vm.expectRevert(err(IProvenanceRegistry.NoHash.selector));
        registry.register(0, A_MODEL, "");
    }

    function test_register_revert_NoKind() public {
        vm.prank(timelock);
        vm.expectRevert(err(IProvenanceRegistry.NoKind.selector));
        registry.register(MODEL, IProvenanceRegistry.Kind.None, "");
    }

    function test_register_revert_unknown_kind(uint8 kind) public {
        vm.assume(kind > 2);
        vm.prank(timelock);
        (bool done,) =
            address(registry).call(abi.encodeWithSelector(IProvenanceRegistry.register.selector, MODEL, kind, ""));
        require(!done, "refused");
    }

    function test_register_revert_TooLong(uint256 length) public {
        length = bound(length, 1025, 3000);
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.TooLong.selector, length));
        registry.register(MODEL, A_MODEL, textOf(length));
    }

    /// Neither as another kind, nor when it has ended: what was voted is history.
    function test_register_revert_AlreadyRegistered(bool data, uint256 how) public {
        register(MODEL, A_MODEL);
        if (how % 3 == 1) withdraw(MODEL);
        if (how % 3 == 2) {
            register(BETTER, A_MODEL);
            supersede(MODEL, BETTER);
        }
        vm.warp(T0 + 1);
        vm.prank(timelock);
        vm.expectRevert(err(IProvenanceRegistry.AlreadyRegistered.selector, MODEL));
        registry.register(MODEL, data ? A_DATA_SET : A_MODEL, "");
    }

    // ================================================================ relocate

    function test_relocate(uint256 length, bool ended) public {
        register(MODEL, A_MODEL);
        if (ended) withdraw(MODEL);
        IProvenanceRegistry.Entry memory before = registry.entry(MODEL);
        vm.warp(T0 + 1);
        string memory uri = textOf(bound(length, 0, 1024));
        expect();
        emit Relocated(MODEL, uri);
        vm.prank(timelock);
        registry.relocate(MODEL, uri);
        before.uri = uri;
        same(keccak256(abi.encode(before)), keccak256(abi.encode(registry.entry(MODEL))), "nothing but the uri");
    }

    function test_relocate_revert_NotOwner(address who) public {
        vm.assume(who != timelock);
        register(MODEL, A_MODEL);
        vm.prank(who);
        vm.expectRevert(err(IProvenanceRegistry.NotOwner.selector));
        registry.relocate(MODEL, "ipfs://mine");
    }

    function test_relocate_revert_NotRegistered(bytes32 contentHash) public {
        vm.prank(timelock);
        vm.expectRevert(err(IProvenanceRegistry.NotRegistered.selector, contentHash));
        registry.relocate(contentHash, "");
    }

    function test_relocate_revert_TooLong() public {
        register(MODEL, A_MODEL);
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.TooLong.selector, 1025));
        registry.relocate(MODEL, textOf(1025));
    }

    // ================================================================ supersede

    function test_supersede(uint32 later) public {
        register(MODEL, A_MODEL);
        vm.warp(T0 + later);
        register(BETTER, A_MODEL);
        bytes32 successorBefore = keccak256(abi.encode(registry.entry(BETTER)));
        expect();
        emit Superseded(MODEL, BETTER);
        supersede(MODEL, BETTER);
        IProvenanceRegistry.Entry memory ended = registry.entry(MODEL);
        equal(ended.endedAt, T0 + later, "endedAt");
        equal(ended.registeredAt, T0, "registeredAt");
        require(ended.successor == BETTER && !ended.withdrawn && ended.kind == A_MODEL, "entry");
        require(!registry.isInForce(MODEL) && registry.isInForce(BETTER), "in force");
        same(successorBefore, keccak256(abi.encode(registry.entry(BETTER))), "the successor stays as it is");
    }

    function test_supersede_revert_NotOwner(address who) public {
        vm.assume(who != timelock);
        register(MODEL, A_MODEL);
        register(BETTER, A_MODEL);
        vm.prank(who);
        vm.expectRevert(err(IProvenanceRegistry.NotOwner.selector));
        registry.supersede(MODEL, BETTER);
    }

    /// What ends must be in force: registered, not superseded, not withdrawn.
    function test_supersede_revert_NotInForce(uint256 how) public {
        register(BETTER, A_MODEL);
        spoil(MODEL, how);
        vm.prank(timelock);
        vm.expectRevert(err(IProvenanceRegistry.NotInForce.selector, MODEL));
        registry.supersede(MODEL, BETTER);
    }

    /// So must what follows, and nothing follows itself.
    function test_supersede_revert_NotInForce_successor(uint256 how) public {
        register(MODEL, A_MODEL);
        spoil(BETTER, how);
        vm.prank(timelock);
        vm.expectRevert(err(IProvenanceRegistry.NotInForce.selector, BETTER));
        registry.supersede(MODEL, BETTER);
        vm.prank(timelock);
        vm.expectRevert(err(IProvenanceRegistry.NotInForce.selector, MODEL));
        registry.supersede(MODEL, MODEL);
        require(registry.isInForce(MODEL), "a refusal changes nothing");
    }

    function test_supersede_revert_OtherKind(bool data) public {
        IProvenanceRegistry.Kind kind = data ? A_DATA_SET : A_MODEL;
        register(MODEL, kind);
        register(DATA, data ? A_MODEL : A_DATA_SET);
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.OtherKind.selector, kind));
        registry.supersede(MODEL, DATA);
    }

    // ================================================================ withdraw

    function test_withdraw(uint32 later) public {
        register(DATA, A_DATA_SET);
        vm.warp(T0 + later);
        expect();
        emit Withdrawn(DATA);
        withdraw(DATA);
        IProvenanceRegistry.Entry memory ended = registry.entry(DATA);
        require(ended.withdrawn && ended.successor == 0 && ended.kind == A_DATA_SET, "entry");
        equal(ended.endedAt, T0 + later, "endedAt");
        require(!registry.isInForce(DATA), "in force");
    }

    /// Superseded first, found bad later: when it ended does not change.
    function test_withdraw_after_supersede() public {
        register(MODEL, A_MODEL);
        register(BETTER, A_MODEL);
        vm.warp(T0 + 10);
        supersede(MODEL, BETTER);
        vm.warp(T0 + 20);
        withdraw(MODEL);
        IProvenanceRegistry.Entry memory ended = registry.entry(MODEL);
        require(ended.withdrawn && ended.successor == BETTER, "entry");
        equal(ended.endedAt, T0 + 10, "endedAt");
    }

    function test_withdraw_revert_NotOwner(address who) public {
        vm.assume(who != timelock);
        register(MODEL, A_MODEL);
        vm.prank(who);
        vm.expectRevert(err(IProvenanceRegistry.NotOwner.selector));
        registry.withdraw(MODEL);
        require(registry.isInForce(MODEL), "in force");
    }

    function test_withdraw_revert_NotRegistered(bytes32 contentHash) public {
        vm.prank(timelock);
        vm.expectRevert(err(IProvenanceRegistry.NotRegistered.selector, contentHash));
        registry.withdraw(contentHash);
    }

    function test_withdraw_revert_AlreadyWithdrawn() public {
        register(MODEL, A_MODEL);
        withdraw(MODEL);
        vm.prank(timelock);
        vm.expectRevert(err(IProvenanceRegistry.AlreadyWithdrawn.selector, MODEL));
        registry.withdraw(MODEL);
    }

    // ================================================================ wasInForce

    function test_wasInForce(uint256 lasted, uint256 asked, bool ends) public {
        lasted = bound(lasted, 0, 1000);
        register(MODEL, A_MODEL);
        vm.warp(T0 + lasted);
        if (ends) withdraw(MODEL);
        vm.warp(T0 + 3000);
        asked = bound(asked, T0 - 1000, T0 + 2000);
        bool expected = asked >= T0 && (!ends || asked < T0 + lasted);
        require(registry.wasInForce(MODEL, asked) == expected, "in force then");
        require(!registry.wasInForce(BETTER, asked), "never registered");
    }

    function test_wasInForce_edges() public {
        register(MODEL, A_MODEL);
        vm.warp(T0 + 100);
        withdraw(MODEL);
        vm.warp(T0 + 101);
        require(!registry.wasInForce(MODEL, T0 - 1), "before");
        require(registry.wasInForce(MODEL, T0), "the second of registering");
        require(registry.wasInForce(MODEL, T0 + 99), "the last second");
        require(!registry.wasInForce(MODEL, T0 + 100), "the second of ending");
    }

    /// In this very second it could still end.
    function test_wasInForce_revert_NotYet(uint256 time) public {
        time = bound(time, block.timestamp, type(uint256).max);
        register(MODEL, A_MODEL);
        vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.NotYet.selector, time));
        registry.wasInForce(MODEL, time);
    }

    // ================================================================ open

    function test_open(bytes32 contentHash, uint256 length, uint256 count, uint256 threshold, address opener) public {
        vm.assume(contentHash != 0);
        address[] memory parties = crowd(bound(count, 1, 12));
        threshold = bound(threshold, 1, parties.length);
        string memory text = textOf(bound(length, 0, 1024));
        bytes32 id = idOf(contentHash, text, parties, threshold);
        require(registry.idOf(contentHash, text, parties, threshold) == id, "known before");
        expect();
        emit StatementOpened(id, contentHash, opener, parties, threshold, text);
        vm.prank(opener);
        require(registry.open(contentHash, text, parties, threshold) == id, "id");
        IProvenanceRegistry.Statement memory made = registry.statement(id);
        require(made.contentHash == contentHash && made.openedAt == T0 && made.completedAt == 0, "statement");
        equal(made.threshold, threshold, "threshold");
        require(made.signatures == 0 && made.signed == 0 && made.declined == 0, "nobody signed");
        same(keccak256(abi.encode(made.parties)), keccak256(abi.encode(parties)), "parties");
        require(!registry.isComplete(id), "complete");
    }

    function test_open_revert_NoHash() public {
        vm.expectRevert(err(IProvenanceRegistry.NoHash.selector));
        registry.open(0, TEXT, people, 5);
    }

    function test_open_revert_TooLong(uint256 length) public {
        length = bound(length, 1025, 3000);
        vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.TooLong.selector, length));
        registry.open(RECORDING, textOf(length), people, 5);
    }

    function test_open_revert_BadPartyCount() public {
        vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.BadPartyCount.selector, 0));
        registry.open(RECORDING, TEXT, new address[](0), 0);
        vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.BadPartyCount.selector, 257));
        registry.open(RECORDING, TEXT, crowd(257), 1);
    }

    function test_open_revert_BadThreshold(uint256 count, uint256 threshold) public {
        count = bound(count, 1, 12);
        threshold = bound(threshold, count + 1, type(uint256).max);
        address[] memory parties = crowd(count);
        vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.BadThreshold.selector, threshold));
        registry.open(RECORDING, TEXT, parties, threshold);
        vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.BadThreshold.selector, 0));
        registry.open(RECORDING, TEXT, parties, 0);
    }

    /// Nobody twice, nobody zero, one order: and so one id for one set of people.
    function test_open_revert_NotAscending(uint256 count, uint256 place) public {
        address[] memory parties = crowd(bound(count, 2, 12));
        place = bound(place, 1, parties.length - 1);
        bytes memory problem = abi.encodeWithSelector(IProvenanceRegistry.NotAscending.selector, place);
        address here = parties[place];
        parties[place] = parties[place - 1];
        vm.expectRevert(problem);
        registry.open(RECORDING, TEXT, parties, 1);
        parties[place - 1] = here;
        vm.expectRevert(problem);
        registry.open(RECORDING, TEXT, parties, 1);
        parties[0] = address(0);
        vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.NotAscending.selector, 0));
        registry.open(RECORDING, TEXT, parties, 1);
    }

    function test_open_revert_AlreadyOpen(address again) public {
        bytes32 id = openForAll();
        registry.sign(id, words(id, 0, 5));
        vm.warp(T0 + 1);
        vm.prank(again);
        vm.expectRevert(err(IProvenanceRegistry.AlreadyOpen.selector, id));
        registry.open(RECORDING, TEXT, people, 5);
    }

    /// Each term is part of what is signed.
    function test_open_another_term_is_another_statement() public {
        bytes32 id = openForAll();
        require(registry.open(keccak256("other"), TEXT, people, 5) != id, "content");
        require(registry.open(RECORDING, "We were not.", people, 5) != id, "text");
        require(registry.open(RECORDING, TEXT, people, 4) != id, "threshold");
        address[] memory fewer = new address[](4);
        for (uint256 i; i < 4; ++i) {
            fewer[i] = people[i];
        }
        require(registry.open(RECORDING, TEXT, fewer, 4) != id, "parties");
    }

    // ================================================================ digest

    function test_digest(bytes32 id, address party, uint256 chain) public {
        chain = bound(chain, 1, type(uint64).max - 1);
        same(registry.digest(id, party), digestOf(id, party, block.chainid, address(registry)), "here");
        vm.chainId(chain);
        same(registry.digest(id, party), digestOf(id, party, chain, address(registry)), "on another chain");
    }

    // ================================================================ sign

    /// Any order, any relayer; complete with the last that must sign, and not before.
    function test_sign(uint256 seed, uint256 threshold, address relayer) public {
        (seed, threshold) = (seed % 20, bound(threshold, 1, 5));
        bytes32 id = registry.open(RECORDING, TEXT, people, threshold);
        uint256 signers;
        for (uint256 n = 1; n <= 5; ++n) {
            vm.warp(T0 + n);
            uint256 i = (seed + n * (seed % 4 + 1)) % 5; // 1 to 4 have no divisor in common with 5: each once
            bytes memory signature = word(id, i);
            expect();
            emit Signed(id, people[i]);
            if (n == threshold) {
                expect();
                emit Completed(id, RECORDING);
            }
            vm.prank(relayer);
            registry.sign(id, one(i, signature));
            signers |= 1 << i;
            IProvenanceRegistry.Statement memory now_ = registry.statement(id);
            equal(now_.signed, signers, "signed");
            equal(now_.signatures, n, "signatures");
            equal(now_.completedAt, n < threshold ? 0 : T0 + threshold, "completedAt");
            require(registry.isComplete(id) == (n >= threshold), "complete");
        }
    }

    function test_sign_batch(uint256 count) public {
        count = bound(count, 0, 5);
        bytes32 id = openForAll();
        registry.sign(id, words(id, 0, count));
        equal(registry.statement(id).signatures, count, "signatures");
        require(registry.isComplete(id) == (count == 5), "complete");
    }

    /// One that has signed is passed over, whatever comes with it, and is counted once.
    function test_sign_again_changes_nothing(bytes calldata anything) public {
        bytes32 id = openForAll();
        registry.sign(id, words(id, 0, 2));
        bytes32 before = keccak256(abi.encode(registry.statement(id)));
        registry.sign(id, words(id, 0, 2));
        registry.sign(id, one(1, anything));
        same(before, keccak256(abi.encode(registry.statement(id))), "the same");
    }

    function test_sign_by_a_wallet() public {
        SimpleWallet wallet = new SimpleWallet(vm.addr(STRANGERS_KEY));
        (bytes32 id, uint256 index) = openWith(address(wallet));
        bytes memory signature = signed(STRANGERS_KEY, registry.digest(id, address(wallet)));
        registry.sign(id, one(index, signature));
        equal(registry.statement(id).signed, 1 << index, "signed");
    }

    /// A party that sends the transaction itself needs no signature: the DAO's timelock has none to give.
    function test_sign_by_sending(bytes calldata anything) public {
        (bytes32 id, uint256 index) = openWith(timelock);
        vm.prank(timelock);
        registry.sign(id, one(index, anything));
        equal(registry.statement(id).signed, 1 << index, "signed");
        refuse(id, 1 - index, anything, invalid(people[0]));
    }

    /// An account that runs a wallet's code (EIP-7702) signs with its key as before, or as the wallet takes it.
    function test_sign_by_an_account_with_code(bool withKey) public {
        SimpleWallet wallet = new SimpleWallet(address(0));
        vm.etch(people[1], abi.encodePacked(hex"ef0100", address(wallet)));
        vm.store(people[1], 0, bytes32(uint256(uint160(vm.addr(STRANGERS_KEY)))));
        bytes32 id = openForAll();
        bytes32 digest = registry.digest(id, people[1]);
        registry.sign(id, one(1, signed(withKey ? keys[1] : STRANGERS_KEY, digest)));
        equal(registry.statement(id).signed, 2, "signed");
        refuse(id, 2, signed(STRANGERS_KEY, registry.digest(id, people[2])), invalid(people[2]));
    }

    /// What a wallet sees while it is asked is what has been signed before, also within a batch.
    function test_sign_shows_each_signature_at_once() public {
        FollowingWallet wallet = new FollowingWallet();
        (bytes32 id, uint256 index) = openWith(address(wallet));
        wallet.follow(registry, id, 1 - index);
        refuse(id, index, "", invalid(address(wallet)));
        IProvenanceRegistry.Signature[] memory batch = new IProvenanceRegistry.Signature[](2);
        bytes memory signature = signed(keys[0], registry.digest(id, people[0]));
        batch[0] = IProvenanceRegistry.Signature(1 - index, signature);
        batch[1] = IProvenanceRegistry.Signature(index, "");
        registry.sign(id, batch);
        require(registry.isComplete(id), "complete");
    }

    function test_sign_revert_NotOpen(bytes32 id, bool empty) public {
        vm.expectRevert(err(IProvenanceRegistry.NotOpen.selector, id));
        registry.sign(id, empty ? new IProvenanceRegistry.Signature[](0) : one(0, ""));
    }

    function test_sign_revert_NoParty(uint256 index) public {
        bytes32 id = openForAll();
        index = bound(index, 5, type(uint256).max);
        refuse(id, index, word(id, 0), abi.encodeWithSelector(IProvenanceRegistry.NoParty.selector, index));
    }

    function test_sign_revert_HasDeclined(bool hadSigned) public {
        bytes32 id = openForAll();
        if (hadSigned) registry.sign(id, words(id, 3, 4));
        vm.prank(people[3]);
        registry.decline(id, 3);
        bytes memory problem = abi.encodeWithSelector(IProvenanceRegistry.HasDeclined.selector, people[3]);
        refuse(id, 3, word(id, 3), problem);
        vm.prank(people[3]); // not even itself
        refuse(id, 3, "", problem);
    }

    function test_sign_revert_InvalidSignature(uint256 key, bytes calldata junk) public {
        key = bound(key, 6, ORDER - 1); // 1 to 5 are the people's
        bytes32 id = openForAll();
        refuse(id, 2, signed(key, registry.digest(id, people[2])), invalid(people[2]));
        refuse(id, 2, junk, invalid(people[2]));
        refuse(id, 2, "", invalid(people[2]));
        refuse(id, 2, word(id, 1), invalid(people[2]));
    }

    /// Whoever sends it: not the owner, not another party, nobody speaks for a party.
    function test_sign_revert_InvalidSignature_whoever_sends(address who) public {
        address[3] memory others = [who, timelock, people[1]];
        bytes32 id = openForAll();
        bytes memory signature = word(id, 1);
        for (uint256 i; i < 3; ++i) {
            if (others[i] == people[2]) continue;
            vm.prank(others[i]);
            refuse(id, 2, signature, invalid(people[2]));
        }
    }

    /// One fault undoes the batch.
    function test_sign_revert_undoes_the_batch(uint256 bad) public {
        bad = bound(bad, 0, 4);
        bytes32 id = openForAll();
        IProvenanceRegistry.Signature[] memory batch = words(id, 0, 5);
        batch[bad].signature[40] ^= 0x01;
        vm.expectRevert(invalid(people[bad]));
        registry.sign(id, batch);
        equal(registry.statement(id).signed, 0, "nobody");
    }

    // ================================================================ decline

    function test_decline(uint256 index, bool hadSigned) public {
        index = bound(index, 0, 4);
        bytes32 id = openForAll();
        registry.sign(id, words(id, index == 0 ? 1 : 0, index == 0 ? 2 : 1)); // somebody else
        uint256 others = index == 0 ? 2 : 1;
        if (hadSigned) registry.sign(id, one(index, word(id, index)));
        expect();
        emit Declined(id, people[index]);
        vm.prank(people[index]);
        registry.decline(id, index);
        IProvenanceRegistry.Statement memory now_ = registry.statement(id);
        equal(now_.declined, 1 << index, "declined");
        equal(now_.signed, others, "signed");
        equal(now_.signatures, 1, "signatures");
    }

    /// With fewer needed than there are, the others can still complete it.
    function test_decline_leaves_the_others() public {
        bytes32 id = registry.open(RECORDING, TEXT, people, 3);
        registry.sign(id, words(id, 0, 2));
        vm.prank(people[1]);
        registry.decline(id, 1);
        registry.sign(id, words(id, 2, 3));
        require(!registry.isComplete(id), "two of three");
        registry.sign(id, words(id, 3, 4));
        require(registry.isComplete(id), "complete without the one who declined");
        registry.sign(id, words(id, 4, 5));
        IProvenanceRegistry.Statement memory now_ = registry.statement(id);
        equal(now_.signed, 29, "all but one");
        equal(now_.signatures, 4, "all but one");
    }

    function test_decline_by_a_wallet() public {
        SimpleWallet wallet = new SimpleWallet(stranger);
        (bytes32 id, uint256 index) = openWith(address(wallet));
        wallet.act(address(registry), abi.encodeCall(IProvenanceRegistry.decline, (id, index)));
        equal(registry.statement(id).declined, 1 << index, "declined");
    }

    function test_decline_revert_NotOpen(bytes32 id) public {
        vm.expectRevert(err(IProvenanceRegistry.NotOpen.selector, id));
        registry.decline(id, 0);
    }

    function test_decline_revert_NoParty(uint256 index) public {
        bytes32 id = openForAll();
        index = bound(index, 5, type(uint256).max);
        vm.prank(people[0]);
        vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.NoParty.selector, index));
        registry.decline(id, index);
    }

    /// Not for another, whoever it is: not the opener, not the owner, not another party.
    function test_decline_revert_NotParty(address who) public {
        address[4] memory others = [who, timelock, address(this), people[1]];
        bytes32 id = openForAll();
        for (uint256 i; i < 4; ++i) {
            if (others[i] == people[0]) continue;
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.NotParty.selector, people[0]));
            registry.decline(id, 0);
        }
    }

    /// What is complete stays complete, whoever has signed.
    function test_decline_revert_AlreadyComplete(uint256 index) public {
        index = bound(index, 0, 4);
        bytes32 id = registry.open(RECORDING, TEXT, people, 2);
        registry.sign(id, words(id, 0, 2));
        vm.prank(people[index]);
        vm.expectRevert(err(IProvenanceRegistry.AlreadyComplete.selector, id));
        registry.decline(id, index);
    }

    function test_decline_revert_HasDeclined() public {
        bytes32 id = openForAll();
        vm.prank(people[0]);
        registry.decline(id, 0);
        vm.prank(people[0]);
        vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.HasDeclined.selector, people[0]));
        registry.decline(id, 0);
    }

    // ================================================================ attacks: replay

    function test_attack_replay_on_another_statement() public {
        bytes32 id = openForAll();
        bytes memory signature = word(id, 0);
        bytes32 other = registry.open(RECORDING, "I owe Mallory 1,000,000 USDC.", people, 5);
        refuse(other, 0, signature, invalid(people[0]));
        other = registry.open(RECORDING, TEXT, people, 1);
        refuse(other, 0, signature, invalid(people[0]));
    }

    function test_attack_replay_on_another_contract() public {
        bytes32 id = openForAll();
        bytes memory signature = word(id, 0);
        IProvenanceRegistry another = deploy(timelock);
        require(another.open(RECORDING, TEXT, people, 5) == id, "the same terms");
        vm.expectRevert(invalid(people[0]));
        another.sign(id, one(0, signature));
    }

    /// Also on a fork that inherits the open statement.
    function test_attack_replay_on_a_fork(uint256 chain) public {
        chain = bound(chain, 1, type(uint64).max - 1);
        vm.assume(chain != block.chainid);
        bytes32 id = openForAll();
        bytes memory signature = word(id, 0);
        vm.chainId(chain);
        refuse(id, 0, signature, invalid(people[0]));
        registry.sign(id, one(0, word(id, 0)));
    }

    /// One key, two parties: the account, and a simple wallet of its own that takes any signature of it.
    function test_attack_one_signature_counted_for_two_parties() public {
        SimpleWallet wallet = new SimpleWallet(people[0]);
        (bytes32 id, uint256 index) = openWith(address(wallet));
        bytes memory signature = signed(keys[0], registry.digest(id, people[0]));
        registry.sign(id, one(1 - index, signature));
        refuse(id, index, signature, invalid(address(wallet)));
        registry.sign(id, one(index, signed(keys[0], registry.digest(id, address(wallet)))));
        require(registry.isComplete(id), "when it says so for both");
    }

    /// What was taken back stays back, though its signature stands in the chain's history.
    function test_attack_signature_relayed_again_after_decline() public {
        bytes32 id = openForAll();
        IProvenanceRegistry.Signature[] memory batch = words(id, 0, 5);
        registry.sign(id, words(id, 0, 4));
        vm.prank(people[0]);
        registry.decline(id, 0);
        vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.HasDeclined.selector, people[0]));
        registry.sign(id, batch);
        registry.sign(id, words(id, 1, 5));
        require(!registry.isComplete(id), "never");
    }

    // ================================================================ attacks: signatures

    function test_attack_malleable_signature() public {
        bytes32 id = openForAll();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[0], registry.digest(id, people[0]));
        bytes32 high = bytes32(ORDER - uint256(s));
        uint8 twin = v == 27 ? 28 : 27;
        refuse(id, 0, abi.encodePacked(r, high, twin), invalid(people[0]));
        refuse(id, 0, abi.encodePacked(r, s, v - 27), invalid(people[0])); // another spelling of v
        refuse(id, 0, abi.encodePacked(r, s, v, uint8(0)), invalid(people[0])); // something after it
        refuse(id, 0, abi.encodePacked(r, uint256(s) | (v == 28 ? 1 << 255 : 0)), invalid(people[0])); // ERC-2098
        registry.sign(id, one(0, abi.encodePacked(r, s, v)));
        registry.sign(id, one(0, abi.encodePacked(r, high, twin)));
        equal(registry.statement(id).signatures, 1, "counted once");
    }

    /// A broken signature recovers to nobody; nobody can't be a party.
    function test_attack_recovers_to_zero(uint8 v, bytes32 r, bytes32 s) public {
        address[] memory parties = new address[](1);
        vm.expectRevert(abi.encodeWithSelector(IProvenanceRegistry.NotAscending.selector, 0));
        registry.open(RECORDING, TEXT, parties, 1);
        bytes32 id = openForAll();
        refuse(id, 0, abi.encodePacked(r, s, v), invalid(people[0]));
    }

    /// A precompile answers anybody, and the identity with what it was asked: no yes is among it.
    function test_attack_precompile_as_party(uint160 which, bytes calldata anything) public {
        address party = address(uint160(bound(which, 1, 0x11)));
        (bytes32 id, uint256 index) = openWith(party);
        vm.expectRevert(invalid(party));
        registry.sign{gas: 3_000_000}(id, one(index, anything));
    }

    // ================================================================ attacks: hostile wallets

    function test_attack_wallet_that_says_no(uint256 mood, bytes calldata anything) public {
        mood = bound(mood, 1, 7);
        MoodyWallet wallet = new MoodyWallet();
        (bytes32 id, uint256 index) = openWith(address(wallet));
        wallet.become(MoodyWallet.Mood(mood));
        vm.expectRevert(invalid(address(wallet)));
        registry.sign{gas: 3_000_000}(id, one(index, anything));
    }

    /// It hurts whoever relays its signature, and nobody else.
    function test_attack_wallet_that_burns_gas() public {
        MoodyWallet wallet = new MoodyWallet();
        wallet.become(MoodyWallet.Mood.BurnsGas);
        (bytes32 id, uint256 index) = openWith(address(wallet));
        vm.expectRevert(invalid(address(wallet)));
        registry.sign{gas: 3_000_000}(id, one(index, ""));
        bytes memory signature = signed(keys[0], registry.digest(id, people[0]));
        registry.sign{gas: 200_000}(id, one(1 - index, signature));
        equal(registry.statement(id).signatures, 1, "the other");
    }

    /// A megabyte of answer costs the wallet's gas, not a copy of it here.
    function test_attack_return_bomb() public {
        MoodyWallet wallet = new MoodyWallet();
        wallet.become(MoodyWallet.Mood.Bomb);
        (bytes32 id, uint256 index) = openWith(address(wallet));
        uint256 before = gasleft();
        registry.sign(id, one(index, ""));
        require(before - gasleft() < 2_500_000, "one megabyte of memory, once");
    }

    /// What it said when asked counts, for ever. It can't be asked twice.
    function test_attack_wallet_that_lies_later() public {
        MoodyWallet wallet = new MoodyWallet();
        (bytes32 id, uint256 index) = openWith(address(wallet));
        registry.sign(id, one(index, ""));
        wallet.become(MoodyWallet.Mood.No);
        registry.sign(id, one(1 - index, signed(keys[0], registry.digest(id, people[0]))));
        require(registry.isComplete(id), "complete");
        vm.etch(address(wallet), "");
        require(registry.isComplete(id) && registry.statement(id).signed == 3, "and stays so");
    }

    /// While asked, it can neither open, sign, decline nor register, though it would be allowed to.
    function test_attack_reentering_wallet(uint256 which) public {
        ReenteringWallet wallet = new ReenteringWallet();
        registry = deploy(address(wallet)); // even as the owner
        (bytes32 id, uint256 index) = openWith(address(wallet));
        bytes memory signature = signed(keys[0], registry.digest(id, people[0]));
        bytes[5] memory tries = [
            abi.encodeCall(IProvenanceRegistry.decline, (id, index)),
            abi.encodeCall(IProvenanceRegistry.sign, (id, one(index, ""))),
            abi.encodeCall(IProvenanceRegistry.sign, (id, one(1 - index, signature))),
            abi.encodeCall(IProvenanceRegistry.open, (RECORDING, "another", people, 5)),
            abi.encodeCall(IProvenanceRegistry.register, (MODEL, A_MODEL, ""))
        ];
        wallet.aim(address(registry), tries[which % 5]);
        registry.sign{gas: 3_000_000}(id, one(index, ""));
        IProvenanceRegistry.Statement memory now_ = registry.statement(id);
        require(now_.signed == 1 << index && now_.signatures == 1 && now_.declined == 0, "one signature, no more");
        require(!registry.isInForce(MODEL), "nothing registered");
    }

    // ================================================================ attacks: opening and relaying

    /// Somebody opens the very statement first, or relays a part of the batch first: it is what was wanted.
    function test_attack_front_running() public {
        bytes32 id = idOf(RECORDING, TEXT, people, 5);
        IProvenanceRegistry.Signature[] memory batch = words(id, 0, 5); // signed before anything is on chain
        vm.prank(stranger);
        registry.open(RECORDING, TEXT, people, 5);
        vm.prank(stranger);
        registry.sign(id, words(id, 2, 4));
        registry.sign(id, batch);
        require(registry.isComplete(id), "complete all the same");
        equal(registry.statement(id).signatures, 5, "each once");
    }

    /// Being named obliges to nothing, and a statement without one of them is another statement.
    function test_attack_party_left_out() public {
        address[] memory fewer = new address[](4);
        for (uint256 i; i < 4; ++i) {
            fewer[i] = people[i];
        }
        bytes32 id = registry.open(RECORDING, TEXT, fewer, 4);
        registry.sign(id, words(id, 0, 4));
        require(registry.isComplete(id), "the four");
        require(!registry.isComplete(registry.idOf(RECORDING, TEXT, people, 5)), "who asks for all five is told no");
    }

    /// The most parties: opened within the gas of one transaction (2^24, EIP-7825), and signing costs the same as ever.
    function test_attack_huge_party_list() public {
        (bytes32 few, uint256 index) = openWith(people[1]);
        address[] memory parties = crowd(256);
        uint256 before = gasleft();
        bytes32 many = registry.open(RECORDING, TEXT, parties, 256);
        require(before - gasleft() < 2 ** 24 - 1_000_000, "one transaction");
        equal(registry.statement(many).parties.length, 256, "parties");
        equal(registry.statement(few).parties.length, 2, "parties"); // both have been read in this transaction
        uint256 costsFew = costOf(few, index, people[1]);
        uint256 costsMany = costOf(many, 255, parties[255]);
        require(costsMany < costsFew + 10, "signing costs the same however many there are");
        equal(registry.statement(many).signed, 1 << 255, "the last bit");
    }

    /// All 256 of them sign, and no bit stands for two.
    function test_attack_all_bits() public {
        address[] memory parties = crowd(256);
        bytes32 id = registry.open(RECORDING, TEXT, parties, 256);
        for (uint256 i; i < 256; ++i) {
            require(!registry.isComplete(id), "not yet");
            vm.prank(parties[i]);
            registry.sign(id, one(i, ""));
        }
        IProvenanceRegistry.Statement memory now_ = registry.statement(id);
        require(now_.signed == type(uint256).max && now_.signatures == 256 && now_.completedAt == T0, "all");
    }

    /// An address word with dirty high bits is no address.
    function test_attack_dirty_address_word(uint96 dirt) public {
        vm.assume(dirt != 0);
        bytes memory clean = abi.encodeCall(IProvenanceRegistry.open, (RECORDING, "", people, 5));
        bytes memory dirty = clean;
        uint256 last = uint256(uint160(people[4])) | uint256(dirt) << 160;
        assembly {
            mstore(add(dirty, mload(dirty)), last) // the last word
        }
        (bool done,) = address(registry).call(dirty);
        require(!done, "refused");
        assembly {
            mstore(add(dirty, mload(dirty)), and(last, sub(shl(160, 1), 1)))
        }
        (done,) = address(registry).call(dirty);
        require(done, "the word was the reason");
    }

    function test_attack_ether_sent(uint96 value) public {
        value = uint96(bound(value, 1, 100 ether));
        vm.deal(address(this), value);
        (bool done,) = address(registry).call{value: value}("");
        require(!done, "no ether");
        (done,) =
            address(registry).call{value: value}(abi.encodeCall(IProvenanceRegistry.open, (RECORDING, "", people, 5)));
        require(!done, "with no function");
    }

    // ================================================================ helpers

    function expect() private {
        vm.expectEmit(true, true, true, true, address(registry));
    }

    function costOf(bytes32 id, uint256 index, address party) private returns (uint256) {
        IProvenanceRegistry.Signature[] memory batch = one(index, "");
        vm.prank(party);
        uint256 before = gasleft();
        registry.sign(id, batch);
        return before - gasleft();
    }

    /// An entry that is not in force: never registered, withdrawn, or superseded.
    function spoil(bytes32 contentHash, uint256 how) private {
        if (how % 3 == 0) return;
        register(contentHash, A_MODEL);
        if (how % 3 == 1) return withdraw(contentHash);
        register(keccak256("another"), A_MODEL);
        supersede(contentHash, keccak256("another"));
    }

    function crowd(uint256 count) private pure returns (address[] memory parties) {
        parties = new address[](count);
        for (uint256 i; i < count; ++i) {
            parties[i] = address(uint160(0xC0FFEE0000 + i * 7));
        }
    }

    function textOf(uint256 length) private pure returns (string memory) {
        bytes memory text = new bytes(length);
        for (uint256 i; i < length; ++i) {
            text[i] = bytes1(uint8(32 + i % 95));
        }
        return string(text);
    }
}
