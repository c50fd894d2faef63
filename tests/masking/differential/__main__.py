"""The differential test at any size, or files of cases against any two servers.

    python -m tests.masking.differential --examples 10000 [--seed 7]
    python -m tests.masking.differential --through DSN --direct DSN cases.sql …

Exits with 1 when an answer differs, or when a statement that looks at clear columns only is refused.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.masking.differential.compare import ask, differences, put_back, statements_in
from tests.masking.differential.generated import Examination
from tests.masking.differential.queries import Made, statements
from tests.masking.differential.stage import open_market
from tests.support.postgres import make_sample_database, running_postgres

PROGRESS_EVERY = 500


def made_up(examples: int, from_seed: int) -> bool:
    """Run made-up statements at a market of our own; True when all answered alike and none was refused wrongly."""
    found: list[tuple[Made, list[str]]] = []
    began = time.monotonic()
    with running_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        sample = make_sample_database(postgres)
        with open_market(sample, Path(folder)) as market, Examination(market) as examination:

            @seed(from_seed)
            @settings(
                max_examples=examples,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],
            )
            @given(statements())
            def run(made: Made) -> None:
                different = examination.differences(made)
                if different:
                    found.append((made, different))
                done = sum(examination.tally.ran.values())
                if done % PROGRESS_EVERY == 0:
                    print(f"{done} statements, {len(found)} differences, {time.monotonic() - began:.0f} s", flush=True)

            run()
            print(examination.tally)
            refused = examination.tally.ran["clear, refused"]
    for made, different in found:
        print(f"\n{made.sql}\n  {made.parameters}\n  {different[0]}")
    print(f"{len(found)} differences; {refused} refused among statements over clear columns")
    return not found and not refused


def files(through: str, direct: str, paths: list[Path]) -> bool:
    """Run files of cases, one statement a line, each in a transaction that is rolled back; print what differs."""
    alike = True
    with psycopg.connect(through, autocommit=True) as gateway, psycopg.connect(direct, autocommit=True) as server:
        for path in paths:
            for sql in statements_in(path):
                answers = []
                for connection in (gateway, server):
                    ask(connection, "BEGIN")
                    answers.append(ask(connection, sql))
                    put_back(connection)
                for difference in differences(*answers):
                    alike = False
                    print(f"{path.name}: {sql}\n  {difference}")
    return alike


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.masking.differential")
    parser.add_argument("--examples", type=int, default=1000, help="how many statements to make up")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other statements")
    parser.add_argument("--through", help="libpq's words for the gateway")
    parser.add_argument("--direct", help="libpq's words for the server itself")
    parser.add_argument("files", nargs="*", type=Path, help="files of cases, one statement a line")
    given_words = parser.parse_args()
    if given_words.files and not (given_words.through and given_words.direct):
        parser.error("files of cases need --through and --direct")
    if given_words.files:
        return 0 if files(given_words.through, given_words.direct, given_words.files) else 1
    return 0 if made_up(given_words.examples, given_words.seed) else 1


if __name__ == "__main__":
    sys.exit(main())
