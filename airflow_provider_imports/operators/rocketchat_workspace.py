"""What every operator of Rocket.Chat shares: a workspace has one import operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Unpack

from airflow_provider_imports.links import ImportLink
from airflow_provider_imports.operators.slots import SlotImportOperator
from airflow_provider_imports.vendors.rocketchat import ROCKETCHAT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_imports.arguments import DeferrableArgs, IfRunning, PollingArgs, Seconds
    from airflow_provider_imports.hooks.rocketchat import RocketChatHook
    from airflow_provider_imports.intent import Intent
    from airflow_provider_imports.models import ImportRun, ImportStatus
    from airflow_provider_imports.operators.record import Record

    class RocketChatArgs(PollingArgs, total=False):
        """Of the operators of Rocket.Chat that wait for an import's end."""

        conn_id: str
        if_running: IfRunning

    class RocketChatCreateArgs(DeferrableArgs, total=False):
        """Of the operator of Rocket.Chat that makes an operation."""

        cancel_on_kill: bool
        poll_interval: Seconds
        max_poll_interval: Seconds


class RocketChatImportLink(ImportLink):
    """The workspace's import page (``/admin/import``)."""

    name = "Open in Rocket.Chat"


class RocketChatOperator(SlotImportOperator):
    """
    What both operators of Rocket.Chat share: the workspace has one import operation, and a new one ends it.

    :param conn_id: the Airflow connection (templated)
    """

    entry = ROCKETCHAT
    operator_extra_links = (RocketChatImportLink(),)
    template_fields: Sequence[str] = ("conn_id", "on_unknown_outcome", "if_running")

    def __init__(
        self,
        *,
        conn_id: str = "rocketchat_default",
        if_running: IfRunning = "fail",
        **kwargs: Unpack[PollingArgs],
    ) -> None:
        super().__init__(conn_id=conn_id, if_running=if_running, **kwargs)
        self._earlier: Intent | None = None

    def slot(self) -> Mapping[str, str]:
        """The workspace; what an earlier try of this task left there is not in the way."""
        intent = self._earlier
        slot = {"workspace": self.conn_id}
        if intent is not None and intent.run is not None:
            slot["ours"] = intent.run.key["operation_id"]
        if intent is not None:  # also one whose id never reached us
            slot |= {"since": intent.at.isoformat(), "user": self.hook.client.settings.login}
        return slot

    def _lock_name(self, slot: Mapping[str, str]) -> str:
        return super()._lock_name({})  # one for the whole workspace, whatever this task left there

    def _attach_to_unclear_start(self, record: Record) -> tuple[ImportRun, ImportStatus] | None:
        self._earlier = record.intent
        return super()._attach_to_unclear_start(record)

    @property
    def _operation_before(self) -> str | None:
        """The operation that was there when this start was intended."""
        return None if self._before is None else self._before.get("operation_id")


class RocketChatDownloadOperator(RocketChatOperator):
    """What both operators share that fetch what an import left pending."""

    #: The importer of the operation that Rocket.Chat makes for it.
    importer: ClassVar[str]

    def slot(self) -> Mapping[str, str]:
        """The workspace, and whose operation a lost answer was about."""
        return {**super().slot(), "importer": self.importer, "user": self.hook.client.settings.login}

    def start(self, hook: RocketChatHook) -> ImportRun:
        """Begin to fetch."""
        return hook.download_pending(self.importer, self._operation_before)
