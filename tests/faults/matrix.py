"""The cells of the fault matrix: every call of every vendor x every fault x both modes x first try and retry."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.faults.cases import CASES, Case

if TYPE_CHECKING:
    from collections.abc import Iterator

#: One cell in so many is run; ``make faults`` runs all.
STEP = int(os.environ.get("FAULT_MATRIX_STEP", "6"))
#: Seconds that the connections wait for an answer; a timeout fault holds it longer.
TIMEOUT = 0.3

#: Name -> options of the sandbox's fault.
FAULTS: dict[str, dict[str, Any]] = {
    "refused": {"fault": "refuse", "seconds": 0.15},
    "reset before": {"fault": "reset", "when": "before"},
    "reset after": {"fault": "reset", "when": "after"},
    "timeout before": {"fault": "timeout", "when": "before", "seconds": 1.0},
    "timeout after": {"fault": "timeout", "when": "after", "seconds": 1.0},
    "429 with hints": {"fault": "rate_limit", "hints": True, "seconds": 0.2},
    "429 without hints": {"fault": "rate_limit", "hints": False},
    **{
        f"{status} {when}": {"fault": "status", "status": status, "when": when}
        for status in (500, 502, 503, 504)
        for when in ("before", "after")
    },
    "html before": {"fault": "html", "when": "before"},
    "html after": {"fault": "html", "when": "after"},
    "html with 200": {"fault": "html", "when": "after", "status": 200},
    "truncated json": {"fault": "truncated_json"},
    "wrong types": {"fault": "wrong_types"},
    "empty": {"fault": "empty"},
    "slow drip": {"fault": "slow_drip", "seconds": 2.0},
}
#: After these the vendor has certainly not acted, and we know it.
CLEAR = frozenset({"refused", "429 with hints", "429 without hints"})


@dataclass(frozen=True)
class Cell:
    """
    One cell.

    :param calls: the calls that the vendor gets before this one, in a run without faults
    :param retry: the first try died once the import was started, and the fault meets the second
    """

    case: Case
    operation: str
    fault: str
    deferrable: bool
    retry: bool

    def __str__(self) -> str:
        mode = "deferrable" if self.deferrable else "sync"
        return f"{self.case.name}: {self.operation}: {self.fault}: {mode}: {'retry' if self.retry else 'first try'}"

    @property
    def hits_a_start(self) -> bool:
        """The fault meets a call that starts something."""
        return self.operation in (self.case.start, *self.case.stages)

    @property
    def is_clear(self) -> bool:
        """After the fault, the start is sent again: the vendor has certainly not acted, or asks for that."""
        fault = FAULTS[self.fault]
        status = fault.get("status", 502 if fault["fault"] == "html" else 0)
        return self.fault in CLEAR or status in self.case.repeats

    @property
    def acts(self) -> bool:
        """The vendor acts although its answer is bad."""
        fault = FAULTS[self.fault]
        return fault["fault"] in ("truncated_json", "wrong_types", "empty", "slow_drip") or fault.get("when") == "after"

    @property
    def ends_unknown(self) -> bool:
        """Nobody can tell whether the import was started."""
        return self.hits_a_start and not self.is_clear and not self.case.adopts

    @property
    def sandbox_fault(self) -> dict[str, Any]:
        """The fault as the sandbox takes it."""
        fault = FAULTS[self.fault]
        calls = self.case.again if self.retry else self.case.first
        before = calls.index(self.operation) - 1
        if fault["fault"] != "refuse":
            return {"vendor": self.case.vendor, "operation": self.operation, **fault}
        return {"vendor": self.case.vendor, "after_operation": calls[before], **fault} if before >= 0 else fault


def cells() -> Iterator[Cell]:
    """All cells."""
    for case in CASES:
        for retry, calls in ((False, case.first), (True, case.again)):
            for operation in calls:
                for fault in FAULTS:
                    for deferrable in (False, True) if case.waits else (False,):
                        yield Cell(case, operation, fault, deferrable, retry)
