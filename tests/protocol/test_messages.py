"""Every message is what the manual says on the wire, comes back equal, and is refused when it is almost right."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import messages as m
from protocol.errors import LocalProtocolError, ProtocolViolation
from tests.protocol import strategies, wire

#: No deadline: the machine may be busy with other tests.
patient = settings(deadline=None)


@pytest.mark.parametrize(("message", "raw"), wire.STARTUP, ids=str)
def test_startup_packets_are_golden(message: m.StartupPacket, raw: bytes) -> None:
    assert message.encode() == raw
    assert m.decode_startup(raw[4:]) == message


@pytest.mark.parametrize(("message", "raw"), wire.FRONTEND, ids=str)
def test_frontend_messages_are_golden(message: m.FrontendMessage, raw: bytes) -> None:
    assert message.encode() == raw
    assert m.decode_frontend(raw[0], raw[5:]) == message


@pytest.mark.parametrize(("message", "raw"), wire.BACKEND, ids=str)
def test_backend_messages_are_golden(message: m.BackendMessage, raw: bytes) -> None:
    assert message.encode() == raw
    assert m.decode_backend(raw[0], raw[5:]) == message


@pytest.mark.parametrize(
    ("decode", "golden"),
    [
        (m.decode_password, wire.PASSWORD),
        (m.decode_sasl_initial, wire.SASL_INITIAL),
        (m.decode_sasl_initial, wire.SASL_INITIAL_EMPTY),
        (m.decode_sasl_response, wire.SASL_RESPONSE),
        (m.decode_gss_response, wire.GSS_RESPONSE),
    ],
)
def test_authentication_responses_are_golden(
    decode: Callable[[bytes], object], golden: tuple[m.GSSResponse, bytes]
) -> None:
    message, raw = golden
    assert message.encode() == raw
    assert decode(raw[5:]) == message


def test_the_golden_tables_hold_every_message() -> None:
    said: set[type] = {type(message) for message, _ in [*wire.FRONTEND, *wire.BACKEND, *wire.STARTUP]}
    said |= {m.PasswordMessage, m.SASLInitialResponse, m.SASLResponse, m.GSSResponse}
    classes = {each for each in vars(m).values() if isinstance(each, type) and hasattr(each, "encode")} - {m.Field}
    assert said == classes


@patient
@given(strategies.startup)
def test_startup_packets_come_back(message: m.StartupPacket) -> None:
    assert m.decode_startup(message.encode()[4:]) == message


@patient
@given(strategies.frontend)
def test_frontend_messages_come_back(message: m.FrontendMessage) -> None:
    raw = message.encode()
    assert m.decode_frontend(raw[0], raw[5:]) == message


@patient
@given(strategies.backend)
def test_backend_messages_come_back(message: m.BackendMessage) -> None:
    raw = message.encode()
    assert m.decode_backend(raw[0], raw[5:]) == message


#: Messages whose body is free bytes to its end: any of them is valid.
FREE = (
    m.CopyData
    | m.AuthenticationGSSContinue
    | m.AuthenticationSASLContinue
    | m.AuthenticationSASLFinal
    | m.BackendKeyData
    | m.CancelRequest
)


def almost(body: bytes, draw: st.DataObject) -> bytes:
    """`body` cut short, changed in some bytes, made longer, or all of this."""
    changed = bytearray(body)
    for _ in range(draw.draw(st.integers(0, 3))):
        if changed:
            changed[draw.draw(st.integers(0, len(changed) - 1))] = draw.draw(st.sampled_from(b"\0\x01\x7f\x80\xff"))
    if draw.draw(st.booleans()):
        del changed[draw.draw(st.integers(0, len(changed))) :]
    return bytes(changed) + draw.draw(st.sampled_from([b"", b"\0", b"\xff", b"\0\0\0\0", b"x\0"]))


@patient
@given(strategies.startup, st.data())
def test_almost_a_startup_packet_is_a_violation_or_another_packet(
    message: m.StartupPacket, data: st.DataObject
) -> None:
    body = almost(message.encode()[4:], data)
    try:
        decoded = m.decode_startup(body)
    except ProtocolViolation:
        return
    assert decoded.encode()[4:] == body


@patient
@given(strategies.frontend, st.data())
def test_almost_a_frontend_message_is_a_violation_or_another_message(
    message: m.FrontendMessage, data: st.DataObject
) -> None:
    raw = message.encode()
    body = almost(raw[5:], data)
    try:
        decoded = m.decode_frontend(raw[0], body)
    except ProtocolViolation:
        return
    assert decoded.encode()[5:] == body


@patient
@given(strategies.backend, st.data())
def test_almost_a_backend_message_is_a_violation_or_another_message(
    message: m.BackendMessage, data: st.DataObject
) -> None:
    raw = message.encode()
    body = almost(raw[5:], data)
    try:
        decoded = m.decode_backend(raw[0], body)
    except ProtocolViolation:
        return
    if not isinstance(decoded, m.ErrorResponse | m.NoticeResponse):  # these may respell what is not UTF-8
        assert decoded.encode()[5:] == body
    else:
        decoded.encode()


@patient
@given(st.integers(0, 255), st.binary(max_size=60))
def test_any_bytes_are_a_message_or_a_violation(kind: int, body: bytes) -> None:
    decoders: list[Callable[[], object]] = [
        lambda: m.decode_startup(body),
        lambda: m.decode_frontend(kind, body),
        lambda: m.decode_backend(kind, body),
        lambda: m.decode_password(body),
        lambda: m.decode_sasl_initial(body),
    ]
    for decode in decoders:
        with contextlib.suppress(ProtocolViolation):
            decode()


@patient
@given(strategies.frontend)
def test_every_truncation_and_extension_of_a_frontend_message_is_a_violation(message: m.FrontendMessage) -> None:
    if isinstance(message, FREE):
        return
    raw = message.encode()
    for body in [*(raw[5:end] for end in range(5, len(raw))), raw[5:] + b"\0", raw[5:] + b"x"]:
        with pytest.raises(ProtocolViolation):
            m.decode_frontend(raw[0], body)


@patient
@given(strategies.backend)
def test_every_truncation_and_extension_of_a_backend_message_is_a_violation(message: m.BackendMessage) -> None:
    if isinstance(message, FREE):
        return
    raw = message.encode()
    for body in [*(raw[5:end] for end in range(5, len(raw))), raw[5:] + b"\0", raw[5:] + b"x"]:
        with pytest.raises(ProtocolViolation):
            m.decode_backend(raw[0], body)


@pytest.mark.parametrize(
    ("body", "sqlstate"),
    [
        (b"", "08P01"),
        (b"\0\x02\0\0", "0A000"),
        (b"\0\x04\0\0", "0A000"),
        (b"\xff\xff\xff\xff", "0A000"),
        (b"\0\x03\0\0", "08P01"),
        (b"\0\x03\0\0user\0a\0", "08P01"),
        (b"\0\x03\0\0user\0a\0\0more", "08P01"),
        (b"\0\x03\0\0user\0a\0user\0b\0\0", "08P01"),
        (b"\0\x03\0\0user\0\xff\0\0", "22021"),
        (b"\x04\xd2\x16\x2fx", "08P01"),
        (b"\x04\xd2\x16\x2e\0\0\0\x01abc", "08P01"),
        (b"\x04\xd2\x16\x2e\0\0\0\x01" + b"k" * 257, "08P01"),
    ],
)
def test_a_bad_startup_packet_is_refused(body: bytes, sqlstate: str) -> None:
    with pytest.raises(ProtocolViolation) as refused:
        m.decode_startup(body)
    assert refused.value.sqlstate == sqlstate


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (ord("D"), b"Xs\0"),
        (ord("B"), b"\0\0\0\x01\0\x02\0\0\0\0"),  # format code 2
        (ord("B"), b"\0\0\0\x02\0\0\0\0\0\x01\0\0\0\x01a\0\0"),  # two formats for one value
        (ord("B"), b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0"),  # length -2
        (ord("P"), b"\0\0\xff\xff"),  # 65,535 types that are not there
        (ord("Q"), b"select 1\0; drop table t\0"),
        (ord("p"), b"secret\0"),
        (0, b""),
        (256, b""),
    ],
)
def test_a_bad_frontend_message_is_refused(kind: int, body: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        m.decode_frontend(kind, body)


@pytest.mark.parametrize(
    "encode",
    [
        m.Query("a\0b").encode,
        m.Query("\ud800").encode,
        m.Execute("", 2**31).encode,
        m.Parse("", "", (-1,)).encode,
        m.Parse("", "", (0,) * 65_536).encode,
        m.Bind("", "", (0, 0), (b"a",)).encode,
        m.Bind("", "", (2,), (b"a",)).encode,
        m.BackendKeyData(1, b"abc").encode,
        m.CancelRequest(1, b"k" * 257).encode,
        m.StartupMessage({"": "x"}).encode,
        m.ErrorResponse({"MM": "x"}).encode,
        m.AuthenticationMD5Password(b"abc").encode,
        m.AuthenticationSASL(("",)).encode,
    ],
)
def test_we_never_send_what_the_protocol_cannot_say(encode: Callable[[], bytes]) -> None:
    with pytest.raises(LocalProtocolError):
        encode()


def test_65535_parameters_are_possible() -> None:
    message = m.Bind("", "s", (1,), (b"",) * 65_535)
    assert m.decode_frontend(ord("B"), message.encode()[5:]) == message


@pytest.mark.parametrize(
    ("tag", "rows"),
    [("SELECT 5", 5), ("INSERT 0 12", 12), ("COPY 0", 0), ("BEGIN", None), ("", None), ("X ٣", None)],
)
def test_the_rows_of_a_command_tag(tag: str, rows: int | None) -> None:
    assert m.CommandComplete(tag).rows == rows


def test_the_formats_of_a_bind() -> None:
    assert [m.Bind("", "", (), (b"", b"")).format_of(i) for i in (0, 1)] == [0, 0]
    assert [m.Bind("", "", (1,), (b"", b"")).format_of(i) for i in (0, 1)] == [1, 1]
    assert [m.Bind("", "", (1, 0), (b"", b"")).format_of(i) for i in (0, 1)] == [1, 0]


def test_a_report_tells_its_parts() -> None:
    report = m.ErrorResponse.of("ERROR", "42501", "no", detail="d", hint="h", position=7)
    assert (report.severity, report.sqlstate, report.message) == ("ERROR", "42501", "no")
    assert (report.detail, report.hint, report.position) == ("d", "h", 7)
    assert m.ErrorResponse({"P": "x"}).position is None
    assert m.decode_backend(ord("E"), b"M\xff\0\0") == m.ErrorResponse({"M": "\\xff"})


SECRET = "kanarienvogel"


@pytest.mark.parametrize(
    "message",
    [
        m.PasswordMessage(SECRET),
        m.SASLInitialResponse("X", SECRET.encode()),
        m.SASLResponse(SECRET.encode()),
        m.GSSResponse(SECRET.encode()),
        m.CancelRequest(1, SECRET.encode()),
        m.BackendKeyData(1, SECRET.encode()),
        m.Bind("", "", (), (SECRET.encode(),)),
        m.FunctionCall(1, (), (SECRET.encode(),)),
        m.FunctionCallResponse(SECRET.encode()),
        m.DataRow((SECRET.encode(),)),
        m.CopyData(SECRET.encode()),
        m.ErrorResponse.of("ERROR", "23505", SECRET),
        m.NoticeResponse.of("NOTICE", "00000", SECRET),
        m.NotificationResponse(1, "c", SECRET),
    ],
)
def test_no_repr_shows_what_is_secret(message: object) -> None:
    assert SECRET not in repr(message)


def test_a_violation_does_not_quote_the_message() -> None:
    with pytest.raises(ProtocolViolation) as refused:
        m.decode_password(SECRET.encode() + b"\xff\0")
    assert SECRET not in str(refused.value)
