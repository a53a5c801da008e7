# SPDX-License-Identifier: Apache-2.0
"""Read and check values of environment variables. Each refusal is one line that says what to write.

Raises ImproperlyConfigured; no message repeats a value that may hold a secret.
"""

import ipaddress
import re
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from eth_utils.address import is_checksum_address

from policies.notation.hexadecimal import hex_bytes

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
UNIX_SOCKET = "unix"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")  # Django serves no host with an underscore or a dot at its end
_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")  # what browsers read as an IPv4 address
_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin(name: str, text: str) -> str:
    """Return the site's origin as browsers send it: scheme, host, and a port that is not the scheme's own."""
    refused = f"{name} is not the site's address as browsers send it: write "
    unclear = ImproperlyConfigured(f"{refused}https:// or http:// and the host, like https://dao.example")
    scheme, separator, rest = text.strip().partition("://")
    if not separator:
        scheme, rest = "https", text.strip()
    scheme = scheme.lower()
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        host, port = re.sub(r":\d*$", "", parts.netloc.rpartition("@")[2].lower()), parts.port
    except ValueError:
        raise unclear from None
    if scheme not in _DEFAULT_PORTS or host in _DEFAULT_PORTS or port == 0 or not _is_host(host):
        raise unclear
    address = host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{port}"
    if not separator:
        raise ImproperlyConfigured(f"{refused}https://{address} or http://{address}")
    if text != f"{scheme}://{address}":
        raise ImproperlyConfigured(f"{refused}{scheme}://{address}")
    return text


def _is_host(host: str) -> bool:
    """Say whether `host` is written as browsers send it: of several ways to write an address, they send one."""
    try:
        if host.startswith("["):
            return host == f"[{ipaddress.IPv6Address(host[1:-1])}]"
        if _NUMBER.fullmatch(host):
            return host == str(ipaddress.IPv4Address(host))
    except ValueError:
        return False
    return _HOST.fullmatch(host) is not None


def log_level(name: str, text: str) -> str:
    """Return the name of a level of `logging`."""
    level = text.strip().upper()
    if level not in LOG_LEVELS:
        raise ImproperlyConfigured(f"{name} is {text[:40]!r}: set it to one of {', '.join(LOG_LEVELS)}")
    return level


def addresses(name: str, text: str) -> frozenset[bytes]:
    """Return accounts, `0x` and 40 digits each, separated by spaces or commas. A wrong checksum is a mistyped digit."""
    found = set()
    for item in filter(None, re.split(r"[\s,]+", text)):
        is_mixed = item[2:] not in (item[2:].lower(), item[2:].upper())
        if not re.fullmatch(r"0x[0-9a-fA-F]{40}", item) or (is_mixed and not is_checksum_address(item)):
            raise ImproperlyConfigured(f"{name} holds {item[:60]!r}: write addresses, 0x and 40 digits, as wallets do")
        found.add(hex_bytes(item))
    return frozenset(found)


def wei_by_chain(name: str, text: str) -> dict[int, int]:
    """Return amounts in wei by chain: `1=50000000000000000 10=...`, separated by spaces."""
    found: dict[int, int] = {}
    for item in text.split():
        chain_id, _, wei = item.partition("=")
        if not all(part.isascii() and part.isdigit() and len(part) < 40 for part in (chain_id, wei)):
            raise ImproperlyConfigured(f"{name} holds {item[:60]!r}: write <chain id>=<wei>, as 1=50000000000000000")
        found[int(chain_id)] = int(wei)
    return found


def proxies(name: str, text: str) -> tuple[tuple[Network, ...], bool]:
    """Return the networks of proxies, separated by spaces or commas, and whether the word `unix` is among them: it
    stands for whoever connects by a Unix socket."""
    items = [item for item in re.split(r"[\s,]+", text) if item]
    return tuple(_network(name, item) for item in items if item != UNIX_SOCKET), UNIX_SOCKET in items


def _network(name: str, text: str) -> Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} holds {text[:60]!r}: write addresses or networks like 10.0.0.5 192.168.0.0/24 fd00::/8, "
            f"or {UNIX_SOCKET} for a Unix socket"
        ) from None
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is not None and network.prefixlen >= 96:  # how a socket of both kinds names IPv4
        network = ipaddress.ip_network((mapped, network.prefixlen - 96))
    if network.prefixlen == 0:
        raise ImproperlyConfigured(
            f"{name} holds {text}, which is everybody, and each visitor could choose an address: name the proxies alone"
        )
    return network
