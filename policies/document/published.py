# SPDX-License-Identifier: Apache-2.0
"""A document as it is published: what its hash is of and nothing else, lest it tell members another story."""

from io import StringIO

import rfc8785
from ruamel.yaml import YAML

from policies.code.document_model import Sources
from policies.document import yaml_tree
from policies.document.document import load
from policies.document.expanding import expand
from policies.document.yaml_tree import Frozen
from policies.notation.problems import Problems

_WIDTH = 118


def published(text: str, source: str = "policy.yaml") -> tuple[bytes, str]:
    """The document hash, and the plain document: without comments, parameters and tables, in the order of writing.

    Anybody's text of one document makes the same text here, but for the order of keys. Raises PolicyError: also where
    the document names what stands outside it (`policy compile --document` writes one that does not).
    """
    document = load(text, source=source)
    plain = expand(yaml_tree.parse(text, source), Sources(), Problems(), read_back=False)
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style, writer.allow_unicode, writer.width = False, True, _WIDTH
    writer.representer.sort_base_mapping_type_on_output = False
    into = StringIO()
    writer.dump(yaml_tree.as_json(plain, Frozen()), into)
    made = into.getvalue()
    if load(made, source=source).content != document.content:
        raise AssertionError("what is published is not the document")
    if rfc8785.dumps(yaml_tree.as_json(yaml_tree.parse(made, source), Frozen())) != document.content:
        raise AssertionError("what is published holds more than the document")
    return document.document_hash, made
