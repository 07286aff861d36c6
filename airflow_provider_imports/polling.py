"""
Decide when to look at an import again, and when to stop.

Pure: no I/O, no sleeping, no clock of its own, no Airflow. :func:`wait_for_end` is a generator of steps; the worker
(:meth:`~airflow_provider_imports.hooks.base.ImportHook.wait`) and the trigger both carry out its steps, one by
blocking, the other by awaiting, so that the two cannot drift apart.

Its values are named tuples: every Dag file that is parsed pays for their classes, and those of frozen data classes
take seven times as long to make.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, NamedTuple

from airflow_provider_imports.models import (
    Counts,
    ImportRun,
    ImportState,
    ImportStatus,
    number_from_json,
    text_from_json,
    texts_from_json,
)

#: A share of the time waited so far: the next look comes after a tenth of it.
WAIT_SHARE = 0.1
#: Waits differ by this share, so that imports started together are not looked at together for ever.
JITTER_SHARE = 0.1
#: Seconds between two log lines while nothing changes.
QUIET_SECONDS = 60.0
#: Version of :class:`Event`; a triggerer and a worker of different versions must not guess.
EVENT_VERSION = 1


class PollPolicy(NamedTuple):
    """
    How a user wants to wait.

    :param poll_interval: shortest seconds between two looks
    :param max_poll_interval: longest seconds between two looks
    :param deadline: the wall-clock time (epoch seconds) at which waiting ends; infinite if None
    :param outage_tolerance: seconds on end for which looks may fail
    :param not_found_grace: seconds after the start (or after the wait began, if nobody knows when the import started)
        in which "no such import" is taken for the vendor's lag
    """

    poll_interval: float
    max_poll_interval: float = 300.0
    deadline: float = float("inf")
    outage_tolerance: float = 1800.0
    not_found_grace: float = 0.0


class Trouble(StrEnum):
    """Why a look gave no status."""

    UNAVAILABLE = "unavailable"  #: no answer, or none that can be read: an outage, perhaps
    RATE_LIMITED = "rate_limited"  #: the vendor lives and asks us to wait
    NOT_FOUND = "not_found"
    SUPERSEDED = "superseded"
    REFUSED = "refused"  #: looking again would be refused again


class LookFailed(NamedTuple):
    """
    A look that gave no status.

    :param error: the error's class name in :mod:`airflow_provider_imports.exceptions`
    :param message: the error in words
    :param retry_after: seconds that the vendor asked us to wait
    """

    trouble: Trouble
    error: str
    message: str
    retry_after: float | None = None


class Outcome(StrEnum):
    """How a wait ended. Only ``SUCCEEDED`` is green."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    SUPERSEDED = "superseded"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"


_OUTCOME_OF_STATE = {
    ImportState.SUCCEEDED: Outcome.SUCCEEDED,
    ImportState.FAILED: Outcome.FAILED,
    ImportState.CANCELED: Outcome.CANCELED,
}


class Ending(NamedTuple):
    """
    The end of a wait, for the worker to judge.

    :param outcome: how it ended
    :param status: the last status seen, if any
    :param error: class name of the error that ended the wait, for ``REFUSED``, ``SUPERSEDED`` and ``UNREACHABLE``
    :param message: that error in words
    """

    outcome: Outcome
    status: ImportStatus | None = None
    error: str | None = None
    message: str | None = None

    @property
    def is_consistent(self) -> bool:
        """False if it says succeeded, failed or canceled, and its status does not."""
        state = None if self.status is None else _OUTCOME_OF_STATE.get(self.status.state)
        return state is self.outcome or self.outcome not in _OUTCOME_OF_STATE.values()


