# SPDX-License-Identifier: Apache-2.0
"""Whom a limit counts: the visitor, not the proxy that brought the request, and not who the visitor says to be."""

import datetime

import pytest
from django.utils import timezone

from dao.environment import proxies
from webapp import throttle
from webapp.mail import subscriptions
from webapp.models import Throttle

START_OF = throttle.start_of  # as it is outside tests, where hours end
TRUSTED = "10.0.0.0/8 fd00::/8 192.0.2.1"


def asks(rf, settings, peer, forwarded, trusted=TRUSTED):
    settings.TRUSTED_PROXIES, settings.UNIX_SOCKET_IS_TRUSTED = proxies("MANDATE_TRUSTED_PROXIES", trusted)
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return throttle.who_asks(rf.get("/", REMOTE_ADDR=peer, **headers))


@pytest.mark.parametrize(
    ("peer", "forwarded", "who"),
    [
        # From a proxy: the right-most address that is none of ours.
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1,203.0.113.7,10.9.9.9 , 192.0.2.1", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7:51234", "203.0.113.7"),
        ("10.0.0.1", '"203.0.113.7:51234"', "203.0.113.7"),
        ("10.0.0.1", "\t203.0.113.7  ", "203.0.113.7"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("fd00::1", "203.0.113.7", "203.0.113.7"),
        ("fd00::1%eth0", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("10.0.0.1", "[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::/64"),
        ("10.0.0.1", "2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("10.0.0.1", "[fe80::1%en0]", "fe80::/64"),
        # Nothing that can be used: the proxy itself, or the last of them that was named.
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", " , ,", "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "_hidden", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7, unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7, bogus, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "203.0.113.7 10.0.0.2", "10.0.0.1"),
        ("10.0.0.1", "999.1.1.1", "10.0.0.1"),
        ("10.0.0.1", "010.1.1.1", "10.0.0.1"),
        ("10.0.0.1", "3405803783", "10.0.0.1"),
        ("10.0.0.1", "٢٠٣.0.113.7", "10.0.0.1"),
        ("10.0.0.1", "[2001:db8::1", "10.0.0.1"),
        ("10.0.0.1", "1:2:3:4:5:6:7:8:9", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"),
        ("10.0.0.1", "x" * 100_000, "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7," + "10.0.0.2," * 50_000 + "10.0.0.3", "10.0.0.2"),
        # From somebody else: what they say of themselves counts for nothing.
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("2001:db8:1:2::9", "198.51.100.1", "2001:db8:1:2::/64"),
        ("", "198.51.100.1", ""),
        ("nonsense", "198.51.100.1", ""),
    ],
)
def test_who_asks(rf, settings, peer, forwarded, who):
    assert asks(rf, settings, peer, forwarded) == who


@pytest.mark.parametrize(("peer", "who"), [("203.0.113.9", "203.0.113.9"), ("127.0.0.1", "127.0.0.1"), ("", "")])
def test_without_proxies_the_header_counts_for_nothing(rf, settings, peer, who):
    assert asks(rf, settings, peer, "198.51.100.1", trusted="") == who


@pytest.mark.parametrize(
    ("peer", "who"), [("", "198.51.100.1"), ("127.0.0.1", "127.0.0.1"), ("203.0.113.9", "203.0.113.9")]
)
def test_a_unix_socket_is_a_proxy_where_it_is_said_to_be(rf, settings, peer, who):
    assert asks(rf, settings, peer, "198.51.100.1", trusted="unix") == who


def test_neighbours_in_a_subnet_share_a_limit_and_others_do_not(rf, settings):
    same = {asks(rf, settings, "10.0.0.1", f"2001:db8:1:2::{number:x}") for number in range(1, 50)}
    assert len(same) == 1
    assert asks(rf, settings, "10.0.0.1", "2001:db8:1:3::1") not in same


def test_behind_a_proxy_one_visitor_uses_up_nobody_elses_limit(client, made, settings):
    settings.TRUSTED_PROXIES, _ = proxies("MANDATE_TRUSTED_PROXIES", "127.0.0.1")

    def subscribe(number, visitor):
        body = {"email": f"someone{number}@example.org", "frequency": "daily", "zone": "UTC", "topics": ["created"]}
        by = {"HTTP_X_FORWARDED_FOR": visitor, "REMOTE_ADDR": "127.0.0.1"}
        page = client.post("/river/subscribe/", body, **by).status_code
        body["email"] = f"other{number}@example.org"
        return page, client.post(
            "/api/v1/daos/river/subscriptions", body, content_type="application/json", **by
        ).status_code

    for number in range(subscriptions.PER_ASKER_AN_HOUR // 2):
        assert subscribe(number, f"198.51.100.{number}, 203.0.113.7") == (200, 202)
    assert subscribe(100, "198.51.100.77, 203.0.113.7") == (429, 429)
    assert subscribe(101, "203.0.113.8") == (200, 202)


def test_a_window_ends_at_the_hour_or_at_midnight_and_then_as_much_is_allowed_again(db, monkeypatch):
    monkeypatch.setattr(throttle, "start_of", START_OF)
    last = datetime.datetime(2027, 2, 28, 23, 59, 59, 999_999, tzinfo=datetime.UTC)
    for window, began in ((throttle.HOUR, last.replace(minute=0)), (throttle.DAY, last.replace(hour=0, minute=0))):
        monkeypatch.setattr(timezone, "now", lambda: last)
        assert START_OF(window) == began.replace(second=0, microsecond=0)
        assert [throttle.allow("kind", str(window), limit=1, window=window) for _ in range(2)] == [True, False]
        monkeypatch.setattr(timezone, "now", lambda: last + datetime.timedelta(microseconds=1))
        assert START_OF(window) == datetime.datetime(2027, 3, 1, tzinfo=datetime.UTC)
        assert throttle.allow("kind", str(window), limit=1, window=window)


def test_something_comes_first_once(db):
    assert throttle.first("kind", "a", 1_800_000_000)
    assert not throttle.first("kind", "a", 1_800_000_000)
    assert throttle.first("kind", "b", 1_800_000_000)
    assert throttle.first("other kind", "a", 1_800_000_000)
    assert Throttle.objects.count() == 3
