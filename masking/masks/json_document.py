"""`jsonpath`: a document built anew from the places that the policy lists; nothing else is carried over.

    paths = {"$.name" = "clear", "$.contacts[*].email" = {mask = "partial", style = "email"}}

    {"name": "Mary", "ssn": "123-45-6789", "contacts": [{"email": "mary@example.org", "kind": "home"}]}
    {"name": "Mary", "contacts": [{"email": "m***@example.org"}]}

Keys that are not listed are left out: keys can be data. Where something else stands than the path says (an array
for an object, an object for a scalar), `rest` is shown, null by default. The text of a json value is never copied, so
a second value under one key cannot come along; what jsonb cannot hold is `rest` as a whole, since the cast would fail.
"""

from __future__ import annotations

from collections.abc import Callable

from masking.catalog import Column
from masking.masks.json_paths import Place, problem_paths, tree_of
from masking.masks.types import JSON, JSONB, NUMERIC, TEXT, wire_type
from masking.policy import Mask, MaskKind
from masking.strip import quoted

_STRING = Column("value", 1, TEXT, "text", type_category="S")
_NUMBER = Column("value", 1, NUMERIC, "numeric", type_category="N")
_JSONB = "pg_catalog.jsonb"

#: mask, column, SQL of the value -> SQL of what is shown; and why not.
Masked = Callable[[Mask, Column, str], str]
Misfit = Callable[[Mask, Column], str | None]

_ESCAPED = r"\\\\"
_PAIRS = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
#: Escapes that no text of PostgreSQL has: zero, and halves of characters.
_NO_CHARACTER = r"\\u(?:0000|[dD][89a-fA-F])"
#: Escapes that only a database in UTF8 takes.
_NOT_ASCII = r"\\u(?:00[89a-fA-F]|0[1-9a-fA-F]|[1-9a-fA-F])"
#: Numbers that numeric may not hold; each digit that numeric may not hold is one of very many.
_NO_NUMBER = r"[0-9.]{255}|(?:^|[\[:,\s])-?[0-9.]*[eE][+-]?[0-9]{4}"
#: Documents with more brackets than this may nest too deep for the cast.
_MOST_BRACKETS = 8000


def document(mask: Mask, column: Column, value: str, masked: Masked) -> str:
    """SQL of the document, of type jsonb."""
    if mask.hide_null:
        value = f"COALESCE({value}, '{{}}'::{wire_type(column)})"
    rest = _rest(mask)
    source = f"(SELECT {_as_jsonb(column, value)} AS v OFFSET 0) AS pgcurfew_json"
    shown = _Builder(rest, masked).shown(tree_of(mask.paths), "pgcurfew_json.v", 0)
    return f"(SELECT COALESCE({shown}, {rest}) FROM {source})"


def problem_document(mask: Mask, column: Column, misfit: Misfit) -> str | None:
    """Why the column holds no documents, or the mask has no paths that could be followed."""
    wrong = problem_paths(mask.paths)
    if wrong is not None:
        return wrong
    rest = mask.option("rest")
    if rest is not None and not _is_plain(rest):
        return "option rest of mask jsonpath must be text without quotes, backslashes and control characters"
    for path, inner in mask.paths:
        if inner.hide_null:
            return f"{path}: hide_null is for the column, not for a path"
        if inner.lookup:
            return f"{path}: lookup is for the column, not for a path"
        if inner.paths:
            return f"{path}: a path leads to one mask, not to further paths"
        wrong = _problem_inside(inner, misfit)
        if wrong is not None:
            return f"{path}: {wrong}"
    return None if column.type_oid in (JSON, JSONB) else f"needs json or jsonb, not {column.type_name}"


def _problem_inside(mask: Mask, misfit: Misfit) -> str | None:
    if mask.kind is MaskKind.FIXED:
        value = mask.option("value")
        if isinstance(value, str) and not _is_plain(value):
            return "the value may not contain quotes, backslashes or control characters"
        return misfit(mask, _STRING)
    if mask.kind is MaskKind.GENERALIZE and mask.option("bucket") is not None:
        return misfit(mask, _NUMBER)
    return misfit(mask, _STRING)


def _is_plain(text: str | int) -> bool:
    return isinstance(text, str) and text.isprintable() and not {'"', "\\"} & set(text)


def _rest(mask: Mask) -> str:
    rest = mask.option("rest")
    return f"'null'::{_JSONB}" if rest is None else f"{quoted(f'{chr(34)}{rest}{chr(34)}')}::{_JSONB}"


