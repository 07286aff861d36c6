"""The quickstart works literally: its commands are run as they stand on the page."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs import tutorial

ROOT = Path(__file__).parents[2]
OF_THE_REPOSITORY = (
    "airflow_provider_imports",
    "constraints",
    "pyproject.toml",
    "hatch_build.py",
    "README.md",
    "LICENSE",
)
IN_A_NETWORK_OF_ITS_OWN = ["unshare", "--map-root-user", "--net"]
AT_MOST_SECONDS = 1800


@pytest.mark.system
@pytest.mark.long
def test_the_commands_of_the_quickstart_do_what_it_says(tmp_path: Path) -> None:
    if subprocess.run([*IN_A_NETWORK_OF_ITS_OWN, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody have a network of his own, and Airflow would listen on every address")
    for name in OF_THE_REPOSITORY:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    inside = f'ip link set lo up && exec {sys.executable} -m tests.docs.tutorial "{tmp_path}"'

    done = subprocess.run(
        [*IN_A_NETWORK_OF_ITS_OWN, "sh", "-c", inside],
        cwd=ROOT,
        env=tutorial.environment(),  # what pip would download is lent to it
        capture_output=True,
        text=True,
        timeout=AT_MOST_SECONDS,
        check=False,
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-6000:]}"
    assert len(done.stdout.splitlines()) == len(tutorial.blocks())
