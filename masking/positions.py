"""From a place in the printed text back to the client's own: both trees are walked side by side.

PostgreSQL counts error positions (field P, PG manual 55.8) in the text it got, which we printed.
"""

from __future__ import annotations

from masking.parse import Message, parse
from masking.refusal import Forbidden


def position_in_original(original: str, sent: str, position: int) -> int | None:
    """The 1-based character position in `original` of what stands at `position` in `sent`.

    None when it falls into text that we put in, or when no counterpart is found.
    """
    try:
        ours, theirs = parse(sent), parse(original)
    except Forbidden:
        return None
    wanted = len(sent[: position - 1].encode())
    found: int | None = None
    pairs: list[tuple[Message, Message]] = [(ours, theirs)]
    while pairs and found is None:
        one, other = pairs.pop()
        if one.DESCRIPTOR.name == "Node" and one.WhichOneof("node") != other.WhichOneof("node"):
            continue
        fields = {field.name: value for field, value in other.ListFields()}
        for field, value in one.ListFields():
            if field.message_type is None:
                if field.name == "location" and value == wanted and fields.get("location", 0) >= 0:
                    found = fields.get("location", 0)
                continue
            counterpart = fields.get(field.name)
            if counterpart is None:
                continue
            if field.is_repeated:
                # A list that grew or shrank has no counterparts we could be sure of past its start.
                if len(value) == len(counterpart):
                    pairs.extend(zip(value, counterpart, strict=True))
            else:
                pairs.append((value, counterpart))
    if found is None:
        return None
    return len(original.encode()[:found].decode("utf-8", "ignore")) + 1
