"""The readable part of the record is no second copy of the data: after all the attacks of tests/masking/attack, run
through a gateway that seals, no raw value, constant or parameter stands anywhere below the record's directory."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import zstandard

from masking.policy import EVERY, MaskKind
from tests.masking.attack.run import ask, cases, forms
from tests.masking.attack.stage import CANARIES, CLASSIFICATION, FOLDER, FUNCTIONS, staged
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase

ATTACKS = [sql for path in sorted(FOLDER.glob("*.sql")) if path.stem != "schema" for sql in cases(path)]
#: Digits alone also turn up by chance in hashes and times; whole values (below) do not.
WORDS = [canary for canary in CANARIES["a"] if not canary.replace(".", "").isdigit() and "-0" not in canary]
CONSTANT, PARAMETER, ROW, COMMENT = "kilimanjaro-constant", "popocatepetl-parameter", "chimborazo-row", "aconcagua-note"
#: Ways for a constant to come in that no attack has.
STATEMENTS = (
    f"SELECT id FROM customers WHERE city = '{CONSTANT}'",
    f"SELECT id FROM customers WHERE city = $word${CONSTANT}$word$",
    f"SELECT id FROM customers WHERE city = E'{CONSTANT}' OR city = U&'{CONSTANT}'",
    f"SELECT /* {COMMENT} */ id FROM customers -- {COMMENT}",
    f"SELECT '{CONSTANT}'::int",
    f"SELECT '\"{CONSTANT}\"'::regclass",
    f"SELECT id FROM customers WHERE '{CONSTANT}'::regclass = 1",
    f"SELECT E'\\x6b' '{CONSTANT}', ARRAY['{CONSTANT}'], ROW('{CONSTANT}'), date '{CONSTANT}'",
    f"SELEC '{CONSTANT}'",
    f"SELECT '{CONSTANT}",
    f"SELECT id FROM customers WHERE city = '{CONSTANT}' /* {COMMENT}",
    f"PREPARE q (text) AS SELECT id FROM customers WHERE city = $1; EXECUTE q('{CONSTANT}')",
    f"DECLARE c CURSOR FOR SELECT id FROM customers WHERE city = '{CONSTANT}'; FETCH ALL FROM c",
    f"EXPLAIN SELECT id FROM customers WHERE city = '{CONSTANT}'",
    f"COPY (SELECT '{CONSTANT}') TO STDOUT",
    f"UPDATE customers SET city = '{CONSTANT}' WHERE id = 1",
    f"DO '{CONSTANT}'",
    f"COMMENT ON TABLE customers IS '{CONSTANT}'",
    f"CREATE ROLE x PASSWORD '{CONSTANT}'",
    f"SET application_name = '{CONSTANT}'",
    f"NOTIFY here, '{CONSTANT}'",
    f"SELECT set_config('pgcurfew.x', '{CONSTANT}', false)",
)
MASKED = (
    "email", "phone", "card", "notes", "settings->>'word'", "contact", "home::text", "nick", "token::text",
    "internal_code", "salary::text", "memo", "seen::text",
)  # fmt: skip


def policy() -> str:
    """The attacks' policy, as a file says it."""
    lines = [
        "[roles.attacker]", 'targets = ["attack"]', 'requesters = ["support"]', 'approvers = ["leads"]',
        'max_duration = "2h"', 'statements = ["read", "write"]', f"functions = {json.dumps(sorted(FUNCTIONS))}",
        'record_results = { rows = 20, bytes = "16kB" }', "[roles.attacker.relations]",
        *(f'"{relation}" = "write"' for relation in CLASSIFICATION),
    ]  # fmt: skip
    for relation, columns in CLASSIFICATION.items():
        lines.append(f'[classification."{relation}"]')
        for column, mask in columns.items():
            if mask.kind is MaskKind.JSONPATH:
                continue  # not classified: nothing is seen
            name = '"*"' if column == EVERY else column
            said = {"mask": mask.kind.value, **dict(mask.options)}
            lines.append(f"{name} = {{ {', '.join(f'{key} = {json.dumps(value)}' for key, value in said.items())} }}")
    return "\n" + "\n".join(lines) + "\n"


