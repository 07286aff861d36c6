"""What the operators share that change what an import of WEBSALE does, and wait for nothing."""

from __future__ import annotations

from functools import cached_property
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Unpack

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_imports import validation
from airflow_provider_imports.manifest import manifest
from airflow_provider_imports.models import ImportRun, ImportStatus
from airflow_provider_imports.signature import WholeSignature
from airflow_provider_imports.vendors.websale import WEBSALE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_imports.arguments import TaskArgs, Text
    from airflow_provider_imports.hooks.websale import WebsaleHook
    from airflow_provider_imports.hooks.websale.status import WebsaleImport


class WebsaleControlOperator(BaseOperator):
    """
    What both operators share that change what an import of WEBSALE does, and wait for nothing.

    :param service: the service, for instance ``product`` (templated)
    :param conn_id: the Airflow connection (templated)
    """

    __signature__ = WholeSignature()
    template_fields: Sequence[str] = ("conn_id", "service")

    def __init__(self, *, service: Text, conn_id: str = "websale_default", **kwargs: Unpack[TaskArgs]) -> None:
        super().__init__(**kwargs)
        self.service: Any = service
        self.conn_id = conn_id

    @cached_property
    def hook(self) -> WebsaleHook:
        """WEBSALE's hook."""
        hook: WebsaleHook = resolve_name(WEBSALE.hook)(self.conn_id)
        return hook

    def act(self, hook: WebsaleHook) -> WebsaleImport:
        """Send the call."""
        raise NotImplementedError(f"{type(self).__name__} has no act()")

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Send the call, and return the import's manifest.

        :raises VendorRequestError: if the import is not in a state for it; Airflow does not retry that
        :raises VendorImportError: if WEBSALE did not do it
        """
        from airflow_provider_imports.hooks.websale.calls import check_service

        validation.required("conn_id", self.conn_id)
        check_service(self.service)
        seen = self.act(self.hook)
        self.log.info("WEBSALE: %s", seen)
        return manifest(*confirmed(seen))


def confirmed(seen: WebsaleImport) -> tuple[ImportRun, ImportStatus]:
    """The import of an answer; one without a ``start`` can't be told from another."""
    return seen.run or ImportRun("websale", {"service": seen.service, "start": ""}), seen.status
