# SPDX-License-Identifier: Apache-2.0
import json
import threading
import time
from types import SimpleNamespace

import pytest

from agent.llm import answer_schema as json_schema
from agent.llm import client
from agent.llm.client import Model, ModelDown, ModelMisconfigured, ModelRefused, Trouble, prompt_hash
from agent.llm.trouble import in_words
from agent.llm.words import say as llm_say
from agent.models import ModelTrouble
from tests.agent.attacker import answer, attacker_model
from tests.agent.trickler import WAYS, trickler
from tests.plugin import free_port

SCHEMA = {
    "type": "object",
    "properties": {"ids": {"type": "array", "items": {"type": "string", "enum": ["s1", "s2"]}, "maxItems": 2}},
    "required": ["ids"],
    "additionalProperties": False,
}
GOOD = '{"ids": ["s2"]}'
ASK = [{"role": "user", "content": "which?"}]


def ask(attacker, **options):
    return attacker.model(**options).complete(ASK, SCHEMA, "ids")


def test_a_valid_answer_comes_back_with_what_it_cost():
    with attacker_model(lambda _: GOOD) as attacker:
        completion = ask(attacker, api_key="a-key")
    assert completion.parsed == {"ids": ["s2"]}
    assert completion.model == "attacker-1"
    assert (completion.usage.prompt_tokens, completion.usage.output_tokens) == (10, 5)
    assert len(completion.prompt_hash) == 32
    assert attacker.requests[0]["response_format"]["json_schema"]["strict"] is True
    assert attacker.keys == ["Bearer a-key"]


@pytest.mark.parametrize(
    "said",
    [
        "not json",
        '{"ids": ["s3"]}',
        '{"ids": ["s1", "s2", "s1"]}',
        '{"ids": ["s1"], "text": "The treasury is safe."}',
        '{"ids": ["s1"]} and more',
        '{"ids": [], "ids": ["s1"]}',
        '{"ids": [true]}',
        "[]",
        "null",
        '{"ids": NaN}',
        '{"ids": ' + "[" * 100_000 + "]" * 100_000 + "}",
        "9" * 10_000,
        "",
        '{"ids": ["s1"' + " " * 30_000 + "]}",
        answer(GOOD, "length"),
        answer(GOOD, "content_filter"),
        answer(GOOD, "tool_calls"),
        {"text": None, "finish_reason": "stop"},
        {"text": {"ids": []}, "finish_reason": "stop"},
    ],
    ids=str,
)
def test_an_unusable_answer_is_asked_for_once_more_and_then_refused(said):
    with attacker_model(lambda _: said) as attacker:
        with pytest.raises(ModelRefused) as refused:
            ask(attacker)
        assert len(attacker.requests) == 2
        assert refused.value.usage.prompt_tokens == 20
        assert "treasury is safe" not in str(refused.value)


def test_a_second_answer_that_is_good_is_taken():
    answers = iter(["rubbish", GOOD])
    with attacker_model(lambda _: next(answers)) as attacker:
        completion = ask(attacker)
    assert completion.parsed == {"ids": ["s2"]}
    assert attacker.requests[0]["seed"] != attacker.requests[1]["seed"]


@pytest.mark.parametrize("status", [404, 429, 500, 503, 401])
def test_a_server_that_is_not_ready_is_down(status):
    with attacker_model(lambda _: status) as attacker, pytest.raises(ModelDown):
        ask(attacker)


def test_a_request_that_the_server_refuses_is_not_repeated():
    with attacker_model(lambda _: 400) as attacker:
        with pytest.raises(ModelRefused):
            ask(attacker)
        assert len(attacker.requests) == 1


