"""Whatever a vendor answers, a waiter's memory stays small; the test kit sees that the event loop goes on."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from airflow_provider_imports.hooks.pigment.status import read_status
from airflow_provider_imports.http.call import Answer, UnreadableAnswerError
from airflow_provider_imports.http.errors import read_message
from airflow_provider_imports.http.reading import LARGEST_REPORT, BrokenAnswerError, Reading
from airflow_provider_imports.http.secrets import Secrets
from airflow_provider_imports.testing.answers import MIB, PASSWORD, Body, bodies
from tests.hostile.looks import KEPT, STATUS

#: Bytes for one waiter.
MOST_MEMORY = 20 * MIB
BODIES = bodies(STATUS, KEPT)


@pytest.mark.parametrize("status", [200, 503])
@pytest.mark.parametrize("name", BODIES)
def test_no_answer_takes_much_memory(name: str, status: int) -> None:
    body = BODIES[name]()
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
