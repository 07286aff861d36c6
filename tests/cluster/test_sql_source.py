"""A query at a real PostgreSQL: what its driver gives reaches the vendor's format, and the rows stay at the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.exceptions import InvalidInputError, QueryFailedError
from airflow_provider_imports.operators.payload import open_payload
from airflow_provider_imports.operators.rocketchat import check_every_user
from airflow_provider_imports.operators.rocketchat_user_records import UserRecords
from airflow_provider_imports.operators.sql_source import Query
from tests.cluster.servers import MissingServerError, Postgres, install_servers

pytest.importorskip("airflow.providers.postgres", reason="the cluster's packages are not installed: make cluster-test")

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).parents[2]
ROWS = 1_000_000
MOST_MEBIBYTES = 16


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """PostgreSQL, for these tests alone."""
    try:
        install_servers("postgresql")
    except MissingServerError as error:
        pytest.skip(str(error))
    with Postgres() as postgres:
        yield postgres


@pytest.fixture
def ask(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Query]:
    """Make a query at it."""
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"postgres{server.url}")
    return lambda sql, parameters=None: Query(sql, "warehouse", parameters)


def content(query: Query, **options: Any) -> str:
    return b"".join(open_payload(None, None, query, **options).body).decode()  # type: ignore[arg-type]


def test_typed_columns_are_written_as_documented(ask: Callable[..., Query]) -> None:
    query = ask(
        """
        SELECT 12.50::numeric AS amount, 1e22::float8 AS large, 7::bigint AS number, true AS yes, NULL::text AS nothing,
               date '2026-01-02' AS day, timestamp '2026-01-02 03:04:05' AS moment,
               timestamptz '2026-01-02 03:04:05+00' AS instant, 'a "b", c' AS words,
               '00000000-0000-0000-0000-000000000007'::uuid AS id
        """
    )
    assert content(query) == (
        "amount,large,number,yes,nothing,day,moment,instant,words,id\r\n"
        "12.50,10000000000000000000000,7,true,,2026-01-02,2026-01-02T03:04:05,2026-01-02T03:04:05+00:00,"
        '"a ""b"", c",00000000-0000-0000-0000-000000000007\r\n'
    )
    (row,) = json.loads(content(query, chosen="json"))
    assert (row["amount"], row["yes"], row["nothing"], row["day"]) == (12.5, True, None, "2026-01-02")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("'\\x00'::bytea", "(bytes|memoryview)"),
        ("interval '1 day'", "timedelta"),
        ("ARRAY[1, 2]", "list"),
        ("'{}'::jsonb", "dict"),
        ("'NaN'::float8", "nan is no number"),
        ("'NaN'::numeric", "NaN or infinity is no number"),
    ],
)
def test_what_no_import_reads_is_refused_with_its_row_and_column(
    ask: Callable[..., Query], value: str, kind: str
) -> None:
    query = ask(f"SELECT n, CASE WHEN n = 2100 THEN {value} END AS odd FROM generate_series(1, 3000) AS n ORDER BY n")
    with pytest.raises(InvalidInputError, match=f"row 2,100, column 'odd': .*{kind}"):
        content(query)


def test_parameters_go_to_the_placeholders(ask: Callable[..., Query]) -> None:
    assert content(ask("SELECT %s::int AS n", [7])) == "n\r\n7\r\n"
    assert content(ask("SELECT %(n)s::int AS n, '100%%' AS words", {"n": 7})) == "n,words\r\n7,100%\r\n"
    assert content(ask("SELECT '100%' AS words")) == "words\r\n100%\r\n"


def test_no_rows_still_have_columns(ask: Callable[..., Query]) -> None:
    none = ask("SELECT 1 AS a, 2 AS b WHERE false")
    with pytest.raises(InvalidInputError, match="gave 0 rows"):
        content(none)
    assert content(replace(none, min_rows=0)) == "a,b\r\n"


@pytest.mark.parametrize("sql", ["SELECT nothing_like_it", "DELETE FROM pg_class", "SELECT 1/0 AS n"])
def test_what_the_server_refuses_may_be_retried(ask: Callable[..., Query], sql: str) -> None:
    with pytest.raises(QueryFailedError, match=r"a retry runs the query again. Nothing was sent"):
        content(ask(sql))


def test_users_come_from_folded_column_names_and_arrays(ask: Callable[..., Query]) -> None:
    query = ask("SELECT ARRAY['a@example.com', 'b@example.com'] AS emails, 7 AS importIds, ' anna ' AS UserName")
    records = UserRecords(None, None, query)
    assert check_every_user(records) == 1
    ((_, user),) = records
    assert user == {"emails": ["a@example.com", "b@example.com"], "importIds": [7], "username": "anna"}


MEASURE = """
import resource, sys
from airflow_provider_imports.operators.payload import open_payload
from airflow_provider_imports.operators.sql_source import Query
SQL = (
    "SELECT n, n / 7.0::numeric AS part, 'a text of forty characters, more or less' AS words "
    "FROM generate_series(1, {}) AS n"
)
open_payload(None, None, Query(SQL.format(5000), "warehouse"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
payload = open_payload(None, None, Query(SQL.format(sys.argv[1]), "warehouse"))
print(payload.sent.rows, payload.sent.bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, flush=True)
"""


def test_a_million_rows_take_no_more_memory_than_five_thousand(server: Postgres) -> None:
    command = [sys.executable, "-c", MEASURE, str(ROWS)]
    environment = {**os.environ, "AIRFLOW_CONN_WAREHOUSE": f"postgres{server.url}"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY, env=environment)
    rows, size, kibibytes = map(int, done.stdout.split()[-3:])
    assert rows == ROWS
    assert size > 60e6
    assert kibibytes < MOST_MEBIBYTES * 1024, f"{kibibytes / 1024:.0f} MiB"
