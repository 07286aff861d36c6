"""What docs/compared.rst and the README say of ``HttpOperator``, ``ResumableJobMixin`` and this package is so."""

from __future__ import annotations

import asyncio
import csv
import json
import re
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from airflow.providers.common.compat.sdk import AirflowException, BaseOperator, TaskDeferred
from airflow.providers.http.hooks.http import HttpHook
from airflow.providers.http.operators.http import HttpOperator
from airflow.providers.http.sensors.http import HttpSensor
from airflow.sdk import ResumableJobMixin

from airflow_provider_imports.exceptions import ImportRejectedRecordsError, UnknownOutcomeError
from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.sandbox.pigment import API_KEY, UPLOAD_CONFIGURATION_ID
from tests.tries import Killed, defer, finish, killed_at, moved, starts

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeContext = Callable[..., dict[str, Any]]

# of the HTTP provider, about Airflow
pytestmark = pytest.mark.filterwarnings("ignore:The `airflow.utils.operator_helpers.determine_kwargs` attribute")

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "compared.rst"
FIGURES = ROOT / "docs" / "_static" / "benchmarks"
HALF_BAD = "a,b,c\n1,2,3\n4,5\n"
PUSH = f"api/v1/import/push/csv?configurationId={UPLOAD_CONFIGURATION_ID}"
AS_CSV = {"Content-Type": "text/csv"}
OTHERS = pytest.mark.parametrize("make", ["http_operator", "resumable_operator"], indirect=True)


class ResumablePush(ResumableJobMixin, BaseOperator):
    """A push as the docstring of the mixin shows one: the id is stored after the job was submitted."""

    def execute(self, context: Any) -> Any:
        return self.execute_resumable(context)

    def submit_job(self, context: Any) -> Any:
        return HttpHook(http_conn_id="vendor_api").run(PUSH, HALF_BAD, AS_CSV).json()["importId"]

    def get_job_status(self, external_id: Any, context: Any) -> str:
        answer = HttpHook("GET", http_conn_id="vendor_api").run(f"api/v1/import/{external_id}/status")
        return str(answer.json()["importStatus"])

    def is_job_active(self, status: str) -> bool:
        return status == "InProgress"

    def is_job_succeeded(self, status: str) -> bool:
        return status == "Completed"

    def poll_until_complete(self, external_id: Any, context: Any) -> None:
        while self.is_job_active(self.get_job_status(external_id, context)):
            pass

    def get_job_result(self, external_id: Any, context: Any) -> Any:
        return self.get_job_status(external_id, context)


@pytest.fixture
def vendor_api(sandbox_connections: Any, set_connection: Callable[..., str]) -> Any:
    """The sandbox, with a connection of the type ``http`` to its Pigment."""
    key = {"Authorization": f"Bearer {API_KEY}"}
    set_connection("vendor_api", conn_type="http", host=f"{sandbox_connections.url}/pigment", extra=json.dumps(key))
    return sandbox_connections


@pytest.fixture
def make_context(make_context: MakeContext) -> MakeContext:
    """The context of a try, whose task instance has what the mixin reads of it."""

    def make(**parameters: Any) -> dict[str, Any]:
        context = make_context(**parameters)
        context["ti"].stats_tags = {}
        return context

    return make


def http_operator() -> HttpOperator:
    return HttpOperator(task_id="push", http_conn_id="vendor_api", endpoint=PUSH, data=HALF_BAD, headers=AS_CSV)


def resumable_operator() -> ResumablePush:
    return ResumablePush(task_id="push")


def push(**parameters: Any) -> PigmentPushCsvOperator:
    return PigmentPushCsvOperator(
        task_id="push", configuration_id=UPLOAD_CONFIGURATION_ID, data=HALF_BAD, poll_interval=0.05, **parameters
    )


@pytest.fixture
def make(request: pytest.FixtureRequest, vendor_api: Any) -> Callable[[], BaseOperator]:
    """Make an operator of the one or the other kind."""
    makers: dict[str, Callable[[], BaseOperator]] = {
        "http_operator": http_operator,
        "resumable_operator": resumable_operator,
    }
    return makers[request.param]


# The worker dies before the answer


