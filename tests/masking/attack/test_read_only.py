"""A role that only reads may say READ WRITE, as drivers do, and goes on only reading, whatever passes the judge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import psycopg
import pytest
from psycopg import errors

from masking.review import review
from tests.masking.attack.stage import READER, Stage, read_catalog, staged
from tests.support.postgres import Postgres


@pytest.fixture(scope="module")
async def stage(postgres: Postgres) -> AsyncIterator[Stage]:
    with staged(postgres) as dsn:
        yield Stage(await read_catalog(postgres), dsn)


#: What is sent; after it, a transaction is asked for if there is none.
FORMS = [
    "BEGIN READ WRITE",
    "START TRANSACTION READ WRITE",
    "BEGIN ISOLATION LEVEL SERIALIZABLE, READ WRITE, NOT DEFERRABLE",
    "BEGIN READ ONLY, READ WRITE",
    "BEGIN; SET TRANSACTION READ WRITE",
    "BEGIN; SET LOCAL transaction_read_only = off",
    "BEGIN; SET transaction_read_only = 0",
    "BEGIN; SET transaction_read_only TO 'False'",
    "BEGIN; SELECT set_config('transaction_read_only', 'off', true)",
    "BEGIN; SELECT set_config('TRANSACTION_READ_ONLY', 'n', false)",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY, READ WRITE",
    "SET default_transaction_read_only = off",
    "SET SESSION default_transaction_read_only TO no",
    "SELECT set_config('default_transaction_read_only', 'of', false)",
    "SELECT set_config(name, 'off', false) FROM pg_settings WHERE name LIKE '%transaction_read_only'",
    "RESET default_transaction_read_only",
    "SET default_transaction_read_only TO DEFAULT",
    "BEGIN; SET LOCAL default_transaction_read_only = off; COMMIT AND CHAIN",
    "BEGIN READ WRITE; COMMIT AND CHAIN",
    "BEGIN READ WRITE; SAVEPOINT a; SET TRANSACTION READ WRITE; ROLLBACK TO a",
    "RESET ALL",
    "DISCARD ALL",
]


@pytest.mark.parametrize("sql", FORMS)
def test_no_form_of_read_write_gives_a_write(stage: Stage, sql: str) -> None:
    with psycopg.connect(
        stage.dsn["a"], autocommit=True, options="-c search_path=crm,public -c default_transaction_read_only=on"
    ) as connection:
        for statement in sql.split("; "):
            judged = review(statement, READER, stage.catalog)
            assert judged.refusal is None
            # A name out of a row is compared with the list when it runs.
            with suppress(errors.UndefinedObject):
                connection.execute(judged.text.encode())
        assert connection.execute("SHOW transaction_read_only").fetchone() == ("on",)
        with pytest.raises(errors.ReadOnlySqlTransaction):
            connection.execute("DELETE FROM crm.orders")
