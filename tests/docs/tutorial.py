"""Runs the commands of docs/quickstart.rst, as they stand there, and compares what they print with what the page shows.

    python -m tests.docs.tutorial FOLDER

FOLDER holds a copy of the repository. Needs a network of its own (``unshare --map-root-user --net``), since
``airflow standalone`` listens on every address.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import psutil
import requests

PAGE = Path(__file__).parents[2] / "docs" / "quickstart.rst"
BLOCK = re.compile(r"^\.\. code-block:: (\w+)\n(?:   :caption: (.*)\n)?\n((?:   .*\n|\n)+)", re.MULTILINE)
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HEALTH = "http://127.0.0.1:8080/api/v2/monitor/health"
READY_WITHIN = 600.0
LENDS_AIRFLOW = """#!{python}
from airflow.__main__ import main
main()
"""


@dataclass(frozen=True, slots=True)
class Block:
    """A code block of the page."""

    language: str
    caption: str
    text: str


def blocks() -> list[Block]:
    """The code blocks, in their order."""
    return [Block(language, caption, dedent(text)) for language, caption, text in BLOCK.findall(PAGE.read_text())]


def normalized(text: str) -> str:
    """A text whose ids and line breaks do not matter."""
    return " ".join(UUID.sub("<id>", text).split())


def environment() -> dict[str, str]:
    """The variables of somebody who has this environment's programs and nothing else; ``pip`` downloads nothing."""
    found = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH"):
        found.pop(name, None)
    return {
        **found,
        "PATH": f"{Path(sys.executable).parent}:{found['PATH']}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
    }


class Terminal:
    """A shell that keeps what it printed."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / f"terminal-{time.monotonic_ns()}.log"
        self._shell = subprocess.Popen(
            ["bash", "-e"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=self._log.open("w"),
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, command: str) -> None:
        """Type a command, and do not wait for its end."""
        assert self._shell.stdin is not None
        self._shell.stdin.write(command)
        self._shell.stdin.flush()

    def run(self, command: str) -> str:
        """Run a command, and return what it printed."""
        before, done = len(self.printed()), f"done-{time.monotonic_ns()}"
        self.type(f"{command}\necho {done}\n")
        self.wait_for(done)
        return self.printed()[before:]

    def printed(self) -> str:
        """All that it has printed so far."""
        return self._log.read_text()

    def wait_for(self, text: str) -> None:
        """Wait until it has printed a text."""
        while text not in self.printed():
            if self._shell.poll() is not None:
                raise RuntimeError(f"a command failed:\n{self.printed()[-4000:]}")
            time.sleep(0.1)

    def close(self) -> None:
        """End it, and what runs in it."""
        if self._shell.poll() is None:
            for process in [*psutil.Process(self._shell.pid).children(recursive=True), self._shell]:
                process.kill()


def lend(folder: Path) -> None:
    """Give the new environment what this one has, so that nothing needs to be downloaded."""
    environment = folder / "tutorial" / "venv"
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib"))
    airflow = environment / "bin" / "airflow"
    airflow.write_text(LENDS_AIRFLOW.format(python=environment / "bin" / "python"))
    airflow.chmod(0o755)


def follow(folder: Path) -> None:
    """Do what the page says."""
    terminals = [Terminal(folder)]
    printed = ""
    try:
        for block in blocks():
            print(f"{block.language} {block.caption or block.text.splitlines()[0]}", flush=True)
            if block.language == "python":
                (folder / block.caption).write_text(block.text)
            elif block.language == "text":
                assert_shown(block.text, printed)
            elif block.caption:
                terminals.append(Terminal(folder))
                terminals[-1].type(block.text)
                wait_until_ready(terminals[-1], block.text)
                printed = terminals[-1].printed()
            elif "-m venv" in block.text:
                make, rest = block.text.split("\n", 1)
                terminals[0].run(make)
                lend(folder)
                terminals[0].run(rest)
            else:
                printed = terminals[0].run(block.text)
    finally:
        for terminal in terminals:
            terminal.close()


def assert_shown(text: str, printed: str) -> None:
    """Assert that what the page shows was printed: all of it, or, of a log, each of its lines."""
    found = normalized(printed)
    if normalized(text) not in found:
        missing = [line for line in text.splitlines() if normalized(line) not in found]
        assert not missing, f"not printed: {missing}\n{printed[-6000:]}"


def wait_until_ready(terminal: Terminal, command: str) -> None:
    """Wait until what was started serves."""
    if "sandbox" in command:
        terminal.wait_for("Sandbox on")
        return
    until = time.monotonic() + READY_WITHIN
    while not is_healthy():
        if time.monotonic() > until:
            raise TimeoutError(f"Airflow is not up:\n{terminal.printed()[-4000:]}")
        time.sleep(0.5)
    terminal.wait_for("admin")


def is_healthy() -> bool:
    """Every component of Airflow says that it is well."""
    try:
        told = requests.get(HEALTH, timeout=10).json()
    except requests.RequestException:
        return False
    return all(
        told[name]["status"] == "healthy" for name in ("metadatabase", "scheduler", "triggerer", "dag_processor")
    )


if __name__ == "__main__":
    follow(Path(sys.argv[1]))
