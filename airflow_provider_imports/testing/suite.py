"""What every part of the conformance suite knows of its vendor, and which tests are left out by rule."""

from __future__ import annotations

import signal
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import pytest

from airflow_provider_imports.testing.task_life import TOO_LONG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from airflow_provider_imports.testing.cases import Case, Start, Wait
    from airflow_provider_imports.vendors import VendorEntry

F = TypeVar("F", bound="Callable[..., Any]")

MODES = pytest.mark.parametrize("deferrable", [False, True], ids=["sync", "deferrable"])


class LeftOut(NamedTuple):
    """A value for which a test is left out, and why."""

    what: str
    why: str

    def __str__(self) -> str:
        return self.what


class Each(NamedTuple):
    """
    A test is made for each of these values.

    :param unless: why it is left out for a value, by what its vendor cannot do; None if it is made
    """

    name: str
    values: Callable[[type[Suite]], Iterable[Any]]
    unless: Callable[[Any], str | None]


def each(
    name: str, values: Callable[[type[Suite]], Iterable[Any]], unless: Callable[[Any], str | None] = lambda value: None
) -> Callable[[F], F]:
    """Make a test for each value of its vendor."""

    def mark(function: F) -> F:
        function.each = [*getattr(function, "each", ()), Each(name, values, unless)]  # type: ignore[attr-defined]
        return function

    return mark


#: Why a vendor without a status is left out.
NO_STATUS = "it reports no status of a run"


def tells_nothing(case: Case) -> str | None:
    """:data:`NO_STATUS`, of such a vendor."""
    return None if case.waits else NO_STATUS


def has_no_slots(case: Start) -> str | None:
    """Why a vendor where nobody's import takes the place of another is left out."""
    return None if case.supersede else "no import takes the place of another"


def has_no_cancel(case: Start) -> str | None:
    """Why a vendor without a call that cancels is left out."""
    return None if case.cancel else "it can't cancel an import"


def all_cases(suite: type[Suite]) -> Sequence[Case]:
    """Operators and sensors."""
    return (*suite.starts, *suite.sensors)


class Suite:
    """
    A vendor, as its tests describe it.

    :cvar starts: every way to start an import
    :cvar sensors: every way to wait for one that somebody else started
    :cvar settings: of the stand-in, so that no limit of its holds the tests up
    :cvar quick: import paths of constants of the vendor's own that make it wait, and short values
    :cvar calls: what a task may call besides, given the vendor's hook, by name
    :cvar reads: what it may read besides, given the vendor's hook, by the name of the vendor's call
    :cvar samples: a folder with recorded answers of the vendor, as JSON files
    """

    starts: ClassVar[Sequence[Start]]
    sensors: ClassVar[Sequence[Wait]] = ()
    settings: ClassVar[Mapping[str, Any]] = {}
    quick: ClassVar[Mapping[str, object]] = {}
    calls: ClassVar[Mapping[str, Callable[[Any], object]]] = {}
    reads: ClassVar[Mapping[str, Callable[[Any], object]]] = {}
    samples: ClassVar[Path | None] = None

    @classmethod
    def entry(cls) -> VendorEntry:
        """The vendor's entry."""
        return cls.starts[0].entry

    @classmethod
    def vendor(cls) -> str:
        """The vendor's connection type."""
        return cls.entry().conn_type

    @classmethod
    def hook_class(cls) -> Any:
        """The vendor's hook."""
        return resolve_name(cls.entry().hook)

    @classmethod
    def acts(cls) -> set[str]:
        """The calls that start, prepare or cancel something."""
        return {call for start in cls.starts for call in (*start.stages, start.start, start.cancel) if call is not None}

    @classmethod
    def cancels(cls) -> set[str]:
        """The calls that cancel."""
        return {start.cancel for start in cls.starts if start.cancel is not None}

    @pytest.fixture(autouse=True)
    def in_bounded_time(self) -> Iterator[None]:
        """No test here may hang."""

        def too_long(*_: Any) -> None:
            raise TimeoutError("the test takes too long")

        before = signal.signal(signal.SIGALRM, too_long)
        signal.alarm(4 * TOO_LONG)
        yield
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
