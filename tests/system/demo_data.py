"""Real data for the demo, out of public data packages, as a company's own systems would write it.

Tables of `vega_datasets` go to Pigment as they are. Its cars become the products of a shop. Staff are made of the
given and family names that the United States census counts most often (package `names`): real names, nobody real.
"""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from contextlib import closing, contextmanager
from importlib import resources
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

STOCK = "stock.db"
"""A database whose articles with little stock are imported."""
LITTLE = 20
STAFF_OF_LAST_YEAR = range(400)
STAFF_OF_THIS_YEAR = range(388, 600)
"""The export overlaps: whoever is in Rocket.Chat already is rejected there."""
ALREADY_THERE = len(set(STAFF_OF_LAST_YEAR) & set(STAFF_OF_THIS_YEAR))


def write(name: str, folder: Path) -> Path:
    """Write a data set into a folder: one of :data:`MADE`, or a table of `vega_datasets` by its file name."""
    path = folder / name
    if name in MADE:
        MADE[name](path)
    else:
        with _data_file("vega_datasets", f"_data/{name}") as table:
            shutil.copy(table, path)
    return path


def rows(path: Path) -> int:
    """How many records a file holds, or are asked of a database."""
    if path.suffix == ".db":
        with closing(sqlite3.connect(path)) as connection:
            return int(connection.execute("SELECT count(*) FROM article WHERE stock < ?", [LITTLE]).fetchone()[0])
    if path.suffix == ".json":
        return len(json.loads(path.read_text(encoding="utf-8")))
    with path.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def _write_stock(path: Path) -> None:
    articles = [(f"CAR-{position:04}", car["Horsepower"] or 0) for position, car in enumerate(_cars(), 1)]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE article (number TEXT, stock INTEGER)")
        connection.executemany("INSERT INTO article VALUES (?, ? % 100)", articles)


def _cars() -> list[dict[str, Any]]:
    with _data_file("vega_datasets", "_data/cars.json") as table:
        cars: list[dict[str, Any]] = json.loads(table.read_text(encoding="utf-8"))
    return cars


def _write_products(path: Path) -> None:
    products = [
        {
            "number": f"CAR-{position:04}",
            "name": car["Name"].title(),
            "weight": round(car["Weight_in_lbs"] * 0.4536, 1),
            "year": car["Year"][:4],
            "origin": car["Origin"],
        }
        for position, car in enumerate(_cars(), 1)
    ]
    path.write_text(json.dumps(products), encoding="utf-8")


def _write_staff(path: Path, numbers: range) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["emails", "importIds", "username", "name"])
        for number, (given, family) in islice(enumerate(_names()), numbers.start, numbers.stop):
            username = f"{given}.{family}".lower()
            table.writerow([f"{username}@example.com", f"staff-{number:04}", username, f"{given} {family}"])


def _write_customers(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["customer_id", "first_name", "last_name"])
        table.writerows([number, *name] for number, name in enumerate(islice(_names(), 1000), 1))


def _names() -> Iterator[tuple[str, str]]:
    """Given names, women's and men's in turn, each with the family name of the same rank."""
    given = [name for pair in zip(_census("female.first"), _census("male.first"), strict=False) for name in pair]
    return zip(given, _census("all.last"), strict=False)


def _census(table: str) -> list[str]:
    with _data_file("names", f"dist.{table}") as file:
        return [line.split()[0].title() for line in file.read_text().splitlines()]


@contextmanager
def _data_file(package: str, name: str) -> Iterator[Path]:
    with resources.as_file(resources.files(package) / name) as path:
        yield path


MADE: Mapping[str, Callable[[Path], None]] = {
    "products.json": _write_products,
    STOCK: _write_stock,
    "staff.csv": lambda path: _write_staff(path, STAFF_OF_LAST_YEAR),
    "new-staff.csv": lambda path: _write_staff(path, STAFF_OF_THIS_YEAR),
    "customers.csv": _write_customers,
}
