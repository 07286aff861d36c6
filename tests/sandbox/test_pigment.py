"""Pigment's stand-in does what Pigment's documents say."""

import pytest
import requests

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.sandbox import pigment as vendor
from airflow_provider_imports.sandbox import pigment_metadata as metadata

from .conftest import Call, Clock

AUTH = {"Authorization": f"Bearer {vendor.API_KEY}"}
CSV = b"city,people\nBerlin,3700000\nParis,2100000\n"


def push(
    call: Call, data: bytes = CSV, configuration_id: str = vendor.UPLOAD_CONFIGURATION_ID, **headers: str
) -> requests.Response:
    return call(
        "POST",
        f"/pigment/api/v1/import/push/csv?configurationId={configuration_id}",
        data=data,
        headers={**AUTH, "Content-Type": "text/csv", **headers},
    )


def trigger(call: Call, configuration_id: str = vendor.INTEGRATION_CONFIGURATION_ID) -> requests.Response:
    path = f"/pigment/api/v1/import/trigger?configurationId={configuration_id}"
    return call("POST", path, headers=AUTH)


def status(call: Call, import_id: str, detailed: bool = False) -> requests.Response:
    query = "?includedDetailedReport=true" if detailed else ""
    return call("GET", f"/pigment/api/v1/import/{import_id}/status{query}", headers=AUTH)


def test_a_pushed_csv_takes_time_and_ends_with_true_counts(call: Call, clock: Clock) -> None:
    pushed = push(call)
    assert pushed.headers["Content-Type"].startswith("text/plain")
    import_id = pushed.json()["importId"]
    running = status(call, import_id, detailed=True).json()
    assert running["importStatus"] == "InProgress"
    assert running["completedAt"] is None
    assert running["detailedReport"] is None
    clock.move(10)
    ended = status(call, import_id, detailed=True).json()
    assert ended["importStatus"] == "Completed"
    assert ended["completedAt"] == "2025-06-15T15:06:50.000Z"
    assert ended["detailedReport"]["summary"] == {
        "insertedCount": 2,
        "updatedCount": 0,
        "deletedCount": 0,
        "skippedCount": 0,
    }


def test_the_detailed_report_is_left_out_unless_asked_for(call: Call, clock: Clock) -> None:
    import_id = push(call).json()["importId"]
    clock.move(10)
    assert status(call, import_id).json()["detailedReport"] is None
    assert status(call, import_id, detailed=True).json()["detailedReport"]


def test_the_deprecated_paths_without_a_version_are_not_there(call: Call) -> None:
    import_id = push(call).json()["importId"]
    assert call("GET", f"/pigment/api/import/{import_id}/status", headers=AUTH).status_code == 404
    assert call("POST", "/pigment/api/import/push/csv", headers=AUTH, data=CSV).status_code == 404


def test_malformed_rows_are_skipped_with_a_reason_and_samples(call: Call, clock: Clock) -> None:
    data = b'\xef\xbb\xbfcity;people\r\nBerlin;1\r\nonly one\r\n\r\n"a;""quoted""\nfield";2\r\na;b;c'
    import_id = push(call, data).json()["importId"]
    clock.move(10)
    report = status(call, import_id, detailed=True).json()["detailedReport"]
    assert report["summary"]["insertedCount"] == 2
    assert report["summary"]["skippedCount"] == 2
    (skipped,) = report["impactedBlocks"][0]["skippedData"]
    assert (skipped["reason"], skipped["count"]) == ("ParsingError", 2)
    assert skipped["samples"] == ["only one", "a;b;c"]


def test_a_column_named_fail_makes_the_import_fail(call: Call, clock: Clock) -> None:
    import_id = push(call, b"city,__fail__\nBerlin,1\n").json()["importId"]
    clock.move(10)
    failed = status(call, import_id, detailed=True).json()
    assert failed["importStatus"] == "Failed"
    assert failed["errorsDetails"][0].keys() == {"name", "description"}
    assert failed["detailedReport"] is None