def _as_jsonb(column: Column, value: str) -> str:
    """The value as jsonb; NULL for what it cannot hold, which would be an error."""
    if column.type_oid == JSONB:
        return value
    text = f"({value})::pg_catalog.text"
    escapes = f"pg_catalog.regexp_replace({text}, {quoted(_ESCAPED)}, '', 'g')"
    bare = f"pg_catalog.regexp_replace({escapes}, {quoted(_PAIRS)}, '', 'g')"
    matches = "OPERATOR(pg_catalog.~)"
    backslash = f"pg_catalog.strpos({text}, {quoted(chr(92))}) OPERATOR(pg_catalog.>) 0"
    foreign = (
        f"pg_catalog.getdatabaseencoding() OPERATOR(pg_catalog.<>) 'UTF8' AND {escapes} {matches} {quoted(_NOT_ASCII)}"
    )
    closed = f"pg_catalog.replace(pg_catalog.replace({text}, '[', ''), '{{', '')"
    brackets = f"pg_catalog.length({text}) OPERATOR(pg_catalog.-) pg_catalog.length({closed})"
    return (
        f"CASE WHEN {backslash} AND ({bare} {matches} {quoted(_NO_CHARACTER)} OR {foreign}) THEN NULL "
        f"WHEN {text} {matches} {quoted(_NO_NUMBER)} THEN NULL "
        f"WHEN pg_catalog.length({text}) OPERATOR(pg_catalog.>) {_MOST_BRACKETS} "
        f"AND {brackets} OPERATOR(pg_catalog.>) {_MOST_BRACKETS} THEN NULL "
        f"ELSE ({value})::{_JSONB} END"
    )


class _Builder:
    """Writes the SQL of one document. Each level has aliases of its own, by its depth."""

    def __init__(self, rest: str, masked: Masked) -> None:
        self.rest = rest
        self.masked = masked

    def shown(self, place: Place, value: str, depth: int) -> str:
        """What is shown of `value`, SQL of a jsonb, at this place."""
        if place.whole:
            return value
        branches: list[str] = []
        if place.keys or place.every is not None:
            branches.append(f"WHEN {_is(value, 'object')} THEN {self._object(place, value, depth + 1)}")
        if place.items is not None:
            branches.append(f"WHEN {_is(value, 'array')} THEN {self._array(place.items, value, depth + 1)}")
        if place.mask is not None:
            branches += self._scalar(place.mask, value)
        return f"CASE {' '.join(branches)} ELSE {self.rest} END" if branches else self.rest

    def _object(self, place: Place, value: str, depth: int) -> str:
        row = f"pgcurfew_key_{depth}"
        cases, listed = [], []
        for key, below in place.keys.items():
            same = f"{row}.k OPERATOR(pg_catalog.=) {quoted(key)}"
            listed.append(same)
            cases.append(f"WHEN {same} THEN {self.shown(below, f'{row}.v', depth)}")
        if place.every is not None:
            cases.append(f"WHEN true THEN {self.shown(place.every, f'{row}.v', depth)}")
        where = f" WHERE {' OR '.join(listed)}" if place.every is None else ""
        query = (
            f"SELECT pg_catalog.jsonb_object_agg({row}.k, CASE {' '.join(cases)} END) "
            f"FROM pg_catalog.jsonb_each({value}) AS {row}(k, v){where}"
        )
        return f"COALESCE(({query}), '{{}}'::{_JSONB})"

    def _array(self, place: Place, value: str, depth: int) -> str:
        row = f"pgcurfew_item_{depth}"
        query = (
            f"SELECT pg_catalog.jsonb_agg({self.shown(place, f'{row}.v', depth)} ORDER BY {row}.n) "
            f"FROM pg_catalog.jsonb_array_elements({value}) WITH ORDINALITY AS {row}(v, n)"
        )
        return f"COALESCE(({query}), '[]'::{_JSONB})"

    def _scalar(self, mask: Mask, value: str) -> list[str]:
        """Branches for what the mask can be applied to; anything else is the rest."""
        text = f"({value} OPERATOR(pg_catalog.#>>) '{{}}'::pg_catalog.text[])"
        number = f"{text}::pg_catalog.numeric"
        string = f"WHEN {_is(value, 'string')} THEN {self._jsonb(mask, _STRING, text)}"
        numeric = f"WHEN {_is(value, 'number')} THEN {self._jsonb(mask, _NUMBER, number)}"
        match mask.kind:
            case MaskKind.CLEAR:
                return [f"WHEN NOT ({_is(value, 'object')} OR {_is(value, 'array')}) THEN {value}"]
            case MaskKind.NULL:
                return []
            case MaskKind.FIXED:
                constant = mask.option("value")
                given = (
                    f'"{constant}"' if isinstance(constant, str) else str(constant if constant is not None else '"***"')
                )
                scalar = f"NOT ({_is(value, 'object')} OR {_is(value, 'array')} OR {_is(value, 'null')})"
                return [f"WHEN {scalar} THEN {quoted(given)}::{_JSONB}"]
            case MaskKind.PSEUDONYM if mask.option("style") is None and mask.option("length") is None:
                return [string, numeric] if mask.option("below") is None else [numeric]
            case MaskKind.GENERALIZE if mask.option("bucket") is not None:
                return [numeric]
            case _:
                return [string]

    def _jsonb(self, mask: Mask, column: Column, value: str) -> str:
        return f"COALESCE(pg_catalog.to_jsonb({self.masked(mask, column, value)}), {self.rest})"


def _is(value: str, kind: str) -> str:
    return f"pg_catalog.jsonb_typeof({value}) OPERATOR(pg_catalog.=) '{kind}'"
