"""Lines put into a policy file: nothing that stands there changes, and the diff applies."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.load import parse_policy
from gateway.desk.patch import edited, mask_as_toml, unified_diff
from gateway.desk.proposal import Proposed, Unlisted, writable
from masking.policy import CLEAR, Mask, MaskKind

ROLES = """\
# who may what
[roles.support]
targets = ["shop"]       # only there
requesters = ["support"]
approvers = ["leads"]
max_duration = "2h"
statements = ["read"]

[roles.support.relations]
"public.customers" = "read"
# the end of the grants
"""
PARTIAL = Mask(MaskKind.PARTIAL, (("style", "email"),))
EMAIL = Proposed("public.customers", "email", PARTIAL, "an e-mail address, by its name")
PHONE = Proposed("public.customers", "phone", Mask(MaskKind.NULL, (), hide_null=False), "why # not")

FILES = {
    "no classification": ROLES,
    "no line feed at the end": ROLES.rstrip("\n"),
    "crlf": ROLES.replace("\n", "\r\n"),
    "a table": ROLES
    + '\n[classification."public.customers"]\nid = "clear"\n# the rest is open\n\n# next\n'
    + '[classification."public.x"]\n"*" = "clear"\n',
    "a table with values over several lines": ROLES
    + '\n[classification."public.customers"]\nname = { mask = "fixed", value = """\n# no comment\n[no.header]\n""" }\n',
    "roles at the end": '[classification."public.customers"]\nid = "clear"\n\n' + ROLES,
    "spelt otherwise": ROLES + "\n[ classification . 'public.customers' ]\nid = 'clear'\n",
}  # fmt: skip


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_what_was_there_stays_and_what_was_added_is_there(text: str) -> None:
    found = edited(text, [EMAIL, PHONE], [Unlisted("public.customers", "x y", "?")], {"public.customers": "support"})
    before, after = tomllib.loads(text), tomllib.loads(found.text)
    added = {"email": {"mask": "partial", "style": "email"}, "phone": "null"}
    before.setdefault("classification", {}).setdefault("public.customers", {}).update(added)
    assert after == before
    parse_policy(found.text.encode())
    # Every old line is still there, in its order.
    kept = iter(found.text.splitlines())
    assert all(line in kept for line in text.splitlines())
    assert 'decides: "x y"' in found.text
    assert ("\r\n" in text) == ("\r\n" in found.text)
    assert not found.text.replace("\r\n", "").count("\r")


def test_lines_go_below_their_own_table_and_comments_stay_where_they_belong() -> None:
    found = edited(FILES["a table"], [EMAIL], [], {"public.y": "support"}).text
    assert 'id = "clear"\nemail = { mask = "partial", style = "email" }  # an e-mail address, by its name\n' in found
    assert "# the rest is open\n\n# next\n[classification" in found
    assert '"public.customers" = "read"\n"public.y" = "read"  # every column' in found
    assert found.index('"public.y"') < found.index("# the end of the grants")


def test_a_new_table_does_not_part_a_comment_from_what_it_is_about() -> None:
    text = FILES["a table"].rstrip() + "\n# about x\n"
    found = edited(text, [Proposed("public.new", "id", CLEAR, "key")], [], {}).text
    assert '"*" = "clear"\n# about x\n\n[classification."public.new"]\n' in found


@pytest.mark.parametrize(
    "written",
    [
        'classification = { "public.customers" = { id = "clear" } }\n',
        '[classification]\n"public.customers" = { id = "clear" }\n',
    ],
)  # fmt: skip
def test_what_is_written_in_short_is_left_alone_and_told(written: str) -> None:
    text = written + ROLES if written.startswith("c") else ROLES + written
    found = edited(text, [EMAIL], [], {})
    assert found.text == text
    assert "public.customers" in found.refused
    assert "give it a table of its own" in found.refused["public.customers"]


def test_dotted_keys_are_added_to_where_toml_allows_it() -> None:
    text = ROLES + '[classification]\n"public.customers".id = "clear"\n'
    found = edited(text, [EMAIL], [], {})
    # A table that dotted keys made cannot be opened again.
    assert found.text == text
    assert found.refused


@pytest.mark.skipif(shutil.which("patch") is None or shutil.which("git") is None, reason="no patch, no git")
@pytest.mark.parametrize("tool", [["patch", "-p1"], ["git", "apply"]], ids=["patch", "git"])
@pytest.mark.parametrize("name", ["policy.toml", "my policy.toml"])
@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_the_diff_applies(tmp_path: Path, text: str, name: str, tool: list[str]) -> None:
    after = edited(text, [EMAIL, PHONE], [], {"public.y": "support"}).text
    (tmp_path / name).write_bytes(text.encode())
    options = ["--binary"] if tool[0] == "patch" else []
    done = subprocess.run(
        [*tool, *options], cwd=tmp_path, input=unified_diff(text, after, name).encode(), capture_output=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / name).read_bytes().decode() == after


def test_nothing_to_add_is_no_diff() -> None:
    assert edited(ROLES, [], [Unlisted("public.customers", "x", "?")], {}).text == ROLES
    assert unified_diff(ROLES, ROLES, "policy.toml") == ""


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_any_name_that_a_policy_can_hold_is_written_so_that_it_reads_back(schema: str, name: str, column: str) -> None:
    relation = f"{schema}.{name}"
    if "." in schema or not writable(relation) or not writable(column):
        return
    found = edited(ROLES, [Proposed(relation, column, PARTIAL, "reason")], [], {relation: "support"})
    assert not found.refused
    read = parse_policy(found.text.encode())
    assert read.classification[relation][column].mask == "partial"
    assert relation in read.roles["support"].relations


@pytest.mark.parametrize(
    ("mask", "written"),
    [
        (CLEAR, '"clear"'),
        (Mask(MaskKind.DETECT), '"detect"'),
        (
            Mask(MaskKind.JSONPATH, (("rest", "-"),), paths=(("$.a", CLEAR), ("$.b[*].c", PARTIAL))),
            '{ mask = "jsonpath", rest = "-", '
            'paths = { "$.a" = "clear", "$.b[*].c" = { mask = "partial", style = "email" } } }',
        ),
        (Mask(MaskKind.PARTIAL, (("keep_first", 1),)), '{ mask = "partial", keep_first = 1 }'),
        (
            Mask(MaskKind.FIXED, (("value", 'a"\\\n'),), hide_null=True),
            '{ mask = "fixed", value = "a\\"\\\\\\U0000000a", hide_null = true }',
        ),
    ],
)  # fmt: skip
def test_a_mask_is_written_as_one_reads_it(mask: Mask, written: str) -> None:
    assert mask_as_toml(mask) == written
