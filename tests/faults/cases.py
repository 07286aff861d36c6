"""Every start of every vendor, as the fault matrix needs it: how to make the operator, and which calls act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Waits short enough for a thousand cells; what their lengths should be is tested elsewhere.
QUICK = {"poll_interval": 0.03, "max_poll_interval": 0.1, "timeout": 20, "outage_tolerance": 10}


@dataclass(frozen=True)
class Case:
    """
    One way to start an import.

    :param make: makes the operator, with these keyword arguments
    :param first: the vendor's calls in a first try, in order of their first time
    :param again: the vendor's calls in a retry that finds the import started
    :param starts: those that start (or stage) something
    :param final_start: the one of them that sets the import going
    :param adopts: the vendor lets us tell whether an unclear start took place
    :param waits: the vendor tells what becomes of an import, so there are two ways to wait
    :param repeats_5xx: the vendor asks for repeats of a start after a 5xx
    """

    name: str
    vendor: str
    make: Callable[..., Any]
    first: tuple[str, ...]
    again: tuple[str, ...]
    starts: frozenset[str]
    final_start: str
    adopts: bool = False
    waits: bool = True
    repeats_5xx: bool = False


def pigment_push(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
    from airflow_provider_imports.sandbox.pigment import UPLOAD_CONFIGURATION_ID

    file = folder / "plan.csv"
    if not file.exists():
        file.write_text("month,amount\n" + "2026-01,1\n" * 50)
    return PigmentPushCsvOperator(
        task_id="push", configuration_id=UPLOAD_CONFIGURATION_ID, file_path=str(file), **QUICK, **options
    )


def pigment_trigger(folder: Path, **options: Any) -> Any:
    from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator
    from airflow_provider_imports.sandbox.pigment import INTEGRATION_CONFIGURATION_ID

    return PigmentTriggerImportOperator(
        task_id="trigger", configuration_id=INTEGRATION_CONFIGURATION_ID, **QUICK, **options
    )


STATUS = "get_import_status"

CASES = [
    Case("pigment push", "pigment", pigment_push, ("push_csv", STATUS), (STATUS,), frozenset({"push_csv"}), "push_csv"),
    Case(
        "pigment trigger",
        "pigment",
        pigment_trigger,
        ("trigger_import", STATUS),
        (STATUS,),
        frozenset({"trigger_import"}),
        "trigger_import",
    ),
]
