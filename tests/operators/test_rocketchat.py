"""Rocket.Chat's tasks against the sandbox: everybody staged once, imported once, and nobody else's operation ended."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_imports.exceptions import (
    ImportBusyError,
    ImportFailedError,
    ImportRejectedRecordsError,
    ImportSupersededError,
    ImportTimeoutError,
    InvalidInputError,
    VendorAuthError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.rocketchat import calls as rocketchat_calls
from airflow_provider_imports.hooks.rocketchat import hook as hooks
from airflow_provider_imports.operators import rocketchat as operators
from airflow_provider_imports.operators.rocketchat import RocketChatCreateImportOperator, RocketChatImportUsersOperator
from airflow_provider_imports.sandbox import rocketchat as vendor
from airflow_provider_imports.testing.context import TaskStateStoreOfTest
from tests.operators.test_records import LazySequence
from tests.tries import Killed, default_poll_interval, defer, event_of, finish, killed_at, moved

if TYPE_CHECKING:
    from pathlib import Path

OTHER = {"X-User-Id": vendor.OTHER_USER_ID, "X-Auth-Token": vendor.OTHER_AUTH_TOKEN}
MakeTask = Callable[..., Callable[[], Any]]


def people(first: int, last: int) -> list[dict[str, Any]]:
    return [{"emails": [f"u{n}@example.com"], "importIds": [str(n)], "username": f"u{n}"} for n in range(first, last)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again at once."""
    monkeypatch.setattr(rocketchat_calls, "LOOK_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr("airflow_provider_imports.hooks.base.ImportHook.longest_start", 0.0)


@pytest.fixture
def chat(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The sandbox, for an account that may bypass the rate limit."""
    sandbox.change_settings(rocketchat={"calls_per_window": None})
    connection = sandbox.connection("rocketchat")
    connection["extra"] |= {"requests_per_minute": 1_000_000, "timeout": 1}
    monkeypatch.setenv("AIRFLOW_CONN_ROCKETCHAT_DEFAULT", json.dumps(connection))
    return sandbox


@pytest.fixture
def import_task(chat: Any, deferrable: bool) -> MakeTask:
    """``import_task(**parameters)`` gives a maker of operators."""

    def task(**parameters: Any) -> Callable[[], RocketChatImportUsersOperator]:
        given = {"users": people(0, 10), "deferrable": deferrable, "poll_interval": 0.05, "batch_size": 4}
        if "file_path" in parameters:
            del given["users"]
        return lambda: RocketChatImportUsersOperator(task_id="load", **{**given, **parameters})

    return task


@pytest.fixture
def blocking_task(chat: Any) -> MakeTask:
    """Like ``import_task``, but it waits on the worker: for what does not depend on how a task waits."""

    def task(**parameters: Any) -> Callable[[], RocketChatImportUsersOperator]:
        given = {"users": people(0, 10), "deferrable": False, "poll_interval": 0.05, "batch_size": 4}
        return lambda: RocketChatImportUsersOperator(task_id="load", **{**given, **parameters})

    return task


def calls(sandbox: Any, operation: str) -> list[Any]:
    return sandbox.entries("rocketchat", operation)


def acted(sandbox: Any, operation: str) -> int:
    """How often the vendor did it."""
    return sum(entry.acted for entry in calls(sandbox, operation))


def created(sandbox: Any) -> Counter[str]:
    """The users of the workspace by email."""
    return Counter(user["emails"][0] for user in sandbox.vendors["rocketchat"].users)


def once_each(first: int, last: int) -> Counter[str]:
    return Counter(f"u{n}@example.com" for n in range(first, last))


def somebody_else(sandbox: Any, *routes: str, users: int = 2) -> None:
    """Another account works in the same workspace."""
    for route in routes:
        body = {"json": {"users": people(900, 900 + users)}} if route == "import.addUsers" else {}
        url = f"{sandbox.url}/rocketchat/api/v1/{route}"
        requests.post(url, headers=OTHER, timeout=5, **body).raise_for_status()


# The whole way


def test_users_are_staged_in_batches_imported_and_waited_for(
    import_task: MakeTask, chat: Any, make_context: Callable[..., Any]
) -> None:
    context = make_context()
    result = finish(import_task(), context)
    assert [entry.acted for entry in calls(chat, "add_users")] == [True, True, True]
    assert created(chat) == once_each(0, 10)
    assert (result["state"], result["vendor_status"], result["rejected"]) == ("succeeded", "importer_done", 0)
    assert (result["counts"]["inserted"], result["counts"]["total"]) == (10, 10)
    assert result["url"] == f"{chat.url}/rocketchat/admin/import"
    assert context["ti"].xcoms["import_run"] == result["run"]
    assert context["ti"].xcoms["import_url"] == result["url"]
    assert (acted(chat, "new_import"), acted(chat, "run_import"), acted(chat, "clear_import")) == (1, 1, 0)


def test_without_waiting_it_returns_when_the_import_was_taken_on(
    import_task: MakeTask, chat: Any, make_context: Callable[..., Any]
) -> None:
    result = finish(import_task(wait_for_completion=False), make_context())
    assert result["state"] == "running"
    assert acted(chat, "run_import") == 1


@pytest.mark.parametrize(
    "make",
    [tuple, iter, LazySequence, lambda users: pytest.importorskip("pandas").DataFrame(users)],
    ids=["tuple", "generator", "lazy", "DataFrame"],
)
def test_users_come_from_whatever_holds_them(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any], make: Callable[[Any], Any]
) -> None:
    users = [{**user, "name": None if n else "Anna"} for n, user in enumerate(people(0, 3))]
    finish(blocking_task(users=make(users)), make_context())
    assert created(chat) == once_each(0, 3)


@pytest.mark.parametrize("name", ["users.csv", "users.json", "users.jsonl"])
def test_users_come_from_a_file(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    file, users = tmp_path / name, people(0, 10)
    if name.endswith("csv"):
        rows = [f"{user['emails'][0]},{user['importIds'][0]},{user['username']}" for user in users]
        file.write_text("\n".join(["emails,importIds,username", *rows]))
    elif name.endswith("json"):
        file.write_text(json.dumps(users))
    else:
        file.write_text("\n".join(map(json.dumps, users)))
    finish(blocking_task(users=None, file_path=f"file://{file}"), make_context())
    assert created(chat) == once_each(0, 10)
    assert not any("roles" in user for user in chat.vendors["rocketchat"].staged)


def test_users_that_exist_are_explained_once(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any], logged: Callable[[], str]
) -> None:
    finish(blocking_task(), make_context())
    assert "exists already" not in logged()

    finish(blocking_task(users=people(5, 15)), make_context(max_tries=2))

    assert logged().count("5 users were not created. Rocket.Chat counts a user whose email or username exists") == 1


def test_users_that_exist_are_errors_and_max_rejected_decides(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any]
) -> None:
    finish(blocking_task(), make_context())
    result = finish(blocking_task(users=people(5, 15)), make_context(max_tries=2))
    assert (result["rejected"], result["counts"]["inserted"]) == (5, 5)
    assert "exists already" in result["message"]
    with pytest.raises(ImportRejectedRecordsError, match=r"5 rows were rejected, max_rejected=2"):
        finish(blocking_task(users=people(10, 20), max_rejected=2), make_context(max_tries=3))
    with pytest.raises(ImportRejectedRecordsError, match="every row was rejected"):
        finish(blocking_task(), make_context(max_tries=4))


def test_an_import_that_fails_as_a_whole_fails_the_task(
    import_task: MakeTask, chat: Any, make_context: Callable[..., Any]
) -> None:
    chat.change_settings(rocketchat={"seat_limit": 3})
    with pytest.raises(ImportFailedError, match="failed"):
        finish(import_task(), make_context())


# What is checked before anything is sent


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"users": None}, "exactly one of users, file_path and sql"),
        ({"file_path": "/data/users.csv"}, "exactly one of users, file_path and sql"),
        ({"users": "{{ users }}"}, "users must be a list of dicts, not a text. A template gives a text"),
        ({"users": "None"}, "users is the text 'None': a template rendered to nothing"),
        ({"users": people(0, 1)[0]}, "users is a single dict; put it into a list"),
        ({"users": 5}, "users must be a list of dicts, not a value of type int"),
        ({"users": []}, "There are no users"),
        ({"users": [*people(0, 5), {"emails": [], "importIds": ["1"]}]}, "user 6 has no emails"),
        ({"users": [{**people(0, 1)[0], "name": "\ud83d"}]}, "user 1 has half of a surrogate pair in name"),
        ({"users": None, "file_path": "/tmp"}, "file_path must end in one of"),
        ({"poll_interval": 0}, "poll_interval"),
        ({"if_running": "ask"}, "if_running must be one of"),
        ({"users": None, "file_path": "/data/users.xlsx"}, "file_path must end in one of .csv, .json"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any], parameters: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        blocking_task(**parameters)().execute(make_context())
    assert not chat.journal


@pytest.mark.parametrize("size", [0, -1, 10_001, True, "500", 1.5, None])
def test_a_batch_size_is_refused_when_the_dag_is_parsed(blocking_task: MakeTask, size: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"batch_size must be a number from 1 to 10,000, not {size!r}"):
        blocking_task(batch_size=size)()


def test_a_file_with_bad_users_in_its_last_batch_sends_nothing(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "users.csv"
    rows = [f"u{n}@example.com,{n}," for n in range(30)] + ["u30@example.com,,"] * 22
    file.write_text("\n".join(["emails,importIds,name", *rows]))
    with pytest.raises(InvalidInputError) as raised:
        finish(blocking_task(users=None, file_path=str(file)), make_context())
    assert "22 users can't be imported: user 31 (line 32) has no importIds" in str(raised.value)
    assert "and 23 more" in str(raised.value)
    assert not chat.journal


def test_a_file_that_changes_while_it_is_read_is_not_imported(
    blocking_task: MakeTask,
    chat: Any,
    make_context: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "users.jsonl"
    file.write_text("\n".join(map(json.dumps, people(0, 10))))
    monkeypatch.setattr(operators, "check_every_user", lambda records: 12)
    with pytest.raises(InvalidInputError, match="The file changed while it was read: 12 users were checked, 10 staged"):
        finish(blocking_task(users=None, file_path=str(file)), make_context())
    assert (acted(chat, "run_import"), acted(chat, "clear_import")) == (0, 1)


def test_a_file_that_changes_after_it_was_checked_is_not_imported_and_may_be_at_the_next_try(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "users.jsonl"
    file.write_text("\n".join(map(json.dumps, people(0, 10))))
    operator = blocking_task(users=None, file_path=file)()
    prepare = operator.prepare

    def prepare_and_change() -> None:
        prepare()
        file.write_text("\n".join(map(json.dumps, people(0, 11))))

    operator.prepare = prepare_and_change
    with pytest.raises(OSError, match=r"changed since it was opened to be sent. No user was imported; a retry reads"):
        operator.execute(make_context())
    assert acted(chat, "run_import") == 0
    finish(blocking_task(users=None, file_path=file), make_context(try_number=2))
    assert created(chat) == once_each(0, 11)


# Faults at each step


FAULTS = [
    {"fault": "reset", "when": "before"},
    {"fault": "reset", "when": "after"},
    {"fault": "timeout", "when": "before", "seconds": 2},
    {"fault": "timeout", "when": "after", "seconds": 2},
    {"fault": "status", "when": "before"},
    {"fault": "status", "when": "after", "status": 500},
    {"fault": "html", "when": "after"},
    {"fault": "truncated_json"},
    {"fault": "wrong_types"},
    {"fault": "empty"},
    {"fault": "rate_limit", "seconds": 0.1},
    {"fault": "slow_drip", "seconds": 0.2},
]
IDS = [f"{fault['fault']} {fault.get('when', '')}".strip() for fault in FAULTS]


@pytest.mark.parametrize("operation", ["new_import", "add_users", "run_import", "get_import_status"])
@pytest.mark.parametrize("fault", FAULTS, ids=IDS)
def test_one_fault_at_any_step_leaves_everybody_imported_once(
    blocking_task: MakeTask,
    chat: Any,
    make_context: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    fault: dict[str, Any],
) -> None:
    monkeypatch.setattr("airflow_provider_imports.http.retry.backoff", lambda attempt, jitter: 0.01)
    chat.add_fault(vendor="rocketchat", operation=operation, **fault)
    result = finish(blocking_task(), make_context())
    assert [entry.fault for entry in calls(chat, operation)].count(fault["fault"]) == 1
    assert result["counts"] | {"total": 10, "inserted": 10, "failed": 0} == result["counts"]
    assert created(chat) == once_each(0, 10)
    assert acted(chat, "run_import") == 1


def test_a_batch_that_cannot_be_placed_starts_over_with_a_new_operation(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, seen = hooks.RocketChatHook.staged_users, []

    def unclear_once(self: Any, run: Any) -> int | None:
        seen.append(run)
        return 7 if len(seen) == 1 else read(self, run)

    monkeypatch.setattr(hooks.RocketChatHook, "staged_users", unclear_once)
    chat.add_fault("reset", vendor="rocketchat", operation="add_users", when="after")
    result = finish(blocking_task(), make_context())
    assert acted(chat, "new_import") == 2
    assert result["counts"]["total"] == 10
    assert created(chat) == once_each(0, 10)


def test_staging_that_never_becomes_clear_ends_without_an_import(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks.RocketChatHook, "staged_users", lambda self, run: 7)
    with pytest.raises(VendorUnavailableError, match="Nothing was started"):
        finish(blocking_task(), make_context())
    assert acted(chat, "new_import") == operators.MOST_OPERATIONS
    assert (acted(chat, "run_import"), acted(chat, "clear_import")) == (0, 1)
    assert created(chat) == Counter()


def test_a_refused_batch_leaves_nothing_staged_behind(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any]
) -> None:
    users = [*people(0, 6), {**people(6, 7)[0], "roles": ["no-such-role"]}]
    with pytest.raises(VendorRequestError, match="invalid roles"):
        finish(blocking_task(users=users), make_context())
    assert (acted(chat, "run_import"), acted(chat, "clear_import")) == (0, 1)
    assert chat.vendors["rocketchat"].staged == []


def test_an_error_that_nobody_thought_of_leaves_nothing_staged_behind(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = hooks.RocketChatHook.stage_users

    def break_after_one_batch(self: Any, run: Any, users: Any, before: int) -> int:
        if before:
            raise RecursionError
        return stage(self, run, users, before)

    monkeypatch.setattr(hooks.RocketChatHook, "stage_users", break_after_one_batch)
    with pytest.raises(RecursionError):
        finish(blocking_task(), make_context())
    assert (acted(chat, "run_import"), acted(chat, "clear_import")) == (0, 1)
    assert chat.vendors["rocketchat"].staged == []


def test_an_account_that_may_not_import_changes_nothing(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any], set_connection: Callable[..., str]
) -> None:
    fields = {**chat.connection("rocketchat"), "login": vendor.LIMITED_USER_ID, "password": vendor.LIMITED_AUTH_TOKEN}
    set_connection("limited", **fields)
    with pytest.raises(VendorAuthError, match="run-import"):
        finish(blocking_task(conn_id="limited"), make_context())
    assert calls(chat, "new_import") == []


# A second try


class WorkerDies:
    """Let the worker die once, just before or after it calls one of the hook's methods."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, method: str, when: str, at: int = 1) -> None:
        original, self.count = getattr(hooks.RocketChatHook, method), 0

        def call(hook: Any, *args: Any, **more: Any) -> Any:
            self.count += 1
            if self.count == at and when == "before":
                raise Killed
            result = original(hook, *args, **more)
            if self.count == at:
                raise Killed
            return result

        monkeypatch.setattr(hooks.RocketChatHook, method, call)


@pytest.mark.parametrize(
    ("method", "when", "at"),
    [
        ("new_import", "before", 1),
        ("new_import", "after", 1),
        ("stage_users", "before", 1),
        ("stage_users", "after", 1),
        ("stage_users", "after", 2),
        ("staged_users", "after", 1),
        ("run_import", "before", 1),
        ("run_import", "after", 1),
    ],
)
def test_a_worker_that_dies_anywhere_in_the_start_leaves_everybody_imported_once(
    import_task: MakeTask,
    chat: Any,
    make_context: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    when: str,
    at: int,
) -> None:
    WorkerDies(monkeypatch, method, when, at)
    with pytest.raises(Killed):
        finish(import_task(), make_context())
    result = finish(import_task(), make_context(try_number=2))
    assert result["state"] == "succeeded"
    assert created(chat) == once_each(0, 10)
    assert acted(chat, "run_import") == 1
    assert result["counts"]["failed"] == 0


def test_a_second_try_goes_on_with_the_running_import(
    import_task: MakeTask, chat: Any, make_context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*args: Any, **more: Any) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(hooks.RocketChatHook, "wait", die)
        dying.setattr(operators.RocketChatOperator, "_defer", die)
        with pytest.raises(Killed):
            finish(import_task(), make_context())
    result = finish(import_task(), make_context(try_number=2))
    assert (acted(chat, "new_import"), acted(chat, "run_import")) == (1, 1)
    assert result["counts"]["inserted"] == 10


def test_what_a_failed_try_could_not_clear_is_not_in_the_way_of_the_next(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any]
) -> None:
    chat.add_fault("status", vendor="rocketchat", operation="clear_import", count=None)
    users = [*people(0, 6), {**people(6, 7)[0], "roles": ["no-such-role"]}]
    with pytest.raises(VendorRequestError):
        finish(blocking_task(users=users), make_context())
    assert len(chat.vendors["rocketchat"].staged) == 4
    with pytest.raises(VendorRequestError, match="invalid roles"):  # and not ImportBusyError
        finish(blocking_task(users=users), make_context(try_number=2))
    assert acted(chat, "new_import") == 2


def test_clearing_the_task_imports_again(blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any]) -> None:
    finish(blocking_task(), make_context())
    finish(blocking_task(), make_context(try_number=2))
    assert acted(chat, "run_import") == 1
    with pytest.raises(ImportRejectedRecordsError):  # all of them exist by now
        finish(blocking_task(), make_context(try_number=3, max_tries=2))
    assert acted(chat, "run_import") == 2


