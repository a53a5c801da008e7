# SPDX-License-Identifier: Apache-2.0
"""The sentences that the mirror keeps: what nodes did wrong, and what was met while a chain was read.

Tables keep the text of its time, the code and the values (`governance.sentences`).
"""

from collections.abc import Mapping

from django.utils.translation import gettext_noop

from governance.sentences import Sentence, Table, Template, Translate, Values

PLAIN = "plain"  # text of somebody else's, a node's for example; its only value is `text`


def _dropped(what: str, values: Values, translate: Translate) -> str:
    lost = [translate(gettext_noop("{logs} log(s)"))]
    if values["votes"]:
        lost.append(translate(gettext_noop("{votes} vote(s)")))
    if values["proposals"]:
        lost.append(translate(gettext_noop("{proposals} proposal(s)")))
    text = translate(gettext_noop("{what}; the mirror dropped {lost} and followed."))
    return text.format(what=what, lost=", ".join(lost).format_map(values))


def _blocks_replaced(values: Values, translate: Translate) -> str:
    count = values["to_block"] - values["from_block"] + 1
    what = translate(gettext_noop("The chain replaced {count} block(s) from {from_block} on"))
    return _dropped(what.format(count=count, from_block=values["from_block"]), values, translate)


def _local_blocks_gone(values: Values, translate: Translate) -> str:
    what = gettext_noop("The local chain went back behind the mirror: blocks {from_block} to {to_block} are gone")
    return _dropped(translate(what).format_map(values), values, translate)


def _blocks_dropped(values: Values, translate: Translate) -> str:
    what = gettext_noop("A node had answered wrongly about blocks from {from_block} on, which are read again")
    return _dropped(translate(what).format_map(values), values, translate)


def _node_failed(values: Values, translate: Translate) -> str:
    problem = values["problem"]
    if values["endpoint"]:
        problem = translate(gettext_noop("{endpoint}: {problem}")).format(endpoint=values["endpoint"], problem=problem)
    if values["number"] is None:
        return str(problem)
    return translate(gettext_noop("{problem} (code {number})")).format(problem=problem, number=values["number"])


