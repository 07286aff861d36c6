"""How many requests at a time, at vendors that are quick and slow."""

import pytest

from airflow_provider_imports.http.request_queue import NARROWEST, QUICK_ANSWER, Concurrency

SLOW = 2.0


def rounds(width: Concurrency, *tooks: float, others_wait: bool = True, in_flight: int | None = None) -> list[int]:
    """Widths after rounds in which every answer took so long."""
    found = []
    for took in tooks:
        for _ in range(width.now):
            width.answered(took, in_flight=width.now - 1 if in_flight is None else in_flight, others_wait=others_wait)
        found.append(width.now)
    return found


@pytest.fixture
def width() -> Concurrency:
    """After the first half of its first round."""
    width = Concurrency(1000)
    rounds(width, SLOW)
    return width


def test_the_first_round_is_twice_as_long_for_its_connections_are_being_opened() -> None:
    assert rounds(Concurrency(1000), SLOW, SLOW, SLOW) == [NARROWEST, 64, 128]
    assert rounds(Concurrency(1000), SLOW, QUICK_ANSWER / 2) == [NARROWEST, NARROWEST]


def test_it_doubles_with_each_round_of_slow_answers_up_to_the_most(width: Concurrency) -> None:
    assert rounds(width, *[SLOW] * 7) == [64, 128, 256, 512, 1000, 1000, 1000]


def test_a_quick_vendor_gets_no_more_at_a_time_however_many_wait(width: Concurrency) -> None:
    assert rounds(width, *[QUICK_ANSWER / 2] * 5) == [NARROWEST] * 5


def test_one_quick_answer_shows_that_the_vendor_is_not_what_holds_the_others_up(width: Concurrency) -> None:
    width.answered(QUICK_ANSWER / 2, in_flight=31, others_wait=True)
    for _ in range(NARROWEST - 1):
        width.answered(SLOW, in_flight=31, others_wait=True)

    assert width.now == NARROWEST


def test_a_slow_vendor_gets_no_more_at_a_time_if_nobody_waits(width: Concurrency) -> None:
    assert rounds(width, SLOW, SLOW, others_wait=False) == [NARROWEST] * 2


def test_it_narrows_again_when_few_are_under_way_but_not_below_the_narrowest(width: Concurrency) -> None:
    rounds(width, SLOW, SLOW, SLOW)

    assert rounds(width, *[SLOW] * 4, others_wait=False, in_flight=3) == [128, 64, 32, 32]


def test_it_stays_wide_while_the_vendor_is_slow_and_many_are_under_way(width: Concurrency) -> None:
    rounds(width, SLOW, SLOW)

    assert rounds(width, SLOW, SLOW, others_wait=False, in_flight=100) == [128, 128]


def test_a_process_that_may_open_few_files_stays_below_the_narrowest() -> None:
    assert rounds(Concurrency(4), SLOW, SLOW) == [4, 4]
