"""`make bench`: measure the figures, print a table of each, and keep them for the documentation if asked to."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.figure import Figure

#: One file each, cheap ones first.
FIGURES = (
    "noticing_the_end",
    "parsing",
    "politeness",
    "upload",
    "sql_source",
    "memory_of_a_wait",
    "slow_vendor",
    "cost_of_a_wait",
    "parts_of_a_read",
    "running_airflow",
)
PUBLISHED = Path(__file__).parents[2] / "docs" / "_static" / "benchmarks"


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    command = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    command.add_argument("figures", nargs="*", metavar="FIGURE", help=f"of {', '.join(FIGURES)}; all if none is named")
    command.add_argument("--publish", action="store_true", help="write the figures into the documentation")
    command.add_argument("--redraw", action="store_true", help="draw what was published again; measure nothing")
    command.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default: %(default)s)")
    command.add_argument("--seconds", type=float, default=5.0, help="of a round (default: %(default)s)")
    command.add_argument("--imports", type=int, default=1000, help="waited for at once (default: %(default)s)")
    command.add_argument(
        "--sizes", type=int, nargs="+", default=[10, 100, 1000, 3000], help="numbers of imports that a curve shows"
    )
    command.add_argument("--gibibytes", type=float, default=2.0, help="size of an upload (default: %(default)s)")
    command.add_argument(
        "--rows", type=int, default=1_000_000, help="of a query (default: %(default)s), and ten times as many"
    )
    command.add_argument(
        "--airflow-imports", type=int, default=500, help="deferred in a running Airflow (default: %(default)s)"
    )
    return command


def measure(name: str, options: argparse.Namespace) -> Figure:
    """Measure one figure."""
    figure: Figure = import_module(f"tests.benchmarks.{name}").run(options)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; exit code 1 if a goal was missed."""
    command = parser()
    options = command.parse_args(arguments)
    unknown = set(options.figures) - set(FIGURES)
    if unknown:
        command.error(f"no such figure: {', '.join(sorted(unknown))}")
    if options.redraw:
        from tests.benchmarks.publish import redraw

        redraw(PUBLISHED, FIGURES)
        return 0
    console = Console(width=None if sys.stdout.isatty() else 160)
    met = True
    with tempfile.TemporaryDirectory(prefix="airflow-home-of-benchmarks-") as home:
        os.environ["AIRFLOW_HOME"] = home
        os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"  # of triggers that run in this process
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        for name in options.figures or FIGURES:
            figure = measure(name, options)
            figure.show(console)
            met &= all(row.met is not False for row in figure.rows)
            if options.publish:
                figure.save(PUBLISHED)
    if options.publish:
        from tests.benchmarks.publish import redraw

        redraw(PUBLISHED, FIGURES)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