SENTENCES: Mapping[str, Template] = {
    PLAIN: "{text}",
    # What a node did wrong.
    "no_connection": gettext_noop("no connection"),
    "certificate_refused": gettext_noop("certificate refused"),
    "no_answer": gettext_noop("did not answer within {seconds:g} s"),
    "endless_answer": gettext_noop("did not end its answer within {seconds:g} s"),
    "answer_too_large": gettext_noop("answered with more than {mebibytes} MiB"),
    "request_failed": gettext_noop("failed ({error})"),
    "http_status": gettext_noop("answered {method} with HTTP {status}"),
    "not_json": gettext_noop("answered {method} with something that is not JSON"),
    "not_json_rpc": gettext_noop("answered {method} with something that is not JSON-RPC"),
    "not_a_batch": gettext_noop("answered a batch with something that is not one"),
    "answer_left_out": gettext_noop("left out the answer to {method} in a batch"),
    "rate_limited": gettext_noop("limits our rate ({method})"),
    "chain_id_refused": gettext_noop("refused eth_chainId: {reason}"),
    "answer_of_other_chain": gettext_noop(
        "answered for chain {got}, but it is configured for chain {expected}: one address leads to nodes of both"
    ),
    "chain_id_unreadable": gettext_noop("answered eth_chainId with nonsense"),
    "other_chain": gettext_noop("serves chain {got}, but it is configured for chain {expected}: correct its URL"),
    "no_endpoint": gettext_noop("no RPC endpoint is configured for chain {chain_id}: set MANDATE_RPC_URLS"),
    "all_distrusted": gettext_noop("every endpoint of chain {chain_id} gave a false answer"),
    "lagging": gettext_noop("it lagged behind another"),
    "other_first_block": gettext_noop("its first block is another chain's"),
    "final_block_missing": gettext_noop("its chain lacks a block that was final and that another endpoint has"),
    "logs_disproved": gettext_noop(
        "its logs of block {block} lack {lacking} of {there} and have {invented} that the block's receipts, which "
        "rebuild its receipts root, do not have"
    ),
    # What a node's answer lacks, or has that was not asked for.
    "latest_block_missing": gettext_noop("the node has no latest block"),
    "block_missing": gettext_noop("the node has no block {block}, below the head that it names"),
    "last_block_missing": gettext_noop(
        "the node that was asked for logs up to block {last_block} does not have that block"
    ),
    "end_block_missing": gettext_noop(
        "the node that was asked for logs up to block {last_block} does not have block {block}"
    ),
    "module_search_refused": gettext_noop("the node does not search block {block} for logs of any contract"),
    "other_block": gettext_noop("asked for block {block}, the node answered block {answered}"),
    "other_blocks_logs": gettext_noop(
        "asked for logs of blocks {first_block} to {last_block}, the node answered others"
    ),
    "hash_filter_ignored": gettext_noop("answered eth_getLogs by the hash of a block that does not exist"),
    "other_block_logs": gettext_noop("asked for logs of block {block}, the node answered others"),
    "logs_of_two_blocks": gettext_noop("the node answered logs of two blocks {block}"),
    "logs_malformed": gettext_noop("the node's logs of block {block} are malformed"),
    "logs_share_index": gettext_noop(  # of incidents that an earlier version stored
        "two different logs of block {block} have the index {log_index}: the node counts them in a way that is not "
        "understood, or answers wrongly. Use another node"
    ),
    "logs_share_place": gettext_noop(
        "two different logs of transaction {transaction} in block {block} have the index {log_index}: the node counts "
        "them in a way that is not understood, or answers wrongly. Use another node"
    ),
    "time_missing": gettext_noop("no time is known for block {block}"),
    "l1_block_missing": gettext_noop(
        "the node's block {block} does not name its block of the chain below (l1BlockNumber), which the governor's "
        "clock counts: use a node that names it"
    ),
    "clock_unanswered": gettext_noop(
        "the node can't say what the governor's clock was at block {block}: use one that keeps old state"
    ),
    "receipt_missing": gettext_noop("the node has no receipt of a transaction in its block {block}"),
    "other_receipt": gettext_noop("the node answered with another transaction's receipt"),
    "method_unknown": gettext_noop("{endpoints}: {method} is not known there"),
    "answer_malformed": gettext_noop("the node's answer to {method} is malformed: {error} {reason}"),
    "block_malformed": gettext_noop("the node's answer is malformed: {error}"),
    "error_malformed": gettext_noop("answered {method} with an error that is not an object"),
    # Why a signature is not taken.
    "signature_length": gettext_noop(
        "A key's signature has 65 bytes, or 64 in the short form of EIP-2098; this one has {length}."
    ),
    "signature_digits": gettext_noop("A signature is 0x and then hexadecimal digits, two for each byte."),
    "signature_not_asked": gettext_noop(
        "It is no signature of the account's key, and the chain could not be asked whether a contract there accepts "
        "it. Try again."
    ),
    "signature_v": gettext_noop("The last byte of a signature is 0, 1, 27 or 28; this one's is {v}."),
    "signature_off_curve": gettext_noop("The bytes are no signature of any key. Sign again."),
    "signature_high_s": gettext_noop(
        "The signature is in the form with a high s, which contracts refuse because anybody can make it of another "
        "one. Sign again with a wallet that gives the form with a low s."
    ),
    "signature_prefixed": gettext_noop(
        "The wallet signed the message's hash with the prefix of eth_sign, not the message itself. Sign again with a "
        "wallet that signs the message as it is shown."
    ),
    "signature_of_another": gettext_noop(
        "The key of {signer} made the signature, not that of {account}, or the text was changed after signing."
    ),
    "signature_without_contract": gettext_noop(
        "The signature has {length} bytes, as contract wallets make them, but there is no contract at {account} on "
        "this chain. Deploy the wallet here first, by any transaction from it."
    ),
    "signature_refused_by_contract": gettext_noop(
        "The contract at {account} does not accept the signature, as of block {block}."
    ),
    "signature_refused_undeployed": gettext_noop(
        "The wallet at {account} is not deployed yet. Deployed on trial at block {block} as the signature says "
        "(ERC-6492), it does not accept the signature, or is not at that address."
    ),
    "signature_needs_contract": gettext_noop(
        "The wallet at {account} is not deployed yet, so the chain can't check what it signed. Deploy it first, by any "
        "transaction from it, or vote by transaction."
    ),
    "signature_not_deployed": gettext_noop(
        "The wallet at {account} is not deployed yet, so it can't confirm its signature later. Deploy it first, by any "
        "transaction from it."
    ),
    "signature_refused_by_delegated_code": gettext_noop(
        "The key of {account} signed, but the account runs a contract's code (EIP-7702), which the chain asks instead "
        "and which does not accept the signature. Vote by transaction."
    ),
    # Where nodes contradict each other.
    "block_not_shared": gettext_noop("it does not have block {block} as the other endpoint has it"),
    "logs_beside_block": gettext_noop("an endpoint answered logs of another block {block} than the one it shows"),
    "logs_invented": gettext_noop("an endpoint showed logs that are not there: all is read again without it"),
    "blocks_differ": gettext_noop("two endpoints have different blocks {block}: one is behind, or on another chain"),
    "endpoints_differ": "{endpoints}: {problem}",
    "logs_unconfirmed": gettext_noop(
        "{endpoint} does not show {count} log(s) of block {block} that a node showed: kept, unconfirmed"
    ),
    "log_changed": gettext_noop(
        "{endpoint} shows another log {log_index} of block {block} than was read before, which is kept"
    ),
    "logs_in_one_place": gettext_noop(
        "of block {block} they show different logs in one place, and nothing says which is right"
    ),
    "blocks_wait": gettext_noop("{endpoints}: {problem}; blocks from there on wait until they agree"),
    # What was met while a chain was read.
    "false_answer": gettext_noop("{endpoint} is not asked for {pause_s:.0f} s: {reason}."),
    "logs_contradict": gettext_noop(
        "Nodes show different logs, and nothing proves who is right. {problem}. Compare the nodes with another one."
    ),
    "node_failed": _node_failed,
    # Why due work waits, or was given up.
    "work_failed": gettext_noop("failed with {error}: {text}"),
    "dao_gone": gettext_noop("the DAO is gone"),
    # What sending a transaction met.
    "stuck_at_cap": gettext_noop("stuck, and already at the cap of {gwei} gwei a gas"),
    "reading_failed": gettext_noop("Reading failed with {error}; the worker's log says where."),
    "genesis_changed": gettext_noop(
        "The node says chain {chain_id}, but its first block is another one: it serves another chain. Correct "
        "MANDATE_RPC_URLS."
    ),
    "chain_parted_below_final": gettext_noop(
        "The node serves a chain that parts from ours after block {block}, below what was final. Nothing is changed: "
        "compare with another node; if the chain really changed, add the DAO anew."
    ),
    "blocks_replaced": _blocks_replaced,
    "local_blocks_gone": _local_blocks_gone,
    "blocks_dropped": _blocks_dropped,
    "logs_left_out": gettext_noop(
        "A node had answered wrongly about blocks from {from_block} on: it left logs out. They are read again, and "
        "what was read before stays."
    ),
    "logs_refuted": gettext_noop(
        "A node had shown {logs} log(s) in blocks {from_block} to {to_block} that receipts prove were never there. The "
        "mirror removed them."
    ),
    "proposal_unseen": gettext_noop(
        "Logs name proposal {proposal_id}, whose creation was never seen: read from an earlier block."
    ),
    "log_undecodable": gettext_noop("A log of {contract} can't be read and is kept raw: {reason}"),
    "policy_code_unread": gettext_noop(
        "The code of policy {policy_id} version {version} at {pointer} could not be read"
    ),
    "policy_code_differs": gettext_noop(
        "The code of policy {policy_id} version {version} at {pointer} does not have the hash that its log names"
    ),
    "governor_code_changed": gettext_noop("The governor's code was changed in block {block}. Asked again: {changes}."),
    "governor_code_alike": gettext_noop(
        "The governor's code was changed in block {block}. Asked again, it answers as before."
    ),
    "governor_code_unknown": gettext_noop(
        "The governor's code was changed in block {block}. Asked again, it does not answer as a governor that is "
        "understood: states and counts here are by the rules from before."
    ),
    "governor_silent": gettext_noop(
        "The governor does not answer as a governor that is understood at block {block}, and no log says why: states "
        "and counts here are by the rules from before."
    ),
    "governor_differs": gettext_noop("The governor answers otherwise than before at block {block}: {changes}."),
    "governor_clock_differs": gettext_noop(
        "The governor's clock says {says} at block {block}, whose time is {time_s}: it counts something else than what "
        "is known here. States and power here may be wrong: run `manage.py add_dao` again with this DAO's slug."
    ),
    "token_clock_differs": gettext_noop(
        "The votes token's clock says {says} at block {block}, whose time is {time_s}: it counts something else than "
        "what is known here. Power here may be wrong: run `manage.py add_dao` again with this DAO's slug."
    ),
    "snapshot_differs": gettext_noop(
        "The governor gave a proposal of block {block}, whose time is {time_s}, the snapshot {snapshot}: its clock "
        "counts something else than what is known here. States and power here may be wrong: run `manage.py add_dao` "
        "again with this DAO's slug."
    ),
    "timelock_unread": gettext_noop(
        "The governor uses another timelock now, {timelock}, which is not read: run `manage.py add_dao` again with "
        "this DAO's slug."
    ),
}

TABLE = Table("mirror", SENTENCES)
say = TABLE.say


def said(text: str) -> Sentence:
    """Return the text as a sentence; one of no code of ours is `plain`."""
    return text if isinstance(text, Sentence) else say(PLAIN, text=text)
