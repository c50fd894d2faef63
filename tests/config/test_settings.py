"""The settings file: what is right is read, what is wrong is said all at once, with its line."""

from __future__ import annotations

import contextlib
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from config.load import ConfigError, Problem, load_settings
from config.secrets import SecretReference, SecretUnavailable
from config.target import Target
from gateway.demo.certificates import Authority

GOOD = """\
[tls]
certificate = "keys/server.crt"
private_key = "file:keys/server.key"

[tokens]
issuer = "https://pgcurfew.example.org"
audience = "pgcurfew"
signing_key = "file:keys/tokens.pem"
key_id = "one"

[api]
public_url = "https://pgcurfew.example.org:6480"

[store]
path = "state.sqlite"

[record]
directory = "record"
recipients = ["file:keys/auditor.pub.pem"]
signing_key = "file:keys/record.pem"

[masking]
key = "file:keys/mask.key"

[policy]
file = "policy.toml"

[targets.shop]
host = "db.internal"
database = "shop"
user = "pgcurfew"
password = "env:SHOP_PASSWORD"
sslrootcert = "keys/db-ca.crt"
"""

ONE, OTHER = (Authority.create("an authority").issue(name, names=(name,)) for name in ("one", "other"))
ENCRYPTED = load_pem_private_key(ONE.private_key, None).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"words")
)
PEM = "-----BEGIN {0}-----\nbm90IGEgcmVhbCBvbmU=\n-----END {0}-----\n"
FILES = {
    "server.crt": PEM.format("CERTIFICATE"),
    "db-ca.crt": Authority.create("the database's authority").pem.decode(),
    "c.crt": ONE.certificate.decode(),
    "c.key": ONE.private_key.decode(),
    "d.key": OTHER.private_key.decode(),
    "encrypted.key": ENCRYPTED.decode(),
    "server.key": PEM.format("PRIVATE KEY"),
    "tokens.pem": PEM.format("PRIVATE KEY"),
    "record.pem": PEM.format("PRIVATE KEY"),
    "auditor.pub.pem": PEM.format("PUBLIC KEY"),
    "mask.key": "k" * 64 + "\n",
}

