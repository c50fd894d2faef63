"""What is kept of tokens beyond their ids: what they are bound to, whether they were used or revoked; and the keys
that sign them, with public halves only."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from gateway.access.keys import SigningKey
from gateway.access.models import IssuedToken
from gateway.storage.database import Row, Source, Transaction, in_parts
from gateway.storage.times import micros, micros_or_none, time, time_or_none

#: Of `tokens t LEFT JOIN signing_keys k ON k.id = t.signing_key`; read by `issued_of`.
COLUMNS = """t.id AS token_id, t."grant" AS token_grant, t.person AS token_person, t.issued_at,
           t.ends_at AS token_ends_at, t.session_ends_at, t.signing_key, t.once, t.used_at,
           t.sessions AS token_sessions, t.networks, t.certificate, t.revoked_at AS token_revoked_at,
           t.revoked_by AS token_revoked_by, t.revoked_reason AS token_revoked_reason, k.struck_at"""
_TOKENS = f"SELECT {COLUMNS} FROM tokens t LEFT JOIN signing_keys k ON k.id = t.signing_key"  # noqa: S608 -- constants


class IssuedRead:
    """Questions about tokens and keys."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def token(self, token_id: str) -> IssuedToken | None:
        rows = await self._source.read(f"{_TOKENS} WHERE t.id = ?", [token_id])
        return issued_of(rows[0]) if rows else None

    async def tokens_of(self, grant_id: str, limit: int = 1000) -> tuple[IssuedToken, ...]:
        sql = f'{_TOKENS} WHERE t."grant" = ? ORDER BY t.issued_at DESC, t.id DESC LIMIT ?'
        return tuple(issued_of(row) for row in await self._source.read(sql, [grant_id, limit]))

    async def void_tokens(self, token_ids: Collection[str]) -> frozenset[str]:
        void: set[str] = set()
        for places, part in in_parts(list(token_ids)):
            sql = f"""SELECT t.id FROM tokens t LEFT JOIN signing_keys k ON k.id = t.signing_key
                      WHERE t.id IN {places} AND (t.revoked_at IS NOT NULL OR k.struck_at IS NOT NULL)"""  # noqa: S608 -- constants
            void |= {row["id"] for row in await self._source.read(sql, part)}
        return frozenset(void)

    async def signing_keys(self) -> tuple[SigningKey, ...]:
        sql = """SELECT k.id, k.public, k.added_at, k.signs_from, k.struck_at, k.struck_by, k.struck_reason,
                        (SELECT max(t.ends_at) FROM tokens t WHERE t.signing_key = k.id) AS last_ends_at
                 FROM signing_keys k ORDER BY k.signs_from, k.id"""
        return tuple(_key(row) for row in await self._source.read(sql))


class IssuedChange(IssuedRead):
    """The same in one transaction, and what changes them."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._transaction = transaction

    async def add_token(self, token: IssuedToken) -> None:
        await self._transaction.write(
            """INSERT INTO tokens (id, "grant", person, issued_at, ends_at, signing_key, session_ends_at, once,
                                   sessions, networks, certificate)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            [
                token.id,
                token.grant,
                token.person,
                micros(token.issued_at),
                micros(token.ends_at),
                token.key,
                micros_or_none(token.session_ends_at),
                int(token.once),
                token.sessions,
                " ".join(token.networks),
                token.certificate,
            ],
        )

    async def use_token(self, token_id: str, *, at: datetime) -> bool:
        sql = "UPDATE tokens SET used_at = ? WHERE id = ? AND used_at IS NULL AND revoked_at IS NULL"
        return await self._transaction.write(sql, [micros(at), token_id]) == 1

    async def revoke_token(self, token_id: str, *, at: datetime, by: str, reason: str) -> bool:
        sql = """UPDATE tokens SET revoked_at = ?, revoked_by = ?, revoked_reason = ?
                 WHERE id = ? AND revoked_at IS NULL"""
        return await self._transaction.write(sql, [micros(at), by, reason, token_id]) == 1

    async def add_signing_key(self, key: SigningKey) -> bool:
        added = await self._transaction.write(
            "INSERT INTO signing_keys (id, public, added_at, signs_from) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [key.id, key.public, micros(key.added_at), micros(key.signs_from)],
        )
        return added == 1

    async def strike_signing_key(self, key_id: str, *, at: datetime, by: str, reason: str) -> bool:
        sql = """UPDATE signing_keys SET struck_at = ?, struck_by = ?, struck_reason = ?
                 WHERE id = ? AND struck_at IS NULL"""
        return await self._transaction.write(sql, [micros(at), by, reason, key_id]) == 1


def issued_of(row: Row) -> IssuedToken:
    """A token from a row of `COLUMNS`."""
    return IssuedToken(
        id=row["token_id"],
        grant=row["token_grant"],
        person=row["token_person"],
        issued_at=time(row["issued_at"]),
        ends_at=time(row["token_ends_at"]),
        key=row["signing_key"],
        session_ends_at=time_or_none(row["session_ends_at"]),
        once=bool(row["once"]),
        used_at=time_or_none(row["used_at"]),
        sessions=row["token_sessions"],
        networks=tuple(row["networks"].split()),
        certificate=row["certificate"],
        revoked_at=time_or_none(row["token_revoked_at"]),
        revoked_by=row["token_revoked_by"],
        revoked_reason=row["token_revoked_reason"],
        key_struck=row["struck_at"] is not None,
    )


def _key(row: Row) -> SigningKey:
    return SigningKey(
        id=row["id"],
        public=row["public"],
        added_at=time(row["added_at"]),
        signs_from=time(row["signs_from"]),
        struck_at=time_or_none(row["struck_at"]),
        struck_by=row["struck_by"],
        struck_reason=row["struck_reason"],
        last_ends_at=time_or_none(row["last_ends_at"]),
    )
