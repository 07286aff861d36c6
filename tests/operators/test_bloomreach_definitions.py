"""The operator that makes an import definition at Bloomreach if none of its name is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests_mock

from airflow_provider_imports.exceptions import InvalidInputError, UnknownOutcomeError
from airflow_provider_imports.operators.bloomreach import BloomreachCreateImportDefinitionOperator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIST = "https://api.exponea.com/imports/v1/a-project"
DEFINITION = {"name": "Customers", "active": True, "trigger": {"trigger_type": "now"}}


@pytest.fixture
def vendor(set_connection: Callable[..., str]) -> Iterator[requests_mock.Mocker]:
    extra = {"project_token": "a-project"}
    set_connection(
        "bloomreach_default", conn_type="bloomreach", login="id", password="s3cret-of-bloomreach", extra=extra
    )
    with requests_mock.Mocker() as mocker:
        yield mocker


def made(make_context: Any, definition: Any = DEFINITION, **parameters: Any) -> Any:
    operator = BloomreachCreateImportDefinitionOperator(task_id="define", definition=definition, **parameters)
    return operator.execute(make_context())


def test_it_makes_what_is_missing(vendor: requests_mock.Mocker, make_context: Any) -> None:
    vendor.get(LIST, json=[])
    vendor.post(LIST, json={"import_id": "new"})
    assert made(make_context) == {"import_id": "new", "name": "Customers", "created": True}
    assert vendor.last_request.json() == DEFINITION


def test_it_finds_what_is_there_and_makes_nothing(
    vendor: requests_mock.Mocker, make_context: Any, logged: Callable[[], str]
) -> None:
    vendor.get(LIST, json=[{"import_id": "old", "import_definition": {**DEFINITION, "source": {}}}])
    assert made(make_context) == {"import_id": "old", "name": "Customers", "created": False}
    assert vendor.call_count == 1
    assert "can't be changed" not in logged()


def test_it_says_what_differs_and_shows_no_value(
    vendor: requests_mock.Mocker, make_context: Any, logged: Callable[[], str]
) -> None:
    there = {**DEFINITION, "active": False, "source": {"auth": {"password": "old-secret"}}}
    vendor.get(LIST, json=[{"import_id": "old", "import_definition": there}])
    given = {**DEFINITION, "source": {"auth": {"password": "new-secret"}}}
    assert made(make_context, given)["created"] is False
    said = logged()
    assert "with another active, source; it can't be changed" in said
    assert "secret" not in said


def test_it_uses_the_project_that_is_given(vendor: requests_mock.Mocker, make_context: Any) -> None:
    vendor.get("https://api.exponea.com/imports/v1/other", json=[])
    vendor.post("https://api.exponea.com/imports/v1/other", json={"import_id": "new"})
    assert made(make_context, project_token="other")["import_id"] == "new"


@pytest.mark.parametrize(
    ("parameters", "told"),
    [({"definition": {}}, "name"), ({"definition": DEFINITION, "conn_id": " "}, "conn_id must be")],
)
def test_wrong_parameters_send_nothing(
    vendor: requests_mock.Mocker, make_context: Any, parameters: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        made(make_context, **parameters)
    assert not vendor.called


def test_a_creation_that_nobody_can_see_is_not_repeated(vendor: requests_mock.Mocker, make_context: Any) -> None:
    vendor.get(LIST, json=[])
    vendor.post(LIST, status_code=502)
    with pytest.raises(UnknownOutcomeError):
        made(make_context)
    assert [request.method for request in vendor.request_history] == ["GET", "POST", "GET"]
