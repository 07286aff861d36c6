"""When an import is looked at, and when waiting ends: for every sequence of answers, not for a chosen few."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_imports.http.retry import duration
from airflow_provider_imports.judging import judge_rejected
from airflow_provider_imports.models import Counts, ImportState, ImportStatus
from airflow_provider_imports.polling import (
    Ending,
    LookFailed,
    Outcome,
    PollPolicy,
    Trouble,
    Wait,
    next_wait,
)
from airflow_provider_imports.progress_log import Line
from airflow_provider_imports.trigger_event import Event

START = 1_750_000_000.0
RUNNING = ImportStatus(ImportState.RUNNING, "InProgress")
SUCCEEDED = ImportStatus(ImportState.SUCCEEDED, "Completed")
OUTAGE = LookFailed(Trouble.UNAVAILABLE, "VendorUnavailableError", "down")
LIMITED = LookFailed(Trouble.RATE_LIMITED, "VendorRateLimitError", "slow down", retry_after=30.0)
NOT_FOUND = LookFailed(Trouble.NOT_FOUND, "VendorRequestError", "no such import")
SUPERSEDED = LookFailed(Trouble.SUPERSEDED, "ImportSupersededError", "another one")
REFUSED = LookFailed(Trouble.REFUSED, "VendorAuthError", "bad key")

Seen = ImportStatus | LookFailed


@dataclass
class Watch:
    """A wait carried out with a clock of the test's own."""

    ending: Ending
    looks: list[float] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)
    said: list[Line] = field(default_factory=list)


def watch(
    policy: PollPolicy,
    answers: Iterator[Seen],
    *,
    started_at: float | None = START,
    look_seconds: float = 0.0,
    jitter: Callable[[], float] = lambda: 0.5,
    most_steps: int = 20_000,
) -> Watch:
    """Carry out a wait; every look takes ``look_seconds``."""
    clock = START
    wait = Wait(policy, started_at, clock)
    pause = wait.first_pause(clock, jitter())
    seen = Watch(Ending(Outcome.TIMED_OUT))
    for _ in range(most_steps):
        seen.sleeps.append(pause)
        looked_at = clock = clock + pause
        seen.looks.append(looked_at)
        answer = next(answers)
        clock += look_seconds
        step = wait.after_look(answer, looked_at, clock, jitter())
        if step.line is not None:
            seen.said.append(step.line)
        if step.ending is not None:
            seen.ending = step.ending
            return seen
        pause = step.pause
    raise AssertionError("the wait does not end")


class Answers(Iterator[Seen]):
    """Answers in order; remembers which were given."""

    def __init__(self, *first: Seen, then: Seen = RUNNING) -> None:
        self._left = chain(first, repeat(then))
        self.given: list[Seen] = []

    def __next__(self) -> Seen:
        self.given.append(next(self._left))
        return self.given[-1]


