"""
The calls that start nothing (cancel, pause, resume, the connection test) x every fault.

A cancel, a pause and a resume act once and are told truly; a connection test starts nothing and says what is wrong.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.installed import installed
from tests.faults.matrix import FAULTS, STEP

if TYPE_CHECKING:
    from collections.abc import Callable

STATUS = "get_import_status"


@dataclass(frozen=True)
class Control:
    """
    A call that changes a running import.

    :param before: brings the import into the state that the call is for, and returns its run
    :param act: makes the call
    :param calls: what the vendor gets, in order of their first time
    :param operation: the one that acts
    :param told: what the vendor's status is afterwards
    """

    vendor: str
    before: Callable[[Any], Any]
    act: Callable[[Any, Any], Any]
    calls: tuple[str, ...]
    operation: str
    told: Callable[[Any, Any], bool]


def start_websale(hook: Any) -> Any:
    return hook.start_import("inventory", b'[{"id": "1"}]', format="json")


def start_and_pause(hook: Any) -> Any:
    run = start_websale(hook)
    hook.pause_import("inventory")
    return run


def start_rocketchat(hook: Any) -> Any:
    run = hook.new_import()
    hook.add_users([{"emails": ["a@example.com"], "importIds": ["a"], "username": "a"}])
    hook.run_import(run)
    return run


def websale_is(word: str) -> Callable[[Any, Any], bool]:
    return lambda hook, run: hook.get_import_status("inventory").status.vendor_status == word


CONTROLS = {
    "websale cancel": Control(
        "websale",
        start_websale,
        lambda hook, run: hook.cancel(run),
        (STATUS, "cancel_import"),
        "cancel_import",
        websale_is("CANCELED"),
    ),
    "websale pause": Control(
        "websale",
        start_websale,
        lambda hook, run: hook.pause_import("inventory"),
        ("pause_import",),
        "pause_import",
        websale_is("PAUSED"),
    ),
    "websale resume": Control(
        "websale",
        start_and_pause,
        lambda hook, run: hook.resume_import("inventory"),
        ("resume_import",),
        "resume_import",
        websale_is("RUNNING"),
    ),
    "rocketchat cancel": Control(
        "rocketchat",
        start_rocketchat,
        lambda hook, run: hook.cancel(run),
        (STATUS, "clear_import"),
        "clear_import",
        lambda hook, run: hook.get_current_operation()["valid"] is False,
    ),
}

CELLS = [
    pytest.param(control, operation, fault, id=f"{name}: {operation}: {fault}")
    for name, control in CONTROLS.items()
    for operation in control.calls
    for fault in FAULTS
]


def new_hook(vendor: str, conn_id: str | None = None) -> Any:
    return resolve_name(installed().entries[vendor].hook)(conn_id)


def fault_at(control_calls: tuple[str, ...], vendor: str, operation: str, fault: str) -> dict[str, Any]:
    options = FAULTS[fault]
    if options["fault"] != "refuse":
        return {"vendor": vendor, "operation": operation, **options}
    before = control_calls.index(operation) - 1
    return {"vendor": vendor, "after_operation": control_calls[before], **options} if before >= 0 else options


def acted(sandbox: Any) -> Counter[str]:
    return Counter(entry.operation for entry in sandbox.journal if entry.acted and entry.operation != "login")


@pytest.mark.parametrize(("control", "operation", "fault"), CELLS[:: max(1, STEP // 2)])
def test_it_acts_once_and_is_told_truly(
    long_imports: Any, everything_told: Any, control: Control, operation: str, fault: str
) -> None:
    hook = new_hook(control.vendor)
    run = control.before(hook)
    long_imports.clear_journal()
    long_imports.add_fault(**fault_at(control.calls, control.vendor, operation, fault))
    errors = []
    for _ in range(3):
        try:
            control.act(hook, run)
        except VendorImportError as error:
            errors.append(error)
        else:
            break
    else:
        raise AssertionError(f"three tries were not enough: {errors}")
    assert control.told(hook, run)
    assert set(acted(long_imports)) == {control.operation}
    if control.operation != "clear_import":  # clearing what is clear changes nothing, yet Rocket.Chat says yes to it
        assert acted(long_imports)[control.operation] == 1
    assert long_imports.connection(control.vendor)["password"] not in everything_told(*errors)


CONNECTION_TESTS = {
    "pigment": (STATUS,),
    "websale": ("login", STATUS),
    "rocketchat": ("me", STATUS),
    "bloomreach": ("system_time", "list_imports"),
    "blueshift": ("list_catalogs",),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("vendor", "operation"), [(vendor, one) for vendor, calls in CONNECTION_TESTS.items() for one in calls]
)
def test_a_connection_test_starts_nothing_and_says_what_is_wrong(
    long_imports: Any, everything_told: Any, vendor: str, operation: str, fault: str
) -> None:
    long_imports.add_fault(**fault_at(CONNECTION_TESTS[vendor], vendor, operation, fault))
    good, sentence = new_hook(vendor).test_connection()
    assert not acted(long_imports)
    assert sentence
    secret = long_imports.connection(vendor)["password"]
    assert secret not in sentence
    assert secret not in everything_told(sentence)
    assert not good or new_hook(vendor).test_connection()[0]
    long_imports.clear_faults()
    assert new_hook(vendor).test_connection()[0] is True


@dataclass(frozen=True)
class Read:
    """
    A call that only reads.

    :param conn_id: the connection, if it is not the vendor's default
    """

    vendor: str
    operation: str
    ask: Callable[[Any], Any]
    conn_id: str | None = None


SALES = "c4b1d2e3-0f5a-4e6b-8c7d-9a0b1c2d3e4f"
READS = [
    Read("rocketchat", "get_current_operation", lambda hook: hook.get_current_operation()["_id"]),
    Read("pigment", "get_applications", lambda hook: hook.get_applications()[0].name, "pigment_metadata"),
    Read("pigment", "get_blocks", lambda hook: hook.get_blocks(SALES)[0].name, "pigment_metadata"),
    Read(
        "pigment",
        "get_import_configurations",
        lambda hook: hook.get_import_configurations(SALES, hook.get_blocks(SALES)[0].id)[0].name,
        "pigment_metadata",
    ),
    Read("bloomreach", "list_imports", lambda hook: hook.list_import_definitions()[0].name),
    Read(
        "bloomreach",
        "get_import",
        lambda hook: hook.get_import_definition(hook.list_import_definitions()[0].import_id).name,
    ),
    Read(
        "bloomreach",
        "get_customer_properties",
        lambda hook: str(hook.get_customer_properties({"registered": "a@example.com"}, ["first_name"])),
    ),
    Read("blueshift", "get_customers", lambda hook: str(hook.get_customers("a@example.com"))),
]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("read", READS, ids=lambda read: f"{read.vendor} {read.operation}")
def test_a_read_is_repeated_until_it_is_answered(long_imports: Any, read: Read, fault: str) -> None:
    hook = new_hook(read.vendor, read.conn_id)
    if read.vendor == "rocketchat":
        start_rocketchat(hook)
    good = read.ask(hook)
    assert good
    long_imports.clear_journal()
    long_imports.add_fault(**fault_at((read.operation,), read.vendor, read.operation, fault))
    tries: list[VendorImportError] = []
    while len(tries) < 3:
        try:
            told = read.ask(hook)
        except VendorImportError as error:  # an answer that can't be read is not asked for again within one call
            tries.append(error)
        else:
            break
    assert told == good
    assert not acted(long_imports)
