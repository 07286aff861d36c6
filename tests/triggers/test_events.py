"""The event trigger: each end fires once, whatever happens to triggerers, vendors and what is remembered."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.hooks.description import NewestImport
from airflow_provider_imports.hooks.rocketchat import RocketChatHook
from airflow_provider_imports.hooks.websale import WebsaleHook
from airflow_provider_imports.installed import installed, installed_entry
from airflow_provider_imports.models import ImportRun, ImportState, ImportStatus
from airflow_provider_imports.polling import PollPolicy
from airflow_provider_imports.triggers import end_memory, events
from airflow_provider_imports.triggers.end_memory import MOST_ENDS, EndMemory, Store
from airflow_provider_imports.triggers.imports import load_hook
from airflow_provider_imports.version_compat import AIRFLOW_V_3_0_PLUS
from tests.tries import moved

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from airflow_provider_imports.triggers.events import ImportEndedTrigger

needs_watchers = pytest.mark.skipif(not AIRFLOW_V_3_0_PLUS, reason="assets of Airflow 2 have no watchers")
ORDERS = b'[{"number": 1}, {"number": 2}]'


class StoreOfTest:
    """Airflow's ``asset_state_store``: JSON only, and a turn of the event loop for each question."""

    def __init__(self) -> None:
        self.written: dict[str, str] = {}
        self.fails = 0
        self.asked = 0

    async def aget(self, key: str, default: Any = None) -> Any:
        self.asked += 1
        await self._answer()
        return json.loads(self.written[key]) if key in self.written else default

    async def aset(self, key: str, value: Any) -> None:
        await self._answer()
        self.written[key] = json.dumps(value, allow_nan=False)

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.fails:
            self.fails -= 1
            raise ConnectionError("Airflow's API server is away")


class BlockingStoreOfTest:
    """The same on Airflow 3.3.0 and 3.3.1, where it blocks: it may not be asked on the event loop's thread."""

    def __init__(self) -> None:
        self.written: dict[str, Any] = {}
        self.threads: set[int] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.threads.add(threading.get_ident())
        return self.written.get(key, default)

    def set(self, key: str, value: Any) -> None:
        self.threads.add(threading.get_ident())
        self.written[key] = value


class StoreOfTwoAssets:
    """What Airflow says if one trigger serves two assets."""

    async def aget(self, key: str, default: Any = None) -> Any:
        raise ValueError("Task has 2 concrete inlets and outlets")

    aset = aget


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end_memory, "CLAIM_SECONDS", 0.02)


@pytest.fixture
def make(sandbox_connections: Any, set_connection: Callable[..., str]) -> Callable[..., ImportEndedTrigger]:
    """``make(vendor="rocketchat")``: a trigger as a triggerer gets it, which looks often."""
    if not AIRFLOW_V_3_0_PLUS:
        pytest.skip("assets of Airflow 2 have no watchers")
    for vendor in ("websale", "rocketchat"):
        connection = sandbox_connections.connection(vendor)
        extra = {**(connection.pop("extra") or {}), "requests_per_minute": 60000}
        set_connection(f"{vendor}_default", extra=extra, **connection)

    def new(store: Any = None, **changes: Any) -> ImportEndedTrigger:
        vendor = changes.get("vendor", "websale")
        slot = {"service": "order"} if vendor == "websale" else {}
        arguments = {"name": "orders", "vendor": vendor, "slot": slot, "poll_interval": 0.02, **changes}
        trigger: ImportEndedTrigger = moved(events.ImportEndedTrigger(**arguments))
        trigger.asset_state_store = store
        return trigger

    return new


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """All that was logged until now."""
    told: list[str] = []

    def read() -> str:
        captured = capsys.readouterr()
        told.append(captured.out + captured.err)
        return "".join(told)

    return read


@asynccontextmanager
async def watched(*triggers: ImportEndedTrigger) -> AsyncIterator[list[dict[str, Any]]]:
    """Run triggers as a triggerer does, and collect the payloads of their events."""
    fired: list[dict[str, Any]] = []

    async def run(trigger: ImportEndedTrigger) -> None:
        async for event in trigger.run():
            fired.append(json.loads(json.dumps(event.payload, allow_nan=False)))
        raise AssertionError("run() ended")

    running = [asyncio.ensure_future(run(trigger)) for trigger in triggers]
    try:
        yield fired
    finally:
        ended = [one for one in running if one.done()]
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for trigger in triggers:
            await trigger.cleanup()
        assert not ended, [one.exception() for one in ended]


