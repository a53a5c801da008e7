# SPDX-License-Identifier: Apache-2.0
"""Given addresses that strangers wrote: only the public internet is called, and nothing holds us up."""

import datetime
import ipaddress
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webapp.receiver import DAWDLE, ENDLESS, receiver
from webapp.mail import outbound

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
CLOSED = [
    "0.0.0.0",  # noqa: S104 -- not to be called
    "127.0.0.1", "127.8.9.10", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "168.63.129.16", "100.64.0.1", "100.100.100.200", "192.0.0.9", "192.0.0.192", "192.88.99.1",
    "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1",
    "2002:7f00:1::", "2001::1", "2001:db8::1", "fc00::1", "fd00:ec2::254", "fe80::1", "ff02::1", "fec0::1",
]  # fmt: skip
PRIVATE4 = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16")]


@pytest.mark.parametrize("text", CLOSED)
def test_what_is_not_public_is_not_called(text):
    assert not outbound.is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "203.0.112.1", "2606:4700:4700::1111", "2a00:1450:4001::1"])
def test_what_is_public_is_called(text):
    assert outbound.is_public(ipaddress.ip_address(text))


@given(st.sampled_from(PRIVATE4), st.integers(0, 2**32), st.sampled_from(["mapped", "compatible", "nat64", "6to4"]))
def test_no_way_of_writing_a_private_address_gets_through(network, number, way):
    inner = int(network[number % network.num_addresses])
    whole = {
        "mapped": (0xFFFF << 32) | inner,
        "compatible": inner,
        "nat64": (0x64FF9B << 96) | inner,
        "6to4": (0x2002 << 112) | (inner << 80),
    }[way]
    assert not outbound.is_public(ipaddress.IPv6Address(whole))
    assert not outbound.is_public(ipaddress.IPv4Address(inner))


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/", "ftp://hooks.example.org/", "https://", "https:///x", "https://a:8443/",
        "https://me@hooks.example.org/", "https://hooks.example.org/#x", "https://hooks.example.org\\@10.0.0.1/",
        "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://10.0.0.1/", "https://a b/",
        "https://hooks.example.org/\r\nHost: x", "https://höoks.example.org/", "https://a%2eb/", "//hooks.example.org/",
        "https://hooks.example.org:99999/", "https://[fe80::1%25eth0]/", "https://a/" + "x" * 600, "",
    ],
)  # fmt: skip
def test_other_addresses_are_refused_with_words(url, settings):
    settings.WEBHOOK_TEST_NETWORKS = []
    with pytest.raises(outbound.BadTarget) as error:
        outbound.target_of(url)
    assert str(error.value).endswith(".")


@pytest.mark.parametrize("name", ["2130706433", "0x7f.1", "127.1", "localhost"])
def test_names_that_mean_this_machine_are_refused_when_they_are_looked_up(name):
    with pytest.raises(outbound.NotTaken) as error:
        outbound.addresses_of(name, 443)
    assert error.value.why.code in ("hook_not_public", "hook_no_name")


def answers(*addresses):
    return [
        (socket.AF_INET6 if ":" in text else socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, 443))
        for text in addresses
    ]


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: answers("8.8.8.8", "10.0.0.1"))
    with pytest.raises(outbound.NotTaken) as error:
        outbound.post("https://hooks.example.org/", b"{}", {})
    assert error.value.why.code == "hook_not_public"


def test_a_name_that_answers_otherwise_a_moment_later_changes_nothing(monkeypatch):
    """The connection goes to what was judged: the name is looked up once."""
    looked, connected = [], []

    def look_up(host, *_arguments, **_named):
        looked.append(host)
        return answers("8.8.8.8" if len(looked) == 1 else "127.0.0.1")

    def connect(address, *_arguments, **_named):
        connected.append(address[0])
        raise OSError("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(outbound.NotTaken):
        outbound.post("https://hooks.example.org/", b"{}", {})
    assert looked == ["hooks.example.org"]
    assert connected == ["8.8.8.8"]


@pytest.fixture
def here(settings):
    settings.WEBHOOK_TEST_NETWORKS = LOOPBACK
    with receiver() as one:
        yield one


def test_a_redirect_is_not_followed(here):
    here.does, here.headers = lambda _number: 307, {"Location": here.url}
    with pytest.raises(outbound.NotTaken) as error:
        outbound.post(here.url, b"{}", {"webhook-id": "a"})
    assert (error.value.status, len(here.seen)) == (307, 1)


def test_no_proxy_of_the_environment_is_asked(here, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert outbound.post(here.url, b"{}", {"webhook-id": "a"}) == 204


def test_who_sends_a_letter_at_a_time_does_not_hold_us(here, monkeypatch):
    monkeypatch.setattr(outbound, "WITHIN_S", 1.0)
    here.does = lambda _number: DAWDLE
    begun = time.monotonic()
    with pytest.raises(outbound.NotTaken) as error:
        outbound.post(here.url, b"{}", {"webhook-id": "a"})
    assert error.value.why.code == "hook_too_slow"
    assert time.monotonic() - begun < 8  # the 1 s, on a busy machine; all its letters would take 22 s


def test_an_answer_without_end_is_not_read(here):
    here.does = lambda _number: ENDLESS
    begun = time.monotonic()
    assert outbound.post(here.url, b"{}", {"webhook-id": "a"}) == 200
    assert time.monotonic() - begun < outbound.WITHIN_S


def test_how_long_a_receiver_asks_to_wait_is_read(here):
    here.does, here.headers = lambda _number: 429, {"Retry-After": "120"}
    with pytest.raises(outbound.NotTaken) as error:
        outbound.post(here.url, b"{}", {"webhook-id": "a"})
    assert (error.value.status, error.value.again_after_s) == (429, 120)


NOW = datetime.datetime(2026, 11, 6, 8, 49, 37, 500_000, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("120", 120), (" 7 ", 7), ("0", 0), ("12345678", 0), ("-5", 0), ("", 0), ("soon", 0), ("1e3", 0), ("٣", 0),
        ("Fri, 06 Nov 2026 09:49:38 GMT", 3601), ("Friday, 06-Nov-26 08:59:37 GMT", 600),
        ("Fri Nov  6 08:50:37 2026", 60), ("Fri, 06 Nov 2026 08:49:37 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("Fri, 06 Nov 2026 09:49:38 -0000", 3601), ("Fri, 06 Nov 9999 08:49:37 GMT", outbound._MOST_WAIT_S),
        ("Fri, 06 Nov 2026 25:61:61 GMT", 0), ("Fri, 06 Nov 2026 09:49:38 +9999999999", 0), ("Fri, 31 Feb 2027", 0),
    ],
)  # fmt: skip
def test_how_long_to_wait_is_read_as_seconds_and_as_a_date(monkeypatch, text, wait_s):
    monkeypatch.setattr(outbound.timezone, "now", lambda: NOW)
    assert outbound._asked_to_wait([(b"Date", b"x"), (b"retry-AFTER", text.encode())]) == wait_s


DATES = st.from_regex(r"[A-Z][a-z]{2}, \d{1,9} [A-Z][a-z]{2} \d{1,9} \S{1,20} \S{1,9}").map(str.encode)


@given(st.one_of(st.binary(max_size=80), DATES))
def test_no_wish_to_wait_breaks_anything(value):
    assert 0 <= outbound._asked_to_wait([(b"Retry-After", value)]) <= 9_999_999