Write = Callable[[str], Path]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with all the keys and certificates that GOOD names."""
    keys = tmp_path / "keys"
    keys.mkdir()
    for name, content in FILES.items():
        (keys / name).write_text(content)
        (keys / name).chmod(0o644 if name.endswith((".crt", ".pub.pem")) else 0o600)
    monkeypatch.setenv("SHOP_PASSWORD", "correct horse")
    return tmp_path


@pytest.fixture
def write(home: Path) -> Write:
    """Write a settings file beside those keys."""

    def settings(text: str) -> Path:
        path = home / "pgcurfew.toml"
        path.write_text(text)
        return path

    return settings


def problems(path: Path, environment: dict[str, str] | None = None) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        load_settings(path, environment=environment or {})
    return list(caught.value.problems)


def test_a_good_file_is_read_with_its_defaults(write: Write) -> None:
    settings = load_settings(write(GOOD), environment={})
    assert settings.gateway.listen_host == "127.0.0.1"
    assert settings.gateway.listen_port == 6432
    assert settings.metrics.listen_port == 6490
    assert settings.limits.warn_before_seconds == (300, 60)
    assert settings.limits.max_message_bytes == 16 * 1024 * 1024
    assert settings.record.durability == "process"
    assert settings.record.sealing == "auditors"
    assert settings.targets["shop"].sslmode == "verify-full"
    assert settings.targets["shop"].search_path == ("public",)
    assert settings.targets["shop"].catalog_refresh_seconds == 30


def test_files_are_named_from_the_directory_of_the_settings_file(
    write: Write, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(GOOD)
    monkeypatch.chdir(home)
    settings = load_settings(Path(path.name), environment={})
    monkeypatch.chdir("/")
    assert settings.tls.certificate == home / "keys/server.crt"
    assert settings.store.path == home / "state.sqlite"
    assert settings.masking.key.read() == b"k" * 64
    assert settings.record.recipients[0].read().startswith(b"-----BEGIN PUBLIC KEY")
    password = settings.targets["shop"].password
    assert password is not None
    assert password.read() == b"correct horse"


def test_settings_are_frozen(write: Write) -> None:
    settings = load_settings(write(GOOD), environment={})
    with pytest.raises(ValueError, match="frozen"):
        settings.gateway.listen_port = 1  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        settings.limits = settings.limits  # type: ignore[misc]


@pytest.mark.parametrize(("written", "seconds"), [("45", 45), ('"45s"', 45), ('"30m"', 1800), ('"2h"', 7200)])
def test_lengths_of_time_are_numbers_or_text(write: Write, written: str, seconds: int) -> None:
    settings = load_settings(write(f"{GOOD}\n[limits]\nidle_in_transaction_seconds = {written}\n"), environment={})
    assert settings.limits.idle_in_transaction_seconds == seconds


#: A replacement in GOOD, a part of the line it is reported on, how its path begins, a part of what is said.
MISTAKES = [
    ('key_id = "one"', 'key_id = "one"\nlewway_seconds = 1', "lewway", "tokens.lewway_seconds", "did you mean leeway_"),
    ('key_id = "one"', 'key_id = "../one"', "../one", "tokens.key_id", "letters, digits"),
    ('key_id = "one"', "key_id = 1", "key_id", "tokens.key_id", "expected text in quotes"),
    ('key_id = "one"', "", "[tokens]", "tokens.key_id", "is missing: the `kid` of that key"),
    ('key_id = "one"', 'key_id = "one"\nleeway_seconds = "5x"', "5x", "tokens.leeway_seconds", "a length of time"),
    ('key_id = "one"', 'key_id = "one"\nleeway_seconds = 61', "= 61", "tokens.leeway_seconds", "at most 60"),
    ('key_id = "one"', 'key_id = "one"\nleeway_seconds = true', "= true", "tokens.leeway_seconds", "a whole number"),
    ("[masking]", "[maskin]\n[masking]", "[maskin]", "maskin", "unknown key; did you mean masking?"),
    ('"file:keys/mask.key"', '"s3cr3t"', "s3cr3t", "masking.key", "a secret is never written into this file"),
    ('"file:keys/mask.key"', '"vault:s3cr3t"', "s3cr3t", "masking.key", "a secret is never written into this file"),
    ('"file:keys/mask.key"', '"file:keys/none.key"', "none.key", "masking.key", "No such file"),
    ('"file:keys/mask.key"', '"env:NOT_SET_ANYWHERE"', "NOT_SET", "masking.key", "NOT_SET_ANYWHERE is not set"),
    ('"file:keys/mask.key"', '"env:SHOP_PASSWORD"', "key = ", "masking.key", "holds 13 bytes; a mask key needs 32"),
    ('"file:keys/tokens.pem"', '"file:keys/mask.key"', "mask.key", "tokens.signing_key", "holds no PEM key"),
    ('"keys/server.crt"', '"keys/server.key"', "server.key", "tls.certificate", "holds no PEM certificate"),
    ('"keys/server.crt"', '"keys/no.crt"', "no.crt", "tls.certificate", "No such file"),
    ('"keys/server.crt"', '""', '""', "tls.certificate", "expected the path of a file"),
    ("[tls]", '[tls]\nclient_ca = "keys/none.crt"', "none.crt", "tls.client_ca", "No such file"),
    ("[tls]", '[tls]\nclient_certificates = "required"', "required", "tls.client_certificates", "without client_ca"),
    ("[tls]", '[tls]\nclient_name = "alice"', "alice", "tls.client_name", "with {user} once in it"),
    ('["file:keys/auditor.pub.pem"]', "[]", "recipients", "record.recipients", "at least one recipient"),
    ('recipients = ["file:keys/auditor.pub.pem"]', "", "[record]", "record.recipients", "at least one recipient"),
    ('["file:keys/auditor.pub.pem"]', '"file:x"', "recipients", "record.recipients", "a list in square brackets"),
    ('["file:keys/auditor.pub.pem"]', '[\n"file:none"]', "recipients", "record.recipients", "No such file"),
    ('["file:keys/auditor.pub.pem"]', '[\n"none"]', '"none"', "record.recipients[0]", "never written"),
    ('directory = "record"', 'directory = "record"\ndurability = "dsik"', "dsik", "record.durability", 'mean "disk"?'),
    ("[targets.shop]", '[targets."my shop"]', "my shop", 'targets."my shop"', "is what people write as dbname"),
    ('database = "shop"', 'database = "shop"\nport = 0', "port", "targets.shop.port", "must be at least 1"),
    ('database = "shop"', 'database = "shop"\nport = "5432"', "port", "targets.shop.port", "a whole number"),
    ('database = "shop"', 'database = "shop"\nsslmode = "prefer"', "prefer", "targets.shop.sslmode", '"verify-full"'),
    ('database = "shop"', 'database = "shop"\nsslmode = "disable"', "sslroot", "targets.shop.sslrootcert", "no effect"),
    ('"db.internal"', "[]", "host", "targets.shop.host", "must not be empty"),
    ('"db.internal"', '"db1,db2"', "host", "targets.shop.host", "several stand in a list"),
    ('"db.internal"', '"db/x"', "host", "targets.shop.host", "no host name, nor the absolute path"),
    ('"db.internal"', '["a", "b"]\nport = [1, 2, 3]', "port", "targets.shop.port", "names 3 ports for 2 hosts"),
    ('"db.internal"', '"/run"', "sslrootcert", "targets.shop.sslrootcert", "no effect over Unix sockets"),
    ('user = "pgcurfew"', 'user = "x"\ntarget_session_attrs = "rw"', "rw", "targets.shop.target", '"read-write"'),
    ('user = "pgcurfew"', 'user = "x"\nauthentication = []', "auth", "targets.shop.authentication", "not be empty"),
    ('user = "pgcurfew"', 'user = "x"\nauthentication = ["trust"]', "trust", "targets.shop.auth", '"scram-sha-256"'),
    ('user = "pgcurfew"', 'user = "x"\nauthentication = ["peer"]', "peer", "targets.shop.auth", "every host here"),
    ('user = "pgcurfew"', 'user = "x"\nauthentication = ["certificate"]', "cert", "targets.shop.auth", "sslcert and"),
    ('password = "env:SHOP_PASSWORD"', "", "[targets.shop]", "targets.shop.password", "is missing: that login's"),
    (
        'user = "pgcurfew"',
        'user = "x"\nsslcert = "keys/c.crt"',
        "[targ",
        "targets.shop.sslkey",
        "is missing: the private",
    ),
    ('user = "pgcurfew"', 'user = "x"\nsslkey = "file:keys/c.key"', "sslkey", "targets.shop.sslkey", "without sslcert"),
    (
        'user = "pgcurfew"',
        'user = "x"\nsslcert = "keys/c.crt"\nsslkey = "file:keys/tokens.pem"',
        "sslkey",
        "targets.shop.sslkey",
        "no certificate with its key",
    ),
    (
        'user = "pgcurfew"',
        'user = "x"\nsslcert = "keys/c.crt"\nsslkey = "file:keys/d.key"',
        "sslkey",
        "targets.shop.sslkey",
        "is not that of the certificate",
    ),
    (
        'user = "pgcurfew"',
        'user = "x"\nsslcert = "keys/c.crt"\nsslkey = "file:keys/encrypted.key"',
        "sslkey",
        "targets.shop.sslkey",
        "is encrypted",
    ),
    (
        'sslrootcert = "keys/db-ca.crt"',
        'sslrootcert = "keys/server.crt"',
        "sslrootcert",
        "targets.shop.sslrootcert",
        "cannot be read",
    ),
    ('sslrootcert = "keys/db-ca.crt"', 'sslmode = "verify-ca"', "[targ", "targets.shop.sslrootcert", "everybody"),
    (
        'sslrootcert = "keys/db-ca.crt"',
        'sslmode = "disable"\nauthentication = ["password"]',
        "auth",
        "targets.shop.authentication",
        "needs TLS",
    ),
    (
        'sslrootcert = "keys/db-ca.crt"',
        'authentication = ["scram-sha-256", "md5"]\nchannel_binding = "require"',
        "channel",
        "targets.shop.channel_binding",
        "no other authentication",
    ),
    (
        'sslrootcert = "keys/db-ca.crt"',
        'sslmode = "disable"\nchannel_binding = "require"',
        "channel",
        "targets.shop.channel_binding",
        "needs TLS",
    ),
    ('user = "pgcurfew"', 'user = "a\\nb"', "user", "targets.shop.user", "control characters"),
    ('user = "pgcurfew"', 'user = "x"\nsearch_path = ["$user"]', "$user", "targets.shop.search_path", "$user cannot"),
    ("[targets.shop]", "[limits]\nsessions = 5\n[targets.shop]", "sessions", "limits.sessions", "sessions_per_grant"),
    ("[targets.shop]", '[limits]\nwarn_before_seconds = ["1m", 0]\n[targets.shop]', "warn", "limits.warn", "at least"),
    ("[targets.shop]", "[limits]\nwarn_before_seconds = [60, 60]\n[targets.shop]", "warn", "limits.warn", "twice"),
    ("[store]", "[metrics]\nlisten_port = 6480\n[store]", "= 6480", "metrics.listen_port", "taken by api.listen_port"),
]


@pytest.mark.parametrize(("old", "new", "line", "path", "said"), MISTAKES)
def test_a_mistake_is_reported_with_its_line(write: Write, old: str, new: str, line: str, path: str, said: str) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    (found,) = problems(write(text))
    assert found.path.startswith(path)
    assert said in found.message
    assert line in text.splitlines()[found.line - 1]
    assert "s3cr3t" not in str(found)


def test_a_target_has_one_host_or_several(write: Write) -> None:
    one = load_settings(write(GOOD), environment={}).targets["shop"]
    assert (one.host, one.port, one.target_session_attrs) == (("db.internal",), (5432,), "any")
    text = GOOD.replace('"db.internal"', '["db1.internal", "/run/postgresql"]\nport = [6000, 5432]')
    several = load_settings(write(text), environment={}).targets["shop"]
    assert (several.host, several.port) == (("db1.internal", "/run/postgresql"), (6000, 5432))
    outside = {"PGCURFEW__TARGETS__SHOP__HOST": '["a", "b"]', "PGCURFEW__TARGETS__SHOP__PORT": "6001"}
    assert load_settings(write(GOOD), environment=outside).targets["shop"].host == ("a", "b")


def test_every_option_of_a_target_is_explained() -> None:
    page = (Path(__file__).parents[2] / "docs/targets.md").read_text()
    for key in Target.model_fields:
        assert re.search(rf"^\|.*`{key}`", page, re.MULTILINE), key


@pytest.mark.parametrize("reference", ["file:keys/c.key", "env:CLIENT_KEY"])
def test_a_client_certificate_takes_the_place_of_the_password(
    write: Write, home: Path, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    monkeypatch.setenv("CLIENT_KEY", FILES["c.key"])
    words = f'sslcert = "keys/c.crt"\nsslkey = "{reference}"\nauthentication = ["certificate"]'
    target = load_settings(write(GOOD.replace('password = "env:SHOP_PASSWORD"', words)), environment={}).targets["shop"]
    assert (target.sslcert, target.password) == (home / "keys/c.crt", None)


def test_plaintext_is_for_loopback_only(write: Write) -> None:
    text = GOOD.replace("[tokens]", 'plaintext_on_loopback = true\n[gateway]\nlisten_host = "0.0.0.0"\n[tokens]')
    (found,) = problems(write(text))
    assert (found.path, found.line) == ("tls.plaintext_on_loopback", 5)
    load_settings(write(text.replace("0.0.0.0", "::1")), environment={})


def test_the_public_address_is_https(write: Write) -> None:
    for address in (
        "http://a.example",
        "https://",
        "https://u:s3cr3t@a.example",
        "https://a.example:port",
        "a.example",
    ):
        (found,) = problems(write(GOOD.replace("https://pgcurfew.example.org:6480", address)))
        assert found.path == "api.public_url"
        assert "s3cr3t" not in str(found)


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file(write: Write) -> None:
    text = GOOD
    for old, new in (
        ('issuer = "', 'isuer = "'),
        ('"file:keys/tokens.pem"', '"inline"'),
        ("https://pgcurfew.example.org:6480", "ftp://a"),
        ('"file:keys/mask.key"', '"env:NOT_SET_ANYWHERE"'),
        ('host = "db.internal"', "host = 5"),
    ):
        text = text.replace(old, new, 1)
    found = problems(write(f"{text}[gateways]\n"))
    assert [problem.path for problem in found] == [
        "tokens.isuer",
        "tokens.signing_key",
        "api.public_url",
        "masking.key",
        "targets.shop.host",
        "gateways",
    ]
    assert [problem.line for problem in found] == sorted(problem.line for problem in found)


@pytest.mark.parametrize("mode", [0o604, 0o660, 0o622, 0o644, 0o666])
def test_a_secret_that_others_can_read_is_a_problem(write: Write, home: Path, mode: int) -> None:
    (home / "keys/mask.key").chmod(mode)
    (found,) = problems(write(GOOD))
    assert found.path == "masking.key"
    assert f"chmod 600 {home / 'keys/mask.key'}" in found.message


def test_a_command_that_needs_no_secrets_does_not_look_for_them(write: Write) -> None:
    path = write(GOOD.replace("keys/", "nowhere/"))
    assert load_settings(path, environment={}, files=False).tls.certificate.name == "server.crt"


def test_syntax_errors_have_their_line(write: Write) -> None:
    (found,) = problems(write("[tls]\n\ncertificate = \n"))
    assert found.line == 3
    assert found.message.startswith("is not TOML, at column 15")
    (found,) = problems(write('[tls]\n\nname = """open\n'))
    assert found.line == 3
    (found,) = problems(write("[tls]\n[tls]\n"))
    assert found.line == 2


