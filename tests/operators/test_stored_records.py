"""A record that exists counts: of every version, damaged, newer, of another try, of inputs that only look different."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_imports.exceptions import AnotherTryError, InvalidInputError, UnknownOutcomeError
from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator, PigmentTriggerImportOperator
from airflow_provider_imports.operators.record import Phase, Record
from airflow_provider_imports.operators.run_store import KEY, RunStore, fingerprint_of
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator
from airflow_provider_imports.testing.stored_records import DAMAGED
from tests.conftest import SAMPLES
from tests.tries import Killed, finish, starts

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeTask = Callable[..., Callable[[], Any]]

RECORDS = sorted((SAMPLES / "stored_records").glob("*.json"))
NAN = float("nan")
CONFIGURATION = "33d0d7d0-6125-47c4-b36a-882f4ed53b33"


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_records_of_every_version_are_read_with_or_without_fields_that_a_newer_one_adds(path: Path) -> None:
    value = json.loads(path.read_text())

    record = Record.from_json(value)

    assert _as_far_as(value, record.to_json()) == value
    assert Record.from_json({**value, "mood": "good", "run": value["run"] and {**value["run"], "mood": 1}}) == record


def _as_far_as(known: Any, value: Any) -> Any:
    """A value without the fields that the other one does not have."""
    if isinstance(known, dict) and isinstance(value, dict):
        return {name: _as_far_as(known[name], one) for name, one in value.items() if name in known}
    return value


def test_a_start_that_version_01_intended_may_have_been_sent_at_any_time_from_then_on() -> None:
    record = Record.from_json(json.loads((SAMPLES / "stored_records" / "0.1_websale_intended.json").read_text()))

    assert record.intent.sent_at == record.at
    assert record.intent.unclear_at is None


def test_this_versions_operators_make_the_fingerprints_of_version_01(make_context: Any) -> None:
    def stored_by_01(name: str) -> str:
        return str(json.loads((SAMPLES / "stored_records" / f"{name}.json").read_text())["fingerprint"])

    push = PigmentPushCsvOperator(task_id="push", configuration_id=CONFIGURATION, data="a;b\n1;2\n")
    start = WebsaleStartImportOperator(task_id="start", service="product", data=[{"sku": "a"}])

    assert push._open_store(make_context())._fingerprint == stored_by_01("0.1_pigment_started")
    assert start._open_store(make_context())._fingerprint == stored_by_01("0.1_websale_intended")


@pytest.mark.parametrize("value", DAMAGED, ids=repr)
def test_a_record_that_cannot_be_read_does_not_stop_a_task_that_may_restart(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any, value: Any
) -> None:
    task_state_store.set(KEY, value)

    assert finish(trigger_task(on_unknown_outcome="restart"), make_context())["state"] == "succeeded"
    assert len(starts(sandbox)) == 1


@pytest.fixture(
    params=[partial(float, "nan"), partial(float, "inf"), partial(Path, "a")], ids=lambda make: make.args[0]
)
def no_json(request: pytest.FixtureRequest, task_state_store: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """A record that is no JSON, in somebody else's store, where each read makes a new one; gives it as a text."""
    get, set_, delete = task_state_store.get, task_state_store.set, task_state_store.delete
    stored = [request.param]

    def gone(key: str) -> None:
        if key == KEY:
            stored.clear()

    def read(key: str) -> Any:
        return {"version": 99, "share": stored[0]()} if key == KEY and stored else get(key)

    monkeypatch.setattr(task_state_store, "get", read)
    monkeypatch.setattr(task_state_store, "set", lambda key, value: (gone(key), set_(key, value)))
    monkeypatch.setattr(task_state_store, "delete", lambda key: (gone(key), delete(key)))
    return json.dumps(read(KEY), default=repr)


def test_a_damaged_record_that_is_no_json_is_stored_as_a_text(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any, no_json: str
) -> None:
    for _ in range(2):
        with pytest.raises(UnknownOutcomeError):
            finish(trigger_task(), make_context())
        assert task_state_store.get(KEY)["unread"] == no_json
    assert starts(sandbox) == []


@pytest.mark.usefixtures("no_json")
def test_a_damaged_record_that_is_no_json_does_not_stop_a_task_that_may_restart(
    trigger_task: MakeTask, sandbox: Any, make_context: Any
) -> None:
    assert finish(trigger_task(on_unknown_outcome="restart"), make_context())["state"] == "succeeded"
    assert len(starts(sandbox)) == 1


def test_what_is_kept_of_a_damaged_record_can_be_stored() -> None:
    record = Record.from_json({"version": 1, "phase": "asked", "fingerprint": "", "at": "2026-01-01", "unread": [NAN]})

    assert record.unread == "[NaN]"


