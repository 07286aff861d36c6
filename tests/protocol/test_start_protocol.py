"""
The start protocol against a vendor that may act at any moment, and workers that may die, or be believed dead, at any.

``make protocol`` tries ten thousand lives of a task, ``make test`` some hundred.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from airflow_provider_imports.exceptions import UnknownOutcomeError, VendorImportError
from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.hooks.websale import WebsaleHook
from airflow_provider_imports.http.call import Answer
from airflow_provider_imports.models import ImportRun, ImportState, ImportStatus
from airflow_provider_imports.operators import base, run_store, slot_lock, unclear_start
from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator
from airflow_provider_imports.operators.record import Phase
from airflow_provider_imports.operators.run_store import KEY
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator
from airflow_provider_imports.polling import Ending
from airflow_provider_imports.testing.context import TaskInstanceOfTest
from tests.protocol.vendor import Vendor, clock_of, iso
from tests.protocol.workers import Store, Try, pause

if TYPE_CHECKING:
    from collections.abc import Iterator

LIVES = int(os.environ.get("PROTOCOL_LIVES", "300"))
CONFIGURATION = "33d0d7d0-6125-47c4-b36a-882f4ed53b33"
#: What version 0.1 stored.
FIELDS_OF_01 = (
    "version", "phase", "fingerprint", "at", "run", "slot", "before", "generation", "status", "content",
)  # fmt: skip


class World:
    """What the hooks of this test talk to: one vendor, and the fate of the next start."""

    vendor = Vendor()
    #: (the vendor begins it after so many seconds, or never; its answer arrives)
    fate: tuple[float | None, bool] = (0, True)
    upload_seconds = 0.0
    machine = "one"
    file = ""


def now() -> float:
    return World.vendor.now


def send_start(hook: Any, body: Any = b"") -> float:
    """
    Hand a start to the vendor: what was verified right before is verified still, for nothing lies in between.

    A body that is streamed is under way for a while, in which everything may happen; its last piece is verified.
    """
    if not isinstance(body, bytes):
        pause()
        World.vendor.pass_time(World.upload_seconds)
        pause()
        for _ in body:
            pass
    delay, answered = World.fate
    began = World.vendor.receive(delay)
    pause()  # the request has left, and the answer has not come
    if not answered or began is None:
        raise UnknownOutcomeError("The answer was lost.", vendor=hook.vendor)
    return began


def wait_until_ended(run: ImportRun, start: float) -> Ending:
    while World.vendor.is_running(start):
        pause()
    state = ImportState.SUCCEEDED if start == World.vendor.begun[-1] else ImportState.CANCELED
    return Ending.of(ImportStatus(state, state))


class ModelOfPigment(PigmentHook):
    """Whoever loses the answer of a start has no way to look for the import."""

    def trigger_import(self, configuration_id: str) -> ImportRun:
        return ImportRun("pigment", {"import_id": str(send_start(self))})

    def get_status(self, run: ImportRun) -> ImportStatus:
        pause()
        running = World.vendor.is_running(float(run.key["import_id"]))
        return ImportStatus(ImportState.RUNNING if running else ImportState.SUCCEEDED, "")

    def wait(self, run: ImportRun, policy: Any, clock: Any = None) -> Ending:
        return wait_until_ended(run, float(run.key["import_id"]))


class ModelOfWebsale(WebsaleHook):
    """Shows the newest import of the service, by the time of its start."""

    def run_flow(self, flow: Any, patience: float = 0.0, deadline: float | None = None) -> Any:
        try:
            next(flow)
            while True:
                pause()
                flow.send(Answer(200, {"date": ""}, json.dumps(World.vendor.shown()).encode()))
        except StopIteration as end:
            return end.value

    def start_import(self, service: str, body: Any, *args: Any, **more: Any) -> ImportRun:
        return ImportRun("websale", {"service": service, "start": iso(send_start(self, body))})

    def wait(self, run: ImportRun, policy: Any, clock: Any = None) -> Ending:
        starts = {iso(one): one for one in World.vendor.begun}
        return wait_until_ended(run, starts[run.key["start"]])


class Life(RuleBasedStateMachine):
    """The life of one task instance."""

    tries: list[Try]

    @initialize(shows=st.booleans(), streamed=st.booleans())
    def begin(self, shows: bool, streamed: bool) -> None:
        World.vendor, World.fate, World.upload_seconds, World.machine = Vendor(), (0, True), 0.0, "one"
        self.shows, self.streamed = shows, streamed
        self.store = Store()
        self.tries: list[Try] = []
        self.max_tries = 5
        #: Starts that a person has asked for: by the run of the DAG, and by clearing.
        self.asked_for = 1
        if shows:
            World.vendor.begin()  # somebody's, long ago
            World.vendor.pass_time(3600)
        self.foreign = len(World.vendor.begun)
        self.new_try()

    def new_try(self) -> None:
        number = len(self.tries) + 1
        context = {
            "ti": TaskInstanceOfTest(number, self.max_tries),
            "task_state_store": self.store,
            "outlet_events": {},
        }
        common: dict[str, Any] = {"task_id": "load", "deferrable": False, "timeout": 1e7}
        if self.shows:
            source: dict[str, Any] = {"file_path": World.file} if self.streamed else {"data": b"[{}]"}
            operator: Any = WebsaleStartImportOperator(service="product", format="json", **source, **common)
        else:
            operator = PigmentTriggerImportOperator(configuration_id=CONFIGURATION, **common)
        model = ModelOfWebsale if self.shows else ModelOfPigment
        operator.entry = replace(operator.entry, hook=f"{__name__}.{model.__name__}")
        self.tries.append(Try(lambda: operator.execute(context)))

    @property
    def last(self) -> Try:
        return self.tries[-1]

    @property
    def live(self) -> list[Try]:
        return [one for one in self.tries if not one.is_over]

    # Things that happen

    @precondition(lambda self: self.live)
    @rule(which=st.integers(0, 9), steps=st.integers(1, 12))
    def a_try_goes_on(self, which: int, steps: int) -> None:
        one = self.live[which % len(self.live)]
        World.machine = str(self.tries.index(one) % 2)
        for _ in range(steps):
            if not one.is_over:
                one.step()

    @rule(seconds=st.sampled_from([0.5, 5, 31, 100, 119, 130, 1000]))
    def time_passes(self, seconds: float) -> None:
        World.vendor.pass_time(seconds)

    @rule(
        fate=st.sampled_from(
            [(0, True), (0, True), (0, False), (0.5, False), (40, False), (119, False), (None, False)]
        ),
        upload_seconds=st.sampled_from([0.0, 0.0, 35.0, 600.0]),
    )
    def the_next_start_will_fare_like_this(self, fate: tuple[float | None, bool], upload_seconds: float) -> None:
        World.fate, World.upload_seconds = fate, upload_seconds

    @precondition(lambda self: self.live)
    @rule(which=st.integers(0, 9))
    def a_worker_dies(self, which: int) -> None:
        self.live[which % len(self.live)].die()

    @precondition(lambda self: len(self.tries) < 8 and not self.is_done)
    @rule()
    def airflow_believes_the_worker_dead_or_retries(self) -> None:
        if self.last.is_over and isinstance(self.last.error, AirflowFailException):
            return  # only a person goes on from there
        self.new_try()

    @precondition(lambda self: len(self.tries) < 8 and not self.live and self.last.is_over)
    @rule()
    def a_person_clears_the_task(self) -> None:
        self.max_tries += 1
        self.asked_for += 1
        self.new_try()

    @rule(change=st.sampled_from(["downgrade", "newer", "damaged"]))
    def the_package_is_changed(self, change: str) -> None:
        if KEY not in self.store.written:
            return
        value = json.loads(self.store.written[KEY])
        if change == "downgrade":
            if value.get("version") != 1 or value.get("phase") == Phase.ASKED or value.get("unread"):
                return  # nothing that version 0.1 could have stored
            value = {name: one for name, one in value.items() if name in FIELDS_OF_01}
        elif change == "newer":
            value = {**value, "version": 2}
        else:
            value = {"phase": "begun"}
        self.store.written[KEY] = json.dumps(value)

    @property
    def is_done(self) -> bool:
        return self.last.is_over and self.last.error is None and self.last.result is not None

    # What must hold

    @invariant()
    def no_import_that_nobody_asked_for(self) -> None:
        if hasattr(self, "tries"):
            ours = len(World.vendor.begun) - self.foreign
            assert ours <= self.asked_for, f"{ours} imports, but {self.asked_for} starts were asked for"

    @invariant()
    def no_green_task_without_an_import_of_its_own(self) -> None:
        for one in getattr(self, "tries", ()):
            if one.is_over and one.error is None and one.result is not None:
                run = one.result["run"]
                began = run["start"] if self.shows else float(run["import_id"])
                ours = World.vendor.begun[self.foreign :]
                assert began in ([iso(start) for start in ours] if self.shows else ours)

    @invariant()
    def no_error_that_is_not_ours(self) -> None:
        for one in getattr(self, "tries", ()):
            if isinstance(one.error, Exception):
                assert isinstance(one.error, VendorImportError), repr(one.error)

    def teardown(self) -> None:
        for one in getattr(self, "tries", ()):
            one.die()


@pytest.fixture
def _in_the_tests_own_time(set_connection: Any, tmp_path: Any) -> Iterator[None]:
    set_connection("pigment_default", conn_type="pigment", password="a-key-of-pigment")
    set_connection("websale_default", conn_type="websale", host="https://shop.example", password="a-key-of-websale")
    clock = clock_of(lambda: World.vendor)
    World.file = str(tmp_path / "products.json")
    Path(World.file).write_bytes(b"[{}]")

    def sleep(seconds: float) -> None:
        World.vendor.pass_time(seconds)
        pause()

    time = SimpleNamespace(time=now, monotonic=now, sleep=sleep)

    def path(name: str, suffix: str) -> Any:
        folder = tmp_path / World.machine
        folder.mkdir(exist_ok=True)
        return folder / f"{abs(hash(name))}.{suffix}"

    with (
        mock.patch.object(unclear_start, "datetime", clock),
        mock.patch.object(unclear_start, "time", time),
        mock.patch.object(run_store, "datetime", clock),
        mock.patch.object(base, "datetime", clock),
        mock.patch.object(slot_lock, "time", time),
        mock.patch.object(slot_lock, "_path", path),
        mock.patch("airflow_provider_imports.operators.waiting.time", time),
    ):
        yield


@pytest.mark.usefixtures("_in_the_tests_own_time")
def test_no_life_of_a_task_imports_twice_or_ends_green_without_an_import() -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=LIVES,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
