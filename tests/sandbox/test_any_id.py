"""``any_id``: the ids that somebody has at a vendor work here, too."""

from collections.abc import Iterator

import pytest

from airflow_provider_imports.sandbox import Sandbox

from . import test_bloomreach, test_blueshift, test_pigment, test_websale
from .conftest import Call, Clock

MINE = "12345678-90ab-4cde-8f01-234567890abc"


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(run_seconds=10, clock=clock, any_id=True).in_thread() as running:
        yield running


def test_my_configuration_is_of_the_kind_that_its_first_call_needs(call: Call) -> None:
    assert test_pigment.push(call, configuration_id=MINE).status_code == 200
    assert test_pigment.trigger(call, MINE).status_code == 400
    assert test_pigment.trigger(call, MINE.replace("1", "2")).status_code == 200
    assert test_pigment.push(call, configuration_id=MINE.replace("1", "2")).status_code == 400
    assert test_pigment.push(call, configuration_id="no uuid").status_code == 400


def test_my_task_is_processed_like_any_other(call: Call, clock: Clock) -> None:
    assert [test_blueshift.trigger(call, MINE).status_code for _ in range(2)] == [200, 405]
    clock.move(10)
    assert test_blueshift.trigger(call, MINE).status_code == 200


def test_my_import_was_made_where_its_first_call_says(call: Call) -> None:
    assert test_bloomreach.start(call, "mine").status_code == 200
    assert test_bloomreach.run(call, "mine").status_code == 404
    assert test_bloomreach.run(call, "another").status_code == 200
    assert test_bloomreach.start(call, "another").status_code == 400


def test_my_project_and_workspace_take_the_keys_that_fit(call: Call) -> None:
    project, workspace = "/bloomreach/data/v2/projects/mine/imports", "/bloomreach/data/v2/workspaces/mine/imports"
    assert test_bloomreach.start(call, base=project).status_code == 200
    assert test_bloomreach.start(call, base=workspace).status_code == 403
    assert test_bloomreach.start(call, base=workspace, auth=test_bloomreach.WORKSPACE_KEY).status_code == 200


def test_a_service_of_a_newer_websale_takes_every_format(call: Call) -> None:
    headers = {"Authorization": f"Bearer {test_websale.log_in(call).json()['accessToken']}"}
    path = f"{test_websale.BASE}/import/newService/start?format"
    codes = [call("POST", f"{path}={each}", data="<a/>", headers=headers).status_code for each in ("xml", "yaml")]
    assert codes == [200, 400]


def test_what_is_known_to_be_refused_is_refused_all_the_same(call: Call, sandbox: Sandbox) -> None:
    assert test_blueshift.trigger(call, test_blueshift.vendor.DRAFT_UUID).status_code == 405
    assert test_bloomreach.start(call, test_bloomreach.vendor.UPLOAD_IMPORT_ID).status_code == 400
    assert test_pigment.trigger(call, test_pigment.vendor.UPLOAD_CONFIGURATION_ID).status_code == 400
    sandbox.change_settings(any_id=False)
    assert test_blueshift.trigger(call, MINE).status_code == 404
