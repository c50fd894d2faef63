"""Open sessions as server-sent events: what programs and pages read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.access.keys import private_key
from gateway.audit.facts import SessionClosed
from gateway.audit.record import Recorder
from gateway.audit.session import SessionRecord
from gateway.demo.certificates import signing_key
from gateway.session.view import LiveView
from tests.gateway.audit.conftest import ended, judged, opened
from tests.support.access import House, Served, serving


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with House.open(tmp_path / "store.db") as house:
        await house.populate()
        async with serving(house, tmp_path) as api:
            yield api


@pytest.fixture
def recorder(served: Served) -> Recorder:
    return Recorder.open(served.record, signer=private_key(signing_key()), sealing="off", clock=served.house.clock)


def begun(served: Served, recorder: Recorder, session: str, person: str = "alice") -> SessionRecord:
    fact = opened(session, person=person)
    log = recorder.open_session(fact)
    view = LiveView(
        session=session,
        person=person,
        target="shop",
        role="support",
        grant="g-1",
        client="127.0.0.1:1",
        since=f"{served.house.clock():%Y-%m-%dT%H:%M:%S.%fZ}",
        ends_at="2026-11-23T14:00:00.000000Z",
        statements=0,
        refused=0,
        rows=0,
    )
    served.open.views.append(view)
    return log


async def stream(served: Served, person: str, path: str, **headers: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(name, id, data) of all events until the stream ends."""
    async with served.client(person) as client:
        response = await client.get(f"/v1/sessions/live/{path}", headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    events = []
    for block in response.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            events.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))
    return events


async def test_a_session_comes_event_by_event_and_ends(served: Served, recorder: Recorder) -> None:
    log = begun(served, recorder, "s1")
    log.append([judged(1), ended(1)])
    log.close(SessionClosed(cause="client", statements=1))
    events = await stream(served, "audrey", "s1/events?from=start")
    assert [name for name, _, _ in events] == [
        "SessionOpened", "StatementJudged", "StatementEnded", "SessionClosed", "end",
    ]  # fmt: skip
    assert [data["seq"] for _, _, data in events[:-1]] == [1, 2, 3, 4]
    assert all(number == data["time"] for _, number, data in events[:-1])
    assert events[1][2]["event"]["masks"] == ["public.customers.email:pseudonym"]
    recorder.close()


async def test_from_now_on_is_the_usual(served: Served, recorder: Recorder) -> None:
    begun(served, recorder, "s1").append([judged(1), ended(1)])
    assert await stream(served, "audrey", "s1/events") == []
    recorder.close()


async def test_a_stream_goes_on_from_the_last_event_that_was_seen(served: Served, recorder: Recorder) -> None:
    log = begun(served, recorder, "s1")
    log.append([judged(1), ended(1)])
    served.house.clock.move(seconds=1)
    log.append([judged(2)])
    first = await stream(served, "audrey", "s1/events?from=start")
    served.house.clock.move(seconds=1)
    log.append([ended(2)])
    again = await stream(served, "audrey", "s1/events", **{"Last-Event-ID": first[-1][1]})
    assert [(name, data["event"]["number"]) for name, _, data in again] == [
        ("StatementJudged", 2), ("StatementEnded", 2),
    ]  # fmt: skip
    recorder.close()


async def test_everybody_follows_what_they_may_read(served: Served, recorder: Recorder) -> None:
    for session, person in (("s1", "alice"), ("s2", "erin")):
        begun(served, recorder, session, person).append([judged(1)])
    for person, sees in (
        ("audrey", {"s1", "s2"}),
        ("alice", {"s1"}),
        ("erin", {"s2"}),
        ("bob", set()),
        ("adam", set()),
    ):
        events = await stream(served, person, "events?from=start")
        assert {data["session"] for _, _, data in events} == sees, person
    recorder.close()


async def test_what_is_asked_wrongly_is_refused(served: Served, recorder: Recorder) -> None:
    begun(served, recorder, "s1")
    async with served.client("audrey") as client:
        assert (await client.get("/v1/sessions/live/s1/events?from=yesterday")).status_code == 422
        assert (await client.get("/v1/audit/search?nosuch=1")).status_code == 422
        assert (await client.get("/v1/audit/search?by=moon")).status_code == 422
        assert (await client.get("/v1/audit/search?before=x")).status_code == 422
        assert (await client.get("/v1/audit/search")).status_code == 503, "there is no index yet"
    async with served.client("bob") as client:
        for reason in ("", "   ", "\x1b]0;x\x07it must", "it\x00must", "it\u202emust", "x" * 1001):
            response = await client.post("/v1/sessions/live/s1/kill", json={"reason": reason})
            assert response.status_code == 422
        assert (await client.post("/v1/sessions/live/s1/kill", json={"reason": "it must"})).status_code == 200
    assert served.open.killed == [("s1", "bob", "it must")]
    assert served.house.recorded()[-1] == "session-killed"
    recorder.close()