def test_an_integration_is_triggered_not_pushed(call: Call, clock: Clock) -> None:
    import_id = trigger(call).json()["importId"]
    clock.move(10)
    summary = status(call, import_id, detailed=True).json()["detailedReport"]["summary"]
    assert summary["insertedCount"] == 1000
    assert trigger(call, vendor.UPLOAD_CONFIGURATION_ID).status_code == 400
    assert push(call, configuration_id=vendor.INTEGRATION_CONFIGURATION_ID).status_code == 400
    failing = trigger(call, vendor.FAILING_CONFIGURATION_ID).json()["importId"]
    clock.move(10)
    assert status(call, failing).json()["importStatus"] == "Failed"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer 3jp2e232-9875-42f4-9fcf-63fe2ce568jp"},
        {"Authorization": ""},
    ],
)
def test_a_wrong_key_is_refused(call: Call, sandbox: Sandbox, headers: dict[str, str]) -> None:
    assert push(call, **headers).status_code == 401
    assert not sandbox.vendors["pigment"].imports


@pytest.mark.parametrize(
    ("data", "content_type", "expected"),
    [
        (b"", "text/csv", 400),
        (CSV, "multipart/form-data; boundary=x", 400),
        (CSV, "application/json", 400),
        (CSV, "application/octet-stream", 200),
        (CSV, "text/csv; charset=utf-8", 200),
    ],
)
def test_the_body_is_raw_csv(call: Call, data: bytes, content_type: str, expected: int) -> None:
    assert push(call, data, **{"Content-Type": content_type}).status_code == expected


def test_unknown_ids_are_404_and_no_ids_are_400(call: Call) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    assert push(call, configuration_id=unknown).status_code == 404
    assert trigger(call, unknown).status_code == 404
    assert status(call, unknown).text == "Status with the specified importId was not found"
    assert push(call, configuration_id="mine").status_code == 400
    assert status(call, "mine").status_code == 400
    assert call("DELETE", f"/pigment/api/v1/import/{unknown}/status").status_code == 405


def test_a_csv_above_the_size_limit_is_400(call: Call, sandbox: Sandbox) -> None:
    sandbox.change_settings(pigment={"size_limit": len(CSV)})
    assert push(call).status_code == 200
    assert push(call, CSV + b"x").status_code == 400
    assert push(call, iter([CSV, b"x"])).status_code == 400  # type: ignore[arg-type]  # sent in chunks


def test_pushes_of_a_configuration_are_limited_by_the_hour(call: Call, sandbox: Sandbox, clock: Clock) -> None:
    sandbox.change_settings(pigment={"pushes_per_hour": 1})
    assert push(call).status_code == 200
    refused = push(call)
    assert refused.status_code == 429
    assert refused.text == (
        "Maximum number of reports per configuration per hour exceeded, maximum: 1. Please try again later."
    )
    assert push(call, configuration_id=vendor.SECOND_UPLOAD_CONFIGURATION_ID).status_code == 200
    clock.move(3600)
    assert push(call).status_code == 200


def test_all_requests_are_limited_by_five_minutes(call: Call, clock: Clock) -> None:
    codes = [trigger(call).status_code for _ in range(501)]
    assert codes == [200] * 500 + [429]
    clock.move(300)
    assert trigger(call).status_code == 200


def test_two_pushes_are_two_imports(call: Call, sandbox: Sandbox) -> None:
    assert push(call).json() != push(call).json()
    assert len(list(sandbox.vendors["pigment"].running())) == 2


def test_a_new_status_may_lag(call: Call, sandbox: Sandbox, clock: Clock) -> None:
    sandbox.change_settings(pigment={"status_lag_seconds": 3.0})
    import_id = push(call).json()["importId"]
    assert status(call, import_id).status_code == 404
    clock.move(3)
    assert status(call, import_id).status_code == 200


# Metadata

UPLOADS = (vendor.UPLOAD_CONFIGURATION_ID, vendor.SECOND_UPLOAD_CONFIGURATION_ID)
LISTING = {"Authorization": f"Bearer {vendor.METADATA_API_KEY}"}


