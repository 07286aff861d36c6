"""Wait for imports in WEBSALE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from airflow_provider_imports import validation
from airflow_provider_imports.sensors.judging import JudgingImportSensor
from airflow_provider_imports.vendors.websale import WEBSALE

if TYPE_CHECKING:
    from airflow_provider_imports.arguments import JudgingSensorArgs, Seconds, Text
    from airflow_provider_imports.models import ImportRun


class WebsaleImportSensor(JudgingImportSensor):
    """
    Wait for an import of WEBSALE that somebody else started.

    Without ``start`` it waits for whichever import of the service is the current one, and goes on with the next if
    that takes its place; one that ended long ago satisfies it at once. With ``start`` it fails as soon as another
    import has taken the place of that one.

    .. seealso:: :ref:`howto/sensor:WebsaleImportSensor`

    :param service: the service, for instance ``product`` (templated)
    :param start: the ``start`` that WEBSALE's status shows, or that ``run`` of an operator's result holds (templated)
    :param conn_id: the Airflow connection (templated)
    :param poke_interval: time between two looks; the shortest, if deferrable
    :param max_poll_interval: longest time between two looks, if deferrable
    """

    entry = WEBSALE
    template_fields = ("conn_id", "service", "start")
    default_poke_interval = WEBSALE.poll_interval

    def __init__(
        self,
        *,
        service: Text,
        start: Text | None = None,
        conn_id: str = "websale_default",
        poke_interval: Seconds = WEBSALE.poll_interval,
        max_poll_interval: Seconds = WEBSALE.max_poll_interval,
        **kwargs: Unpack[JudgingSensorArgs],
    ) -> None:
        super().__init__(conn_id=conn_id, poke_interval=poke_interval, max_poll_interval=max_poll_interval, **kwargs)
        self.service: Any = service
        self.start: Any = start
        self._given = validation.given(start=start)

    def check(self) -> None:
        """Check whom to wait for as well."""
        super().check()
        self.run_to_watch()

    def run_to_watch(self) -> ImportRun:
        """The import that began at ``start``, or whichever is current."""
        from airflow_provider_imports.hooks.websale.status import websale_run

        return websale_run(self.service, self.start)
