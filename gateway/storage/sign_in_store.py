"""How people sign in, in the store: implements `gateway.access.sign_in_store`.

Every value goes in as a parameter; the SQL texts are constants that SQLite and PostgreSQL share.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from gateway.access.lockout import FORGOTTEN_AFTER, Attempts
from gateway.access.models import Person
from gateway.access.scopes import Scope
from gateway.access.sign_in_models import Identity, Invitation, Kind, LocalLogin, PendingSignIn, SignIn
from gateway.access.sign_in_store import SignInChange
from gateway.storage.access_store import Reading, StoredChange
from gateway.storage.database import Database
from gateway.storage.times import micros, time

#: An ended sign-in is shown to nobody; it stays a while for those who look into the store.
_KEPT = timedelta(days=1)
_SIGN_IN = "SELECT s.id, s.person, s.kind, s.scopes, s.how, s.client, s.made_at, s.ends_at FROM sign_ins s"


class _SignInReading(Reading):
    """The questions."""

    async def local_login(self, person: str) -> LocalLogin | None:
        sql = "SELECT person, password, totp, last_step FROM local_logins WHERE person = ?"
        rows = await self._source.read(sql, [person])
        return LocalLogin(*(rows[0][name] for name in ("person", "password", "totp", "last_step"))) if rows else None

    async def invitation(self, digest: str, now: datetime) -> Invitation | None:
        sql = "SELECT person, made_by, ends_at, totp FROM invitations WHERE digest = ? AND ends_at > ?"
        rows = await self._source.read(sql, [digest, micros(now)])
        if not rows:
            return None
        return Invitation(rows[0]["person"], rows[0]["made_by"], time(rows[0]["ends_at"]), rows[0]["totp"])

    async def sign_in(self, digest: str, kinds: frozenset[Kind], now: datetime) -> tuple[SignIn, Person] | None:
        rows = await self._source.read(f"{_SIGN_IN} WHERE s.digest = ? AND s.ends_at > ?", [digest, micros(now)])
        if not rows:
            return None
        found = _sign_in(rows[0])
        person = await self.person(found.person)
        return (found, person) if person is not None and found.kind in kinds else None

    async def sign_ins(self, person: str, now: datetime) -> tuple[SignIn, ...]:
        sql = f"{_SIGN_IN} WHERE s.person = ? AND s.ends_at > ? ORDER BY s.made_at DESC, s.id LIMIT 1000"
        return tuple(_sign_in(row) for row in await self._source.read(sql, [person, micros(now)]))

    async def attempts(self, key: str) -> Attempts | None:
        sql = "SELECT failures, last_at, shut_until FROM sign_in_attempts WHERE subject = ?"
        rows = await self._source.read(sql, [key])
        if not rows:
            return None
        return Attempts(rows[0]["failures"], time(rows[0]["last_at"]), time(rows[0]["shut_until"]))

    async def person_of(self, identity: Identity) -> Person | None:
        sql = "SELECT person FROM identities WHERE issuer = ? AND subject = ?"
        rows = await self._source.read(sql, [identity.issuer, identity.subject])
        return await self.person(rows[0]["person"]) if rows else None

    async def identities(self, person: str) -> tuple[Identity, ...]:
        sql = "SELECT issuer, subject FROM identities WHERE person = ? ORDER BY issuer"
        return tuple(Identity(row["issuer"], row["subject"]) for row in await self._source.read(sql, [person]))

    async def ways(self) -> dict[str, frozenset[str]]:
        sql = """SELECT person, 'password' AS way FROM local_logins
                 UNION SELECT person, 'identity' AS way FROM identities"""
        found: dict[str, set[str]] = {}
        for row in await self._source.read(sql):
            found.setdefault(row["person"], set()).add(row["way"])
        return {person: frozenset(ways) for person, ways in found.items()}

    async def pending(self, digest: str, kind: str, now: datetime) -> PendingSignIn | None:
        sql = "SELECT bound_to, content, ends_at FROM pending_sign_ins WHERE digest = ? AND kind = ? AND ends_at > ?"
        rows = await self._source.read(sql, [digest, kind, micros(now)])
        if not rows:
            return None
        return PendingSignIn(kind, rows[0]["bound_to"], json.loads(rows[0]["content"]), time(rows[0]["ends_at"]))


class _SigningIn(StoredChange, _SignInReading):
    """One transaction."""

    async def put_local_login(self, login: LocalLogin, recovery: Sequence[str]) -> None:
        await self.drop_local_login(login.person)
        sql = "INSERT INTO local_logins (person, password, totp, last_step) VALUES (?, ?, ?, ?)"
        await self._write(sql, [login.person, login.password, login.totp, login.last_step])
        for digest in recovery:
            sql = "INSERT INTO recovery_codes (person, digest) VALUES (?, ?)"
            await self._write(sql, [login.person, digest])

    async def drop_local_login(self, person: str) -> bool:
        await self._write("DELETE FROM recovery_codes WHERE person = ?", [person])
        return await self._write("DELETE FROM local_logins WHERE person = ?", [person]) == 1

    async def use_step(self, person: str, step: int) -> bool:
        sql = "UPDATE local_logins SET last_step = ? WHERE person = ? AND last_step < ?"
        return await self._write(sql, [step, person, step]) == 1

    async def use_recovery_code(self, person: str, digest: str) -> bool:
        return await self._write("DELETE FROM recovery_codes WHERE person = ? AND digest = ?", [person, digest]) == 1

    async def put_invitation(self, digest: str, invitation: Invitation) -> None:
        await self._write("DELETE FROM invitations WHERE person = ?", [invitation.person])
        await self._write(
            "INSERT INTO invitations (digest, person, made_by, ends_at, totp) VALUES (?, ?, ?, ?, ?)",
            [digest, invitation.person, invitation.made_by, micros(invitation.ends_at), invitation.totp],
        )

    async def offer(self, digest: str, totp: str) -> bool:
        return await self._write("UPDATE invitations SET totp = ? WHERE digest = ?", [totp, digest]) == 1

    async def use_invitation(self, digest: str) -> bool:
        return await self._write("DELETE FROM invitations WHERE digest = ?", [digest]) == 1

    async def add_sign_in(self, digest: str, sign_in: SignIn) -> None:
        await self._write(
            """INSERT INTO sign_ins (digest, id, person, kind, scopes, how, client, made_at, ends_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            [
                digest,
                sign_in.id,
                sign_in.person,
                sign_in.kind.value,
                " ".join(sorted(sign_in.scopes)),
                sign_in.how,
                sign_in.client,
                micros(sign_in.made_at),
                micros(sign_in.ends_at),
            ],
        )

    async def end_sign_in(self, sign_in: str) -> bool:
        return await self._write("DELETE FROM sign_ins WHERE id = ?", [sign_in]) == 1

    async def end_sign_ins(self, person: str) -> int:
        return await self._write("DELETE FROM sign_ins WHERE person = ?", [person])

    async def put_attempts(self, key: str, attempts: Attempts) -> None:
        await self._write(
            """INSERT INTO sign_in_attempts (subject, failures, last_at, shut_until) VALUES (?, ?, ?, ?)
               ON CONFLICT (subject) DO UPDATE
               SET failures = excluded.failures, last_at = excluded.last_at, shut_until = excluded.shut_until""",
            [key, attempts.failures, micros(attempts.last_at), micros(attempts.shut_until)],
        )

    async def forget_attempts(self, key: str) -> None:
        await self._write("DELETE FROM sign_in_attempts WHERE subject = ?", [key])

    async def bind(self, identity: Identity, person: str, at: datetime) -> bool:
        added = await self._write(
            "INSERT INTO identities (issuer, subject, person, bound_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [identity.issuer, identity.subject, person, micros(at)],
        )
        return added == 1

    async def unbind(self, person: str) -> int:
        return await self._write("DELETE FROM identities WHERE person = ?", [person])

    async def put_pending(self, digest: str, pending: PendingSignIn) -> None:
        await self._write(
            "INSERT INTO pending_sign_ins (digest, kind, bound_to, content, ends_at) VALUES (?, ?, ?, ?, ?)",
            [digest, pending.kind, pending.bound_to, json.dumps(dict(pending.values)), micros(pending.ends_at)],
        )

    async def take_pending(self, digest: str, kind: str, now: datetime) -> PendingSignIn | None:
        found = await self.pending(digest, kind, now)
        if found is not None:
            await self._write("DELETE FROM pending_sign_ins WHERE digest = ?", [digest])
        return found

    async def tidy_sign_ins(self, now: datetime) -> None:
        before = micros(now)
        await self._write("DELETE FROM pending_sign_ins WHERE ends_at <= ?", [before])
        await self._write("DELETE FROM invitations WHERE ends_at <= ?", [before])
        await self._write("DELETE FROM sign_ins WHERE ends_at <= ?", [micros(now - _KEPT)])
        await self._write("DELETE FROM sign_in_attempts WHERE last_at <= ?", [micros(now - FORGOTTEN_AFTER)])


class StoredSignIns(_SignInReading):
    """The store of sign-ins over an open database, which stays its owner's to close."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._database = database

    @asynccontextmanager
    async def change(self) -> AsyncIterator[SignInChange]:
        """One transaction; see `gateway.access.store`."""
        async with self._database.transaction() as transaction:
            yield _SigningIn(transaction)


def _sign_in(row: Any) -> SignIn:
    return SignIn(
        id=row["id"],
        person=row["person"],
        kind=Kind(row["kind"]),
        scopes=frozenset(Scope(word) for word in row["scopes"].split()),
        how=row["how"],
        client=row["client"],
        made_at=time(row["made_at"]),
        ends_at=time(row["ends_at"]),
    )
