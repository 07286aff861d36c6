"""The connection form that this Airflow shows: from hook methods before 3.2, from the provider info since."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_imports.connections import CONNECTION_TYPES
from airflow_provider_imports.version_compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_VERSION

if (AIRFLOW_VERSION.major, AIRFLOW_VERSION.minor) == (3, 0):
    pytest.importorskip("flask_appbuilder", reason="Airflow 3.0 shows no provider's form without the FAB provider")


@pytest.fixture(scope="module")
def forms() -> dict[str, tuple[str, dict[str, str | None], set[str]]]:
    """By connection type: title, the names of the shown standard fields, and the further fields."""
    return _forms_of_airflow_3() if AIRFLOW_V_3_0_PLUS else _forms_of_airflow_2()


@pytest.mark.parametrize("vendor", CONNECTION_TYPES)
def test_the_form_has_the_vendors_name_and_every_declared_field(forms: dict[str, Any], vendor: str) -> None:
    title, _, further = forms[vendor]

    assert title == CONNECTION_TYPES[vendor].vendor_name
    assert further == set(CONNECTION_TYPES[vendor].conn_fields)


@pytest.mark.parametrize("vendor", CONNECTION_TYPES)
def test_the_form_names_the_password_as_the_vendor_does(forms: dict[str, Any], vendor: str) -> None:
    _, standard, _ = forms[vendor]

    assert standard["password"] == CONNECTION_TYPES[vendor].ui_field_behaviour["relabeling"]["password"]


def _forms_of_airflow_3() -> dict[str, tuple[str, dict[str, str | None], set[str]]]:
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    return {
        hook.connection_type: (
            hook.hook_name,
            {name: field.title for name, field in hook.standard_fields or () if field and not field.hidden},
            set(hook.extra_fields or {}),
        )
        for hook in HookMetaService.hook_meta_data()
        if hook.connection_type in CONNECTION_TYPES
    }


def _forms_of_airflow_2() -> dict[str, tuple[str, dict[str, str | None], set[str]]]:
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    forms = {}
    for vendor in CONNECTION_TYPES:
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
