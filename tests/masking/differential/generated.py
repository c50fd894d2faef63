"""Run made-up statements through the gateway and past it, and count how they answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.masking.differential.compare import ask, differences
from tests.masking.differential.queries import Made
from tests.masking.differential.stage import MARKET, TWIN, Market

#: Where equal values can look different (1.0 and 1.00), these may show either.
CHOOSING = ("DISTINCT", "UNION", "INTERSECT", "EXCEPT", "GROUP BY", "min(", "max(", "OVER")


@dataclass(slots=True)
class Tally:
    """What became of the statements: how many ran, failed alike, were refused and why."""

    ran: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    #: Errors that both sides gave, by SQLSTATE and message.
    errors: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        lines = [f"{count:7} {what}" for what, count in sorted(self.ran.items())]
        for title, counts in (("refused:", self.refusals), ("failed on both sides:", self.errors)):
            lines += [title, *(f"{count:7} {what}" for what, count in counts.most_common(20))] if counts else []
        return "\n".join(lines)


class Examination:
    """Sessions of one run; use it with `with`."""

    def __init__(self, market: Market) -> None:
        self.through = market.through("analyst")
        self.market = market.direct(MARKET)
        self.twin = market.direct(TWIN)
        self.tally = Tally()

    def __enter__(self) -> Examination:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in (self.through, self.market, self.twin):
            connection.close()

    def differences(self, made: Made) -> list[str]:
        """In what the gateway's answer differs from the direct one; nothing for a statement that it refused."""
        kind = "clear" if made.clear else "masked"
        through = ask(self.through, made.sql, binary=bool(made.parameters), parameters=made.parameters)
        if through.refused is not None:
            self.tally.ran[f"{kind}, refused"] += 1
            self.tally.refusals[through.refused] += 1
            return []
        beside = self.market if made.clear else self.twin
        direct = ask(beside, made.sql, binary=bool(made.parameters), parameters=made.parameters)
        self.tally.ran[f"{kind}, {'failed as it does directly' if direct.errors else 'answered'}"] += 1
        self.tally.errors.update(f"{sqlstate} {message}" for sqlstate, message, *_ in direct.errors)
        choosing = any(word in made.sql for word in CHOOSING)
        return list(differences(through, direct, ordered=made.ordered, equal_numbers=choosing))
