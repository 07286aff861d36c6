"""Every call of every vendor meets every fault, and no credentials are remembered."""

import json
import re
from collections.abc import Iterator

import pytest
import requests

from airflow_provider_imports.sandbox import FAULTS, Sandbox, bloomreach, blueshift, pigment, rocketchat, websale

from .conftest import Clock

STRIKES = [(fault, when) for fault, whens in FAULTS.items() for when in whens if fault != "refuse"]
FILLED_IN = {
    "{importId}": "00000000-0000-4000-8000-000000000000",
    "{service}": "voucher",
    "{projectToken}": bloomreach.PROJECT_TOKEN,
    "{workspaceId}": bloomreach.WORKSPACE_ID,
    "{import_id}": bloomreach.UI_IMPORT_ID,
}
SECRETS = [
    pigment.API_KEY,
    pigment.METADATA_API_KEY,
    websale.PASSWORD,
    websale.API_KEY,
    rocketchat.AUTH_TOKEN,
    bloomreach.API_SECRET,
    blueshift.USER_API_KEY,
]


def send_every_call(sandbox: Sandbox) -> Iterator[tuple[str, requests.Response | None]]:
    """Send each call with all credentials at once and some body; ``None`` where no answer came."""
    with requests.Session() as session:
        for vendor in sandbox.vendors.values():
            basic = {"auth": (sandbox.connection(vendor.name)["login"], sandbox.connection(vendor.name)["password"])}
            if vendor.name == "blueshift":
                basic = {"auth": (blueshift.USER_API_KEY, "")}
            headers = {"X-User-Id": rocketchat.USER_ID, "X-Auth-Token": rocketchat.AUTH_TOKEN}
            if vendor.name == "pigment":
                basic, headers = {}, {"Authorization": f"Bearer {pigment.API_KEY}"}
            for route in vendor.routes():
                path = route.path
                for name, value in FILLED_IN.items():
                    path = path.replace(name, value)
                path = re.sub(r"\{\w+\}", "1", path)
                url = f"{sandbox.url}/{vendor.name}{path}?configurationId={pigment.UPLOAD_CONFIGURATION_ID}"
                try:
                    answer = session.request(
                        route.method, url, json={"apiKey": websale.API_KEY}, headers=headers, timeout=10, **basic
                    )
                except requests.RequestException:
                    answer = None
                yield route.handler.__name__, answer


@pytest.mark.parametrize(("fault", "when"), STRIKES)
def test_every_call_meets_every_fault(sandbox: Sandbox, clock: Clock, fault: str, when: str) -> None:
    sandbox.add_fault(fault, when=when, count=None, seconds=0.005)
    answers = list(send_every_call(sandbox))
    clock.move(1)
    sandbox.wait_for_late_acts()
    entries = sandbox.journal
    assert [entry.operation for entry in entries] == [operation for operation, _ in answers]
    assert {entry.fault for entry in entries} == {fault}
    seen = [None if answer is None else answer.status_code for _, answer in answers]
    assert [entry.status for entry in entries] == seen
    assert when in ("after", "late") or not any(entry.acted for entry in entries)
    if when in ("after", "late"):
        assert sum(entry.acted for entry in entries) >= 3  # log-in at WEBSALE, import.new and import.clear


def test_no_call_breaks_the_sandbox(sandbox: Sandbox) -> None:
    assert [operation for operation, answer in send_every_call(sandbox) if answer is None] == []
    assert not any(entry.status is None or entry.status >= 500 for entry in sandbox.journal)


def test_no_credentials_are_remembered(sandbox: Sandbox) -> None:
    list(send_every_call(sandbox))
    token = requests.post(
        f"{sandbox.url}/websale/admin/api/v1/login", json={"apiKey": websale.API_KEY}, timeout=10
    ).json()["accessToken"]
    told = requests.get(f"{sandbox.url}/_sandbox/journal", timeout=10).text + repr(sandbox.journal)
    assert json.loads(requests.get(f"{sandbox.url}/_sandbox/settings", timeout=10).text)
    assert not [secret for secret in [*SECRETS, token] if secret in told]
