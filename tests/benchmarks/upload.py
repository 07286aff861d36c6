"""Upload a file of gigabytes: peak memory and throughput, against curl and HttpOperator on the same server."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from tests.benchmarks.figure import Figure, Goal, Row, compare, interleaved, machine, median

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TITLE = "Upload: peak memory beyond the process (MiB) and throughput (MiB/s)"
REPOSITORY = Path(__file__).parents[2]
MIB = 1 << 20
MEMORY = Goal(32, of="value")
WAYS = {
    "pigment": "Pigment, local path",
    "pigment_uri": "Pigment, object-storage URI",
    "websale": "WEBSALE, local path",
    "websale_uri": "WEBSALE, object-storage URI",
}
CONFIGURATION_ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


@contextlib.contextmanager
def discarding_server() -> Iterator[str]:
    """The server's address."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.discard"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert server.stdout is not None
    try:
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
    finally:
        server.kill()
        server.communicate()


def big_file(folder: Path, size: int) -> Path:
    """A CSV file of this many bytes that takes next to no room on the disk."""
    file = folder / "plan.csv"
    with file.open("wb") as opened:
        opened.write(b"Month;Amount\n")
        opened.truncate(size)
    return file


def _pigment(path: str) -> Any:
    from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator

    return PigmentPushCsvOperator(
        task_id="upload", configuration_id=CONFIGURATION_ID, file_path=path, wait_for_completion=False
    )


def _websale(path: str) -> Any:
    from airflow_provider_imports.operators.websale import WebsaleStartImportOperator

    return WebsaleStartImportOperator(task_id="upload", service="product", file_path=path, wait_for_completion=False)


def _http_operator(path: str) -> Any:
    from airflow.providers.http.operators.http import HttpOperator

    return HttpOperator(task_id="upload", endpoint="import", data=Path(path).read_bytes(), method="POST")


def send(way: str, url: str, path: str) -> None:
    """Run one operator."""
    name, _, uri = way.partition("_")
    if uri == "uri":
        path = _object_storage(path)
    make: Callable[[str], Any] = {"pigment": _pigment, "websale": _websale, "http": _http_operator}[name]
    operator = make(path)
    operator.do_xcom_push = False
    task_instance = mock.MagicMock(dag_id="upload", run_id="once", task_id="upload", map_index=-1, max_tries=0)
    operator.execute({"ti": task_instance})


def _object_storage(path: str) -> str:
    """The same file as an `ObjectStoragePath` sees it: `local` is fsspec's name for this machine's disk."""
    return f"local://{path}"


def _child(options: argparse.Namespace) -> None:
    connection = {"host": options.url, "password": "0123456789abcdef"}
    for name in ("pigment", "websale", "http"):
        os.environ[f"AIRFLOW_CONN_{name.upper()}_DEFAULT"] = json.dumps({"conn_type": name, **connection})
    small = big_file(Path(tempfile.mkdtemp(dir=Path(options.path).parent)), MIB)
    send(options.way, options.url, str(small))
    before, clock = _peak(), time.perf_counter()
    send(options.way, options.url, options.path)
    seconds = time.perf_counter() - clock
    size = Path(options.path).stat().st_size
    print(json.dumps({"peak": (_peak() - before) / MIB, "speed": size / MIB / seconds}))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(way: str, url: str, file: Path) -> dict[str, float]:
    """Upload in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.upload", way, url, str(file)]
    run = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def curl(url: str, file: Path) -> dict[str, float]:
    """Upload with `curl -T`, which streams, and say that it is a POST."""
    command = ["curl", "-sS", "-o", os.devnull, "-w", "%{speed_upload}", "-X", "POST", "-T", str(file), f"{url}/import"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return {"speed": float(run.stdout) / MIB, "peak": 0.0}


def run(options: argparse.Namespace) -> Figure:
    """Upload in every way."""
    if shutil.which("curl") is None:
        raise FileNotFoundError("curl is needed for comparison")
    size = int(options.gibibytes * (1 << 30))
    rows: list[Row] = []
    curves: dict[str, list[tuple[float, float]]] = {"this package": [], "HttpOperator": []}
    with tempfile.TemporaryDirectory() as folder, discarding_server() as url:
        file = big_file(Path(folder), size)
        candidates: dict[str, Callable[[], dict[str, float]]] = {way: partial(measure, way, url, file) for way in WAYS}
        candidates["curl"] = partial(curl, url, file)
        found = interleaved(max(3, options.rounds // 2), candidates)
        for part in (0.25, 0.5, 1.0):
            file = big_file(Path(folder), int(size * part))
            for way, words in (("pigment", "this package"), ("http", "HttpOperator")):
                curves[words].append((size * part / MIB, measure(way, url, file)["peak"]))
    _, stock = curves["HttpOperator"][-1]
    for way, words in WAYS.items():
        rows.append(Row(f"{words}, peak MiB", median(found[way], "peak"), "HttpOperator", stock, goal=MEMORY))
        goal = Goal(0.9, "at least")
        rows.append(compare(f"{words}, MiB/s", "speed", found, (way, "curl"), "curl -T", goal))
    return Figure(
        __name__.rpartition(".")[2],
        TITLE,
        rows,
        curves=curves,
        axes=("size of the file, MiB", "peak memory beyond the process, MiB"),
        remarks=[f"{options.gibibytes:g} GiB, to a server on the same machine that forgets them."],
        machine=machine(),
    )


def main() -> None:
    """Upload once, and print what it took."""
    command = argparse.ArgumentParser(prog="python -m tests.benchmarks.upload", description=__doc__)
    command.add_argument("way", choices=[*WAYS, "http"])
    command.add_argument("url")
    command.add_argument("path")
    _child(command.parse_args())


if __name__ == "__main__":
    main()
