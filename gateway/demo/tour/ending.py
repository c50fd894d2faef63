"""Chapter: the grant ends in the middle of a query; a revocation does the same."""

from __future__ import annotations

import subprocess
import time

from gateway.demo.tour.cast import Cast, Given

#: The shortest grant there is.
GRANT_SECONDS = 60
#: The settings of the tour's stage: a warning so long before the end.
WARN_SECONDS = 6
#: So much must be left of a grant for the scene to be played with it.
ENOUGH_SECONDS = WARN_SECONDS + 4


def prepare(cast: Cast) -> None:
    """Give the grant whose end will be watched; other chapters are played while it runs down."""
    cast.give("support", target="shop", seconds=GRANT_SECONDS, reason="a short look at one order", name="short")


def play(cast: Cast) -> None:
    """A query of ten minutes meets the end of its grant, twice: by the clock and by rita."""
    _by_the_clock(cast)
    _by_revocation(cast)


def _by_the_clock(cast: Cast) -> None:
    tell = cast.narrator
    tell.chapter(6, "Curfew", "A grant of one minute that is nearly over, and a query that would take ten.")
    if cast.seconds_to_curfew < ENOUGH_SECONDS:
        tell.say("(This machine took its time; the minute begins anew.)")
        prepare(cast)
    while cast.seconds_to_curfew > ENOUGH_SECONDS + 2:
        time.sleep(0.2)
    psql = cast.start_psql(cast.given["short"], "-v", "VERBOSITY=verbose", "-c", "SELECT pg_sleep(600)")
    _wait_for_backend(cast)
    said = _last_words(psql, cast.seconds_to_curfew + 15)
    late = -cast.seconds_to_curfew
    tell.scene("alice", "SELECT pg_sleep(600);", said)
    tell.check("this session ends in" in said, "she was warned before the end", said)
    tell.check("57P01" in said and "FATAL" in said, "then FATAL 57P01, with the reason", said)
    tell.check(-0.1 <= late < 1.0, f"{late * 1000:.0f} ms after the end, psql was gone")
    _no_backend_is_left(cast)


def _by_revocation(cast: Cast) -> None:
    tell, stage = cast.narrator, cast.stage
    tell.say("The same look, once more, under a grant that has minutes left; but rita has heard enough.")
    given = cast.give("support", target="shop", seconds=600, reason="the same look, once more", name="revoked")
    psql = cast.start_psql(given, "-v", "VERBOSITY=verbose", "-c", "SELECT pg_sleep(600)")
    _wait_for_backend(cast)
    command = ["revoke", given.grant, "--reason", "the customer called: all is well"]
    done = stage.watched("rita", *command)
    began = time.monotonic()
    tell.scene("rita", ["pgcurfew", *command], done.shown)
    said = _last_words(psql, 20)
    seconds = time.monotonic() - began
    tell.scene("alice", "SELECT pg_sleep(600);", said)
    tell.check(done.code == 0 and "57P01" in said, "a revocation ends the query just the same", said)
    tell.check(seconds < 1.0, f"{seconds * 1000:.0f} ms after the command was done, psql was gone")
    _no_backend_is_left(cast)
    _token_is_void(cast, given)


def _wait_for_backend(cast: Cast) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and cast.backends() == 0:
        time.sleep(0.05)
    cast.narrator.check(cast.backends() == 1, "the database sees her session, under her name")


def _no_backend_is_left(cast: Cast) -> None:
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline and cast.backends():
        time.sleep(0.05)
    cast.narrator.check(cast.backends() == 0, "no backend is left in the database")


def _last_words(psql: subprocess.Popen[str], seconds: float) -> str:
    try:
        said, _ = psql.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        psql.kill()
        said, _ = psql.communicate()
        said += "\n(psql had to be killed)"
    return said


def _token_is_void(cast: Cast, given: Given) -> None:
    done = cast.psql("SELECT 1", given=given)
    cast.narrator.check(done.code != 0 and "FATAL" in done.err, "and the token opens nothing any more", done.text)
