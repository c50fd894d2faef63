"""The paths of a `jsonpath` mask, read and put together to a tree. Of PostgreSQL's jsonpath (PG manual 8.14.7)
they are the part that names places: `$.name`, `$."a name"`, `$.contacts[*].email`, `$.scores.*`, `$.address.**`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from masking.policy import Mask, MaskKind

_STEP = re.compile(r'\.(?P<word>\w+)|\."(?P<quoted>[^"\\\x00-\x1f]+)"|(?P<items>\[\*\])|(?P<all>\.\*\*)|(?P<keys>\.\*)')
_EXAMPLES = '$.name, $."a name", $.contacts[*].email, $.scores.*, $.address.**'
MOST_STEPS = 20
MOST_PATHS = 200

#: Steps that are no key of an object.
ITEMS, KEYS, ALL = object(), object(), object()
Step = str | object


@dataclass(slots=True)
class Place:
    """One place in a document: what may stand below it, and what is shown of a scalar there."""

    keys: dict[str, Place] = field(default_factory=dict)
    #: Below any other key.
    every: Place | None = None
    #: Below any element of an array.
    items: Place | None = None
    mask: Mask | None = None
    #: Clear with all that is in it.
    whole: bool = False


def steps_of(path: str) -> tuple[Step, ...] | None:
    """The steps of a path, or None when it is none."""
    if not path.startswith("$"):
        return None
    steps: list[Step] = []
    place = 1
    while place < len(path):
        found = _STEP.match(path, place)
        if found is None or (steps and steps[-1] is ALL):
            return None
        place = found.end()
        if found["items"]:
            steps.append(ITEMS)
        elif found["all"]:
            steps.append(ALL)
        elif found["keys"]:
            steps.append(KEYS)
        else:
            steps.append(found["word"] or found["quoted"])
    return tuple(steps) if len(steps) <= MOST_STEPS else None


def tree_of(paths: tuple[tuple[str, Mask], ...]) -> Place:
    """All paths in one tree. They must be right (`problem_paths`)."""
    root = Place()
    for path, mask in paths:
        here = root
        for step in steps_of(path) or ():
            if step is ALL:
                here.whole = True
            elif step is ITEMS:
                here.items = here.items or Place()
                here = here.items
            elif step is KEYS:
                here.every = here.every or Place()
                here = here.every
            elif isinstance(step, str):
                here = here.keys.setdefault(step, Place())
        if not here.whole:
            here.mask = mask
    return root


def problem_paths(paths: tuple[tuple[str, Mask], ...]) -> str | None:
    """Why these are no paths; None if they are."""
    if not paths:
        return 'mask jsonpath needs paths, such as { "$.name" = "clear" }'
    if len(paths) > MOST_PATHS:
        return f"more than {MOST_PATHS} paths"
    known: set[tuple[Step, ...]] = set()
    for path, mask in paths:
        steps = steps_of(path)
        if steps is None:
            return f"{path!r} is no path; expected one such as {_EXAMPLES}"
        if steps in known:
            return f"{path!r} stands here twice"
        known.add(steps)
        if steps and steps[-1] is ALL and mask.kind is not MaskKind.CLEAR:
            return f'{path!r}: ".**" is all there is; only "clear" can be said of it'
    return None
