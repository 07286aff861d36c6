"""Rocket.Chat's sensor against the sandbox, in every mode: it waits, judges, and never clears anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from airflow.providers.common.compat.sdk import AirflowSensorTimeout

from airflow_provider_imports.exceptions import (
    ImportFailedError,
    ImportRejectedRecordsError,
    ImportSupersededError,
    InvalidInputError,
)
from airflow_provider_imports.sandbox import rocketchat as vendor
from airflow_provider_imports.sensors.rocketchat import RocketChatImportSensor
from tests.tries import finish

if TYPE_CHECKING:
    from collections.abc import Callable

USERS = [{"emails": [f"u{n}@example.com"], "importIds": [str(n)]} for n in range(4)]
DUPLICATES = [{"emails": ["u@example.com"], "importIds": [str(n)]} for n in range(4)]


@pytest.fixture(params=[False, True], ids=["poke", "deferrable"])
def deferrable(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def chat(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    sandbox.change_settings(rocketchat={"calls_per_window": None})
    connection = sandbox.connection("rocketchat")
    connection["extra"] |= {"requests_per_minute": 1_000_000}
    monkeypatch.setenv("AIRFLOW_CONN_ROCKETCHAT_DEFAULT", json.dumps(connection))
    return sandbox


def post(sandbox: Any, route: str, **body: Any) -> Any:
    headers = {"X-User-Id": vendor.USER_ID, "X-Auth-Token": vendor.AUTH_TOKEN}
    answer = requests.post(f"{sandbox.url}/rocketchat/api/v1/{route}", headers=headers, timeout=5, **body)
    answer.raise_for_status()
    return answer.json()


def start(sandbox: Any, users: list[dict[str, Any]]) -> str:
    """Somebody runs an import; its id."""
    operation_id: str = post(sandbox, "import.new")["operation"]["_id"]
    post(sandbox, "import.addUsers", json={"users": users})
    post(sandbox, "import.run")
    return operation_id


@pytest.fixture
def sense(chat: Any, deferrable: bool, make_context: Callable[..., Any]) -> Callable[..., Any]:
    """``sense(operation_id=...)`` waits and returns the manifest."""

    def wait(**parameters: Any) -> Any:
        given = {"poke_interval": 0.05, "timeout": 10, "deferrable": deferrable, **parameters}
        return finish(lambda: RocketChatImportSensor(task_id="wait", **given), make_context())

    return wait


def test_it_waits_for_the_operations_end(chat: Any, sense: Callable[..., Any]) -> None:
    result = sense(operation_id=start(chat, USERS))
    assert (result["state"], result["counts"]["inserted"], result["rejected"]) == ("succeeded", 4, 0)


def test_without_an_id_it_waits_for_the_current_operation(chat: Any, sense: Callable[..., Any]) -> None:
    start(chat, USERS)
    assert sense()["counts"]["inserted"] == 4


def test_rejected_users_are_judged(chat: Any, sense: Callable[..., Any]) -> None:
    with pytest.raises(ImportRejectedRecordsError, match="3 rows were rejected, max_rejected=1"):
        sense(operation_id=start(chat, DUPLICATES), max_rejected=1)


def test_a_failed_import_fails_it(chat: Any, sense: Callable[..., Any]) -> None:
    chat.change_settings(rocketchat={"seat_limit": 1})
    with pytest.raises(ImportFailedError):
        sense(operation_id=start(chat, USERS))


def test_a_cleared_operation_is_no_success(chat: Any, sense: Callable[..., Any]) -> None:
    operation_id = start(chat, USERS)
    post(chat, "import.clear")
    with pytest.raises(ImportFailedError, match="not valid any more"):
        sense(operation_id=operation_id)


def test_a_replaced_operation_fails_it_and_nothing_is_cleared(chat: Any, sense: Callable[..., Any]) -> None:
    chat.change_settings(run_seconds=60)
    first = start(chat, USERS)
    start(chat, USERS)
    with pytest.raises(ImportSupersededError, match="was replaced"):
        sense(operation_id=first)
    assert chat.entries("rocketchat", "clear_import") == []


@pytest.mark.parametrize("operation_id", [None, "made"])
def test_an_operation_that_waits_for_users_has_not_ended(
    chat: Any, sense: Callable[..., Any], operation_id: str | None
) -> None:
    made = post(chat, "import.new")["operation"]["_id"]
    with pytest.raises(AirflowSensorTimeout):
        sense(operation_id=made if operation_id else None, timeout=0.4)
    assert chat.entries("rocketchat", "clear_import") == []


def test_a_workspace_without_any_operation_has_nothing_that_ended(sense: Callable[..., Any]) -> None:
    with pytest.raises(AirflowSensorTimeout):
        sense(timeout=0.3)


@pytest.mark.parametrize("operation_id", ["", "  ", 7.5])
def test_an_empty_id_is_refused(chat: Any, sense: Callable[..., Any], operation_id: Any) -> None:
    with pytest.raises(InvalidInputError, match="operation_id must be a text"):
        sense(operation_id=operation_id)
    assert not chat.journal
