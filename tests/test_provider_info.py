"""What Airflow learns about the package: its parts, and its forms, which test_connection_form.py sees Airflow show."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import airflow
import jsonschema
import pytest
from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_imports.get_provider_info import get_provider_info
from airflow_provider_imports.installed import installed

if TYPE_CHECKING:
    from airflow_provider_imports.hooks.base import ImportHook

AIRFLOW = Path(airflow.__file__).parent
INFO = get_provider_info()
PACKAGE = Path(__file__).parents[1] / "airflow_provider_imports"
ENTRIES = installed().entries
VENDORS = sorted(ENTRIES)
EVERY_VENDOR = pytest.mark.parametrize("vendor", VENDORS)


def schema(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((AIRFLOW / name).read_text())
    return value


def entry_of(vendor: str) -> dict[str, Any]:
    (entry,) = (one for one in INFO["connection-types"] if one["connection-type"] == vendor)
    return entry


def hook_class(vendor: str) -> type[ImportHook]:
    found: type[ImportHook] = resolve_name(entry_of(vendor)["hook-class-name"])
    return found


# The data


@pytest.mark.skipif(
    not (AIRFLOW / "provider.yaml.schema.json").exists(), reason="Airflow before 3.2 has no such schema"
)
def test_the_forms_are_what_airflows_strict_schema_describes() -> None:
    strict = schema("provider.yaml.schema.json")["properties"]
    for name in ("connection-types", "integrations", "hooks", "operators", "sensors", "triggers"):
        if name in strict and name != "integrations":
            jsonschema.validate(INFO[name], strict[name])


def test_every_vendor_has_a_form() -> None:
    assert [one["connection-type"] for one in INFO["connection-types"]] == VENDORS
    assert {"bloomreach", "blueshift", "pigment", "rocketchat", "websale"} <= set(VENDORS)


@EVERY_VENDOR
def test_the_port_can_be_filled_in_for_the_test_button_of_airflow_3_3(vendor: str) -> None:
    behaviour = entry_of(vendor)["ui-field-behaviour"]
    assert "port" not in behaviour["hidden-fields"]
    assert "Test button" in behaviour["placeholders"]["port"]


# The data and the code


def test_the_how_to_guides_exist() -> None:
    guides = [guide for one in INFO["integrations"] for guide in one["how-to-guide"]]
    assert {f"/docs/vendors/{vendor}.rst" for vendor in VENDORS} < set(guides)
    assert [guide for guide in guides if not (PACKAGE.parent / guide.lstrip("/")).is_file()] == []


@EVERY_VENDOR
def test_the_event_trigger_is_listed_for_the_vendors_that_can_be_watched(vendor: str) -> None:
    name = ENTRIES[vendor].vendor_name
    modules = [
        one for entry in INFO["triggers"] if entry["integration-name"] == name for one in entry["python-modules"]
    ]
    assert ("airflow_provider_imports.triggers.events" in modules) == (ENTRIES[vendor].slot is not None)


def test_every_operators_links_are_listed() -> None:
    for vendor in VENDORS:
        module = import_module(f"airflow_provider_imports.operators.{vendor}")
        for one in vars(module).values():
            if isinstance(one, type) and issubclass(one, BaseOperator):
                for link in one.operator_extra_links:
                    assert f"{type(link).__module__}.{type(link).__name__}" in INFO["extra-links"]


# Airflow before 3.2 asks the hook


@EVERY_VENDOR
def test_the_older_form_shows_the_same_further_fields(vendor: str) -> None:
    for library in ("wtforms", "flask_appbuilder", "flask_babel"):
        pytest.importorskip(library, reason="only Airflow before 3.2 brings the libraries of the older form")
    assert list(hook_class(vendor).get_connection_form_widgets()) == list(entry_of(vendor)["conn-fields"])


# The command line


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("list", ["airflow-provider-imports"]),
        ("hooks", [entry["hook-class-name"] for entry in INFO["connection-types"]]),
        ("links", INFO["extra-links"]),
    ],
    ids=["list", "hooks", "links"],
)
def test_the_command_line_shows_the_package_and_its_parts(command: str, shown: list[str]) -> None:
    arguments = [sys.executable, "-m", "airflow", "providers", command, "--output", "json"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120)
    assert [one for one in shown if one not in done.stdout] == []