states = st.sampled_from([ImportState.RUNNING, ImportState.PAUSED, ImportState.ACCEPTED])
unfinished = st.builds(ImportStatus, states, st.just("word"), st.none() | st.floats(0, 100))
failures = st.builds(
    LookFailed,
    st.sampled_from(Trouble),
    st.just("VendorImportError"),
    st.just("a message"),
    st.none() | st.floats(0, 4000),
)
anything = st.one_of(unfinished, st.builds(ImportStatus, st.sampled_from(ImportState), st.just("word")), failures)
policies = st.builds(
    PollPolicy,
    st.floats(1, 900),
    st.floats(1, 900),
    st.floats(-100, 2000).map(lambda seconds: START + seconds),
    st.floats(1, 3000),
    st.sampled_from([0.0, 60.0]),
)
jitters = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(("warning", "level"), [(False, "INFO"), (True, "WARNING")])
def test_a_line_is_written_as_it_is_and_at_its_level(
    warning: bool, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    Line("40 %s", warning=warning).write(logging.getLogger("task"))
    assert [(one.levelname, one.message) for one in caplog.records] == [(level, "40 %s")]


@pytest.mark.parametrize(
    ("waited", "jitter", "wait"), [(0, 0.5, 10), (0, 0, 9), (0, 0.75, 10.5), (500, 0.5, 50), (1e6, 0.5, 300)]
)
def test_waits_grow_with_the_age_of_the_import_and_are_spread(waited: float, jitter: float, wait: float) -> None:
    assert next_wait(PollPolicy(10, 300), waited, jitter) == pytest.approx(wait)


@given(policies, st.floats(0, 1e7), jitters)
def test_the_next_look_comes_after_a_tenth_of_the_time_waited_within_the_bounds(
    policy: PollPolicy, waited: float, jitter: float
) -> None:
    shortest, longest = policy.poll_interval, max(policy.poll_interval, policy.max_poll_interval)

    wait = next_wait(policy, waited, jitter)

    ideal = min(max(waited / 10, shortest), longest)
    assert 0.9 * ideal <= wait * 1.000001
    assert wait <= 1.1 * ideal * 1.000001


@given(policies, st.lists(anything, max_size=30), st.floats(0, 90), jitters, st.floats(-1e6, 1e6) | st.none())
def test_every_wait_ends_at_its_deadline_with_at_most_one_look_after_it(
    policy: PollPolicy, answers: list[Seen], look_seconds: float, jitter: float, age: float | None
) -> None:
    seen = watch(
        policy,
        Answers(*answers),
        started_at=None if age is None else START - age,
        look_seconds=look_seconds,
        jitter=lambda: jitter,
    )

    assert len([at for at in seen.looks if at >= policy.deadline]) <= 1
    assert all(seconds >= 0 for seconds in seen.sleeps)
    assert all(at + look_seconds <= max(policy.deadline, START) + 2 * look_seconds + 0.001 for at in seen.looks)


@given(policies, st.lists(anything, max_size=30), jitters)
def test_only_a_look_that_says_succeeded_ends_green(policy: PollPolicy, answers: list[Seen], jitter: float) -> None:
    seen = Answers(*answers)

    ending = watch(policy, seen, jitter=lambda: jitter).ending

    last = seen.given[-1]
    succeeded = isinstance(last, ImportStatus) and last.state in (ImportState.SUCCEEDED, ImportState.EVIDENCE)
    assert (ending.outcome is Outcome.SUCCEEDED) == succeeded
    if ending.outcome in (Outcome.FAILED, Outcome.CANCELED):
        assert isinstance(last, ImportStatus)
        assert str(last.state) == str(ending.outcome)


@given(policies, st.lists(st.sampled_from([OUTAGE, LIMITED, RUNNING]), max_size=40), jitters)
def test_outages_and_rate_limits_never_end_as_failed(policy: PollPolicy, answers: list[Seen], jitter: float) -> None:
    ending = watch(policy, Answers(*answers), jitter=lambda: jitter).ending

    assert ending.outcome in (Outcome.TIMED_OUT, Outcome.UNREACHABLE)


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.floats(10, 2000))
def test_an_outage_ends_the_wait_only_if_it_lasts(good: list[bool], tolerance: float) -> None:
    policy = PollPolicy(10, 10, START + 1e6, outage_tolerance=tolerance)
    seen = Answers(*(RUNNING if one else OUTAGE for one in good), then=SUCCEEDED)

    ending = watch(policy, seen).ending

    longest = 0
    for run in "".join("+" if one else "-" for one in good).split("+"):
        longest = max(longest, len(run))
    lasted = (longest - 1) * 10
    if lasted < tolerance * 0.9:
        assert ending.outcome is Outcome.SUCCEEDED
    if lasted > tolerance * 1.1:
        assert ending.outcome is Outcome.UNREACHABLE


def test_an_outage_that_has_lasted_as_long_as_is_tolerated_ends_the_wait_with_what_is_known() -> None:
    policy = PollPolicy(10, 10, START + 10_000, outage_tolerance=30)

    seen = watch(policy, Answers(RUNNING, then=OUTAGE))

    assert seen.looks == [START + 10, START + 20, START + 30, START + 40, START + 50]
    assert seen.ending == Ending(Outcome.UNREACHABLE, RUNNING, "VendorUnavailableError", "down")


def test_by_default_half_an_hour_of_outage_is_tolerated_and_looks_are_at_most_five_minutes_apart() -> None:
    seen = watch(PollPolicy(60), Answers(RUNNING, then=OUTAGE), started_at=START - 10_000)

    assert seen.looks == [START + 3 + 300 * n for n in range(8)]
    assert seen.ending.outcome is Outcome.UNREACHABLE


def test_unless_the_vendor_is_known_to_lag_an_import_that_is_not_found_is_not_waited_for() -> None:
    assert watch(PollPolicy(0.25), Answers(NOT_FOUND, SUCCEEDED)).ending.outcome is Outcome.REFUSED


