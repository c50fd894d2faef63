"""Traces are one line each and keep secrets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from protocol import messages as m
from protocol.trace import trace_backend, trace_frontend
from tests.protocol import strategies

SECRET = "kanarienvogel"


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (m.SSLRequest(), "> SSLRequest"),
        (m.StartupMessage({"user": SECRET, "pgcurfew.key": SECRET}), '> StartupMessage 3.0 "user" "pgcurfew.key"'),
        (m.CancelRequest(7, SECRET.encode()), "> CancelRequest 7"),
        (m.PasswordMessage(SECRET), "> PasswordMessage"),
        (m.SASLInitialResponse("SCRAM-SHA-256", SECRET.encode()), '> SASLInitialResponse "SCRAM-SHA-256"'),
        (m.SASLResponse(SECRET.encode()), "> SASLResponse"),
        (m.Query(SECRET), "> Query 13 characters"),
        (m.Parse("s1", SECRET, (23,)), '> Parse "s1" 13 characters, 1 types'),
        (m.Bind("", "s1", (), (SECRET.encode(), None)), '> Bind "" "s1" 2 values'),
        (m.Describe("S", "s\n> Query"), '> Describe statement "s\\n> Query"'),
        (m.Close("P", "é" * 100), '> Close portal "' + "\\u00e9" * 63 + '"'),
        (m.Execute("c", 5), '> Execute "c" 5'),
        (m.Sync(), "> Sync"),
        (m.CopyData(SECRET.encode()), "> CopyData 13 bytes"),
        (m.CopyFail(SECRET), "> CopyFail"),
    ],
)
def test_a_client_traced(message: m.FrontendMessage, line: str) -> None:
    assert trace_frontend(message) == line


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (m.AuthenticationSASL(("SCRAM-SHA-256",)), '< AuthenticationSASL "SCRAM-SHA-256"'),
        (m.AuthenticationSASLFinal(SECRET.encode()), "< AuthenticationSASLFinal"),
        (m.BackendKeyData(7, SECRET.encode()), "< BackendKeyData 7"),
        (m.ErrorResponse.of("ERROR", "42501", SECRET, detail=SECRET), "< ErrorResponse ERROR 42501"),
        (m.NoticeResponse({"M": SECRET}), "< NoticeResponse  "),
        (m.ReadyForQuery("T"), "< ReadyForQuery T"),
        (m.CommandComplete("SELECT 1"), '< CommandComplete "SELECT 1"'),
        (m.DataRow((SECRET.encode(),)), "< DataRow 1 values"),
        (m.ParameterStatus("application_name", SECRET), '< ParameterStatus "application_name"'),
        (m.NotificationResponse(1, "jobs", SECRET), '< NotificationResponse "jobs"'),
        (m.CopyInResponse(1, (1, 1)), "< CopyInResponse binary, 2 columns"),
        (m.ParseComplete(), "< ParseComplete"),
    ],
)
def test_a_server_traced(message: m.BackendMessage, line: str) -> None:
    assert trace_backend(message) == line


@settings(deadline=None)
@given(strategies.frontend | strategies.startup, strategies.backend)
def test_every_message_is_one_line_of_printable_ascii(message: m.FrontendMessage, answer: m.BackendMessage) -> None:
    for line in (trace_frontend(message), trace_backend(answer)):
        assert line.isascii()
        assert "\n" not in line
        assert "\r" not in line
        assert "\x1b" not in line
