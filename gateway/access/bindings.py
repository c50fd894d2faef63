"""What a token is bound to: one use, so many sessions, networks, a certificate. Asked for when it is minted, demanded
by roles, and compared at the door.

Addresses are those of the TCP connection itself; no header and no proxy's word is believed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from gateway.access.errors import NotValid
from gateway.access.models import IssuedToken, TokenTerms
from gateway.access.tokens import FRESH, Claims, said

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MOST_NETWORKS: Final = 16
#: SHA-256 in base64url without padding.
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TokenWish:
    """What somebody asks a token to be."""

    #: How long it and its sessions live; None: as long as the grant.
    seconds: int | None = None
    #: How long it opens the door, where that is less; its sessions live on.
    enter_seconds: int | None = None
    once: bool = False
    sessions: int | None = None
    networks: tuple[str, ...] = ()
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a token does not open the door here and now."""

    cause: str
    sqlstate: str
    message: str
    hint: str = FRESH


def fitting(wish: TokenWish, terms: TokenTerms) -> TokenWish:
    """The wish as it can be granted: with what the role demands, networks in their plain form. Raises NotValid."""
    for seconds in (wish.seconds, wish.enter_seconds):
        if seconds is not None and seconds < 1:
            raise NotValid("duration", "a token lives for a second at least", "ask for a longer life")
    if wish.sessions is not None and wish.sessions < 1:
        raise NotValid("sessions", "a token opens one session at least", "ask for more")
    if wish.certificate and not _THUMBPRINT.fullmatch(wish.certificate):
        raise NotValid(
            "certificate", "this is not the SHA-256 of a certificate in base64url", "name its file: --certificate FILE"
        )
    if terms.certificate and not wish.certificate:
        raise NotValid(
            "certificate",
            "the role demands tokens that are bound to a client certificate",
            'name yours: "pgcurfew token --certificate FILE"',
        )
    return TokenWish(
        seconds=wish.seconds,
        enter_seconds=min((one for one in (wish.enter_seconds, terms.max_seconds) if one is not None), default=None),
        once=wish.once or terms.single_use,
        sessions=wish.sessions,
        networks=plain_networks(wish.networks),
        certificate=wish.certificate,
    )


def plain_networks(texts: Iterable[str]) -> tuple[str, ...]:
    """The networks in their plain form, each once. Raises NotValid."""
    found = tuple(dict.fromkeys(str(network_of(text)) for text in texts))
    if len(found) > MOST_NETWORKS:
        raise NotValid("network", f"a token is bound to {MOST_NETWORKS} networks at most", "name larger ones")
    return found


def network_of(text: str) -> Network:
    """The network of a text such as "10.1.0.0/16", "2001:db8::/32" or a single address. Raises NotValid."""
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        shown = text[:50] if text.isprintable() else "?"
        raise NotValid("network", f'"{shown}" is not a network', 'such as "10.1.0.0/16" or "2001:db8::/32"') from None
    raise NotValid("network", f'"{text[:50]}" is an address within a network', f'write "{meant}", or the address alone')


def doubt(
    claims: Claims,
    token: IssuedToken,
    terms: TokenTerms,
    *,
    client: str,
    certificate: str,
    now: datetime,
    open_sessions: int,
) -> Doubt | None:
    """What speaks against this token, shown from `client` ("address:port") with the certificate of that thumbprint.
    `open_sessions` are those that it has opened. Whether it is the first use, only the store can say."""
    if token.revoked_at is not None:
        why = f": {token.revoked_reason}" if token.revoked_reason else ""
        message = f"the token was revoked by {token.revoked_by} at {said(token.revoked_at)}{why}"
        return Doubt("token-revoked", "28P01", message)
    if token.key_struck:
        return Doubt("token-key", "28P01", "the key that signed the token is no longer believed")
    if claims.certificate != token.certificate or (token.key and claims.key != token.key):
        return Doubt("token-unknown", "28P01", "this gateway has no record of the token")
    if token.once and token.used_at is not None:
        return used(token.used_at)
    if terms.single_use and not token.once:
        return Doubt("token-not-single-use", "28P01", "the role now demands a token for each session")
    if terms.max_seconds is not None and now >= token.issued_at + timedelta(seconds=terms.max_seconds):
        return Doubt("token-expired", "28P01", "the token is older than the role allows")
    address = address_of(client)
    for networks in (token.networks, terms.networks):
        if networks and not within(address, networks):
            seen = f"you come from {address}" if address is not None else "your address is not known"
            return Doubt(
                "token-network",
                "28000",
                f"the token is not good in this network; {seen}",
                "connect from where it is good, or ask an administrator",
            )
    if (terms.certificate or token.certificate) and not (token.certificate and certificate == token.certificate):
        return Doubt(
            "token-certificate",
            "28000",
            "the token is good only with the client certificate that it is bound to"
            if token.certificate
            else "the role demands tokens that are bound to a client certificate",
            "connect with sslcert and sslkey of that certificate"
            if token.certificate
            else 'have a new one: "pgcurfew token --certificate FILE"',
        )
    if token.sessions is not None and open_sessions >= token.sessions:
        message = f"the token has {open_sessions} sessions open, which is all it may have"
        return Doubt("too-many-sessions", "53300", message, "close one of them")
    return None


def used(at: datetime | None) -> Doubt:
    when = f" at {said(at)}" if at is not None else ""
    return Doubt("token-used", "28P01", f"the token was good for one session, and was used{when}")


def address_of(client: str) -> Address | None:
    """The address in "10.0.0.1:5432" or "[::1]:5432"; an IPv4 address that came by IPv6 is what it is."""
    host = client[1:].partition("]")[0] if client.startswith("[") else client.rpartition(":")[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def within(address: Address | None, networks: tuple[str, ...]) -> bool:
    """Whether the address is in one of the networks; one that is not known is in none."""
    return address is not None and any(address in network for network in _networks(networks))


@lru_cache(maxsize=256)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)
