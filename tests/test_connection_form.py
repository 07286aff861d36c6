"""The connection form that this Airflow shows: from hook methods before 3.2, from the provider info since."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest
from packaging.version import Version

from airflow_provider_imports.get_provider_info import get_provider_info
from airflow_provider_imports.installed import installed
from airflow_provider_imports.version_compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_V_3_3_PLUS, AIRFLOW_VERSION

ENTRIES = installed().entries
EVERY_VENDOR = pytest.mark.parametrize("vendor", ENTRIES)
AIRFLOW_V_3_2_PLUS = Version("3.2") <= AIRFLOW_VERSION
IS_AIRFLOW_3_0 = Version("3.0") <= AIRFLOW_VERSION < Version("3.1")
WITHOUT_FIELDS = IS_AIRFLOW_3_0 and find_spec("flask_appbuilder") is None
NEEDS_FIELDS = pytest.mark.skipif(
    WITHOUT_FIELDS, reason="Airflow 3.0 shows no field of any provider's form without the FAB provider"
)
#: For a process of its own. Before 3.2, Airflow keeps for good what it first finds out about the hooks, and that lacks
#: the fields if it was not for the form.
SERVE = """
import json, sys
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
forms = [one.model_dump(mode="json", by_alias=True) for one in HookMetaService.hook_meta_data()]
print(json.dumps({"forms": {one["connection_type"]: one for one in forms}, "modules": sorted(sys.modules)}))
"""


@pytest.fixture(scope="module")
def served() -> dict[str, Any]:
    """What the API server serves for the forms, by connection type, and what it had imported by then."""
    if not AIRFLOW_V_3_0_PLUS:
        pytest.skip("Airflow 2 makes its pages of the hooks' form methods themselves")
    done = subprocess.run([sys.executable, "-c", SERVE], capture_output=True, text=True, check=True, timeout=120)
    value: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return value


@pytest.fixture(scope="module")
def forms(request: pytest.FixtureRequest) -> dict[str, tuple[str, dict[str, str | None], set[str]]]:
    """By connection type: title, the names of the shown standard fields, and the further fields."""
    if not AIRFLOW_V_3_0_PLUS:
        return _forms_of_airflow_2()
    return {
        name: (
            form["hook_name"],
            {key: field["title"] for key, field in form["standard_fields"].items() if field and not field["hidden"]},
            set(form["extra_fields"]),
        )
        for name, form in request.getfixturevalue("served")["forms"].items()
        if name in ENTRIES
    }


def _forms_of_airflow_2() -> dict[str, tuple[str, dict[str, str | None], set[str]]]:
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    forms = {}
    for vendor in ENTRIES:
        hook, behaviour = manager.hooks[vendor], manager.field_behaviours[vendor]
        assert hook is not None
        standard: dict[str, str | None] = {
            name: behaviour["relabeling"].get(name)
            for name in ("host", "login", "password", "port")
            if name not in behaviour["hidden_fields"]
        }
        prefix = f"extra__{vendor}__"
        further = {name.removeprefix(prefix) for name in manager.connection_form_widgets if name.startswith(prefix)}
        forms[vendor] = (hook.hook_name, standard, further)
    return forms


@NEEDS_FIELDS
@EVERY_VENDOR
def test_the_form_has_the_vendors_name_and_every_declared_field(forms: dict[str, Any], vendor: str) -> None:
    title, _, further = forms[vendor]

    assert title == ENTRIES[vendor].vendor_name
    assert further == set(ENTRIES[vendor].conn_fields)


@NEEDS_FIELDS
@EVERY_VENDOR
def test_the_form_names_the_password_as_the_vendor_does(forms: dict[str, Any], vendor: str) -> None:
    _, standard, _ = forms[vendor]

    assert standard["password"] == ENTRIES[vendor].ui_field_behaviour["relabeling"]["password"]


@pytest.mark.skipif(not WITHOUT_FIELDS, reason="is about Airflow 3.0 without the FAB provider")
@EVERY_VENDOR
def test_without_the_fab_provider_the_form_has_the_vendors_name_alone(served: dict[str, Any], vendor: str) -> None:
    form = served["forms"][vendor]

    assert form["hook_name"] == ENTRIES[vendor].vendor_name
    assert form["standard_fields"] is form["extra_fields"] is None


@NEEDS_FIELDS
@EVERY_VENDOR
def test_the_form_that_is_served_is_the_declared_one(served: dict[str, Any], vendor: str) -> None:
    form = served["forms"][vendor]
    (entry,) = (one for one in get_provider_info()["connection-types"] if one["connection-type"] == vendor)
    assert form["hook_name"] == ENTRIES[vendor].vendor_name
    assert form["hook_class_name"] == entry["hook-class-name"]
    behaviour, standard = entry["ui-field-behaviour"], form["standard_fields"]
    for name in ("host", "port", "login", "password"):
        assert standard[name]["hidden"] == (name in behaviour["hidden-fields"]), name
        if name in behaviour["relabeling"]:
            assert standard[name]["title"] == behaviour["relabeling"][name]
        if name in behaviour["placeholders"]:
            assert standard[name]["placeholder"] == behaviour["placeholders"][name]
    assert list(form["extra_fields"]) == list(entry["conn-fields"])
    for name, field in entry["conn-fields"].items():
        shown = form["extra_fields"][name]
        assert shown["description"] == field["description"]
        assert shown["schema"]["title"] == field["label"]
        assert shown["schema"]["type"] == _typed_in_as(field["schema"]["type"])


def _typed_in_as(types: list[str]) -> list[str]:
    """Before 3.2 forms have no field for numbers with a fraction: a text field takes them."""
    return [kind if AIRFLOW_V_3_2_PLUS or kind != "number" else "string" for kind in types]


def test_airflow_imports_no_more_for_the_forms_than_it_must(served: dict[str, Any]) -> None:
    ours = {name for name in served["modules"] if name.startswith("airflow_provider_imports")}

    if AIRFLOW_V_3_3_PLUS:
        assert ours == {
            "airflow_provider_imports",
            "airflow_provider_imports.vendors",
            "airflow_provider_imports.get_provider_info",
            *(f"airflow_provider_imports.vendors.{vendor}" for vendor in ENTRIES),
        }
    else:  # imports every provider's hooks, even where the form is in the provider info
        assert {f"airflow_provider_imports.hooks.{vendor}" for vendor in ENTRIES} <= ours
        beyond = {
            name for name in ours if name.split(".")[1:2] in (["operators"], ["sensors"], ["triggers"], ["sandbox"])
        }
        assert not beyond
