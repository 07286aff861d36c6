"""A vendor joins with the distribution that brings it; what is wrong with one is told, and the others work."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.installed import GROUP, installed, installed_entry
from airflow_provider_imports.operators.base import ImportOperator
from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.sensors.base import ImportSensor
from airflow_provider_imports.vendors import VENDOR_API, VendorEntryError
from airflow_provider_imports.vendors.pigment import PIGMENT
from airflow_provider_imports.version_compat import AIRFLOW_V_3_0_PLUS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OURS = ["bloomreach", "blueshift", "pigment", "rocketchat", "websale"]
ENTRY = """
from airflow_provider_imports.vendors import VendorEntry, form
HARBOR = VendorEntry(
    made_for={made_for},
    distribution="airflow-provider-harbor",
    conn_type="{conn_type}",
    vendor_name="Harbor",
    docs_url="https://harbor.example",
    hook="airflow_provider_imports.hooks.pigment.PigmentHook",
    stand_in="{stand_in}",
    operators=("a_module",),
    ui_field_behaviour=form({{"password": "API key"}}, {{}}),
    slot=(),
)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install a distribution with an entry point of our group, as pip would leave it behind."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(
        distribution: str = "airflow-provider-harbor",
        point: str = "harbor = harbor_of_test:HARBOR",
        code: str | None = None,
        made_for: int = VENDOR_API,
        conn_type: str = "harbor",
        stand_in: str = "airflow_provider_imports.sandbox.pigment.Pigment",
    ) -> None:
        folder = tmp_path / f"{distribution.replace('-', '_')}-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n")
        (folder / "entry_points.txt").write_text(f"[{GROUP}]\n{point}\n")
        module = point.partition("= ")[2].partition(":")[0]
        filled = ENTRY.format(made_for=made_for, conn_type=conn_type, stand_in=stand_in)
        (tmp_path / f"{module}.py").write_text(filled if code is None else code)
        installed.cache_clear()

    before = set(sys.modules)
    yield put
    for name in set(sys.modules) - before:
        if name.endswith("_of_test"):
            del sys.modules[name]
    installed.cache_clear()


def test_the_vendors_of_this_distribution_join_as_any_other() -> None:
    assert list(installed().entries) == OURS
    assert installed().problems == {}


def test_a_vendor_of_another_distribution_joins(install: Callable[..., None]) -> None:
    install()

    assert list(installed().entries) == sorted([*OURS, "harbor"])
    assert installed_entry("harbor").vendor_name == "Harbor"


