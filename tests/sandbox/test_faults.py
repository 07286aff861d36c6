"""Every fault: what the client sees, what the vendor did."""

import asyncio
import datetime
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from airflow_provider_imports.sandbox import FAULTS, Sandbox
from airflow_provider_imports.sandbox import pigment as vendor

from .conftest import Call
from .test_pigment import AUTH, push, trigger


def test_a_fault_strikes_so_often_and_only_what_it_is_for(call: Call, sandbox: Sandbox) -> None:
    sandbox.add_fault("status", vendor="pigment", operation="push_csv", count=2, status=504)
    assert trigger(call).status_code == 200
    assert [push(call).status_code for _ in range(3)] == [504, 504, 200]
    assert [entry.fault for entry in sandbox.journal] == [None, "status", "status", None]
    assert sandbox.faults() == []


def test_before_the_vendor_has_not_acted_and_after_it_has(call: Call, sandbox: Sandbox) -> None:
    sandbox.add_fault("status", when="before", status=500, headers={"Retry-After": "7"}, body="oops")
    before = push(call)
    assert (before.status_code, before.headers["Retry-After"], before.text) == (500, "7", "oops")
    sandbox.add_fault("status", when="after", status=500)
    assert push(call).status_code == 500
    first, second = sandbox.journal
    assert (first.acted, first.run, first.status) == (False, None, 500)
    assert (second.acted, second.status) == (True, 500)
    assert [second.run] == list(sandbox.vendors["pigment"].imports)
    assert first.bytes == second.bytes > 0


@pytest.mark.parametrize("when", FAULTS["reset"])
def test_reset(call: Call, sandbox: Sandbox, when: str) -> None:
    sandbox.add_fault("reset", when=when)
    with pytest.raises(requests.ConnectionError, match="reset"):
        trigger(call)
    (entry,) = sandbox.journal
    assert (entry.status, entry.fault, entry.acted) == (None, "reset", when == "after")


@pytest.mark.parametrize("when", FAULTS["timeout"])
def test_timeout_ends_when_the_client_goes_away(sandbox: Sandbox, when: str) -> None:
    sandbox.add_fault("timeout", when=when)
    path = f"/pigment/api/v1/import/trigger?configurationId={vendor.INTEGRATION_CONFIGURATION_ID}"
    with pytest.raises(requests.ReadTimeout):
        requests.post(sandbox.url + path, headers=AUTH, timeout=0.1)
    (entry,) = sandbox.journal
    assert (entry.status, entry.acted) == (None, when == "after")
    deadline = time.monotonic() + 5
    while sandbox._port._requests and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not sandbox._port._requests


def test_timeout_before_the_body_leaves_a_sender_stuck(sandbox: Sandbox) -> None:
    sandbox.add_fault("timeout", when="before_body")
    path = f"/pigment/api/v1/import/push/csv?configurationId={vendor.UPLOAD_CONFIGURATION_ID}"
    with pytest.raises(requests.ConnectionError, match="timed out"):
        requests.post(sandbox.url + path, headers=AUTH, timeout=0.2, data=b"x" * 2**26)
    assert sandbox.journal[0].bytes == 0


def test_a_short_timeout_answers_late_or_hangs_up(call: Call, sandbox: Sandbox) -> None:
    sandbox.add_fault("timeout", when="after", seconds=0.01)
    assert trigger(call).status_code == 200
    sandbox.add_fault("timeout", when="before", seconds=0.01)
    with pytest.raises(requests.ConnectionError):
        trigger(call)


def test_rate_limit_with_and_without_hints(call: Call, sandbox: Sandbox) -> None:
    sandbox.add_fault("rate_limit", seconds=3)
    hinted = push(call)
    assert (hinted.status_code, hinted.headers["Retry-After"]) == (429, "3")
    assert hinted.text.startswith("Maximum number of reports")
    sandbox.add_fault("rate_limit", hints=False)
    assert "Retry-After" not in push(call).headers
    assert not any(entry.acted for entry in sandbox.journal)