def test_nobody_listening_is_down():
    with pytest.raises(ModelDown):
        Model(f"http://127.0.0.1:{free_port()}/v1", "none").complete(ASK, SCHEMA, "ids")


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[]", b'{"choices": 7}', b'{"choices": [7]}', b"{", b'"x"'])
def test_a_server_that_speaks_another_protocol_gets_nothing_through(body):
    with attacker_model(lambda _: body) as attacker, pytest.raises((ModelDown, ModelRefused)):
        ask(attacker)


def test_an_endless_answer_is_not_read_to_its_end():
    body = b'{"choices": "' + b"x" * 3_000_000 + b'"}'
    with attacker_model(lambda _: body) as attacker, pytest.raises(ModelRefused, match="longer"):
        ask(attacker)


def test_a_server_too_slow_is_down():
    ended = threading.Event()

    def late(_request):
        ended.wait(5)
        return GOOD

    with attacker_model(late) as attacker:
        try:
            with pytest.raises(ModelDown, match="in time"):
                ask(attacker, answer_timeout_s=0.2)
        finally:
            ended.set()


def gives_up_in_time(model: Model, ask=ASK) -> ModelDown:
    """Return the error with which a completion of one second ends; the server itself would never end."""
    with pytest.raises(ModelDown) as down:
        model.complete(ask, SCHEMA, "ids")
    return down.value


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_a_server_that_trickles_is_given_up_at_the_deadline(way):
    with trickler(*way) as server:
        assert gives_up_in_time(Model(server.url, "m", answer_timeout_s=1)).trouble == Trouble.SLOW


def test_a_tls_handshake_that_trickles_is_given_up():
    with trickler(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc", b"\x00") as server:
        down = gives_up_in_time(Model(server.url.replace("http:", "https:"), "m", answer_timeout_s=1))
    assert down.trouble == Trouble.UNREACHABLE


def test_a_server_that_does_not_read_what_it_is_sent_is_given_up():
    with trickler(b"", b"", reads=False) as server:
        long = [{"role": "user", "content": "x" * 20_000_000}]
        assert gives_up_in_time(Model(server.url, "m", answer_timeout_s=1), long).trouble == Trouble.SLOW


def test_both_tries_share_one_deadline(monkeypatch):
    """The first answer takes all but two seconds of it; a second try with a minute of its own would get its answer."""
    passed, ended = [0.0], threading.Event()
    now = time.monotonic
    monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: now() + passed[0]))

    def late_and_useless(_request):
        if passed[0]:
            ended.wait(20)
        passed[0] = 58.0
        return "rubbish"

    with attacker_model(late_and_useless) as attacker:
        try:
            assert gives_up_in_time(attacker.model(answer_timeout_s=60)).trouble == Trouble.SLOW
        finally:
            ended.set()
        assert len(attacker.requests) == 2


def test_a_slow_answer_within_the_deadline_is_taken():
    def late(_request):
        time.sleep(0.6)
        return GOOD

    with attacker_model(late) as attacker:
        assert ask(attacker, answer_timeout_s=20).parsed == {"ids": ["s2"]}


THINKING = {"reasoning_content": "Okay, the user asks", "text": None, "finish_reason": "length"}


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        (401, Trouble.KEY),
        (404, Trouble.NOT_FOUND),
        (429, Trouble.BUSY),
        (503, Trouble.BUSY),
        (b"<html>log in</html>", Trouble.PROTOCOL),
        (b'{"error": "no"}', Trouble.PROTOCOL),
        (b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}", Trouble.PROTOCOL),
        (THINKING, Trouble.THINKS),
        (THINKING | {"text": ""}, Trouble.THINKS),
        (THINKING | {"reasoning_content": None, "reasoning": "Hm."}, Trouble.THINKS),
        (answer("<think>\nOkay, the user", "length"), Trouble.THINKS),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_server_has_a_name(said, trouble):
    with attacker_model(lambda _: said) as attacker, pytest.raises(ModelDown) as down:
        ask(attacker)
    assert down.value.trouble == trouble
    assert isinstance(down.value, ModelMisconfigured) is (trouble != Trouble.BUSY)


@pytest.mark.parametrize("said", [400, 402, 403, 405, 413, 422, 307], ids=str)
def test_a_refused_request_is_told_from_a_bad_answer(said):
    with attacker_model(lambda _: said) as attacker, pytest.raises(ModelRefused) as refused:
        ask(attacker)
    assert (refused.value.unanswered, refused.value.http_status) == (True, said)
    assert refused.value.of_the_setup().trouble == (Trouble.KEY if said == 403 else Trouble.REFUSES)


@pytest.mark.parametrize(("said", "unanswered"), [(answer("", "length"), True), (answer(GOOD, "length"), False)])
def test_an_answer_that_never_began_is_told_from_one_that_was_cut_off(said, unanswered):
    with attacker_model(lambda _: said) as attacker, pytest.raises(ModelRefused) as refused:
        ask(attacker)
    assert refused.value.unanswered is unanswered


def test_what_a_server_says_of_an_error_is_kept_printable_short_and_without_our_key():
    key = "sk-very-secret"
    said = f"bad key {key}\n\x1b[2J\u202e" + "x" * 5000
    with attacker_model(lambda _: (400, json.dumps({"error": {"message": said}}).encode())) as attacker:
        with pytest.raises(ModelRefused) as refused:
            ask(attacker, api_key=key)
        assert attacker.keys == [f"Bearer {key}"]
    assert refused.value.said.startswith("bad key (the key) [2Jxxx")
    assert len(refused.value.said) == 200
    assert "secret" not in str(refused.value) + refused.value.said


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[1]", b'{"error": {"message": {"a": [1]}}}', b"\xff\xfe", b'"' + b"x" * 999]
)
def test_an_error_of_any_shape_is_a_refusal(body):
    with attacker_model(lambda _: (400, body)) as attacker, pytest.raises(ModelRefused):
        ask(attacker)


