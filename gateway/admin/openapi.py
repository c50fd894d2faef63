"""The OpenAPI 3.1 document of the routes: made from the same table that serves them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.admin.bodies import Body, ErrorAnswer

REFERENCE = "#/components/schemas/{model}"
#: What a status means here (RFC 9110, section 15; 429: RFC 6585).
REFUSALS: Mapping[int, str] = {
    401: "not signed in, or the credential is not good",
    403: "the caller may not, or the credential's scope does not go so far",
    404: "there is no such thing that the caller may see",
    409: "the thing is not in a state where this can happen",
    413: "the body is too large",
    415: "the body is not JSON",
    422: "what was sent does not fit",
    429: "too many failures; wait",
    503: "the record or the store cannot be written; nothing was changed",
}


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter in the address. `bounds` is what JSON Schema says of its values beyond their type."""

    name: str
    kind: Literal["boolean", "string", "integer"]
    description: str
    bounds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Described:
    """What the document says of one endpoint."""

    method: str
    path: str
    summary: str
    answers: type[BaseModel]
    takes: type[Body] | None = None
    status: int = 200
    queries: tuple[Query, ...] = ()
    open: bool = False
    #: Of the answer. Of a stream of events, `answers` is what each of them holds.
    media: str = "application/json"


def document(endpoints: Iterable[Described], *, version: str) -> dict[str, Any]:
    """The whole document, as JSON values."""
    described = tuple(endpoints)
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(ErrorAnswer, "serialization")]
    for one in described:
        models.append((one.answers, "serialization"))
        if one.takes is not None:
            models.append((one.takes, "validation"))
    references, schemas = models_json_schema(list(dict.fromkeys(models)), ref_template=REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for one in described:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, references)
    return {
        "openapi": "3.1.0",
        "info": {"title": "pgcurfew", "version": version, "license": {"name": "GPL-3.0-or-later"}},
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"credential": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"credential": []}],
    }


def _operation(one: Described, references: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", one.path)
    ] + [
        {
            "name": query.name,
            "in": "query",
            "description": query.description,
            "schema": {"type": query.kind, **query.bounds},
        }
        for query in one.queries
    ]
    error = _content(references[ErrorAnswer, "serialization"])
    operation: dict[str, Any] = {
        "summary": one.summary,
        "operationId": re.sub(r"\W+", "_", f"{one.method.lower()}{one.path}").strip("_"),
        "responses": {
            str(one.status): {"description": "done", **_content(references[one.answers, "serialization"], one.media)},
            **{str(status): {"description": REFUSALS[status], **error} for status in _refusals(one)},
            "default": {"description": "refused: error says what happened, hint what to do next", **error},
        },
    }
    if parameters:
        operation["parameters"] = parameters
    if one.takes is not None:
        needed = any(field.is_required() for field in one.takes.model_fields.values())
        operation["requestBody"] = {"required": needed, **_content(references[one.takes, "validation"])}
    if one.open:
        operation["security"] = []
    return operation


def _refusals(one: Described) -> list[int]:
    """With which statuses the endpoint may refuse."""
    statuses = {503}
    if not one.open:
        statuses |= {401, 403, 429}
    if "{" in one.path:
        statuses.add(404)
    if one.queries:
        statuses.add(422)
    if one.method != "GET":
        statuses |= {403, 409}
    if one.takes is not None:
        statuses |= {401, 404, 413, 415, 422, 429}
    return sorted(statuses)


def _content(reference: dict[str, Any], media: str = "application/json") -> dict[str, Any]:
    return {"content": {media: {"schema": reference}}}
