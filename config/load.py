"""The two doors: bytes in, frozen values out, or every problem at once."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from config.environment import apply, overrides
from config.lines import Lines, locate
from config.policy_file import PolicyDocument, PolicyFile
from config.policy_tests import PolicyTests, TestsDocument
from config.problems import ConfigError, Location, Problem, dotted, suggestion
from config.settings import Api, Gateway, Metrics, Settings, Tls
from config.shape import description_at, did_you_mean, fields_at

__all__ = ["ConfigError", "Problem", "load_policy", "load_policy_tests", "load_settings", "parse_policy"]

#: More is no file that a person wrote.
MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20

_TOO_DEEP: dict[str, Any] = {}
_AT_LINE = re.compile(r"\s*\(at line (\d+), column (\d+)\)\Z")
_AT_END = re.compile(r"\s*\(at end of document\)\Z")


def load_settings(path: Path | str, *, environment: Mapping[str, str] | None = None, files: bool = True) -> Settings:
    """Read the settings file, with the variables PGCURFEW__… of `environment` (the process's own by default) over it.

    `files=False` does not look at the files and variables that hold certificates and secrets: enough for
    commands that only need to know what is set up. Raises ConfigError with all problems.
    """
    path = Path(path)
    reader = _Reader(str(path), _bytes(path))
    chosen = os.environ if environment is None else environment
    variables: dict[Location, str] = {}
    for name, location, value in overrides(chosen, Settings, reader.document):
        variables[location] = name
        obstacle = apply(reader.document, location, value)
        if obstacle is not None:
            reader.problems.append(Problem("environment", 0, name, obstacle))
    reader.variables = variables
    sections = reader.sections(Settings, {"directory": path.absolute().parent, "files": files})
    for needed, check in _ACROSS_SECTIONS:
        if all(name in sections for name in needed):
            reader.problems.extend(
                reader.problem(location, message) for location, message in check(*(sections[name] for name in needed))
            )
    reader.finish()
    return Settings.model_construct(**sections)


def load_policy(path: Path | str) -> PolicyFile:
    """Read the policy file. Raises ConfigError with all problems that can be seen without a database."""
    path = Path(path)
    return parse_policy(_bytes(path), str(path))


def parse_policy(content: bytes, file: str = "policy.toml") -> PolicyFile:
    """The policy in these bytes; `file` is the name that problems are reported under."""
    reader = _Reader(file, content)
    sections = reader.sections(PolicyDocument, {})
    reader.finish()
    return PolicyFile(
        document=PolicyDocument.model_construct(**sections),
        version=hashlib.sha256(content).hexdigest()[:16],
        file=file,
        lines=reader.lines,
    )


def load_policy_tests(path: Path | str) -> PolicyTests:
    """Read the file with the policy's tests. Raises ConfigError with all problems."""
    path = Path(path)
    reader = _Reader(str(path), _bytes(path))
    sections = reader.sections(TestsDocument, {})
    reader.finish()
    return PolicyTests(str(path), sections["test"], reader.lines)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a usable path"
        raise ConfigError((Problem(str(path), 0, "", f"cannot be read: {reason}"),)) from None
    if len(content) > MAX_BYTES:
        raise ConfigError((Problem(str(path), 0, "", f"is longer than {MAX_BYTES} bytes"),))
    return content


class _Reader:
    """One document on its way to a model: what it says, where it says it, what is wrong with it."""

    def __init__(self, file: str, content: bytes) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.unknown: list[Location] = []
        self.variables: Mapping[Location, str] = {}
        self.document: dict[str, Any]
        self.document, self.lines = _parse(file, content)

    def sections(self, model: type[BaseModel], context: Mapping[str, object]) -> dict[str, Any]:
        """Each top-level field validated by itself, so that a mistake in one hides none in another."""
        found: dict[str, Any] = {}
        errors: list[tuple[Location, ErrorDetails]] = []
        for name, field in model.model_fields.items():
            if name not in self.document:
                if field.is_required():
                    self.problems.append(self.problem((name,), f"is missing: {field.description}"))
                else:
                    found[name] = field.get_default(call_default_factory=True)
                continue
            # FieldInfo as metadata keeps what the field demands beyond its type.
            annotated: Any = Annotated[field.annotation, field]
            adapter: TypeAdapter[Any] = TypeAdapter(annotated)
            try:
                found[name] = adapter.validate_python(self.document[name], context=dict(context))
            except ValidationError as error:
                errors.extend(((name, *details["loc"]), details) for details in error.errors(include_url=False))
        for key in self.document:
            if key not in model.model_fields:
                self.unknown.append((key,))
        self._report(model, errors)
        return found

    def _report(self, model: type[BaseModel], errors: list[tuple[Location, ErrorDetails]]) -> None:
        self.unknown.extend(location for location, details in errors if details["type"] == "extra_forbidden")
        #: What was misspelt is not missing as well.
        meant: set[Location] = set()
        for location in self.unknown:
            known = fields_at(model, location[:-1])
            word = str(location[-1])
            close = suggestion(word, known)
            if close is not None:
                meant.add((*location[:-1], close))
            self.problems.append(self.problem(location, "unknown key" + did_you_mean(word, known)))
        self.problems = [problem for problem in self.problems if problem.path not in {dotted(place) for place in meant}]
        for location, details in errors:
            match details["type"]:
                case "extra_forbidden":
                    pass
                case "too_short" if any(inner[: len(location)] == location != inner for inner, _ in errors):
                    pass  # the elements that are not right were not counted
                case "missing":
                    if location not in meant:
                        about = description_at(model, location)
                        which = f"{dotted(location)} " if self._variable(location) else ""
                        self.problems.append(self.problem(location, f"{which}is missing: {about}"))
                case _:
                    if location[-1:] == ("[key]",):
                        location = location[:-1]
                    self.problems.append(self.problem(self._as_written(location), sentence(details)))

    def problem(self, location: Location, message: str) -> Problem:
        """A problem at this location of the document, or of the variable that was put there."""
        variable = self._variable(location)
        if variable is not None:
            return Problem("environment", 0, variable, message)
        return Problem(self.file, self.lines.line(location), dotted(location), message)

    def _as_written(self, location: Location) -> Location:
        """Without what only the models know of: the keys that a shorthand stands for."""
        if self._variable(location):
            return location
        present = self.lines.present(location)
        value: Any = self.document
        for part in present:
            value = value[part]
        return location[: len(present) + 1] if isinstance(value, dict) else present

    def _variable(self, location: Location) -> str | None:
        for end in range(len(location), 0, -1):
            beginning = location[:end]
            if beginning in self.variables:
                return self.variables[beginning]
            if beginning in self.lines:
                return None
            for place, name in self.variables.items():
                if place[:end] == beginning:
                    return name
        return None

    def finish(self) -> None:
        """Raise what was found, in the order of the file; nothing found, nothing raised."""
        if self.problems:
            raise ConfigError(tuple(sorted(dict.fromkeys(self.problems), key=lambda problem: problem.line)))


def sentence(details: ErrorDetails) -> str:
    """What was expected, in words of a TOML file. Never what was found: that may be a secret."""
    context = details.get("ctx", {})
    match details["type"]:
        case "value_error" | "assertion_error":
            return str(context.get("error", "is not valid"))
        case "literal_error" | "enum":
            options = str(context.get("expected", "")).replace("'", '"')
            found = details.get("input")
            close = suggestion(found, re.findall(r'"([^"]*)"', options)) if isinstance(found, str) else None
            return f"expected {options}" + (f'; did you mean "{close}"?' if close else "")
        case "string_type":
            return "expected text in quotes"
        case "string_too_short":
            return "must not be empty"
        case "string_too_long":
            return f"is too long; at most {context.get('max_length')} characters"
        case "string_pattern_mismatch":
            return "must not hold control characters"
        case "int_type" | "int_from_float" | "int_parsing":
            return "expected a whole number"
        case "float_type" | "finite_number":
            return "expected a number"
        case "bool_type":
            return "expected true or false"
        case "greater_than_equal":
            return f"must be at least {context.get('ge')}"
        case "greater_than":
            return f"must be more than {context.get('gt')}"
        case "less_than_equal":
            return f"must be at most {context.get('le')}"
        case "tuple_type" | "list_type" | "frozen_set_type":
            return "expected a list in square brackets"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "expected a table"
        case "too_short":
            return "must not be empty"
        case _:
            return details["msg"]


def _parse(file: str, content: bytes) -> tuple[dict[str, Any], Lines]:
    """TOML text to values and their lines; ConfigError with the line where it stops being TOML."""
    try:
        text = content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError((Problem(file, line, "", "is not UTF-8 text"),)) from None
    try:
        document = tomllib.loads(text)
    except RecursionError:
        document = _TOO_DEEP
    except ValueError as error:  # TOMLDecodeError is one; so is a number of five thousand digits
        said = str(error)
        place = _AT_LINE.search(said)
        line = int(place[1]) if place else text.rstrip("\n").count("\n") + 1 if _AT_END.search(said) else 0
        column = f", at column {place[2]}" if place else ""
        reason = _AT_END.sub(" before the end of the file", _AT_LINE.sub("", said))
        raise ConfigError((Problem(file, line, "", f"is not TOML{column}: {reason}"),)) from None
    if document is _TOO_DEEP or _depth(document) > MAX_DEPTH:
        raise ConfigError((Problem(file, 0, "", "is nested too deeply"),))
    return document, locate(text)


def _depth(document: dict[str, Any]) -> int:
    """How many tables and lists stand inside one another; without recursion, since that is what it guards."""
    depth = 0
    level: list[Any] = [document]
    while level:
        depth += 1
        level = [
            child
            for value in level
            for child in (value.values() if isinstance(value, dict) else value)
            if isinstance(child, dict | list)
        ]
    return depth


def _plaintext_stays_here(gateway: Gateway, tls: Tls) -> Iterator[tuple[Location, str]]:
    if tls.plaintext_on_loopback and not gateway.loopback:
        yield (
            ("tls", "plaintext_on_loopback"),
            f"is for development on one machine, but gateway.listen_host = {gateway.listen_host!r} takes connections "
            "from others; listen on 127.0.0.1 or ::1, or take the switch out",
        )


def _ports_differ(gateway: Gateway, api: Api, metrics: Metrics) -> Iterator[tuple[Location, str]]:
    doors: list[tuple[str, Gateway | Api | Metrics]] = [("gateway", gateway), ("api", api), ("metrics", metrics)]
    for index, (name, door) in enumerate(doors):
        for other_name, other in doors[:index]:
            if (
                door.listen_port
                and door.listen_port == other.listen_port
                and overlap(door.listen_host, other.listen_host)
            ):
                yield (name, "listen_port"), f"is taken by {other_name}.listen_port already"


def overlap(one: str, other: str) -> bool:
    everywhere = {"0.0.0.0", "::", "*"}  # noqa: S104  (compared with, not listened on)
    return one == other or bool({one, other} & everywhere)


#: What can only be seen by looking at several sections; asked when all of them are right by themselves.
_ACROSS_SECTIONS: tuple[tuple[tuple[str, ...], Callable[..., Iterator[tuple[Location, str]]]], ...] = (
    (("gateway", "tls"), _plaintext_stays_here),
    (("gateway", "api", "metrics"), _ports_differ),
)
