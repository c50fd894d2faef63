"""What a statement is called when it is refused: as PostgreSQL's command reference does (PG manual, part VI)."""

from __future__ import annotations

from masking.nodes import kind_of
from masking.parse import Message, pg

_COMMANDS = {
    "do_stmt": "DO",
    "call_stmt": "CALL",
    "create_stmt": "CREATE TABLE",
    "create_seq_stmt": "CREATE SEQUENCE",
    "view_stmt": "CREATE VIEW",
    "index_stmt": "CREATE INDEX",
    "define_stmt": "CREATE",
    "createdb_stmt": "CREATE DATABASE",
    "dropdb_stmt": "DROP DATABASE",
    "rule_stmt": "CREATE RULE",
    "create_trig_stmt": "CREATE TRIGGER",
    "rename_stmt": "ALTER … RENAME",
    "grant_role_stmt": "GRANT",
    "sec_label_stmt": "SECURITY LABEL",
    "check_point_stmt": "CHECKPOINT",
    "refresh_mat_view_stmt": "REFRESH MATERIALIZED VIEW",
    "create_plang_stmt": "CREATE LANGUAGE",
    "create_event_trig_stmt": "CREATE EVENT TRIGGER",
    "create_fdw_stmt": "CREATE FOREIGN DATA WRAPPER",
    "load_stmt": "LOAD",
}


def command(node: Message) -> str:
    """The command's name in capitals, without any name or constant of the statement."""
    kind = kind_of(node)
    match kind:
        case "drop_stmt":
            return f"DROP {_object(node.drop_stmt.remove_type)}"
        case "alter_table_stmt":
            return f"ALTER {_object(node.alter_table_stmt.objtype)}"
        case "create_table_as_stmt":
            return f"CREATE {_object(node.create_table_as_stmt.objtype)} AS"
        case "grant_stmt":
            return "GRANT" if node.grant_stmt.is_grant else "REVOKE"
        case "create_function_stmt":
            return "CREATE PROCEDURE" if node.create_function_stmt.is_procedure else "CREATE FUNCTION"
        case "select_stmt":
            return "SELECT INTO" if node.select_stmt.HasField("into_clause") else "SELECT"
        case "vacuum_stmt":
            return "VACUUM" if node.vacuum_stmt.is_vacuumcmd else "ANALYZE"
        case _:
            return _COMMANDS.get(kind) or kind.removesuffix("_stmt").replace("_", " ").upper()


def _object(number: int) -> str:
    return (
        str(pg.ObjectType.Name(number))
        .removeprefix("OBJECT_")
        .replace("_", " ")
        .replace("MATVIEW", "MATERIALIZED VIEW")
    )