# Others in the workspace


@pytest.mark.parametrize(
    "routes", [("import.new", "import.addUsers"), ("import.new", "import.addUsers", "import.run"), ("import.new",)]
)
def test_fail_says_who_is_in_the_way_and_sends_nothing(
    import_task: MakeTask, chat: Any, make_context: Callable[..., Any], routes: tuple[str, ...]
) -> None:
    chat.change_settings(run_seconds=60)
    somebody_else(chat, *routes)
    with pytest.raises(ImportBusyError, match=f"operation .* of user {vendor.OTHER_USER_ID}"):
        finish(import_task(), make_context())
    assert acted(chat, "new_import") == 1


def test_replace_ends_what_runs_there(import_task: MakeTask, chat: Any, make_context: Callable[..., Any]) -> None:
    chat.change_settings(run_seconds=60)
    somebody_else(chat, "import.new", "import.addUsers", "import.run")
    chat.change_settings(run_seconds=0.2)
    finish(import_task(if_running="replace"), make_context())
    assert once_each(0, 10) <= created(chat)


def test_wait_lets_the_other_import_end_first(
    import_task: MakeTask, chat: Any, make_context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    default_poll_interval(monkeypatch, "rocketchat", 0.1)
    chat.change_settings(run_seconds=1)
    somebody_else(chat, "import.new", "import.addUsers", "import.run")
    finish(import_task(if_running="wait"), make_context())
    first, second = chat.vendors["rocketchat"].operations
    assert (first.status, first.completed, second.completed) == ("importer_done", 2, 10)
    assert created(chat) == once_each(0, 10) + once_each(900, 902)


def test_one_that_is_replaced_while_it_runs_is_superseded_and_clears_nothing(
    import_task: MakeTask, chat: Any, make_context: Callable[..., Any], deferrable: bool
) -> None:
    chat.change_settings(run_seconds=60)
    make = import_task(users=people(0, 200), batch_size=100)
    if deferrable:
        deferred = defer(make, make_context())
        somebody_else(chat, "import.new")
        event = event_of(deferred.trigger)
        with pytest.raises(ImportSupersededError, match="was replaced"):
            make().execute_complete(make_context(), event=event)
    else:
        task = make()
        start = task.start

        def start_and_lose(hook: Any) -> Any:
            run = start(hook)
            somebody_else(chat, "import.new")
            return run

        task.start = start_and_lose
        with pytest.raises(ImportSupersededError, match="was replaced"):
            task.execute(make_context())
    assert calls(chat, "clear_import") == []


@pytest.mark.parametrize("at", [1, 2, 3])
def test_one_that_is_replaced_while_it_is_staged_starts_nothing_and_clears_nothing(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    stage, count = hooks.RocketChatHook.stage_users, []

    def lose(self: Any, *args: Any, **more: Any) -> int:
        count.append(1)
        if len(count) == at:
            somebody_else(chat, "import.new")
        return stage(self, *args, **more)

    monkeypatch.setattr(hooks.RocketChatHook, "stage_users", lose)
    with pytest.raises(ImportSupersededError):
        finish(blocking_task(), make_context())
    assert (calls(chat, "run_import"), calls(chat, "clear_import")) == ([], [])


def test_one_that_had_ended_before_it_was_replaced_is_a_success(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any]
) -> None:
    task = blocking_task(wait_for_completion=False)()
    task.execute(make_context())
    run = task._run
    while task.hook.get_status(run).vendor_status != "importer_done":
        time.sleep(0.02)
    somebody_else(chat, "import.new")
    status = task.hook.get_status(run)
    assert (status.state, status.counts.inserted) == ("succeeded", 10)


# Killed, and too late


def test_a_task_killed_while_it_waits_clears_its_operation_once(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any]
) -> None:
    chat.change_settings(run_seconds=60)
    task = blocking_task(wait_for_completion=False)()
    task.execute(make_context())
    task.on_kill()
    task.on_kill()
    assert acted(chat, "clear_import") == len(calls(chat, "clear_import")) == 1
    assert chat.vendors["rocketchat"].operations[-1].valid is False


