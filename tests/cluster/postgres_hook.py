"""A hook for PostgreSQL like its provider's, which is not installed for one test."""

from __future__ import annotations

from typing import Any

import psycopg2
from airflow.providers.common.sql.hooks.sql import DbApiHook


class PostgresHook(DbApiHook):
    """Connects as the provider's does, with the driver's own defaults."""

    conn_name_attr = "postgres_conn_id"

    def __init__(self, url: str) -> None:
        super().__init__(postgres_conn_id="warehouse")
        self.url = url

    def get_conn(self) -> Any:
        return psycopg2.connect(f"postgresql{self.url}")
