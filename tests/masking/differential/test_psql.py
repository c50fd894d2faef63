"""psql's backslash commands through the gateway: every one of them, of an old psql and of a new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.demo.binaries import distribution_versions
from gateway.demo.stage import Outcome, client_environment, run
from tests.masking.differential.compare import CASES
from tests.masking.differential.stage import MARKET, SEARCH_PATH, Market

COMMANDS = [line for line in (CASES / "psql.commands").read_text().splitlines() if line]
#: `\dconfig` shows settings that are pinned, and not those that nobody may read back; `\dRs+` reads a column that
#: the gateway's login may not, and gets it as NULL from the gateway.
OWN_ANSWERS = (r"\dconfig", r"\dconfig *timeout*", r"\dRs+")


def programs(market: Market) -> list[Path]:
    """The psql of the server's own version, and the distribution's when it has one."""
    return [market.sample.postgres.cluster.binaries.program("psql")] + [
        binaries.program("psql") for binaries in distribution_versions().values() if binaries.program("psql").exists()
    ]


def through(market: Market, program: Path, role: str, command: str) -> Outcome:
    given = market.given[role]
    conninfo = market.gateway.conninfo(given, database=MARKET)
    return run([str(program), "-X", conninfo], client_environment(given.token), input=f"{command}\n")


def directly(market: Market, program: Path, command: str) -> Outcome:
    environment = {**client_environment(""), "PGOPTIONS": f"-c search_path={','.join(SEARCH_PATH)},pg_temp"}
    conninfo = market.sample.postgres.dsn(MARKET, market.sample.gateway)
    return run([str(program), "-X", conninfo], environment, input=f"{command}\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_shows_what_it_shows_directly(market: Market, command: str) -> None:
    for program in programs(market):
        direct = directly(market, program, command)
        answer = through(market, program, "steward", command)
        assert answer.code == direct.code
        if command in OWN_ANSWERS:
            assert "ERROR" not in answer.err
            continue
        assert (answer.out, answer.err) == (direct.out, direct.err)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_works_behind_masks(market: Market, command: str) -> None:
    for program in programs(market):
        direct = directly(market, program, command)
        answer = through(market, program, "analyst", command)
        assert answer.code == direct.code
        if "ERROR" not in direct.err:
            assert answer.err == direct.err
