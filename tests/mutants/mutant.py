"""A mutant, and the file that judges those which no test notices."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

#: Shown by the documentation; its code stands between double backquotes.
JUDGED = Path(__file__).parents[2] / "docs" / "mutants.csv"


class Mutant(NamedTuple):
    """
    One small fault.

    :param where: module, and function, class or constant, without the package
    :param original: the line
    :param becomes: what stands there instead
    """

    where: str
    original: str
    becomes: str


def read_judged() -> dict[Mutant, str]:
    """Read which mutants may survive, and why."""
    with JUDGED.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    return {Mutant(*(cell.removeprefix("``").removesuffix("``") for cell in row[:3])): row[3] for row in rows}


def row_of(mutant: Mutant, judgement: str) -> list[str]:
    """Write one as :func:`read_judged` reads it."""
    return [*(f"``{cell}``" for cell in mutant), judgement]
