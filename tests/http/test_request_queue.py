"""Whose turn it is, with waiters that come, wait, and leave."""

import asyncio
import time

import pytest

from airflow_provider_imports.http import request_queue
from airflow_provider_imports.http.rate_limit import RateLimit
from airflow_provider_imports.http.request_queue import RequestQueue


class Line:
    """Waiters at a gate, and the order in which they were let through."""

    def __init__(self, gate: RequestQueue) -> None:
        self.gate = gate
        self.through: list[str] = []
        self.since = 0.0
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def join(self, *names: str, deadline: float | None = None) -> None:
        for name in names:
            self.tasks[name] = asyncio.create_task(self._wait(name, deadline))
            await asyncio.sleep(0)

    async def _wait(self, name: str, deadline: float | None) -> None:
        self.since = await self.gate.turn(deadline)
        self.through.append(name)

    def answered(self, *, limited: bool = False) -> None:
        self.gate.answered(self.since, limited=limited)

    async def settle(self) -> list[str]:
        for _ in range(5):
            await asyncio.sleep(0)
        return self.through

    async def until(self, count: int) -> list[str]:
        async with asyncio.timeout(5):
            while len(self.through) < count:  # noqa: ASYNC110  # the gate announces nothing
                await asyncio.sleep(0.001)
        return self.through

    async def leave(self, *names: str) -> None:
        for name in names:
            self.tasks[name].cancel()
        await asyncio.gather(*(self.tasks[name] for name in names), return_exceptions=True)


@pytest.fixture
async def held() -> Line:
    """A gate that is closed for a moment."""
    line = Line(RequestQueue(RateLimit(None)))
    line.gate.hold(0.05)
    return line


@pytest.fixture
async def full(monkeypatch: pytest.MonkeyPatch) -> Line:
    """A gate at a pace of three a moment, where three have just passed."""
    monkeypatch.setattr("airflow_provider_imports.http.rate_limit.WINDOW", 0.5)
    line = Line(RequestQueue(RateLimit(3)))
    await line.join("a", "b", "c")
    assert await line.settle() == ["a", "b", "c"]
    return line


async def answer(line: Line, count: int, *, limited: bool = False) -> None:
    for _ in range(count):
        line.answered(limited=limited)


async def test_an_open_gate_lets_everybody_through_at_once() -> None:
    line = Line(RequestQueue(RateLimit(None)))
    await line.join("a", "b", "c")

    assert await line.settle() == ["a", "b", "c"]


async def test_at_the_limit_they_wait_and_then_go_in_the_order_in_which_they_came(full: Line) -> None:
    await full.join("d", "e", "f", "g")
    assert await full.settle() == ["a", "b", "c"]

    assert await full.until(6) == ["a", "b", "c", "d", "e", "f"]
    assert await full.until(7) == ["a", "b", "c", "d", "e", "f", "g"]


async def test_a_pace_is_kept_over_all_waiters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_imports.http.rate_limit.WINDOW", 0.1)
    gate, at = RequestQueue(RateLimit(5)), list[float]()

    async def visit() -> None:
        since = await gate.turn()
        at.append(since)
        gate.answered(since)

    await asyncio.gather(*(visit() for _ in range(23)))

    assert all(later - earlier >= 0.1 for earlier, later in zip(at, at[5:], strict=False))


async def test_whose_deadline_is_near_goes_first(full: Line) -> None:
    now = time.time()
    await full.join("patient")
    await full.join("tomorrow", deadline=now + 86_400)
    await full.join("in a minute", deadline=now + 50)
    await full.join("in a second", deadline=now + 1)

    assert (await full.until(7))[3:] == ["in a second", "in a minute", "patient", "tomorrow"]


async def test_a_deadline_that_comes_near_while_waiting_counts(full: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    await full.join("patient", "another")
    await full.join("in an hour", deadline=time.time() + 3600)
    monkeypatch.setattr(request_queue, "WINDOW", 7200.0)  # as if that hour had almost passed

    assert (await full.until(6))[3] == "in an hour"


async def test_a_waiter_does_not_wait_far_beyond_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_queue, "WINDOW", 0.05)
    line = Line(RequestQueue(RateLimit(None)))
    line.gate.hold(3600)
    await line.join("late", deadline=time.time() - 5)
    await line.join("patient")

    with pytest.raises(TimeoutError):
        await line.tasks["late"]
    assert line.through == []
    await line.leave("patient")


async def test_those_who_leave_leave_no_hole(full: Line) -> None:
    await full.join("d", "e", "f", "g", "h", "i")
    await full.leave("d", "f", "h")

    assert (await full.until(6))[3:] == ["e", "g", "i"]


async def test_who_leaves_at_the_moment_of_its_turn_hands_it_on(held: Line) -> None:
    await held.join("first", "second")
    await asyncio.sleep(0.06)
    await held.until(1)
    held.answered()
    held.tasks["second"].cancel()  # its turn has come in this very moment
    await held.join("third")

    assert "third" in await held.until(2)


async def test_after_a_hold_one_at_a_time_until_one_is_answered_well(held: Line) -> None:
    await held.join("a", "b", "c", "d")
    assert await held.settle() == []

    assert await held.until(1) == ["a"]
    assert await held.settle() == ["a"]

    held.answered(limited=True)
    assert await held.until(2) == ["a", "b"]
    assert await held.settle() == ["a", "b"]

    held.answered()
    assert await held.until(4) == ["a", "b", "c", "d"]


async def test_an_old_answer_does_not_open_a_held_gate() -> None:
    line = Line(RequestQueue(RateLimit(None)))
    await line.join("a", "b")
    await line.settle()
    line.answered(limited=True)
    line.gate.hold(0.05)
    line.answered()  # of "b", sent before the vendor asked to wait
    await line.join("c", "d")

    assert await line.until(3) == ["a", "b", "c"]
    assert await line.settle() == ["a", "b", "c"]


async def test_caution_ends_with_a_good_answer_even_at_the_pace_s_limit(full: Line) -> None:
    full.gate.hold(0.01)
    await answer(full, 3)
    await full.join("d", "e", "f", "g")
    await full.until(4)
    full.answered()

    assert len(await full.until(6)) == 6  # "e" and "f" without waiting for an answer to each other


async def test_nothing_is_kept_of_those_who_had_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_imports.http.rate_limit.WINDOW", 0.001)
    gate = RequestQueue(RateLimit(1))
    for _ in range(300):
        waiting = [asyncio.create_task(gate.turn(time.time() + 86_400)) for _ in range(2)]
        for since in await asyncio.gather(*waiting):
            gate.answered(since)

    assert len(gate._dated) == len(gate._queue) == 0


async def test_few_are_kept_of_those_who_had_their_turn_while_others_wait() -> None:
    gate = RequestQueue(RateLimit(None))
    waiting = [asyncio.create_task(gate.turn(time.time() + 86_400)) for _ in range(1_000)]
    for turn in waiting:
        gate.answered(await turn)
        assert len(gate._dated) <= 2 * (len(gate._queue) + 1) + 100


async def test_only_so_many_are_under_way_at_a_time_until_the_vendor_turns_out_to_be_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_queue, "NARROWEST", 2)
    line = Line(RequestQueue(RateLimit(None)))
    await line.join(*"abcdefghij")
    assert await line.settle() == ["a", "b"]

    for _ in range(4):  # the first round, which took long
        line.gate.answered(line.since - 5)
    assert await line.until(8) == list("abcdefgh")
    assert await line.settle() == list("abcdefgh")
