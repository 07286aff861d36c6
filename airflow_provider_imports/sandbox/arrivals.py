"""Customers that imports bring: read from a file when an import starts, there when it has ended."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.sandbox.progress import Progress


class Arrivals:
    """The customers of a vendor whose imports carry no data: it reads a file of its own."""

    def __init__(self) -> None:
        self._imports: list[tuple[Progress, list[dict[str, str]]]] = []

    def add(self, progress: Progress, source: str | None) -> None:
        """Read the CSV ``source`` for an import that has just started; without one, the import brings nobody."""
        if source is not None and Path(source).is_file():
            with Path(source).open(newline="", encoding="utf-8-sig") as file:
                self._imports.append((progress, list(csv.DictReader(file))))

    def find(self, ids: Mapping[str, str]) -> dict[str, str] | None:
        """Return the columns of the customer with these ids as the imports that have ended left them."""
        found: dict[str, str] = {}
        for progress, rows in sorted(self._imports, key=lambda each: each[0].began + each[0].seconds):
            if progress.fraction >= 1:
                for row in rows:
                    if all(row.get(name, "").lower() == value.lower() for name, value in ids.items()):
                        found |= row
        return found or None
