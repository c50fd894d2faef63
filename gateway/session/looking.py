"""The second lock where the client asks for no description: rows of an Execute come without a RowDescription
(PG manual, 55.2.3), so the gateway asks for one itself, before the Execute, and keeps the answer to itself.

Once a prepared statement: what it returns changes with the catalog or the policy only, and then it is looked at
again. A portal that runs what a name stands for (EXECUTE, FETCH) is looked at by itself.
"""

from __future__ import annotations

from gateway.session.conversation import Conversation
from gateway.session.judge import WITH_ROWS, Judge
from gateway.session.names import unsettled
from gateway.session.replies import DESCRIBE, Expected
from gateway.session.statements import Looked, Portal, Prepared
from protocol.frontend import Describe


def version_of(judge: Judge) -> tuple[str, str]:
    """What a check of origins rests on."""
    return judge.catalog.version, judge.policy.version


def looked_of(held: Prepared | Portal) -> Looked | None:
    """Whether the second lock has seen what this returns; None: it depends on what a name stands for then."""
    if isinstance(held, Portal):
        return held.looked or held.prepared.looked
    return None if _runs_a_name(held) else held.looked


def looked_for(prepared: Prepared) -> Looked | None:
    """What a new portal of this statement has of its own."""
    return Looked() if _runs_a_name(prepared) else None


def _runs_a_name(prepared: Prepared) -> bool:
    statement = prepared.statement
    return statement is not None and statement.about_names and not prepared.by_sql


def is_known(talk: Conversation, portal: Portal) -> bool:
    """Was the description of this portal checked, or will it be before its rows come, if there are any?"""
    prepared = portal.prepared
    if prepared.statement is None or not (prepared.by_sql or prepared.statement.kind in WITH_ROWS):
        return True
    looked = looked_of(portal)
    return looked is not None and (looked.batch == talk.batch or looked.by == version_of(talk.judge))


def ask(talk: Conversation, name: str, portal: Portal) -> bytes:
    """What goes before the Execute of a portal that nobody described, and what is awaited for it."""
    expected = Expected(DESCRIBE, talk.batch, judged=portal.prepared.judged, ours="look")
    on_its_way(talk, expected, looked_of(portal))
    talk.replies.expect(expected)
    return Describe("P", name).encode()


def asked(talk: Conversation, target: bytes, name: str, expected: Expected) -> None:
    """The client asks for the description of a statement ("S") or a portal itself."""
    names = talk.statements if target == b"S" else talk.portals
    held = names.get(name)
    # What the name stands for is not certain: the Execute will look by itself.
    if held is not None and not unsettled(talk, names, name):
        on_its_way(talk, expected, looked_of(held))


def on_its_way(talk: Conversation, expected: Expected, looked: Looked | None) -> None:
    """A Describe is sent. If it fails, so does all that comes after it in its batch."""
    if looked is not None:
        looked.batch = talk.batch
        expected.looked = looked


def answered(judge: Judge, expected: Expected, *, rows: bool) -> None:
    """The description came and was checked. `rows`: are there any?"""
    if expected.looked is not None:
        expected.looked.by = version_of(judge)
        expected.looked.rows = rows
