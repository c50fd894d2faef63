"""The session's own temporary tables: which there are is asked of PostgreSQL itself, over the session's own
connection, whenever a statement may have changed that, before the client hears that its batch is over.

Only tables count that a judged CREATE made (masking.temporary.MARK): one that a function made may hold what masks
hide. Whoever asks for one in the same batch as it is created does not find it yet.
"""

from __future__ import annotations

import msgspec

from gateway.session.judge import Judge, Judged, JudgedStatement
from masking.catalog import PG_TEMP, Catalog, Column, Relation
from masking.policy import StatementKind
from masking.temporary import MARK
from masking.verdict import Refusal
from protocol.backend import DataRow, decode_backend

#: One row of JSON: the schema's own name, its tables with their keys and columns.
QUESTION = f"""
SELECT pg_catalog.json_build_object(
    'schema', (SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE n.oid = pg_catalog.pg_my_temp_schema()),
    'tables', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
        c.oid::pg_catalog.int8, c.relname,
        (SELECT pg_catalog.json_agg(a.attname)
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a
         ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
         WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate),
        (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
             a.attname, a.attnum, a.atttypid::pg_catalog.int8, t.typtype, t.typcategory, a.attgenerated <> '')
             ORDER BY a.attnum)
         FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)))
        FROM pg_catalog.pg_class c WHERE c.relnamespace = pg_catalog.pg_my_temp_schema() AND c.relkind = 'r'
          AND c.reloptions @> ARRAY['{MARK[0]}={MARK[1]}']))
"""  # noqa: S608 -- put together from constants
#: Much less than the memory of all judges of a role: each session with temporary tables has one of its own.
MEMORY = 1024 * 1024


#: Name, number, type, typtype, typcategory, generated.
_Column = tuple[str, int, int, str, str, bool]
#: OID, name, key, columns.
_Table = tuple[int, str, list[str] | None, list[_Column] | None]


class _Answer(msgspec.Struct):
    schema: str | None
    tables: list[_Table] | None


NOT_YET = Refusal(
    "42P01",
    "temp-table-new",
    "temporary tables are not known yet, for this batch makes or drops one",
    hint="Send a Sync (end the pipeline) after a statement that makes or drops a temporary table.",
)
#: How a temporary table is printed in what goes upstream.
_PRINTED = f"{PG_TEMP}.".encode()


def uses_temps(judged: Judged) -> bool:
    """Does it read or write a temporary table, as far as its text shows?"""
    return _PRINTED in judged.sent and any(s.kind is not StatementKind.TEMP_TABLES for s in judged.statements)


class Temps(msgspec.Struct):
    """What one session has, and what is under way."""

    tables: tuple[Relation, ...] = ()
    oids: frozenset[int] = frozenset()
    schema: str = PG_TEMP
    #: The batch after which it is to be asked; 0 for none. `closed`: its end is sent, so what comes next waits.
    batch: int = 0
    closed: bool = False
    #: Something was changed in the transaction that is open, so its end changes something too.
    moved: bool = False
    #: It could not be asked, so the next batch asks.
    lost: bool = False
    answer: list[bytes] = msgspec.field(default_factory=list)

    def note(self, statement: JudgedStatement, batch: int) -> None:
        """This statement is sent."""
        kind = statement.kind
        changes = kind in (StatementKind.TEMP_TABLES, StatementKind.DISCARD)
        if changes or self.lost or (self.moved and kind is StatementKind.TRANSACTION):
            self.batch = batch
        self.moved = self.moved or changes

    def told(self, rows: bytes) -> None:
        """DataRow messages of the answer."""
        self.answer.append(rows)

    def read(self, catalog: Catalog) -> None:
        """The answer is here. Raises ProtocolViolation, msgspec.MsgspecError when it is none."""
        data = b"".join(self.answer)
        self.answer.clear()
        row = decode_backend(data[0], data[5:]) if data else None
        text = row.values[0] if isinstance(row, DataRow) else None
        answer = msgspec.json.decode(text or b"", type=_Answer)
        self.tables = tuple(_relation(table) for table in answer.tables or () if not _is_strange(table, catalog))
        self.oids = frozenset(table.oid for table in self.tables)
        self.schema = answer.schema or PG_TEMP
        self.lost = False

    def forget(self) -> None:
        """Nobody knows what there is now."""
        self.answer.clear()
        self.tables, self.oids, self.lost = (), frozenset(), True


def _relation(table: _Table) -> Relation:
    oid, name, key, columns = table
    return Relation(
        oid,
        PG_TEMP,
        name,
        "r",
        tuple(
            Column(name, number, type_oid, "text", type_kind=kind, type_category=category, generated=generated)
            for name, number, type_oid, kind, category, generated in columns or ()
        ),
        primary_key=tuple(key or ()),
    )


def _is_strange(table: _Table, catalog: Catalog) -> bool:
    """Has it a column whose values run functions of users when they are cast, compared or stored?"""
    for _, _, type_oid, *_ in table[3] or ():
        name = catalog.type_oids.get(type_oid)
        if name is not None and (name in catalog.types_with_cast_functions or name in catalog.checks_of_type):
            return True
    return False


class SessionJudge(Judge):
    """Judges for one session that has temporary tables, by what the judge of its role knows besides."""

    def __init__(self, base: Judge, temps: Temps) -> None:
        self.base = base
        self._temps = temps
        super().__init__(base.policy, _with(base.catalog, temps), memory=MEMORY, took=base.took)
        self.suspended = base.suspended
        base.followers.add(self)

    def adopt(self, catalog: Catalog) -> None:
        super().adopt(_with(catalog, self._temps))


def _with(catalog: Catalog, temps: Temps) -> Catalog:
    return catalog.with_temporary(temps.tables, temps.oids, temps.schema)


def base_of(judge: Judge) -> Judge:
    """The judge that serves all sessions of the role."""
    return judge.base if isinstance(judge, SessionJudge) else judge
