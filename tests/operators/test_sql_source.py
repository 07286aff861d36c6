"""Straight from a query: what a database gives reaches the vendor, typed, streamed and once."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
import tracemalloc
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import ModuleType
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_imports.exceptions import InvalidInputError, QueryFailedError
from airflow_provider_imports.operators.payload import open_payload
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.operators.rocketchat import RocketChatImportUsersOperator, check_every_user
from airflow_provider_imports.operators.rocketchat_user_records import UserRecords
from airflow_provider_imports.operators.sql_source import Query, query_given
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator
from airflow_provider_imports.sandbox.pigment import UPLOAD_CONFIGURATION_ID
from tests.operators.database import RowsHook, SqliteHook
from tests.tries import finish, starts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from airflow_provider_imports.operators.rows import CsvFormat

QUERY = Query("SELECT month, amount FROM plan ORDER BY month", "warehouse")
NEVER = "SELECT * FROM plan WHERE month = 'never'"
OPERATORS = [PigmentPushCsvOperator, WebsaleStartImportOperator, RocketChatImportUsersOperator]


@pytest.fixture
def use_hook(monkeypatch: pytest.MonkeyPatch, set_connection: Callable[..., str]) -> Callable[[Any], Any]:
    """Have this hook behind the connection ``warehouse``."""
    from airflow.providers.common.compat.sdk import BaseHook

    set_connection("warehouse", conn_type="sqlite", password="s3cret")
    connection_class = type(BaseHook.get_connection("warehouse"))

    def use(hook: Any) -> Any:
        monkeypatch.setattr(connection_class, "get_hook", lambda self, **options: hook)
        return hook

    return use


@pytest.fixture
def warehouse(tmp_path: Path, use_hook: Any) -> Iterator[SqliteHook]:
    """A database with a plan of 2,500 rows and three users."""
    file = tmp_path / "warehouse.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE plan (month TEXT, amount REAL)")
        connection.executemany("INSERT INTO plan VALUES (?, ?)", [(f"{n:05}", n / 2) for n in range(2500)])
        connection.execute("CREATE TABLE users (mail TEXT, id INTEGER, login TEXT)")
        people = [
            ("a@example.com|a2@example.com", 1, "anna"),
            (" b@example.com", 2, ""),
            ("c@example.com", 3, None),
        ]
        connection.executemany("INSERT INTO users VALUES (?, ?, ?)", people)
    connection.close()
    hook = use_hook(SqliteHook(file))
    yield hook
    for connection in hook.open:
        with pytest.raises(sqlite3.ProgrammingError):
            connection.execute("SELECT 1")  # it was closed


def sent_for(query: Query = QUERY, **options: Any) -> bytes:
    return b"".join(open_payload(None, None, query, **options).body)  # type: ignore[arg-type]


def rows_as(use_hook: Any, columns: Sequence[str], rows: Sequence[Any], **options: Any) -> str:
    use_hook(RowsHook(columns, rows))
    return sent_for(**options).decode()


# What is written


def test_rows_become_csv_of_a_known_length(warehouse: SqliteHook) -> None:
    payload = open_payload(None, None, QUERY)
    content = b"".join(payload.body)  # type: ignore[arg-type]
    assert content.startswith(b"month,amount\r\n00000,0.0\r\n00001,0.5\r\n")
    assert content.endswith(b"02499,1249.5\r\n")
    assert content.count(b"\r\n") == 2501
    assert len(payload.body) == len(content) == payload.sent.bytes
    assert payload.sent.rows == 2500
    assert b"".join(payload.body) == content, "it can be sent again"  # type: ignore[arg-type]


def test_rows_become_a_json_array(warehouse: SqliteHook) -> None:
    rows = json.loads(sent_for(chosen="json"))
    assert len(rows) == 2500
    assert rows[1] == {"month": "00001", "amount": 0.5}


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("SELECT * FROM plan WHERE month = ?", ["00003"]),
        ("SELECT * FROM plan WHERE month = ?", ("00003",)),
        ("SELECT * FROM plan WHERE month = :month", {"month": "00003"}),
        ("SELECT * FROM plan WHERE month = '00003';", None),
    ],
)
def test_parameters_go_to_the_placeholders(warehouse: SqliteHook, sql: str, parameters: Any) -> None:
    assert sent_for(Query(sql, "warehouse", parameters)) == b"month,amount\r\n00003,1.5\r\n"


TYPED = [
    ("text", "text", '"text"'),
    ('a "b", c', '"a ""b"", c"', '"a \\"b\\", c"'),
    ("two\nlines", '"two\nlines"', '"two\\nlines"'),
    ("cr\r", '"cr\r"', '"cr\\r"'),
    ("ä☃😀", "ä☃😀", '"ä☃😀"'),
    ("50% %s", "50% %s", '"50% %s"'),
    (7, "7", "7"),
    (2**70, str(2**70), str(2**70)),
    (True, "true", "true"),
    (False, "false", "false"),
    (None, "", "null"),
    (0.1, "0.1", "0.1"),
    (1e22, "10000000000000000000000", "10000000000000000000000"),
    (1e-7, "0.0000001", "0.0000001"),
    (Decimal("1E+3"), "1000", "1000"),
    (Decimal("0E-8"), "0.00000000", "0.00000000"),
    (Decimal("12.50"), "12.50", "12.50"),
    (date(2026, 1, 2), "2026-01-02", '"2026-01-02"'),
    (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05", '"2026-01-02T03:04:05"'),
    (datetime(2026, 1, 2, 3, 4, 5, 6, UTC), "2026-01-02T03:04:05.000006+00:00", '"2026-01-02T03:04:05.000006+00:00"'),
    (time(3, 4), "03:04:00", '"03:04:00"'),
    (UUID(int=7), "00000000-0000-0000-0000-000000000007", '"00000000-0000-0000-0000-000000000007"'),
]


@pytest.mark.parametrize(("value", "in_csv", "in_json"), TYPED, ids=lambda value: repr(value)[:30])
def test_a_typed_value_is_written_as_documented(use_hook: Any, value: Any, in_csv: str, in_json: str) -> None:
    assert rows_as(use_hook, ["a", "b"], [("x", value)]) == f"a,b\r\nx,{in_csv}\r\n"
    content = rows_as(use_hook, ["a", "b"], [("x", value)], chosen="json")
    assert content == f'[{{"a":"x","b":{in_json}}}]'
    json.loads(content)


def test_a_column_may_mix_its_types(use_hook: Any) -> None:
    values = [value for value, _, _ in TYPED]
    assert rows_as(use_hook, ["a"], [(value,) for value in [1, *values]]).startswith("a\r\n1\r\ntext\r\n")
    assert len(json.loads(rows_as(use_hook, ["a"], [(value,) for value in values], chosen="json"))) == len(values)


def test_how_csv_is_written_can_be_chosen(use_hook: Any) -> None:
    form: CsvFormat = {
        "delimiter": ";",
        "encoding": "latin-1",
        "decimal_mark": ",",
        "null": "NULL",
        "true": "1",
        "false": "0",  # type: ignore[typeddict-item]
        "date_format": "%d.%m.%Y",
        "datetime_format": "%d.%m.%Y %H:%M",
    }
    row = ("ä", None, True, False, 1.5, Decimal("2.5"), date(2026, 1, 2), datetime(2026, 1, 2, 3, 4))
    use_hook(RowsHook(list("abcdefgh"), [row]))
    assert sent_for(csv_format=form).decode("latin-1") == (
        "a;b;c;d;e;f;g;h\r\nä;NULL;1;0;1,5;2,5;02.01.2026;02.01.2026 03:04\r\n"
    )


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (b"s3cret", "a value of type bytes has no form that an import reads"),
        (memoryview(b"s3cret"), "a value of type memoryview has no form"),
        (["s3cret"], "a value of type list has no form"),
        ({"a": "s3cret"}, "a value of type dict has no form"),
        (timedelta(days=1), "a value of type timedelta has no form"),
        (float("nan"), "nan is no number"),
        (float("-inf"), "-inf is no number"),
        (Decimal("NaN"), "NaN or infinity is no number"),
        (Decimal("1E+1000000"), "a decimal of more than 400 digits"),
        ("s3cret \ud83d", "a character that utf-8 can't write"),
    ],
    ids=lambda value: ascii(type(value).__name__ if isinstance(value, memoryview) else value)[:20],
)
@pytest.mark.parametrize("chosen", ["csv", "json"])
@pytest.mark.parametrize("before", [0, 1, 999, 1000, 2345])
def test_what_no_import_reads_is_refused_with_its_row_and_column(
    use_hook: Any, value: Any, problem: str, chosen: str, before: int
) -> None:
    hook = use_hook(RowsHook(["id", "pay load"], [*[(n, "x") for n in range(before)], (before, value), (9, "x")]))
    with pytest.raises(InvalidInputError) as raised:
        sent_for(chosen=chosen)
    text = str(raised.value)
    assert f"sql, row {before + 1:,}, column 'pay load': {problem}" in text
    assert text.endswith("Nothing was sent.")
    assert "s3cret" not in text
    assert hook.cursor_of_test.closed
    assert hook.closed


@pytest.mark.parametrize("chosen", ["csv", "json"])
@pytest.mark.parametrize(
    ("columns", "problem"), [(["a", "a"], "the same name twice: a"), (["a", ""], "a column without a name")]
)
def test_columns_have_names_of_their_own(use_hook: Any, chosen: str, columns: list[str], problem: str) -> None:
    with pytest.raises(InvalidInputError, match=f"sql has {problem}"):
        rows_as(use_hook, columns, [(1, 2)], chosen=chosen)


def test_a_cursor_of_dicts_gives_the_same(use_hook: Any) -> None:
    assert rows_as(use_hook, ["a", "b"], [{"b": 2, "a": 1}]) == "a,b\r\n1,2\r\n"


# How it is read


def test_a_million_cells_take_no_more_memory_than_a_batch(use_hook: Any) -> None:
    class Endless(RowsHook):
        def fetched(self, size: int, left: list[int]) -> list[tuple[str, int, float]]:
            count, left[0] = min(size, left[0]), max(0, left[0] - size)
            return [("text of some length", n, n / 3) for n in range(count)]

    hook = use_hook(Endless(["a", "b", "c"], []))
    left = [300_000]
    hook.cursor_of_test.description = [("a",), ("b",), ("c",)]
    hook.cursor_of_test.fetchmany = lambda size: hook.fetched(size, left)
    open_payload(None, None, Query("SELECT 1", "warehouse", min_rows=0))  # imports, once
    left[0] = 300_000
    tracemalloc.start()
    try:
        payload = open_payload(None, None, QUERY)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert payload.sent.rows == 300_000
    assert peak < 2e6, f"{peak / 1e6:.1f} MB"


@pytest.mark.parametrize(
    ("driver", "asked"),
    [
        ("psycopg2.extensions", {"name": "airflow_provider_imports"}),
        ("psycopg", {"name": "airflow_provider_imports"}),
        ("MySQLdb.connections", "unbuffered"),
        ("pymysql.connections", "unbuffered"),
        ("sqlite3", {}),
    ],
)
def test_drivers_that_would_fetch_all_rows_at_once_are_asked_for_a_cursor_at_the_server(
    use_hook: Any, monkeypatch: pytest.MonkeyPatch, driver: str, asked: Any
) -> None:
    seen: list[Any] = []

    class Connection:
        autocommit = False

        def cursor(self, *arguments: Any, **options: Any) -> Any:
            seen.append(arguments[0] if arguments else options)
            return hook.cursor_of_test

        def close(self) -> None:
            pass

    Connection.__module__ = driver
    hook = use_hook(RowsHook(["a"], [(1,)]))
    monkeypatch.setattr(hook, "get_conn", Connection)
    cursors = ModuleType("cursors")
    cursors.SSCursor = "unbuffered"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, f"{driver.partition('.')[0]}.cursors", cursors)
    assert sent_for() == b"a\r\n1\r\n"
    assert seen == [asked]


# What is refused


@pytest.mark.parametrize(
    ("sql", "conn_id", "parameters", "problem"),
    [
        ("", "warehouse", None, "sql must be a text that is not empty, not empty text"),
        ("None", "warehouse", None, "sql is the text 'None': a template rendered to nothing"),
        (["SELECT 1", "SELECT 2"], "warehouse", None, "sql must be a text of one statement, not a value of type list"),
        (5, "warehouse", None, "render_template_as_native_obj=True"),
        ("SELECT 1", None, None, "sql_conn_id must be a text that is not empty, not None"),
        ("SELECT 1", "warehouse", "s3cret", "parameters must be a list, a tuple or a dict, not a text"),
        ("SELECT 1", "warehouse", 5, "parameters must be a list, a tuple or a dict, not a value of type int"),
    ],
)
def test_a_query_is_checked_by_name(sql: Any, conn_id: Any, parameters: Any, problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem) as raised:
        query_given(sql, conn_id, parameters, None)
    assert "s3cret" not in str(raised.value)


def test_a_connection_alone_is_no_query() -> None:
    assert query_given(None, "warehouse", None, None) is None


def test_no_rows_are_refused_unless_none_are_enough(warehouse: SqliteHook) -> None:
    with pytest.raises(InvalidInputError, match=r"gave 0 rows, and at least 1 must .* \(allow none with min_rows=0\)"):
        sent_for(Query(NEVER, "warehouse"))
    none = Query(NEVER, "warehouse", min_rows=0)
    assert sent_for(none) == b"month,amount\r\n"
    assert sent_for(none, chosen="json") == b"[]"
    with pytest.raises(InvalidInputError, match="gave 2,500 rows, and at least 2,501"):
        sent_for(replace(QUERY, min_rows=2501))


def test_a_statement_that_gives_no_rows_is_refused_and_changes_nothing(warehouse: SqliteHook) -> None:
    with pytest.raises(InvalidInputError, match="sql gives no rows: it must be a SELECT or alike"):
        sent_for(Query("DELETE FROM plan", "warehouse"))
    assert open_payload(None, None, QUERY).sent.rows == 2500


def test_a_query_that_fails_is_retried_and_its_words_stand_in_the_cause_alone(warehouse: SqliteHook) -> None:
    with pytest.raises(QueryFailedError) as raised:
        sent_for(Query("SELECT s3cret FROM plan", "warehouse"))
    assert not isinstance(raised.value, AirflowFailException)
    assert str(raised.value).startswith(
        "The query at sql_conn_id 'warehouse' failed (OperationalError; the cause is in"
    )
    assert "s3cret" not in str(raised.value)
    assert isinstance(raised.value.__cause__, sqlite3.OperationalError)


def test_a_database_that_breaks_off_in_the_middle_is_told_once(use_hook: Any) -> None:
    hook = use_hook(RowsHook(["a"], [(n,) for n in range(1500)]))
    fetch = hook.cursor_of_test.fetchmany

    def break_off(size: int) -> Any:
        if len(hook.cursor_of_test.rows) < 1000:
            raise ConnectionResetError("s3cret")
        return fetch(size)

    hook.cursor_of_test.fetchmany = break_off
    with pytest.raises(QueryFailedError, match=r"failed \(ConnectionResetError; the cause") as raised:
        sent_for()
    assert isinstance(raised.value.__cause__, ConnectionResetError)
    assert hook.cursor_of_test.closed


def test_a_connection_that_does_not_exist_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"no Airflow connection 'nowhere' \(sql_conn_id\)"):
        sent_for(Query("SELECT 1", "nowhere"))


def test_a_connection_without_sql_is_named(set_connection: Callable[..., str]) -> None:
    set_connection("web", conn_type="http", host="localhost")
    with pytest.raises(
        InvalidInputError, match=r"'web' \(sql_conn_id\) is of type 'http', which takes no SQL: its hook Http"
    ):
        sent_for(Query("SELECT 1", "web"))


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "airflow.providers.common.sql.hooks.sql", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'airflow-provider-imports\[sql\]'"):
        sent_for()


def test_a_full_temporary_folder_is_named(warehouse: SqliteHook, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any, /) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("airflow_provider_imports.http.body.tempfile.TemporaryFile", lambda **options: Full())
    with pytest.raises(OSError, match=r"does not fit into the temporary folder .*No space left.* Nothing was sent"):
        sent_for()


# The operators


@pytest.fixture
def push(sandbox_connections: Any) -> Callable[..., Callable[[], PigmentPushCsvOperator]]:
    """``push(sql=...)`` gives a maker of operators."""
    sandbox_connections.change_settings(run_seconds=0.05)

    def task(**parameters: Any) -> Callable[[], PigmentPushCsvOperator]:
        given = {"configuration_id": UPLOAD_CONFIGURATION_ID, "sql_conn_id": "warehouse", "poll_interval": 0.05}
        return lambda: PigmentPushCsvOperator(task_id="load", **{"sql": QUERY.sql, **given, **parameters})

    return task


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_querys_rows_reach_pigment(
    push: Any, sandbox: Any, make_context: Any, warehouse: SqliteHook, deferrable: bool
) -> None:
    manifest = finish(push(deferrable=deferrable), make_context())
    assert manifest["counts"]["inserted"] == 2500
    assert starts(sandbox)[0].bytes == len(sent_for())


def test_what_was_sent_is_known(push: Any, make_context: Any, warehouse: SqliteHook) -> None:
    operator = push()()
    assert operator.sent() is None
    operator.execute(make_context())
    assert operator.sent().to_json() == {"rows": 2500, "bytes": len(sent_for())}


def test_a_retry_goes_on_with_the_import_and_runs_no_query(
    push: Any, sandbox: Any, make_context: Any, warehouse: SqliteHook
) -> None:
    first = finish(push(wait_for_completion=False), make_context())
    second = finish(push(), make_context(try_number=2))
    assert second["run"] == first["run"]
    assert len(starts(sandbox)) == 1
    assert warehouse.connected == 1


@pytest.mark.parametrize(
    "other",
    [
        {"sql": "SELECT month, amount FROM plan LIMIT 7"},
        {"sql": "SELECT month, amount FROM plan WHERE month < ?", "parameters": ["00007"]},
        {"sql_conn_id": "other"},
    ],
    ids=["sql", "parameters", "connection"],
)
def test_another_query_is_another_import(
    push: Any,
    sandbox: Any,
    make_context: Any,
    warehouse: SqliteHook,
    set_connection: Callable[..., str],
    other: dict[str, Any],
) -> None:
    set_connection("other", conn_type="sqlite")
    finish(push(**{**other, "parameters": ["00009"]} if "parameters" in other else {}), make_context())
    finish(push(**other), make_context(try_number=2))
    assert len(starts(sandbox)) == 2


def test_a_cleared_task_whose_query_gives_the_same_rows_goes_on_and_runs_it_once(
    push: Any, sandbox: Any, make_context: Any, warehouse: SqliteHook
) -> None:
    sandbox.change_settings(run_seconds=60)
    first = finish(push(wait_for_completion=False), make_context())
    sandbox.change_settings(run_seconds=0.05)
    again = push(wait_for_completion=False)
    again_context = make_context(try_number=2, max_tries=2)
    stored = again_context["task_state_store"]
    record = stored.get("airflow_provider_imports.run")
    stored.set("airflow_provider_imports.run", {**record, "phase": "started", "status": None})
    assert finish(again, again_context)["run"] == first["run"]
    assert warehouse.connected == 2


def test_an_empty_result_sends_nothing(push: Any, sandbox: Any, make_context: Any, warehouse: SqliteHook) -> None:
    with pytest.raises(InvalidInputError, match="gave 0 rows"):
        finish(push(sql=NEVER), make_context())
    assert sandbox.journal == []


@pytest.mark.parametrize("operator", OPERATORS)
def test_fewer_rows_than_must_get_in_are_not_sent(
    operator: Any, sandbox_connections: Any, make_context: Any, warehouse: SqliteHook
) -> None:
    sql = QUERY.sql if operator is not RocketChatImportUsersOperator else "SELECT mail AS emails FROM users"
    given = {"configuration_id": UPLOAD_CONFIGURATION_ID} if operator is PigmentPushCsvOperator else {}
    given |= {"service": "product"} if operator is WebsaleStartImportOperator else {}
    task = operator(task_id="few", sql=sql, sql_conn_id="warehouse", min_rows=2501, **given)
    with pytest.raises(InvalidInputError, match=r"at least 2,501 must get in \(min_rows=2501\)"):
        task.execute(make_context())
    assert starts(sandbox_connections) == []


def test_an_empty_result_is_a_success_if_that_is_enough(
    push: Any, sandbox: Any, make_context: Any, warehouse: SqliteHook
) -> None:
    manifest = finish(push(sql=NEVER, min_rows=0), make_context())
    (start,) = starts(sandbox)
    assert start.bytes == len("month,amount\r\n")
    assert manifest["state"] == "succeeded"
    assert manifest["sent"]["rows"] == manifest["counts"]["inserted"] == 0


@pytest.mark.parametrize(("format", "told"), [(None, "json"), ("csv", "csv")])
def test_a_querys_rows_reach_websale(
    sandbox_connections: Any, make_context: Any, warehouse: SqliteHook, format: Any, told: str
) -> None:
    def task() -> WebsaleStartImportOperator:
        return WebsaleStartImportOperator(
            task_id="load", service="product", sql=QUERY.sql, sql_conn_id="warehouse", format=format, poll_interval=0.05
        )

    manifest = finish(task, make_context())
    assert manifest["counts"]["processed"] == 2500
    (start,) = [entry for entry in sandbox_connections.entries("websale") if entry.operation == "start_import"]
    assert start.path.endswith(f"?format={told}")
    assert start.bytes == len(sent_for(chosen=told))


def test_users_come_from_a_query_whatever_case_its_columns_have(
    sandbox_connections: Any, make_context: Any, warehouse: SqliteHook
) -> None:
    sql = 'SELECT mail AS EMAILS, id AS "importIds", login AS username FROM users ORDER BY id'
    operator = RocketChatImportUsersOperator(
        task_id="load", sql=sql, sql_conn_id="warehouse", batch_size=2, poll_interval=0.05
    )
    manifest = operator.execute(make_context())
    assert manifest["counts"]["inserted"] == 3
    assert operator.sent().to_json() == {"rows": 3, "bytes": None}
    assert [
        {name: user.get(name) for name in ("emails", "importIds", "username")}
        for user in sandbox_connections.vendors["rocketchat"].users
    ] == [
        {"emails": ["a@example.com", "a2@example.com"], "importIds": ["1"], "username": "anna"},
        {"emails": ["b@example.com"], "importIds": ["2"], "username": None},
        {"emails": ["c@example.com"], "importIds": ["3"], "username": None},
    ]
    assert warehouse.connected == 1


def test_users_of_a_query_may_have_arrays_and_typed_values(use_hook: Any) -> None:
    columns = ["emails", "importids", "roles", "deleted", "utcOffset"]
    use_hook(RowsHook(columns, [(["a@example.com"], [1, 2], ["user"], True, Decimal("1.5"))]))
    records = UserRecords(None, None, Query("SELECT 1", "warehouse"))
    assert check_every_user(records) == 1
    assert list(records) == [
        (
            "user 1",
            {"emails": ["a@example.com"], "importIds": [1, 2], "roles": ["user"], "deleted": True, "utcOffset": 1.5},
        )
    ]


@pytest.mark.parametrize(
    ("columns", "row", "problem"),
    [
        (["emails", "importIds"], ("anna", 1), "user 1 has something in emails that is no address"),
        (["emails", "importIds", "phone"], ("a@example.com", 1, 2), "columns of the query must name the fields"),
        (["emails", "EMAILS"], ("a@example.com", 1), "one is there twice"),
        (
            ["emails", "importIds"],
            (["a@example.com", None], 1),
            "row 1, column 'emails': a list of something else",
        ),
        (["emails", "importIds", "deleted"], ("a@example.com", 1, 1), "user 1 has deleted of type number"),
    ],
)
def test_users_of_a_query_are_checked_like_all_others(
    use_hook: Any, columns: list[str], row: tuple[Any, ...], problem: str
) -> None:
    use_hook(RowsHook(columns, [row]))
    with pytest.raises(InvalidInputError) as raised:
        check_every_user(UserRecords(None, None, Query("SELECT 1", "warehouse")))
    assert problem in str(raised.value)
    assert str(raised.value).endswith("Nothing was sent.")


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_query_is_templated_and_may_be_a_file(operator: Any) -> None:
    assert {"sql", "sql_conn_id", "parameters"} <= set(operator.template_fields)
    assert operator.template_ext == (".sql",)
    assert operator.template_fields_renderers["sql"] == "sql"


def test_a_sql_file_is_rendered(tmp_path: Path) -> None:
    (tmp_path / "plan.sql").write_text("SELECT * FROM plan WHERE month = '{{ params.month }}'")
    with DAG("a_dag", schedule=None, template_searchpath=str(tmp_path)):
        task = PigmentPushCsvOperator(
            task_id="load",
            configuration_id=UPLOAD_CONFIGURATION_ID,
            sql="plan.sql",
            sql_conn_id="{{ params.database }}",
            parameters=["{{ params.month }}"],
        )
    task.resolve_template_files()
    task.render_template_fields({"params": {"month": "00003", "database": "warehouse"}})
    assert task.sql == "SELECT * FROM plan WHERE month = '00003'"
    assert (task.sql_conn_id, task.parameters) == ("warehouse", ["00003"])


def test_an_import_without_a_query_has_the_fingerprint_that_it_had_before_there_were_queries(push: Any) -> None:
    operator = push(sql=None, sql_conn_id=None, data="a;b\n")()
    operator.check()
    assert [getattr(operator, name) for name in operator.inputs] == [UPLOAD_CONFIGURATION_ID, None, "a;b\n"]


@pytest.mark.parametrize("given", [{"data": "a"}, {"file_path": "a.csv"}], ids=["data", "file"])
def test_the_sources_exclude_each_other(push: Any, make_context: Any, sandbox: Any, given: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError, match="Give exactly one of file_path, data and sql, not"):
        push(**given)().execute(make_context())
    assert sandbox.journal == []
