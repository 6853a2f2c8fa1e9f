"""The SQL of this adapter: one statement a file, loaded when first imported."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from psycopg.sql import SQL


def _statement(name: str) -> SQL:
    text = (files(__package__) / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    # The files ship with the package and take values only as parameters, so their
    # text is as safe as a literal's.
    return SQL(text)


ADVANCE_FOLLOWER: Final = _statement("advance_follower")
APPEND: Final = _statement("append")
BIND_ACTOR_KIND: Final = _statement("bind_actor_kind")
DISAGREEING_BOUNDARY_ROW: Final = _statement("disagreeing_boundary_row")
DISAGREEING_STREAM_BOUNDARY: Final = _statement("disagreeing_stream_boundary")
DISAGREEING_STREAM_ORDER: Final = _statement("disagreeing_stream_order")
DISAGREEING_STREAM_ROW: Final = _statement("disagreeing_stream_row")
FIND_BOUNDARY: Final = _statement("find_boundary")
FIND_NODE: Final = _statement("find_node")
FIND_OPEN_MARKERS: Final = _statement("find_open_markers")
FIND_SOURCES: Final = _statement("find_sources")
FIND_TARGETS: Final = _statement("find_targets")
HAS_MIGRATIONS_TABLE: Final = _statement("has_migrations_table")
KEEP_ANSWER: Final = _statement("keep_answer")
LOCK_HEAD: Final = _statement("lock_head")
LOCK_MIGRATIONS: Final = _statement("lock_migrations")
MAKE_LOG_SCHEMA: Final = _statement("make_log_schema")
MAKE_MIGRATIONS_TABLE: Final = _statement("make_migrations_table")
READ_ACTOR_KIND: Final = _statement("read_actor_kind")
READ_BOUNDARY: Final = _statement("read_boundary")
READ_FOLLOWER: Final = _statement("read_follower")
READ_HEAD: Final = _statement("read_head")
READ_LOG: Final = _statement("read_log")
READ_LOG_OF_TYPES: Final = _statement("read_log_of_types")
READ_LOG_RECORD: Final = _statement("read_log_record")
READ_MIGRATIONS: Final = _statement("read_migrations")
READ_ONE_MOMENT: Final = _statement("read_one_moment")
READ_RECEIPT: Final = _statement("read_receipt")
READ_TABLE_FACTS: Final = _statement("read_table_facts")
RECORD_MIGRATION: Final = _statement("record_migration")
SCHEMA_VERSION: Final = _statement("schema_version")
SET_LONG_SESSION: Final = _statement("set_long_session")
SET_SESSION: Final = _statement("set_session")
WALK_DEPENDENCIES: Final = _statement("walk_dependencies")
WALK_DEPENDENTS: Final = _statement("walk_dependents")