def test_a_vendor_that_asks_for_patience_is_not_out_of_order() -> None:
    policy = PollPolicy(10, 10, START + 10_000, outage_tolerance=100)

    seen = watch(policy, Answers(OUTAGE, *[LIMITED] * 10, OUTAGE, SUCCEEDED))

    assert seen.ending.outcome is Outcome.SUCCEEDED


def test_there_is_one_last_look_at_the_deadline() -> None:
    policy = PollPolicy(60, 60, START + 100)

    seen = watch(policy, Answers(RUNNING, SUCCEEDED))

    assert seen.looks == [START + 60, START + 100]
    assert seen.ending.outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("message", [None, "paused by an admin"])
def test_after_the_last_look_the_wait_has_timed_out_with_what_was_seen_last(message: str | None) -> None:
    last = ImportStatus(ImportState.PAUSED, "Paused", message=message)

    ending = watch(PollPolicy(60, 60, START + 100), Answers(RUNNING, then=last)).ending

    assert ending == Ending(Outcome.TIMED_OUT, last, message=message)


def test_a_wait_that_saw_no_status_times_out_without_one() -> None:
    ending = watch(PollPolicy(60, 60, START + 100), Answers(then=LIMITED)).ending

    assert ending == Ending(Outcome.TIMED_OUT)


def test_the_end_of_an_import_brings_what_the_vendor_says_of_it() -> None:
    failed = ImportStatus(ImportState.FAILED, "Failed", message="no such column")

    ending = watch(PollPolicy(60), Answers(RUNNING, failed)).ending

    assert ending == Ending(Outcome.FAILED, failed, message="no such column")


def test_an_outage_at_the_deadline_is_a_time_out() -> None:
    ending = watch(PollPolicy(60, 60, START + 100), Answers(RUNNING, OUTAGE)).ending

    assert ending.outcome is Outcome.TIMED_OUT
    assert ending.status == RUNNING


def test_the_deadline_has_passed_already_and_still_there_is_one_look() -> None:
    seen = watch(PollPolicy(60, 60, START - 5), Answers(SUCCEEDED))

    assert seen.looks == [START]
    assert seen.ending.outcome is Outcome.SUCCEEDED


def test_a_vendors_wish_to_wait_is_kept_but_not_beyond_the_deadline() -> None:
    seen = watch(PollPolicy(10, 300, START + 45), Answers(LIMITED, LIMITED))

    assert seen.looks == [START + 10, START + 40, START + 45]


def test_a_clock_that_runs_behind_does_not_delay_the_first_look() -> None:
    seen = watch(PollPolicy(10, 300, START + 1000), Answers(SUCCEEDED), started_at=START + 500)

    assert seen.looks == [START + 10]


@pytest.mark.parametrize(
    ("age", "jitter", "wait"),
    [
        (None, 0.5, 0),  # nobody knows when it started
        (0, 0.5, 10),
        (0, 0, 9),
        (4, 0.5, 6),
        (4, 0, 5),
        (9.5, 0, 0),
        (10, 0.5, 0.5),  # from here on it is an old one, and thousands of old ones are spread over a second
        (5000, 0.5, 0.5),
        (5000, 0, 0),
    ],
)
def test_the_first_look_comes_after_the_interval_and_at_an_old_import_at_once(
    age: float | None, jitter: float, wait: float
) -> None:
    started_at = None if age is None else START - age

    seen = watch(PollPolicy(10), Answers(SUCCEEDED), started_at=started_at, jitter=lambda: jitter)

    assert seen.looks == [START + wait]


def test_an_impatient_user_is_served() -> None:
    refused_briefly = LookFailed(Trouble.RATE_LIMITED, "VendorRateLimitError", "slow down")

    seen = watch(PollPolicy(0.0625), Answers(RUNNING, refused_briefly, SUCCEEDED))

    assert seen.looks == [START + 0.0625, START + 0.125, START + 0.1875]


def test_a_restart_goes_on_with_the_long_waits_of_an_old_import() -> None:
    seen = watch(PollPolicy(10, 300, START + 1000), Answers(RUNNING, SUCCEEDED), started_at=START - 1000)

    assert seen.looks[1] - seen.looks[0] == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize(
    ("age", "outcome"),
    [(30, Outcome.SUCCEEDED), (59, Outcome.SUCCEEDED), (59.5, Outcome.REFUSED), (70, Outcome.REFUSED)],
)
def test_no_such_import_is_lag_only_in_the_first_minute_after_the_start(age: float, outcome: Outcome) -> None:
    policy = PollPolicy(10, 300, START + 1000, not_found_grace=60)

    ending = watch(policy, Answers(NOT_FOUND, SUCCEEDED), started_at=START - age).ending

    assert ending.outcome is outcome


