"""
The cells of the fault matrix: every call of a vendor x every fault x every way to the vendor x both modes x first try
and retry; and what follows from a cell by the rules of the promise.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.testing.wire import answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_provider_imports.testing.cases import Case, Start

#: One cell in so many is run; all with ``FAULT_MATRIX_STEP=1``. A prime that no dimension has, so that one cell of the
#: share differs from the next in every dimension. A vendor with few calls has fewer cells than there are faults.
STEP = int(os.environ.get("FAULT_MATRIX_STEP", "23"))

#: To the vendor itself, to one that speaks plain HTTP through a proxy, and to one with TLS through a proxy's CONNECT.
DIRECT, PROXY, CONNECT = WAYS = ("direct", "proxy", "connect")

#: Name -> options of the sandbox's fault.
FAULTS: dict[str, dict[str, Any]] = {
    "refused": {"fault": "refuse", "seconds": 0.15},
    "reset before": {"fault": "reset", "when": "before"},
    "reset after": {"fault": "reset", "when": "after"},
    "timeout before": {"fault": "timeout", "when": "before", "seconds": 1.5},
    "timeout after": {"fault": "timeout", "when": "after", "seconds": 1.5},
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

#: These need an answer with a body.
IN_THE_BODY = frozenset({"truncated json", "wrong types", "slow drip"})

#: A cancel whose answer nobody reads takes a sign-in page for a success.
FAULTS_OF_A_CANCEL = {**FAULTS, "html with 200 before": {"fault": "html", "when": "before", "status": 200}}
PAGE = b"<html><body>Access denied</body></html>"


@dataclass(frozen=True)
class ProxyFault:
    """
    What a proxy does with one connection.

    :param answer: answers this, and passes nothing on
    :param closes: see :class:`~airflow_provider_imports.testing.proxy.ProxyServer`
    :param loses: passes the request on, and resets the connection when the answer comes
    """

    answer: bytes | None = None
    closes: str = ""
    loses: bool = False


PROXY_FAULTS = {
    "proxy 407": ProxyFault(answer(407, Connection="close")),
    "proxy 403": ProxyFault(answer(403, Connection="close")),
    "proxy 403 page": ProxyFault(answer(403, PAGE, Connection="close")),
    "proxy 502": ProxyFault(answer(502, Connection="close")),
    "proxy closes before": ProxyFault(closes="before"),
    "proxy closes after": ProxyFault(closes="after"),
    "proxy loses the answer": ProxyFault(loses=True),
}


def fault_at(calls: Sequence[str], position: int, vendor: str, fault: str) -> dict[str, Any]:
    """
    One of :data:`FAULTS`, as the sandbox takes it, at one call of several.

    A refused connection has no call, so it comes after the call before.
    """
    options = FAULTS_OF_A_CANCEL[fault]
    if options["fault"] != "refuse":
        return {"vendor": vendor, "operation": calls[position], **options}
    return {"vendor": vendor, "after_operation": calls[position - 1], **options} if position else dict(options)


@dataclass(frozen=True)
class Cell:
    """
    One cell.

    :param retry: the first try died once the import was started, and the fault meets the second
    """

    case: Case
    operation: str
    fault: str
    way: str
    deferrable: bool
    retry: bool

    def __str__(self) -> str:
        mode = "deferrable" if self.deferrable else "sync"
        try_ = "retry" if self.retry else "first try"
        return f"{self.case}: {self.operation}: {self.fault}: {self.way}: {mode}: {try_}"

    @property
    def _calls(self) -> Sequence[str]:
        """The calls of this try without faults, in order of their first time."""
        return (*(self.case.again if self.retry else self.case.first), *self.case.at_end)

    @property
    def hits_a_start(self) -> bool:
        """The fault meets a call that starts something."""
        return self.operation in (self.case.start, *self.case.stages)

    @property
    def comes_after_the_start(self) -> bool:
        """The import is started before the fault."""
        calls = self._calls
        return self.retry or (self.case.start in calls and calls.index(self.operation) > calls.index(self.case.start))

    @property
    def proxy_fault(self) -> ProxyFault | None:
        """What the proxy does, if the fault is one of its own."""
        return PROXY_FAULTS.get(self.fault)

    @property
    def requests_before(self) -> int:
        """How many requests the vendor gets before this call, in a run without faults."""
        return (self.case.again if self.retry else self.case.requests or self.case.first).index(self.operation)

    @property
    def status(self) -> int:
        """The status that we see; 0 for none, or a good one."""
        if self.is_refused_by_the_proxy or (self.way == PROXY and self.fault == "proxy 502"):
            return 502
        fault = FAULTS.get(self.fault, {})
        status: int = fault.get("status", 502 if fault.get("fault") == "html" else 0)
        return status

    @property
    def is_refused_by_the_proxy(self) -> bool:
        """The vendor's closed port is an answer of the proxy's, so nobody waits until it opens."""
        return self.way == PROXY and self.fault == "refused"

    @property
    def is_turned_down(self) -> bool:
        """A proxy that reads requests answers what means that nothing was done: an answer like a vendor's."""
        return self.way == PROXY and self.fault in ("proxy 403", "proxy 403 page")

    @property
    def is_refused_for_good(self) -> bool:
        """The answer is one after which a retry would be refused again; a page is a proxy's word, which passes."""
        return self.way == PROXY and self.fault == "proxy 403"

    @property
    def is_clear(self) -> bool:
        """After the fault, the start is sent again: the vendor has certainly not acted, or asks for that."""
        if self.status in self.case.repeats:
            return True
        if self.proxy_fault is None:
            return self.fault in CLEAR and self.status == 0
        if self.way == CONNECT:  # nothing of the request leaves before the tunnel stands
            return not self.proxy_fault.loses
        return self.fault == "proxy 407" or self.is_turned_down

    @property
    def acts(self) -> bool:
        """The vendor acts although its answer is bad."""
        if self.proxy_fault is not None:
            return self.proxy_fault.loses or (self.proxy_fault.closes == "after" and self.way == PROXY)
        fault = FAULTS[self.fault]
        return fault["fault"] in ("truncated_json", "wrong_types", "empty", "slow_drip") or fault.get("when") == "after"

    @property
    def holds_the_answer(self) -> bool:
        """The client gives up while the answer is held back."""
        return FAULTS.get(self.fault, {}).get("fault") in ("timeout", "slow_drip")

    @property
    def ends_unknown(self) -> bool:
        """Nobody can tell whether the import was started."""
        return self.hits_a_start and not self.is_clear and not self.case.adopts

    @property
    def sandbox_fault(self) -> dict[str, Any]:
        """The fault as the sandbox takes it."""
        calls = self._calls
        fault = fault_at(calls, calls.index(self.operation), self.case.vendor, self.fault)
        comes_at_once = "after_operation" not in fault
        if self.is_refused_by_the_proxy and comes_at_once and self.status not in self.case.repeats:
            fault["seconds"] = 1.0  # a try that is slow to begin would find the port open
        return fault


