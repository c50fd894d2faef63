"""The messages of both sides until AuthenticationOk (manual, 55.2.1, 55.3 and 55.7).

All of the server's share the kind R and differ by a code; all of the client's share the kind p
and differ only by what was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Self

from protocol.codec import Reader, cstring, frame, int32, value
from protocol.errors import LocalProtocolError

REQUEST = ord("R")
RESPONSE = ord("p")


@dataclass(frozen=True, slots=True)
class _BareRequest:
    """A request that is only its code."""

    kind: ClassVar[int] = REQUEST
    code: ClassVar[int]

    def encode(self) -> bytes:
        return frame(REQUEST, int32(self.code))

    @classmethod
    def read(cls, body: Reader) -> Self:
        return cls()


@dataclass(frozen=True, slots=True)
class AuthenticationOk(_BareRequest):
    code: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class AuthenticationKerberosV5(_BareRequest):
    code: ClassVar[int] = 2


@dataclass(frozen=True, slots=True)
class AuthenticationCleartextPassword(_BareRequest):
    code: ClassVar[int] = 3


@dataclass(frozen=True, slots=True)
class AuthenticationGSS(_BareRequest):
    code: ClassVar[int] = 7


@dataclass(frozen=True, slots=True)
class AuthenticationSSPI(_BareRequest):
    code: ClassVar[int] = 9


@dataclass(frozen=True, slots=True)
class AuthenticationMD5Password:
    kind: ClassVar[int] = REQUEST
    code: ClassVar[int] = 5
    salt: bytes

    def encode(self) -> bytes:
        if len(self.salt) != 4:
            raise LocalProtocolError("an md5 salt has four bytes")
        return frame(REQUEST, int32(self.code) + self.salt)

    @classmethod
    def read(cls, body: Reader) -> Self:
        return cls(body.take(4))


@dataclass(frozen=True, slots=True)
class AuthenticationSASL:
    """The mechanisms on offer, in the server's order of preference."""

    kind: ClassVar[int] = REQUEST
    code: ClassVar[int] = 10
    mechanisms: tuple[str, ...]

    def encode(self) -> bytes:
        if not all(self.mechanisms):
            raise LocalProtocolError("a SASL mechanism needs a name")
        return frame(REQUEST, int32(self.code) + b"".join([cstring(name) for name in self.mechanisms]) + b"\0")

    @classmethod
    def read(cls, body: Reader) -> Self:
        names: list[str] = []
        while name := body.cstring():
            names.append(name)
        return cls(tuple(names))


@dataclass(frozen=True, slots=True)
class _DataRequest:
    """A request that carries data of the mechanism."""

    kind: ClassVar[int] = REQUEST
    code: ClassVar[int]
    data: bytes = field(repr=False)

    def encode(self) -> bytes:
        return frame(REQUEST, int32(self.code) + self.data)

    @classmethod
    def read(cls, body: Reader) -> Self:
        return cls(body.rest())


@dataclass(frozen=True, slots=True)
class AuthenticationGSSContinue(_DataRequest):
    code: ClassVar[int] = 8


@dataclass(frozen=True, slots=True)
class AuthenticationSASLContinue(_DataRequest):
    code: ClassVar[int] = 11


@dataclass(frozen=True, slots=True)
class AuthenticationSASLFinal(_DataRequest):
    code: ClassVar[int] = 12


AuthenticationRequest = (
    AuthenticationOk
    | AuthenticationKerberosV5
    | AuthenticationCleartextPassword
    | AuthenticationMD5Password
    | AuthenticationGSS
    | AuthenticationGSSContinue
    | AuthenticationSSPI
    | AuthenticationSASL
    | AuthenticationSASLContinue
    | AuthenticationSASLFinal
)

_REQUESTS: dict[int, Callable[[Reader], AuthenticationRequest]] = {
    AuthenticationOk.code: AuthenticationOk.read,
    AuthenticationKerberosV5.code: AuthenticationKerberosV5.read,
    AuthenticationCleartextPassword.code: AuthenticationCleartextPassword.read,
    AuthenticationMD5Password.code: AuthenticationMD5Password.read,
    AuthenticationGSS.code: AuthenticationGSS.read,
    AuthenticationGSSContinue.code: AuthenticationGSSContinue.read,
    AuthenticationSSPI.code: AuthenticationSSPI.read,
    AuthenticationSASL.code: AuthenticationSASL.read,
    AuthenticationSASLContinue.code: AuthenticationSASLContinue.read,
    AuthenticationSASLFinal.code: AuthenticationSASLFinal.read,
}


def read_request(body: Reader) -> AuthenticationRequest:
    """The request that an R message holds; an unknown code is a violation."""
    code = body.int32()
    read = _REQUESTS.get(code)
    if read is None:
        raise body.violation(f"unknown authentication code {code}")
    return read(body)


@dataclass(frozen=True, slots=True)
class PasswordMessage:
    kind: ClassVar[int] = RESPONSE
    password: str = field(repr=False)

    def encode(self) -> bytes:
        return frame(RESPONSE, cstring(self.password))


@dataclass(frozen=True, slots=True)
class SASLInitialResponse:
    """The mechanism chosen, and its first words if it has any."""

    kind: ClassVar[int] = RESPONSE
    mechanism: str
    data: bytes | None = field(repr=False)

    def encode(self) -> bytes:
        return frame(RESPONSE, cstring(self.mechanism) + value(self.data))


@dataclass(frozen=True, slots=True)
class SASLResponse:
    kind: ClassVar[int] = RESPONSE
    data: bytes = field(repr=False)

    def encode(self) -> bytes:
        return frame(RESPONSE, self.data)


@dataclass(frozen=True, slots=True)
class GSSResponse:
    kind: ClassVar[int] = RESPONSE
    data: bytes = field(repr=False)

    def encode(self) -> bytes:
        return frame(RESPONSE, self.data)


def decode_password(body: bytes) -> PasswordMessage:
    """The p message that answers AuthenticationCleartextPassword or AuthenticationMD5Password."""
    reader = Reader(body, "Password")
    message = PasswordMessage(reader.cstring())
    reader.end()
    return message


def decode_sasl_initial(body: bytes) -> SASLInitialResponse:
    """The p message that answers AuthenticationSASL."""
    reader = Reader(body, "SASLInitialResponse")
    message = SASLInitialResponse(reader.cstring(), reader.value())
    reader.end()
    return message


def decode_sasl_response(body: bytes) -> SASLResponse:
    """The p message that answers AuthenticationSASLContinue."""
    return SASLResponse(body)


def decode_gss_response(body: bytes) -> GSSResponse:
    """The p message that answers AuthenticationGSS, AuthenticationSSPI or AuthenticationGSSContinue."""
    return GSSResponse(body)
