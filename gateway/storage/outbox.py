"""What waits to be sent, kept beside the grants: implements `gateway.notices.outbox`."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from gateway.notices.notice import Notice
from gateway.notices.outbox import Delivery, DeliveryState, Outgoing
from gateway.storage.database import Database, Transaction
from gateway.storage.times import micros, time, time_or_none


async def put_out(transaction: Transaction, outgoing: Iterable[Outgoing], at: datetime) -> None:
    """Keep these within an open transaction; what was told before is not told again."""
    for one in outgoing:
        notice = msgspec.json.encode(one.notice).decode()
        for sink in one.sinks:
            await transaction.write(
                """INSERT INTO outbox (id, about, sink, event, notice, created_at, next_at)
                   VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (about, sink) DO NOTHING""",
                [f"dlv_{secrets.token_hex(12)}", one.about, sink, one.notice.event, notice, micros(at), micros(at)],
            )


class StoredOutbox:
    """The outbox over an open database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, outgoing: Sequence[Outgoing], at: datetime) -> None:
        async with self._database.transaction() as transaction:
            await put_out(transaction, outgoing, at)

    async def claim(self, sink: str, *, now: datetime, until: datetime) -> Delivery | None:
        # Looked for among what is committed, so that nobody who has nothing to send locks the store.
        rows = await self._database.read(
            """SELECT id, notice, created_at, next_at, tries FROM outbox
               WHERE sink = ? AND next_at IS NOT NULL AND next_at <= ? ORDER BY next_at, id LIMIT 1""",
            [sink, micros(now)],
        )
        for row in rows:
            # Whoever claimed it meanwhile has changed its time.
            sql = "UPDATE outbox SET next_at = ?, tries = tries + 1 WHERE id = ? AND next_at = ?"
            if await self._write(sql, [micros(until), row["id"], row["next_at"]]):
                notice = msgspec.json.decode(row["notice"], type=Notice)
                return Delivery(row["id"], sink, notice, time(row["created_at"]), row["tries"] + 1)
        return None

    async def delivered(self, delivery: str, at: datetime) -> None:
        sql = "UPDATE outbox SET next_at = NULL, delivered_at = ?, error = '' WHERE id = ? AND next_at IS NOT NULL"
        await self._write(sql, [micros(at), delivery])

    async def failed(self, delivery: str, *, next_at: datetime, error: str) -> None:
        sql = "UPDATE outbox SET next_at = ?, error = ? WHERE id = ? AND next_at IS NOT NULL"
        await self._write(sql, [micros(next_at), error, delivery])

    async def gave_up(self, delivery: str, *, at: datetime, error: str) -> None:
        sql = "UPDATE outbox SET next_at = NULL, dead_at = ?, error = ? WHERE id = ? AND next_at IS NOT NULL"
        await self._write(sql, [micros(at), error, delivery])

    async def again(self, delivery: str, at: datetime) -> bool:
        sql = """UPDATE outbox SET next_at = ?, dead_at = NULL, created_at = ? WHERE id = ? AND dead_at IS NOT NULL"""
        return await self._write(sql, [micros(at), micros(at), delivery]) == 1

    async def waiting(self) -> dict[str, int]:
        sql = "SELECT sink, count(*) AS waiting FROM outbox WHERE next_at IS NOT NULL GROUP BY sink"
        return {row["sink"]: row["waiting"] for row in await self._database.read(sql)}

    async def states(self, *, limit: int, undelivered: bool) -> tuple[DeliveryState, ...]:
        where = "WHERE delivered_at IS NULL" if undelivered else ""
        rows = await self._database.read(
            f"""SELECT id, sink, event, notice, created_at, next_at, delivered_at, dead_at, tries, error FROM outbox
                {where} ORDER BY created_at DESC, id LIMIT ?""",  # noqa: S608 -- constants
            [limit],
        )
        return tuple(
            DeliveryState(
                row["id"],
                row["sink"],
                row["event"],
                msgspec.json.decode(row["notice"], type=Notice).title,
                "dead" if row["dead_at"] is not None else "delivered" if row["delivered_at"] is not None else "waiting",
                row["tries"],
                time(row["created_at"]),
                time_or_none(row["next_at"]),
                row["error"],
            )
            for row in rows
        )

    async def forget(self, *, delivered_before: datetime, dead_before: datetime) -> None:
        sql = "DELETE FROM outbox WHERE delivered_at < ? OR dead_at < ?"
        await self._write(sql, [micros(delivered_before), micros(dead_before)])

    async def _write(self, sql: str, values: Iterable[object]) -> int:
        async with self._database.transaction() as transaction:
            return await transaction.write(sql, values)
