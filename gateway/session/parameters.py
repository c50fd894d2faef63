"""Parameters as the record seals them: each as the text of its value, whatever its format was on the wire."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.values import shown

#: Longer binary values are written as hex digits: reading the elements of an array of a megabyte takes 50 ms.
LONGEST_READ = 256 * 1024


def shown_parameters(
    formats: Sequence[int], values: Sequence[bytes | None], types: Sequence[int] = ()
) -> tuple[str | None, ...]:
    """Text as text, binary as the text of its type, and as hex digits where its type is not known."""
    if 1 not in formats:
        return tuple([None if value is None else value.decode("utf-8", "replace") for value in values])
    return tuple([
        None if value is None else _shown(index, value, formats, types) for index, value in enumerate(values)
    ])  # fmt: skip


def _shown(index: int, value: bytes, formats: Sequence[int], types: Sequence[int]) -> str:
    if not formats[index if len(formats) > 1 else 0]:
        return value.decode("utf-8", "replace")
    if len(value) > LONGEST_READ or index >= len(types):
        return "\\x" + value.hex()
    return shown(types[index], value)
