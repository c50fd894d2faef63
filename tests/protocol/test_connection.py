"""Every kind of message in every phase: what the table says, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.connection import FrontendPhase
from protocol.errors import LocalProtocolError, ProtocolViolation
from protocol.states import LEGAL, Phase, Treatment

HEARD = {
    "startup": "",
    "authenticating": "pX",
    "ready": "QPBDECHSFX",
    "copy-in": "dcfX",
    "copy-out": "QPBDECHSFX",
    "closing": "",
}
IGNORED = {"startup": "", "authenticating": "", "ready": "dcf", "copy-in": "HS", "copy-out": "dcf", "closing": ""}


def machine(phase: Phase) -> FrontendPhase:
    """A connection that came into `phase` the way connections do."""
    connection = FrontendPhase()
    if phase is Phase.STARTUP:
        return connection
    connection.started()
    if phase is Phase.AUTHENTICATING:
        return connection
    connection.authenticated()
    if phase is Phase.COPY_IN:
        connection.accept(ord("Q"))
        connection.heard(ord("G"))
    if phase is Phase.COPY_OUT:
        connection.accept(ord("Q"))
        connection.heard(ord("H"))
    if phase is Phase.CLOSING:
        connection.accept(ord("X"))
    assert connection.phase is phase
    return connection


@pytest.mark.parametrize("phase", Phase)
def test_each_kind_in_each_phase(phase: Phase) -> None:
    for kind in range(256):
        connection = machine(phase)
        if chr(kind) in HEARD[phase.value]:
            assert connection.accept(kind) is Treatment.HEARD
        elif chr(kind) in IGNORED[phase.value]:
            assert connection.accept(kind) is Treatment.IGNORED
            assert connection.phase is phase
        else:
            with pytest.raises(ProtocolViolation):
                connection.accept(kind)
            assert connection.phase is phase


def test_the_table_has_all_phases() -> None:
    assert set(LEGAL) == set(Phase)


def follow(conversation: str) -> FrontendPhase:
    """`>Q <G >d`: a ready connection that said and heard this."""
    connection = machine(Phase.READY)
    for step in conversation.split():
        if step[0] == ">":
            connection.accept(ord(step[1]))
        else:
            connection.heard(ord(step[1]))
    return connection


@pytest.mark.parametrize(
    ("conversation", "phase"),
    [
        (">Q <T <D <C <Z", Phase.READY),
        (">Q <G >d >d >c <C <Z", Phase.READY),
        (">Q <G", Phase.COPY_IN),
        (">Q <G >d >S >H >d", Phase.COPY_IN),
        (">Q <G >d >f <E <Z", Phase.READY),
        (">Q <G >d <N <A <S", Phase.COPY_IN),
        (">Q <G >d <E >d >d >c <Z", Phase.READY),
        (">P >B >E >S <1 <2 <G >d >c >S <C <Z", Phase.READY),
        (">Q <H <d <d", Phase.COPY_OUT),
        (">Q <H <d <c <C <Z", Phase.READY),
        (">Q <H <d <E <Z", Phase.READY),
        (">Q <H <d >Q >X", Phase.CLOSING),
        # COPY and its data sent at once, before the server answers
        (">Q >d >c <G <C <Z", Phase.READY),
        (">Q >d >c >Q >d >c <G <C <Z <G <C <Z", Phase.READY),
        (">Q >d >c >Q <G <C <Z <G", Phase.COPY_IN),
        # the data of a COPY that failed is forgotten when all is answered
        (">Q >d >c <E <Z >Q <G", Phase.COPY_IN),
        # a stray end of copy with nothing asked does not count
        (">c >f >Q <G", Phase.COPY_IN),
    ],
)
def test_conversations_lead_to_their_phase(conversation: str, phase: Phase) -> None:
    assert follow(conversation).phase is phase


def test_a_query_during_copy_in_is_a_violation() -> None:
    with pytest.raises(ProtocolViolation):
        follow(">Q <G >d >Q")


def test_phases_are_not_skipped_by_us() -> None:
    with pytest.raises(LocalProtocolError):
        FrontendPhase().authenticated()
    with pytest.raises(LocalProtocolError):
        machine(Phase.READY).started()


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 255) | st.sampled_from(b"QPBDECHSFdcfXGZ")), max_size=40))
def test_any_conversation_is_followed_or_refused(steps: list[tuple[bool, int]]) -> None:
    connection = machine(Phase.READY)
    for from_client, kind in steps:
        if not from_client:
            connection.heard(kind)
        elif kind in LEGAL[connection.phase]:
            connection.accept(kind)
        else:
            with pytest.raises(ProtocolViolation):
                connection.accept(kind)
