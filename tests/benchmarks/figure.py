"""A figure: what was measured, against what, whether it is good enough, and on which machine."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from rich.console import Console

PACKAGES = ("apache-airflow", "apache-airflow-providers-http", "aiohttp", "requests")


@dataclass(frozen=True, slots=True)
class Goal:
    """
    What a row has to reach.

    :param of: `ratio` to the alternative, or our own `value`
    """

    bound: float
    sense: Literal["at most", "at least"] = "at most"
    of: Literal["ratio", "value"] = "ratio"

    def __str__(self) -> str:
        words = ["≤" if self.sense == "at most" else "≥", f"{self.bound:g}", *(["x"] if self.of == "ratio" else [])]
        return "\N{NO-BREAK SPACE}".join(words)


@dataclass(frozen=True, slots=True)
class Row:
    """
    One measurement.

    :param what: what was measured, in words, with its unit
    :param ours: our value
    :param alternative: what it is compared with; None if there is nothing to compare
    :param theirs: the alternative's value
    :param ratio: ours by theirs, median over interleaved rounds; computed from the two values if None
    """

    what: str
    ours: float
    alternative: str | None = None
    theirs: float | None = None
    ratio: float | None = None
    goal: Goal | None = None

    @property
    def shown_ratio(self) -> float | None:
        """Ours by theirs."""
        if self.ratio is not None or not self.theirs:
            return self.ratio
        return self.ours / self.theirs

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        if self.goal is None:
            return None
        value = self.ours if self.goal.of == "value" else self.shown_ratio
        if value is None:
            return False
        return value <= self.goal.bound if self.goal.sense == "at most" else value >= self.goal.bound

    def cells(self) -> list[str]:
        """The row as a table shows it."""
        ratio = self.shown_ratio
        return [
            self.what,
            number(self.ours),
            self.alternative or "",
            "" if self.theirs is None else number(self.theirs),
            "" if ratio is None else f"{number(ratio)}\N{NO-BREAK SPACE}x",
            "" if self.goal is None else str(self.goal),
            {None: "", True: "yes", False: "NO"}[self.met],
        ]


COLUMNS = ("measured", "ours", "compared with", "theirs", "ratio", "goal", "met")


@dataclass(frozen=True, slots=True)
class Figure:
    """
    All of one figure.

    :param name: the name of its file
    :param rows: its table
    :param curves: what a plot shows, as `{label: [(x, y), ...]}`
    :param axes: what the plot's two axes are
    """

    name: str
    title: str
    rows: Sequence[Row]
    curves: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    axes: tuple[str, str] = ("", "")
    logarithmic: bool = False
    remarks: Sequence[str] = ()
    machine: str = ""

    def to_json(self) -> dict[str, Any]:
        """Everything that the documentation shows."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Figure:
        """Read back what :meth:`to_json` wrote."""
        rows = [Row(**{**row, "goal": Goal(**row["goal"]) if row["goal"] else None}) for row in value["rows"]]
        return cls(**{**value, "rows": rows, "axes": tuple(value["axes"])})

    def save(self, folder: Path) -> None:
        """Keep the figure for the documentation."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_json(), indent=1, ensure_ascii=False)
        (folder / f"{self.name}.json").write_text(text + "\n")

    def show(self, console: Console) -> None:
        """Print the table."""
        table = Table(title=self.title, caption=self.machine, box=box.SIMPLE_HEAD, title_justify="left")
        for name in COLUMNS:
            table.add_column(name, justify="right" if name in ("ours", "theirs", "ratio", "goal") else "left")
        for row in self.rows:
            style = {None: "", True: "green", False: "bold red"}[row.met]
            *cells, met = row.cells()
            table.add_row(*cells, f"[{style}]{met}[/]" if style else met)
        console.print(table)
        for remark in self.remarks:
            console.print(f"  {remark}")


def number(value: float) -> str:
    """Three digits that matter, and no more."""
    if value != value:  # not a number: nothing was measured
        return "?"
    if value and abs(value) < 100:
        return f"{value:.3g}"
    return f"{value:,.0f}"


def interleaved(
    rounds: int, candidates: dict[str, Callable[[], dict[str, float]]]
) -> dict[str, list[dict[str, float]]]:
    """Measure every candidate once a round, in turn, so that what else the machine does hits them alike."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, measure in candidates.items():
            found[name].append(measure())
    return found


def median(found: Iterable[dict[str, float]], key: str) -> float:
    """The median of one measurement over all rounds."""
    return statistics.median(one[key] for one in found)


def compare(
    what: str,
    key: str,
    found: dict[str, list[dict[str, float]]],
    names: tuple[str, str],
    alternative: str,
    goal: Goal | None = None,
) -> Row:
    """Compare two candidates round by round: the ratio is the median of the rounds' ratios."""
    ours, theirs = (found[name] for name in names)
    ratio = statistics.median(one[key] / other[key] for one, other in zip(ours, theirs, strict=True))
    return Row(what, median(ours, key), alternative, median(theirs, key), ratio, goal)


def machine() -> str:
    """Where the figures were measured: processor, cores, memory, system and versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(
        f"{name.removeprefix('apache-airflow-providers-')} {importlib.metadata.version(name)}" for name in PACKAGES
    )
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {versions}"
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
