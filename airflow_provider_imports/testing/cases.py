"""What a vendor's tests say of it: how to make its operators and sensors, and which of its calls act."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from airflow_provider_imports.models import ImportRun
    from airflow_provider_imports.vendors import VendorEntry

#: Waits short enough for a thousand cells; what their lengths should be is tested elsewhere.
QUICK = {"poll_interval": 0.03, "max_poll_interval": 0.1, "timeout": 20, "outage_tolerance": 10}
QUICK_SENSOR = {"poke_interval": 0.03, "max_poll_interval": 0.1, "timeout": 20, "outage_tolerance": 10}


@dataclass(frozen=True, eq=False)
class Start:
    """
    One way to start an import.

    :param operator: the operator's class
    :param parameters: its parameters but for ``task_id``, or what makes them, given a folder for files
    :param start: the call that sets the import going
    :param status: the call that reads its status; None for a vendor that tells nothing of a run
    :param cancel: the call that cancels it; None for a vendor that has none
    :param stages: calls that prepare it at the vendor before that
    :param first: the vendor's calls in a first try, in order of their first time (default: start, status)
    :param again: the vendor's calls in a retry that finds the import started (default: status)
    :param requests: what the vendor gets in a first try one by one, if some call comes twice before the last of
        ``first`` comes first
    :param supersede: makes somebody else's import take the place of ours, at a vendor with slots
    :param adopts: the vendor lets us tell whether an unclear start took place (``adopt_flow``)
    :param repeats: the answers to a start after which the vendor asks for a repeat
    :param without_body: calls whose good answer has no body, so that nothing can be wrong with it
    :param acts_once: the vendor acts once on what was prepared, however often it is asked: the start is sent again
    :param name: in the names of tests (default: the operator's)
    :param at_end: calls that come once a status says that the import has ended
    """

    operator: Any
    parameters: Mapping[str, Any] | Callable[[Path], Mapping[str, Any]]
    start: str
    status: str | None = None
    cancel: str | None = None
    stages: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    supersede: Callable[[], object] | None = None
    adopts: bool = False
    repeats: tuple[int, ...] = ()
    acts_once: bool = False
    without_body: tuple[str, ...] = ()
    name: str = ""
    at_end: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        status = () if self.status is None else (self.status,)
        object.__setattr__(self, "first", self.first or (*self.stages, self.start, *status))
        object.__setattr__(self, "again", self.again or status)
        object.__setattr__(self, "name", self.name or self.operator.__name__)

    def __str__(self) -> str:
        return self.name

    @property
    def entry(self) -> VendorEntry:
        """The vendor's entry."""
        entry: VendorEntry = self.operator.entry
        return entry

    @property
    def vendor(self) -> str:
        """The vendor's connection type."""
        return self.entry.conn_type

    @property
    def waits(self) -> bool:
        """The vendor tells what becomes of an import, so there are two ways to wait."""
        return self.status is not None

    @property
    def ends(self) -> str:
        """The state of an import that ends well."""
        return "succeeded" if self.waits else "accepted"

    @property
    def starts_import(self) -> bool:
        """It is no sensor."""
        return True

    def make(self, folder: Path, **options: Any) -> Any:
        """Make the operator, as parsing a Dag file does."""
        given = self.parameters(folder) if callable(self.parameters) else self.parameters
        return self.operator(task_id="start", **{**given, **(QUICK if self.waits else {}), **options})

    def begin(self, folder: Path, context: Mapping[str, Any]) -> ImportRun:
        """Start an import that nobody waits for."""
        operator = self.make(folder, **({"wait_for_completion": False} if self.waits else {}))
        operator.execute(context)
        run: ImportRun = operator._run
        return run


@dataclass(frozen=True, eq=False)
class Wait:
    """
    One way to wait for an import that somebody else started.

    :param sensor: the sensor's class
    :param parameters: makes its parameters of the run that it shall wait for
    :param status: the call that reads the status
    :param first: the vendor's calls, in order of their first time (default: status)
    :param ends: the state of an import that ends well
    :param at_end: calls that come once a status says that the import has ended
    """

    sensor: Any
    parameters: Callable[[ImportRun], Mapping[str, Any]]
    status: str
    first: tuple[str, ...] = ()
    ends: str = "succeeded"
    at_end: tuple[str, ...] = ()
    again: tuple[str, ...] = field(default=(), init=False)
    stages: tuple[str, ...] = field(default=(), init=False)
    repeats: tuple[int, ...] = field(default=(), init=False)
    requests: tuple[str, ...] = field(default=(), init=False)
    without_body: tuple[str, ...] = field(default=(), init=False)
    start: str = field(default="", init=False)
    adopts: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "first", self.first or (self.status,))

    def __str__(self) -> str:
        return str(self.sensor.__name__)

    @property
    def vendor(self) -> str:
        """The vendor's connection type."""
        entry: VendorEntry = self.sensor.entry
        return entry.conn_type

    @property
    def waits(self) -> bool:
        """There are two ways to wait."""
        return True

    @property
    def starts_import(self) -> bool:
        """It only reads."""
        return False

    def make(self, folder: Path, **options: Any) -> Any:
        """Make the sensor, as parsing a Dag file does."""
        return self.sensor(task_id="wait", **{**QUICK_SENSOR, **options})


Case = Start | Wait
