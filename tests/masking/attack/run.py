"""Judge a case, run what was allowed on both twins, and look for canaries and for differences."""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import pq

from gateway.session.refusals import quotes_nothing, withheld, without_values
from masking.policy import Messages, RolePolicy, strictest
from masking.review import review
from masking.verdict import Refused
from tests.masking.attack.stage import CANARIES, Stage

#: The fields of an error or a notice (PG manual, 55.8).
FIELDS = {
    "C": pq.DiagnosticField.SQLSTATE,
    "M": pq.DiagnosticField.MESSAGE_PRIMARY,
    "D": pq.DiagnosticField.MESSAGE_DETAIL,
    "H": pq.DiagnosticField.MESSAGE_HINT,
    "W": pq.DiagnosticField.CONTEXT,
    "P": pq.DiagnosticField.STATEMENT_POSITION,
    "R": pq.DiagnosticField.SOURCE_FUNCTION,
    "c": pq.DiagnosticField.COLUMN_NAME,
}


@dataclass(slots=True)
class Answer:
    """All that came back for one query string, as bytes; errors as the gateway passes them on."""

    rows: list[bytes] = field(default_factory=list)
    shape: list[tuple[object, ...]] = field(default_factory=list)
    failures: list[bytes] = field(default_factory=list)
    notices: list[bytes] = field(default_factory=list)
    messages: Messages = Messages.SHOWN

    @property
    def octets(self) -> bytes:
        return b"\n".join([*self.rows, *self.failures, *self.notices])


def forms(canary: str) -> Iterator[bytes]:
    """The ways in which a value might be disguised."""
    for text in {canary, canary.upper(), canary.title(), canary[::-1], canary[::-1].upper()}:
        raw = text.encode()
        yield raw
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        yield json.dumps(text)[1:-1].encode()
        yield "".join(f"\\{byte:03o}" for byte in raw).encode()
        for shift in range(3):
            # base64 of a value that starts at any of the three alignments; its inner characters are fixed.
            inner = base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 :]
            whole = inner[: len(inner) - 4]
            if len(whole) >= 8:
                yield whole


#: Values whose binary form shows no text: salary and date of birth of the twins (PG manual 55.7, wire formats).
BINARY = {
    "a": (struct.pack(">hh", 91, 8273), bytes.fromhex("4a71")),
    "b": (struct.pack(">hh", 90, 7182), bytes.fromhex("5bcf")),
}


def canaries_in(octets: bytes, twin: str) -> list[bytes]:
    found = [form for canary in CANARIES[twin] for form in set(forms(canary)) if form in octets]
    return found + [octet for octet in BINARY[twin][:1] if octet in octets]


def cases(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text().splitlines())
    return [line for line in lines if line and not line.startswith("--")]


def ask(connection: psycopg.Connection, text: str, *, binary: bool, messages: Messages = Messages.SHOWN) -> Answer:
    """Run in a transaction that is rolled back. Binary means the extended protocol, one statement."""
    answer = Answer(messages=messages)
    connection.pgconn.exec_(b"ROLLBACK; BEGIN")
    connection.pgconn.notice_handler = lambda notice: answer.notices.extend(filter(None, [_said(notice, messages)]))
    if binary:
        _take(connection.pgconn, connection.pgconn.exec_params(text.encode(), None, result_format=1), answer)
    else:
        connection.pgconn.send_query(text.encode())
        while (result := connection.pgconn.get_result()) is not None:
            _take(connection.pgconn, result, answer)
    connection.pgconn.notice_handler = None
    connection.pgconn.exec_(b"ROLLBACK")
    connection.pgconn.exec_(b"UNLISTEN *; CLOSE ALL; DEALLOCATE ALL")
    return answer


def _take(connection: pq.abc.PGconn, result: pq.abc.PGresult, answer: Answer) -> None:
    if result.status == pq.ExecStatus.COPY_OUT:
        while True:
            size, data = connection.get_copy_data(0)
            if size < 0:
                break
            answer.rows.append(bytes(data))
        return
    if result.status == pq.ExecStatus.COPY_IN:
        connection.put_copy_end(b"nothing to say")
        return
    fields = range(result.nfields)
    answer.shape.append((result.command_status, *((result.fname(i), result.ftype(i), result.fmod(i)) for i in fields)))
    for row in range(result.ntuples):
        answer.rows.append(b"\t".join(result.get_value(row, i) or b"\\N" for i in fields))
    if result.error_message:
        answer.failures.append(_said(result, answer.messages) or withheld(_fields(result))["C"].encode())


def _fields(result: pq.abc.PGresult) -> dict[str, str]:
    found = {letter: result.error_field(part) for letter, part in FIELDS.items()}
    return {letter: value.decode() for letter, value in found.items() if value is not None}


def _said(result: pq.abc.PGresult, messages: Messages) -> bytes:
    """An error or a notice as the gateway passes it on; empty when its words are withheld."""
    fields = _fields(result)
    if not quotes_nothing(fields, messages):
        return b""
    shown = without_values(fields, lambda _: None)
    return " ".join([*(shown.get(letter, "") for letter in "CMH"), *(shown[c] for c in "Dc" if c in shown)]).encode()


#: Answers that differ between any two runs.
RESTLESS = (
    "random",
    "clock_timestamp",
    "now()",
    "backend_pid",
    "txid_current",
    "current_xact_id",
    "gen_random_uuid",
    "pg_stat_",
    "explain analy",
    "xmin",
    "sleep",
)


def without_oids(answer: Answer) -> Answer:
    """OIDs of user objects and the twins' own names differ by accident."""
    plain = [
        re.sub(rb"\battack_[ab]\b", b"attack", re.sub(rb"\b(1[6-9]|[2-9]\d)\d{3}\b", b"OID", row))
        for row in answer.rows
    ]
    return Answer(sorted(plain), answer.shape, answer.failures, answer.notices, answer.messages)


def leaks(stage: Stage, connections: dict[str, psycopg.Connection], policy: RolePolicy, sql: str) -> Sequence[str]:
    """What a role learns from this query string that its masks hide; () also when it is refused."""
    judged = review(sql, policy, stage.catalog)
    if judged.refusal is not None:
        return ()
    text = judged.text
    messages = strictest(v.statement.messages for v in judged.verdicts if not isinstance(v, Refused))
    single = len(judged.verdicts) == 1 and "copy " not in sql.lower() and "$1" not in sql
    found: list[str] = []
    asked = text.encode()  # EXPLAIN and errors repeat what was asked
    for binary in (False, True) if single else (False,):
        answers = {
            twin: ask(connection, text, binary=binary, messages=messages) for twin, connection in connections.items()
        }
        for twin, answer in answers.items():
            found += [
                f"canary {canary!r} (binary={binary}) from {text}"
                for canary in canaries_in(answer.octets, twin)
                if canary not in asked
            ]
        of_catalogs = "pg_" in sql or "information_schema" in sql
        calm = not any(word in sql.lower() for word in RESTLESS) and not (binary and of_catalogs)
        if of_catalogs:
            answers = {twin: without_oids(answer) for twin, answer in answers.items()}
        if calm and answers["a"] != answers["b"]:
            a, b = answers["a"], answers["b"]
            differing = [
                pair
                for pair in zip(a.rows + a.failures + a.notices, b.rows + b.failures + b.notices, strict=False)
                if pair[0] != pair[1]
            ]
            found.append(
                f"the twins differ (binary={binary}): {differing[:1]} {len(a.rows)}/{len(b.rows)} rows from {text}"
            )
    return found
