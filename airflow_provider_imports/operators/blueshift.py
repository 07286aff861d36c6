"""Start imports in Blueshift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_imports import validation
from airflow_provider_imports.links import ImportLink
from airflow_provider_imports.operators.asking import AskingImportOperator
from airflow_provider_imports.vendors.blueshift import BLUESHIFT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_imports.arguments import AskingArgs, Text
    from airflow_provider_imports.hooks.blueshift import BlueshiftHook
    from airflow_provider_imports.models import ImportRun


class BlueshiftLink(ImportLink):
    """The import task's page in Blueshift; known for the US region only, so empty for every other host."""

    name = "Open in Blueshift"


class BlueshiftTriggerCustomerImportOperator(AskingImportOperator):
    """
    Trigger a customer attributes import task of Blueshift.

    The task succeeds as soon as Blueshift has accepted, with state ``accepted``: Blueshift publishes no status of a
    run, so nothing is waited for, and rows with errors show only in Blueshift.

    Only tasks whose source is Amazon S3, that are launched, and that are scheduled for a future date or recur, can be
    triggered. One that is being processed is refused: ``if_running`` says what to do then.

    As Blueshift asks, a 5xx is repeated within the try; a repeat that is then refused as "not supported" means that
    an earlier attempt was accepted, which the task reports with a warning. A retry never triggers a second time what
    Blueshift accepted; where nobody can know, see ``on_unknown_outcome``.

    .. seealso:: :ref:`howto/operator:BlueshiftTriggerCustomerImportOperator`

    :param uuid: of the import task; it stands in the address of the task's page in Blueshift (templated)
    :param conn_id: the Airflow connection (templated)
    :param if_running: ``"fail"``, or ``"wait"``: trigger again until Blueshift takes it (templated)
    """

    entry = BLUESHIFT
    inputs: ClassVar[Sequence[str]] = ("uuid",)
    template_fields = ("conn_id", "uuid", "on_unknown_outcome", "if_running")
    operator_extra_links = (BlueshiftLink(),)

    def __init__(self, *, uuid: Text, conn_id: str = "blueshift_default", **kwargs: Unpack[AskingArgs]) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.uuid: Any = uuid

    def check(self) -> None:
        """Check the task's uuid as well."""
        super().check()
        validation.uuid("uuid", self.uuid)

    def start(self, hook: BlueshiftHook) -> ImportRun:
        """Trigger the import."""
        return hook.trigger_customer_import(self.uuid)
