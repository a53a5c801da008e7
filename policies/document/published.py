# SPDX-License-Identifier: Apache-2.0
"""A document as it is published: what its hash is of and nothing else, so no comment can tell members another story."""

from io import StringIO

from ruamel.yaml import YAML

from policies.document import yaml_tree
from policies.document.document import load
from policies.document.yaml_tree import Frozen

_WIDTH = 118


def published(text: str, source: str = "policy.yaml") -> tuple[bytes, str]:
    """The document hash, and the text without comments and with everything in the order of writing.

    Anybody's text of one document makes the same text here, but for the order of keys. Raises PolicyError: also where
    the document names what stands outside it (`policy compile --document` writes one that does not).
    """
    found = load(text, source=source).document_hash
    tree = yaml_tree.as_json(yaml_tree.parse(text, source), Frozen())
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style, writer.allow_unicode, writer.width = False, True, _WIDTH
    writer.representer.sort_base_mapping_type_on_output = False
    into = StringIO()
    writer.dump(tree, into)
    made = into.getvalue()
    if load(made, source=source).document_hash != found:
        raise AssertionError("what is published is not the document")
    return found, made
