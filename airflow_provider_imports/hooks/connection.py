"""The Airflow connection of a hook: looked up, read, opened as a session, and as a form in Airflow's UI."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowNotFoundException
from airflow.providers.http.hooks.http import HttpHook

from airflow_provider_imports.exceptions import ConnectionSettingsError, VendorUnavailableError
from airflow_provider_imports.hooks.description import VendorDescription
from airflow_provider_imports.http.settings import AirflowConnection, Settings, read_settings
from airflow_provider_imports.http.sync_session import open_session
from airflow_provider_imports.installed import installed

if TYPE_CHECKING:
    from requests import Session

if TYPE_CHECKING:
    from airflow_provider_imports.http.async_client import AsyncClient
    from airflow_provider_imports.http.sync_client import SyncClient


class ConnectionHook(VendorDescription, HttpHook):
    """
    The http provider's hook, whose connection is one of ours.

    :param conn_id: the Airflow connection
    :param longest_timeout: seconds for one answer at most, whatever the connection says; for a task being killed
    """

    conn_name_attr = "conn_id"

    def __init__(self, conn_id: str | None = None, longest_timeout: float | None = None) -> None:
        self.entry.check()
        super().__init__(method="GET", http_conn_id=conn_id or self.default_conn_name)
        self.conn_id: str = self.http_conn_id
        self._longest_timeout = longest_timeout
        self._client: SyncClient | None = None
        self._shared: AsyncClient | None = None

    @property
    def known_base_url(self) -> str | None:
        """The vendor's address, if the connection has been looked up; it is not looked up for this."""
        client = self._shared or self._client
        settings = None if client is None else client.access.settings
        return None if settings is None else settings.base_url

    def _look_up(self) -> Settings:
        try:
            connection = self.get_connection(self.conn_id)
        except AirflowNotFoundException as error:
            raise self._no_connection() from error
        return self._settings(connection)

    async def _alook_up(self) -> Settings:
        from airflow.providers.common.compat.connection import get_async_connection

        try:
            connection = await get_async_connection(self.conn_id, hook=self)
        except AirflowNotFoundException as error:
            raise self._no_connection() from error
        except Exception as error:  # whatever the secrets backend or the API server raises: an outage of theirs
            raise VendorUnavailableError(
                f"The Airflow connection {self.conn_id!r} could not be looked up ({type(error).__name__}).",
                vendor=self.vendor,
            ) from error
        if connection.conn_type != self.conn_type:
            await asyncio.to_thread(installed)  # whose type it may be is asked below
        return self._settings(connection)

    def _no_connection(self) -> ConnectionSettingsError:
        variable = f"AIRFLOW_CONN_{self.conn_id.upper()}"
        if os.environ.get(variable):
            return ConnectionSettingsError(
                f"The Airflow connection {self.conn_id!r} is set in {variable}, but Airflow can't read it: it must be "
                "a URI, or a JSON object with only conn_type, host, schema, login, password, port and extra. "
                "Nothing was sent.",
                vendor=self.vendor,
            )
        return ConnectionSettingsError(
            f"There is no Airflow connection {self.conn_id!r}. Create it with type {self.hook_name} "
            f"({variable}, the UI under Admin > Connections, or a secrets backend). "
            "Nothing was sent.",
            vendor=self.vendor,
        )

    def _settings(self, connection: AirflowConnection) -> Settings:
        return self._shortened(read_settings(self.entry, connection, self.default_host_of(connection)))

    def _shortened(self, settings: Settings) -> Settings:
        if self._longest_timeout is None:
            return settings
        return replace(settings, timeout=min(settings.timeout, self._longest_timeout))

    def _open_session(self, settings: Settings) -> Session:
        self.base_url = settings.base_url
        self._base_url_initialized = True
        return open_session(settings)

    def _set_base_url(self, connection: AirflowConnection) -> None:
        self.base_url = self._settings(connection).base_url
        self._base_url_initialized = True

    # Forms of Airflow before 3.2, which ask the hook

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give each vendor's hook form methods of its own: Airflow before 3.2 does not see inherited ones."""
        super().__init_subclass__(**kwargs)
        for name in ("get_ui_field_behaviour", "get_connection_form_widgets"):
            if name not in cls.__dict__:
                setattr(cls, name, ConnectionHook.__dict__[name])

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """The connection form's standard fields, from the same data as the provider info."""
        behaviour = cls.entry.ui_field_behaviour
        return {name.replace("-", "_"): value for name, value in behaviour.items()}

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """The connection form's further fields, from the same data as the provider info."""
        from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
        from flask_babel import lazy_gettext
        from wtforms import BooleanField, StringField
        from wtforms.validators import Optional, any_of

        def field(declared: dict[str, Any]) -> Any:
            label, description = lazy_gettext(declared["label"]), declared["description"]
            if "boolean" in declared["schema"]["type"]:
                return BooleanField(label, description=description)
            choices = [one for one in declared["schema"].get("enum", ()) if one is not None]
            validators = [Optional(), any_of(choices)] if choices else [Optional()]
            return StringField(label, validators, widget=BS3TextFieldWidget(), description=description)

        return {name: field(declared) for name, declared in cls.entry.conn_fields.items()}
