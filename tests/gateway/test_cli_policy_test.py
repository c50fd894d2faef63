"""policy test, snapshot and explain: live and from a saved catalog, as processes of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.desk.catalog_file import CatalogFileError, SavedCatalog, decode, encode
from gateway.session.catalog import load_catalog
from tests.support.host import Host
from tests.support.postgres import SampleDatabase

RIGHT = """\
[[test]]
name = "support sees no e-mail address"
role = "support"
sql = "SELECT id, email FROM customers"
expect = "allow"
masked = { "public.customers.email" = "partial" }
columns = ["id", "email"]

[[test]]
role = "support"
sql = "SELECT s.*, upper(full_name), 1 + 1 FROM staff s"
expect = "allow"
columns = ["id", "full_name", "email", "phone", "job_title", "department", "manager_id", "salary", "iban", "hired_on",
           "upper", "?column?"]

[[test]]
role = "support"
sql = "DELETE FROM customers"
expect = "refuse"
rule = "statement-kind"
sqlstate = "42501"

[[test]]
role = "support"
sql = "SELECT count(*) FROM customers WHERE id < 100"
expect = "allow"
masked = []
"""


def test_what_the_policy_says_is_as_expected(host: Host) -> None:
    host.write("policy.tests.toml", RIGHT)
    ran = host.runs("test")
    assert (ran.code, ran.out) == (0, "4 as expected, 0 not\n"), ran.said


def test_a_difference_is_told_with_line_statement_and_both_sides(host: Host) -> None:
    wrong = RIGHT.replace('"partial"', '"null"').replace('["id", "email"]', '["id", "mail"]')
    wrong = wrong.replace('rule = "statement-kind"', 'rule = "where-required"')
    wrong += '\n[[test]]\nrole = "support"\nsql = "SELECT *\\nFROM stafff"\nexpect = "allow"\n'
    host.write("policy.tests.toml", wrong)
    ran = host.runs("test")
    assert ran.code == 1
    assert (
        ran.out
        == """\
policy.tests.toml:1: support sees no e-mail address (support on shop)
    SELECT id, email FROM customers
  masked
  - public.customers.email as null
  + public.customers.email as partial
  columns
    id
  - mail
  + email

policy.tests.toml:16: support (support on shop)
    DELETE FROM customers
  rule
  - where-required
  + statement-kind

policy.tests.toml:29: support (support on shop)
    SELECT *
    FROM stafff
    LINE 2: FROM stafff
                 ^
  verdict
  - allow
  + refuse: relation "stafff" does not exist (relation-unknown, 42P01)

2 as expected, 3 not
"""
    )
    answer = host.runs("test", "--json")
    assert answer.code == 1
    assert [outcome["passed"] for outcome in answer.json()["outcomes"]] == [False, True, False, True, False]


def test_a_policy_is_tested_where_no_database_and_no_settings_are(host: Host, tmp_path: Path) -> None:
    saved = host.runs("snapshot", "--out", "shop.catalog.json")
    assert saved.code == 0, saved.said
    elsewhere = Host(tmp_path / "ci")
    elsewhere.home.mkdir()
    for name in ("policy.toml", "shop.catalog.json"):
        elsewhere.write(name, (host.home / name).read_text())
    elsewhere.write("policy.tests.toml", RIGHT)
    offline = ("--policy", "policy.toml", "--catalog", "shop.catalog.json")
    ran = elsewhere.starts("test", *offline)
    assert (ran.code, ran.out) == (0, "4 as expected, 0 not\n"), ran.said
    ran = elsewhere.runs("explain", "support", "SELECT email FROM customers", *offline)
    assert ran.code == 0, ran.said
    assert "as partial: policy.toml:14:" in ran.out
    ran = elsewhere.runs("matrix", *offline)
    assert "public.customers.email" in ran.out


def test_a_file_of_tests_that_is_wrong_is_told_with_its_lines(host: Host) -> None:
    host.write(
        "policy.tests.toml",
        '[[test]]\nrole = "support"\nsql = "SELECT 1"\nexpect = "alow"\n\n'
        '[[test]]\nrole = "support"\nsql = "SELECT 1"\nexpect = "allow"\nrule = "x"\nmaskd = []\n',
    )
    ran = host.runs("test")
    assert ran.code == 2
    assert "policy.tests.toml:4: test[0].expect: " in ran.err
    assert 'policy.tests.toml:10: test[1].rule: belongs to expect = "refuse"' in ran.err
    assert "policy.tests.toml:11: test[1].maskd: unknown key; did you mean masked?" in ran.err
    host.write("policy.tests.toml", '[[test]]\nrole = "suport"\nsql = "SELECT 1"\nexpect = "allow"\n')
    ran = host.runs("test")
    assert ran.code == 2
    assert 'the policy has no role "suport"; did you mean support?' in ran.err
    (host.home / "policy.tests.toml").unlink()
    ran = host.runs("test")
    assert ran.code == 2
    assert "policy.tests.toml is not there" in ran.err


def test_a_target_that_cannot_be_asked_is_no_failed_test(host: Host) -> None:
    host.write("policy.tests.toml", RIGHT)
    host.write("password", "s3cr3t but wrong")
    ran = host.runs("test", "--json")
    assert ran.code == 4
    assert ran.out == ""
    assert json.loads(ran.err.splitlines()[-1])["cause"] == "unreachable"
    assert "s3cr3t" not in ran.said


def test_explain_reads_a_long_statement_from_stdin(host: Host) -> None:
    ran = host.runs("explain", "support", "-", "--json", said="SELECT email\nFROM customers")
    assert ran.code == 0
    assert ran.json()["statements"][0]["relations"][0]["masked"][0]["mask"] == "partial"


async def test_a_saved_catalog_is_the_catalog(sample_database: SampleDatabase) -> None:
    connection = await sample_database.connect()
    try:
        catalog = await load_catalog(connection, ("public", "sales"))
    finally:
        await connection.close()
    content = encode(SavedCatalog("shop", catalog))
    assert decode(content) == SavedCatalog("shop", catalog)
    assert encode(decode(content)) == content


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"\xff", b'{"format": "x"}', b"[" * 100_000, b'{"format": null, "relations": []}'],
)
def test_a_file_that_is_no_catalog_is_told(content: bytes) -> None:
    with pytest.raises(CatalogFileError, match="pgcurfew policy snapshot"):
        decode(content)


async def test_a_damaged_catalog_is_told(sample_database: SampleDatabase) -> None:
    connection = await sample_database.connect()
    try:
        content = encode(SavedCatalog("shop", await load_catalog(connection, ("public",))))
    finally:
        await connection.close()
    for part in (b'"relations"', b'"target"', b'"oid":'):
        with pytest.raises(CatalogFileError, match="damaged"):
            decode(content.replace(part, part[:2] + b"_" + part[2:]))
