"""One judgement for all statements that differ only in constants.

A statement whose constants were taken out and passed as parameters means the same, and its verdict
holds for whatever is passed. So such a statement is judged once with `$1`, `$2`, … in place of its
constants, and later ones of the same shape get the printed text of that judgement with their own
constants in it. PostgreSQL's scanner (through libpg_query) finds the constants; only plain ones count,
which every server version reads alike:

    SELECT id FROM t WHERE id = 42 AND name = 'x'     shape: SELECT id FROM t WHERE id = I AND name = S
    SELECT id FROM public.t WHERE id = $1 AND …       judged and printed
    SELECT id FROM public.t WHERE id =  43  AND …     filled for the next one

Where a constant is no value (`GROUP BY 1`, a type modifier, the name of a setting), there is no template.
"""

from __future__ import annotations

from dataclasses import dataclass

from pglast import parser
from pglast.error import Error

from masking.catalog import Catalog
from masking.nodes import message_children
from masking.parse import Message, parse, same
from masking.policy import RolePolicy
from masking.refusal import Forbidden
from masking.review import review
from masking.verdict import Passed, Refused, Rewritten

CONSTANTS = frozenset({"ICONST", "FCONST", "SCONST"})
#: Tokens that stand for values in other ways; a text with one of these has no shape.
OTHER_VALUES = frozenset({"PARAM", "BCONST", "XCONST", "USCONST"})
#: Clauses in which a bare number means a column of the result.
ORDINALS = ("group_clause", "sort_clause", "distinct_clause")
MOST_CONSTANTS = 200
#: A number of so many digits is an integer for every scanner.
MOST_DIGITS = 9
_FLOAT = frozenset("0123456789.eE+-")