def test_a_file_that_is_no_text_or_is_not_there(home: Path) -> None:
    path = home / "pgcurfew.toml"
    path.write_bytes(b"[tls]\n\xff\xfe")
    assert problems(path) == [Problem(str(path), 2, "", "is not UTF-8 text")]
    (found,) = problems(home / "none.toml")
    assert "No such file" in found.message
    (found,) = problems(home)
    assert "cannot be read" in found.message


def test_the_environment_wins(write: Write) -> None:
    settings = load_settings(
        write(GOOD),
        environment={
            "PGCURFEW__GATEWAY__LISTEN_PORT": "0",
            "PGCURFEW__GATEWAY__NAME": "7",
            "PGCURFEW__TARGETS__SHOP__HOST": "other.internal",
            "PGCURFEW__TARGETS__SHOP__SEARCH_PATH": '["public", "sales"]',
            "PGCURFEW__TARGETS__SHOP__SSLROOTCERT": "keys/db-ca.crt",
            "PGCURFEW__LIMITS__IDLE_IN_TRANSACTION_SECONDS": "2m",
            "PGCURFEW__LIMITS__WARN_BEFORE_SECONDS": '["10m", 5]',
            "PGCURFEW__TLS__PLAINTEXT_ON_LOOPBACK": "true",
            "PGCURFEWISH": "not ours",
        },
    )
    assert settings.gateway.listen_port == 0
    assert settings.gateway.name == "7"
    assert settings.targets["shop"].host == ("other.internal",)
    assert settings.targets["shop"].search_path == ("public", "sales")
    assert settings.limits.idle_in_transaction_seconds == 120
    assert settings.limits.warn_before_seconds == (600, 5)
    assert settings.tls.plaintext_on_loopback


