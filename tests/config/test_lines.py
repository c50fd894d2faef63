"""The places of keys are those that tomllib's values have, in every spelling that TOML knows."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from config.lines import locate
from config.problems import Location, dotted

TRICKY = r'''# a comment with [brackets] and "quotes"
top = 1 # = 2
"quoted.key" = 'literal \'   # ends at the second quote
a.b . "c d" = 2

[table]
text = """
[not.a.table]
key = "no key"
\""" still """"
raw = """ends with two more"""""
literal = \'\'\'
]] } # '\'\'\'
when = 1979-05-27 07:32:00  # a blank inside
list = [
  1, # one
  [ "x]", 'y}' ],
  { p = 1, "q" = [ { r = 2 } ] },
]
empty = [ ]
inline = { a.b = 1, c = "}" }

[ spaced . "header" ]
x = 0b1

[[many]]
n = 1
[many.inner]
m = 2
[[many.deep]]
[[many]]
n = 3
[[many.deep]]
k = 1
[[many.deep]]
k = 2'''.replace("\\'", "'")


def locations(value: Any, at: Location = ()) -> set[Location]:
    match value:
        case dict():
            inner = [((*at, key), child) for key, child in value.items()]
        case list():
            inner = [((*at, index), child) for index, child in enumerate(value)]
        case _:
            return set()
    return {place for place, _ in inner}.union(*(locations(child, place) for place, child in inner))


def test_every_spelling_is_found_on_its_line() -> None:
    document = tomllib.loads(TRICKY)
    lines = locate(TRICKY)
    written = TRICKY.splitlines()

    def text(*location: str | int) -> str:
        assert location in lines
        return written[lines.line(location) - 1].strip()

    assert {place for place in locations(document) if place not in lines} == set()
    assert text("a", "b", "c d").startswith("a.b")
    assert text("table") == "[table]"
    assert text("table", "raw").startswith("raw =")
    assert text("table", "when").startswith("when =")
    assert text("table", "list", 0) == "1, # one"
    assert text("table", "list", 1, 1).startswith("[ ")
    assert text("table", "list", 2, "q", 0, "r").startswith("{ p")
    assert text("table", "inline", "a", "b").startswith("inline")
    assert text("spaced", "header", "x") == "x = 0b1"
    assert text("many", 0, "inner", "m") == "m = 2"
    assert text("many", 1, "n") == "n = 3"
    assert text("many", 1, "deep", 0, "k") == "k = 1"
    assert text("many", 1, "deep", 1, "k") == "k = 2"


def test_what_is_not_written_has_the_line_of_what_is_around_it() -> None:
    lines = locate("\n[a]\nb = 1\n")
    assert lines.line(("a", "missing")) == 2
    assert lines.line(("nowhere",)) == 1


TOKENS = st.sampled_from(
    [
        *list("ab.=[]{},#'\"\\\n "),
        "[[",
        "]]",
        "a = ",
        "\n[a]\n",
        "\n[[b]]\n",
        '"""',
        "'''",
        "1",
        "{ a = 1 }",
        "é",
        "\r\n",
    ]
)


@given(st.lists(TOKENS, max_size=40).map("".join))
def test_whatever_tomllib_reads_is_located_whole(text: str) -> None:
    text = text.replace("\r\n", "\n")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = locate(text)
    assert all(place in lines for place in locations(document))


KEYS = st.text(alphabet='ab.-_ "\\é', max_size=4)
VALUES = st.recursive(
    st.sampled_from(["1", "true", "'a]'", '"b}\\""', '"""c\n"""', "1979-05-27 07:32:00", "'''d\n'e'''"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + ",\n # note ]\n".join(items) + "\n]")
        | st.dictionaries(KEYS, inner.filter(lambda text: "\n" not in text), max_size=3).map(
            lambda table: "{" + ", ".join(f"{dotted((key,))} = {value}" for key, value in table.items()) + "}"
        )
    ),
    max_leaves=6,
)


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=4), max_size=4))
def test_documents_of_all_shapes_are_located_exactly(tables: dict[str, dict[str, str]]) -> None:
    text = "".join(
        f"[{dotted((name,))}]\n" + "".join(f"{dotted((key,))} = {value}\n" for key, value in table.items())
        for name, table in tables.items()
    )
    document = tomllib.loads(text)
    lines = locate(text)
    assert all(place in lines for place in locations(document))
    for name, table in tables.items():
        assert text.splitlines()[lines.line((name,)) - 1] == f"[{dotted((name,))}]"
        for key in table:
            assert text.split("\n")[lines.line((name, key)) - 1].startswith(f"{dotted((key,))} =")
