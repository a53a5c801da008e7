# SPDX-License-Identifier: Apache-2.0
"""Values of environment variables: what is taken, and what a refusal tells to write."""

import ipaddress
import re

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http.request import split_domain_port, validate_host

from dao import environment


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8000", "https://dao.example", "https://dao.example:8443", "http://localhost",
        "http://[::1]:8000", "https://[2001:db8::1]", "https://xn--bcher-kva.example", "http://192.0.2.7",
        "https://0x.example", "http://[::ffff:c000:207]",
    ],
)  # fmt: skip
def test_an_origin_as_browsers_send_it_is_taken(text):
    assert environment.origin("MANDATE_ORIGIN", text) == text
    host = text.split("://", 1)[1]
    domain, _port = split_domain_port(host)  # empty where Django would serve nobody under this name
    assert validate_host(domain, [re.sub(r":[0-9]+$", "", host)])


@pytest.mark.parametrize(
    ("text", "write"),
    [
        ("https://dao.example/", "https://dao.example"),
        ("https://dao.example//", "https://dao.example"),
        ("https://dao.example/mandate", "https://dao.example"),
        ("https://dao.example?x=1#y", "https://dao.example"),
        ("dao.example", "https://dao.example or http://dao.example"),
        ("dao.example:8000", "https://dao.example:8000 or http://dao.example:8000"),
        ("HTTPS://DAO.Example", "https://dao.example"),
        ("https://dao.example:443", "https://dao.example"),
        ("http://dao.example:80/", "http://dao.example"),
        ("https://dao.example:", "https://dao.example"),
        ("https://user:s3cr3t@dao.example", "https://dao.example"),
        (" https://dao.example ", "https://dao.example"),
        ("ftp://dao.example", "https:// or http://"),
        ("https://", "https:// or http://"),
        ("https:/dao.example", "https:// or http://"),
        ("https//dao.example", "https:// or http://"),
        ("/", "https:// or http://"),
        ("https://dao example", "https:// or http://"),
        ("https://*", "https:// or http://"),
        ("https://bücher.example", "https:// or http://"),
        ("https://dao.example:99999", "https:// or http://"),
        ("https://[::1", "https:// or http://"),
        ("https://[:::]", "https:// or http://"),
        ("https://dao.example,https://b.example", "https:// or http://"),
        ("https://my_dao.internal", "https:// or http://"),
        ("https://dao.example.", "https:// or http://"),
        ("https://dao.example:0", "https:// or http://"),
        (f"https://{'a' * 64}.example", "https:// or http://"),
        ("http://127.1:8000", "https:// or http://"),
        ("http://2130706433", "https:// or http://"),
        ("http://0x7f.0.0.1", "https:// or http://"),
        ("http://010.1.1.1", "https:// or http://"),
        ("http://999.1.1.1", "https:// or http://"),
        ("http://[0:0:0:0:0:0:0:1]:8000", "https:// or http://"),
        ("http://[::ffff:192.0.2.7]", "https:// or http://"),
    ],
)
def test_another_origin_is_refused_with_what_to_write(text, write):
    with pytest.raises(ImproperlyConfigured) as refused:
        environment.origin("MANDATE_ORIGIN", text)
    said = str(refused.value)
    assert said.startswith("MANDATE_ORIGIN ")
    assert f"write {write}" in said
    assert said.endswith(write) or write.endswith("http://")
    assert "\n" not in said
    assert "s3cr3t" not in said


@pytest.mark.parametrize("text", ["DEBUG", "info", " Warning "])
def test_a_level_is_taken(text):
    assert environment.log_level("MANDATE_LOG_LEVEL", text) == text.strip().upper()


@pytest.mark.parametrize("text", ["", "10", "TRACE", "NOTSET", "IN FO", "\n", "x" * 1000])
def test_what_is_no_level_is_refused(text):
    with pytest.raises(ImproperlyConfigured, match="set it to one of DEBUG, INFO, WARNING, ERROR, CRITICAL") as refused:
        environment.log_level("MANDATE_LOG_LEVEL", text)
    assert len(str(refused.value)) < 200
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "networks", "unix"),
    [
        ("", [], False),
        ("10.0.0.5", ["10.0.0.5/32"], False),
        ("10.0.0.0/8, fd00::/8  ::1", ["10.0.0.0/8", "fd00::/8", "::1/128"], False),
        ("unix", [], True),
        ("unix,127.0.0.1", ["127.0.0.1/32"], True),
        ("::ffff:10.0.0.0/104", ["10.0.0.0/8"], False),
        ("::ffff:10.0.0.5", ["10.0.0.5/32"], False),
    ],
)
def test_proxies_are_taken(text, networks, unix):
    expected = tuple(ipaddress.ip_network(network) for network in networks)
    assert environment.proxies("MANDATE_TRUSTED_PROXIES", text) == (expected, unix)


@pytest.mark.parametrize(
    "text",
    [
        "nginx",
        "10.0.0.5/24",
        "10.0.0",
        "10.0.0.5:80",
        "*",
        "0.0.0.0/0",
        "::/0",
        "::ffff:0:0/96",
        "1.2.3.4/33",
        "x" * 999,
    ],
)
def test_what_is_no_proxy_is_refused(text):
    with pytest.raises(ImproperlyConfigured, match=r"^MANDATE_TRUSTED_PROXIES holds ") as refused:
        environment.proxies("MANDATE_TRUSTED_PROXIES", text)
    assert len(str(refused.value)) < 300
    assert "\n" not in str(refused.value)
