"""What the tests of this package share beside the test kit's plugin, which ``pyproject.toml`` loads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, settings

from airflow_provider_imports.testing.plugin import HOME
from airflow_provider_imports.version_compat import AIRFLOW_V_3_0_PLUS

if TYPE_CHECKING:
    from collections.abc import Callable

settings.register_profile("few", max_examples=50, deadline=None)
# Whether a test notices a mutant must depend neither on luck nor on earlier runs, and not take a minute of shrinking.
settings.register_profile(
    "mutants", max_examples=50, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("few")

SAMPLES = Path(__file__).parent / "samples"
#: Tests that take minutes, the slowest first.
SLOW = ("tests/system/", "tests/distribution/", "tests/vendors/")
#: Its tests are run where it is installed, see tests/distribution.
collect_ignore = ["second_vendor"]


def pytest_make_parametrize_id(val: object) -> str | None:
    """Give packed bytes one name in both processes; in them is the second in which they were packed."""
    return "packed" if isinstance(val, bytes) and val.startswith(b"\x1f\x8b") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest, if several processes share the tests."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: [not item.nodeid.startswith(name) for name in SLOW])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep each file's tests in one process, and all that need a running Airflow: two of them are slower than one."""
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "tests/system" if nodeid.startswith("tests/system/") else nodeid.split("::")[0]

    return ByFile(config, log)


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """An empty, migrated metadata database for this process, as `dag.test()` needs it."""
    from tests.system.running_airflow import copy_migrated_database

    copy_migrated_database(Path(HOME) / "airflow.db")


@pytest.fixture
def rescheduled_since(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, Callable[[], Any]], None]:
    """Say since when a sensor in reschedule mode looks; Airflow 2 asks its database for that."""

    def since(context: Any, when: Callable[[], Any]) -> None:
        context["ti"].get_first_reschedule_date = lambda context: when()
        if not AIRFLOW_V_3_0_PLUS:
            monkeypatch.setattr("airflow.sensors.base._orig_start_date", lambda **task: when())

    return since


@pytest.fixture
def samples() -> Callable[[str], bytes]:
    """Read a recorded answer: ``samples("pigment/push_accepted.json")``."""
    return lambda name: (SAMPLES / name).read_bytes()
