"""The sandbox around its vendors: running it, its journal, its control endpoint, its command."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading

import aiohttp
import pytest
import requests

from airflow_provider_imports.sandbox import Sandbox, pigment
from airflow_provider_imports.sandbox.__main__ import main
from airflow_provider_imports.sandbox.app import stand_ins

from .conftest import Call
from .test_pigment import CSV, push, trigger

NAMES = [vendor.name for vendor in stand_ins()]


async def test_it_runs_in_the_callers_loop() -> None:
    async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
        answer = await session.get(f"{sandbox.url}/pigment/nothing")
        assert answer.status == 404
        sandbox.add_fault("refuse")
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"{sandbox.url}/pigment/nothing")
        sandbox.clear_faults()
        assert (await session.get(f"{sandbox.url}/pigment/nothing")).status == 404


def test_it_leaves_no_thread_and_no_socket_behind() -> None:
    threads = threading.active_count()
    with Sandbox().in_thread() as sandbox:
        port = sandbox.port
        requests.get(f"{sandbox.url}/_sandbox/", timeout=10)
        sandbox.add_fault("refuse")
    assert threading.active_count() == threads
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))


def test_a_port_in_use_is_an_error_that_leaves_nothing_behind(sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match="in use"), Sandbox(sandbox.port).in_thread():
        pass


def test_it_imports_nothing_that_it_is_to_disagree_with() -> None:
    code = "import sys; from airflow_provider_imports.sandbox import Sandbox; Sandbox(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    loaded = done.stdout.split()
    assert "airflow" not in loaded
    package = "airflow_provider_imports"
    ours = [name for name in loaded if name.startswith(package) and not name.startswith(f"{package}.sandbox")]
    found_by = {package, *(f"{package}.{name}" for name in ("vendors", "installed"))}
    assert {name for name in ours if not name.startswith(f"{package}.vendors.")} == found_by


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::", ""])
def test_only_loopback(host: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        Sandbox(host=host)


@pytest.mark.parametrize("vendor", NAMES)
def test_connections_are_what_airflow_needs(sandbox: Sandbox, vendor: str) -> None:
    connection = json.loads(sandbox.connection_env()[f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT"])
    assert connection == sandbox.connection(vendor)
    assert connection.keys() == {"conn_type", "host", "login", "password", "extra"}
    assert connection["host"] == f"http://127.0.0.1:{sandbox.port}/{vendor}"
    assert connection["password"]


def test_pigments_metadata_has_a_connection_of_its_own(sandbox: Sandbox) -> None:
    connection = json.loads(sandbox.connection_env()["AIRFLOW_CONN_PIGMENT_METADATA"])
    assert connection == {**sandbox.connection("pigment"), "password": pigment.METADATA_API_KEY}


@pytest.mark.parametrize("vendor", NAMES)
def test_unrouted_paths_answer_in_the_vendors_way_and_are_in_the_journal(call: Call, vendor: str) -> None:
    assert call("GET", f"/{vendor}/nothing/here").status_code == 404
    assert call("GET", f"/_sandbox/journal?vendor={vendor}").json()[0]["operation"] == "unrouted"


def test_the_journal_tells_what_came_and_what_was_done(call: Call, sandbox: Sandbox) -> None:
    import_id = push(call).json()["importId"]
    push(call, b"")
    first, second = (entry.as_dict() for entry in sandbox.journal)
    assert first.pop("at") <= first.pop("acted_at") <= second.pop("at")
    path = "/api/v1/import/push/csv?configurationId=33d0d7d0-6125-47c4-b36a-882f4ed53b33"
    same = {"vendor": "pigment", "operation": "push_csv", "method": "POST", "path": path, "fault": None}
    assert first == {**same, "n": 1, "status": 200, "acted": True, "run": import_id, "bytes": len(CSV)}
    assert second == {**same, "n": 2, "status": 400, "acted": False, "acted_at": None, "run": None, "bytes": 0}


def test_the_journal_over_http(call: Call) -> None:
    push(call)
    trigger(call)
    journal = "/_sandbox/journal"
    assert len(call("GET", journal).json()) == 2
    assert [e["n"] for e in call("GET", f"{journal}?vendor=pigment&operation=trigger_import").json()] == [2]
    assert call("GET", f"{journal}?vendors=pigment").status_code == 400
    assert call("GET", f"{journal}?vendor=pigment&vendor=websale").status_code == 200
    assert call("DELETE", journal).json() == {"ok": True}
    assert call("GET", journal).json() == []


def test_faults_over_http(call: Call) -> None:
    faults = "/_sandbox/faults"
    assert call("POST", faults, json={"fault": "status", "vendor": "pigment"}).json() == {"ok": True}
    assert call("GET", faults).json()[0]["when"] == "before"
    assert call("DELETE", faults).status_code == 200
    assert trigger(call).status_code == 200
    assert "seconds" in call("POST", faults, json={"fault": "refuse"}).json()["error"]
    assert call("POST", faults, data="[]").status_code == 400
    assert call("POST", faults, data="{").status_code == 400
    assert call("PUT", faults).status_code == 404
    assert call("GET", "/elsewhere").status_code == 404


def test_settings_over_http(call: Call, sandbox: Sandbox) -> None:
    changed = call("PATCH", "/_sandbox/settings", json={"run_seconds": 0, "pigment": {"pushes_per_hour": None}})
    assert changed.json()["run_seconds"] == 0
    assert changed.json() == call("GET", "/_sandbox/settings").json() == sandbox.settings()
    for wrong in ({"speed": 1}, {"pigment": {"speed": 1}}, {"pigment": 1}, {"run_seconds": "1"}):
        answer = call("PATCH", "/_sandbox/settings", json={"rows_per_second": 5, **wrong})
        assert answer.status_code == 400
        assert answer.json()["error"]
    assert sandbox.settings()["rows_per_second"] is None


def test_reset_forgets_all_but_settings(call: Call, sandbox: Sandbox) -> None:
    push(call)
    sandbox.change_settings(run_seconds=3)
    sandbox.add_fault("status")
    call("POST", "/_sandbox/reset")
    assert not sandbox.vendors["pigment"].imports
    assert (sandbox.journal, sandbox.faults()) == ([], [])
    assert sandbox.settings()["run_seconds"] == 3


def test_the_help_names_all_faults_and_operations(call: Call) -> None:
    told = call("GET", "/_sandbox/").json()
    assert "reset" in told["faults"]
    assert "vendor, operation, when" in told["calls"]["POST /_sandbox/faults"]
    assert "push_csv" in told["operations"]["pigment"]
    assert "Integration" in told["ids"]["pigment"]["7c9e6679-7425-40de-944b-e07fc1f90ae7"]


def test_the_command_prints_connections_and_ends_on_ctrl_c() -> None:
    command = [
        sys.executable,
        "-m",
        "airflow_provider_imports.sandbox",
        "--port",
        "0",
        "--run-seconds",
        "0",
        "--any-id",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in [*NAMES, "pigment_metadata", "url"]]
        try:
            exported = dict(shlex.split(line)[1].split("=", 1) for line in lines[:-1])
            url = re.findall(r"http://127\.0\.0\.1:\d+", lines[-1])[0]
            settings = requests.get(f"{url}/_sandbox/settings", timeout=10).json()
            assert (settings["run_seconds"], settings["any_id"]) == (0, True)
            known = requests.get(f"{url}/_sandbox/", timeout=10).json()["ids"]
            printed = [process.stdout.readline() for ids in known.values() for _ in ids]
            assert printed == [f"# {name} knows {each}: {ids[each]}\n" for name, ids in known.items() for each in ids]
        finally:
            os.kill(process.pid, signal.SIGINT)
        assert process.wait(10) == 0
    assert json.loads(exported["AIRFLOW_CONN_PIGMENT_DEFAULT"])["host"] == f"{url}/pigment"


def test_the_command_refuses_other_hosts(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--host", "0.0.0.0"])
    assert "loopback" in capsys.readouterr().err
