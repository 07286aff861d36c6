"""A connection is never asked faster than its limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_imports.http.rate_limit import RateLimit

limits = st.floats(0.2, 30) | st.integers(1, 30)


@given(limits, st.lists(st.floats(0, 40), min_size=1, max_size=120))
def test_never_more_than_the_limit_in_any_minute(limit: float, idle: list[float]) -> None:
    pace, now, sent = RateLimit(limit), 1000.0, list[float]()
    for seconds in idle:
        now += seconds
        now += pace.delay(now)
        assert pace.delay(now) == pytest.approx(0, abs=1e-6)
        pace.sent(now)
        sent.append(now)

    span = 60 / min(limit, 1)
    for first in sent:
        assert len([one for one in sent if first <= one < first + span]) <= max(1, limit)


def test_below_the_limit_nothing_waits() -> None:
    pace = RateLimit(10)
    for _ in range(10):
        assert pace.delay(5.0) == 0
        pace.sent(5.0)

    assert 60 < pace.delay(5.0) < 65


def test_without_a_limit_nothing_ever_waits() -> None:
    pace = RateLimit(None)
    for _ in range(1000):
        pace.sent(0.0)

    assert pace.delay(0.0) == 0


@given(st.lists(st.floats(0, 1000), min_size=1))
def test_the_longest_hold_counts(holds: list[float]) -> None:
    pace = RateLimit(None)
    for until in holds:
        pace.hold(until)

    assert pace.delay(0.0) == max(holds)
    assert pace.delay(max(holds)) == 0
