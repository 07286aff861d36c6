"""Bloomreach Engagement, proven with the test kit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.hooks.bloomreach import BloomreachHook
from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator
from airflow_provider_imports.sandbox.bloomreach import API_IMPORT_ID, UI_IMPORT_ID
from airflow_provider_imports.sensors.bloomreach import BloomreachArrivalSensor
from airflow_provider_imports.testing import Conformance, Start, Wait
from airflow_provider_imports.testing.fault_matrix import acted
from airflow_provider_imports.testing.matrix import fault_at
from airflow_provider_imports.testing.single_calls import FAULT, in_three_tries
from tests.conftest import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable

#: What the record of an arrival holds, in the file that the vendor's imports load.
CUSTOMERS = Path(__file__).with_name("customers.csv")
CANARY = {"registered": "canary@example.com"}
DEFINITION = {
    "name": "from Airflow",
    "trigger": {"trigger_type": "now"},
    "active": True,
    "source": {"source_type": "url", "import_url": "https://files.example.com/customers.csv", "auth": None},
    "destination": {"customer_destination": {}},
    "mapping": {"column_mapping": {"id_mappings": [{"from_column": "email", "to_id": "registered"}]}},
}


def of_our_name(hook: Any) -> list[Any]:
    return [one for one in hook.list_import_definitions() if one.name == DEFINITION["name"]]


class TestBloomreach(Conformance):
    starts = (
        Start(BloomreachStartImportOperator, {"import_id": UI_IMPORT_ID}, "start_import"),
        Start(
            BloomreachStartImportOperator,
            {"import_id": API_IMPORT_ID, "managed_by_api": True},
            "run_import",
            name="managed by API",
        ),
    )
    sensors = (
        Wait(
            BloomreachArrivalSensor,
            lambda run: {"customer_ids": CANARY, "property_name": "import_stamp", "value": "run 7"},
            "get_customer_properties",
            ends="evidence",
        ),
    )
    settings = {"source": str(CUSTOMERS)}
    samples = SAMPLES / "bloomreach"
    reads = {
        "list_imports": lambda hook: hook.list_import_definitions()[0].name,
        "get_import": lambda hook: hook.get_import_definition(hook.list_import_definitions()[0].import_id).name,
        "get_customer_properties": lambda hook: hook.get_customer_properties(
            {"registered": "a@example.com"}, ["first_name"]
        ),
    }

    @FAULT
    def test_a_definition_is_made_and_deleted_once_whatever_becomes_of_the_answer(
        self, long_imports: Any, everything_told: Any, fault: str
    ) -> None:
        hook = BloomreachHook()
        errors: list[Exception] = []

        def until_done(act: Callable[[], Any], *calls: str) -> Any:
            long_imports.clear_journal()
            long_imports.add_fault(**fault_at(list(calls), len(calls) - 1, "bloomreach", fault))
            done, failed = in_three_tries(act)
            errors.extend(failed)
            long_imports.clear_faults()
            assert acted(long_imports, "bloomreach") == {calls[-1]: 1}
            return done

        made, _ = until_done(
            lambda: hook.create_import_definition_if_missing(DEFINITION), "list_imports", "create_import"
        )
        assert [one.import_id for one in of_our_name(hook)] == [made.import_id]

        def delete() -> None:
            for one in of_our_name(hook):
                hook.delete_import_definition(one.import_id)

        until_done(delete, "list_imports", "delete_import")
        assert of_our_name(hook) == []
        assert long_imports.connection("bloomreach")["password"] not in everything_told(*errors)
