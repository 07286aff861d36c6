"""`make mutants`: put small faults into the code, one at a time, and name those that no test notices."""

from __future__ import annotations

import csv
import sys
import time
from collections import Counter

from tests.mutants import of_functions, of_tables
from tests.mutants.mutant import read_judged, row_of

KILLED = frozenset({"killed", "timeout", "segfault"})


def main() -> int:
    """Exit code 1 if a mutant survives that is not judged, or is judged and does not survive."""
    began = time.monotonic()
    parts = {"of functions": of_functions.run(), "of tables and constants": of_tables.run()}
    survivors = {}
    for name, results in parts.items():
        print(f"\nMutants {name}: {len(results)}, {dict(Counter(results.values()))}")
        survivors |= {mutant: result for mutant, result in results.items() if result not in KILLED}
    print(f"{time.monotonic() - began:.0f} seconds")
    judged = read_judged()
    table = csv.writer(sys.stdout, lineterminator="\n")
    new, gone = [one for one in survivors if one not in judged], [one for one in judged if one not in survivors]
    if new:
        print(f"\n{len(new)} survive and are not judged in docs/mutants.csv:")
        table.writerows(row_of(one, survivors[one]) for one in new)
    if gone:
        print(f"\n{len(gone)} are judged in docs/mutants.csv and do not survive, or do not exist any more:")
        table.writerows(row_of(one, judged[one]) for one in gone)
    if not new and not gone:
        print(f"All {len(survivors)} survivors are judged in docs/mutants.csv")
    return 1 if new or gone else 0


if __name__ == "__main__":
    sys.exit(main())
