"""What a role allows and nobody used, out of real sessions; the proposal; the sign-off."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import psycopg
import pytest

from tests.support.gateway import running_gateway
from tests.support.postgres import SampleDatabase


@pytest.mark.skipif(shutil.which("patch") is None, reason="no patch")
def test_what_was_not_used_is_named_and_goes_by_the_diff_and_the_sign_off_stands(
    sample_database: SampleDatabase, tmp_path: Path
) -> None:
    with running_gateway(sample_database, tmp_path) as gateway:
        given = gateway.give()
        ran = ("SELECT email FROM customers WHERE id = 42", "SELECT count(*) FROM support_tickets")
        with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True) as connection:
            for sql in ran:
                connection.execute(sql)
        where = ("--config", str(gateway.stage.settings))
        signed = gateway.pgcurfew("rita", "policy", "sign-off", "--role", "support", "--note", "as it should be")
        assert signed.code == 0, signed.text
        refused = gateway.pgcurfew("alice", "policy", "sign-off", "--role", "support", "--note", "all is well")
        assert refused.code == 1, refused.text

        done = gateway.pgcurfew(None, "policy", "review", *where, "--json")
        assert done.code == 0, done.text
        answer = json.loads(done.out)
        support = next(role for role in answer["roles"] if role["role"] == "support")
        unused = {found["relation"] for found in support["relations"] if not found["last"]}
        assert unused == {"public.customer_overview", "sales.orders", "sales.payments", "public.staff"}
        customers = support["relations"][0]
        assert set(customers["read"]) == {"id", "email"}
        assert "phone" in customers["unread"]
        assert support["unused_statements"] == ["copy_to", "explain"]
        (person,) = support["people"]
        assert (person["person"], person["grants"], person["statements"]) == ("alice", 1, 2)
        assert support["signed_off"]["by"] == "rita"
        assert answer["version"] in support["signed_off"]["words"]
        assert [role["role"] for role in answer["roles"] if not role["used"]] == ["operations", "bench"]

        before = gateway.stage.policy.read_text()
        patched = subprocess.run(
            ["patch", "-p1"], cwd=gateway.stage.policy.parent, input=answer["diff"], text=True, capture_output=True,
            check=False,
        )  # fmt: skip
        assert patched.returncode == 0, patched.stdout + patched.stderr
        text = gateway.stage.policy.read_text()
        role = tomllib.loads(text)["roles"]
        assert set(role) == {"support"}
        assert role["support"]["statements"] == ["select"]
        assert role["support"]["relations"] == {
            "public.customers": {"read": ["email", "id"]}, "public.support_tickets": "read",
        }  # fmt: skip
        assert text.split("\n")[0] == before.split("\n")[0]
        assert "# groups whose people may ask" in text
        checked = gateway.pgcurfew(None, "policy", "check", *where)
        assert checked.code == 0, checked.text
        for sql in ran:
            explained = gateway.pgcurfew(None, "policy", "explain", "support", sql, *where)
            assert explained.code == 0, explained.text