def test_mistakes_of_the_environment_name_the_variable(write: Write) -> None:
    found = problems(
        write(GOOD),
        {
            "PGCURFEW__GATEWAY__LISTEN_PROT": "1",
            "PGCURFEW__METRICS__LISTEN_PORT": "s3cr3t",
            "PGCURFEW__MASKING__KEY": "s3cr3t",
            "PGCURFEW__TARGETS__SHOP": "x",
            "PGCURFEW__TLS__CERTIFICATE__DEEPER": "x",
            "PGCURFEW__NONSENSE": "x",
            "PGCURFEW__TARGETS__CRM__HOST": "crm.internal",
        },
    )
    assert {(problem.file, problem.line) for problem in found} == {("environment", 0)}
    assert "s3cr3t" not in str(found)
    said = {problem.path: problem.message for problem in found}
    assert said["PGCURFEW__GATEWAY__LISTEN_PROT"] == "unknown key; did you mean listen_port?"
    assert said["PGCURFEW__METRICS__LISTEN_PORT"] == "expected a whole number"
    assert "never written" in said["PGCURFEW__MASKING__KEY"]
    assert "names a table" in said["PGCURFEW__TARGETS__SHOP"]
    assert "no table" in said["PGCURFEW__TLS__CERTIFICATE__DEEPER"]
    assert "unknown key" in said["PGCURFEW__NONSENSE"]
    assert "targets.crm.password is missing" in " ".join(str(problem) for problem in found)


