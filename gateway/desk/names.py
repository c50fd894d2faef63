"""What the name of a column says, in several languages and styles.

A name is taken apart into words (`customerEmail`, `customer_email`, `CUSTOMER-EMAIL`: customer, email), and the
longest known run of words tells. Words of several languages stand side by side: schemas mix them too.
"""

from __future__ import annotations

import re
import unicodedata

from gateway.desk.kinds import HARMLESS, Kind
from gateway.desk.name_table import PEOPLE, WORDS

_BY_RUN: dict[tuple[str, ...], Kind] = {}
for _kind, _listed in WORDS.items():
    for _run in _listed.split():
        _BY_RUN.setdefault(tuple(_run.split("_")), _kind)
#: Runs as one word, for names in small letters without any boundary (`emailaddress`, `dateofbirth`).
_BY_JOINED: dict[str, Kind] = {}
for _words, _kind in _BY_RUN.items():
    _BY_JOINED.setdefault("".join(_words), _kind)
_LONGEST = max(map(len, _BY_RUN))
_RANK = {kind: place for place, kind in enumerate(WORDS)}

_PLAIN_NAMES = frozenset({"name", "names", "nombre", "nome", "naam", "namn", "navn", "nimi", "imie", "jmeno"})
_UMLAUTS = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "ł": "l", "đ": "d", "ı": "i", "œ": "oe"})
_BOUNDARIES = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, in small letters without accents: `dateDeNaissance`, `DATE_DE_NAISSANCE`."""
    text = name[:200]
    parted = "_".join(_CAMEL.split(text))
    plain = unicodedata.normalize("NFKD", parted.lower().translate(_UMLAUTS))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return tuple(word for word in _BOUNDARIES.split(plain) if word)


def kinds_of_name(name: str, relation: str = "") -> tuple[Kind, ...]:
    """What a column of that name may hold, likeliest first; () where the name says nothing.

    The longest run of words wins: `email_verified` is a switch, `ip_address` is no street. Of runs of one
    length a sensitive reading stands before a harmless one.
    """
    words = words_of(name)
    found: list[tuple[int, int, Kind]] = []
    for length in range(min(_LONGEST, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            run = words[start : start + length]
            kind = (
                _BY_RUN.get(run) or _BY_JOINED.get("".join(run)) or _BY_RUN.get((*run[:-1], _without_number(run[-1])))
            )
            # One harmless word in a longer name is not enough: `type` says nothing of `blood_test_type_name`.
            if kind is not None and (kind not in HARMLESS or length == len(words) or start + length == len(words)):
                found.append((-length, _RANK[kind], kind))
    kinds = list(dict.fromkeys(kind for _, _, kind in sorted(found)))
    if not kinds and words and words[-1] in _PLAIN_NAMES and _is_about_people(words[:-1], relation):
        kinds.append(Kind.PERSON)
    return tuple(kinds)


def _without_number(word: str) -> str:
    """`email2`, `phone1`."""
    return word.rstrip("0123456789") or word


def _is_about_people(before: tuple[str, ...], relation: str) -> bool:
    return not PEOPLE.isdisjoint(before) or (not before and not PEOPLE.isdisjoint(words_of(relation)))
