"""Where a target is: its hosts, in which order they are tried, how each must prove itself.

PG manual, 34.1.1.3 (several hosts), 34.1.2 (the options), 34.19 (TLS).
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field

from config.certificates import client_context
from config.secrets import SecretReference
from config.target import LoginMethod, SessionAttrs, Target, is_socket
from gateway.channel import Keepalive
from gateway.session.salted import SaltedKeys

#: A name is asked for once a second at most: log-ins come in crowds, and DNS changes are slower.
RESOLVED_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Host:
    """One host of the settings; `number` is its place there, from 1, and what an engineer is told of it."""

    number: int
    name: str
    port: int

    @property
    def is_socket(self) -> bool:
        """Is it the directory of a Unix socket?"""
        return is_socket(self.name)


@dataclass(frozen=True, slots=True)
class Place:
    """One address of a host: where a session is, so that its cancel request goes there and nowhere else."""

    host: Host
    family: int
    #: As the socket module takes it: (address, port, …), or the path of a Unix socket.
    address: tuple[object, ...] | str

    def __str__(self) -> str:
        """For the operator's log."""
        return self.address if isinstance(self.address, str) else f"{self.address[0]} port {self.address[1]}"


@dataclass(frozen=True, slots=True)
class Route:
    """Everything that a log-in at the target needs; made once."""

    name: str
    hosts: tuple[Host, ...]
    attrs: SessionAttrs
    shuffled: bool
    database: str
    user: str
    password: SecretReference | None = field(repr=False)
    methods: frozenset[LoginMethod]
    #: libpq's channel_binding: "prefer", "require" or "disable".
    binding: str
    context: ssl.SSLContext | None = field(repr=False)
    has_certificate: bool
    timeout: float
    keepalive: Keepalive
    salted: SaltedKeys = field(repr=False)
    #: By number of the host: its addresses, and until when they are believed (the loop's clock).
    resolved: dict[int, tuple[float, list[Place]]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def to(cls, name: str, target: Target) -> Route:
        """The route that the settings describe. Raises CertificateUnusable."""
        ports = target.port if len(target.port) > 1 else target.port * len(target.host)
        return cls(
            name=name,
            hosts=tuple(
                Host(number, host, port)
                for number, (host, port) in enumerate(zip(target.host, ports, strict=True), start=1)
            ),
            attrs=target.target_session_attrs,
            shuffled=target.load_balance_hosts == "random",
            database=target.database,
            user=target.user,
            password=target.password,
            methods=frozenset(target.authentication),
            binding=target.channel_binding,
            context=_context(target),
            has_certificate=target.sslcert is not None,
            timeout=target.connect_timeout_seconds,
            keepalive=Keepalive(
                target.keepalive_seconds,
                target.keepalive_interval_seconds,
                target.keepalive_count,
                target.tcp_user_timeout_seconds,
            ),
            salted=SaltedKeys(),
        )

    def in_order(self) -> list[Host]:
        """The hosts as they are to be tried."""
        return random.sample(self.hosts, len(self.hosts)) if self.shuffled else list(self.hosts)

    @property
    def wishes(self) -> Iterator[SessionAttrs]:
        """What a server must be; where nobody is, the next (prefer-standby is two of them)."""
        if self.attrs == "prefer-standby":
            yield "standby"
            yield "any"
        else:
            yield self.attrs

    async def places(self, host: Host) -> list[Place]:
        """The addresses of a host. Raises OSError when its name cannot be resolved."""
        if host.is_socket:
            return [Place(host, socket.AF_UNIX, f"{host.name}/.s.PGSQL.{host.port}")]
        loop = asyncio.get_running_loop()
        until, places = self.resolved.get(host.number, (0.0, []))
        if not places or loop.time() > until:
            literal = _literal(host)
            if literal is not None:
                until, places = float("inf"), [literal]
            else:
                found = await loop.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
                until = loop.time() + RESOLVED_SECONDS
                places = list(dict.fromkeys(Place(host, family, address) for family, _, _, _, address in found))
            self.resolved[host.number] = until, places
        return random.sample(places, len(places)) if self.shuffled else places


def _literal(host: Host) -> Place | None:
    """An address that needs no resolver."""
    try:
        version = ipaddress.ip_address(host.name).version
    except ValueError:
        return None
    if version == 4:
        return Place(host, socket.AF_INET, (host.name, host.port))
    return None if "%" in host.name else Place(host, socket.AF_INET6, (host.name, host.port, 0, 0))


def _context(target: Target) -> ssl.SSLContext | None:
    """TLS as libpq's sslmode means it; None without."""
    if target.sockets_only:
        return None
    return client_context(target.sslmode, target.sslrootcert, target.sslcert, target.sslkey)