def listed(call: Call, path: str, **query: str) -> list[dict[str, str]]:
    answer = call("GET", f"/pigment/api/v1/{path}", params=query, headers=LISTING)
    assert answer.status_code == 200
    return answer.json()  # type: ignore[no-any-return]


def test_a_configuration_is_found_by_application_and_block(call: Call) -> None:
    sales = next(each["id"] for each in listed(call, "applications") if each["name"] == "Sales")
    blocks = {each["name"]: each for each in listed(call, "blocks", applicationId=sales)}
    assert {name: each["type"] for name, each in blocks.items()} == {
        "Customers": "DimensionList",
        "Revenue": "Metric",
        "Overview": "Table",
    }
    query = {"applicationId": sales, "blockId": blocks["Revenue"]["id"]}
    assert listed(call, "importConfigurations", **query) == [
        {"id": vendor.SECOND_UPLOAD_CONFIGURATION_ID, "name": "Sales plan"}
    ]


def test_one_name_stands_for_two_configurations_of_two_applications(call: Call) -> None:
    found = [
        (application["name"], configuration["id"])
        for application in listed(call, "applications")
        for block in listed(call, "blocks", applicationId=application["id"])
        for configuration in listed(call, "importConfigurations", applicationId=application["id"], blockId=block["id"])
        if configuration["name"] == "Sales plan"
    ]
    assert found == [
        ("Sales", vendor.SECOND_UPLOAD_CONFIGURATION_ID),
        ("Workforce", vendor.INTEGRATION_CONFIGURATION_ID),
    ]


def test_tables_and_what_is_not_there_have_no_configurations(call: Call) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    sales = metadata.APPLICATION_ID
    for application, block in (
        (sales, metadata.TABLE_BLOCK_ID),
        (sales, metadata.SECOND_METRIC_BLOCK_ID),
        (sales, unknown),
        (unknown, metadata.BLOCK_ID),
    ):
        assert listed(call, "importConfigurations", applicationId=application, blockId=block) == []
    assert listed(call, "blocks", applicationId=unknown) == []
    for path in ("blocks", "blocks?applicationId=mine", f"importConfigurations?applicationId={sales}"):
        assert call("GET", f"/pigment/api/v1/{path}", headers=LISTING).status_code == 400


def test_each_type_of_key_is_for_its_own_api(call: Call, sandbox: Sandbox) -> None:
    assert call("GET", "/pigment/api/v1/applications", headers=AUTH).status_code == 401
    assert push(call, **LISTING).status_code == 401
    assert not sandbox.vendors["pigment"].imports


def test_metadata_calls_count_in_the_limit_of_all_requests(call: Call, sandbox: Sandbox) -> None:
    sandbox.change_settings(pigment={"requests_per_window": 1})
    assert call("GET", "/pigment/api/v1/applications", headers=LISTING).status_code == 200
    assert trigger(call).status_code == 429


def test_the_report_names_block_scenario_and_what_was_created(call: Call, clock: Clock, sandbox: Sandbox) -> None:
    sandbox.change_settings(pigment={"auto_created": 3, "unknown_items": 1})
    ids = [push(call, configuration_id=each).json()["importId"] for each in metadata.CONFIGURATIONS if each in UPLOADS]
    clock.move(10)
    of_list, of_metric = (status(call, each, detailed=True).json()["detailedReport"] for each in ids)
    assert (of_list["blockType"], of_metric["blockType"]) == ("List", "Metric")
    blocks = [report["impactedBlocks"][0] for report in (of_list, of_metric)]
    assert [(block["blockId"], block["scenarioId"]) for block in blocks] == [
        (metadata.BLOCK_ID, None),
        (metadata.METRIC_BLOCK_ID, metadata.SCENARIO_ID),
    ]
    for report, block in zip((of_list, of_metric), blocks, strict=True):
        assert report["autoCreatedDimensionModalities"] == [{"blockId": metadata.BLOCK_ID, "count": 3}]
        assert (report["summary"]["insertedCount"], report["summary"]["skippedCount"]) == (1, 1)
        (skipped,) = block["skippedData"]
        assert (skipped["reason"], skipped["sourceColumnName"]) == ("MissingModalitySkippedDataRow", "Country")
