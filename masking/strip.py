"""The text of definitions without the data in it: literals struck, names and structure kept.

Defaults, CHECK constraints, view and function bodies and index predicates are written by people and
quote data. Everything here is SQL text of an expression over SQL text of an expression; it runs in the server.
"""

from __future__ import annotations

_KEEP_OPEN, _KEEP_CLOSE, _STRUCK = "\x01", "\x02", "\x03"

#: What takes a match's place: the identifier, or the struck mark between the literal's own quotes.
_MARKED = rf"\1\2\3{_STRUCK}\2\3"

#: nextval('…'::regclass) stays: SQLAlchemy and JDBC detect serial columns by it. Its quotes are
#: set aside as control characters before the literals are struck.
_NEXTVAL = r"nextval\('([^']+)'::regclass\)"
_NEXTVAL_KEPT = rf"nextval({_KEEP_OPEN}\1{_KEEP_CLOSE}::regclass)"

#: Left to right: a quoted identifier (kept as \1), an escape string, a plain string, a number.
_LITERAL = r"""("(?:[^"]|"")*")|\m[eE](')(?:[^'\\]|''|\\.)*'|(')(?:[^']|'')*'|\m[0-9][0-9A-Za-z_.]*"""
#: The same for source text that a person wrote: comments and dollar-quoted strings go too, and a
#: literal that never ends is struck to the end of the text.
_SOURCE_LITERAL = (
    r"""("(?:[^"]|"")*")|--[^\n]*|/[*](?:[^*]|[*]+[^*/])*(?:[*]+/|$)|\m[eE](')(?:[^'\\]|''|\\.)*(?:'|$)|(')(?:[^']|'')*(?:'|$)"""
    r"""|\$(?!function\$|procedure\$)[A-Za-z_0-9]*\$.*|\m[0-9][0-9A-Za-z_.]*"""
)


def quoted(text: str) -> str:
    """An SQL string literal, as PostgreSQL reads it while standard_conforming_strings is on."""
    return "'" + text.replace("'", "''") + "'"


def _strip(text: str, pattern: str) -> str:
    kept = f"pg_catalog.regexp_replace({text}, {quoted(_NEXTVAL)}, {quoted(_NEXTVAL_KEPT)}, 'g')"
    marked = f"pg_catalog.regexp_replace({kept}, {quoted(pattern)}, {quoted(_MARKED)}, 'g')"
    identifiers = f"pg_catalog.replace({marked}, {quoted(chr(34) + _STRUCK)}, {quoted(chr(34))})"
    struck = f"pg_catalog.replace({identifiers}, {quoted(_STRUCK)}, '***')"
    return f"pg_catalog.translate({struck}, {quoted(_KEEP_OPEN + _KEEP_CLOSE)}, '''''')"


def strip_literals(text: str) -> str:
    """SQL text of an expression: `text` (SQL of type text that PostgreSQL deparsed) with its literals struck.

    `status = 'gold' AND total > 100` comes out as `status = '***' AND total > ***`; NULL stays NULL;
    identifiers and `nextval('…'::regclass)` stay. All calls are schema-qualified; a call is outermost,
    so the result may stand in FROM.
    """
    return _strip(text, _LITERAL)


def strip_source(text: str) -> str:
    """As strip_literals, for source text in SQL or PL/pgSQL as its author wrote it: comments go too."""
    return _strip(text, _SOURCE_LITERAL)


def strip_function(text: str) -> str:
    """SQL text of an expression: pg_get_functiondef's answer with its literals struck.

    The body of a function in a language other than SQL, PL/pgSQL, C and internal is left out.
    """
    readable = quoted(r"(?n)^ LANGUAGE (sql|plpgsql|c|internal)\M")
    body, no_body = quoted(r"\nAS .*"), quoted("\nAS ***")
    header = f"pg_catalog.regexp_replace({text}, {body}, {no_body})"
    return (
        f"CASE WHEN {text} OPERATOR(pg_catalog.~) {readable} THEN {strip_source(text)} "
        f"ELSE {strip_literals(header)} END"
    )
