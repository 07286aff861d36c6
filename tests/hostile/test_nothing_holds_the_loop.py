"""Whatever a vendor answers: the event loop goes on within 50 ms, and a waiter's memory stays small."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.hooks.pigment.status import read_status
from airflow_provider_imports.http.call import Answer, UnreadableAnswerError
from airflow_provider_imports.http.errors import read_message
from airflow_provider_imports.http.reading import LARGEST_REPORT, BrokenAnswerError, Reading
from airflow_provider_imports.http.secrets import Secrets
from tests.hostile.answers import MIB, PASSWORD, Body, bodies
from tests.hostile.holds import watched
from tests.hostile.looks import looks_at

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds for one step of the loop, and bytes for one waiter.
LONGEST_HOLD = 0.05
#: A busy machine takes longer at times, even by the processor's clock; what holds the loop does so each time.
LOOKS = 5
MOST_MEMORY = 20 * MIB


@pytest.mark.parametrize("name", bodies())
async def test_no_answer_holds_the_event_loop(name: str, set_connection: Callable[..., str]) -> None:
    body = bodies()[name]()
    async with looks_at(body, set_connection) as looks:
        for look in looks:
            for _ in range(LOOKS):
                gc.collect()
                with watched() as watch:
                    assert len(await look()) < 100_000
                if watch.longest < LONGEST_HOLD:
                    break
            assert watch.longest < LONGEST_HOLD


@pytest.mark.parametrize("status", [200, 503])
@pytest.mark.parametrize("name", bodies())
def test_no_answer_takes_much_memory(name: str, status: int) -> None:
    body = bodies()[name]()
    secrets = Secrets([PASSWORD])
    tracemalloc.start()
    try:
        read(body, status, secrets)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < MOST_MEMORY


def read(body: Body, status: int, secrets: Secrets) -> Any:
    reading = Reading(status, body.coding, LARGEST_REPORT)
    try:
        for at in range(0, len(body.content), 1 << 16):
            if not reading.add(body.content[at : at + (1 << 16)]):
                break
        answer = Answer(status, {}, reading.content(), secrets=secrets)
        read_message(answer)
        return read_status(answer.object())
    except (BrokenAnswerError, UnreadableAnswerError) as error:
        return error
