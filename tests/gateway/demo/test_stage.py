"""The stage's files are right in themselves: settings, policy, keys that only their owner reads."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from config.load import load_policy, load_settings
from gateway.demo.narrator import Narrator, StoryBrokenError, shortened
from gateway.demo.process import clean_environment
from gateway.demo.stage import Stage
from gateway.demo.tour import play
from gateway.demo.tour.masking import Secrets
from tests.support.postgres import Postgres


@pytest.fixture
def stage(postgres: Postgres, tmp_path: Path) -> Stage:
    made = Stage(tmp_path, postgres.cluster)
    made.prepare("only the gateway knows")
    return made


def test_the_settings_load_with_all_their_files(stage: Stage) -> None:
    settings = load_settings(stage.settings, environment={})
    assert settings.gateway.listen_port == stage.ports.postgres
    assert settings.targets["shop"].password.read() == b"only the gateway knows"
    assert settings.targets["shop"].sslmode == "verify-full"
    assert settings.record.sealing == "auditors"


def test_the_policy_loads_and_leaves_columns_unclassified_on_purpose(stage: Stage) -> None:
    policy = load_policy(stage.policy)
    assert set(policy.roles) == {"support", "operations", "bench"}
    customers = policy.classification["public.customers"]
    assert {"street", "credit_limit", "last_ip", "preferences"}.isdisjoint(customers)
    assert customers["email"].mask == "partial"


def test_secrets_are_readable_by_their_owner_alone(stage: Stage) -> None:
    public = {"ca.pem", "database-ca.pem", "server.crt", "auditor.pub.pem"}
    for path in [*(stage.folder / "keys").iterdir(), *(stage.folder / "tls").iterdir()]:
        if path.name not in public:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_no_secret_stands_in_a_settings_file(stage: Stage) -> None:
    text = stage.settings.read_text() + stage.policy.read_text()
    for path in (stage.folder / "keys").iterdir():
        assert path.read_text().strip() not in text


def test_commands_see_nothing_of_the_callers_own_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "production.example")
    monkeypatch.setenv("PGSERVICE", "prod")
    assert not [name for name in clean_environment({}) if name.startswith("PG")]


def test_the_story_has_a_module_for_each_chapter() -> None:
    folder = Path(play.__file__).parent
    written = {path.stem for path in folder.glob("*.py")} - {"__init__", "cast", "play"}
    assert written == {chapter.__name__.rpartition(".")[2] for chapter in play.CHAPTERS}


def test_a_story_with_a_broken_claim_ends_with_an_error() -> None:
    narrator = Narrator()
    narrator.chapter(1, "Trying")
    narrator.check(True, "this holds")
    assert narrator.end() == 0
    narrator.check(False, "this does not", "because")
    assert narrator.end() == 1
    with pytest.raises(StoryBrokenError):
        narrator.need(False, "nor this")


def test_a_story_that_checked_nothing_has_not_succeeded() -> None:
    assert Narrator().end() == 1


def test_long_output_is_cut_in_the_telling() -> None:
    assert shortened("\n".join(str(number) for number in range(100)), 5).splitlines() == [
        "0", "1", "2", "3", "… (96 more lines)",
    ]  # fmt: skip


def test_a_raw_value_is_found_in_whatever_was_seen() -> None:
    secrets = Secrets(frozenset({"sam.bakker1@example.org", "4000000000237570"}))
    assert secrets.in_("xx SAM.BAKKER1@EXAMPLE.ORG xx") == ["sam.bakker1@example.org"]
    assert secrets.in_('{"card": "4000000000237570"}') == ["4000000000237570"]
    assert not secrets.in_("s***@example.org ***7570")