def test_no_such_import_is_no_lag_once_it_was_seen() -> None:
    policy = PollPolicy(1, 300, START + 1000, not_found_grace=60)

    ending = watch(policy, Answers(RUNNING, NOT_FOUND)).ending

    assert ending == Ending(Outcome.REFUSED, RUNNING, "VendorRequestError", "no such import")


@pytest.mark.parametrize(
    ("seen", "outcome"), [(REFUSED, Outcome.REFUSED), (SUPERSEDED, Outcome.SUPERSEDED), (NOT_FOUND, Outcome.REFUSED)]
)
def test_what_will_not_get_better_ends_the_wait_at_once(seen: LookFailed, outcome: Outcome) -> None:
    result = watch(PollPolicy(10, 300, START + 1000), Answers(RUNNING, seen))

    assert len(result.looks) == 2
    assert result.ending == Ending(outcome, RUNNING, seen.error, seen.message)


@given(st.integers(1, 400))
def test_the_log_says_every_change_and_else_one_line_a_minute(polls: int) -> None:
    policy = PollPolicy(5, 5, START + 5 * polls)

    seen = watch(policy, Answers())

    assert 1 <= len(seen.said) <= 1 + 5 * polls / 60


@pytest.mark.parametrize("answer", [RUNNING, OUTAGE])
def test_what_goes_on_unchanged_is_said_again_after_a_minute(answer: Seen) -> None:
    """Looks after 30, 60 and 90 seconds, of which the first and the last are told."""
    policy = PollPolicy(30, 30, START + 90)

    seen = watch(policy, Answers(then=answer))

    assert len(seen.looks) == 3
    assert len(seen.said) == 2


def test_a_change_of_progress_or_counts_is_said_at_once() -> None:
    changes = [
        ImportStatus(ImportState.RUNNING, "InProgress", 10),
        ImportStatus(ImportState.RUNNING, "InProgress", 20),
        ImportStatus(ImportState.RUNNING, "InProgress", 20, Counts(processed=5)),
        ImportStatus(ImportState.PAUSED, "Paused", 20, Counts(processed=5)),
    ]

    said = watch(PollPolicy(1, 1, START + 100), Answers(*changes, then=SUCCEEDED)).said

    assert [line.text for line in said] == [str(one) for one in (*changes, SUCCEEDED)]


def test_evidence_that_a_record_has_arrived_is_a_success() -> None:
    evidence = ImportStatus(ImportState.EVIDENCE, "found")

    ending = watch(PollPolicy(1, 1, START + 100), Answers(then=evidence)).ending

    assert (ending.outcome, ending.is_consistent) == (Outcome.SUCCEEDED, True)


def test_what_the_vendor_says_about_an_end_is_left_to_its_report() -> None:
    failed = ImportStatus(ImportState.FAILED, "Failed", message="column missing")

    seen = watch(PollPolicy(1, 1, START + 100), Answers(then=failed))

    assert [(line.text, line.warning) for line in seen.said] == [("failed (Failed)", False)]
    assert seen.ending.message == "column missing"


def test_a_status_after_an_outage_is_said_so_that_nobody_wonders() -> None:
    said = watch(PollPolicy(1, 1, START + 100), Answers(RUNNING, OUTAGE, OUTAGE, RUNNING, SUCCEEDED)).said

    assert [line.warning for line in said] == [False, True, False, False]
    assert said[1].text == "Status not readable, the import is left alone and looked at again: down"


@pytest.mark.parametrize(
    "another",
    [
        LookFailed(Trouble.UNAVAILABLE, "VendorAuthError", "a web page"),
        LookFailed(Trouble.RATE_LIMITED, "VendorUnavailableError", "slow down"),
    ],
    ids=["of another error", "of another kind"],
)
def test_another_trouble_is_said_at_once(another: LookFailed) -> None:
    said = watch(PollPolicy(1, 1, START + 100), Answers(OUTAGE, OUTAGE, another, another, SUCCEEDED)).said

    assert [line.text.rpartition(": ")[2] for line in said] == ["down", another.message, "succeeded (Completed)"]


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (RUNNING, "running (InProgress)"),
        (
            ImportStatus(ImportState.RUNNING, "InProgress", 40.0, Counts(inserted=3, skipped=0)),
            "running (InProgress), 40 %, 3 inserted, 0 skipped",
        ),
        (ImportStatus(ImportState.FAILED, "Failed", message="no such column"), "failed (Failed), no such column"),
        (ImportStatus(ImportState.FAILED, "no such column", message="no such column"), "failed (no such column)"),
    ],
)
def test_a_status_is_one_line_with_what_is_known(status: ImportStatus, line: str) -> None:
    assert str(status) == line


