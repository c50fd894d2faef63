"""PostgreSQL's own grammar at work: text to tree, tree to text, and the proof that both agree.

Trees are libpg_query's protobuf messages (`postgast.pg_query_pb2`, PostgreSQL 18), edited in
place and printed by libpg_query's deparser. No printer is trusted: what was printed is parsed
again and compared with the tree it came from.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from pglast import parser
from pglast.error import Error as PglastError

from masking.refusal import Forbidden, not_understood

#: The message classes. Imported by name, since mypy cannot read their stubs (keywords as names).
pg: Any = import_module("postgast.pg_query_pb2")

#: A protobuf message of the parse tree. The generated stubs are looser than our use of them.
Message = Any

#: Where a node stood in the text, and what follows from it: no part of a statement's meaning.
_PLACES = frozenset({"location", "stmt_len", "list_start", "list_end", "rexpr_list_start", "rexpr_list_end"})


def _allow_deep_messages() -> None:
    """upb refuses messages nested deeper than 100, about 48 operators in a row; libpg_query
    has a bound of its own (some 3,000 levels), and analyse.py one below that."""
    import_module("google._upb._message").SetAllowOversizeProtos(True)


_allow_deep_messages()


def _placeless() -> Message:
    """ParseResult without the fields that hold places: what is parsed into it can be compared."""
    file = descriptor_pb2.FileDescriptorProto()
    pg.DESCRIPTOR.CopyToProto(file)
    for message in file.message_type:
        kept = [f for f in message.field if f.name not in _PLACES and not f.name.endswith("_location")]
        del message.field[:]
        message.field.extend(kept)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(pg.ParseResult.DESCRIPTOR.full_name))


_PLACELESS = _placeless()

_TOO_DEEP = "parse tree is nested too deeply"


def parse(sql: str) -> Message:
    """The tree of a query string. Raises Forbidden 42601 with PostgreSQL's own words and place."""
    if "\0" in sql:
        raise Forbidden("22021", "encoding", 'invalid byte sequence for encoding "UTF8": 0x00')
    try:
        return pg.ParseResult.FromString(parser.parse_sql_protobuf(sql))
    except parser.ParseError as error:
        message = str(error.args[0])
        if _TOO_DEEP in message or "stack depth" in message or "memory exhausted" in message:
            raise too_deep() from None
        place = len(sql) if message.endswith("at end of input") else error.args[1]
        offset = len(sql[:place].encode()) if isinstance(place, int) and place >= 0 else None
        if message.startswith("invalid byte sequence"):
            raise Forbidden("22021", "encoding", message) from None
        raise Forbidden("42601", "syntax", message, offset=offset) from None
    except DecodeError:
        raise too_deep() from None


def too_deep() -> Forbidden:
    return Forbidden(
        "54001",
        "too-deep",
        "stack depth limit exceeded",
        detail="Rule: too-deep.",
        hint="The statement is nested too deeply to be judged; split it into smaller ones.",
    )


def print_tree(tree: Message) -> str:
    """The tree as SQL text, checked: parsed again, it is the same tree but for the places of its nodes.

    Raises Forbidden 0A000 "print-mismatch" when it is not.
    """
    meant = tree.SerializeToString()
    try:
        text = parser.deparse_protobuf(meant)
        printed = parser.parse_sql_protobuf(text)
    except (parser.ParseError, parser.DeparseError):
        raise _unfaithful() from None
    if not same(meant, printed):
        raise _unfaithful()
    return str(text)


def _unfaithful() -> Forbidden:
    return not_understood(
        "this statement cannot be printed faithfully, so it was not sent",
        hint="Write it in another form; the printed text did not read back as the statement that was judged.",
        rule="print-mismatch",
    )


def same(one: bytes, other: bytes) -> bool:
    """Do two serialised trees say the same, places aside?"""
    a, b = _PLACELESS.FromString(one), _PLACELESS.FromString(other)
    a.DiscardUnknownFields()
    b.DiscardUnknownFields()
    if a.version != b.version:
        return False
    # Equal octets are equal trees, and are compared faster than messages. Comparing messages stops at 64 levels
    # (it then says "different"), so the walk has the last word.
    return a.SerializeToString() == b.SerializeToString() or a == b or _same_by_walking(a, b)


def _same_by_walking(a: Message, b: Message) -> bool:
    pairs = [(a, b)]
    while pairs:
        one, other = pairs.pop()
        fields, others = one.ListFields(), other.ListFields()
        if len(fields) != len(others):
            return False
        for (field, value), (other_field, other_value) in zip(fields, others, strict=True):
            if field.number != other_field.number:
                return False
            if field.message_type is None:
                if value != other_value:
                    return False
            elif field.is_repeated:
                if len(value) != len(other_value):
                    return False
                pairs.extend(zip(value, other_value, strict=True))
            else:
                pairs.append((value, other_value))
    return True


# What the record may hold of a statement: its shape, without constants.

#: Kinds of node whose constants libpg_query's normalize() takes out, all of them.
NORMALIZED = frozenset({"select_stmt", "insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"})

#: A quote, a dollar quote, a comment: what a normalised text may still hide a constant in.
_SUSPICIOUS = re.compile(r"'|\$[^0-9]|\$$|--|/\*")
_CONSTANTS = frozenset({"SCONST", "USCONST", "BCONST", "XCONST", "ICONST", "FCONST"})
_COMMENTS = frozenset({"SQL_COMMENT", "C_COMMENT"})


def normalize(text: str, kind: str) -> str:
    """A statement's text with its constants struck and its comments left out.

    `kind` is the field name of the statement's node ("select_stmt"). Of a statement that
    normalize() does not know to the last constant, every constant becomes `?`.
    """
    if kind not in NORMALIZED:
        return _strike(text, _CONSTANTS)
    try:
        normalized = str(parser.normalize(text))
    except PglastError:
        return _strike(text, _CONSTANTS)
    if _SUSPICIOUS.search(normalized):
        return _strike(normalized, _CONSTANTS - {"ICONST"})
    return normalized


def _strike(text: str, constants: frozenset[str]) -> str:
    try:
        tokens = parser.scan(text)
    except PglastError:
        return ""
    pieces: list[str] = []
    last = 0
    for token in tokens:
        if token.name in constants or token.name in _COMMENTS:
            pieces.append(text[last : token.start])
            pieces.append("?" if token.name in constants else " ")
            last = token.end + 1
    pieces.append(text[last:])
    return " ".join("".join(pieces).split())


def fingerprint(text: str) -> str:
    """libpg_query's fingerprint: equal for statements that differ only in constants and layout."""
    try:
        return str(parser.fingerprint(text))
    except PglastError:
        return ""
