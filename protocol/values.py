"""A value in PostgreSQL's binary format, as the text that PostgreSQL would show (PG manual, 55.7: format codes;
the formats themselves are those of the types' send functions).

What is of no type in here, or not of the form that its type has, is nobody's to guess: None.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import partial
from math import isfinite
from struct import Struct, error, pack
from uuid import UUID

from protocol import times

Reader = Callable[[bytes], str]

_UINT16 = Struct(">H").unpack_from
_INT32 = Struct(">i").unpack_from
_UINT32 = Struct(">I").unpack_from
_ELEMENT = Struct(">Ii").unpack_from
_NUMERIC = Struct(">HhHH").unpack_from
_FLOAT4, _FLOAT8 = Struct(">f").unpack, Struct(">d").unpack
_POINT = Struct(">dd").unpack_from

#: How many digits a float may have before its point until it is written with an exponent (float.h's FLT_DIG, DBL_DIG).
_FLOAT4_DIGITS, _FLOAT8_DIGITS = 6, 15
#: Arrays, rows and ranges hold values that hold values.
_DEEPEST = 32
_MOST_DIMENSIONS = 6

#: array_out, record_out and range_out quote what these stand in.
_BLANKS = " \t\n\r\v\f"
_QUOTED_IN_ARRAYS = frozenset('{},"\\' + _BLANKS)
_QUOTED_IN_ROWS = frozenset('(),"\\' + _BLANKS)
_QUOTED_IN_RANGES = frozenset('()[],"\\' + _BLANKS)


class _Unknown(ValueError):
    """Not of a type that is known here, or not of its form."""


def text_of(type_oid: int, data: bytes) -> str | None:
    """The text of a value of this type in binary format; None where that cannot be told."""
    reader = READERS.get(type_oid)
    if reader is None:
        return None
    try:
        return reader(data)
    except (ValueError, error, IndexError, OverflowError, RecursionError):
        return None


def shown(type_oid: int, data: bytes) -> str:
    """The same, and what cannot be told as hex digits after "\\x"."""
    text = text_of(type_oid, data)
    return "\\x" + data.hex() if text is None else text


def _bool(data: bytes) -> str:
    if len(data) != 1:
        raise _Unknown
    return "t" if data[0] else "f"


def _integer(unpack: Callable[[bytes], tuple[int]], data: bytes) -> str:
    return str(unpack(data)[0])


def _text(data: bytes) -> str:
    return data.decode("utf-8")


def _bytea(data: bytes) -> str:
    return "\\x" + data.hex()


def _char(data: bytes) -> str:
    [byte] = data
    return "" if byte == 0 else chr(byte) if byte < 0x80 else f"\\{byte:03o}"


def _float(unpack: Callable[[bytes], tuple[float]], digits: int, data: bytes) -> str:
    (number,) = unpack(data)
    if number != number:
        return "NaN"
    if not isfinite(number):
        return "Infinity" if number > 0 else "-Infinity"
    if digits == _FLOAT8_DIGITS:
        return _shortest(repr(number), digits)
    # The shortest text that reads back as this one of four bytes; the largest numbers rounded up are none.
    texts = (f"{number:.{precision}e}" for precision in range(9))
    return _shortest(next(text for text in texts if abs(float(text)) < 2**128 - 2**103 and _same(text, data)), digits)


def _same(text: str, data: bytes) -> bool:
    return pack(">f", float(text)) == data


def _shortest(text: str, digits: int) -> str:
    """A float's shortest digits, laid out as PostgreSQL does."""
    sign = "-" if text[0] == "-" else ""
    mantissa, _, exponent = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    number = whole + fraction
    stripped = number.lstrip("0")
    power = (int(exponent) if exponent else 0) + len(whole) - 1 - (len(number) - len(stripped))
    number = stripped.rstrip("0")
    if not number:
        return sign + "0"
    if -4 <= power < digits:
        if power < 0:
            return f"{sign}0.{'0' * (-power - 1)}{number}"
        if len(number) <= power + 1:
            return sign + number.ljust(power + 1, "0")
        return f"{sign}{number[: power + 1]}.{number[power + 1 :]}"
    point = f"{number[0]}.{number[1:]}" if len(number) > 1 else number
    return f"{sign}{point}e{'-' if power < 0 else '+'}{abs(power):02}"


