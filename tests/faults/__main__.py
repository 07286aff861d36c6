"""`python -m tests.faults`: how many cells the fault matrix has, by vendor and call."""

from __future__ import annotations

from collections import Counter

from tests.faults.matrix import FAULTS, PROXY_FAULTS, cells, late_cells


def main() -> None:
    matrix = list(cells())
    by_call = Counter((cell.case.name, cell.operation) for cell in matrix)
    print(f"{'start':<20}{'call of the vendor':<28}{'cells':>6}")
    for (case, operation), count in by_call.items():
        print(f"{case:<20}{operation:<28}{count:>6}")
    print(f"\n{len(matrix)} cells: {len(FAULTS)} faults, and {len(PROXY_FAULTS)} of a proxy; directly, through a")
    print("proxy and through its CONNECT; sync and deferrable, first try and retry.")
    print(f"{len(list(late_cells()))} cells of a vendor that acts late.")


if __name__ == "__main__":
    main()
