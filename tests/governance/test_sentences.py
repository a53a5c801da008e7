# SPDX-License-Identifier: Apache-2.0
"""One mechanism for all sentences: code and values inside, words at the rim, sentences in sentences, lists of them."""

import json

import pytest
from django.utils import translation
from django.utils.translation import gettext_noop

from governance.numbers import two_readings
from governance.sentences import LEGACY, Sentence, Table, worded
from tests import pseudo


def _list(values, translate):
    return translate("all: {items}").format(items="; ".join(values["items"]))


INNER = Table("test inner", {"hot": gettext_noop("it is {degrees:g} degrees hot"), "cold": gettext_noop("it is cold")})
OUTER = Table("test outer", {"since": gettext_noop("closed since {why}"), "all": _list, "open": gettext_noop("open")})


def again(table: Table, sentence: Sentence) -> Sentence:
    return table.read(json.loads(json.dumps(sentence.as_json())), "never shown")


def test_a_sentence_is_its_english_text_and_knows_what_it_was_made_of():
    sentence = INNER.say("hot", degrees=40.5)
    assert sentence == sentence.text == "it is 40.5 degrees hot"
    assert sentence.as_json() == {"code": "hot", "values": {"degrees": 40.5}}
    assert again(INNER, sentence).as_json() == sentence.as_json()


def test_a_sentence_in_a_sentence_is_stored_by_its_code_and_names_another_table():
    open_ = OUTER.say("open")
    sentence = OUTER.say("all", items=[INNER.say("cold"), open_, "as it is"])
    assert sentence == "all: it is cold; open; as it is"
    assert sentence.values_json() == {
        "items": [
            {"code": "cold", "values": {}, "table": "test inner"},
            {"code": "open", "values": {}},
            "as it is",
        ]
    }
    read = again(OUTER, sentence)
    assert read == sentence
    assert read.values["items"][0].table is INNER
    assert read.values["items"][1].table is OUTER


def test_three_deep_in_another_table_it_is_still_read():
    deep = OUTER.say("since", why=OUTER.say("since", why=INNER.say("cold")))
    assert again(OUTER, deep) == deep == "closed since closed since it is cold"
    other = Table("test third", {"so": "{it}"}).say("so", it=deep)
    assert again(other.table, other) == "closed since closed since it is cold"


def test_a_sentence_may_be_given_as_its_json():
    assert OUTER.say("since", why={"code": "open", "values": {}}).values["why"].code == "open"


def test_all_of_it_is_in_the_readers_language_and_what_is_stored_is_english():
    sentence = OUTER.say("since", why=INNER.say("hot", degrees=3))
    with pseudo.spoken(knows_all=True):
        assert worded(sentence) == pseudo.in_pseudo("closed since it is 3 degrees hot")
        assert again(OUTER, sentence) == "closed since it is 3 degrees hot"


@pytest.mark.parametrize(
    "stored",
    [None, {}, {"code": ""}, {"code": "legacy"}, {"code": "legacy", "values": {"text": "other"}},
     {"code": "newer", "values": {}}, {"code": "hot"}, {"code": "hot", "values": {}}, {"code": "hot", "values": None},
     {"code": "hot", "values": {"degrees": "much"}},
     {"code": "hot", "values": {"degrees": {"code": "x", "values": {}}}},
     {"code": "hot", "values": {"degrees": {"code": "cold", "values": {}, "table": "of a newer version"}}}],
)  # fmt: skip
def test_what_this_version_does_not_say_keeps_its_text(stored):
    read = INNER.read(stored, "As it {was}.")
    assert (read, read.code) == ("As it {was}.", LEGACY)
    with pseudo.spoken(knows_all=True):
        assert INNER.shown(stored, "As it {was}.") == "As it {was}."


def test_lists_of_another_length_than_their_texts_are_older():
    assert INNER.read_all([{"code": "cold", "values": {}}], ["it was cold"]) == ["it is cold"]
    assert INNER.read_all([], ["it was cold"]) == ["it was cold"]


def test_a_text_joins_a_list_and_a_table_words_its_own_values():
    euros = Table("test euros", {"paid": gettext_noop("paid {to}")}, lambda value, _: f"€{value['euro']}")
    assert euros.say("paid", to=[{"euro": 5}, INNER.say("cold"), {"euro": 6}]) == "paid €5; it is cold; €6"
    assert euros.read({"code": "paid", "values": {"to": {"dollar": 5}}}, "paid $5") == "paid $5"


def test_a_code_is_added_once():
    table = Table("test added", {"cold": "it is cold"})
    assert table.add({"hot": "it is hot"})("hot") == "it is hot"
    with pytest.raises(ValueError, match="same code: cold"):
        table.add({"cold": "it is cool"})


def test_a_code_or_a_value_that_is_not_known_is_not_said():
    for code, values in (("nonsense", {}), ("hot", {}), ("hot", {"degrees": {"code": "x", "values": {}}})):
        with pytest.raises(KeyError):
            INNER.say(code, **values)


TYPED = Table("typed", {
    "quoted": '"{piece:.9}" beside {amount} and `{word}`; {rest}', "paid": "paid {amount}, {held}", "said": "{digits}",
    "typed": "{amount}",
}, as_written={"typed": "amount"})  # fmt: skip


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("12,000 USDC", "12.000 USDC"),
        ("1,234.5", "1.234,5"),
        (
            "0.5 UNI (0x5c0000000000000000000000000000000000dEAD)",
            "0,5 UNI (0x5c0000000000000000000000000000000000dEAD)",
        ),
        ("1,500 base units of token 0xAb", "1.500 base units of token 0xAb"),
        ("1,500.25 native units", "1.500,25 native units"),
        ("1.4.1", "1.4.1"),
        ("1.4", "1.4"),
        ("1,000 USDC is what kim wrote", "1,000 USDC is what kim wrote"),
        ("kim 1,000 USDC", "kim 1,000 USDC"),
    ],
)
def test_amounts_in_sentences_are_written_as_the_language_does(english: str, german: str) -> None:
    sentence = TYPED.say("paid", amount=english, held=[english, "x"])
    assert sentence == f"paid {english}, {english}; x"
    with translation.override("de"):
        assert worded(sentence) == f"paid {german}, {german}; x"


def test_what_somebody_typed_stays_as_it_is_typed() -> None:
    with translation.override("de"):
        sentence = TYPED.say("quoted", piece="1,000", amount="1,000 X", word="2,000 Y", rest="3,000")
        assert worded(sentence) == '"1,000" beside 1.000 X and `2,000 Y`; 3.000'
        assert worded(TYPED.say("said", digits="0,500")) == "0,500"
        assert worded(TYPED.say("typed", amount="1,000 X")) == "1,000 X"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,500", ("1,500", "1500", "1.5")),
        ("pay kim 2,125 ETH for the talk", ("2,125", "2125", "2.125")),
        ("12,000, then", ("12,000", "12000", "12")),
        ("0,500", ("0,500", "500", "0.5")),
        ("１，５００", ("1,500", "1500", "1.5")),
        *((text, None) for text in ("1,500.00", "1,500,000", "1500", "1.5", "1,5", "1,5000", "1.000,500", "")),
    ],
)
def test_a_number_that_a_comma_gives_two_readings_is_found(text: str, found: object) -> None:
    assert two_readings(text) == found
