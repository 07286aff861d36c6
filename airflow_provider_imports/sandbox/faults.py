"""Faults: ways in which the next requests go wrong, and which request meets which."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.sandbox.options import checked, option_names

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from airflow_provider_imports.sandbox.progress import Clock

    Act = Callable[[], Awaitable[object]]

BEFORE_BODY, BEFORE, AFTER, LATE = "before_body", "before", "after", "late"

REFUSE = "refuse"

FAULTS: Mapping[str, tuple[str, ...]] = {
    "reset": (BEFORE, AFTER, BEFORE_BODY),
    "timeout": (BEFORE, AFTER, BEFORE_BODY),
    "status": (BEFORE, AFTER, BEFORE_BODY),
    "html": (BEFORE, AFTER),
    "rate_limit": (BEFORE,),
    "truncated_json": (AFTER,),
    "wrong_types": (AFTER,),
    "empty": (AFTER,),
    "slow_drip": (AFTER,),
    LATE: (LATE,),
    REFUSE: (AFTER,),
}
"""Every fault and when it can strike; the first is the default."""

LOOK_EVERY = 0.02
"""Seconds between two looks at the clock, which a test may set forward."""

INSTEAD = ("reset", "timeout", "status", "html")
"""What a client may see of a fault ``late``; the first is the default."""

BOUNDS: Mapping[str, Callable[[Any], bool]] = {
    "count": lambda count: count >= 1,
    "status": lambda status: 200 <= status <= 599,
    "seconds": lambda seconds: seconds >= 0,
    "headers": lambda headers: all(isinstance(text, str) for item in headers.items() for text in item),
    "probability": lambda probability: 0 <= probability <= 1,
}
"""What the value of a fault's option must be besides its type."""


@dataclass(slots=True)
class Fault:
    """
    One way to go wrong, for the next ``count`` requests that match.

    :param fault: a name from :data:`FAULTS`.
    :param vendor: only requests to this vendor.
    :param operation: only this call of the vendor.
    :param when: ``"before"``: the body was received, the vendor has not acted. ``"after"``: the vendor did what was
        asked (``acted`` in the journal), only the answer is bad. ``"before_body"``: at once, the body is left
        unread; who sends a big one may then see a reset instead of the answer. ``"late"``: the body was received,
        the answer is lost, and the vendor acts ``seconds`` later, unless the sandbox is reset.
    :param count: how many requests meet it; ``None``: all, until it is cleared.
    :param status: HTTP status of ``status`` (default 503) and ``html`` (default 502).
    :param seconds: ``timeout``: how long nothing is answered (default 3600; then a fault before acting hangs
        up, one after acting delivers the true answer). ``slow_drip``: how long the answer takes (default 5).
        ``rate_limit``: the wait it asks for (default 1). ``late``: after how long, by the sandbox's clock, the vendor
        acts (default 0.5). ``refuse``: until the port opens again (default: until cleared).
    :param headers: more headers of ``status``, ``html`` and ``rate_limit``, for instance ``Retry-After``.
    :param body: body of ``status``, as text or JSON text (default: a short JSON error).
    :param hints: ``rate_limit``: whether headers say how long to wait.
    :param after_operation: ``refuse``: begin with the delivery of this call's answer, instead of at once.
    :param instead: ``late``: what the client sees, one of :data:`INSTEAD` (default ``reset``).
    :param probability: the share of matching requests that meet it.
    :param seed: makes ``probability`` repeatable.
    :raises ValueError: an option that makes no sense.
    """

    fault: str
    vendor: str | None = None
    operation: str | None = None
    when: str = ""
    count: int | None = 1
    status: int | None = None
    seconds: float | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    hints: bool = True
    after_operation: str | None = None
    instead: str | None = None
    probability: float = 1.0
    seed: int | None = None
    _random: random.Random = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, value in self.as_dict().items():
            checked(Fault, name, value)
            if value is not None and not BOUNDS.get(name, lambda _: True)(value):
                raise ValueError(f"{name!r} cannot be {value!r}")
        if self.fault not in FAULTS:
            raise ValueError(f"unknown fault {self.fault!r}; known: {', '.join(FAULTS)}")
        self.when = self.when or FAULTS[self.fault][0]
        if self.when not in FAULTS[self.fault]:
            raise ValueError(f"{self.fault!r} cannot strike {self.when!r}; choose {FAULTS[self.fault]}")
        if self.instead is not None and (self.fault != LATE or self.instead not in INSTEAD):
            raise ValueError(f"instead belongs to 'late'; choose {INSTEAD}")
        if self.after_operation and self.fault != REFUSE:
            raise ValueError("after_operation belongs to 'refuse'; use operation")
        if self.fault == REFUSE and self.after_operation is None and (self.operation or self.vendor):
            raise ValueError("a closed port refuses everybody: give after_operation, or neither vendor nor operation")
        self._random = random.Random(self.seed)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Fault:
        """Make a fault of a JSON object; an unknown key is a ``ValueError``."""
        for name, value in options.items():
            checked(cls, name, value)
        if "fault" not in options:
            raise ValueError("'fault' is required")
        return cls(**options)

    def as_dict(self) -> dict[str, Any]:
        """Return the fault as the control endpoint shows it; ``count`` is what is left of it."""
        return {name: getattr(self, name) for name in option_names(Fault)}

    def strikes(self, vendor: str, operation: str) -> bool:
        """Decide whether a request meets the fault, and if so count it."""
        wanted = self.after_operation or self.operation
        if self.count == 0 or self.vendor not in (None, vendor) or wanted not in (None, operation):
            return False
        if self.probability < 1 and self._random.random() >= self.probability:
            return False
        if self.count is not None:
            self.count -= 1
        return True


