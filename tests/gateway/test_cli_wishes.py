"""What the commands understand of times, parts and versions; and emergencies from the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.cli.decide import version_of
from gateway.cli.output import Stopped
from gateway.cli.wishes import moment_of, parts_of, said_parts
from tests.gateway.test_cli import Office, office

__all__ = ["office"]

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

PARTS = {
    "a relation": (["public.orders"], {"public.orders": []}),
    "columns": (["public.orders(id, status)"], {"public.orders": ["id", "status"]}),
    "blanks": ([" public.orders ( id ,status ) "], {"public.orders": ["id", "status"]}),
    "twice": (["public.a(x)", "public.a(y)"], {"public.a": ["x", "y"]}),
    "none": ([], None),
}


@pytest.mark.parametrize("case", PARTS)
def test_parts(case: str) -> None:
    options, parts = PARTS[case]
    assert parts_of(options) == parts


@pytest.mark.parametrize("option", ["orders", "public.orders(id", "public.orders)id(", "public.a(b)(c)", ""])
def test_what_names_no_part_is_refused_with_an_example(option: str) -> None:
    with pytest.raises(Stopped) as stopped:
        parts_of([option])
    assert "public.orders(id, status)" in stopped.value.hint


def test_parts_are_said_as_they_are_written() -> None:
    assert said_parts({"public.a": ["x", "y"], "public.b": ["*"]}) == "public.a(x, y); public.b"


def test_a_time_of_day_is_the_next_one() -> None:
    here = NOW.astimezone()
    for hours in (1, -1):
        wanted = here + timedelta(hours=hours)
        start = datetime.fromisoformat(moment_of(f"{wanted:%H:%M}", NOW))
        assert NOW < start <= NOW + timedelta(days=1)
        assert f"{start.astimezone():%H:%M}" == f"{wanted:%H:%M}"


def test_times_in_other_words() -> None:
    assert datetime.fromisoformat(moment_of("+2h", NOW)) == NOW + timedelta(hours=2)
    assert datetime.fromisoformat(moment_of("2026-11-24T09:00+01:00", NOW)) == datetime(2026, 11, 24, 8, tzinfo=UTC)
    for text in ("soon", "25:00", "+soon", "2026-13-01"):
        with pytest.raises(Stopped):
            moment_of(text, NOW)


def test_versions_in_a_requests_name() -> None:
    assert version_of("req_1") == ("req_1", 1)
    assert version_of("req_1.12") == ("req_1", 12)
    for wrong in ("req_1.", "req_1.x", "req_1.0", "req_1.1.1", "req_1.99999999999"):
        with pytest.raises(Stopped):
            version_of(wrong)


async def test_an_emergency_from_the_command_line(office: Office) -> None:
    await office.alice.login()
    await office.bob.login()
    wish = ("--target", "shop", "--role", "support")
    refused = await office.alice.run("break-glass", *wish, "--reason", "the shop is down")
    assert (refused.code, "in an emergency" in refused.err) == (1, True)
    missing = await office.bob.run("break-glass", *wish)
    assert (missing.code, "--reason" in missing.err) == (2, True)
    said = await office.bob.done("break-glass", *wish, "--reason", "the shop is down")
    assert "the glass is broken" in said
    [waiting] = json.loads(await office.bob.done("emergencies", "--json"))
    own = await office.bob.run("review", waiting["grant"], "--text", "I did well, as everybody can see")
    assert (own.code, "nobody reviews their own" in own.err) == (1, True)
    assert "--text" in (await office.bob.run("review", waiting["grant"])).err
    house = office.served.house
    await house.access.review(await house.person("carol"), waiting["grant"], text="the shop was down, rightly so")
    assert "no emergency waits" in await office.bob.done("emergencies")
    await office.bob.done("done", waiting["grant"])
