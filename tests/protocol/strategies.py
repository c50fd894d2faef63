"""Hypothesis strategies for every message of the protocol."""

from __future__ import annotations

from hypothesis import strategies as st

from protocol import messages as m

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
name = text.filter(bool)
data = st.binary(max_size=40)
values = st.lists(st.none() | data, max_size=5).map(tuple)
formats = st.lists(st.integers(0, 1), max_size=5).map(tuple)
oid = st.integers(0, 2**32 - 1)
oids = st.lists(oid, max_size=5).map(tuple)
int16 = st.integers(-(2**15), 2**15 - 1)
int32 = st.integers(-(2**31), 2**31 - 1)
target = st.sampled_from(["S", "P"])
key = st.binary(min_size=4, max_size=256)
report = st.dictionaries(st.sampled_from("SVCMDHPpqWstcdnFLR"), text)


def _some_formats(values: tuple[bytes | None, ...]) -> st.SearchStrategy[tuple[int, ...]]:
    """As many format codes as may go with `values`: none, one, or one each."""
    return st.sampled_from(sorted({0, 1, len(values)})).flatmap(
        lambda size: st.lists(st.integers(0, 1), min_size=size, max_size=size).map(tuple)
    )


startup = (
    st.builds(m.SSLRequest)
    | st.builds(m.GSSENCRequest)
    | st.builds(m.CancelRequest, int32, key)
    | st.builds(m.StartupMessage, st.dictionaries(name, text, max_size=5), st.integers(3 << 16, (4 << 16) - 1))
)

frontend = st.one_of(
    st.builds(m.Query, text),
    st.builds(m.Parse, text, text, oids),
    values.flatmap(lambda given: st.builds(m.Bind, text, text, _some_formats(given), st.just(given), formats)),
    st.builds(m.Describe, target, text),
    st.builds(m.Execute, text, int32),
    st.builds(m.Close, target, text),
    st.builds(m.Flush),
    st.builds(m.Sync),
    values.flatmap(
        lambda given: st.builds(m.FunctionCall, oid, _some_formats(given), st.just(given), st.integers(0, 1))
    ),
    st.builds(m.CopyData, data),
    st.builds(m.CopyDone),
    st.builds(m.CopyFail, text),
    st.builds(m.Terminate),
)

fields = st.lists(st.builds(m.Field, text, oid, int16, oid, int16, int32, st.integers(0, 1)), max_size=4).map(tuple)

rows = st.builds(m.DataRow, values) | st.builds(m.CopyData, data)

not_rows = st.one_of(
    st.builds(m.AuthenticationOk),
    st.builds(m.AuthenticationKerberosV5),
    st.builds(m.AuthenticationCleartextPassword),
    st.builds(m.AuthenticationMD5Password, st.binary(min_size=4, max_size=4)),
    st.builds(m.AuthenticationGSS),
    st.builds(m.AuthenticationGSSContinue, data),
    st.builds(m.AuthenticationSSPI),
    st.builds(m.AuthenticationSASL, st.lists(name, max_size=3).map(tuple)),
    st.builds(m.AuthenticationSASLContinue, data),
    st.builds(m.AuthenticationSASLFinal, data),
    st.builds(m.BackendKeyData, int32, key),
    st.builds(m.BindComplete),
    st.builds(m.CloseComplete),
    st.builds(m.CommandComplete, text),
    st.builds(m.CopyBothResponse, st.integers(0, 1), formats),
    st.builds(m.CopyDone),
    st.builds(m.CopyInResponse, st.integers(0, 1), formats),
    st.builds(m.CopyOutResponse, st.integers(0, 1), formats),
    st.builds(m.EmptyQueryResponse),
    st.builds(m.ErrorResponse, report),
    st.builds(m.FunctionCallResponse, st.none() | data),
    st.builds(m.NegotiateProtocolVersion, int32, st.lists(text, max_size=3).map(tuple)),
    st.builds(m.NoData),
    st.builds(m.NoticeResponse, report),
    st.builds(m.NotificationResponse, int32, text, text),
    st.builds(m.ParameterDescription, oids),
    st.builds(m.ParameterStatus, text, text),
    st.builds(m.ParseComplete),
    st.builds(m.PortalSuspended),
    st.builds(m.ReadyForQuery, st.sampled_from("ITE")),
    st.builds(m.RowDescription, fields),
)

backend = rows | not_rows
