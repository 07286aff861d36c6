"""What arrives at a statsd socket while imports run; nothing where metrics are off."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from airflow_provider_imports.exceptions import UnknownOutcomeError, VendorImportError, VendorRateLimitError
from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator
from airflow_provider_imports.sandbox.pigment import INTEGRATION_CONFIGURATION_ID, UPLOAD_CONFIGURATION_ID
from airflow_provider_imports.version_compat import AIRFLOW_V_3_3_PLUS, AIRFLOW_VERSION
from tests.tries import defer, finish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytest.importorskip("statsd", reason="Airflow sends to statsd only with this library")

CSV = "month,nonfarm\n2006-01-01,135450\n2006-02-01,135762\n"
PAGE = __file__.replace("tests/test_metrics.py", "docs/metrics.rst")


class Statsd:
    """A statsd server, as far as a test needs one."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._lines: list[str] = []

    def seen(self) -> list[str]:
        """Lines of this package until now, without the times that they took."""
        self._server.setblocking(False)
        try:
            while True:
                self._lines += self._server.recv(65536).decode().splitlines()
        except BlockingIOError:
            pass
        return [line for line in self._lines if "imports." in line]

    def counts(self) -> Counter[str]:
        """How much was counted, by name and tags."""
        found: Counter[str] = Counter()
        for line in self.seen():
            name, value, kind = re.fullmatch(r"airflow\.(\S+):([\d.]+)\|(\w+)", line).groups()  # type: ignore[union-attr]
            found[name] += int(value) if kind == "c" else 1
        return found


@pytest.fixture
def statsd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Statsd]:
    """Switch Airflow's metrics on, with a server of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        settings = {"ON": "True", "HOST": "127.0.0.1", "PORT": str(server.getsockname()[1]), "INFLUXDB_ENABLED": "True"}
        for name, value in settings.items():
            monkeypatch.setenv(f"AIRFLOW__METRICS__STATSD_{name}", value)
        switch_on(monkeypatch)
        yield Statsd(server)


def switch_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Airflow read the settings, as each of its processes does when it starts."""
    if AIRFLOW_V_3_3_PLUS:
        from airflow.sdk._shared.observability.metrics import stats
        from airflow.sdk.observability.metrics import stats_utils

        for name in ("_factory", "_backend", "_export_legacy_names"):
            monkeypatch.setattr(stats, name, getattr(stats, name))
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
        return
    from airflow.providers.common.compat.sdk import Stats

    if Version("3.2.0") <= AIRFLOW_VERSION:
        from airflow.sdk.observability.metrics.statsd_logger import get_statsd_logger

        monkeypatch.setattr(Stats, "factory", get_statsd_logger)
    else:
        from airflow.metrics.statsd_logger import get_statsd_logger

        monkeypatch.setattr(type(Stats), "factory", get_statsd_logger)
    monkeypatch.setattr(Stats, "instance", None)


@pytest.fixture
def push(sandbox_connections: Any, tmp_path: Path) -> Callable[..., PigmentPushCsvOperator]:
    """``push(deferrable=True)`` makes the operator."""
    file = tmp_path / "plan.csv"
    file.write_text(CSV)

    def make(**changes: Any) -> PigmentPushCsvOperator:
        arguments = {"configuration_id": UPLOAD_CONFIGURATION_ID, "file_path": str(file), "poll_interval": 0.05}
        return PigmentPushCsvOperator(task_id="push", **{**arguments, **changes})

    return make


@pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
def test_a_start_and_its_end_are_counted_once(
    deferrable: bool, push: Callable[..., Any], make_context: Callable[..., Any], statsd: Statsd
) -> None:
    finish(lambda: push(deferrable=deferrable), make_context())
    assert statsd.counts() == {
        "imports.started,vendor=pigment": 1,
        "imports.ended,vendor=pigment,outcome=succeeded": 1,
        "imports.wait_time,vendor=pigment,outcome=succeeded": 1,
    }


def test_rejected_rows_are_counted_by_their_number(
    push: Callable[..., Any], make_context: Callable[..., Any], statsd: Statsd, tmp_path: Path
) -> None:
    (tmp_path / "plan.csv").write_text(CSV + "too,many,columns\nand,one,more\n")
    finish(push, make_context())
    assert statsd.counts()["imports.rows_rejected,vendor=pigment"] == 2


def test_a_second_try_counts_as_reattached_and_not_as_started(
    push: Callable[..., Any], make_context: Callable[..., Any], statsd: Statsd
) -> None:
    defer(lambda: push(deferrable=True), make_context())
    finish(push, make_context(try_number=2))
    counts = statsd.counts()
    assert counts["imports.started,vendor=pigment"] == 1
    assert counts["imports.reattached,vendor=pigment"] == 1


def test_an_unknown_outcome_is_counted(
    push: Callable[..., Any], make_context: Callable[..., Any], statsd: Statsd, sandbox: Any
) -> None:
    sandbox.add_fault("reset", vendor="pigment", operation="push_csv", when="after")
    with pytest.raises(UnknownOutcomeError):
        finish(push, make_context())
    assert statsd.counts() == {"imports.unknown_outcome,vendor=pigment": 1}


def test_a_busy_slot_is_counted(make_context: Callable[..., Any], sandbox_connections: Any, statsd: Statsd) -> None:
    sandbox_connections.change_settings(run_seconds=300.0)

    def start(**changes: Any) -> WebsaleStartImportOperator:
        return WebsaleStartImportOperator(task_id="start", service="order", data=[{"number": 1}], **changes)

    finish(lambda: start(wait_for_completion=False, durable=False), make_context())
    with pytest.raises(VendorImportError, match="is busy"):
        finish(lambda: start(durable=False), make_context())
    assert statsd.counts() == {"imports.started,vendor=websale": 1, "imports.slot_busy,vendor=websale": 1}


@pytest.mark.parametrize("asynchronous", [False, True], ids=["blocking", "awaiting"])
async def test_a_rate_limit_is_counted_with_the_wait_it_asks_for(
    asynchronous: bool, sandbox_connections: Any, statsd: Statsd
) -> None:
    sandbox_connections.change_settings(run_seconds=300.0)
    hook = PigmentHook()
    run = await asyncio.to_thread(hook.trigger_import, INTEGRATION_CONFIGURATION_ID)
    sandbox_connections.add_fault("rate_limit", vendor="pigment", operation="get_import_status", seconds=7)
    look = hook.aget_status(run) if asynchronous else asyncio.to_thread(hook.run_flow, hook.status_flow(run), 0.0)
    with pytest.raises(VendorRateLimitError):
        await look
    assert statsd.counts()["imports.rate_limited,vendor=pigment"] == 1
    (wait,) = (line for line in statsd.seen() if "rate_limit_wait" in line)
    assert 6000 <= float(re.search(r":([\d.]+)\|ms", wait)[1]) <= 8000  # type: ignore[index]


def test_nothing_is_sent_and_nothing_imported_where_metrics_are_off() -> None:
    script = (
        "import sys; from airflow_provider_imports import metrics; before = set(sys.modules)\n"
        "metrics.count('imports.started', 'pigment'); metrics.ended('pigment', 'failed', 3, 1.0)\n"
        "print([name for name in set(sys.modules) - before if name.startswith(('statsd', 'opentelemetry.exporter'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_page_names_every_metric() -> None:
    from pathlib import Path

    import airflow_provider_imports.metrics as module

    sent = set(re.findall(r'"(imports\.\w+)"', Path(module.__file__).read_text()))
    named = set(re.findall(r"``(imports\.\w+)``", Path(PAGE).read_text()))
    assert sent == named
