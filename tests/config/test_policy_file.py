"""The policy file: what is right is read, what is wrong is said all at once, with its line."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.load import ConfigError, load_policy, load_settings, parse_policy
from config.notices import Mail, Slack, Syslog, Webhook
from config.policy_file import MASKS, STATEMENTS, Relation, Role
from config.settings import Section, Settings, Target
from masking.policy import SESSION_KINDS, MaskKind, StatementKind

EXAMPLES = Path(__file__).parents[2] / "docs/examples"

GOOD = """\
[roles.support]
targets = ["shop"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "2h"
statements = ["read"]

[roles.support.relations]
"public.customers" = "read"
"public.orders" = { read = "*", write = ["status"] }
"public.notes" = "write"

[classification."public.customers"]
id = "clear"
email = { mask = "partial", style = "email" }
phone = { mask = "fixed", hide_null = true }
"""


def test_a_good_file_is_read_with_its_defaults() -> None:
    policy = parse_policy(GOOD.encode())
    role = policy.roles["support"]
    assert role.max_duration == 7200
    assert role.approvals == 1
    assert role.sessions is None
    assert role.require_where
    assert not role.may_probe_constraints
    assert role.definitions == "no-literals"
    assert role.reason.min_length == 10
    assert role.kinds == {"select", "copy_to", "explain"}
    assert role.relations["public.customers"] == Relation(read=("*",))
    assert role.relations["public.orders"] == Relation(read=("*",), write=("status",))
    assert role.relations["public.notes"] == Relation(read=("*",), write=("*",))
    masks = policy.classification["public.customers"]
    assert masks["id"].mask == "clear"
    assert masks["email"].options == (("style", "email"),)
    assert masks["phone"].hide_null
    assert policy.line(("roles", "support", "relations", "public.orders")) == 10


def test_the_version_is_that_of_the_bytes() -> None:
    assert parse_policy(GOOD.encode()).version == hashlib.sha256(GOOD.encode()).hexdigest()[:16]
    assert parse_policy(GOOD.encode()).version != parse_policy(f"{GOOD}\n".encode()).version


def test_the_words_are_those_of_the_judge() -> None:
    assert set(MASKS) == set(MaskKind)
    assert set(STATEMENTS) == set(StatementKind) - SESSION_KINDS - {StatementKind.OTHER}


#: A replacement in GOOD, a part of the line it is reported on, its path, a part of what is said.
MISTAKES = [
    ('approvers = ["leads"]', "", "[roles.support]", "roles.support.approvers", "is missing: the groups"),
    ('approvers = ["leads"]', "approvers = []", "approvers", "roles.support.approvers", "must not be empty"),
    ('approvers = ["leads"]', 'approvers = "leads"', "approvers", "roles.support.approvers", "a list in square"),
    ('approvers = ["leads"]', 'approver = ["leads"]', "approver", "roles.support.approver", "did you mean approvers?"),
    ('["leads"]', '["leads", "leads"]', "approvers", "roles.support.approvers", '"leads" stands here twice'),
    ('["leads"]', '["leads"]\napprovals = 0', "approvals", "roles.support.approvals", "at least 1"),
    ('["leads"]', '["leads"]\nsessions = 0', "sessions", "roles.support.sessions", "at least 1"),
    ('"2h"', '"2 hours"', "max_duration", "roles.support.max_duration", 'such as "45s"'),
    ('"2h"', "7200", "max_duration", "roles.support.max_duration", 'such as "45s"'),
    ('"2h"', '"8d"', "max_duration", "roles.support.max_duration", 'at most "7d"'),
    ('["read"]', '["raed"]', "statements", "roles.support.statements[0]", 'did you mean "read"?'),
    ('["read"]', '["read",\n "SELECT"]', '"SELECT"', "roles.support.statements[1]", 'did you mean "select"?'),
    ('["read"]', '["read", "ddl"]', "statements", "roles.support.statements[1]", "expected one of read, write, select"),
    (
        '"public.customers" = "read"',
        '"customers" = "read"',
        '"customers"',
        "roles.support.relations.customers",
        "schema",
    ),
    ('"public.notes"', '"public.*"', "public.*", 'roles.support.relations."public.*"', "does not stand for several"),
    ('"write"\n', '"wirte"\n', "notes", 'roles.support.relations."public.notes"', 'expected "read", "write"'),
    ('["status"]', '["a", "a"]', "orders", 'roles.support.relations."public.orders".write', '"a" stands here twice'),
    ('write = ["status"]', "writes = []", "orders", 'roles.support.relations."public.orders".writes', "mean write?"),
    ('["read"]', '["read"]\nfunctions = ["f"]', "functions", "roles.support.functions[0]", "schema.name"),
    ('["read"]', '["read"]\nreveal = ["public.x.y"]', "reveal", "roles.support.reveal", "no relation that this role"),
    ('["read"]', '["read"]\nreveal = ["email"]', "reveal", "roles.support.reveal[0]", "schema.relation.column"),
    ('["read"]', '["read"]\nreason = { pattern = "(" }', "reason", "roles.support.reason.pattern", "no regular"),
    ('["read"]', '["read"]\nreason = { min_lenght = 1 }', "reason", "roles.support.reason.min_lenght", "min_length?"),
    (
        '["read"]',
        '["read"]\nrecord_results = { bytes = "1GB" }',
        "record",
        "roles.support.record_results.bytes",
        "1048576",
    ),
    (
        '["read"]',
        '["read"]\nrecord_results = { bytes = "1 mb" }',
        "record",
        "roles.support.record_results.bytes",
        "64kB",
    ),
    ('["read"]', '["read"]\nrecord_results = { rows = 0 }', "record", "roles.support.record_results.rows", "1"),
    ('["read"]', '["read"]\ndefinitions = "none"', "defin", "roles.support.definitions", 'expected "full" or'),
    ('id = "clear"', 'id = "claer"', "claer", 'classification."public.customers".id', 'did you mean "clear"?'),
    ('id = "clear"', "id = { }", "id", 'classification."public.customers".id.mask', "is missing: one of clear"),
    ('id = "clear"', "id = 1", "id", 'classification."public.customers".id', "expected a table"),
    ('style = "email"', "style = 1.5", "email", 'classification."public.customers".email.style', "text or a whole"),
    (
        'email = { mask = "partial", style = "email" }',
        'email = { mask = "jsonpath", paths = { "$.a" = "claer" } }',
        "email",
        'classification."public.customers".email.paths."$.a"',
        'did you mean "clear"?',
    ),
    (
        'email = { mask = "partial", style = "email" }',
        'email = { mask = "jsonpath", paths = ["$.a"] }',
        "email",
        'classification."public.customers".email.paths',
        "expected a table",
    ),
    (
        "hide_null = true",
        "hide_null = 1",
        "phone",
        'classification."public.customers".phone.hide_null',
        "true or false",
    ),
    ("[classification.", "[clasification.", "[clas", "clasification", "did you mean classification?"),
]


@pytest.mark.parametrize(("old", "new", "line", "path", "said"), MISTAKES)
def test_a_mistake_is_reported_with_its_line(old: str, new: str, line: str, path: str, said: str) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    with pytest.raises(ConfigError) as caught:
        parse_policy(text.encode(), "policy.toml")
    (found,) = caught.value.problems
    assert found.path == path
    assert said in found.message
    assert line in text.splitlines()[found.line - 1]
    assert str(found).startswith(f"policy.toml:{found.line}: {path}: ")


def test_all_mistakes_are_reported_at_once() -> None:
    text = GOOD
    places = ('"2h"', '"write"\n', "style", "hide_null = true")
    once = {mistake[0]: mistake for mistake in MISTAKES if mistake[0].startswith(places)}
    for old, new, *_ in once.values():
        text = text.replace(old, new, 1)
    with pytest.raises(ConfigError) as caught:
        parse_policy(text.encode())
    assert [problem.path for problem in caught.value.problems] == [mistake[3] for mistake in once.values()]


def test_names_of_roles_are_plain() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_policy(GOOD.replace("roles.support", "roles.Support").encode())
    (found,) = caught.value.problems
    assert (found.line, found.path) == (1, "roles.Support")
    assert found.message.startswith("a role's name is a small letter")


def test_an_empty_policy_gives_nobody_anything_and_says_so() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_policy(b"")
    assert "roles: is missing" in str(caught.value)


def test_the_examples_are_right() -> None:
    settings = load_settings(EXAMPLES / "pgcurfew.toml", environment={}, files=False)
    assert settings.policy.file == EXAMPLES / "policy.toml"
    policy = load_policy(settings.policy.file)
    assert {target for role in policy.roles.values() for target in role.targets} <= set(settings.targets)


def test_defaults_shown_in_the_examples_are_the_defaults(tmp_path: Path) -> None:
    plain = (EXAMPLES / "pgcurfew.toml").read_text()
    shown = "\n".join(
        line.removeprefix("# ") if line.startswith("# ") and " = " in line.split("#")[1] else line
        for line in plain.splitlines()
    )
    assert shown.count("# listen") < plain.count("# listen")
    for name, text in (("plain", plain), ("shown", shown)):
        (tmp_path / f"{name}.toml").write_text(text)
    assert load_settings(tmp_path / "plain.toml", environment={}, files=False) == load_settings(
        tmp_path / "shown.toml", environment={}, files=False
    )


#: Tables of the example that have tables of their own.
SINKS = {
    ("notices", "webhook"): Webhook,
    ("notices", "slack"): Slack,
    ("notices", "mail"): Mail,
    ("notices", "syslog"): Syslog,
}


def test_every_setting_is_shown_in_the_examples() -> None:
    settings = (EXAMPLES / "pgcurfew.toml").read_text()
    for name, field in Settings.model_fields.items():
        assert f"[{name}" in settings
        section = Target if name == "targets" else field.annotation
        assert isinstance(section, type)
        assert issubclass(section, Section)
        for key in section.model_fields:
            if (name, key) in SINKS:
                part = settings.partition(f"[notices.{key}.")[2].partition("\n\n")[0]
                for option in SINKS[name, key].model_fields:
                    assert re.search(rf"^#{option} = ", part, re.MULTILINE), f"{name}.{key}.{option}"
                continue
            assert re.search(rf"^#? ?{key} = ", settings, re.MULTILINE), f"{name}.{key}"
    policy = (EXAMPLES / "policy.toml").read_text()
    for key in Role.model_fields:
        assert re.search(rf"^(# )?{key} = |^(# )?\[roles.support.{key}[].]", policy, re.MULTILINE), key
    for word in (*MASKS, *STATEMENTS, "hide_null"):
        assert word in policy


@given(st.binary(max_size=200))
def test_garbage_is_a_config_error_and_nothing_else(content: bytes) -> None:
    with pytest.raises(ConfigError):
        parse_policy(content)


WORDS = st.sampled_from(
    ["[roles.a]\n", "[roles.a.relations]\n", '[classification."p.c"]\n', "roles", "relations", "targets", '"p.c"', "=",
     ".", '"read"', "{", "}", "[", "]", ",", "\n", "1", "-1", "nan", "true", '""', '"*"', "mask", "statements",
     "reason", "max_duration",
     '"2h"', "reveal", "1979-05-27", "inf", "[[roles]]\n", "write", "#", "'", '"\\u0000"', '"\\ud7ff"']
)  # fmt: skip


@given(st.lists(WORDS, max_size=30).map(" ".join))
def test_almost_policies_are_read_or_refused(text: str) -> None:
    try:
        parse_policy(text.encode())
    except ConfigError as error:
        assert all(problem.line <= text.count("\n") + 1 for problem in error.problems)  # noqa: PT017


def test_depth_and_size_are_bounded(tmp_path: Path) -> None:
    for content in (b"a = " + b"[" * 100_000, b"a = " + b"9" * 10_000, b"a" + b".a" * 500 + b" = 1"):
        with pytest.raises(ConfigError):
            parse_policy(content)
    (tmp_path / "long.toml").write_bytes(b"#" * (2 * 1024 * 1024))
    with pytest.raises(ConfigError, match="longer than"):
        load_policy(tmp_path / "long.toml")


#: What is written in [roles.support], and what is said of it.
WRONG_WAYS = {
    "a person without a name": ('approvers = ["person:"]', "neither a group nor"),
    "an owner who asks": ('requesters = ["target:owner"]', "among approvers only"),
    "another kind of approver": ('approvers = ["role:x"]', "neither a group nor"),
    "more groups than there are": ("approvals = 2\ndistinct_groups = true", "of which 1 are named"),
    "hours that are none": (
        'auto_approve.x = { requesters = ["a"], max_duration = "5m", hours = "8-9" }',
        "expected hours",
    ),
    "a zone that is none": (
        'auto_approve.x = { requesters = ["a"], max_duration = "5m", hours = "08:00-09:00", zone = "Europe/Berln" }',
        "Europe/Berlin",
    ),
    "automatic for longer than the role": (
        'auto_approve.x = { requesters = ["a"], max_duration = "3h" }',
        "no more than",
    ),
    "automatic elsewhere": (
        'auto_approve.x = { requesters = ["a"], max_duration = "5m", targets = ["moon"] }',
        'no target "moon"',
    ),
    "an endless emergency": ('break_glass = { people = ["a"], max_duration = "3h" }', "no more than"),
    "a late review": ('break_glass = { people = ["a"], max_duration = "5m", review_within = "8d" }', "at most"),
    "an endless wait": ('answer_within = "31d"', "at most"),
}


@pytest.mark.parametrize("case", WRONG_WAYS)
def test_how_somebody_comes_by_a_role_is_checked(case: str) -> None:
    written, words = WRONG_WAYS[case]
    lines = {
        "targets": 'targets = ["shop"]',
        "requesters": 'requesters = ["support"]',
        "approvers": 'approvers = ["leads"]',
        "max_duration": 'max_duration = "2h"',
        "statements": 'statements = ["read"]',
    }
    kept = "\n".join(line for key, line in lines.items() if not written.startswith(key))
    text = f'[roles.support]\n{kept}\n{written}\n[roles.support.relations]\n"public.t" = "read"\n'
    with pytest.raises(ConfigError) as refused:
        parse_policy(text.encode(), "policy.toml")
    assert words in str(refused.value)
