"""Every message that the documentation quotes is one that the code says, word for word."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports import version_compat
from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.http.call import Call
from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.operators import base
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator, PigmentTriggerImportOperator
from airflow_provider_imports.sandbox.pigment import (
    FAILING_CONFIGURATION_ID,
    INTEGRATION_CONFIGURATION_ID,
    UPLOAD_CONFIGURATION_ID,
)
from airflow_provider_imports.triggers import imports as triggers
from tests.tries import event_of

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).parents[2] / "docs"
ROWS = "a,b,c\n1,2,3\n4,5,6\n7,8\n"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Context = dict[str, Any]


def normalized(text: str) -> str:
    """A text whose ids and line breaks do not matter."""
    return " ".join(UUID.sub("<id>", text).split())


def quotes(*pages: str) -> str:
    """All that these pages quote or say."""
    return normalized("\n".join((DOCS / page).read_text() for page in pages))


@pytest.fixture
def push(sandbox_connections: Any) -> Callable[..., PigmentPushCsvOperator]:
    """Make a push of the quickstart's rows, with other parameters where given."""

    def make(**parameters: Any) -> PigmentPushCsvOperator:
        given = {
            "configuration_id": UPLOAD_CONFIGURATION_ID,
            "poll_interval": 0.05,
            "data": ROWS,
        }
        return PigmentPushCsvOperator(task_id="push_plan", **{**given, **parameters})

    return make


@pytest.fixture
def trigger(sandbox_connections: Any) -> Callable[..., PigmentTriggerImportOperator]:
    """Make an operator that lets Pigment load."""

    def make(configuration_id: str = INTEGRATION_CONFIGURATION_ID, **parameters: Any) -> PigmentTriggerImportOperator:
        return PigmentTriggerImportOperator(
            task_id="load", configuration_id=configuration_id, poll_interval=0.05, **parameters
        )

    return make


def error_of(task: Any, context: Context) -> str:
    """What the task fails with, as a log shows it."""
    with pytest.raises((VendorImportError, OSError)) as raised:
        task.execute(context)
    return normalized(str(raised.value))


@pytest.mark.parametrize(
    "parameters",
    [
        {"configuration_id": "plan"},
        {"file_path": "/x"},
        {"data": None, "file_path": "/data/plan.csv"},
        {"data": "a,b\n1\n2\n"},
        {"configuration_id": "33d0d7d0-6125-47c4-b36a-882f4ed53b34"},
        {"conn_id": "pigment_none"},
        {"conn_id": "pigment_http"},
        {"conn_id": "pigment_bad_key"},
    ],
    ids=str,
)
def test_the_error_reference_quotes_a_refused_push(
    parameters: dict[str, Any],
    push: Callable[..., Any],
    make_context: Callable[..., Context],
    sandbox: Any,
    set_connection: Callable[..., str],
) -> None:
    set_connection("pigment_http", conn_type="pigment", host="http://pigment.example.com", password="a-key")
    set_connection("pigment_bad_key", conn_type="pigment", host=f"{sandbox.url}/pigment", password="another-key")

    assert error_of(push(**parameters), make_context()) in quotes("errors.rst")


def test_the_quickstart_quotes_a_push_whose_last_row_is_rejected(
    push: Callable[..., Any], make_context: Callable[..., Context]
) -> None:
    message = error_of(push(max_rejected=0), make_context())

    assert f"ImportRejectedRecordsError: {message}" in quotes("quickstart.rst")


def test_the_quickstart_quotes_the_log_and_the_manifest(
    push: Callable[..., Any], make_context: Callable[..., Context], capsys: Any, caplog: Any
) -> None:
    caplog.set_level("INFO")

    manifest = push().execute(make_context())

    logged = normalized(capsys.readouterr().out + caplog.text)
    page = quotes("quickstart.rst", "manifest.rst")
    for line in (
        "Started Pigment import (import_id=<id>)",
        "running (InProgress)",
        "Pigment import (import_id=<id>): succeeded (Completed), 2 inserted, 0 updated, 0 deleted, 1 skipped",
    ):
        assert line in logged
        assert line in page
    for key, value in manifest.items():
        assert f'"{key}": ' in page
        if isinstance(value, str) and not key.endswith("_at"):
            assert f'"{key}": "{value}"' in page


def test_the_pages_quote_an_import_that_failed(
    trigger: Callable[..., Any], make_context: Callable[..., Context]
) -> None:
    assert error_of(trigger(FAILING_CONFIGURATION_ID), make_context()) in quotes("errors.rst")


@pytest.mark.parametrize("page", ["quickstart.rst", "sandbox.rst", "never-twice-never-lost.rst"])
def test_the_pages_quote_an_unknown_outcome(
    page: str, push: Callable[..., Any], make_context: Callable[..., Context], sandbox: Any
) -> None:
    sandbox.add_fault(vendor="pigment", operation="push_csv", fault="status", status=503, when="after")

    assert f"UnknownOutcomeError: {error_of(push(), make_context())}" in quotes(page)
    assert error_of(push(), make_context()) in quotes("errors.rst")


