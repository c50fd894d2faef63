"""policy scan as processes of its own, beside a real database."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
import unicodedata
from typing import Any

import pytest

from tests.support.host import Host
from tests.support.postgres import SampleDatabase

#: Whatever of a value could show: also with other capitals, and what masks would keep of it.
CANARIES = ("canary", "secretname", "198.51.100", "1984", "90182")


def apply(host: Host, diff: str) -> None:
    done = subprocess.run(["patch", "-p1"], cwd=host.home, input=diff, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def classification(host: Host) -> Any:
    return tomllib.loads((host.home / "policy.toml").read_text())["classification"]


needs_patch = pytest.mark.skipif(shutil.which("patch") is None, reason="no patch")


@needs_patch
def test_the_proposal_applies_passes_the_check_and_is_complete(odd_host: Host) -> None:
    ran = odd_host.starts("scan", "--role", "support")
    assert ran.code == 0, ran.err
    apply(odd_host, ran.out)
    checked = odd_host.runs("check")
    assert checked.code == 0, checked.said
    text = (odd_host.home / "policy.toml").read_text()
    assert text.startswith("# a beginning\n")
    assert '"public.empty" = "read"   # nothing in it\n' in text
    again = odd_host.runs("scan", "--role", "support")
    assert again.out == ""
    assert "nothing to propose" in again.err


def test_each_column_gets_what_its_name_type_and_values_say(odd_host: Host) -> None:
    assert odd_host.runs("scan", "--write").code == 0
    found = classification(odd_host)
    people = found["public.people"]
    assert people["id"] == "clear"
    assert people["full_name"] == {"mask": "partial", "keep_first": 1}
    assert people["email"] == {"mask": "partial", "style": "email"}
    assert people["api_key"] == "null"
    assert people["ip"] == {"mask": "generalize", "prefix": 24, "prefix6": 48}
    assert people["born"] == {"mask": "generalize", "unit": "year"}
    assert people["status"] == "clear"
    assert people["parent_id"] == "clear"
    assert "misc" not in people
    assert people["note"] == "detect"
    assert people["doc"] == people["blob"] == "null"
    assert people["nickname"] != "clear"
    # Both ends of a foreign key, whose values are somebody's: the same pseudonym.
    assert found["public.logins"]["username"] == found["public.posts"]["author"] == "pseudonym"
    # A key that is only named after its relation.
    assert found["public.posts"]["people_id"] == "clear"
    # A view shows what its columns are below.
    assert found["public.plain"]["email"] == people["email"]


def test_what_is_classified_stays_and_is_doubted_aloud(odd_host: Host) -> None:
    text = (odd_host.home / "policy.toml").read_text()
    odd_host.write("policy.toml", text + '\n[classification."public.people"]\nemail = "clear"\nnote = "pseudonym"\n')
    ran = odd_host.runs("scan", "--write")
    assert ran.code == 0
    people = classification(odd_host)["public.people"]
    assert people["email"] == "clear"
    assert people["note"] == "pseudonym"
    assert "look again: public.people.email is shown clear" in ran.err
    # What follows a clear column is clear too, and says so.
    assert classification(odd_host)["public.plain"]["email"] == "clear"


def test_every_column_comes_clear_by_star_and_the_scan_adds_nothing(odd_host: Host) -> None:
    text = (odd_host.home / "policy.toml").read_text()
    odd_host.write("policy.toml", text + '\n[classification."public.people"]\n"*" = "clear"\n')
    ran = odd_host.runs("scan", "--relation", "public.people")
    assert ran.out == ""
    for column in ("full_name", "email", "api_key", "note"):
        assert f"look again: public.people.{column} " in ran.err


@pytest.mark.parametrize(
    "words", [["--write"], ["--json"], ["--role", "support"], ["--sample", "10000"], ["--no-sample"]]
)
def test_no_value_comes_out_however_the_database_answers(odd_host: Host, words: list[str]) -> None:
    ran = odd_host.starts("scan", *words, PYTHONASYNCIODEBUG="1", PYTHONDEVMODE="1")
    assert ran.code == 0, ran.err
    said = (ran.said + (odd_host.home / "policy.toml").read_text()).lower()
    assert not [canary for canary in CANARIES if canary in said]
    if "--no-sample" not in words:
        assert "public.broken" in said
        assert "22p02" in said
        assert "the gateway's login may not read it" in said


def test_no_value_comes_out_of_what_takes_too_long(odd_host: Host, sample_database: SampleDatabase) -> None:
    sample_database.postgres.run(
        "CREATE VIEW public.slow AS SELECT email, pg_sleep(0.3)::text AS slept FROM public.people;"
        " GRANT SELECT ON public.slow TO pgcurfew_gateway;",
        "odd",
    )
    try:
        ran = odd_host.starts("scan", "--relation", "public.slow")
    finally:
        sample_database.postgres.run("DROP VIEW public.slow", "odd")
    assert ran.code == 0
    assert "not sampled: public.slow: reading it takes longer than" in ran.err
    assert '+email = { mask = "partial", style = "email" }' in ran.out
    assert not [canary for canary in CANARIES if canary in ran.said.lower()]


def test_a_database_that_ends_the_connection_ends_the_samples_only(
    odd_host: Host, sample_database: SampleDatabase
) -> None:
    sample_database.postgres.run(
        "CREATE VIEW public.aa_ends AS SELECT pg_terminate_backend(pg_backend_pid())::text || email AS e"
        " FROM public.people; GRANT SELECT ON public.aa_ends TO pgcurfew_gateway;",
        "odd",
    )
    try:
        ran = odd_host.runs("scan", "--json")
    finally:
        sample_database.postgres.run("DROP VIEW public.aa_ends", "odd")
    assert ran.code == 0, ran.err
    lost = {found["relation"] for found in ran.json()["not_sampled"] if "connection was lost" in found["reason"]}
    assert {"public.aa_ends", "public.people"} <= lost
    assert {found["column"] for found in ran.json()["proposed"]} >= {"email", "api_key"}
    assert not [canary for canary in CANARIES if canary in ran.said.lower()]


def test_nothing_is_changed_in_the_database(odd_host: Host, sample_database: SampleDatabase) -> None:
    sample_database.postgres.run(
        "CREATE TABLE public.counted (n int); CREATE FUNCTION public.count_up() RETURNS text LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO public.counted VALUES (1); RETURN 'x'; END $$;"
        " CREATE VIEW public.counting AS SELECT public.count_up() AS t;"
        " GRANT ALL ON public.counted, public.counting TO pgcurfew_gateway;",
        "odd",
    )
    try:
        ran = odd_host.runs("scan", "--relation", "public.counting")
        assert "SQLSTATE 25006" in ran.err
        assert sample_database.postgres.run("SELECT count(*) FROM public.counted", "odd").strip() == "0"
    finally:
        sample_database.postgres.run(
            "DROP VIEW public.counting; DROP FUNCTION public.count_up; DROP TABLE public.counted", "odd"
        )


def harmful(text: str) -> list[str]:
    return [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]


def test_no_name_of_the_database_reaches_a_terminal_raw(odd_host: Host) -> None:
    assert odd_host.runs("scan", "--role", "support", "--no-sample", "--write").code == 0
    odd = 'SELECT * FROM "Odd ""q"" <script>alert(1)</script> # ]"'
    test = f"[[test]]\nrole = 'support'\nsql = '''{odd}'''\nexpect = 'allow'\nmasked = []\ncolumns = []\n"
    odd_host.write("policy.tests.toml", test)
    for words in (
        ("scan",), ("scan", "--json"), ("check",), ("check", "--json"), ("matrix",), ("matrix", "--json"),
        ("snapshot",), ("explain", "support", odd), ("explain", "support", odd, "--json"),
        ("test",), ("test", "--json"),
    ):  # fmt: skip
        ran = odd_host.runs(*words)
        assert ran.code == (1 if words[0] == "test" else 0), ran.said
        assert harmful(ran.said) == [], words


def test_names_that_a_policy_cannot_hold_are_told_and_left_out(odd_host: Host) -> None:
    answer = odd_host.runs("scan", "--json").json()
    hidden = {found["column"]: found["reason"] for found in answer["hidden"]}
    for name in ("new\nline email", "*", " blank email", "\x1b[2J email", "\x9b31m email", "\u202eliame email"):
        assert hidden[name] == "its name cannot be written in a policy file"
    written = {found["column"] for found in answer["proposed"]}
    assert {"e-mail <b>", "back\\slash email", "Ünïcode email", "it's # 'email'", 'user"email'} <= written


def test_only_what_was_asked_for(odd_host: Host) -> None:
    answer = odd_host.runs("scan", "--json", "--relation", "public.people", "--role", "support").json()
    assert {found["relation"] for found in answer["proposed"]} == {"public.people"}
    assert '+"public.people" = "read"' in answer["diff"]
    answer = odd_host.runs("scan", "--json", "--schema", "odd.schema").json()
    assert {found["relation"] for found in answer["proposed"]} == {'"odd.schema".t.x'}
    ran = odd_host.runs("scan", "--relation", "public.peple")
    assert ran.code == 2
    assert "shop has no public.peple" in ran.err
    ran = odd_host.runs("scan", "--role", "suport")
    assert ran.code == 2
    assert "did you mean support?" in ran.err


def test_without_the_database_there_is_no_scan(host: Host) -> None:
    host.write("password", "s3cr3t but wrong")
    ran = host.runs("scan", "--json")
    assert ran.code == 4
    assert ran.out == ""
    assert "s3cr3t" not in ran.said


def test_the_samples_shop_is_proposed_without_a_single_raw_person(host: Host) -> None:
    answer = host.runs("scan", "--json").json()
    clear = {(found["relation"], found["column"]) for found in answer["proposed"] if found["mask"] == "clear"}
    personal = {
        *("full_name", "email", "phone", "date_of_birth", "card_number", "street", "postcode", "city", "last_ip"),
        *("preferences", "salary", "iban", "notes", "subject", "ship_to", "payer_name", "card_last4", "credit_limit"),
    }
    assert not {column for _, column in clear} & personal
    assert {("sales.orders", "customer_id"), ("sales.orders", "status"), ("public.customers", "created_at")} <= clear
    assert all(found["reason"] for found in answer["proposed"])
    # Partitions follow their parent.
    assert not [found for found in answer["proposed"] if "payments_" in found["relation"]]