def cells(cases: Iterable[Case]) -> Iterator[Cell]:
    """All cells."""
    for case in cases:
        for retry, calls in ((False, case.first), (True, case.again)):
            for operation in (*calls, *case.at_end):
                # a proxy counts requests, and nobody knows how many come before the end
                of_proxy = () if operation in case.at_end else PROXY_FAULTS
                for way in WAYS:
                    for fault in FAULTS if way == DIRECT else (*FAULTS, *of_proxy):
                        for deferrable in (False, True) if case.waits else (False,):
                            yield Cell(case, operation, fault, way, deferrable, retry)


#: What the client sees while the vendor takes its time.
INSTEAD = ("reset", "timeout", "status", "html")
#: When the vendor acts: seconds after the answer was lost, while it may still begin the import and after that.
WITHIN, AFTER = "within the window", "after the window"


@dataclass(frozen=True)
class LateCell:
    """
    A call that starts or prepares an import, on which the vendor acts late.

    :param when: :data:`WITHIN` or :data:`AFTER` the vendor's ``longest_start``
    """

    case: Start
    operation: str
    instead: str
    when: str
    way: str
    deferrable: bool

    def __str__(self) -> str:
        mode = "deferrable" if self.deferrable else "sync"
        return f"{self.case}: {self.operation}: late, {self.instead}: {self.when}: {self.way}: {mode}"

    @property
    def is_sent_again(self) -> bool:
        """The vendor asks for a repeat after such an answer, or a second sending can't import twice."""
        if self.operation in self.case.stages or self.case.acts_once:
            return True
        return {"status": 503, "html": 502}.get(self.instead) in self.case.repeats


def late_cells(cases: Iterable[Start]) -> Iterator[LateCell]:
    """All cells of late acts."""
    for case in cases:
        for operation in (*case.stages, case.start):
            for instead in INSTEAD:
                for when in (WITHIN, AFTER):
                    for way in WAYS:
                        for deferrable in (False, True) if case.waits else (False,):
                            yield LateCell(case, operation, instead, when, way, deferrable)
