"""PostgreSQL and Redis for one test run: Debian's servers in throw-away folders, on loopback, under a guard.

`pytest-postgresql` and `pytest-redis` start servers too, but neither runs as root, as in a container, nor ends its
server when the test run itself is killed; `guarded_process` does, as for Airflow's own components.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.system.guarded_process import GuardedProcess
from tests.system.running_airflow import LOOPBACK, free_port, temporary_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

START_SECONDS = 60


class MissingServerError(RuntimeError):
    """A server program is not installed; the message says how to install it."""


def install_servers(*packages: str) -> None:
    """Install Debian's packages of servers if they are missing.

    :param packages: ``postgresql``, ``redis-server``
    :raises MissingServerError: if that takes rights or a package manager that we don't have
    """
    there = {"postgresql": _postgres_folder(), "redis-server": shutil.which("redis-server")}
    missing = [package for package in packages if there[package] is None]
    if not missing:
        return
    by_hand = f"Install them yourself: apt-get install {' '.join(missing)}"
    if shutil.which("apt-get") is None or os.getuid() != 0:
        raise MissingServerError(f"{' and '.join(missing)} is needed here. {by_hand} (needs root, Debian)")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *missing]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MissingServerError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}\n{by_hand}")


class Server:
    """Context manager around a server's process, with a throw-away folder for its data and log."""

    name: str

    def __init__(self) -> None:
        self.folder = temporary_folder(f"running-{self.name}-")
        self.port = free_port()
        self._process: GuardedProcess | None = None

    def command(self) -> Sequence[str]:
        """What to run."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Whether it takes connections."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.end()

    def start(self) -> None:
        """Start it and wait until it is ready; again if it was stopped."""
        self._process = GuardedProcess(
            self.command(),
            environment={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            log_file=self.log_file,
            working_directory=self.folder,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self._process.exit_code is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self.log_file.read_text(errors='replace')}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ask it to end, as a restart of its machine would, and wait."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(START_SECONDS)

    def end(self) -> None:
        """Kill it: its data are thrown away."""
        if self._process is not None:
            self._process.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def log_file(self) -> Path:
        """Its output."""
        return self.folder / f"{self.name}.log"


class Redis(Server):
    """The broker. It keeps what it has on disk, so a restart loses no message."""

    name = "redis"

    @property
    def url(self) -> str:
        """Where Celery finds it."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def command(self) -> Sequence[str]:
        return [
            "redis-server",
            *("--bind", LOOPBACK, "--port", str(self.port)),
            *("--dir", str(self.folder), "--appendonly", "yes", "--save", ""),
        ]

    def is_ready(self) -> bool:
        ping = ["redis-cli", "-h", LOOPBACK, "-p", str(self.port), "ping"]
        return subprocess.run(ping, capture_output=True, text=True, check=False).stdout.strip() == "PONG"


class Postgres(Server):
    """The metadata database. It refuses to run as root, so there it runs as Debian's user `postgres`."""

    name = "postgres"

    def __init__(self) -> None:
        super().__init__()
        programs = _postgres_folder()
        if programs is None:
            raise MissingServerError("PostgreSQL is not installed")
        self._programs = programs
        self._data = self.folder / "data"
        self._password = secrets.token_urlsafe(16)

    @property
    def url(self) -> str:
        """Where Airflow finds its database, without the driver: put it after ``postgresql+psycopg2``."""
        return f"://airflow:{self._password}@{LOOPBACK}:{self.port}/postgres"

    def __enter__(self) -> Self:
        password_file = self.folder / "password"
        password_file.write_text(self._password)
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
            shutil.chown(password_file, "postgres")
        initdb = [str(self._programs / "initdb"), "-D", str(self._data), "-U", "airflow", "-A", "scram-sha-256"]
        subprocess.run(
            [*self._as_postgres(), *initdb, "-E", "UTF8", "--no-sync", "--pwfile", str(password_file)],
            cwd=self.folder,
            check=True,
            capture_output=True,
        )
        return super().__enter__()

    def command(self) -> Sequence[str]:
        options = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "300",
            "fsync": "off",  # thrown away at the end
        }
        settings = [argument for name, value in options.items() for argument in ("-c", f"{name}={value}")]
        return [*self._as_postgres(), str(self._programs / "postgres"), "-D", str(self._data), *settings]

    def is_ready(self) -> bool:
        ready = [str(self._programs / "pg_isready"), "-h", LOOPBACK, "-p", str(self.port)]
        return subprocess.run(ready, capture_output=True, check=False).returncode == 0

    def _as_postgres(self) -> list[str]:
        if os.getuid() != 0:
            return []
        # Keeps the process, so that a signal to it is a signal to PostgreSQL.
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=KILL"]


def _postgres_folder() -> Path | None:
    """Debian keeps the server's programs out of PATH, by version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    in_path = shutil.which("postgres")
    return None if in_path is None else Path(in_path).resolve().parent