@dataclass(frozen=True, slots=True)
class Shape:
    """A query string without its constants. `key` is equal for strings that differ only in these."""

    key: tuple[str, ...]
    constants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A judged statement with room for constants."""

    verdict: Passed | Rewritten
    #: The printed text between the places, and which constant goes into each place.
    pieces: tuple[str, ...]
    places: tuple[int, ...]

    @property
    def weight(self) -> int:
        """Roughly the bytes that it takes."""
        return 4 * sum(map(len, self.pieces)) + 64 * len(self.pieces)

    def fill(self, constants: tuple[str, ...]) -> str:
        """The text to send for these constants, each set apart by spaces: `a - -1` must not become `a --1`."""
        parts = [self.pieces[0]]
        for place, piece in zip(self.places, self.pieces[1:], strict=True):
            parts += (" ", constants[place], " ", piece)
        return "".join(parts)


def shape_of(sql: str) -> Shape | None:
    """The shape of a query string, or None when it has none that could be shared."""
    try:
        tokens = parser.scan(sql)
    except Error:
        return None
    key: list[str] = []
    constants: list[str] = []
    last = 0
    for token in tokens:
        name = token.name
        if name in OTHER_VALUES:
            return None
        if name not in CONSTANTS:
            continue
        text = sql[token.start : token.end + 1]
        if not _plain(name, text):
            return None
        key += (sql[last : token.start], name)
        constants.append(text)
        last = token.end + 1
    if not constants or len(constants) > MOST_CONSTANTS:
        return None
    key.append(sql[last:])
    return Shape(tuple(key), tuple(constants))


def normal_form(sql: str) -> str | None:
    """The text with `$1`, `$2`, … in place of its constants, as libpg_query's normaliser writes it; None when
    it cannot be read, or when a `$` of its own could be taken for such a place.

    It costs a third of a shape, so it is asked first (`Numbered`).
    """
    if "$" in sql:
        return None
    try:
        return str(parser.normalize(sql))
    except Error:
        return None


@dataclass(frozen=True, slots=True)
class Numbered:
    """What the texts of one normal form look like when all their constants are whole numbers."""

    #: What stands before, between and after the numbers.
    pieces: tuple[str, ...]

    def constants(self, sql: str) -> tuple[str, ...] | None:
        """The numbers in a text of this normal form; None unless the text is the pieces and plain numbers of
        up to nine digits between them. The scanner reads such a text as it has read the template's own:
        what comes before and after each number is the same, and every version reads the number alike."""
        pieces = self.pieces
        position = len(pieces[0])
        found: list[str] = []
        for piece in pieces[1:]:
            end = sql.find(piece, position) if piece else len(sql)
            number = sql[position:end]
            if not (0 < len(number) <= MOST_DIGITS and number.isascii() and number.isdigit()):
                return None
            found.append(number)
            position = end + len(piece)
        return tuple(found) if position == len(sql) and sql.startswith(pieces[0]) else None


def numbered(shape: Shape, normal: str) -> Numbered | None:
    """The quick way to the template of this shape, when its constants are whole numbers and the normal form has a place
    for each of them and nothing else."""
    pieces, kinds = shape.key[::2], shape.key[1::2]
    if set(kinds) != {"ICONST"} or any(len(constant) > MOST_DIGITS for constant in shape.constants):
        return None
    expected = "".join(f"{piece}${index}" for index, piece in enumerate(pieces[:-1], 1)) + pieces[-1]
    return Numbered(pieces) if normal == expected else None


def template_of(shape: Shape, sql: str, policy: RolePolicy, catalog: Catalog) -> Template | None:
    """The template for all statements of this shape, `sql` being one of them; None when a constant matters."""
    asked = "".join(piece if index % 2 == 0 else f" ${index // 2 + 1} " for index, piece in enumerate(shape.key))
    verdicts = review(asked, policy, catalog).verdicts
    if len(verdicts) != 1 or isinstance(verdicts[0], Refused):
        return None
    template = _cut(verdicts[0], len(shape.constants))
    whole = review(sql, policy, catalog).verdicts
    if template is None or len(whole) != 1 or isinstance(whole[0], Refused):
        return None
    try:
        if _has_ordinals(parse(asked)):
            return None
        filled, meant = parse(template.fill(shape.constants)), parse(whole[0].text)
    except Forbidden:
        return None
    if not same(filled.SerializeToString(), meant.SerializeToString()):
        return None
    return Template(whole[0], template.pieces, template.places)


def _plain(name: str, text: str) -> bool:
    """Is this constant read alike by every server version? No `0x1F`, `1_000`, `E'…'`, `'a' 'b'`."""
    if name == "ICONST":
        return text.isascii() and text.isdigit()
    if name == "FCONST":
        return _FLOAT.issuperset(text)
    return len(text) >= 2 and text[0] == "'" == text[-1] and "'" not in text[1:-1].replace("''", "")


def _cut(verdict: Passed | Rewritten, constants: int) -> Template | None:
    """Cut the printed text at its parameters; each constant must have come through."""
    try:
        tokens = parser.scan(verdict.text)
    except Error:
        return None
    pieces: list[str] = []
    places: list[int] = []
    last = 0
    for token in tokens:
        if token.name == "PARAM":
            pieces.append(verdict.text[last : token.start])
            places.append(int(verdict.text[token.start + 1 : token.end + 1]) - 1)
            last = token.end + 1
    pieces.append(verdict.text[last:])
    if set(places) != set(range(constants)):
        return None
    return Template(verdict, tuple(pieces), tuple(places))


def _has_ordinals(tree: Message) -> bool:
    todo = [tree]
    while todo:
        message = todo.pop()
        for field, value in message.ListFields():
            if field.name in ORDINALS and any(_is_parameter(node) for node in value):
                return True
        todo.extend(message_children(message))
    return False


def _is_parameter(node: Message) -> bool:
    """Is it a bare number here, or one inside ROLLUP, GROUPING SETS or a list in parentheses?"""
    if node.HasField("sort_by"):
        node = node.sort_by.node
    if node.HasField("grouping_set"):
        return any(_is_parameter(item) for item in node.grouping_set.content)
    if node.HasField("row_expr"):
        return any(_is_parameter(item) for item in node.row_expr.args)
    return bool(node.HasField("param_ref"))
