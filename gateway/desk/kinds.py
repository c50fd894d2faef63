"""What a column can hold, as far as its classification goes, and which mask is proposed for it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from masking.catalog import Column
from masking.masks import problem
from masking.masks.types import is_text
from masking.policy import CLEAR, Mask, MaskKind

INTEGERS = frozenset({20, 21, 23})
NUMBERS = frozenset({*INTEGERS, 700, 701, 1700})
TIMES = frozenset({1082, 1114, 1184})
ADDRESSES = frozenset({869, 650})
JSON = frozenset({114, 3802})
BYTEA, UUID, BOOL, MONEY, XML, TSVECTOR = 17, 2950, 16, 790, 142, 3614
HARDWARE = frozenset({829, 774})
GEOMETRY = frozenset({600, 601, 602, 603, 604, 628, 718})


class Kind(StrEnum):
    """The value is the words that a reason uses."""

    SECRET = "a secret"  # noqa: S105
    NATIONAL_ID = "a national or personal id"
    SENSITIVE = "health, faith, origin or another special category"
    CARD = "a card number"
    IBAN = "a bank account"
    EMAIL = "an e-mail address"
    PHONE = "a telephone number"
    BIRTH = "a date of birth"
    PERSON = "a person's name"
    PERSON_REFERENCE = "who did it"
    USERNAME = "a login name"
    IP = "a network address"
    DEVICE = "a device or browser"
    COORDINATE = "a position"
    POSTCODE = "a postcode"
    CITY = "a place"
    ADDRESS = "a postal address"
    PAY = "somebody's money"
    FREE_TEXT = "free text"
    DOCUMENT = "a document with fields of any kind"
    BINARY = "binary data"
    KEY = "a key"
    #: The harmless ones: what a reason for "clear" can rest on.
    MOMENT = "when a row was made or changed"
    STATUS = "a status or category"
    AMOUNT = "an amount or count of goods"
    CODE = "a code of a currency, country or language"
    FLAG = "a switch"


HARMLESS = frozenset({Kind.MOMENT, Kind.STATUS, Kind.AMOUNT, Kind.CODE, Kind.FLAG})

NULL = Mask(MaskKind.NULL)
PSEUDONYM = Mask(MaskKind.PSEUDONYM)


def _partial(**options: str | int) -> Mask:
    return Mask(MaskKind.PARTIAL, tuple(options.items()))


def _generalize(**options: str | int) -> Mask:
    return Mask(MaskKind.GENERALIZE, tuple(sorted(options.items())))


#: The masks that are tried for each kind, best first; NULL, which fits everything, comes last by itself.
_WANTED: dict[Kind, tuple[Mask, ...]] = {
    Kind.CARD: (_partial(style="card"),),
    Kind.IBAN: (_partial(keep_last=4),),
    Kind.EMAIL: (_partial(style="email"),),
    Kind.PHONE: (_partial(keep_last=2),),
    Kind.BIRTH: (_generalize(unit="year"), _generalize(bucket=10)),
    Kind.PERSON: (_partial(keep_first=1),),
    Kind.PERSON_REFERENCE: (PSEUDONYM,),
    Kind.USERNAME: (PSEUDONYM,),
    Kind.IP: (_generalize(prefix=24, prefix6=48),),
    Kind.POSTCODE: (Mask(MaskKind.TRUNCATE, (("length", 2),)),),
    Kind.CITY: (PSEUDONYM,),
    Kind.PAY: (_generalize(bucket=10_000), _generalize(bucket=1_000), _generalize(bucket=100)),
    Kind.KEY: (PSEUDONYM,),
    Kind.FREE_TEXT: (Mask(MaskKind.DETECT),),
}


def masks_for(kind: Kind, column: Column) -> Iterator[Mask]:
    """The masks for a column of that kind that fit its type, best first; CLEAR for a harmless one."""
    if kind in HARMLESS:
        yield CLEAR
        return
    yield from (mask for mask in _WANTED.get(kind, ()) if problem(mask, column) is None)
    yield NULL


def fits(kind: Kind, column: Column) -> bool:
    """Can a column of this type hold this at all? `email_verified_at` is no e-mail address."""
    oid = column.type_oid
    match kind:
        case Kind.MOMENT:
            return oid in TIMES
        case Kind.FLAG:
            return oid == BOOL
        case Kind.AMOUNT:
            return oid in NUMBERS or oid == MONEY
        case Kind.STATUS | Kind.CODE:
            return is_text(column) or column.type_kind == "e"
        case Kind.BIRTH:
            return oid in TIMES or is_text(column) or oid in INTEGERS
        case Kind.PAY | Kind.COORDINATE:
            return oid in NUMBERS or oid == MONEY or is_text(column) or oid in GEOMETRY
        case Kind.SECRET | Kind.DEVICE | Kind.PERSON_REFERENCE | Kind.USERNAME | Kind.KEY:
            return is_text(column) or oid in (UUID, BYTEA, *INTEGERS, *JSON, *HARDWARE)
        case Kind.SENSITIVE:
            return True
        case Kind.IP:
            return oid in ADDRESSES or is_text(column)
        case Kind.FREE_TEXT | Kind.EMAIL | Kind.PERSON | Kind.CITY | Kind.ADDRESS:
            return is_text(column) or oid in JSON or column.type_category == "A"
        case _:
            return is_text(column) or oid in (BYTEA, *NUMBERS)
