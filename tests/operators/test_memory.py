"""
A file of any size is pushed in constant memory.

256 MiB are pushed here; ``PUSHED_MEBIBYTES=1024 pytest tests/operators/test_memory.py`` pushes as much as you like.
The file is sparse: it takes no room on the disk.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from airflow_provider_imports.sandbox.pigment import UPLOAD_CONFIGURATION_ID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEBIBYTES = int(os.environ.get("PUSHED_MEBIBYTES", "256"))
MOST_MEBIBYTES = 32
"""By how much a push may raise the memory of its process."""

PUSH = """
import sys
from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator

def push(**what):
    PigmentPushCsvOperator(task_id="push", configuration_id=sys.argv[1], wait_for_completion=False, **what).execute(
        {"ti": type("TaskInstance", (), {"xcom_push": lambda self, key, value: None})()}
    )

def memory(of):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(of))

push(data="month;amount\\n2026-01;3\\n")  # everything is loaded, and the connection was used
with open("/proc/self/clear_refs", "w") as peak:
    peak.write("5")  # from here on
before = memory("VmRSS")
push(file_path=sys.argv[2])
print("raised the peak by", memory("VmHWM") - before, "KiB")
"""


@pytest.fixture
def sandbox_process() -> Iterator[dict[str, str]]:
    """The stand-in in a process of its own, and the environment that leads to it."""
    command = [sys.executable, "-m", "airflow_provider_imports.sandbox", "--port", "0", "--run-seconds", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        exports = []
        for line in process.stdout:
            if line.startswith("# Sandbox on"):
                break
            exports.append(shlex.split(line)[1])
        yield dict(export.split("=", 1) for export in exports)
        process.terminate()


@pytest.fixture
def huge_csv(tmp_path: Path) -> Path:
    """One good row, whose last field is a quoted text of this size, and a hole in the file."""
    file = tmp_path / "huge.csv"
    with file.open("wb") as writing:
        writing.write(b'month;amount\n2026-01;"')
        writing.seek(MEBIBYTES << 20)
        writing.write(b'"\n')
    assert file.stat().st_blocks * 512 < 1 << 20
    return file


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="only Linux tells a peak from a moment on")
def test_a_push_takes_no_memory_for_the_file(sandbox_process: dict[str, str], huge_csv: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PUSH, UPLOAD_CONFIGURATION_ID, str(huge_csv)],
        env={**os.environ, **sandbox_process},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout + done.stderr
    assert f"Uploading {huge_csv}: " in told, "progress is in the log"
    assert f"Uploaded {huge_csv}: " in told
    raised = int(done.stdout.rpartition("raised the peak by ")[2].split()[0])
    print(f"pushing {MEBIBYTES} MiB raised the peak by {raised / 1024:.1f} MiB")
    assert raised < MOST_MEBIBYTES << 10
