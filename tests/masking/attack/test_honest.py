"""What honest people and their tools send is not refused, and unmasked columns come as from the server itself."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from masking.review import review
from tests.masking.attack.run import RESTLESS, Answer, ask, cases
from tests.masking.attack.stage import FOLDER, WRITER, Stage, read_catalog, staged
from tests.support.postgres import Postgres

HONEST = [pytest.param(sql, id=f"honest-{number}") for number, sql in enumerate(cases(FOLDER / "honest.sql"), 1)]

#: psql's commands; what they send is taken from psql -E.
COMMANDS = r"""
\d;\dt;\dt+;\dv;\dm;\ds;\di;\di+;
\d customers;\d+ customers;\d orders;\d+ orders;\d payments;\d+ payments;\d payments_2024;\d+ payments_2024;
\d vip_customers;\d+ customer_mail;\d guarded;\d mail_copy;\d ticket_numbers;\d events;\dn;\dn+;
\df;\df+;\df crm.*;\da;\du;\dg;\l;\l+;
\dT;\dT+;\db;\dp;\z;\dx;\do;\dC;
\dD;\dE;\des;\dew;\dy;\dF;\dFd;\dFp;
\dFt;\dd;\ddp;\dL;\dO;\dP;\dRp;\dRs;
\dAc;\dAf;\dAo;\dAp;\dX;\dc;\det;
\d *.customers;\dt crm.*;\d+ crm.*;\sv customer_mail;\sf email_of
"""

#: Rows or columns whose text is masked; there the catalog's own answer differs.
DEFINITIONS = ("pg_", "information_schema", "current_user")


@pytest.fixture(scope="module")
async def stage(postgres: Postgres) -> AsyncIterator[Stage]:
    with staged(postgres) as dsn:
        yield Stage(await read_catalog(postgres), dsn)


@pytest.fixture(scope="module")
def connection(stage: Stage) -> Iterator[psycopg.Connection]:
    with stage.connect("a") as opened:
        yield opened


@pytest.mark.parametrize("sql", HONEST)
def test_an_honest_query_runs_as_it_would_directly(stage: Stage, connection: psycopg.Connection, sql: str) -> None:
    if sql.startswith("MERGE") and stage.catalog.server_version < 150_000:
        pytest.skip("MERGE came with PostgreSQL 15")
    judged = review(sql, WRITER, stage.catalog)
    assert judged.refusal is None
    single = len(judged.verdicts) == 1 and not sql.startswith("COPY") and "pg_" not in sql
    for binary in (False, True) if single else (False,):
        masked = ask(connection, judged.text, binary=binary)
        if sql != "DISCARD ALL":  # not in a transaction
            assert not masked.failures
        if any(word in sql.lower() for word in (*RESTLESS, *DEFINITIONS)) or sql.startswith("EXPLAIN"):
            continue
        assert masked == ask(connection, sql, binary=binary)


def queries_of(postgres: Postgres, command: str) -> list[str]:
    """What psql sends for one of its commands."""
    binaries = postgres.cluster.binaries
    done = subprocess.run(
        [str(binaries.program("psql")), "-X", "-E", "-At", "-d", postgres.dsn("attack_a"), "-c", command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PGOPTIONS": "-c search_path=crm,public"},
    )
    lines = done.stdout.splitlines()
    starts = [i for i, line in enumerate(lines) if line in ("********* QUERY **********", "/******** QUERY *********/")]
    found = []
    for start in starts:
        end = next(i for i in range(start + 1, len(lines)) if lines[i].startswith(("****", "/****")))
        found.append("\n".join(lines[start + 1 : end]))
    return found


#: What the role was not given: rows about it are missing.
NOT_GIVEN = re.compile(rb"qwhidden|secret|vault|ticket_numbers")


HIDDEN_OIDS = """
    SELECT oid FROM pg_class WHERE relname ~ 'secret|ticket|qwhidden'
    UNION ALL SELECT oid FROM pg_proc WHERE oid > 16384 AND proname ~ 'qwhidden'
"""


def given(answer: Answer, hidden: list[str]) -> list[bytes]:
    """The rows about what the role was given."""
    numbers = re.compile(rb"\b(" + b"|".join(oid.encode() for oid in hidden) + rb")\b")
    return [row for row in answer.rows if not NOT_GIVEN.search(row) and not numbers.search(row)]


def test_the_commands_of_psql_work(postgres: Postgres, stage: Stage, connection: psycopg.Connection) -> None:
    refused, failed, asked = [], [], 0
    classes = ask(connection, HIDDEN_OIDS, binary=False).rows
    hidden = [oid.decode() for oid in classes]
    for command in COMMANDS.replace("\n", "").split(";"):
        for sql in queries_of(postgres, command):
            asked += 1
            judged = review(sql, WRITER, stage.catalog)
            if judged.refusal is not None and NOT_GIVEN.search(sql.encode()):
                assert "does not exist" in judged.refusal.message
                continue
            if judged.refusal is not None:
                refused.append((command, judged.refusal.message, sql))
                continue
            answer, direct = ask(connection, judged.text, binary=False), ask(connection, sql, binary=False)
            # The upstream login may not read all that psql asks (pg_subscription); that is its own answer.
            if any(oid in sql for oid in hidden):
                assert not any(NOT_GIVEN.search(row) for row in answer.rows)
            elif answer.failures != direct.failures or len(answer.rows) != len(given(direct, hidden)):
                failed.append((command, answer.failures, len(answer.rows), len(direct.rows), judged.text))
    assert asked > 100
    assert not refused
    assert not failed, [(f[0], f[2], f[3]) for f in failed]
