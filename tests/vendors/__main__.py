"""`python -m tests.vendors`: how many cells the fault matrix has, by vendor and call."""

from __future__ import annotations

from collections import Counter

import airflow_provider_imports.testing.plugin  # noqa: F401  # gives this process an Airflow home of its own
from airflow_provider_imports.testing.matrix import FAULTS, PROXY_FAULTS, cells, late_cells
from airflow_provider_imports.testing.suite import all_cases
from tests.vendors.every import SUITES


def main() -> None:
    """Count and print."""
    matrix = [(suite.vendor(), cell) for suite in SUITES for cell in cells(all_cases(suite))]
    by_call = Counter((vendor, str(cell.case), cell.operation) for vendor, cell in matrix)
    for (vendor, case, operation), count in by_call.items():
        print(f"{vendor:<12}{case:<42}{operation:<28}{count:>6}")
    print(f"\n{len(matrix)} cells: {len(FAULTS)} faults, and {len(PROXY_FAULTS)} of a proxy; directly, through a")
    print("proxy and through its CONNECT; sync and deferrable, first try and retry.")
    late = sum(len(list(late_cells(suite.starts))) for suite in SUITES)
    print(f"{late} cells of a vendor that acts late.")


if __name__ == "__main__":
    main()
