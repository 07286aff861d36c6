"""Every start of every vendor, as the fault matrix needs it: how to make the operator, and which calls act."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: Waits short enough for a thousand cells; what their lengths should be is tested elsewhere.
QUICK = {"poll_interval": 0.03, "max_poll_interval": 0.1, "timeout": 20, "outage_tolerance": 10}
QUICK_SENSOR = {"poke_interval": 0.03, "max_poll_interval": 0.1, "timeout": 20, "outage_tolerance": 10}


@dataclass(frozen=True)
class Case:
    """
    One way to start an import, or to wait for one.

    :param make: makes the operator, with these keyword arguments
    :param first: the vendor's calls in a first try, in order of their first time
    :param again: the vendor's calls in a retry that finds the import started
    :param start: the one that sets the import going; none for a sensor
    :param stages: those that prepare it at the vendor
    :param cancels: the vendor's call that cancels a running import, if it has one
    :param supersede: makes somebody else's import take the place of ours, at a vendor with slots
    :param adopts: the vendor lets us tell whether an unclear start took place
    :param waits: the vendor tells what becomes of an import, so there are two ways to wait
    :param repeats: the answers to a start after which the vendor asks for a repeat
    :param acts_once: the vendor acts once on what was prepared, however often it is asked: the start is sent again
    :param requests: what the vendor gets in a first try one by one, if some call comes twice before the last of
        ``first`` comes first
    :param awaits: starts the import that a sensor waits for, and returns the sensor's arguments
    :param ends: the state of an import that ends well
    """

    name: str
    vendor: str
    make: Callable[..., Any]
    first: tuple[str, ...]
    again: tuple[str, ...]
    start: str
    stages: tuple[str, ...] = ()
    cancels: str | None = None
    supersede: Callable[[Any], None] | None = None
    adopts: bool = False
    waits: bool = True
    repeats: tuple[int, ...] = ()
    acts_once: bool = False
    requests: tuple[str, ...] = ()
    awaits: Callable[[], dict[str, Any]] | None = None
    ends: str = "succeeded"


def pigment_push(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
    from airflow_provider_imports.sandbox.pigment import UPLOAD_CONFIGURATION_ID

    file = folder / "plan.csv"
    if not file.exists():
        file.write_text("month,amount\n" + "2026-01,1\n" * 50)
    return PigmentPushCsvOperator(
        task_id="push", configuration_id=UPLOAD_CONFIGURATION_ID, file_path=str(file), **{**QUICK, **options}
    )


def pigment_trigger(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator
    from airflow_provider_imports.sandbox.pigment import INTEGRATION_CONFIGURATION_ID

    return PigmentTriggerImportOperator(
        task_id="trigger", configuration_id=INTEGRATION_CONFIGURATION_ID, **{**QUICK, **options}
    )


def pigment_by_name(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator

    found = {"configuration": "Sales plan", "application": "Workforce", "metadata_conn_id": "pigment_metadata"}
    return PigmentTriggerImportOperator(task_id="by_name", **found, **{**QUICK, **options})


def websale_start(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.operators.websale import WebsaleStartImportOperator

    file = folder / "inventory.csv"
    if not file.exists():
        file.write_text("id;stock\n" + "1;5\n" * 50)
    return WebsaleStartImportOperator(task_id="start", service="inventory", file_path=str(file), **{**QUICK, **options})


def websale_supersede(sandbox: Any) -> None:
    """Another administrator starts an import of the same service."""
    from airflow_provider_imports.hooks.websale import WebsaleHook

    WebsaleHook().start_import("inventory", b'[{"id": "9"}]', format="json")


def rocketchat_import(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.operators.rocketchat import RocketChatImportUsersOperator

    users = [
        {"emails": [f"user{number}@example.com"], "importIds": [f"u{number}"], "username": f"user{number}"}
        for number in range(30)
    ]
    return RocketChatImportUsersOperator(task_id="users", users=users, batch_size=15, **{**QUICK, **options})


def rocketchat_files(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.operators.rocketchat import RocketChatDownloadPendingFilesOperator

    return RocketChatDownloadPendingFilesOperator(task_id="files", **{**QUICK, **options})


def rocketchat_supersede(sandbox: Any) -> None:
    """Another administrator starts an import."""
    from airflow_provider_imports.hooks.rocketchat import RocketChatHook

    RocketChatHook().new_import()


def bloomreach_start(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator
    from airflow_provider_imports.sandbox.bloomreach import UI_IMPORT_ID

    return BloomreachStartImportOperator(task_id="start", import_id=UI_IMPORT_ID, **options)


def bloomreach_run(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator
    from airflow_provider_imports.sandbox.bloomreach import API_IMPORT_ID

    return BloomreachStartImportOperator(task_id="run", import_id=API_IMPORT_ID, managed_by_api=True, **options)


def blueshift_trigger(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.operators.blueshift import BlueshiftTriggerCustomerImportOperator
    from airflow_provider_imports.sandbox.blueshift import LAUNCHED_UUID

    return BlueshiftTriggerCustomerImportOperator(task_id="trigger", uuid=LAUNCHED_UUID, **options)


def pigment_sensor(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.sensors.pigment import PigmentImportSensor

    return PigmentImportSensor(task_id="wait", **{**QUICK_SENSOR, **options})


def pigment_awaited() -> dict[str, Any]:
    from airflow_provider_imports.hooks.pigment import PigmentHook
    from airflow_provider_imports.sandbox.pigment import INTEGRATION_CONFIGURATION_ID

    return {"import_id": PigmentHook().trigger_import(INTEGRATION_CONFIGURATION_ID).key["import_id"]}


def websale_sensor(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.sensors.websale import WebsaleImportSensor

    return WebsaleImportSensor(task_id="wait", **{**QUICK_SENSOR, **options})


def websale_awaited() -> dict[str, Any]:
    from airflow_provider_imports.hooks.websale import WebsaleHook

    run = WebsaleHook().start_import("inventory", b'[{"id": "9"}]', format="json")
    return {"service": "inventory", "start": run.key["start"]}


def rocketchat_sensor(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.sensors.rocketchat import RocketChatImportSensor

    return RocketChatImportSensor(task_id="wait", **{**QUICK_SENSOR, **options})


def rocketchat_awaited() -> dict[str, Any]:
    from airflow_provider_imports.hooks.rocketchat import RocketChatHook

    hook = RocketChatHook()
    run = hook.new_import()
    hook.add_users([{"emails": ["a@example.com"], "importIds": ["a"], "username": "a"}])
    hook.run_import(run)
    return {"operation_id": run.key["operation_id"]}


#: What the record of an arrival holds, in the file that the vendors' imports load.
CUSTOMERS = Path(__file__).with_name("customers.csv")


def bloomreach_arrival(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.sensors.bloomreach import BloomreachArrivalSensor

    ids = {"registered": "canary@example.com"}
    return BloomreachArrivalSensor(
        task_id="wait", customer_ids=ids, property_name="import_stamp", value="run 7", **{**QUICK_SENSOR, **options}
    )


def bloomreach_awaited() -> dict[str, Any]:
    from airflow_provider_imports.hooks.bloomreach import BloomreachHook
    from airflow_provider_imports.sandbox.bloomreach import UI_IMPORT_ID

    BloomreachHook().start_import(UI_IMPORT_ID)
    return {}


def blueshift_arrival(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.sensors.blueshift import BlueshiftArrivalSensor

    email = "canary@example.com"
    return BlueshiftArrivalSensor(
        task_id="wait", customer_email=email, attribute="import_stamp", value="run 7", **{**QUICK_SENSOR, **options}
    )


def blueshift_awaited() -> dict[str, Any]:
    from airflow_provider_imports.hooks.blueshift import BlueshiftHook
    from airflow_provider_imports.sandbox.blueshift import LAUNCHED_UUID

    BlueshiftHook().trigger_customer_import(LAUNCHED_UUID)
    return {}


STATUS = "get_import_status"

CASES = [
    Case("pigment push", "pigment", pigment_push, ("push_csv", STATUS), (STATUS,), "push_csv"),
    Case("pigment trigger", "pigment", pigment_trigger, ("trigger_import", STATUS), (STATUS,), "trigger_import"),
    Case(
        "pigment by name",
        "pigment",
        pigment_by_name,
        ("get_applications", "get_blocks", "get_import_configurations", "trigger_import", STATUS),
        (STATUS,),
        "trigger_import",
    ),
    Case(
        "websale start",
        "websale",
        websale_start,
        ("login", STATUS, "start_import"),
        ("login", STATUS),
        "start_import",
        cancels="cancel_import",
        supersede=websale_supersede,
        adopts=True,
    ),
    Case(
        "rocketchat users",
        "rocketchat",
        rocketchat_import,
        (STATUS, "new_import", "add_users", "run_import"),
        (STATUS,),
        "run_import",
        stages=("new_import", "add_users"),
        cancels="clear_import",
        supersede=rocketchat_supersede,
        adopts=True,
        acts_once=True,
        requests=(STATUS, "new_import", "add_users", "add_users", STATUS, "run_import"),
    ),
    Case(
        "rocketchat files",
        "rocketchat",
        rocketchat_files,
        (STATUS, "download_pending_files"),
        (STATUS,),
        "download_pending_files",
        cancels="clear_import",
        supersede=rocketchat_supersede,
        adopts=True,
        requests=(STATUS, STATUS, "download_pending_files"),
    ),
    Case("bloomreach start", "bloomreach", bloomreach_start, ("start_import",), (), "start_import", waits=False),
    Case("bloomreach run", "bloomreach", bloomreach_run, ("run_import",), (), "run_import", waits=False),
    Case(
        "blueshift trigger",
        "blueshift",
        blueshift_trigger,
        ("trigger_customer_import",),
        (),
        "trigger_customer_import",
        waits=False,
        repeats=(502, 503, 504),
    ),
]

SENSORS = [
    Case("pigment sensor", "pigment", pigment_sensor, (STATUS,), (), "", awaits=pigment_awaited),
    Case("websale sensor", "websale", websale_sensor, ("login", STATUS), (), "", awaits=websale_awaited),
    Case("rocketchat sensor", "rocketchat", rocketchat_sensor, (STATUS,), (), "", awaits=rocketchat_awaited),
    Case(
        "bloomreach arrival",
        "bloomreach",
        bloomreach_arrival,
        ("get_customer_properties",),
        (),
        "",
        awaits=bloomreach_awaited,
        ends="evidence",
    ),
    Case(
        "blueshift arrival",
        "blueshift",
        blueshift_arrival,
        ("get_customers",),
        (),
        "",
        awaits=blueshift_awaited,
        ends="evidence",
    ),
]