def test_the_pages_quote_a_deadline_and_what_the_next_try_says(
    trigger: Callable[..., Any], make_context: Callable[..., Context], sandbox: Any, capsys: Any, caplog: Any
) -> None:
    caplog.set_level("INFO")
    sandbox.change_settings(run_seconds=3600)
    assert error_of(trigger(timeout=0.2), make_context()) in quotes("errors.rst")

    error_of(trigger(timeout=0.2), make_context())

    logged = normalized(capsys.readouterr().out + caplog.text)
    told = "An earlier try started this Pigment import (import_id=<id>), so it is not started again"
    assert told in logged
    assert told in quotes("never-twice-never-lost.rst")


def test_the_pages_quote_an_unreadable_status(
    trigger: Callable[..., Any], make_context: Callable[..., Context], sandbox: Any, capsys: Any, caplog: Any
) -> None:
    sandbox.add_fault(vendor="pigment", operation="get_import_status", fault="status", status=503)

    trigger().execute(make_context())

    logged = normalized(capsys.readouterr().out + caplog.text)
    (line,) = set(re.findall(r"Status not readable.*?a retry is safe\.", logged))
    assert line in quotes("how-waiting-works.rst")


def test_the_pages_quote_a_rate_limit(sandbox_connections: Any) -> None:
    sandbox_connections.add_fault(vendor="pigment", operation="push_csv", fault="rate_limit", seconds=90, count=None)

    hook = PigmentHook()
    push = Call(
        "push_csv", "POST", "/api/v1/import/push/csv", (("configurationId", UPLOAD_CONFIGURATION_ID),), body=b"a"
    )

    with pytest.raises(VendorImportError) as raised:
        hook.send(push, patience=0.0)

    assert normalized(str(raised.value)) in quotes("errors.rst")


def test_the_pages_quote_a_vendor_that_is_not_there(
    push: Callable[..., Any],
    make_context: Callable[..., Context],
    set_connection: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("airflow_provider_imports.http.retry.backoff", lambda attempt, jitter: 0.01)
    set_connection("pigment_nowhere", conn_type="pigment", host="http://127.0.0.1:9", password="a-key")

    assert error_of(push(conn_id="pigment_nowhere"), make_context()) in quotes("errors.rst")


def test_the_pages_quote_a_strange_event(trigger: Callable[..., Any], make_context: Callable[..., Context]) -> None:
    with pytest.raises(VendorImportError) as raised:
        trigger().execute_complete(make_context(), {"version": 9})

    assert normalized(str(raised.value)) in quotes("errors.rst")


def test_the_pages_quote_a_kill(trigger: Callable[..., Any], capsys: Any, caplog: Any) -> None:
    task = trigger()
    task._run = ImportRun("pigment", {"import_id": "33d0d7d0-6125-47c4-b36a-882f4ed53b33"})

    task.on_kill()

    line = "Killed; Pigment import (import_id=<id>) goes on, since Pigment can't cancel one"
    assert line in normalized(capsys.readouterr().out + caplog.text)
    assert line in quotes("never-twice-never-lost.rst")


def test_the_pages_quote_an_airflow_without_memory(
    push: Callable[..., Any],
    make_context: Callable[..., Context],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
    caplog: Any,
) -> None:
    monkeypatch.setattr(base, "AIRFLOW_V_3_3_PLUS", False)

    push().execute(make_context())

    (line,) = set(re.findall(r"Airflow below 3\.3 .*? again", normalized(capsys.readouterr().out + caplog.text)))
    assert line in quotes("versions.rst")
    assert line in quotes("never-twice-never-lost.rst")


def test_the_page_about_versions_quotes_a_trigger_that_no_kill_is_told_to(
    monkeypatch: pytest.MonkeyPatch, sandbox_connections: Any, capsys: Any, caplog: Any
) -> None:
    monkeypatch.setattr(triggers, "AIRFLOW_V_3_3_PLUS", False)
    run = PigmentHook().trigger_import(INTEGRATION_CONFIGURATION_ID).to_json()
    times = {"deadline": time.time() + 60, "poll_interval": 0.05, "max_poll_interval": 0.1, "outage_tolerance": 60.0}

    event_of(triggers.ImportTrigger(hook="tests.tries.CancelingHook", conn_id="pigment_default", run=run, **times))

    (line,) = set(re.findall(r"Airflow below 3\.3 .*? then", normalized(capsys.readouterr().out + caplog.text)))
    assert line in quotes("versions.rst")


def test_the_page_about_versions_quotes_a_deadline_before_airflows(caplog: Any) -> None:
    version_compat.deadline(time.time(), 86400, None, timedelta(hours=1))

    assert normalized(caplog.messages[0]) in quotes("versions.rst")
