"""Send one query string to two servers and tell in which respects they answered differently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path

import psycopg
from psycopg import pq

from tests.masking.differential.stage import SESSION

CASES = Path(__file__).parent / "cases"
NUMERIC = 1700


@dataclass(slots=True)
class Answer:
    """All that came back for one query string."""

    #: Per result: its command tag, then name, type and type modifier of each column.
    shape: list[tuple[object, ...]] = field(default_factory=list)
    rows: list[tuple[bytes | None, ...]] = field(default_factory=list)
    #: SQLSTATE, message, position and hint.
    errors: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def refused(self) -> str | None:
        """Why the gateway refused it; None for what PostgreSQL itself said."""
        for sqlstate, message, _, _, detail in self.errors:
            if detail.startswith("Rule: ") or sqlstate == "XX000":
                return f"{message} ({detail})"
        return None


def statements_in(path: Path) -> list[str]:
    """The statements of a file of cases, one a line."""
    lines = (line.strip() for line in path.read_text().splitlines())
    return [line for line in lines if line and not line.startswith("--")]


def cases(name: str) -> list[str]:
    """The statements of one of our own files."""
    return statements_in(CASES / name)


def ask(
    connection: psycopg.Connection, text: str, *, binary: bool = False, parameters: tuple[bytes, ...] = ()
) -> Answer:
    """The whole answer to a query string; `binary`: by the extended protocol, which takes one statement."""
    answer = Answer()
    if binary:
        _take(
            connection.pgconn, connection.pgconn.exec_params(text.encode(), parameters or None, result_format=1), answer
        )
        return answer
    connection.pgconn.send_query(text.encode())
    while (result := connection.pgconn.get_result()) is not None:
        _take(connection.pgconn, result, answer)
    return answer


def put_back(connection: psycopg.Connection) -> None:
    """End what a case left: transactions, cursors, settings."""
    connection.pgconn.exec_(b"ROLLBACK")
    connection.pgconn.exec_(b"DISCARD ALL")
    connection.pgconn.exec_(SESSION.encode())


def _take(connection: pq.abc.PGconn, result: pq.abc.PGresult, answer: Answer) -> None:
    if result.status in (pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_IN):
        if result.status == pq.ExecStatus.COPY_IN:
            connection.put_copy_data(b"copied\t1\n")
            connection.put_copy_end()
            return
        while (data := connection.get_copy_data(0))[0] >= 0:
            answer.rows.append((bytes(data[1]),))
        return
    columns = range(result.nfields)
    names = ((result.fname(i), result.ftype(i), result.fmod(i)) for i in columns)
    answer.shape.append((result.command_status, *names))
    for row in range(result.ntuples):
        answer.rows.append(tuple(result.get_value(row, i) for i in columns))
    if result.error_message:
        parts = (
            pq.DiagnosticField.SQLSTATE,
            pq.DiagnosticField.MESSAGE_PRIMARY,
            pq.DiagnosticField.STATEMENT_POSITION,
            pq.DiagnosticField.MESSAGE_HINT,
            pq.DiagnosticField.MESSAGE_DETAIL,
        )
        answer.errors.append(tuple((result.error_field(part) or b"").decode() for part in parts))


WITHHELD = "the message of this error is withheld"


def _told(error: tuple[str, ...], as_: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """What is compared of an error; of one whose words are withheld (`as_`: on the other side), its SQLSTATE."""
    return error[:1] if (as_ or error)[1].startswith(WITHHELD) else error[:4]


def differences(through: Answer, direct: Answer, *, ordered: bool = True, equal_numbers: bool = False) -> Iterator[str]:
    """In what the gateway's answer differs from the direct one. DETAIL of errors never passes, so it is not compared.
    `equal_numbers`: 1.0 counts as 1.00, where a query may show either."""
    if [_told(error) for error in through.errors] != [
        _told(error, as_=withheld) for error, withheld in zip_longest(direct.errors, through.errors) if error
    ]:
        yield f"errors: {through.errors} instead of {direct.errors}"
        return
    if through.shape != direct.shape:
        yield f"shape: {through.shape} instead of {direct.shape}"
    mine, theirs = through.rows, direct.rows
    if not ordered:
        mine, theirs = sorted(mine, key=_sortable), sorted(theirs, key=_sortable)
    if len(mine) != len(theirs):
        yield f"{len(mine)} rows instead of {len(theirs)}"
        return
    if mine == theirs:
        return
    if equal_numbers:
        types = [column[1] for column in through.shape[-1][1:]]  # type: ignore[index]
        mine, theirs = [_plain(row, types) for row in mine], [_plain(row, types) for row in theirs]
    for number, (one, other) in enumerate(zip(mine, theirs, strict=True)):
        if one != other:
            yield f"row {number}: {one!r} instead of {other!r}"
            return


def _sortable(row: tuple[bytes | None, ...]) -> tuple[tuple[bool, bytes], ...]:
    return tuple((cell is None, cell or b"") for cell in row)


def _plain(row: tuple[bytes | None, ...], types: list[int]) -> tuple[object, ...]:
    return tuple(
        Decimal(cell.decode()).normalize() if kind == NUMERIC and cell is not None else cell
        for cell, kind in zip(row, types, strict=True)
    )
