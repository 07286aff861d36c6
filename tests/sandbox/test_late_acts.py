"""The fault ``late``: the connection is lost, or the answer withheld, and the vendor acts afterwards."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from airflow_provider_imports.sandbox import Sandbox, bloomreach, pigment
from airflow_provider_imports.sandbox.faults import INSTEAD

from . import test_bloomreach, test_blueshift, test_pigment, test_rocketchat, test_websale
from .conftest import Call, Clock

Act = Callable[[Call], Any]

CHAT = {"headers": test_rocketchat.ME}
CHAT_API = "/rocketchat/api/v1"


def websale(method: str, path: str, **options: Any) -> Act:
    """A call of WEBSALE with a log-in of its own before it."""

    def send(call: Call) -> None:
        token = test_websale.log_in(call).json()["accessToken"]
        call(
            method,
            f"{test_websale.BASE}/import/voucher/{path}",
            headers={"Authorization": f"Bearer {token}"},
            **options,
        )

    return send


websale_start = websale("POST", "start?format=json", data="[{}]")
websale_pause = websale("POST", "pause")


def bloomreach_delete(call: Call) -> None:
    call("DELETE", f"{test_bloomreach.MANAGEMENT}/{bloomreach.API_IMPORT_ID}", auth=test_bloomreach.KEY)


def chat(route: str, **options: Any) -> Act:
    return lambda call: call("POST", f"{CHAT_API}/{route}", **CHAT, **options)


chat_new, chat_run, chat_clear = chat("import.new"), chat("import.run"), chat("import.clear")
chat_add = chat("import.addUsers", json={"users": test_rocketchat.people(0, 3)})

ACTS: dict[str, tuple[str, str, Act, list[Act]]] = {
    "push_csv": ("pigment", "push_csv", test_pigment.push, []),
    "trigger_import": ("pigment", "trigger_import", test_pigment.trigger, []),
    "bloomreach start": ("bloomreach", "start_import", test_bloomreach.start, []),
    "run_import at bloomreach": ("bloomreach", "run_import", test_bloomreach.run, []),
    "trigger_customer_import": ("blueshift", "trigger_customer_import", test_blueshift.trigger, []),
    "import.new": ("rocketchat", "new_import", chat_new, []),
    "import.addUsers": ("rocketchat", "add_users", chat_add, [chat_new]),
    "import.run": ("rocketchat", "run_import", chat_run, [chat_new, chat_add]),
    "import.clear": ("rocketchat", "clear_import", chat_clear, [chat_new]),
    "downloadPendingAvatars": ("rocketchat", "download_pending_avatars", chat("downloadPendingAvatars"), []),
    "downloadPendingFiles": ("rocketchat", "download_pending_files", chat("downloadPendingFiles"), []),
    "create_import": ("bloomreach", "create_import", test_bloomreach.create, []),
    "delete_import": ("bloomreach", "delete_import", bloomreach_delete, []),
    "websale start": ("websale", "start_import", websale_start, []),
    "websale pause": ("websale", "pause_import", websale_pause, [websale_start]),
    "websale resume": (
        "websale",
        "resume_import",
        websale("POST", "resume"),
        [websale_start, websale_pause],
    ),
    "websale cancel": ("websale", "cancel_import", websale("DELETE", "cancel"), [websale_start]),
}
"""Every call that acts: vendor, operation, how to send it, and what goes before."""


@pytest.mark.parametrize("name", ACTS)
def test_every_call_that_acts_may_act_after_the_connection_was_lost(
    call: Call, clock: Clock, sandbox: Sandbox, name: str
) -> None:
    vendor, operation, act, before = ACTS[name]
    for each in before:
        each(call)
    sandbox.add_fault("late", vendor=vendor, operation=operation, seconds=5)
    with pytest.raises(requests.ConnectionError, match="reset"):
        act(call)
    lost = sandbox.entries(vendor, operation)[-1]
    assert (lost.status, lost.fault, lost.acted, lost.acted_at) == (None, "late", False, None)
    clock.move(5)
    sandbox.wait_for_late_acts()
    late = sandbox.entries(vendor, operation)[-1]
    assert (late.status, late.acted, late.n) == (None, True, lost.n)
    assert late.acted_at is not None
    assert late.acted_at >= late.at


@pytest.mark.parametrize("instead", INSTEAD)
def test_what_the_client_sees_instead(sandbox: Sandbox, instead: str) -> None:
    sandbox.add_fault("late", instead=instead, seconds=3600, status=504 if instead in ("status", "html") else None)

    def send() -> int:
        path = f"/pigment/api/v1/import/trigger?configurationId={pigment.INTEGRATION_CONFIGURATION_ID}"
        return requests.post(sandbox.url + path, headers=test_pigment.AUTH, timeout=0.1).status_code

    if instead in ("status", "html"):
        assert send() == 504
    else:
        with pytest.raises(requests.RequestException):
            send()
    assert not sandbox.vendors["pigment"].imports


def test_what_was_pushed_is_imported_whole_once_it_is_late(call: Call, clock: Clock, sandbox: Sandbox) -> None:
    sandbox.add_fault("late", instead="status")
    rows = "".join(f"{n},{n}\n" for n in range(100_000))
    assert test_pigment.push(call, f"city,people\n{rows}".encode()).status_code == 503
    clock.move(0.5)
    sandbox.wait_for_late_acts()
    (started,) = sandbox.vendors["pigment"].imports.values()
    assert started.rows.total == 100_000
    (entry,) = sandbox.journal
    assert (entry.run, entry.bytes) == (started.id, len(rows) + len("city,people\n"))


def test_a_late_act_meets_the_state_of_its_time(call: Call, clock: Clock, sandbox: Sandbox) -> None:
    chat_new(call)
    sandbox.add_fault("late", operation="run_import", instead="status", seconds=60)
    chat_run(call)  # nothing could be run now
    chat_add(call)
    clock.move(60)
    sandbox.wait_for_late_acts()
    assert sandbox.vendors["rocketchat"].operations[-1].state == "importing"


def test_a_reset_forgets_what_would_have_happened_late(call: Call, clock: Clock, sandbox: Sandbox) -> None:
    sandbox.add_fault("late", instead="status", seconds=5)
    test_pigment.trigger(call)
    sandbox.reset()
    clock.move(5)
    sandbox.wait_for_late_acts()
    assert not sandbox.vendors["pigment"].imports


def test_clearing_faults_does_not_undo_a_late_act(call: Call, clock: Clock, sandbox: Sandbox) -> None:
    sandbox.add_fault("late", instead="status", seconds=5)
    test_pigment.trigger(call)
    sandbox.clear_faults()
    clock.move(5)
    sandbox.wait_for_late_acts()
    assert len(sandbox.vendors["pigment"].imports) == 1


def test_by_the_true_clock_a_late_act_comes_by_itself() -> None:
    with Sandbox().in_thread() as sandbox:
        sandbox.add_fault("late", seconds=0.05, instead="status")
        path = f"/pigment/api/v1/import/trigger?configurationId={pigment.INTEGRATION_CONFIGURATION_ID}"
        requests.post(sandbox.url + path, headers=test_pigment.AUTH, timeout=10)
        sandbox.wait_for_late_acts()
        assert sandbox.journal[0].acted
