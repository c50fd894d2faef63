"""What sampled values look like, as shares. Values come in and only counts go out: nothing here keeps, raises or
returns a value.

Every pattern is linear in the length of the value, which the caller has cut.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from gateway.desk.kinds import Kind

#: Longer values are cut before they are looked at.
LONGEST = 300
#: What stands inside a longer text is looked for in texts from this length on.
_SENTENCE = 12

_EMAIL = re.compile(r"[^\s@<>()\"',;:]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_PHONE = re.compile(r"(?<![\w.-])(?:\+|00?)?[0-9(][0-9 ()./-]{5,22}[0-9](?![\w-])")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?")
_DIGITS = re.compile(r"[0-9](?:[ -]?[0-9]){12,18}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.?[A-Za-z0-9_-]*")
_KEY = re.compile(
    r"(?:\b(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{8,}|\bAKIA[A-Z0-9]{12,}|\bgh[pousr]_[A-Za-z0-9]{16,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{8,}|\bAIza[A-Za-z0-9_-]{20,}|-----BEGIN [A-Z ]{0,30}PRIVATE KEY)"
)
_HASH = re.compile(
    r"(?:[0-9a-fA-F]{32,128}|\$(?:2[aby]|argon2(?:id|i|d)|pbkdf2[a-z0-9-]*|scrypt|[156]|y)\$.{8,}"
    r"|SCRAM-SHA-256\$.{8,}|md5[0-9a-f]{32}|pbkdf2_sha256\$.{8,}|\{S?SHA\d*\}.{8,})"
)
_SSN = re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}")
_MAC = re.compile(r"[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}")
_COORDINATES = re.compile(r"\(?-?[0-9]{1,2}\.[0-9]{3,12}\s?[,; ]\s?-?[0-9]{1,3}\.[0-9]{3,12}\)?")
_NAME = r"[^\W\d_](?:[^\W\d_]|['’-]){0,24}\.?"
_PERSON = re.compile(rf"(?:(?:Dr|Prof|Mr|Mrs|Ms|Herr|Frau)\.? )?{_NAME}(?: {_NAME}){{1,3}}")
_IP = re.compile(r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9.])")


@dataclass(frozen=True, slots=True)
class Shares:
    """What a sample of one column came to."""

    #: Rows that were looked at, values that were not NULL among them, and how many of those differ.
    rows: int = 0
    values: int = 0
    distinct: int = 0
    #: Share of the values that are such a thing as a whole, and of those that hold one inside a longer text.
    whole: Mapping[Kind, float] = field(default_factory=dict)
    within: Mapping[Kind, float] = field(default_factory=dict)
    #: Share of values that are universally unique ids, and of those with several words.
    uuids: float = 0.0
    sentences: float = 0.0

    @property
    def codes(self) -> bool:
        """As many different values as there are countries, say, each of them often."""
        return self.values >= 50 and self.distinct <= 60 and self.distinct * 3 <= self.values

    @property
    def few(self) -> bool:
        """So few different values that they are a list of codes rather than data of somebody."""
        return self.values >= 50 and self.distinct <= 12 and self.distinct * 10 <= self.values


def shares_of(values: Iterable[str | None]) -> Shares:
    """Count. `values` are texts as PostgreSQL shows them, None for NULL."""
    rows = uuids = sentences = count = 0
    distinct: set[int] = set()
    whole: Counter[Kind] = Counter()
    within: Counter[Kind] = Counter()
    for value in values:
        rows += 1
        if value is None or not value.strip():
            continue
        count += 1
        text = value.strip()[:LONGEST]
        distinct.add(hash(text))
        uuids += _UUID.fullmatch(text) is not None
        sentences += text.count(" ") >= 3
        whole.update(kind for kind, looks in _WHOLE if looks(text))
        if len(text) >= _SENTENCE:
            # Digits inside a UUID are nobody's telephone.
            rest = _UUID.sub(" ", text)
            within.update(kind for kind, holds in _WITHIN if holds(rest))
    if not count:
        return Shares(rows=rows)
    return Shares(
        rows=rows,
        values=count,
        distinct=len(distinct),
        whole={kind: found / count for kind, found in whole.items()},
        within={kind: found / count for kind, found in within.items()},
        uuids=uuids / count,
        sentences=sentences / count,
    )


# --- what a value is as a whole ------------------------------------------------------------


def _is_email(text: str) -> bool:
    return _EMAIL.fullmatch(text) is not None


def _is_phone(text: str) -> bool:
    """Digits alone are a number like any other: a phone has a plus, a leading zero, or digits in groups."""
    if _PHONE.fullmatch(text) is None or not 7 <= sum(map(str.isdigit, text)) <= 15:
        return False
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]+\.[0-9]+|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}", text):
        return False  # a date or a number
    return text[0] in "+0(" or any(mark in text for mark in " -/")


def _is_card(text: str) -> bool:
    return _DIGITS.fullmatch(text) is not None and _luhn(text)


def _luhn(text: str) -> bool:
    """ISO/IEC 7812: every second digit from the right doubled; cards begin with 2 to 6 (and 1, 0 never)."""
    digits = [int(digit) for digit in text if digit.isdigit()]
    if not 13 <= len(digits) <= 19 or digits[0] not in (2, 3, 4, 5, 6):
        return False
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (doubled + sum(digits[-1::-2])) % 10 == 0


def _is_iban(text: str) -> bool:
    return _IBAN.fullmatch(text) is not None and _mod_97(text)


def _mod_97(text: str) -> bool:
    """ISO 13616: the first four characters moved to the end, letters as numbers, remainder 1."""
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1


def _is_ip(text: str) -> bool:
    if text.count(".") != 3 and text.count(":") < 2:
        return False
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return True


def _is_secret(text: str) -> bool:
    return (
        _JWT.fullmatch(text) is not None or _HASH.fullmatch(text) is not None or _KEY.match(text) is not None
    ) and _UUID.fullmatch(text) is None


def _is_person(text: str) -> bool:
    """Two to four words that all begin with a capital letter."""
    return _PERSON.fullmatch(text) is not None and all(word[0].isupper() for word in text.split())


_WHOLE: tuple[tuple[Kind, Callable[[str], bool]], ...] = (
    (Kind.EMAIL, _is_email),
    (Kind.CARD, _is_card),
    (Kind.IBAN, _is_iban),
    (Kind.NATIONAL_ID, lambda text: _SSN.fullmatch(text) is not None),
    (Kind.PHONE, lambda text: _is_phone(text) and _SSN.fullmatch(text) is None and not _is_card(text)),
    (Kind.IP, _is_ip),
    (Kind.DEVICE, lambda text: _MAC.fullmatch(text) is not None),
    (Kind.COORDINATE, lambda text: _COORDINATES.fullmatch(text) is not None),
    (Kind.SECRET, _is_secret),
    (Kind.PERSON, _is_person),
)

# --- what a text holds ----------------------------------------------------------------------


def _holds_phone(text: str) -> bool:
    return any(_is_phone(found[0].strip()) for found in _PHONE.finditer(text))


_WITHIN: tuple[tuple[Kind, Callable[[str], bool]], ...] = (
    (Kind.EMAIL, lambda text: _EMAIL.search(text) is not None),
    # A long number alone is a number: one in ten passes Luhn's check.
    (Kind.CARD, lambda text: _DIGITS.fullmatch(text) is None and any(map(_luhn, _DIGITS.findall(text)))),
    (Kind.IBAN, lambda text: any(_mod_97(found[0]) for found in _IBAN.finditer(text))),
    (Kind.NATIONAL_ID, lambda text: _SSN.search(text) is not None),
    (Kind.PHONE, _holds_phone),
    (Kind.IP, lambda text: any(_is_ip(found[0]) for found in _IP.finditer(text))),
    (Kind.SECRET, lambda text: _JWT.search(text) is not None or _KEY.search(text) is not None),
)
