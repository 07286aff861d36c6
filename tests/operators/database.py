"""Databases behind an Airflow connection: SQLite, and one that gives whatever rows a test wants."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Self

from airflow.providers.common.sql.hooks.sql import DbApiHook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class SqliteHook(DbApiHook):
    """As the provider's own; it counts how often somebody connects."""

    conn_name_attr = "sqlite_conn_id"

    def __init__(self, path: Path) -> None:
        super().__init__(sqlite_conn_id="warehouse")
        self.path = path
        self.connected = 0
        self.open: list[sqlite3.Connection] = []

    def get_conn(self) -> sqlite3.Connection:
        self.connected += 1
        connection = sqlite3.connect(self.path)
        self.open.append(connection)
        return connection


class Cursor:
    """A cursor over these rows, with what PEP 249 asks for."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Any]) -> None:
        self.rows = list(rows)
        self.description: Any = None
        self.columns = columns
        self.executed: tuple[Any, ...] = ()
        self.closed = False

    def execute(self, *arguments: Any) -> None:
        self.executed = arguments

    def fetchmany(self, size: int) -> list[Any]:
        self.description = [(name, None, None, None, None, None, None) for name in self.columns]
        batch, self.rows = self.rows[:size], self.rows[size:]
        return batch

    def close(self) -> None:
        self.closed = True


class RowsHook(DbApiHook):
    """A database that has these rows, typed as its driver types them."""

    conn_name_attr = "rows_conn_id"

    def __init__(self, columns: Sequence[str], rows: Sequence[Any]) -> None:
        super().__init__(rows_conn_id="warehouse")
        self.cursor_of_test = Cursor(columns, rows)
        self.closed = False

    def get_conn(self) -> Self:
        return self

    def cursor(self) -> Cursor:
        return self.cursor_of_test

    def close(self) -> None:
        self.closed = True
