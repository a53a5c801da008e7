# SPDX-License-Identifier: Apache-2.0
"""What a policy's own document adds to the words for its code: names, tokens, functions and texts."""

import json
from typing import TYPE_CHECKING, Any

from policies.code.policy_code import PolicyCode
from policies.notation.primitives import keccak
from policies.words.wording import Vocabulary

if TYPE_CHECKING:
    from policies.document.document import PolicyDocument


def lent(policy: PolicyCode, words: Vocabulary, document: "PolicyDocument | None") -> Vocabulary:
    """The vocabulary with what the policy's own document adds to it; another document adds nothing."""
    if document is None or not is_its_document(policy, document):
        return words
    return Vocabulary(
        {address: name for name, address in document.addresses} | dict(words.names),
        {token.address: token for token in document.tokens} | dict(words.tokens),
        {rule.function.selector: rule.function for rule in document.rules if rule.function} | dict(words.functions),
        texts_of(document) | dict(words.texts),
        lists_below=words.lists_below,
    )


def texts_of(document: "PolicyDocument") -> dict[int, str]:
    """Every text that the document has, by its keccak256: those of them that its rules permit can so be shown."""
    found: dict[int, str] = {}
    left: list[Any] = [json.loads(document.content)]
    while left:
        item = left.pop()
        if isinstance(item, str):
            found[int.from_bytes(keccak(item.encode("utf-8", "replace")), "big")] = item
        else:
            left.extend(item.values() if isinstance(item, dict) else item)
    return found


def is_its_document(policy: PolicyCode, document: "PolicyDocument") -> bool:
    return document.document_hash == policy.document_hash