def test_an_undocumented_state_is_a_warning() -> None:
    doubted = ImportStatus(ImportState.RUNNING, "Sleeping", message="status 'Sleeping' is not documented")

    said = watch(PollPolicy(1, 1, START + 3), Answers(doubted, then=doubted)).said

    assert said[0].warning


@pytest.mark.parametrize(
    ("counts", "limit", "acceptable"),
    [
        (Counts(inserted=10), None, True),
        (Counts(inserted=10), 0, False),  # nobody counted the rejected rows
        (Counts(inserted=10, failed=0), 0, True),
        (Counts(inserted=9, failed=1), None, True),
        (Counts(inserted=9, failed=1), 0, False),
        (Counts(inserted=9, failed=1), 1, True),
        (Counts(inserted=9, failed=1), 0.1, True),
        (Counts(inserted=9, failed=1), 0.05, False),
        (Counts(inserted=9, failed=1), 0.0, False),
        (Counts(inserted=9, failed=0), 0.0, True),
        (Counts(total=100, failed=5), 0.05, True),
        (Counts(total=100, failed=6), 0.05, False),
        (Counts(inserted=8, failed=1, skipped=1), 1, False),
        (Counts(inserted=0, failed=3), None, False),  # every row
        (Counts(inserted=0, failed=3), 5, False),
        (Counts(inserted=0, failed=3), 1.0, False),
        (Counts(total=3, failed=3), None, False),
        (Counts(inserted=0, failed=0), None, True),  # nothing there to reject
        (Counts(), 0.5, False),
    ],
)
def test_rejected_rows_are_judged_by_the_users_limit(
    counts: Counts, limit: int | float | None, acceptable: bool
) -> None:
    assert (judge_rejected(counts, limit) is None) == acceptable


@pytest.mark.parametrize(
    ("counts", "limit", "reason"),
    [
        (Counts(inserted=1, failed=1), 0, "1 row was rejected, max_rejected=0"),
        (Counts(inserted=1, failed=2000), 1, "2,000 rows were rejected, max_rejected=1"),
        (Counts(inserted=9, failed=1), 0.05, "1 of 10 rows were rejected (10.0%), max_rejected=5.0%"),
        (Counts(failed=2000), None, "every row was rejected (2,000 of 2,000)"),
        (Counts(total=0, failed=2), None, "every row was rejected (2 of 0)"),  # the vendor's own numbers
        (Counts(), 0, "the vendor reported no count of rejected rows, so max_rejected=0 cannot be checked"),
    ],
)
def test_the_user_is_told_how_many_rows_were_rejected_and_what_was_allowed(
    counts: Counts, limit: int | float | None, reason: str
) -> None:
    assert judge_rejected(counts, limit) == reason


@given(st.floats(0, 1e7))
def test_durations_are_for_people(seconds: float) -> None:
    assert duration(seconds).split()[1] in ("s", "min", "h")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.25, "0.25 s"),
        (45, "45 s"),
        (119.4, "119 s"),
        (120, "2 min"),
        (120.5, "2 min"),
        (720, "12 min"),
        (7140, "119 min"),
        (7200, "2 h"),
        (12_000, "3 h 20 min"),
        (200_100, "55 h 35 min"),
    ],
)
def test_a_duration_is_written_in_its_largest_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    "ending",
    [
        Ending(Outcome.SUCCEEDED, SUCCEEDED, message="with 3 warnings"),
        Ending(Outcome.REFUSED, RUNNING, "VendorAuthError", "bad key"),
        Ending(Outcome.TIMED_OUT),
    ],
)
def test_the_worker_gets_the_ending_that_the_trigger_saw(ending: Ending) -> None:
    event = Event(ending, START).to_json()

    assert event["version"] == 1  # another one makes workers refuse what older triggerers say
    assert Event.from_json(event) == Event(ending, START)


def test_an_event_that_contradicts_itself_is_refused() -> None:
    event = Event(Ending(Outcome.SUCCEEDED, RUNNING), START).to_json()

    with pytest.raises(ValueError, match=r"^not an event: its status does not say what its outcome says$"):
        Event.from_json(event)
