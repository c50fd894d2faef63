"""The OpenAPI 3.1 document of the routes: made from the same table that serves them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.admin.bodies import Body, ErrorAnswer

REFERENCE = "#/components/schemas/{model}"


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter in the address."""

    name: str
    kind: Literal["boolean", "string", "integer"]
    description: str


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
        {"name": query.name, "in": "query", "description": query.description, "schema": {"type": query.kind}}
        for query in one.queries
    ]
    operation: dict[str, Any] = {
        "summary": one.summary,
        "operationId": re.sub(r"\W+", "_", f"{one.method.lower()}{one.path}").strip("_"),
        "responses": {
            str(one.status): {"description": "done", **_content(references[one.answers, "serialization"])},
            "default": {
                "description": "refused: error says what happened, hint what to do next",
                **_content(references[ErrorAnswer, "serialization"]),
            },
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


def _content(reference: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": reference}}}