def test_a_secret_is_in_no_repr_and_no_error(write: Write) -> None:
    settings = load_settings(write(GOOD), environment={})
    shown = repr(settings) + str(settings) + repr(settings.model_dump()) + repr(pickle.dumps(settings))
    assert "correct horse" not in shown
    assert "k" * 64 not in shown
    assert str(settings.masking.key) == "file:keys/mask.key"


def test_reading_a_secret_takes_one_newline_off(home: Path) -> None:
    for content, secret in ((b"a\n", b"a"), (b"a\r\n", b"a"), (b"a\n\n", b"a\n"), (b"a\r", b"a\r"), (b" a ", b" a ")):
        (home / "secret").write_bytes(content)
        assert SecretReference.parse("file:secret", home).read() == secret
    (home / "secret").write_bytes(b"\n")
    with pytest.raises(SecretUnavailable, match="is empty"):
        SecretReference.parse("file:secret", home).read()
    with pytest.raises(SecretUnavailable, match="NOWHERE is not set"):
        SecretReference.parse("env:NOWHERE").read()
    with pytest.raises(ValueError, match="never written") as caught:
        SecretReference.parse("hunter2")
    assert "hunter2" not in str(caught.value)


NAMES = st.lists(
    st.sampled_from(["gateway", "tls", "targets", "shop", "limits", "sessions", "certificate", "recipients", "x", ""]),
    max_size=4,
).map(lambda parts: "PGCURFEW__" + "__".join(parts).upper())


@given(
    st.lists(st.sampled_from([*GOOD.splitlines(), "[limits]", "sessions = 1", "[[targets]]", "shop = 1", "a.b = []"])),
    st.dictionaries(NAMES, st.sampled_from(["1", "[1]", "{}", "text", "30m", "", "true", "file:x", '"q"', "\x00"])),
)
def test_almost_settings_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], environment: dict[str, str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "almost.toml"
    path.write_text("\n".join(lines))
    with contextlib.suppress(ConfigError):
        load_settings(path, environment=environment, files=False)
    path.write_text(GOOD)
    with contextlib.suppress(ConfigError):
        load_settings(path, environment=environment, files=False)
