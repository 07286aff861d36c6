"""The manifest's JSON Schema, which the package ships, fits what operators and sensors of every vendor hand over."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.models import ImportState
from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator
from airflow_provider_imports.operators.blueshift import BlueshiftTriggerCustomerImportOperator
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator, PigmentTriggerImportOperator
from airflow_provider_imports.operators.record import Record
from airflow_provider_imports.operators.rocketchat import RocketChatImportUsersOperator
from airflow_provider_imports.operators.websale import WebsalePauseImportOperator, WebsaleStartImportOperator
from airflow_provider_imports.sandbox.pigment import (
    FAILING_CONFIGURATION_ID,
    INTEGRATION_CONFIGURATION_ID,
    UPLOAD_CONFIGURATION_ID,
)
from airflow_provider_imports.xcoms_and_assets import asset_extra
from tests.tries import default_poll_interval, finish

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((files("airflow_provider_imports") / "manifest.schema.json").read_text())
QUICK = {"task_id": "load", "poll_interval": 0.05}
USERS = [{"emails": ["ada@example.com"], "importIds": ["1"], "username": "ada", "name": "Ada"}]
GREEN: dict[str, Callable[[], Any]] = {
    "pigment push": lambda: PigmentPushCsvOperator(
        **QUICK, configuration_id=UPLOAD_CONFIGURATION_ID, data="a,b\n1,2\n3\n", deferrable=True
    ),
    "pigment trigger": lambda: PigmentTriggerImportOperator(**QUICK, configuration_id=INTEGRATION_CONFIGURATION_ID),
    "pigment started": lambda: PigmentTriggerImportOperator(
        **QUICK, configuration_id=INTEGRATION_CONFIGURATION_ID, wait_for_completion=False
    ),
    "websale": lambda: WebsaleStartImportOperator(**QUICK, service="product", data=[{"number": "1"}]),
    "rocketchat": lambda: RocketChatImportUsersOperator(**QUICK, users=USERS),
    "bloomreach": lambda: BloomreachStartImportOperator(task_id="load", import_id="5f8a3b2e1c9d4e6f7a8b9c0d"),
    "blueshift": lambda: BlueshiftTriggerCustomerImportOperator(
        task_id="load", uuid="8c1e2d4b-70b5-4f0d-b0d5-51c5cbb6a3f2"
    ),
}
RED: dict[str, Callable[[], Any]] = {
    "rejected": lambda: PigmentPushCsvOperator(
        **QUICK, configuration_id=UPLOAD_CONFIGURATION_ID, data="a,b\n1,2\n3\n", max_rejected=0
    ),
    "failed": lambda: PigmentTriggerImportOperator(**QUICK, configuration_id=FAILING_CONFIGURATION_ID),
}


@pytest.fixture(autouse=True)
def _sandbox(sandbox_connections: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All connections lead to the sandbox, and an end settles in a moment."""
    for vendor in ("websale", "rocketchat"):
        default_poll_interval(monkeypatch, vendor, 0.1)


def check(manifest: dict[str, Any]) -> None:
    """Compare with the schema."""
    Draft202012Validator(SCHEMA, format_checker=FormatChecker()).validate(manifest)


def test_the_schema_is_one_and_knows_every_state() -> None:
    Draft202012Validator.check_schema(SCHEMA)

    assert SCHEMA["properties"]["state"]["enum"] == [str(state) for state in ImportState]


@pytest.mark.parametrize("name", GREEN)
def test_what_a_task_returns_fits_the_schema(name: str, make_context: Callable[..., Any]) -> None:
    manifest = finish(GREEN[name], make_context())

    check(manifest)
    assert set(asset_extra(manifest)) < set(SCHEMA["properties"])


@pytest.mark.parametrize("name", RED)
def test_the_manifest_of_an_error_fits_the_schema(name: str, make_context: Callable[..., Any]) -> None:
    with pytest.raises(VendorImportError) as raised:
        finish(RED[name], make_context())

    assert raised.value.manifest is not None
    check(raised.value.manifest)


def test_a_paused_import_fits_the_schema(sandbox: Any, make_context: Callable[..., Any]) -> None:
    sandbox.change_settings(run_seconds=3600)
    start = WebsaleStartImportOperator(
        **QUICK, service="product", data=[{"number": "1"}], wait_for_completion=False, cancel_on_kill=False
    )
    start.execute(make_context())

    check(WebsalePauseImportOperator(task_id="pause", service="product").execute(make_context()))


@pytest.mark.parametrize("change", [{"state": "green"}, {"rejected": -1}, {"more": 1}, {"counts": {}}], ids=str)
def test_what_is_no_manifest_does_not_fit(change: dict[str, Any], make_context: Callable[..., Any]) -> None:
    manifest = finish(GREEN["pigment trigger"], make_context())

    validator = Draft202012Validator(SCHEMA)
    assert not validator.is_valid({**manifest, **change})


def json_on(page: str) -> Any:
    """The first JSON block of a page."""
    block = re.search(r"^\.\. code-block:: json\n\n((?:   .*\n|\n)+)", (DOCS / page).read_text(), re.MULTILINE)
    assert block is not None
    return json.loads(block[1])


def test_the_manifest_on_the_page_fits_the_schema() -> None:
    check(json_on("manifest.rst"))


def test_the_record_on_the_page_is_one() -> None:
    shown = json_on("stored-record.rst")

    assert Record.from_json(shown).to_json() == shown
    rows = re.findall(r"^   \* - ``(\w+)``$", (DOCS / "stored-record.rst").read_text(), re.MULTILINE)
    assert rows == list(shown)