PROBLEMS: dict[str, tuple[dict[str, Any], str]] = {
    "for another version": (
        {"made_for": 99},
        "Harbor of the distribution airflow-provider-harbor is written for version 99 of the vendor API, and this",
    ),
    "does not import": (
        {"code": "import a_module_that_there_is_not"},
        "the distribution airflow-provider-harbor, can't be loaded (ModuleNotFoundError: No module named",
    ),
    "has a field that there is not": (
        {"code": "from airflow_provider_imports.vendors import VendorEntry\nHARBOR = VendorEntry(mood='good')"},
        "the distribution airflow-provider-harbor, can't be loaded (TypeError: ",
    ),
    "is not there": (
        {"code": "nothing = 1"},
        "the distribution airflow-provider-harbor, can't be loaded (AttributeError: ",
    ),
    "is no entry": (
        {"code": "HARBOR = {'conn_type': 'harbor'}"},
        "harbor_of_test:HARBOR of the distribution airflow-provider-harbor is no VendorEntry but dict.",
    ),
    "has two names": (
        {"conn_type": "port"},
        "The distribution airflow-provider-harbor calls a vendor 'harbor' whose entry says 'port'",
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_is_wrong_with_a_vendor_names_its_distribution_and_the_others_work(
    install: Callable[..., None], caplog: pytest.LogCaptureFixture, name: str
) -> None:
    options, told = PROBLEMS[name]
    install(**options)

    assert list(installed().entries) == OURS
    with pytest.raises(VendorEntryError) as raised:
        installed_entry("harbor")
    assert told in str(raised.value)
    assert told in caplog.text
    with Sandbox().in_thread() as sandbox:
        assert sorted(sandbox.vendors) == OURS


def test_two_vendors_of_one_name_are_both_left_out_and_both_distributions_are_named(
    install: Callable[..., None],
) -> None:
    install()
    install("harbor-of-somebody-else", "harbor = other_of_test:HARBOR")

    assert list(installed().entries) == OURS
    with pytest.raises(VendorEntryError, match="airflow-provider-harbor and harbor-of-somebody-else both bring"):
        installed_entry("harbor")


def test_no_vendor_of_ours_is_preferred_to_one_of_the_same_name(
    install: Callable[..., None], sandbox_connections: Any
) -> None:
    install("pigment-of-somebody-else", "pigment = other_of_test:HARBOR", conn_type="pigment")

    with pytest.raises(VendorEntryError, match="airflow-provider-imports and pigment-of-somebody-else both bring"):
        installed_entry("pigment")
    from airflow_provider_imports.hooks.pigment import PigmentHook

    good, told = PigmentHook().test_connection()
    assert not good
    assert "both bring a vendor 'pigment'" in told


def test_a_vendor_that_is_not_installed_is_told_with_those_that_are() -> None:
    with pytest.raises(VendorEntryError, match="There is no vendor 'harbor'; installed are bloomreach, blueshift"):
        installed_entry("harbor")


def test_a_stand_in_that_cannot_be_loaded_is_told_and_the_others_run(
    install: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    install(stand_in="a_module_that_there_is_not.Harbor")

    with Sandbox().in_thread() as sandbox:
        assert sorted(sandbox.vendors) == OURS
    assert "airflow-provider-harbor" in caplog.text
    assert "can't be loaded" in caplog.text


@pytest.mark.parametrize("kind", [ImportHook, ImportOperator, ImportSensor])
def test_hook_operator_and_sensor_of_another_version_say_so(kind: type[Any]) -> None:
    entry = replace(PIGMENT, made_for=99, distribution="airflow-provider-harbor")
    another = type("OfAnotherVersion", (kind,), {"entry": entry})
    parameters: dict[str, Any] = {} if kind is ImportHook else {"task_id": "load"}

    with pytest.raises(VendorEntryError, match="airflow-provider-harbor is written for version 99"):
        another(conn_id="a_connection", **parameters)


@pytest.mark.skipif(not AIRFLOW_V_3_0_PLUS, reason="assets of Airflow 2 have no watchers")
def test_the_event_trigger_takes_an_installed_vendor_and_says_what_is_wrong_with_one(
    install: Callable[..., None],
) -> None:
    from airflow_provider_imports.triggers.events import ImportEndedTrigger

    install()
    assert ImportEndedTrigger(name="ends", vendor="harbor").serialize()[1]["conn_id"] == "harbor_default"
    install("airflow-provider-dock", "dock = dock_of_test:HARBOR", made_for=2)
    with pytest.raises(TypeError, match="airflow-provider-harbor is written for version 2"):
        ImportEndedTrigger(name="ends", vendor="dock")


def test_a_connection_of_an_installed_vendor_is_not_taken_for_anothers(
    install: Callable[..., None], set_connection: Callable[..., str]
) -> None:
    from airflow_provider_imports.exceptions import ConnectionSettingsError
    from airflow_provider_imports.hooks.pigment import PigmentHook

    install()
    set_connection("at_harbor", conn_type="harbor", password="a-key-of-harbor")

    with pytest.raises(ConnectionSettingsError, match="is a connection of Harbor, not of Pigment"):
        _ = PigmentHook("at_harbor").client.settings


async def test_a_connection_of_another_type_does_not_make_the_event_loop_read_all_distributions(
    set_connection: Callable[..., str],
) -> None:
    from airflow_provider_imports.exceptions import ConnectionSettingsError
    from airflow_provider_imports.hooks.pigment import PigmentHook
    from airflow_provider_imports.models import ImportRun

    installed.cache_clear()
    set_connection("at_websale", conn_type="websale", host="https://shop.example", password="a-key")

    with pytest.raises(ConnectionSettingsError, match="is a connection of WEBSALE"):  # a fixture looks for blocking
        await PigmentHook("at_websale").aget_status(ImportRun("pigment", {"import_id": "1"}))


def test_entries_and_provider_info_look_through_no_distribution_and_import_nothing_else_of_ours() -> None:
    code = """
import sys
import airflow_provider_imports.get_provider_info as info
info.get_provider_info()
print(*(name for name in sys.modules if name.startswith(("airflow", "importlib.metadata"))))
"""
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert set(loaded) == {
        "airflow_provider_imports",
        "airflow_provider_imports.vendors",
        "airflow_provider_imports.get_provider_info",
        *(f"airflow_provider_imports.vendors.{vendor}" for vendor in OURS),
    }
