"""How fast one process may ask, if several share a connection's limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.http.call import Call

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("extra", "requests"),
    [
        ({}, 100),
        ({"pacing_processes": 2}, 50),
        ({"pacing_processes": "4", "requests_per_minute": 20}, 5),
        ({"pacing_processes": 0.5}, 100),
        ({"pacing_processes": 1000}, 1),
    ],
)
def test_each_of_the_processes_keeps_to_its_part_of_the_limit(
    set_connection: Callable[..., str], extra: dict[str, object], requests: int
) -> None:
    hook = PigmentHook(set_connection("a_pigment", conn_type="pigment", password="a-key", extra=extra))
    pace = hook._rate_limit(Call("get_import_status", "GET", "/"), hook.client.settings)

    sent = 0
    while not pace.delay(1000.0):
        pace.sent(1000.0)
        sent += 1

    assert sent == requests
