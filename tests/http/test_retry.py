"""What may be sent again, and after how long."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_imports.http.call import Answer, Call, NoAnswer, Repeat, SendResult
from airflow_provider_imports.http.retry import (
    LONGEST_ASKED_WAIT,
    LONGEST_BACKOFF,
    MOST_ATTEMPTS,
    asked_wait,
    backoff,
    may_repeat,
    wait_before_repeat,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


def says_nothing(answer: Answer, now: float) -> None:
    return None


def limited(**headers: str) -> Answer:
    return Answer(429, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after": " 7 "}, 7),
        ({"retry_after": "0"}, 0),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry_after": "Sun, 22 Nov 2026 13:00:30 +0100"}, 30),
        ({"retry_after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0),
        ({"x_ratelimit_reset": str(int((NOW + 12) * 1000))}, 12),
        ({"x_ratelimit_reset": str(int(NOW + 12))}, 12),
        ({"x_ratelimit_reset": "12"}, 12),
        ({"x_ratelimit_reset": "99999999"}, LONGEST_ASKED_WAIT),  # seconds
        ({"x_ratelimit_reset": "100000000"}, 0),  # in the year 1973, in seconds since 1970
        ({"x_ratelimit_reset": "100000000000"}, 0),  # the same in milliseconds
        ({"retry_after": "3", "x_ratelimit_reset": "12"}, 3),
        ({"retry_after": "soon", "x_ratelimit_reset": "12"}, 12),
        ({"retry_after": "999999"}, 3600),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "Sun, 22 Nov 99999999999999999999 12:00:30 GMT"}, None),
        ({}, None),
    ],
)
def test_the_vendors_hint_is_read_as_seconds(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(limited(**headers), NOW, says_nothing) == seconds


@pytest.mark.parametrize(("status", "seconds"), [(429, LONGEST_ASKED_WAIT), (503, None)])
def test_a_vendors_own_way_counts_for_a_429_and_asks_for_no_more_than_an_hour(
    status: int, seconds: float | None
) -> None:
    assert asked_wait(Answer(status, {}, b""), NOW, lambda answer, now: 1e9) == seconds
    assert asked_wait(limited(retry_after="30"), NOW, lambda answer, now: 1e9) == 30


def test_a_vendors_own_way_may_name_a_moment() -> None:
    assert asked_wait(limited(), NOW, lambda answer, now: NOW + 20 - now) == 20


def test_the_rate_limit_header_of_a_good_answer_is_no_wish_to_wait() -> None:
    assert asked_wait(Answer(503, {"x-ratelimit-reset": "30"}, b""), NOW, says_nothing) is None
    assert asked_wait(Answer(503, {"retry-after": "30"}, b""), NOW, says_nothing) == 30


dates = st.datetimes(min_value=datetime(1901, 1, 1), timezones=st.just(UTC)).map(format_datetime)
hints = st.text(max_size=40) | st.floats().map(str) | st.integers().map(str) | dates


@given(st.integers(400, 599), hints, hints)
def test_any_hint_is_none_or_a_wait_within_bounds(status: int, retry_after: str, reset: str) -> None:
    wait = asked_wait(Answer(status, {"retry-after": retry_after, "x-ratelimit-reset": reset}, b""), NOW, says_nothing)

    assert wait is None or 0 <= wait <= LONGEST_ASKED_WAIT


@pytest.mark.parametrize(
    ("outcome", "attempts", "wait"),
    [
        (limited(retry_after="7"), 3, 7),
        (limited(retry_after="0"), 3, 3),
        (limited(retry_after="Sun, 22 Nov 2026 11:00:00 GMT"), 3, 3),
        (limited(), 1, 0.75),
        (limited(), 2, 1.5),
        (Answer(503, {}, b""), 3, 3),
        (NoAnswer("closed", False), 3, 3),
    ],
)
def test_a_repeat_waits_as_asked_and_otherwise_ever_longer(outcome: SendResult, attempts: int, wait: float) -> None:
    assert wait_before_repeat(outcome, attempts, says_nothing, NOW, 0.5) == wait


def test_a_repeat_waits_as_the_vendors_own_way_asks() -> None:
    assert wait_before_repeat(limited(), 3, lambda answer, now: 20, NOW, 0.5) == 20


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_grows_and_is_capped(attempt: int, jitter: float) -> None:
    wait = backoff(attempt, jitter)

    assert 0.5 <= wait <= LONGEST_BACKOFF
    assert wait <= backoff(attempt + 1, jitter)


@pytest.mark.parametrize(
    ("attempt", "jitter", "wait"),
    [(1, 0, 0.5), (1, 0.5, 0.75), (2, 0, 1), (3, 0, 2), (4, 0.5, 6), (6, 0, 16), (7, 0, 30), (7, 0.5, 45), (99, 0, 30)],
)
def test_a_wait_is_twice_as_long_as_the_one_before_up_to_a_minute(attempt: int, jitter: float, wait: float) -> None:
    assert backoff(attempt, jitter) == wait


def test_a_call_that_is_given_up_has_been_repeated_for_a_quarter_of_a_minute() -> None:
    assert sum(backoff(attempt, 1) for attempt in range(1, MOST_ATTEMPTS)) == 15


CALLS = {one: Call("a call", "POST", "/", repeat=one) for one in Repeat}


@pytest.mark.parametrize("repeat", Repeat)
def test_whatever_certainly_did_not_arrive_or_was_put_off_may_be_sent_again(repeat: Repeat) -> None:
    assert may_repeat(CALLS[repeat], NoAnswer("refused", may_have_acted=False))
    assert may_repeat(CALLS[repeat], limited())


@pytest.mark.parametrize(
    ("repeat", "after_silence", "after_gateway_errors", "after_others"),
    [
        (Repeat.ALWAYS, True, True, True),
        (Repeat.IF_NOT_ACTED, False, False, False),
        (Repeat.ON_GATEWAY_ERRORS, False, True, False),
    ],
)
def test_what_may_have_acted_is_sent_again_only_if_the_call_says_so(
    repeat: Repeat, after_silence: bool, after_gateway_errors: bool, after_others: bool
) -> None:
    call = CALLS[repeat]

    assert may_repeat(call, NoAnswer("no answer", may_have_acted=True)) == after_silence
    assert all(may_repeat(call, Answer(status, {}, b"")) == after_gateway_errors for status in (502, 503, 504))
    assert all(may_repeat(call, Answer(status, {}, b"")) == after_others for status in (408, 500, 501, 505, 520))


@pytest.mark.parametrize("repeat", Repeat)
@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 409, 413, 422])
def test_a_refusal_is_never_repeated(repeat: Repeat, status: int) -> None:
    assert not may_repeat(CALLS[repeat], Answer(status, {}, b""))
