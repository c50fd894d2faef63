"""What both directions of a session share: names, answers awaited, transaction status, counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.audit.facts import CopyEnded, Fact, Sealed, StatementEnded
from gateway.session.judge import Judge
from gateway.session.replies import Replies, Running
from gateway.session.statements import Names, Portal, Prepared
from masking.policy import StatementKind


class UpstreamViolation(Exception):
    """The upstream said what nobody asked for. The session ends: its answers can no longer be
    told apart."""


class SecondLock(Exception):
    """A protected or unknown column came back under its own name: the second lock."""

    def __init__(self, table_oid: int, attribute: int) -> None:
        super().__init__(f"column {attribute} of relation {table_oid}")
        self.table_oid = table_oid
        self.attribute = attribute


@dataclass(slots=True)
class Conversation:
    judge: Judge
    #: Who judged before the policy changed, and the last batch that may hold what was judged so.
    former: Judge | None = None
    former_until: int = 0
    #: May notifications of other sessions reach the client?
    may_listen: bool = False
    statements: Names[Prepared] = field(default_factory=Names)
    portals: Names[Portal] = field(default_factory=Names)
    replies: Replies = field(default_factory=Replies)
    #: Number of the batch being sent; a Sync or a Query ends one.
    batch: int = 1
    #: As in ReadyForQuery: I idle, T in a transaction, E in a failed one.
    transaction: str = "I"
    #: The upstream has said CopyInResponse and the client's data is awaited.
    copying_in: bool = False
    copied_bytes: int = 0
    #: Events so far, and refused ones among them.
    numbered: int = 0
    refused: int = 0
    #: Events that only prepared a statement: it ran, if at all, under a number of its own.
    prepared: int = 0
    #: Facts to write before anything of this chunk goes on.
    facts: list[Fact] = field(default_factory=list)

    def judge_anew(self, judge: Judge) -> None:
        """From the next statement on another judge judges; what was sent before is answered as it was judged."""
        self.former = self.judge
        self.former_until = self.batch
        self.judge = judge
        self.may_listen = StatementKind.LISTEN in judge.policy.statements

    def next_number(self) -> int:
        self.numbered += 1
        return self.numbered

    def take_facts(self) -> tuple[Fact, ...]:
        facts = tuple(self.facts)
        self.facts.clear()
        return facts

    def statement_ended(
        self,
        running: Running,
        outcome: str,
        now: float,
        *,
        tag: str = "",
        rows: int | None = None,
        sqlstate: str = "",
        message: str | None = None,
    ) -> None:
        """Note how a statement ended (outcomes as in facts.StatementEnded)."""
        self.facts.append(
            StatementEnded(
                number=running.number,
                outcome=outcome,
                rows=running.rows if rows is None else rows,
                bytes=running.bytes,
                microseconds=round((now - running.started) * 1e6),
                tag=tag,
                sqlstate=sqlstate,
                transaction=self.transaction,
                sealed=Sealed(message=message) if message else None,
            )
        )

    def copy_ended(self, running: Running, copied: int, *, failed: bool) -> None:
        """Note that the client has sent all the data of a COPY, or has broken it off."""
        running.bytes = copied
        self.facts.append(CopyEnded(running.number, copied, failed=failed))
