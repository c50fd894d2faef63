"""One arrow line a message, as libpq's PQtrace writes them, for debugging logs.

`> ` is what a client says, `< ` what a server says. Never shown: passwords, keys, tokens, the text of
statements, parameters, rows, and the words of reports (they quote values). Names are quoted and cut,
so that no client can write lines of its own into a log.
"""

from __future__ import annotations

import json

from protocol.messages import (
    AuthenticationSASL,
    BackendKeyData,
    BackendMessage,
    Bind,
    CancelRequest,
    Close,
    CommandComplete,
    CopyBothResponse,
    CopyData,
    CopyDone,
    CopyFail,
    CopyInResponse,
    CopyOutResponse,
    DataRow,
    Describe,
    ErrorResponse,
    Execute,
    Flush,
    FrontendMessage,
    FunctionCall,
    GSSENCRequest,
    GSSResponse,
    NegotiateProtocolVersion,
    NoticeResponse,
    NotificationResponse,
    ParameterDescription,
    ParameterStatus,
    Parse,
    PasswordMessage,
    Query,
    ReadyForQuery,
    RowDescription,
    SASLInitialResponse,
    SASLResponse,
    SSLRequest,
    StartupMessage,
    StartupPacket,
    Sync,
    Terminate,
)

AuthenticationResponse = PasswordMessage | SASLInitialResponse | SASLResponse | GSSResponse

_LONGEST_NAME = 63


def trace_frontend(message: StartupPacket | AuthenticationResponse | FrontendMessage) -> str:
    """The line for what a client said: `> Parse "s1" 34 characters, 2 types`."""
    return _line(">", type(message).__name__, _frontend_details(message))


def trace_backend(message: BackendMessage) -> str:
    """The line for what a server said: `< ErrorResponse ERROR 42501`."""
    return _line("<", type(message).__name__, _backend_details(message))


def _line(arrow: str, name: str, details: str) -> str:
    return f"{arrow} {name} {details}" if details else f"{arrow} {name}"


def _frontend_details(message: StartupPacket | AuthenticationResponse | FrontendMessage) -> str:
    match message:
        case Query(text=text):
            return f"{len(text)} characters"
        case Parse(name=name, text=text, types=types):
            return f"{_quoted(name)} {len(text)} characters, {len(types)} types"
        case Bind(portal=portal, statement=statement, values=values):
            return f"{_quoted(portal)} {_quoted(statement)} {len(values)} values"
        case Describe(target=target, name=name) | Close(target=target, name=name):
            return f"{'statement' if target == 'S' else 'portal'} {_quoted(name)}"
        case Execute(portal=portal, max_rows=max_rows):
            return f"{_quoted(portal)} {max_rows}"
        case FunctionCall(function=function, arguments=arguments):
            return f"{function} {len(arguments)} arguments"
        case CopyData(data=data):
            return f"{len(data)} bytes"
        case StartupMessage(version=version, parameters=parameters):
            return " ".join([f"{version >> 16}.{version & 0xFFFF}", *map(_quoted, parameters)])
        case CancelRequest(pid=pid):
            return str(pid)
        case SASLInitialResponse(mechanism=mechanism):
            return _quoted(mechanism)
        case (
            Flush()
            | Sync()
            | Terminate()
            | CopyDone()
            | CopyFail()
            | SSLRequest()
            | GSSENCRequest()
            | PasswordMessage()
            | SASLResponse()
            | GSSResponse()
        ):
            return ""


def _backend_details(message: BackendMessage) -> str:
    match message:
        case ErrorResponse() | NoticeResponse():
            return f"{_cut(message.severity)} {_cut(message.sqlstate)}"
        case ReadyForQuery(status=status):
            return status
        case CommandComplete(tag=tag):
            return _quoted(tag)
        case RowDescription(fields=fields):
            return f"{len(fields)} columns"
        case DataRow(values=values):
            return f"{len(values)} values"
        case CopyData(data=data):
            return f"{len(data)} bytes"
        case ParameterDescription(types=types):
            return f"{len(types)} types"
        case ParameterStatus(name=name):
            return _quoted(name)
        case BackendKeyData(pid=pid):
            return str(pid)
        case NotificationResponse(channel=channel):
            return _quoted(channel)
        case CopyInResponse() | CopyOutResponse() | CopyBothResponse():
            return f"{'binary' if message.format else 'text'}, {len(message.formats)} columns"
        case NegotiateProtocolVersion(version=version, options=options):
            return " ".join([f"{version >> 16}.{version & 0xFFFF}", *map(_quoted, options)])
        case AuthenticationSASL(mechanisms=mechanisms):
            return " ".join(map(_quoted, mechanisms))
        case _:
            # What is left is only its name, or secret.
            return ""


def _cut(text: str) -> str:
    """`text` as printable ASCII, short, on one line."""
    return json.dumps(text[:_LONGEST_NAME])[1:-1]


def _quoted(text: str) -> str:
    return f'"{_cut(text)}"'