def test_clearing_a_task_that_has_not_asked_yet_asks_first(
    trigger_task: MakeTask, sandbox: Any, make_context: Any, task_state_store: Any
) -> None:
    task_state_store.set(KEY, {"version": 99, "generation": 1})

    with pytest.raises(UnknownOutcomeError):
        finish(trigger_task(), make_context(try_number=2, max_tries=2))
    assert starts(sandbox) == []


# What makes another import


def test_a_new_parameter_that_is_not_used_makes_no_other_fingerprint(make_context: Any) -> None:
    class OfALaterVersion(PigmentTriggerImportOperator):
        later_inputs = ("scenario",)
        scenario: str | None = None

    OfALaterVersion.__name__ = "PigmentTriggerImportOperator"
    old, new, used = (
        kind(task_id="load", configuration_id=CONFIGURATION)
        for kind in (PigmentTriggerImportOperator, OfALaterVersion, OfALaterVersion)
    )
    used.scenario = "budget"

    of_old, of_new, of_used = (one._open_store(make_context())._fingerprint for one in (old, new, used))
    assert of_old == of_new != of_used


class Lazy:
    """A sequence like the one that Airflow hands to a task fed by a mapped one."""

    def __init__(self, *items: Any) -> None:
        self._items = items

    def __iter__(self) -> Any:
        return iter(self._items)

    def __repr__(self) -> str:
        return "LazyXComSequence(<unevaluated length>)"


def test_a_lazy_sequence_is_told_from_another_by_what_it_holds() -> None:
    assert fingerprint_of(Lazy({"a": 1})) != fingerprint_of(Lazy({"a": 2}))
    assert fingerprint_of(Lazy({"a": 1}, 2)) == fingerprint_of([{"a": 1}, 2]) == fingerprint_of(({"a": 1}, 2))


def test_a_path_is_told_by_its_name() -> None:
    assert fingerprint_of(Path("/data/a.csv")) == fingerprint_of("/data/a.csv")


@pytest.mark.parametrize("value", [object(), [object()], {"a": {1, 2}}])
def test_what_has_no_content_of_its_own_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInputError, match="whose content can't be compared"):
        fingerprint_of(value)


# Two tries at once


def two_tries(store: Any) -> tuple[RunStore, RunStore]:
    return RunStore(store, "fingerprint", 1), RunStore(store, "fingerprint", 1)


def test_whoever_finds_the_intent_of_another_try_in_place_of_his_own_starts_nothing(task_state_store: Any) -> None:
    believed_dead, retry = two_tries(task_state_store)
    believed_dead.load()
    believed_dead.intend()
    retry.load()
    retry.looked()

    with pytest.raises(AnotherTryError, match="This one sent nothing"):
        believed_dead.verify()


def test_whoever_wakes_up_late_does_not_write_over_what_another_try_started(task_state_store: Any) -> None:
    believed_dead, retry = two_tries(task_state_store)
    believed_dead.load()
    retry.load()
    retry.intend()
    retry.started(ImportRun("pigment", {"import_id": "1"}))

    with pytest.raises(AnotherTryError):
        believed_dead.intend()
    assert task_state_store.get(KEY)["phase"] == Phase.STARTED


def test_a_refused_start_does_not_remove_what_another_try_stored(task_state_store: Any) -> None:
    believed_dead, retry = two_tries(task_state_store)
    believed_dead.load()
    believed_dead.intend()
    retry.load()
    retry.asked()

    believed_dead.forget()

    assert task_state_store.get(KEY)["phase"] == Phase.ASKED


def test_another_try_is_no_reason_to_give_up(task_state_store: Any) -> None:
    assert not issubclass(AnotherTryError, AirflowFailException)


# A file has left only with its last piece


@pytest.fixture
def upload(push_task: MakeTask, tmp_path: Path) -> Callable[[], Any]:
    file = tmp_path / "rows.csv"
    file.write_bytes(b"a;b\n" + b"1;2\n" * 600_000)
    return push_task(file_path=str(file))


def test_a_try_that_died_while_it_uploaded_has_started_nothing(
    upload: Callable[[], Any], sandbox: Any, make_context: Any, task_state_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(RunStore, "sending", die)
        with pytest.raises(Killed):
            finish(upload, make_context())
    assert task_state_store.get(KEY)["sent_at"] is None

    assert finish(upload, make_context(try_number=2))["state"] == "succeeded"
    assert len(starts(sandbox)) == 1


def test_an_upload_that_another_try_overtakes_stays_incomplete(
    upload: Callable[[], Any], sandbox: Any, make_context: Any, task_state_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = RunStore.sending

    def overtaken(self: RunStore) -> None:
        retry = RunStore(task_state_store, self._fingerprint, 1)
        retry.load()
        retry.intend()
        sending(self)

    monkeypatch.setattr(RunStore, "sending", overtaken)
    with pytest.raises(AnotherTryError):
        finish(upload, make_context())

    assert starts(sandbox) == []
    assert task_state_store.get(KEY)["phase"] == Phase.INTENDED, "the other try's record stays"
