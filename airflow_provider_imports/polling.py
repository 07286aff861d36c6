"""
When to look at an import again, and when to stop.

Pure: no I/O, no sleeping, no clock of its own, no Airflow. The worker
(:meth:`~airflow_provider_imports.hooks.base.ImportHook.wait`) and the trigger both ask :class:`Wait` after every look,
one blocks in between, the other awaits, so that the two cannot drift apart.

Its values are named tuples: every DAG file that is parsed pays for their classes, and those of frozen data classes
take seven times as long to make.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from airflow_provider_imports.models import ImportState, ImportStatus
from airflow_provider_imports.progress_log import Line, ProgressLog

#: A share of the time waited so far: the next look comes after a tenth of it.
WAIT_SHARE = 0.1
#: Waits differ by this share, so that imports started together are not looked at together for ever.
JITTER_SHARE = 0.1


class PollPolicy(NamedTuple):
    """
    How a user wants to wait. The defaults stand in :mod:`airflow_provider_imports.vendors`.

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
    """How a wait ended. Only ``SUCCEEDED`` is green: what was waited for has come."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    SUPERSEDED = "superseded"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"


_OUTCOME_OF_STATE = {
    ImportState.SUCCEEDED: Outcome.SUCCEEDED,
    ImportState.EVIDENCE: Outcome.SUCCEEDED,
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

    @classmethod
    def of(cls, status: ImportStatus) -> Ending:
        """
        The end that a terminal status is.

        :raises KeyError: for a status of an import that goes on
        """
        return cls(_OUTCOME_OF_STATE[status.state], status, message=status.message)

    @property
    def is_consistent(self) -> bool:
        """False if it says succeeded, failed or canceled, and its status does not."""
        state = None if self.status is None else _OUTCOME_OF_STATE.get(self.status.state)
        return state is self.outcome or self.outcome not in _OUTCOME_OF_STATE.values()


class Next(NamedTuple):
    """
    What a wait does after a look.

    :param pause: seconds until the next look
    :param line: what to write to the log first, if the look brought news
    :param ending: the wait is over, and this is how it ended; None: look again
    """

    pause: float = 0.0
    line: Line | None = None
    ending: Ending | None = None


class Wait:
    """
    One wait for an import's end.

    :param policy: how to wait
    :param started_at: when the import started (epoch seconds), if known; the pauses grow with its age, so a restarted
        triggerer goes on where the old one stopped
    :param now: epoch seconds
    """

    __slots__ = ("_began", "_failing_since", "_log", "_policy", "_started_at", "_status")

    def __init__(self, policy: PollPolicy, started_at: float | None, now: float) -> None:
        self._policy = policy
        self._started_at = started_at
        self._began = now if started_at is None else started_at
        self._log = ProgressLog()
        self._failing_since: float | None = None
        self._status: ImportStatus | None = None

    def first_pause(self, now: float, jitter: float) -> float:
        """
        Seconds until the first look: a fresh import gets going first; a thousand old ones are not asked for at once.

        :param jitter: a random number in [0, 1)
        """
        policy = self._policy
        age = None if self._started_at is None else max(0.0, now - self._started_at)  # clocks of machines differ
        if age is None:
            pause = 0.0
        elif age < policy.poll_interval:
            pause = next_wait(policy, 0, jitter) - age
        else:
            pause = jitter * policy.poll_interval * JITTER_SHARE
        return max(0.0, min(pause, policy.deadline - now))

    def after_look(self, seen: ImportStatus | LookFailed, looked_at: float, now: float, jitter: float) -> Next:
        """
        Decide what comes after a look.

        :param seen: what the look brought
        :param looked_at: when it began (epoch seconds): one that began at the deadline or later was the last
        :param now: when it ended (epoch seconds)
        :param jitter: a random number in [0, 1)
        """
        if isinstance(seen, ImportStatus):
            self._failing_since, self._status = None, seen
            line = self._log.of(seen, now)
            if seen.state.is_terminal:
                return Next(line=line, ending=Ending.of(seen))
        else:
            ending = self._after_trouble(seen, now)
            if ending is not None:
                return Next(ending=ending)
            line = self._log.of_trouble(seen.trouble, seen.error, seen.message, now)
        if looked_at >= self._policy.deadline:
            message = None if self._status is None else self._status.message
            return Next(line=line, ending=Ending(Outcome.TIMED_OUT, self._status, message=message))
        asked = seen.retry_after or 0.0 if isinstance(seen, LookFailed) else 0.0
        pause = max(next_wait(self._policy, now - self._began, jitter), asked)
        return Next(max(0.0, min(pause, self._policy.deadline - now)), line)

    def _after_trouble(self, failed: LookFailed, now: float) -> Ending | None:
        trouble = failed.trouble
        is_new = self._status is None and now - self._began < self._policy.not_found_grace
        if trouble is Trouble.NOT_FOUND and is_new:
            trouble = Trouble.UNAVAILABLE
        if trouble is Trouble.RATE_LIMITED:
            self._failing_since = None  # the vendor lives
            return None
        if trouble is Trouble.UNAVAILABLE:
            self._failing_since = now if self._failing_since is None else self._failing_since
            if now - self._failing_since < self._policy.outage_tolerance:
                return None
            outcome = Outcome.UNREACHABLE
        else:
            outcome = Outcome.SUPERSEDED if trouble is Trouble.SUPERSEDED else Outcome.REFUSED
        return Ending(outcome, self._status, failed.error, failed.message)


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