class Faults:
    """The faults that wait for their requests, in the order in which they were added."""

    def __init__(self, operations: Mapping[str, Iterable[str]], clock: Clock) -> None:
        self._operations = {vendor: frozenset(names) for vendor, names in operations.items()}
        self._clock = clock
        self._waiting: list[Fault] = []
        self._late: list[tuple[float, Act]] = []
        self._acting: asyncio.Task[None] | None = None

    def add(self, fault: Fault) -> None:
        """
        Add a fault.

        :raises ValueError: its vendor or operation does not exist, so that it would never strike.
        """
        if fault.vendor is not None and fault.vendor not in self._operations:
            raise ValueError(f"unknown vendor {fault.vendor!r}; known: {', '.join(self._operations)}")
        vendors = [fault.vendor] if fault.vendor else list(self._operations)
        known = frozenset[str]().union(*(self._operations[vendor] for vendor in vendors))
        for operation in filter(None, (fault.operation, fault.after_operation)):
            if operation not in known:
                raise ValueError(f"unknown operation {operation!r}; known: {', '.join(sorted(known))}")
        self._waiting.append(fault)

    def meet(self, vendor: str, operation: str) -> tuple[Fault | None, Fault | None]:
        """Return the fault that strikes a request, and the ``refuse`` that begins after it."""
        struck: Fault | None = None
        refusal: Fault | None = None
        for fault in list(self._waiting):
            if fault.fault == REFUSE:
                refusal = refusal or (fault if fault.strikes(vendor, operation) else None)
            else:
                struck = struck or (fault if fault.strikes(vendor, operation) else None)
            if fault.count == 0:
                self._waiting.remove(fault)
        return struck, refusal

    def waiting(self) -> list[dict[str, Any]]:
        """Return the faults that still wait."""
        return [fault.as_dict() for fault in self._waiting]

    def clear(self) -> None:
        """Remove all faults. What was struck by ``late`` before is done all the same."""
        self._waiting.clear()

    def act_later(self, act: Act, seconds: float) -> None:
        """Let a vendor act after so many seconds of the sandbox's clock."""
        self._late.append((self._clock() + seconds, act))
        self._late.sort(key=lambda each: each[0])
        if self._acting is None or self._acting.done():
            self._acting = asyncio.get_running_loop().create_task(self._act())

    async def _act(self) -> None:
        while self._late:
            due, act = self._late[0]
            if (left := due - self._clock()) > 0:
                await asyncio.sleep(min(left, LOOK_EVERY))
                continue
            del self._late[0]
            await act()

    async def late_acts(self) -> None:
        """Return when the vendors have done all that they do late."""
        if self._acting is not None:
            await self._acting

    def forget(self) -> None:
        """Remove all faults, and let no vendor act any more."""
        self.clear()
        self._late.clear()
        if self._acting is not None:
            self._acting.cancel()
            self._acting = None
