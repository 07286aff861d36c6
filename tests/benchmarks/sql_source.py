"""A query's rows as a file to send: throughput against csv.writer over the same cursor, and peak memory."""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.figure import Figure, Goal, Row, compare, interleaved, machine

if TYPE_CHECKING:
    from collections.abc import Callable

TITLE = "Straight from a query: throughput (rows/s) and peak memory beyond the process (MiB)"
REPOSITORY = Path(__file__).parents[2]
SQL = "SELECT id, name, price, stock, active, note FROM product"
MIB = 1 << 20
SPEED = Goal(0.5, "at least")
MEMORY = Goal(16, of="value")
WAYS = {"csv": "CSV", "json": "JSON"}


def database(folder: Path, rows: int) -> Path:
    """A SQLite database with a table of texts, numbers and NULLs."""
    file = folder / f"{rows}.db"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    columns = "id INTEGER, name TEXT, price REAL, stock INTEGER, active INTEGER, note TEXT"
    connection.execute(f"CREATE TABLE product ({columns})")
    connection.execute(
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?) INSERT INTO product "
        "SELECT n, 'product ' || n, n / 7.0, n % 500, n % 2, CASE WHEN n % 3 THEN 'a note, with a comma' END "
        "FROM numbers",
        [rows],
    )
    connection.commit()
    connection.close()
    return file


def ours(file: str, chosen: str) -> int:
    """Through the operators' own way."""
    from airflow.providers.common.compat.sdk import BaseHook
    from airflow.providers.common.sql.hooks.sql import DbApiHook

    from airflow_provider_imports.operators.payload import open_payload
    from airflow_provider_imports.operators.sql_source import Query

    class Hook(DbApiHook):
        conn_name_attr = "file_conn_id"

        def get_conn(self) -> sqlite3.Connection:
            return sqlite3.connect(file)

    os.environ["AIRFLOW_CONN_WAREHOUSE"] = json.dumps({"conn_type": "sqlite"})
    connection: Any = type(BaseHook.get_connection("warehouse"))
    connection.get_hook = lambda self, **options: Hook(file_conn_id="warehouse")
    return open_payload(None, None, Query(SQL, "warehouse"), chosen).sent.rows or 0


def plain(file: str) -> int:
    """What the standard library needs for it, unchecked: the bound."""
    connection = sqlite3.connect(file)
    cursor = connection.execute(SQL)
    with tempfile.TemporaryFile("w+", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(column[0] for column in cursor.description)
        count = 0
        while batch := cursor.fetchmany(1000):
            writer.writerows(batch)
            count += len(batch)
        out.flush()
    connection.close()
    return count


def _child(options: argparse.Namespace) -> None:
    run: Callable[[str], int] = plain if options.way == "plain" else partial(ours, chosen=options.way)
    run(options.small)  # imports, and what is allocated once
    before, clock = _peak(), time.perf_counter()
    rows = run(options.file)
    seconds = time.perf_counter() - clock
    print(json.dumps({"peak": (_peak() - before) / MIB, "speed": rows / seconds}))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(way: str, small: Path, file: Path) -> dict[str, float]:
    """Write a database's rows in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.sql_source", way, str(small), str(file)]
    run = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def run(options: argparse.Namespace) -> Figure:
    """Write the same rows in every way."""
    rows: list[Row] = []
    curves: dict[str, list[tuple[float, float]]] = {words: [] for words in WAYS.values()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, large = database(folder, 5_000), database(folder, options.rows)
        candidates: dict[str, Callable[[], dict[str, float]]] = {
            way: partial(measure, way, small, large) for way in ("plain", *WAYS)
        }
        found = interleaved(max(3, options.rounds), candidates)
        for number in (options.rows // 10, options.rows, options.rows * 10):
            file = large if number == options.rows else database(folder, number)
            for way, words in WAYS.items():
                curves[words].append((number, measure(way, small, file)["peak"]))
    for way, words in WAYS.items():
        goal = SPEED if way == "csv" else None
        rows.append(compare(f"{words}, rows/s", "speed", found, (way, "plain"), "csv.writer, same cursor", goal))
        rows += [
            Row(f"{words}, {int(number):,} rows, peak MiB", peak, goal=MEMORY) for number, peak in curves[words][1:]
        ]
    return Figure(
        __name__.rpartition(".")[2],
        TITLE,
        rows,
        curves=curves,
        axes=("rows", "peak memory beyond the process, MiB"),
        remarks=[
            f"Speed: {options.rows:,} rows of six columns from SQLite into a temporary file. Ours checks and types "
            "every value, and hashes what it writes; csv.writer does neither."
        ],
        machine=machine(),
    )


def main() -> None:
    """Write once, and print what it took."""
    command = argparse.ArgumentParser(prog="python -m tests.benchmarks.sql_source", description=__doc__)
    command.add_argument("way", choices=["plain", *WAYS])
    command.add_argument("small")
    command.add_argument("file")
    _child(command.parse_args())


if __name__ == "__main__":
    main()
