"""The gateway proves to a target who it is, by a method that the settings allow.

PG manual, 55.2.1 (start-up), 55.3 (SASL), 20.3 (authentication methods). Whoever answers may ask for
anything; a password is sent only in the form that was agreed to beforehand.
"""

from __future__ import annotations

from gateway.channel import Channel
from gateway.session.route import Place, Route
from protocol.authentication import (
    REQUEST,
    AuthenticationCleartextPassword,
    AuthenticationMD5Password,
    AuthenticationOk,
    AuthenticationSASL,
    AuthenticationSASLContinue,
    AuthenticationSASLFinal,
    PasswordMessage,
    SASLInitialResponse,
    SASLResponse,
)
from protocol.backend import ErrorResponse, decode_backend
from protocol.errors import ProtocolViolation
from protocol.reports import NoticeResponse
from protocol.scram import SCRAM_SHA_256, Keys, ScramClient, md5_password, tls_server_end_point

#: No message of a log-in is longer, and all of them together are not.
LONGEST_MESSAGE = 1 << 16
LONGEST_LOG_IN = 1 << 20
#: NegotiateProtocolVersion, which no server has a reason for: we ask for 3.0 and no options.
_NOTICE = NoticeResponse.kind


class TargetRefused(Exception):
    """PostgreSQL said no, in an ErrorResponse."""

    def __init__(self, error: ErrorResponse) -> None:
        super().__init__(error.message)
        self.error = error


class MethodNotAllowed(Exception):
    """The target wants a log-in that the settings do not allow. The message is for the operator."""


class Budget:
    """Frames of one log-in, which may be so long together and no longer."""

    __slots__ = ("_channel", "_left")

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._left = LONGEST_LOG_IN

    async def frame(self) -> tuple[int, bytes]:
        """The next message. Raises OversizedPacket, ChannelClosed, ProtocolViolation."""
        kind, body = await self._channel.read_frame(LONGEST_MESSAGE)
        self._left -= len(body) + 5
        if self._left < 0:
            raise ProtocolViolation("the target says more than a log-in takes")
        return kind, body


async def authenticate(frames: Budget, channel: Channel, route: Route, place: Place, password: str, nonce: str) -> None:
    """Until AuthenticationOk, believed only after the proof that was agreed to. `password` is "" where there
    is none. Raises TargetRefused, MethodNotAllowed, ProtocolViolation and what `Channel.read_frame` raises."""
    scram: ScramClient | None = None
    salted: tuple[bytes, int, Keys] | None = None
    answered = False
    while True:
        kind, body = await frames.frame()
        if kind == _NOTICE:
            continue
        message = decode_backend(kind, body)
        if isinstance(message, ErrorResponse):
            raise TargetRefused(message)
        if kind != REQUEST:
            raise ProtocolViolation("a message that does not belong into a log-in")
        match message:
            case AuthenticationSASL(mechanisms) if scram is None and not answered:
                _demand(route, "scram-sha-256")
                scram = _scram(channel, route, password, nonce, mechanisms)
                channel.write(SASLInitialResponse(scram.mechanism, scram.first()).encode())
            case AuthenticationSASLContinue(data) if scram is not None and salted is None:
                salt, iterations = scram.challenge(data)
                keys = await route.salted.keys(password, salt, iterations)
                salted = salt, iterations, keys
                channel.write(SASLResponse(scram.final(data, keys)).encode())
            case AuthenticationSASLFinal(data) if scram is not None and salted is not None and not scram.verified:
                scram.verify(data)
                route.salted.remember(password, *salted)
            case AuthenticationMD5Password(salt) if scram is None and not answered:
                _demand(route, "md5")
                channel.write(PasswordMessage(md5_password(route.user, password, salt)).encode())
                answered = True
            case AuthenticationCleartextPassword() if scram is None and not answered:
                _demand(route, "password")
                if channel.tls is None and not place.host.is_socket:
                    raise MethodNotAllowed("it asks for the password as it is, without TLS: that is never given")
                channel.write(PasswordMessage(password).encode())
                answered = True
            case AuthenticationOk() if answered or (scram is not None and scram.verified):
                return
            case AuthenticationOk() if scram is None:
                _may_do_without(route, place, channel)
                return
            case AuthenticationOk():
                raise ProtocolViolation("the target skipped the proof that it knows the password", "28000")
            case _ if scram is not None or answered:
                raise ProtocolViolation("the target changed its mind about the authentication", "28000")
            case _:
                raise MethodNotAllowed(
                    "it asks for GSSAPI, Kerberos or SSPI, which the gateway does not speak; "
                    "give the gateway's login a scram-sha-256 line in pg_hba.conf"
                )


def _scram(channel: Channel, route: Route, password: str, nonce: str, mechanisms: tuple[str, ...]) -> ScramClient:
    binding = None if route.binding == "disable" else _channel_binding(channel)
    try:
        return ScramClient(password, nonce, binding, mechanisms, require_binding=route.binding == "require")
    except ProtocolViolation as error:
        if SCRAM_SHA_256 not in mechanisms:
            raise MethodNotAllowed("it offers no SASL mechanism that the gateway speaks, SCRAM-SHA-256") from None
        raise MethodNotAllowed(f'{error.message}: channel_binding = "require" stands in the settings') from None


def _demand(route: Route, method: str) -> None:
    if method not in route.methods:
        raise MethodNotAllowed(
            f'it asks for "{method}", and authentication of [targets.{route.name}] allows only '
            f"{', '.join(sorted(route.methods))}; give the gateway's login a scram-sha-256 line in pg_hba.conf, "
            f'or add "{method}" to the setting'
        )


def _may_do_without(route: Route, place: Place, channel: Channel) -> None:
    """Nobody asked for a password: because of our certificate, or of who we are on this machine?"""
    if "peer" in route.methods and place.host.is_socket:
        return
    if "certificate" in route.methods and route.has_certificate and channel.tls is not None:
        return
    which = "peer" if place.host.is_socket else "certificate"
    raise MethodNotAllowed(
        f"it lets the gateway in without a password, and authentication of [targets.{route.name}] allows only "
        f"{', '.join(sorted(route.methods))}; if pg_hba.conf says {'cert' if which == 'certificate' else which} "
        f'there, add "{which}" to the setting; if it says trust, everybody may come in: change that'
    )


def _channel_binding(channel: Channel) -> bytes | None:
    """What binds the password proof to this TLS channel, or None without one."""
    if channel.tls is None:
        return None
    certificate = channel.tls.getpeercert(binary_form=True)
    return tls_server_end_point(certificate) if certificate else None