@pytest.fixture
def attacked(sample_database: SampleDatabase, tmp_path: Path) -> Iterator[tuple[RunningGateway, list[str]]]:
    """A gateway in front of the attacks' database, and what is in that database's masked columns."""
    with staged(sample_database.postgres) as dsn:
        parts = psycopg.conninfo.conninfo_to_dict(dsn["a"])
        target = f"""
[targets.attack]
host = "localhost"
port = {parts["port"]}
database = "{parts["dbname"]}"
user = "{parts["user"]}"
password = "file:attack.password"
sslrootcert = "tls/database-ca.pem"
search_path = ["crm", "public"]
"""
        (tmp_path / "attack.password").write_text(str(parts["password"]))
        (tmp_path / "attack.password").chmod(0o600)
        columns = ", ".join(MASKED)
        raw = sample_database.postgres.run(f"SELECT concat_ws(E'\\n', {columns}) FROM crm.customers", "attack_a")
        lines = {line for line in raw.splitlines() if len(line) >= 8}
        # Where one of the words is found, so is whatever it is a part of.
        values = sorted(line for line in lines if not any(word in line for word in WORDS))
        assert len(values) > 30
        segments = {"record": "segment_megabytes = 1"}
        with running_gateway(sample_database, tmp_path, policy=policy(), targets=target, settings=segments) as gateway:
            yield gateway, values


def attack(gateway: RunningGateway, given: Given) -> None:
    """Everything, one session after another where one ends."""
    connection: psycopg.Connection | None = None
    for text in itertools.chain(ATTACKS, STATEMENTS):
        if connection is None or connection.closed:
            connection = psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True)
        try:
            ask(connection, text, binary=False)
        except psycopg.Error:
            connection.close()
    assert connection is not None
    connection.close()
    with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True) as session:
        for binary in (False, True):
            for text in ("SELECT id FROM customers WHERE city = %s::text", "SELECT %s::text::int", "SELECT %s::bytea"):
                try:
                    session.execute(text, (PARAMETER.encode() if "bytea" in text else PARAMETER,), binary=binary)
                except psycopg.Error:
                    continue
        with pytest.raises(psycopg.Error):
            write_rows(session, (1, ROW), ("not a number", ROW))


def write_rows(session: psycopg.Connection, *rows: tuple[object, ...]) -> None:
    with session.cursor().copy("COPY customers (id, city) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def readable(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file, as anybody reads it who may read the directory."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".zst":
                content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
            yield path.relative_to(folder).as_posix(), content


def disguises(word: str) -> set[bytes]:
    """`forms`, and how a text lies in JSON that was written into JSON, or in base64 for addresses."""
    found = {*forms(word), word.encode("utf-16-le"), json.dumps(json.dumps(word))[3:-3].encode()}
    found |= {base64.b32encode(word.encode())[: len(word) * 8 // 5 - 1]}
    return found


def test_nothing_of_the_data_is_readable_in_the_record(attacked: tuple[RunningGateway, list[str]]) -> None:
    gateway, values = attacked
    given = gateway.give("attacker", target="attack", seconds=3600)
    attack(gateway, given)
    assert gateway.stop() == 0
    indexed = gateway.pgcurfew(None, "audit", "index", "--config", str(gateway.stage.settings))
    assert indexed.code == 0, indexed.shown
    files = dict(readable(gateway.stage.record))
    assert {"ledger.jsonl", "index.sqlite"} <= set(files)
    assert any(name.startswith("control/") for name in files)
    assert sum(content.count(b'"StatementJudged"') for content in files.values()) > len(ATTACKS)
    secrets = {form: word for word in (*WORDS, *values, CONSTANT, PARAMETER, ROW, COMMENT) for form in disguises(word)}
    said = [
        f"{secrets[form]!r} in {name}: …{content[max(0, content.find(form) - 300) : content.find(form) + 60]!r}"
        for name, content in files.items()
        for form in secrets
        if form in content
    ]
    assert not said, "\n".join(said[:20])