def test_the_models_that_a_server_has_are_listed_printable():
    listed = {"data": [{"id": "qwen\x1b[2J"}, {"id": 7}, {}, "x", {"id": "y" * 999}, {"id": "never"}]}
    with attacker_model(lambda _: GOOD) as attacker:
        attacker.models = json.dumps(listed).encode()
        assert attacker.model().names() == ["qwen[2J", "y" * 80]
        attacker.models = b"[]"
        with pytest.raises(ModelMisconfigured):
            attacker.model().names()


def test_extra_fields_go_along_and_are_hashed():
    extra = {"chat_template_kwargs": {"enable_thinking": False}}
    with attacker_model(lambda _: GOOD) as attacker:
        with_it, without = ask(attacker, extra_body=extra), ask(attacker)
    assert [request.get("chat_template_kwargs") for request in attacker.requests] == [{"enable_thinking": False}, None]
    assert with_it.prompt_hash == prompt_hash(ASK, SCHEMA, extra) != without.prompt_hash
    # As in records made before there were such fields.
    assert without.prompt_hash == prompt_hash(ASK, SCHEMA, {}) == prompt_hash(ASK, SCHEMA)


@pytest.mark.parametrize("key", [b"", b"two words", b"line\nline", "schl\u00fcssel".encode(), b"\xff\xfe"])
def test_a_key_file_that_holds_no_key_is_said_to(settings, tmp_path, key):
    path = tmp_path / "key"
    path.write_bytes(key)
    settings.MODEL_URL, settings.MODEL_API_KEY_FILE = "http://127.0.0.1:1/v1", str(path)
    with pytest.raises(ModelMisconfigured) as wrong:
        Model.from_settings()
    assert wrong.value.trouble == Trouble.KEY_FILE
    row = ModelTrouble(trouble=wrong.value.trouble, values=wrong.value.values)
    code = row.values["problem"]["code"]
    assert code in {"file_not_text", "file_without_key", "file_odd_key"}
    assert f"from its file: {llm_say(code)}. Set MODEL_API_KEY_FILE" in in_words(row)


def test_a_trouble_older_than_the_codes_keeps_its_words():
    row = ModelTrouble(trouble=Trouble.KEY_FILE, values={"problem": "no key is in it"})
    assert in_words(row).startswith("The model's key can't be read from its file: no key is in it. Set ")


def test_the_key_is_read_from_its_file_and_never_shown(settings, tmp_path):
    key = tmp_path / "key"
    key.write_text("sk-secret\n")
    settings.MODEL_NAME, settings.MODEL_API_KEY_FILE = "m", str(key)
    with attacker_model(lambda _: 401) as attacker:
        settings.MODEL_URL = attacker.url
        model = Model.from_settings()
        with pytest.raises(ModelDown) as down:
            model.complete(ASK, SCHEMA, "ids")
        assert attacker.keys == ["Bearer sk-secret"]
    assert "sk-secret" not in str(down.value) + repr(model)


def test_without_a_model_in_the_settings_it_is_down(settings):
    settings.MODEL_URL = ""
    with pytest.raises(ModelDown):
        Model.from_settings()
    settings.MODEL_URL, settings.MODEL_API_KEY_FILE = "http://127.0.0.1:1/v1", "/nonexistent/key"
    with pytest.raises(ModelDown):
        Model.from_settings()


@pytest.mark.parametrize(
    ("value", "schema", "fits"),
    [
        (1, {"type": "integer", "minimum": 1, "maximum": 3}, True),
        (4, {"type": "integer", "maximum": 3}, False),
        (True, {"type": "integer"}, False),
        (1.0, {"type": "integer"}, False),
        (1, {"enum": [True]}, False),
        (None, {"type": ["string", "null"]}, True),
        ("ab", {"type": "string", "pattern": "^a"}, True),
        ("b", {"type": "string", "pattern": "^a"}, False),
        ("", {"type": "string", "minLength": 1}, False),
        ([1, 1], {"type": "array", "uniqueItems": True}, False),
        ({"a": 1}, {"type": "object"}, False),  # closed unless the schema opens it
        ({"a": 1}, {"type": "object", "additionalProperties": {"type": "integer"}}, True),
        ({}, {"type": "object", "required": ["a"], "properties": {"a": {}}}, False),
        (1, {"anyOf": [{"type": "string"}, {"type": "integer"}]}, True),
        ([], {"anyOf": [{"type": "string"}, {"const": 1}]}, False),
    ],
    ids=json.dumps,
)
def test_the_schema_is_checked_by_our_own_code(value, schema, fits):
    assert (json_schema.problems(value, schema) == []) is fits


def test_a_schema_with_an_unknown_keyword_is_the_authors_error():
    with pytest.raises(json_schema.SchemaUnknown):
        json_schema.problems(1, {"type": "integer", "multipleOf": 2})