def _numeric(data: bytes) -> str:
    """Digits to the base of 10,000; `weight` is the place of the first, `scale` how many decimals are shown."""
    count, weight, sign, scale = _NUMERIC(data)
    if len(data) != 8 + 2 * count:
        raise _Unknown
    if sign in (0xC000, 0xD000, 0xF000):
        return {0xC000: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"}[sign]
    digits = "".join([f"{_UINT16(data, 8 + 2 * index)[0]:04}" for index in range(count)])
    point = 4 * (weight + 1)
    if point < 0:
        digits, point = "0" * -point + digits, 0
    whole = digits[:point].ljust(point, "0").lstrip("0") or "0"
    fraction = digits[point : point + scale].ljust(scale, "0")
    return ("-" if sign == 0x4000 else "") + whole + (f".{fraction}" if scale else "")


def _money(data: bytes) -> str:
    """Without a currency: which one it is depends on the server's locale."""
    (cents,) = Struct(">q").unpack(data)
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def _uuid(data: bytes) -> str:
    return str(UUID(bytes=data))


def _versioned(data: bytes) -> str:
    """jsonb and jsonpath: a version, then text."""
    if data[:1] != b"\1":
        raise _Unknown
    return data[1:].decode("utf-8")


def _address(data: bytes, *, cidr: bool = False) -> str:
    """inet and cidr: family, bits, is it a cidr, size; the address."""
    family, bits, _, size = data[:4]
    if len(data) != 4 + size or (family, size) not in ((2, 4), (3, 16)):
        raise _Unknown
    packed = data[4:]
    address = ipaddress.IPv4Address(packed) if size == 4 else ipaddress.IPv6Address(packed)
    mapped = size == 16 and packed.startswith(bytes(10) + b"\xff\xff")
    text = f"::ffff:{ipaddress.IPv4Address(packed[12:])}" if mapped else str(address)
    return text if bits == 8 * size and not cidr else f"{text}/{bits}"


def _mac(size: int, data: bytes) -> str:
    if len(data) != size:
        raise _Unknown
    return data.hex(":")


def _bits(data: bytes) -> str:
    (count,) = _INT32(data)
    if count < 0 or len(data) != 4 + (count + 7) // 8:
        raise _Unknown
    return "".join([f"{byte:08b}" for byte in data[4:]])[:count]


def _lsn(data: bytes) -> str:
    high, low = Struct(">II").unpack(data)
    return f"{high:X}/{low:X}"


def _tid(data: bytes) -> str:
    return "({},{})".format(*Struct(">IH").unpack(data))


def _points(data: bytes, at: int = 0) -> list[str]:
    if (len(data) - at) % 16:
        raise _Unknown
    pairs = [_POINT(data, place) for place in range(at, len(data), 16)]
    return [f"({_shortest(repr(x), _FLOAT8_DIGITS)},{_shortest(repr(y), _FLOAT8_DIGITS)})" for x, y in pairs]


def _point(data: bytes) -> str:
    [point] = _points(data)
    return point


def _nothing(data: bytes) -> str:
    return ""


def _nested(depth: int, type_oid: int, data: bytes) -> str:
    """What stands inside of something. Raises _Unknown where that cannot be told."""
    if depth >= _DEEPEST:
        raise _Unknown
    nesting = NESTING.get(type_oid)
    if nesting is not None:
        return nesting(data, depth + 1)
    reader = READERS.get(type_oid)
    if reader is None:
        raise _Unknown
    return reader(data)


def _array(data: bytes, depth: int = 0) -> str:
    """Dimensions, has it NULLs, the elements' type; each dimension's size and lower bound; the elements."""
    (dimensions,) = _INT32(data)
    (element,) = _UINT32(data, 8)
    if not 0 <= dimensions <= _MOST_DIMENSIONS:
        raise _Unknown
    sizes, bounds, position = [], [], 12
    for _ in range(dimensions):
        size, bound = Struct(">ii").unpack_from(data, position)
        sizes.append(size)
        bounds.append(bound)
        position += 8
    texts: list[str] = []
    while position < len(data):
        (length,) = _INT32(data, position)
        position += 4
        if length < 0:
            texts.append("NULL")
            continue
        if position + length > len(data):
            raise _Unknown
        text = _nested(depth, element, data[position : position + length])
        position += length
        bare = text and text.upper() != "NULL" and _QUOTED_IN_ARRAYS.isdisjoint(text)
        texts.append(text if bare else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
    if not texts and (not dimensions or 0 in sizes):
        return "{}"
    for size in reversed(sizes):
        if size <= 0 or len(texts) % size:
            raise _Unknown
        texts = ["{" + ",".join(texts[at : at + size]) + "}" for at in range(0, len(texts), size)]
    [whole] = texts
    if all(bound == 1 for bound in bounds):
        return whole
    edges = [f"[{bound}:{bound + size - 1}]" for size, bound in zip(sizes, bounds, strict=True)]
    return f"{''.join(edges)}={whole}"


def _vector(data: bytes, depth: int = 0) -> str:
    return _array(data, depth).rpartition("=")[2].strip("{}").replace(",", " ")


def _row(data: bytes, depth: int = 0) -> str:
    """A number of columns; of each its type and its value."""
    (count,) = _INT32(data)
    texts, position = [], 4
    for _ in range(count):
        type_oid, length = _ELEMENT(data, position)
        position += 8
        if length < 0:
            texts.append("")
            continue
        if position + length > len(data):
            raise _Unknown
        text = _nested(depth, type_oid, data[position : position + length])
        position += length
        texts.append(_quoted(text, _QUOTED_IN_ROWS))
    if position != len(data):
        raise _Unknown
    return f"({','.join(texts)})"


def _quoted(text: str, special: frozenset[str]) -> str:
    if text and special.isdisjoint(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'


_EMPTY, _LOWER_IN, _UPPER_IN, _NO_LOWER, _NO_UPPER = 1, 2, 4, 8, 16


def _range(subtype: int, data: bytes, depth: int = 0) -> str:
    """Flags, then the bounds that there are."""
    flags, position = data[0], 1
    if flags & _EMPTY:
        return "empty"
    bounds = ["", ""]
    for index, missing in enumerate((_NO_LOWER, _NO_UPPER)):
        if flags & missing:
            continue
        (length,) = _INT32(data, position)
        position += 4
        if length < 0 or position + length > len(data):
            raise _Unknown
        text = _nested(depth, subtype, data[position : position + length])
        bounds[index] = _quoted(text, _QUOTED_IN_RANGES)
        position += length
    if position != len(data):
        raise _Unknown
    return f"{'[' if flags & _LOWER_IN else '('}{bounds[0]},{bounds[1]}{']' if flags & _UPPER_IN else ')'}"


def _multirange(subtype: int, data: bytes, depth: int = 0) -> str:
    (count,) = _INT32(data)
    texts, position = [], 4
    for _ in range(count):
        (length,) = _INT32(data, position)
        position += 4
        if length < 0 or position + length > len(data):
            raise _Unknown
        texts.append(_range(subtype, data[position : position + length], depth))
        position += length
    if position != len(data):
        raise _Unknown
    return "{" + ",".join(texts) + "}"


_INTEGERS = {size: Struct(form).unpack for size, form in {2: ">h", 4: ">i", 8: ">q", -4: ">I", -8: ">Q"}.items()}
_INT2, _INT4, _INT8, _UINT4, _UINT8 = (partial(_integer, _INTEGERS[size]) for size in (2, 4, 8, -4, -8))

#: By the type's OID (pg_type.dat). text, bpchar, varchar, name, unknown, json and xml are their own text.
READERS: dict[int, Reader] = {
    16: _bool, 17: _bytea, 18: _char, 20: _INT8, 21: _INT2, 23: _INT4,
    **dict.fromkeys((19, 25, 114, 142, 705, 1042, 1043), _text),
    # oid, xid, cid, and the names that are numbers: regproc to regcollation.
    **dict.fromkeys((26, 28, 29, 24, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096, 4191), _UINT4),
    27: _tid, 5069: _UINT8, 3220: _lsn, 600: _point,
    700: partial(_float, _FLOAT4, _FLOAT4_DIGITS), 701: partial(_float, _FLOAT8, _FLOAT8_DIGITS),
    1700: _numeric, 790: _money,
    1082: times.date, 1083: times.time, 1266: times.time_with_zone, 1114: times.timestamp,
    1184: times.timestamp_with_zone, 1186: times.interval,
    2950: _uuid, 3802: _versioned, 4072: _versioned,
    869: _address, 650: partial(_address, cidr=True), 829: partial(_mac, 6), 774: partial(_mac, 8),
    1560: _bits, 1562: _bits, 2278: _nothing,
}  # fmt: skip

#: Range types, and what each is a range of; then the types of several ranges.
RANGES = {3904: 23, 3906: 1700, 3908: 1114, 3910: 1184, 3912: 1082, 3926: 20}
MULTIRANGES = {4451: 23, 4532: 1700, 4533: 1114, 4534: 1184, 4535: 1082, 4536: 20}
#: Arrays of all of these, and of rows; the type of their elements is said inside of them.
ARRAYS = (
    1000, 1001, 1002, 1016, 1005, 1007, 1003, 1009, 199, 143, 1014, 1015, 1028, 1011, 1012, 1008, 2207, 2208, 2209,
    2210, 2211, 3735, 3770, 4090, 4097, 4192, 1010, 271, 3221, 1017, 1021, 1022, 1231, 791, 1182, 1183, 1270, 1115,
    1185, 1187, 2951, 3807, 4073, 1041, 651, 1040, 775, 1561, 1563, 3905, 3907, 3909, 3911, 3913, 3927, 6150, 6151,
    6152, 6153, 6155, 6157, 1006, 1013, 2287,
)  # fmt: skip
NESTING: dict[int, Callable[[bytes, int], str]] = {
    **dict.fromkeys(ARRAYS, _array),
    # int2vector and oidvector: arrays without braces.
    **dict.fromkeys((22, 30), _vector),
    2249: _row,
    **{type_oid: partial(_range, of) for type_oid, of in RANGES.items()},
    **{type_oid: partial(_multirange, of) for type_oid, of in MULTIRANGES.items()},
}
READERS.update({type_oid: partial(reader, depth=0) for type_oid, reader in NESTING.items()})  # type: ignore[call-arg]
