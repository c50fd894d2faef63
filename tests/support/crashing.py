"""A gateway's access service that is killed at the nth moment of a story: before each write, before each commit and
after it. `python -m tests.support.crashing STORE FOLDER`, with the population in STORE.

One process imports everything and forks a child for each moment, on a copy of the store. A child writes what was
acknowledged into a file, as people would have seen it, and ends by kill -9 (or at the end of the story).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NoReturn

from gateway.access import rotation
from gateway.access.bindings import TokenWish
from gateway.access.keys import KeyRing, private_key, public_text
from gateway.access.tokens import TokenSigner
from gateway.audit.facts import AccessChanged
from gateway.audit.record import Recorder
from gateway.demo.certificates import signing_key
from gateway.storage.database import Database, Row, Transaction
from gateway.storage.opening import open_database
from tests.support.access import REASON, ROLES, START, Clock, House

#: What happens in the moments of a transaction.
Moment = Callable[[], None]
Say = Callable[..., None]


class DoomedTransaction:
    """A transaction whose process may die before a write."""

    def __init__(self, inner: Transaction, moment: Moment) -> None:
        self._inner = inner
        self._moment = moment

    async def read(self, sql: str, values: Iterable[object] = ()) -> list[Row]:
        return list(await self._inner.read(sql, values))

    async def write(self, sql: str, values: Iterable[object] = ()) -> int:
        self._moment()
        return await self._inner.write(sql, values)


class DoomedDatabase:
    """A database whose process may die before each write, before a commit, and after it."""

    def __init__(self, inner: Database, moment: Moment) -> None:
        self._inner = inner
        self._moment = moment

    async def read(self, sql: str, values: Iterable[object] = ()) -> list[Row]:
        return list(await self._inner.read(sql, values))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[DoomedTransaction]:
        async with self._inner.transaction() as transaction:
            yield DoomedTransaction(transaction, self._moment)
            self._moment()
        self._moment()

    async def watch(self, changed: Callable[[], None]) -> None:
        await self._inner.watch(changed)

    async def close(self) -> None:
        await self._inner.close()


async def story(house: House, say: Say) -> None:
    """Everything that changes the store, once. `say` is called when the caller has been told."""
    access = house.access
    alice, bob, carol, dave, adam = [await house.person(name) for name in ("alice", "bob", "carol", "dave", "adam")]
    request = await access.ask(alice, target="shop", role="support", reason=REASON, seconds=600)
    say("asked", request.id)
    request = await access.edit(alice, request.id, reason=f"{REASON}, again")
    say("edited", request.id)
    request = await access.approve(bob, request.id, version=request.version)
    say("granted", request.grant)
    grant = str(request.grant)
    minted = await access.mint(alice, grant)
    say("minted", minted.token.id, minted.text)
    single = await access.mint(alice, grant, wish=TokenWish(once=True))
    say("minted once", single.token.id, single.text)
    await access.admit(single.text, user="alice", database="shop", client="127.0.0.1:1")
    say("used", single.token.id)
    await access.tokens.revoke(alice, minted.token.id, reason="pasted into a chat")
    say("revoked token", minted.token.id)

    longer = await access.extend(alice, grant, seconds=600, reason=f"{REASON}, and longer")
    await access.approve(bob, longer.id)
    say("extended", grant)

    two = await access.ask(alice, target="shop", role="operator", reason=f"OPS-1 {REASON}", seconds=600)
    await access.approve(carol, two.id)
    say("approved once", two.id)
    two = await access.approve(dave, two.id)
    say("granted", two.grant)
    await access.done(alice, str(two.grant))
    say("done", two.grant)

    for end in ("denied", "cancelled"):
        other = await access.ask(alice, target="archive", role="support", reason=REASON, seconds=60)
        await (access.deny(bob, other.id, reason="not today") if end == "denied" else access.cancel(alice, other.id))
        say(end, other.id)

    async with house.store.change() as change:
        public = public_text(private_key(signing_key()).public_key())
        now = house.clock()
        await change.hand_over(
            await rotation.add(change, by="host:root", key_id="k2", public=public, now=now, signs_from=now)
        )
    say("added key", "k2")
    await access.still_valid([grant])
    await access.tokens.strike(adam, "k2", reason="it leaked")
    say("struck key", "k2")

    await access.set_locked(adam, "erin", locked=True, reason="left")
    say("locked", "erin")
    await access.revoke(bob, grant, reason="that was all")
    say("revoked", grant)
    last = await house.granted(seconds=60)
    house.clock.move(seconds=90)
    await access.tidy()
    say("ended", last)


class RecordedHouse(House):
    """One that writes a real record."""

    def __init__(self, database: Database, recorder: Recorder, key: bytes) -> None:
        self._recorder = recorder
        super().__init__(database, dict(ROLES), Clock())
        self.access.tokens.renew(signer_of(key))

    def record(self, fact: AccessChanged) -> None:
        self._recorder.note(fact)


def signer_of(key: bytes) -> TokenSigner:
    """What signs the story's tokens, so that they can be shown after the crash."""
    return TokenSigner("https://gate.test", "gate", KeyRing.from_pem(key, key_id="k1"))


async def play(place: Path, key: bytes, doom: int) -> None:
    """The story in a place of its own, up to its `doom`th moment."""
    left = doom

    def moment() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    recorder = Recorder.open(place / "record", signer=private_key(key), sealing="off", clock=lambda: START)
    database = await open_database(place / "store.db")
    said = os.open(place / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def say(*words: object) -> None:
        os.write(said, (json.dumps(words) + "\n").encode())

    await story(RecordedHouse(DoomedDatabase(database, moment), recorder, key), say)
    recorder.close()
    await database.close()


def _child(place: Path, key: bytes, doom: int) -> NoReturn:
    """Ends without waiting for the threads of databases that a failure left open."""
    try:
        asyncio.run(play(place, key, doom))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def main() -> None:
    prepared, folder = Path(sys.argv[1]), Path(sys.argv[2])
    key = (folder / "key.pem").read_bytes()
    for doom in range(1, 1000):
        place = folder / f"{doom:03}"
        place.mkdir()
        shutil.copy(prepared, place / "store.db")
        child = os.fork()
        if child == 0:
            _child(place, key, doom)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            sys.exit(os.WEXITSTATUS(status))
        assert os.WTERMSIG(status) == signal.SIGKILL


if __name__ == "__main__":
    main()