@OTHERS
def test_the_others_import_twice_if_the_worker_dies_before_the_answer(
    make: Callable[[], BaseOperator], vendor_api: Any, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        send = requests.Session.send

        def send_and_die(*args: Any, **kwargs: Any) -> Any:
            send(*args, **kwargs)
            raise Killed

        patched.setattr(requests.Session, "send", send_and_die)
        with pytest.raises(Killed):
            make().execute(make_context())

    make().execute(make_context(try_number=2))

    assert len(starts(vendor_api)) == 2


def test_ours_is_not_sent_again_if_the_worker_dies_before_the_answer(
    vendor_api: Any, make_context: MakeContext, task_state_store: Any
) -> None:
    with killed_at(task_state_store, "started", "before"), pytest.raises(Killed):
        finish(push, make_context())

    with pytest.raises(UnknownOutcomeError):
        finish(push, make_context(try_number=2))

    assert len(starts(vendor_api)) == 1


# The answer is lost


@OTHERS
def test_the_others_import_twice_if_the_answer_is_lost(
    make: Callable[[], BaseOperator], vendor_api: Any, make_context: MakeContext
) -> None:
    vendor_api.add_fault(vendor="pigment", operation="push_csv", fault="status", status=503, when="after")
    with pytest.raises(AirflowException, match="503"):
        make().execute(make_context())

    make().execute(make_context(try_number=2))

    assert len(starts(vendor_api)) == 2


def test_ours_is_not_sent_again_if_the_answer_is_lost(vendor_api: Any, make_context: MakeContext) -> None:
    vendor_api.add_fault(vendor="pigment", operation="push_csv", fault="status", status=503, when="after")

    for try_number in (1, 2):
        with pytest.raises(UnknownOutcomeError):
            finish(push, make_context(try_number=try_number))

    assert len(starts(vendor_api)) == 1


# Deferred


def sensor(**parameters: Any) -> HttpSensor:
    return HttpSensor(
        task_id="wait", http_conn_id="vendor_api", deferrable=True, poke_interval=0.05, timeout=10, **parameters
    )


def test_a_deferrable_http_sensor_that_reads_the_answer_holds_a_worker(
    vendor_api: Any, make_context: MakeContext
) -> None:
    import_id = json.loads(http_operator().execute(make_context()))["importId"]
    status = f"api/v1/import/{import_id}/status"

    # it does not raise TaskDeferred, but looks on the worker until the end
    sensor(endpoint=status, response_check=lambda answer: answer.json()["importStatus"] == "Completed").execute(
        make_context()
    )

    looks = [entry for entry in vendor_api.entries("pigment") if entry.operation == "get_import_status"]
    assert len(looks) > 1


def test_a_deferrable_http_operator_sends_again_when_its_triggerer_restarts(
    vendor_api: Any, make_context: MakeContext
) -> None:
    operator = http_operator()
    operator.deferrable = True
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(make_context())

    async def run() -> None:
        async for _ in deferred.value.trigger.run():
            pass

    for _ in range(2):
        asyncio.run(run())

    assert len(starts(vendor_api)) == 2


def test_the_mixin_waits_on_the_worker(vendor_api: Any, make_context: MakeContext) -> None:
    assert resumable_operator().execute(make_context()) == "Completed"
    assert "does not free the worker slot during polling" in " ".join((ResumableJobMixin.__doc__ or "").split())


def test_ours_waits_in_the_triggerer_which_only_reads(vendor_api: Any, make_context: MakeContext) -> None:
    deferred = defer(lambda: push(deferrable=True), make_context())

    async def run() -> None:
        async for _ in moved(deferred.trigger).run():
            pass

    for _ in range(2):
        asyncio.run(run())

    assert len(starts(vendor_api)) == 1


# Killed


@pytest.mark.parametrize("other", [HttpOperator, HttpSensor, ResumablePush])
def test_the_others_do_nothing_when_they_are_killed(other: type[BaseOperator]) -> None:
    assert other.on_kill is BaseOperator.on_kill


# Rejected rows


@OTHERS
def test_the_others_are_green_though_rows_were_rejected(
    make: Callable[[], BaseOperator], vendor_api: Any, make_context: MakeContext
) -> None:
    vendor_api.change_settings(run_seconds=0)

    make().execute(make_context())  # no error

    (start,) = starts(vendor_api)
    assert PigmentHook().get_import_status(start.run, detailed_report=True).counts.skipped == 1


def test_ours_fails_if_more_rows_were_rejected_than_the_author_allows(
    vendor_api: Any, make_context: MakeContext
) -> None:
    with pytest.raises(ImportRejectedRecordsError) as raised:
        finish(lambda: push(max_rejected=0), make_context())

    assert raised.value.rejected == 1


# The page


def test_the_page_quotes_the_mixin_and_names_the_versions() -> None:
    page = " ".join(PAGE.read_text().split())

    quoted = page.partition("Known limitation: ")[2].partition(" [...] ")
    said = " ".join((ResumableJobMixin.execute_resumable.__doc__ or "").split())
    assert quoted[0] in said
    assert quoted[2].partition(".")[0] in said
    assert f"Airflow {version('apache-airflow')} and version {version('apache-airflow-providers-http')}" in page


def figure(name: str, measured: str, compared_with: str) -> dict[str, str]:
    """A row of a published figure."""
    with (FIGURES / f"{name}.csv").open() as file:
        (row,) = [
            one for one in csv.DictReader(file) if one["measured"] == measured and one["compared with"] == compared_with
        ]
    return row


def rows_of_the_page() -> dict[str, list[str]]:
    """The comparison's cells by the first of each row."""
    table = PAGE.read_text().partition("   * - what happens\n")[2].partition("\n\n")[0]
    rows = [
        [" ".join(cell.split()) for cell in re.split(r"\n     - ", row)]
        for row in ("\n" + table).split("\n   * - ")[1:]
    ]
    return {row[0]: row[1:] for row in rows}


def test_the_readme_and_the_page_compare_alike() -> None:
    in_readme = {
        cells[0]: cells[1:]
        for line in (ROOT / "README.md").read_text().splitlines()
        if line.startswith("| ")
        for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
    }
    on_page = {name: [cell.replace("``", "`") for cell in cells] for name, cells in rows_of_the_page().items()}

    assert len(on_page) == 6
    assert {name: in_readme.get(name) for name in on_page} == on_page


def test_the_comparison_tells_the_published_figures() -> None:
    row = figure("cost_of_a_wait", "1,000 imports, TLS", "deferrable HttpSensor")

    pair, _, ours = rows_of_the_page()["a thousand waits"]

    assert f"{row['theirs']} ms" in pair
    assert f"{row['ours']} ms" in ours


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"``(tests/\S+\.py)``::``(\w+)``", PAGE.read_text())

    assert len({test for _, test in named}) >= len(rows_of_the_page())
    for file, test in named:
        module = import_module(file.removesuffix(".py").replace("/", "."))
        assert callable(getattr(module, test)), f"{file} has no {test}"