class Event(NamedTuple):
    """
    What the trigger tells the worker: small, versioned JSON, never a response body, never a secret.

    :param ending: how the wait ended
    :param deadline: the wait's deadline, epoch seconds
    :param run: the run that was waited for; None if it was a slot
    :param slot: the slot that was waited for; None if it was a run
    """

    ending: Ending
    deadline: float
    run: ImportRun | None = None
    slot: Mapping[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        """The event as Airflow carries it."""
        status = self.ending.status
        return {
            "version": EVENT_VERSION,
            "outcome": str(self.ending.outcome),
            "status": None if status is None else status.to_json(),
            "error": self.ending.error,
            "message": self.ending.message,
            "deadline": self.deadline,
            "run": None if self.run is None else self.run.to_json(),
            "slot": None if self.slot is None else dict(self.slot),
        }

    @classmethod
    def from_json(cls, value: object) -> Event:
        """
        Read back what :meth:`to_json` of the same version wrote.

        :raises ValueError: for anything else; nothing that is not understood is a success
        """
        version = value.get("version") if isinstance(value, Mapping) else None
        if not isinstance(value, Mapping) or version is True or version != EVENT_VERSION:
            raise ValueError(f"not an event of version {EVENT_VERSION}: {value!r}")
        try:
            status, error, message = value["status"], value["error"], value["message"]
            ending = Ending(
                Outcome(value["outcome"]),
                None if status is None else ImportStatus.from_json(status),
                None if error is None else text_from_json(error),
                None if message is None else text_from_json(message),
            )
            run, slot = value["run"], value["slot"]
            event = cls(
                ending,
                number_from_json(value["deadline"]),
                None if run is None else ImportRun.from_json(run),
                None if slot is None else texts_from_json(slot),
            )
        except (KeyError, ValueError) as error:
            raise ValueError(f"not an event: {error}") from error
        if not ending.is_consistent:
            raise ValueError("not an event: its status does not say what its outcome says")
        return event


class Sleep(NamedTuple):
    """Step: let this many seconds pass."""

    seconds: float


class Look(NamedTuple):
    """
    Step: read the status and send it (or a :class:`LookFailed`) back.

    :param deadline: the wait's deadline, for whoever must choose between several waiters
    """

    deadline: float


class Say(NamedTuple):
    """Step: write one line to the task's log."""

    line: str
    warning: bool = False


Step = Sleep | Look | Say
Wait = Generator[Step, ImportStatus | LookFailed | None, Ending]


def wait_for_end(
    policy: PollPolicy,
    started_at: float | None,
    clock: Callable[[], float],
    jitter: Callable[[], float],
) -> Wait:
    """
    Wait for an import's end, as steps to carry out.

    :param started_at: when the import started (epoch seconds), if known; the waits grow with its age, so a
        restarted triggerer goes on where the old one stopped
    :param clock: the wall clock (epoch seconds)
    :param jitter: random numbers in [0, 1)
    """
    began = started_at if started_at is not None else clock()
    news = News()
    failing_since: float | None = None
    status: ImportStatus | None = None
    yield Sleep(_first_wait(policy, started_at, clock(), jitter()))
    while True:
        at_deadline = clock() >= policy.deadline
        seen = yield Look(policy.deadline)
        now = clock()
        asked = 0.0
        if isinstance(seen, ImportStatus):
            failing_since, status = None, seen
            if (line := news.of(seen, now)) is not None:
                yield line
            if seen.state.is_terminal:
                return Ending(_OUTCOME_OF_STATE[seen.state], seen, message=seen.message)
        elif isinstance(seen, LookFailed):
            asked = seen.retry_after or 0.0
            trouble = _trouble(seen, now - began, policy, waiting_for_start=status is None)
            if trouble is Trouble.UNAVAILABLE:
                failing_since = now if failing_since is None else failing_since
                if now - failing_since >= policy.outage_tolerance:
                    return Ending(Outcome.UNREACHABLE, status, seen.error, seen.message)
            elif trouble is Trouble.RATE_LIMITED:
                failing_since = None  # the vendor lives
            else:
                outcome = Outcome.SUPERSEDED if trouble is Trouble.SUPERSEDED else Outcome.REFUSED
                return Ending(outcome, status, seen.error, seen.message)
            if (line := news.of_trouble(seen, now)) is not None:
                yield line
        if at_deadline:
            return Ending(Outcome.TIMED_OUT, status, message=None if status is None else status.message)
        wait = max(next_wait(policy, now - began, jitter()), asked)
        yield Sleep(max(0.0, min(wait, policy.deadline - now)))


def next_wait(policy: PollPolicy, waited: float, jitter: float) -> float:
    """
    Seconds until the next look: a tenth of the time waited so far, within the policy's bounds, +-10 %.

    :param waited: seconds since the import started
    :param jitter: a random number in [0, 1)
    """
    longest = max(policy.max_poll_interval, policy.poll_interval)
    wait = min(max(waited * WAIT_SHARE, policy.poll_interval), longest)
    return wait * (1 + JITTER_SHARE * (2 * jitter - 1))


def unseen_for(policy: PollPolicy, took: float, since: float) -> float:
    """
    Seconds for which somebody who waits by this policy may still not have seen that an import ended.

    :param took: seconds from the import's start to its end
    :param since: seconds since its end
    """
    return max(0.0, next_wait(policy, took, 1.0) - since)


def judge_rejected(counts: Counts, max_rejected: int | float | None) -> str | None:
    """
    Say why the counts of an ended import are not acceptable; None if they are.

    :param max_rejected: None: any number; int: rows; float: share of all rows (0.05 is five per cent)
    """
    rejected, rows = counts.rejected, counts.rows or 0
    if rejected and rejected >= rows:
        return f"every row was rejected ({rejected:,} of {rows:,})"
    if max_rejected is None:
        return None
    if rejected is None:
        return f"the vendor reported no count of rejected rows, so max_rejected={max_rejected} cannot be checked"
    if isinstance(max_rejected, int):
        told = "1 row was rejected" if rejected == 1 else f"{rejected:,} rows were rejected"
        return f"{told}, max_rejected={max_rejected}" if rejected > max_rejected else None
    if rejected > max_rejected * rows:
        return f"{rejected:,} of {rows:,} rows were rejected ({rejected / rows:.1%}), max_rejected={max_rejected:.1%}"
    return None


class News:
    """What is worth a line in the log: every change of state, progress or counts, else one line a minute."""

    __slots__ = ("_said_at", "_seen", "_trouble")

    def __init__(self) -> None:
        self._seen: ImportStatus | None = None
        self._trouble: tuple[object, ...] | None = None
        self._said_at = 0.0

    def of(self, status: ImportStatus, now: float) -> Say | None:
        """Say a status if it is news; what the vendor says about an end is said once, in its report."""
        if self._trouble is not None:
            self._trouble, self._seen = None, None
        before, self._seen = self._seen, status  # only the newest status is kept: thousands wait
        if before is not None and _news(status) == _news(before) and now - self._said_at < QUIET_SECONDS:
            return None
        self._said_at = now
        if status.state.is_terminal:
            return Say(describe(replace(status, message=None)))
        return Say(describe(status), warning=status.message is not None)

    def of_trouble(self, failed: LookFailed, now: float) -> Say | None:
        """Say a failed look if it is news."""
        trouble = (failed.trouble, failed.error)
        if trouble != self._trouble or now - self._said_at >= QUIET_SECONDS:
            self._trouble, self._said_at = trouble, now
            return Say(f"Status not readable, the import is left alone and looked at again: {failed.message}", True)
        return None


def _news(status: ImportStatus) -> tuple[object, ...]:
    return status.state, status.vendor_status, status.progress, status.counts


def describe(status: ImportStatus) -> str:
    """One line for the log: ``running (InProgress), 40 %, 3 inserted``."""
    parts = [f"{status.state} ({status.vendor_status})"]
    if status.progress is not None:
        parts.append(f"{status.progress:g} %")
    if status.counts != Counts():
        parts.append(str(status.counts))
    if status.message and status.message != status.vendor_status:
        parts.append(status.message)
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Seconds for people: ``45 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def _first_wait(policy: PollPolicy, started_at: float | None, now: float, jitter: float) -> float:
    """Let a fresh import get going; look at an old one at once, but not at a thousand old ones in one instant."""
    age = None if started_at is None else max(0.0, now - started_at)  # another machine's clock may be ahead
    if age is None:
        wait = 0.0
    elif age < policy.poll_interval:
        wait = next_wait(policy, 0, jitter) - age
    else:
        wait = jitter * policy.poll_interval * JITTER_SHARE
    return max(0.0, min(wait, policy.deadline - now))


def _trouble(failed: LookFailed, age: float, policy: PollPolicy, *, waiting_for_start: bool) -> Trouble:
    if failed.trouble is Trouble.NOT_FOUND and waiting_for_start and age < policy.not_found_grace:
        return Trouble.UNAVAILABLE
    return failed.trouble