def test_a_deferred_task_that_a_person_ends_clears_its_operation_once(
    import_task: MakeTask, chat: Any, make_context: Callable[..., Any]
) -> None:
    chat.change_settings(run_seconds=60)
    trigger = moved(defer(import_task(deferrable=True), make_context()).trigger)
    asyncio.run(trigger.on_kill())
    asyncio.run(trigger.on_kill())
    (clear,) = calls(chat, "clear_import")
    assert (clear.acted, clear.run) == (True, chat.vendors["rocketchat"].operations[-1].id)


def test_a_task_killed_while_it_stages_clears_its_operation_once(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = blocking_task()()
    stage, count = hooks.RocketChatHook.stage_users, []

    def killed(self: Any, *args: Any, **more: Any) -> int:
        count.append(1)
        if len(count) == 2:
            task.on_kill()
        return stage(self, *args, **more)

    monkeypatch.setattr(hooks.RocketChatHook, "stage_users", killed)
    with pytest.raises(VendorUnavailableError, match="takes no users any more"):
        task.execute(make_context())
    assert acted(chat, "clear_import") == len(calls(chat, "clear_import")) == 1
    assert calls(chat, "run_import") == []


def test_a_task_killed_after_somebody_took_its_place_clears_nothing(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any]
) -> None:
    chat.change_settings(run_seconds=60)
    task = blocking_task(wait_for_completion=False)()
    task.execute(make_context())
    somebody_else(chat, "import.new")
    task.on_kill()
    assert calls(chat, "clear_import") == []