async def until(condition: Callable[[], object]) -> None:
    """Let the others run until something is true."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  # the sandbox answers in another thread, and sets no event of this loop
            await asyncio.sleep(0.005)


async def more_looks(sandbox: Any, vendor: str = "websale", number: int = 3) -> None:
    """Wait until the vendor was asked some times more: time enough for what must not happen."""
    asked = len(looks(sandbox, vendor))
    await until(lambda: len(looks(sandbox, vendor)) >= asked + number)


def looks(sandbox: Any, vendor: str = "websale") -> list[Any]:
    found: list[Any] = sandbox.entries(vendor, "get_import_status")
    return found


async def an_import(service: str = "order") -> ImportRun:
    """Somebody else starts an import at WEBSALE."""
    return await asyncio.to_thread(WebsaleHook().start_import, service, ORDERS, "json")


async def ended(run: ImportRun) -> None:
    """Wait for the end of such an import."""
    await asyncio.to_thread(WebsaleHook().wait, run, PollPolicy(0.02, 0.02))


# As a part of a DAG


@needs_watchers
def test_an_asset_can_be_watched_with_it() -> None:
    from airflow.sdk import Asset, AssetWatcher

    trigger = events.ImportEndedTrigger(name="orders", vendor="websale", slot={"service": "order"})
    asset = Asset("orders", watchers=[AssetWatcher(name="ended", trigger=trigger)])
    assert len(asset.watchers) == 1


@needs_watchers
def test_it_is_the_same_trigger_at_each_parse_and_another_one_for_another_asset() -> None:
    from airflow.triggers.base import BaseEventTrigger

    def new(name: str) -> events.ImportEndedTrigger:
        return events.ImportEndedTrigger(name=name, vendor="websale", slot={"service": "order"})

    path, arguments = new("orders").serialize()
    assert path == "airflow_provider_imports.triggers.events.ImportEndedTrigger"
    assert json.loads(json.dumps(arguments)) == arguments
    assert BaseEventTrigger.hash(*new("orders").serialize()) == BaseEventTrigger.hash(*new("orders").serialize())
    assert BaseEventTrigger.hash(*new("orders").serialize()) != BaseEventTrigger.hash(*new("others").serialize())


@needs_watchers
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"vendor": "pigment", "slot": None}, "only rocketchat and websale"),
        ({"vendor": "unknown"}, "There is no vendor 'unknown'; installed are"),
        ({"slot": None}, 'should be {"service": "..."}'),
        ({"slot": {"service": ""}}, 'should be {"service": "..."}'),
        ({"slot": {"service": "order", "start": "x"}}, 'should be {"service": "..."}'),
        ({"vendor": "rocketchat"}, "should be {} for rocketchat"),
        ({"name": ""}, "no other trigger has"),
        ({"poll_interval": 0}, "positive number of seconds"),
        ({"poll_interval": "60"}, "positive number of seconds"),
    ],
)
def test_what_cannot_be_watched_is_an_error_of_the_dag_file_which_a_triggerer_outlives(
    wrong: dict[str, Any], told: str
) -> None:
    arguments = {"name": "orders", "vendor": "websale", "slot": {"service": "order"}, **wrong}
    with pytest.raises(TypeError, match=told.replace("{", r"\{")):
        events.ImportEndedTrigger(**arguments)


def test_airflow_2_is_told_that_it_has_no_watchers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "AIRFLOW_V_3_0_PLUS", False)
    with pytest.raises(RuntimeError, match=r"needs Airflow 3\.0 or newer"):
        events.ImportEndedTrigger(name="orders", vendor="websale", slot={"service": "order"})


@pytest.mark.parametrize("vendor", sorted(installed().entries))
async def test_a_vendor_with_slots_describes_how_its_newest_import_is_read(vendor: str) -> None:
    entry = installed_entry(vendor)
    hook = await load_hook(entry.hook)
    assert (hook.newest_flow is not ImportHook.newest_flow) == (entry.slot is not None)


# Each end fires once


async def test_the_end_of_a_foreign_import_fires_once_with_its_manifest(
    make: Callable[..., ImportEndedTrigger], sandbox: Any
) -> None:
    async with watched(make(StoreOfTest())) as fired:
        await more_looks(sandbox, number=1)
        run = await an_import()
        await until(lambda: fired)
        await more_looks(sandbox)
    (payload,) = fired
    assert payload["state"] == "succeeded"
    assert payload["run"] == dict(run.key)
    assert payload["counts"]["processed"] == 2


async def test_what_had_ended_before_the_first_look_does_not_fire(
    make: Callable[..., ImportEndedTrigger], sandbox: Any
) -> None:
    await ended(await an_import())
    async with watched(make(StoreOfTest())) as fired:
        await more_looks(sandbox)
        assert fired == []
        later = await an_import()
        await until(lambda: fired)
    assert [payload["run"] for payload in fired] == [dict(later.key)]


async def test_an_import_that_runs_at_the_first_look_fires_when_it_ends(
    make: Callable[..., ImportEndedTrigger], sandbox: Any
) -> None:
    run = await an_import()
    async with watched(make(StoreOfTest())) as fired:
        await until(lambda: fired)
    assert fired[0]["run"] == dict(run.key)


@pytest.mark.parametrize("new_store", [StoreOfTest, BlockingStoreOfTest])
async def test_a_restarted_triggerer_fires_for_nothing_twice_and_for_what_ended_meanwhile(
    new_store: Callable[[], Any], make: Callable[..., ImportEndedTrigger], sandbox: Any
) -> None:
    store = new_store()
    async with watched(make(store)) as fired:
        await more_looks(sandbox, number=1)
        await an_import()
        await until(lambda: fired)
    async with watched(make(store)) as fired_again:
        await more_looks(sandbox)
    assert fired_again == []
    meanwhile = await an_import()
    await ended(meanwhile)
    async with watched(make(store)) as fired_later:
        await until(lambda: fired_later)
        await more_looks(sandbox)
    assert [payload["run"] for payload in fired_later] == [dict(meanwhile.key)]
    assert threading.get_ident() not in getattr(store, "threads", ())


async def test_without_a_store_a_restart_begins_anew_and_fires_for_nothing_twice(
    make: Callable[..., ImportEndedTrigger], sandbox: Any
) -> None:
    async with watched(make(None)) as fired:
        await more_looks(sandbox, number=1)
        await an_import()
        await until(lambda: fired)
        await more_looks(sandbox)
    assert len(fired) == 1
    async with watched(make(None)) as fired_again:
        await more_looks(sandbox)
    assert fired_again == []


async def test_one_trigger_of_two_assets_says_that_it_remembers_nothing_over_restarts(
    make: Callable[..., ImportEndedTrigger], sandbox: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with watched(make(StoreOfTwoAssets())) as fired:
        await more_looks(sandbox, number=1)
        await an_import()
        await until(lambda: fired)
        await more_looks(sandbox)
    assert len(fired) == 1
    assert caplog.text.count("a name of its own") == 1


async def test_of_many_triggerers_that_look_at_the_same_moment_one_fires(
    make: Callable[..., ImportEndedTrigger], sandbox: Any
) -> None:
    store = StoreOfTest()
    async with watched(*(make(store) for _ in range(5))) as fired:
        await more_looks(sandbox, number=1)
        for number in (1, 2, 3):
            run = await an_import()
            await until(lambda number=number: len(fired) >= number)
            await more_looks(sandbox)
            assert fired[-1]["run"] == dict(run.key)
    assert len(fired) == 3


async def test_an_end_whose_triggerer_was_killed_before_it_fired_is_fired_by_the_next_one(
    make: Callable[..., ImportEndedTrigger], sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = StoreOfTest()
    async with watched(make(store)) as fired:
        await until(lambda: store.written)
        monkeypatch.setattr(end_memory, "CLAIM_SECONDS", 300.0)
        await an_import()
        await until(lambda: json.loads(store.written["airflow_provider_imports.orders"])["claim"])
    assert fired == []
    monkeypatch.setattr(end_memory, "CLAIM_SECONDS", 0.02)
    async with watched(make(store), make(store)) as fired:
        await until(lambda: fired)
        await more_looks(sandbox)
    assert len(fired) == 1


async def test_what_was_remembered_of_another_service_does_not_count(
    make: Callable[..., ImportEndedTrigger], sandbox: Any
) -> None:
    store = StoreOfTest()
    async with watched(make(store)):
        await until(lambda: store.written)
    await ended(await an_import("voucher"))
    async with watched(make(store, slot={"service": "voucher"})) as fired:
        await more_looks(sandbox)
    assert fired == []


# What one end is


def seen(state: ImportState, key: str = "a") -> NewestImport:
    return NewestImport(ImportRun("rocketchat", {"operation_id": key}), ImportStatus(state, str(state)))


@pytest.mark.parametrize(
    ("shown", "news"),
    [
        ([ImportState.RUNNING, ImportState.SUCCEEDED, ImportState.SUCCEEDED], [False, True, False]),
        # Rocket.Chat declares a done operation invalid when its server restarts
        ([ImportState.RUNNING, ImportState.SUCCEEDED, ImportState.FAILED], [False, True, False]),
        ([ImportState.RUNNING, ImportState.SUCCEEDED, ImportState.RUNNING, ImportState.SUCCEEDED], [0, 1, 0, 0]),
        ([ImportState.RUNNING, ImportState.CANCELED, ImportState.FAILED], [False, True, False]),
        # one that failed may run again under its key
        ([ImportState.RUNNING, ImportState.FAILED, ImportState.SUCCEEDED], [False, True, True]),
        ([ImportState.RUNNING, ImportState.FAILED, ImportState.RUNNING, ImportState.FAILED], [0, 1, 0, 1]),
        ([ImportState.FAILED, ImportState.FAILED, ImportState.SUCCEEDED], [False, False, True]),
        ([ImportState.ACCEPTED, ImportState.PAUSED, ImportState.RUNNING], [False, False, False]),
    ],
)
async def test_an_end_is_news_once(shown: list[ImportState], news: list[bool]) -> None:
    memory = EndMemory(Store(None, "key"), "place")
    assert [await memory.is_news(seen(state)) for state in shown] == [bool(one) for one in news]


async def test_an_answer_that_is_late_shows_no_older_end_as_new() -> None:
    memory = EndMemory(Store(StoreOfTest(), "key"), "place")
    assert not await memory.is_news(None)
    for number in range(MOST_ENDS):
        assert await memory.is_news(seen(ImportState.SUCCEEDED, str(number)))
    assert not await memory.is_news(seen(ImportState.SUCCEEDED, "0"))
    assert not await memory.is_news(None)
    assert not await memory.is_news(seen(ImportState.SUCCEEDED, str(MOST_ENDS - 1)))


class StoreInWhichAnotherFires(StoreOfTest):
    """Right after the first look, the other trigger, whose claim was seen, notes that it fired."""

    async def aget(self, key: str, default: Any = None) -> Any:
        found = await super().aget(key, default)
        if self.asked == 1:
            self.written[key] = json.dumps({**found, "ends": {KEY: "succeeded"}, "claim": None})
        return found


KEY = json.dumps({"operation_id": "a"})


async def test_another_trigger_that_fires_between_two_looks_is_noticed() -> None:
    store = StoreInWhichAnotherFires()
    store.written["key"] = json.dumps({"place": "place", "ends": {}, "claim": [KEY, "another"]})
    assert not await EndMemory(Store(store, "key"), "place").is_news(seen(ImportState.SUCCEEDED))
    assert json.loads(store.written["key"])["ends"] == {KEY: "succeeded"}


@pytest.mark.parametrize("broken", [7, "text", [], {}, {"place": "place"}, {"place": "place", "ends": [1]}])
async def test_what_cannot_be_read_in_the_store_is_like_a_first_look(broken: Any) -> None:
    store = StoreOfTest()
    store.written["key"] = json.dumps(broken)
    memory = EndMemory(Store(store, "key"), "place")
    assert not await memory.is_news(seen(ImportState.SUCCEEDED))
    assert await memory.is_news(seen(ImportState.SUCCEEDED, "b"))


async def test_an_operation_of_a_person_at_rocketchat_fires_once(
    make: Callable[..., ImportEndedTrigger], sandbox: Any
) -> None:
    def import_users() -> ImportRun:
        hook = RocketChatHook()
        run = hook.new_import()
        hook.add_users([{"importIds": ["1"], "username": "ada", "emails": ["ada@example.com"]}])
        hook.run_import(run)
        return run

    sandbox.change_settings(rocketchat={"calls_per_window": None})
    async with watched(make(StoreOfTest(), vendor="rocketchat")) as fired:
        await more_looks(sandbox, "rocketchat", 1)
        run = await asyncio.to_thread(import_users)
        await until(lambda: fired)
        await more_looks(sandbox, "rocketchat")
    (payload,) = fired
    assert payload["vendor"] == "rocketchat"
    assert payload["run"] == dict(run.key)
    assert payload["counts"]["inserted"] == 1


# It never ends, and harms nobody


async def test_looks_that_fail_do_not_end_it_and_grow_rarer(
    make: Callable[..., ImportEndedTrigger],
    sandbox: Any,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], str],
) -> None:
    paused: list[int] = []
    pause = events.ImportEndedTrigger._pause
    monkeypatch.setattr(
        events.ImportEndedTrigger, "_pause", lambda self, failures: paused.append(failures) or pause(self, failures)
    )
    sandbox.add_fault("status", vendor="websale", operation="get_import_status", status=500, count=4)
    async with watched(make(StoreOfTest())) as fired:
        await more_looks(sandbox, number=5)
        await an_import()
        await until(lambda: fired)
    assert paused[:5] == [1, 2, 3, 4, 0]
    assert said().count("is not readable, looked at again in") == 4
    assert said().count("is readable again") == 1


@needs_watchers
def test_pauses_grow_to_a_quarter_of_an_hour() -> None:
    trigger = events.ImportEndedTrigger(name="orders", vendor="websale", slot={"service": "order"})
    assert 54 <= trigger._pause(0) <= 66
    assert 108 <= trigger._pause(1) <= 132
    assert 810 <= trigger._pause(1000) <= 990


async def test_a_store_that_fails_neither_ends_it_nor_lets_an_end_fire_twice_or_never(
    make: Callable[..., ImportEndedTrigger], sandbox: Any
) -> None:
    store = StoreOfTest()
    store.fails = 2
    async with watched(make(store)) as fired:
        await until(lambda: store.written)
        store.fails = 3
        await an_import()
        await until(lambda: fired)
        await more_looks(sandbox)
    assert len(fired) == 1


async def test_a_fault_of_ours_does_not_end_it(
    make: Callable[..., ImportEndedTrigger], sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [KeyError("a fault of ours"), TypeError("another one")]
    manifest = events.manifest

    def faulty(*arguments: Any) -> Any:
        if faults:
            raise faults.pop()
        return manifest(*arguments)

    monkeypatch.setattr(events, "manifest", faulty)
    store = StoreOfTest()
    async with watched(make(store)) as fired:
        await until(lambda: store.written)
        run = await an_import()
        await until(lambda: fired)
    assert not faults
    assert [payload["run"] for payload in fired] == [dict(run.key)]


async def test_killing_it_as_pausing_a_dag_does_cancels_nothing(
    make: Callable[..., ImportEndedTrigger], sandbox: Any
) -> None:
    sandbox.change_settings(run_seconds=300.0)
    trigger = make(StoreOfTest())
    run = await an_import()
    async with watched(trigger):
        await more_looks(sandbox, number=1)
        await getattr(trigger, "on_kill", trigger.cleanup)()
    assert (await asyncio.to_thread(WebsaleHook().get_status, run)).state is ImportState.RUNNING
    assert sandbox.entries("websale", "cancel_import") == []


async def test_it_takes_nobodys_turn_at_a_slot(make: Callable[..., ImportEndedTrigger], sandbox: Any) -> None:
    async with watched(make(StoreOfTest())), WebsaleHook.shared("websale_default") as hook:
        await more_looks(sandbox)
        status = await hook.arun_flow(hook.slot_status_flow({"service": "order"}))
    assert status.vendor_status == "free"


async def test_it_shares_session_log_in_and_reads_with_other_waits(
    make: Callable[..., ImportEndedTrigger], sandbox: Any
) -> None:
    triggers = [make(StoreOfTest(), name=f"orders {number}", poll_interval=60.0) for number in range(20)]
    stores = [trigger.asset_state_store for trigger in triggers]
    async with watched(*triggers):
        await until(lambda: all(store.written for store in stores))
    assert len(sandbox.entries("websale", "login")) == 1
    assert len(looks(sandbox)) <= 2


async def test_a_refused_log_in_is_not_repeated_since_that_locks_accounts(
    make: Callable[..., ImportEndedTrigger],
    sandbox: Any,
    set_connection: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], str],
) -> None:
    monkeypatch.setattr(events, "RENEWAL", 0.05)
    set_connection("websale_default", **{**sandbox.connection("websale"), "password": "wrong"})
    async with watched(make(StoreOfTest())) as fired:
        await until(lambda: said().count("not readable") >= 5)
        assert len(sandbox.entries("websale", "login")) == 1
        set_connection("websale_default", **sandbox.connection("websale"))
        await more_looks(sandbox, number=1)
        await an_import()
        await until(lambda: fired)


async def test_the_connection_is_looked_up_again_every_hour(
    make: Callable[..., ImportEndedTrigger], sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "RENEWAL", 0.1)
    async with watched(make(StoreOfTest())):
        await until(lambda: len(sandbox.entries("websale", "login")) >= 3)
