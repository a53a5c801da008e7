# SPDX-License-Identifier: Apache-2.0
"""The sentences about the model server: why it can't be asked, and why an answer of its can't be used.

They are in our words and fit for everybody; a server's own words are never among them.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_noop

from governance.sentences import Table, Template

SENTENCES: Mapping[str, Template] = {
    # Why the model can't be asked.
    "model_none": gettext_noop("no model is configured (MODEL_URL)"),
    "model_rests": gettext_noop("the model server is too slow; it is asked again at {at} UTC"),
    "model_unreachable": gettext_noop("the model server can't be reached"),
    "model_slow": gettext_noop("the model server did not answer in time"),
    "model_busy": gettext_noop("the model server is not ready (HTTP {http_status})"),
    "model_protocol": gettext_noop("the model server does not speak the OpenAI protocol"),
    "model_key": gettext_noop("the model server refuses our key (HTTP {http_status})"),
    "model_key_file": gettext_noop("the model's key file can't be used: {problem}"),
    "model_not_found": gettext_noop("the model server has no such model or address (HTTP {http_status})"),
    "model_refuses": gettext_noop("the model server refuses every request (HTTP {http_status})"),
    "model_thinks": gettext_noop("the model spends its whole answer on thinking"),
    "model_disobeys": gettext_noop("the model's answers can't be used, not even to a plain question: {problem}"),
    # What is wrong with the key's file.
    "file_unreadable": "{error}",  # the operating system's words
    "file_not_text": gettext_noop("not text"),
    "file_without_key": gettext_noop("no key is in it"),
    "file_odd_key": gettext_noop("what is in it is no key: a space or another odd character"),
    # Why an answer can't be used.
    "request_refused": gettext_noop("the model server refuses the request (HTTP {http_status})"),
    "answer_without_choice": gettext_noop("no choice in the answer"),
    "answer_cut_off": gettext_noop("cut off"),
    "answer_not_ended": gettext_noop("not ended by the model itself"),
    "answer_empty": gettext_noop("empty answer"),
    "answer_too_long": gettext_noop("longer than any answer may be"),
    "answer_not_json": gettext_noop("not JSON"),
    "answer_constant": gettext_noop("{name} is not JSON"),
    "answer_property_twice": gettext_noop("the same property twice"),
    "answer_odd_number": gettext_noop("a number that is no number"),
    # Where an answer does not obey its schema; `path` is a place in the JSON, such as $.choice.
    "schema_no_alternative": gettext_noop("{path}: none of the alternatives"),
    "schema_constant": gettext_noop("{path}: not the constant"),
    "schema_enum": gettext_noop("{path}: not one of the permitted values"),
    "schema_type": gettext_noop("{path}: not of type {types}"),
    "schema_missing": gettext_noop("{path}: {name} is missing"),
    "schema_unknown_property": gettext_noop("{path}: a property that is not in the schema"),
    "schema_few_items": gettext_noop("{path}: fewer than {least} items"),
    "schema_many_items": gettext_noop("{path}: more than {most} items"),
    "schema_item_twice": gettext_noop("{path}: the same item twice"),
    "schema_too_short": gettext_noop("{path}: too short"),
    "schema_too_long": gettext_noop("{path}: too long"),
    "schema_form": gettext_noop("{path}: not in the required form"),
    "schema_too_small": gettext_noop("{path}: too small"),
    "schema_too_large": gettext_noop("{path}: too large"),
}

TABLE = Table("model", SENTENCES)
say = TABLE.say
