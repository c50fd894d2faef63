"""The record in OCSF's words: class 6005, Datastore Activity (schema.ocsf.io/1.6.0/classes/datastore_activity).

One event for each session that was opened (Connect), and one for each statement that ran or was refused. What is
sealed stays out; what OCSF has no word for stands under `unmapped`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from gateway.audit.replay import NOT_RUN, Session, Statement

VERSION: Final = "1.6.0"
CLASS: Final = 6005
READ, UPDATE, CONNECT, QUERY, WRITE, CREATE, DELETE, OTHER = 1, 2, 3, 4, 5, 6, 7, 99
_ACTIVITIES: Final = {
    READ: "Read",
    UPDATE: "Update",
    CONNECT: "Connect",
    QUERY: "Query",
    WRITE: "Write",
    CREATE: "Create",
    DELETE: "Delete",
    OTHER: "Other",
}
#: By the statement's kind as the record says it.
_KINDS: Final = {
    "select": QUERY,
    "explain": QUERY,
    "fetch": READ,
    "copy_to": READ,
    "copy_from": WRITE,
    "insert": CREATE,
    "update": UPDATE,
    "merge": UPDATE,
    "delete": DELETE,
    "truncate": DELETE,
}
_SEVERITIES: Final = {1: "Informational", 2: "Low", 3: "Medium"}
_STATUSES: Final = {0: "Unknown", 1: "Success", 2: "Failure"}


def ocsf_events(session: Session, version: str) -> Iterator[dict[str, Any]]:
    """The events of one session; `version` is the gateway's own."""
    common = _Common(session, version)
    opened = session.opened
    yield {
        **common.event(CONNECT, session.started, 1, 1, 1),
        "message": f"{opened.person} opened a session on {opened.target} as {opened.role}",
        "unmapped": {"grant": opened.grant, "role": opened.role, "reason": opened.reason},
    }
    for statement in session.statements:
        if statement.how not in NOT_RUN or statement.verdict == "refused":
            yield _statement(common, statement)


def _statement(common: _Common, one: Statement) -> dict[str, Any]:
    opened = common.session.opened
    refused = one.verdict == "refused"
    failed = refused or bool(one.sqlstate) or one.outcome in ("failed", "cut", "skipped")
    status = 2 if failed else (1 if one.outcome else 0)
    event = common.event(_KINDS.get(one.kind, OTHER), one.time, 3 if refused else 1, status, one.number + 1)
    relations = sorted({name.rpartition(".")[0] for name in (*one.read, *one.written)})
    if len(relations) == 1:
        event["table"] = {"name": relations[0]}
    if one.ended:
        event |= {"start_time": _milliseconds(one.time), "end_time": _milliseconds(one.ended)}
        event["duration"] = one.microseconds // 1000
    if refused:
        event |= {"status_code": one.rule or "refused", "status_detail": one.reason}
    elif one.sqlstate:
        event["status_code"] = one.sqlstate
    event["query_info"] = {
        "uid": f"{opened.session}#{one.number}",
        "query_string": one.text,
        "query_time": _milliseconds(one.time),
        "bytes": one.bytes,
    }
    verdict = {"rewritten": "masked"}.get(one.verdict, one.verdict)
    event["message"] = f"{opened.person} on {opened.target}: {one.kind} {verdict}"
    event["unmapped"] = {
        "grant": opened.grant,
        "role": opened.role,
        "kind": one.kind,
        "verdict": verdict,
        "outcome": one.outcome,
        "rows": one.rows,
        "relations": relations,
        "columns_read": list(one.read),
        "columns_written": list(one.written),
        "masks": list(one.masks),
        "lookups": list(one.lookups),
    }
    return event


class _Common:
    """What all events of a session share."""

    def __init__(self, session: Session, version: str) -> None:
        self.session = session
        opened = session.opened
        self._product = {"name": "pgcurfew", "vendor_name": "pgcurfew", "version": version}
        self._actor = {
            "user": {"name": opened.person, "type_id": 1, "type": "User"},
            "session": {
                "uid": opened.session,
                "created_time": _milliseconds(session.started),
                "credential_uid": opened.token,
                "is_remote": True,
            },
        }
        host, _, port = opened.client.rpartition(":")
        self._source = {"ip": host.strip("[]") or opened.client}
        if port.isdigit():
            self._source |= {"port": int(port)}  # type: ignore[dict-item]
        self._target = {"svc_name": opened.target, "name": opened.target}
        self._database = {"name": opened.database, "type": "Relational", "type_id": 1}

    def event(self, activity: int, time: str, severity: int, status: int, sequence: int) -> dict[str, Any]:
        opened = self.session.opened
        name = _ACTIVITIES[activity]
        return {
            "activity_id": activity,
            "activity_name": name,
            "category_uid": 6,
            "category_name": "Application Activity",
            "class_uid": CLASS,
            "class_name": "Datastore Activity",
            "type_uid": CLASS * 100 + activity,
            "type_name": f"Datastore Activity: {name}",
            "time": _milliseconds(time),
            "severity_id": severity,
            "severity": _SEVERITIES[severity],
            "status_id": status,
            "status": _STATUSES[status],
            "metadata": {
                "version": VERSION,
                "product": self._product,
                "uid": f"{opened.session}#{sequence - 1}",
                "correlation_uid": opened.grant,
                "log_name": f"{opened.session}.jsonl",
                "sequence": sequence,
                "original_time": time,
            },
            "actor": self._actor,
            "src_endpoint": self._source,
            "dst_endpoint": self._target,
            "database": self._database,
            "type_id": 1,
        }


def _milliseconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1000)