def test_bad_answers_of_a_vendor_that_acted(call: Call, sandbox: Sandbox) -> None:
    sandbox.add_fault("html")
    assert (before := trigger(call)).status_code == 502
    assert before.text.startswith("<!DOCTYPE html>")
    sandbox.add_fault("html", when="after", status=200)
    assert trigger(call).headers["Content-Type"].startswith("text/html")
    sandbox.add_fault("truncated_json")
    half = trigger(call)
    assert half.text.startswith('{"importId"')
    assert int(half.headers["Content-Length"]) == len(half.content) < 40
    sandbox.add_fault("wrong_types")
    assert trigger(call).json() == {"importId": 7}
    sandbox.add_fault("empty")
    assert trigger(call).content == b""
    sandbox.add_fault("slow_drip", seconds=0.1)
    began = time.monotonic()
    assert trigger(call).json()["importId"]
    assert time.monotonic() - began > 0.08
    assert [entry.acted for entry in sandbox.journal] == [False, True, True, True, True, True]
    assert [entry.status for entry in sandbox.journal] == [502, 200, 200, 200, 200, 200]


def test_refuse_closes_the_port_until_it_is_cleared(call: Call, sandbox: Sandbox) -> None:
    assert trigger(call).status_code == 200
    sandbox.add_fault("refuse")
    with pytest.raises(requests.ConnectionError, match="refused"):
        trigger(call)
    sandbox.clear_faults()
    assert trigger(call).status_code == 200
    assert len(sandbox.journal) == 2


def test_refuse_may_begin_after_an_operation_and_end_by_itself(call: Call, sandbox: Sandbox) -> None:
    sandbox.add_fault("refuse", after_operation="push_csv", seconds=0.3)
    assert trigger(call).status_code == 200
    assert push(call).status_code == 200
    with pytest.raises(requests.ConnectionError, match="refused"):
        trigger(call)
    time.sleep(0.35)
    assert trigger(call).status_code == 200


def test_a_share_of_requests_fails_the_same_way_for_the_same_seed(call: Call, sandbox: Sandbox) -> None:
    seen = []
    for _ in range(2):
        sandbox.reset()
        sandbox.add_fault("status", probability=0.3, count=None, seed=4)
        seen.append([trigger(call).status_code for _ in range(40)])
    assert seen[0] == seen[1]
    assert 4 < seen[0].count(503) < 20


@pytest.mark.parametrize(
    "options",
    [
        {"fault": "nonsense"},
        {"fault": "status", "vendor": "nobody"},
        {"fault": "status", "operation": "nothing"},
        {"fault": "status", "whenever": 1},
        {"fault": "rate_limit", "when": "after"},
        {"fault": "status", "count": 0},
        {"fault": "status", "count": "many"},
        {"fault": "status", "probability": 2},
        {"fault": "status", "status": "503"},
        {"fault": "status", "headers": {"Retry-After": 7}},
        {"fault": "timeout", "seconds": -1},
        {"fault": None},
        {"vendor": "pigment"},
        {"fault": "status", "after_operation": "push_csv"},
        {"fault": "refuse", "vendor": "pigment"},
        {"fault": "late", "when": "before"},
        {"fault": "late", "instead": "empty"},
        {"fault": "reset", "instead": "timeout"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(sandbox: Sandbox, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        sandbox.add_fault(**{"fault": "status", "count": 0, **options})
    assert requests.post(f"{sandbox.url}/_sandbox/faults", json=options, timeout=10).status_code == 400


async def test_stopping_does_not_wait_for_held_requests() -> None:
    async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
        sandbox.add_fault("timeout")
        waiting = asyncio.create_task(session.get(f"{sandbox.url}/pigment/anything"))
        while not sandbox.journal:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        began = time.monotonic()
        await sandbox.stop()
        assert time.monotonic() - began < 1
        with pytest.raises(aiohttp.ClientError):
            await waiting


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """Chain and key file of a self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    chain, secret = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return str(chain), str(secret)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_tls_and_a_reset_within_it(certificate: tuple[str, str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with Sandbox(ssl_context=context).in_thread() as sandbox:
        assert sandbox.connection("pigment")["host"].startswith("https://127.0.0.1:")
        assert sandbox.connection("pigment")["extra"] == {"verify": False}
        url = f"{sandbox.url}/pigment/nothing"
        assert requests.get(url, timeout=10, verify=False).status_code == 404
        sandbox.add_fault("reset")
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=10, verify=False)
        sandbox.add_fault("refuse")
        with pytest.raises(requests.ConnectionError, match="refused"):
            requests.get(url, timeout=10, verify=False)


def test_a_port_that_refuses_stays_ours(sandbox: Sandbox) -> None:
    sandbox.add_fault("refuse")
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", sandbox.port))
