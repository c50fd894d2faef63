"""What is shown instead of a value: the SQL of each mask. docs/masks.md has all of them by type, with examples.

types        the types and their casts
constants    fixed
partial      partial, truncate
pseudonym    pseudonym
generalize   generalize
detect       detect, with detect_numbers
json_document  jsonpath, with json_paths
arrays       masks of text, number and time for each element of an array

Rules for all of them: the result has exactly the column's wire type, type modifier included (the outermost
cast); NULL stays NULL unless `hide_null`; no raw value, however odd, makes the expression raise an error; only
names of pg_catalog, spelled out, operators too. A name of its own inside a mask (a subselect's alias) is
qualified where it is used: the column is the only name without one.
"""

from __future__ import annotations

from masking.catalog import Column
from masking.masks.arrays import each
from masking.masks.constants import fixed, problem_fixed
from masking.masks.detect import detect
from masking.masks.generalize import generalize, problem_generalize
from masking.masks.json_document import document, problem_document
from masking.masks.partial import partial, problem_partial, problem_truncate, truncate
from masking.masks.pseudonym import problem_pseudonym, pseudonym
from masking.masks.types import default_collation, element_of, is_text, not_text, wire_type
from masking.policy import Mask, MaskKind

_OPTIONS: dict[MaskKind, frozenset[str]] = {
    MaskKind.CLEAR: frozenset(),
    MaskKind.NULL: frozenset(),
    MaskKind.FIXED: frozenset({"value"}),
    MaskKind.PARTIAL: frozenset({"keep_first", "keep_last", "style"}),
    MaskKind.PSEUDONYM: frozenset({"domain", "style", "length", "below"}),
    MaskKind.GENERALIZE: frozenset({"unit", "bucket", "prefix", "prefix6", "keep"}),
    MaskKind.TRUNCATE: frozenset({"length"}),
    MaskKind.DETECT: frozenset(),
    MaskKind.JSONPATH: frozenset({"rest"}),
}
#: Masks of which an array shows one for each element.
_OF_ELEMENTS = frozenset(MaskKind) - {MaskKind.CLEAR, MaskKind.NULL, MaskKind.FIXED}
#: What these make of NULL is NULL, so that hide_null takes a constant there.
_NULL_FOR_NULL = frozenset({MaskKind.GENERALIZE, MaskKind.TRUNCATE, MaskKind.DETECT})


def mask_expression(mask: Mask, column: Column, value: str, key_setting: str) -> str:
    """SQL text that stands for the column in its relation's masked subselect.

    `value` is SQL for the raw column, quoted and qualified as needed; `key_setting` names the custom setting
    that holds the session's mask key. The caller has asked `problem()` first; a mask that does not fit
    comes out as NULL. CLEAR returns `value` as it is.
    """
    if mask.kind is MaskKind.CLEAR:
        return value
    if mask.kind is MaskKind.NULL or problem(mask, column) is not None:
        return f"NULL::{wire_type(column)}"
    shown = _shown(mask, column, value, key_setting)
    if mask.hide_null and mask.kind in _NULL_FOR_NULL:
        shown = f"COALESCE(({shown})::{wire_type(column)}, {fixed(Mask(MaskKind.FIXED), column)})"
    elif not mask.hide_null:
        shown = f"CASE WHEN {value} IS NULL THEN NULL ELSE {shown} END"
    return f"({shown})::{wire_type(column)}{_collation(mask, column)}"


def problem(mask: Mask, column: Column) -> str | None:
    """Why the mask cannot apply to a column of this type; None if it can. For policy errors at load."""
    unknown = sorted(name for name, _ in mask.options if name not in _OPTIONS[mask.kind])
    if unknown:
        return f"mask {mask.kind} knows no option {', '.join(unknown)}"
    if mask.paths and mask.kind is not MaskKind.JSONPATH:
        return f"mask {mask.kind} knows no paths; jsonpath does"
    element = element_of(column) if mask.kind in _OF_ELEMENTS else None
    if element is not None:
        return problem(mask, element)
    match mask.kind:
        case MaskKind.CLEAR | MaskKind.NULL:
            return None
        case MaskKind.FIXED:
            return problem_fixed(mask, column)
        case MaskKind.PARTIAL:
            return problem_partial(mask, column)
        case MaskKind.PSEUDONYM:
            return problem_pseudonym(mask, column)
        case MaskKind.GENERALIZE:
            return problem_generalize(mask, column)
        case MaskKind.TRUNCATE:
            return problem_truncate(mask, column)
        case MaskKind.DETECT:
            return not_text(column)
        case MaskKind.JSONPATH:
            return problem_document(mask, column, problem)


def lookup_problem(column: Column) -> str | None:
    """Why rows cannot be looked up by a column of this type; None if they can. For policy errors at load."""
    if not column.has_equality or column.type_kind not in ("b", "e") or column.type_category == "A":
        return f"lookup needs a type of single values that can be equal, not {column.type_name}"
    return None


def _shown(mask: Mask, column: Column, value: str, key_setting: str) -> str:
    """The masked value of a value that is not NULL (or of any, if NULL is to be hidden), before the outermost cast."""
    element = element_of(column) if mask.kind in _OF_ELEMENTS else None
    if element is not None:
        return each(column, value, lambda item: mask_expression(mask, element, item, key_setting))
    match mask.kind:
        case MaskKind.FIXED:
            return fixed(mask, column)
        case MaskKind.PARTIAL:
            return partial(mask, value)
        case MaskKind.PSEUDONYM:
            return pseudonym(mask, column, value, key_setting)
        case MaskKind.GENERALIZE:
            return generalize(mask, column, value)
        case MaskKind.DETECT:
            return detect(value)
        case MaskKind.JSONPATH:
            return document(mask, column, value, lambda m, c, v: mask_expression(m, c, v, key_setting))
        case _:
            return truncate(mask, column, value)


def _collation(mask: Mask, column: Column) -> str:
    """Masks that match patterns compare in "C" (a nondeterministic collation cannot); give the column its own back."""
    plain = mask.kind is MaskKind.DETECT or (mask.kind is MaskKind.PARTIAL and mask.option("style") is not None)
    if not plain or not is_text(column):
        return ""
    return f" COLLATE {column.collation or default_collation(column)}"