def test_at_the_deadline_the_import_is_cleared(
    import_task: MakeTask, chat: Any, make_context: Callable[..., Any]
) -> None:
    chat.change_settings(run_seconds=60)
    with pytest.raises(ImportTimeoutError, match="was cleared; users that were imported until then stay"):
        finish(import_task(timeout=0.5), make_context())
    assert acted(chat, "clear_import") == 1


def test_a_deadline_in_the_middle_of_staging_imports_nobody(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = hooks.RocketChatHook.stage_users

    def slowly(self: Any, *args: Any, **more: Any) -> int:
        time.sleep(0.3)
        return stage(self, *args, **more)

    monkeypatch.setattr(hooks.RocketChatHook, "stage_users", slowly)
    with pytest.raises(ImportTimeoutError, match="Nothing was imported"):
        finish(blocking_task(timeout=0.4), make_context())
    assert (acted(chat, "run_import"), acted(chat, "clear_import")) == (0, 1)


# The bare import.new


def create_task(**parameters: Any) -> Callable[[], RocketChatCreateImportOperator]:
    return lambda: RocketChatCreateImportOperator(task_id="create", **parameters)


def test_a_new_operation_is_made_and_told(chat: Any, make_context: Callable[..., Any]) -> None:
    result = finish(create_task(), make_context())
    assert result["run"] == {"operation_id": chat.vendors["rocketchat"].operations[-1].id}
    assert (result["state"], result["vendor_status"]) == ("accepted", "importer_new")


def test_a_retry_takes_the_operation_that_is_still_there(chat: Any, make_context: Callable[..., Any]) -> None:
    first = finish(create_task(), make_context())
    assert finish(create_task(), make_context(try_number=2))["run"] == first["run"]
    assert acted(chat, "new_import") == 1


def test_a_retry_makes_a_new_one_if_it_is_gone(chat: Any, make_context: Callable[..., Any]) -> None:
    first = finish(create_task(), make_context())
    somebody_else(chat, "import.clear")
    assert finish(create_task(), make_context(try_number=2))["run"] != first["run"]


def test_a_new_operation_does_not_end_somebody_elses(chat: Any, make_context: Callable[..., Any]) -> None:
    somebody_else(chat, "import.new", "import.addUsers")
    with pytest.raises(ImportBusyError):
        finish(create_task(), make_context())
    finish(create_task(if_running="replace"), make_context())
    assert acted(chat, "new_import") == 2


# Many users


def test_the_rate_limit_of_a_plain_account_is_kept(
    sandbox_connections: Any, make_context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = sandbox_connections
    now, waited = time.monotonic, [0.0]

    def sleep(seconds: float) -> None:
        waited[0] += seconds

    clock = chat.vendors["rocketchat"]._calls
    began = time.time()
    monkeypatch.setattr(clock, "_clock", lambda: began + waited[0])
    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: now() + waited[0])
    task = RocketChatImportUsersOperator(
        task_id="load", users=people(0, 40), batch_size=2, deferrable=False, wait_for_completion=False
    )
    task.execute(make_context())
    assert acted(chat, "add_users") == 20
    assert all(entry.status == 200 for entry in chat.journal)
    assert waited[0] == pytest.approx(61, abs=5)


@pytest.mark.parametrize("fault", [None, *FAULTS], ids=["no fault", *IDS])
def test_twenty_thousand_users_of_a_csv_file_are_staged_exactly_once(
    blocking_task: MakeTask,
    chat: Any,
    make_context: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    fault: dict[str, Any] | None,
) -> None:
    monkeypatch.setattr("airflow_provider_imports.http.retry.backoff", lambda attempt, jitter: 0.01)
    file = tmp_path / "users.csv"
    with file.open("w") as out:
        out.write("emails,importIds,username,name\n")
        out.writelines(f"u{n}@example.com,{n},u{n},User {n}\n" for n in range(20_000))
    task = blocking_task(users=None, file_path=str(file), batch_size=500, wait_for_completion=False)()
    if fault is not None:
        stage, count = hooks.RocketChatHook.stage_users, []

        def stage_badly(self: Any, *args: Any, **more: Any) -> int:
            count.append(1)
            if len(count) == 17:
                chat.add_fault(vendor="rocketchat", operation="add_users", **fault)
            return stage(self, *args, **more)

        monkeypatch.setattr(hooks.RocketChatHook, "stage_users", stage_badly)
    task.execute(make_context())
    staged = [user["importIds"][0] for user in chat.vendors["rocketchat"].staged]
    assert staged == [str(n) for n in range(20_000)]
    assert acted(chat, "add_users") == 40


def test_the_log_has_a_bounded_number_of_lines(
    blocking_task: MakeTask, chat: Any, make_context: Callable[..., Any], logged: Callable[[], str]
) -> None:
    users = people(0, 400)
    finish(blocking_task(users=users, batch_size=2, wait_for_completion=False), make_context())
    assert 5 <= logged().count(" of 400 users") <= 11


def test_no_secret_is_stored_or_told(
    blocking_task: MakeTask,
    chat: Any,
    make_context: Callable[..., Any],
    task_state_store: Any,
    logged: Callable[[], str],
) -> None:
    context = make_context()
    users = [{**user, "password": "hunter2-of-a-user"} for user in people(0, 3)]
    result = finish(blocking_task(users=users), context)
    told = json.dumps([result, context["ti"].xcoms, task_state_store.written]) + logged()
    assert vendor.AUTH_TOKEN not in told
    assert "hunter2" not in told


def test_all_parameters_may_come_from_default_args() -> None:
    from airflow.providers.common.compat.sdk import DAG

    with DAG("a_dag", start_date=datetime(2026, 1, 1), default_args={"conn_id": "mine", "poll_interval": 3}):
        task = RocketChatImportUsersOperator(task_id="load", users=people(0, 1), execution_timeout=timedelta(hours=1))
        made = RocketChatCreateImportOperator(task_id="create")
    assert (task.conn_id, task.poll_interval, made.conn_id) == ("mine", 3, "mine")


# Pending avatars and files


@pytest.fixture
def avatars_task(chat: Any, deferrable: bool) -> MakeTask:
    """``avatars_task(**parameters)`` gives a maker of operators."""

    def task(**parameters: Any) -> Callable[[], operators.RocketChatDownloadPendingAvatarsOperator]:
        given = {"deferrable": deferrable, "poll_interval": 0.05, **parameters}
        return lambda: operators.RocketChatDownloadPendingAvatarsOperator(task_id="avatars", **given)

    return task


def fetches(chat: Any) -> list[Any]:
    return [one for one in chat.vendors["rocketchat"].operations if one.importer_key != "api"]


def test_pending_avatars_are_fetched_after_an_import_of_users(
    import_task: MakeTask, avatars_task: MakeTask, chat: Any, make_context: Callable[..., Any]
) -> None:
    users = [{**user, "avatarUrl": f"https://example.com/{user['username']}.png"} for user in people(0, 3)]
    finish(import_task(users=users), make_context())
    manifest = finish(avatars_task(), make_context(task_state_store=TaskStateStoreOfTest()))
    assert (manifest["state"], manifest["counts"]["inserted"]) == ("succeeded", 3)
    (fetch,) = fetches(chat)
    assert manifest["run"] == {"operation_id": fetch.id}
    again = finish(avatars_task(), make_context(task_state_store=TaskStateStoreOfTest()))
    assert (again["state"], again["counts"]["total"]) == ("succeeded", None), "nothing is pending any more"


def test_pending_files_are_fetched(chat: Any, make_context: Callable[..., Any], deferrable: bool) -> None:
    chat.change_settings(rocketchat={"pending_files": 4, "broken_files": 1})
    manifest = finish(
        lambda: operators.RocketChatDownloadPendingFilesOperator(
            task_id="files", deferrable=deferrable, poll_interval=0.05
        ),
        make_context(),
    )
    assert (manifest["counts"]["inserted"], manifest["counts"]["failed"]) == (3, 1)
    assert manifest["message"] == "1 record was not imported; Rocket.Chat does not say which"


def test_a_file_upload_in_the_way_of_avatars_is_named(
    avatars_task: MakeTask, chat: Any, make_context: Callable[..., Any]
) -> None:
    chat.vendors["rocketchat"].upload_elsewhere("slack")
    with pytest.raises(ImportBusyError, match="importer slack"):
        finish(avatars_task(), make_context())
    assert not [one for one in fetches(chat) if one.importer_key == "pending-avatars"]


@pytest.mark.parametrize("fault", [{"fault": "reset"}, {"fault": "status", "status": 502}])
def test_a_lost_answer_to_a_fetch_is_found_by_its_operation(
    avatars_task: MakeTask, chat: Any, make_context: Callable[..., Any], fault: dict[str, Any]
) -> None:
    chat.add_fault(vendor="rocketchat", operation="download_pending_avatars", when="after", **fault)
    manifest = finish(avatars_task(), make_context())
    assert [one.id for one in fetches(chat)] == [manifest["run"]["operation_id"]]


def test_a_fetch_whose_worker_died_is_found_by_the_next_try(
    avatars_task: MakeTask, chat: Any, make_context: Callable[..., Any], task_state_store: Any
) -> None:
    chat.change_settings(run_seconds=1, rocketchat={"pending_files": 3})
    with killed_at(task_state_store, "started", "before"), pytest.raises(Killed):
        finish(avatars_task(), make_context())
    manifest = finish(avatars_task(), make_context(try_number=2))
    assert [one.id for one in fetches(chat)] == [manifest["run"]["operation_id"]]
