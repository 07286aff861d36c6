"""The rows of a query, straight from a database: from an open cursor into a temporary file, never held whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import InvalidInputError, QueryFailedError
from airflow_provider_imports.lineage import Dataset, tables_read
from airflow_provider_imports.operators.records import enough

if TYPE_CHECKING:
    from airflow_provider_imports.operators.rows import Batches

#: Rows that are fetched at a time.
FETCHED = 1000

Parameters = Sequence[Any] | Mapping[str, Any]
#: Writes columns and batches of rows, and counts the rows.
Write = Callable[[list[str], "Batches"], int]


class Cursor(Protocol):
    """A cursor of PEP 249, as far as it is used."""

    description: Any

    def fetchmany(self, size: int, /) -> Sequence[Any]: ...


@dataclass(slots=True, eq=False, repr=False)
class Query:
    """
    What to ask which database.

    :param sql: one statement that gives rows
    :param conn_id: the Airflow connection of the database, of any type whose hook is a ``DbApiHook``
    :param parameters: for the statement's placeholders, as the database's driver wants them
    :param min_rows: how many rows must get in, so fewer are not sent; None: any number but none
    :param tables: what it reads, for OpenLineage; known once it has run
    """

    sql: str
    conn_id: str
    parameters: Parameters | None = None
    min_rows: int | None = None
    tables: list[Dataset] = field(default_factory=list)

    @property
    def identity(self) -> list[object]:
        """What makes another query of it."""
        return ["sql", self.conn_id, self.sql, self.parameters]

    def run(self, write: Write) -> int:
        """
        Run the query, and have its rows written while they arrive.

        :return: how many rows
        :raises InvalidInputError: if it gives fewer rows than must get in, or the connection can't be used for it
        :raises QueryFailedError: if the database refuses it or can't be reached; a retry runs it again
        """
        with self._cursor() as cursor:
            batches = self._batches(cursor)
            first = next(batches, [])
            described = cursor.description  # a cursor on the server's side knows it only now
            if described is None:
                raise InvalidInputError(f"sql gives no rows: it must be a SELECT or alike. {validation.NOTHING}")
            columns = [str(column[0]) for column in described]
            rows = write(columns, _as_rows(columns, first, batches))
        enough("The query of sql", rows, self.min_rows)
        return rows

    def _batches(self, cursor: Cursor) -> Iterator[Sequence[Any]]:
        while True:
            with self._database():
                batch = cursor.fetchmany(FETCHED)
            if not batch:
                return
            yield batch

    @contextmanager
    def _cursor(self) -> Iterator[Cursor]:
        with self._database():
            hook = _hook(self.conn_id)
            self.tables[:] = tables_read(self.sql, hook, self.conn_id)
            connection = hook.get_conn()
        with closing(connection):
            with self._database():
                cursor = _streaming_cursor(connection)
            with closing(cursor):
                with self._database():
                    cursor.execute(self.sql) if self.parameters is None else cursor.execute(self.sql, self.parameters)
                yield cursor

    @contextmanager
    def _database(self) -> Iterator[None]:
        """Whatever a driver raises: its words may quote values, so they stand in the cause alone."""
        try:
            yield
        except (InvalidInputError, QueryFailedError):
            raise
        except Exception as error:
            raise QueryFailedError(
                f"The query at sql_conn_id {self.conn_id!r} failed ({type(error).__name__}; the cause is in the log). "
                f"Check sql, parameters and the connection; a retry runs the query again. {validation.NOTHING}"
            ) from error


def query_given(sql: object, sql_conn_id: object, parameters: object, min_rows: int | None) -> Query | None:
    """
    Check a query's parameters.

    :param min_rows: checked already
    :return: None if no query is given
    :raises InvalidInputError: naming the parameter
    """
    if sql is None:
        return None
    if not isinstance(sql, str):
        raise InvalidInputError(
            f"sql must be a text of one statement, not {validation.kind(sql)}.{validation.hint(sql)} "
            f"{validation.NOTHING}"
        )
    text = validation.required("sql", sql)
    conn_id = validation.required("sql_conn_id", sql_conn_id)
    if isinstance(parameters, str | bytes) or not isinstance(parameters, Sequence | Mapping | None):
        raise InvalidInputError(
            f"parameters must be a list, a tuple or a dict, not {validation.kind(parameters)}. {validation.NOTHING}"
        )
    return Query(text, conn_id, parameters, min_rows)


def _hook(conn_id: str) -> Any:
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

    try:
        from airflow.providers.common.sql.hooks.sql import DbApiHook
    except ImportError as error:
        raise InvalidInputError(
            f"sql needs common-sql: pip install 'airflow-provider-imports[sql]'. {validation.NOTHING}"
        ) from error
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        raise InvalidInputError(
            f"There is no Airflow connection {conn_id!r} (sql_conn_id). Nothing was sent."
        ) from error
    get_hook: Callable[[], object] = connection.get_hook
    hook = get_hook()
    if not isinstance(hook, DbApiHook):
        raise InvalidInputError(
            f"The connection {conn_id!r} (sql_conn_id) is of type {connection.conn_type!r}, which takes no SQL: its "
            f"hook {type(hook).__name__} is no DbApiHook. {validation.NOTHING}"
        )
    return hook


def _streaming_cursor(connection: Any) -> Any:
    """Open a cursor that leaves the rows at the server; the default of these drivers fetches all of them at once."""
    driver = type(connection).__module__.partition(".")[0]
    if driver in ("psycopg", "psycopg2") and connection.autocommit is False:
        return connection.cursor(name="airflow_provider_imports")
    if driver in ("MySQLdb", "pymysql"):
        return connection.cursor(import_module(f"{driver}.cursors").SSCursor)
    return connection.cursor()


def _as_rows(columns: Sequence[str], first: Sequence[Any], batches: Iterator[Sequence[Any]]) -> Batches:
    """Batches of rows whose cells are in the order of the columns; a cursor of dicts gives mappings."""
    batch = first
    while batch:
        yield [[row[name] for name in columns] for row in batch] if isinstance(batch[0], Mapping) else batch
        batch = next(batches, [])
