"""The operator for vendors that refuse a start while they are busy, and show nothing of what is under way."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Literal, Unpack

from airflow.providers.common.compat.sdk import conf

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import ImportBusyError, ImportTimeoutError
from airflow_provider_imports.operators.base import ImportOperator
from airflow_provider_imports.vendors import FROM_ENTRY, given_or_own
from airflow_provider_imports.version_compat import backstop, deadline
from airflow_provider_imports.xcoms_and_assets import failures_handed_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_imports.arguments import ImportArgs, Seconds


class AskingImportOperator(ImportOperator):
    """
    Start an import, once; while the vendor refuses it as busy, fail or ask again.

    Such a refusal is documented and starts nothing, so it may be repeated. Times are seconds or a ``timedelta``.

    :param if_running: when the vendor refuses the start since one is under way: ``"fail"`` (a retry may succeed), or
        ``"wait"``: ask again until it is accepted (templated)
    :param deferrable: wait on the triggerer, without a worker (default: ``[operators] default_deferrable``)
    :param timeout: for the whole wait; ``execution_timeout`` ends it earlier if that is shorter
    :param poll_interval: shortest time between two starts; longer the longer it takes
    :param max_poll_interval: longest time between two starts
    """

    template_fields: Sequence[str] = (*ImportOperator.template_fields, "if_running")

    def __init__(
        self,
        *,
        conn_id: str,
        if_running: Literal["fail", "wait"] = "fail",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        timeout: Seconds = 86400,
        poll_interval: Seconds = FROM_ENTRY,
        max_poll_interval: Seconds = FROM_ENTRY,
        **kwargs: Unpack[ImportArgs],
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.if_running = if_running
        self.deferrable = validation.flag("deferrable", deferrable)
        self.timeout = validation.seconds("timeout", timeout)
        shortest, longest = given_or_own(self.entry, poll_interval=poll_interval, max_poll_interval=max_poll_interval)
        self.poll_interval = validation.seconds("poll_interval", shortest)
        self.max_poll_interval = validation.seconds("max_poll_interval", longest)

    def check(self) -> None:
        """Check ``if_running`` as well."""
        super().check()
        validation.one_of("if_running", self.if_running, ("fail", "wait"))

    def execute(self, context: Context) -> Any:
        """
        Start the import and return its manifest.

        :raises ImportBusyError: if the vendor refuses it as busy, and ``if_running`` is ``"fail"``
        :raises ImportTimeoutError: if it still does at the deadline; nothing was started
        :raises UnknownOutcomeError: if nobody can tell whether the vendor started it; Airflow does not retry that
        :raises VendorImportError: if the vendor did not start it
        """
        self.check()
        now, started_at = time.time(), getattr(context.get("ti"), "start_date", None)
        return self._ask(context, now, deadline(now, self.timeout, started_at, self.execution_timeout))

    def ask_again(self, context: Context, event: dict[str, Any] | None = None, *, began: float, until: float) -> Any:
        """
        Ask once more after a pause on the triggerer.

        :param began: when the first start was refused, epoch seconds
        :param until: the deadline, epoch seconds
        """
        self.check()
        return self._ask(context, began, until)

    def _ask(self, context: Context, began: float, until: float) -> dict[str, Any]:
        from airflow_provider_imports.polling import PollPolicy, next_wait

        policy = PollPolicy(self.poll_interval, self.max_poll_interval)
        with failures_handed_over(self, context):
            while True:
                try:
                    return self._start_and_report(context)
                except ImportBusyError as error:
                    if self.if_running != "wait":
                        raise
                    now = time.time()
                    if now >= until:
                        raise ImportTimeoutError(
                            f"{self.hook.hook_name} stayed busy until the deadline (timeout): {error}",
                            vendor=self.hook.vendor,
                        ) from error
                    pause = max(0.0, min(next_wait(policy, now - began, random.random()), until - now))
                    self.log.info("Asked again in %.0f s: %s", pause, error)
                if self.deferrable:
                    self._pause_on_the_triggerer(time.time() + pause, began, until)
                time.sleep(pause)

    def _pause_on_the_triggerer(self, moment: float, began: float, until: float) -> None:
        from airflow_provider_imports.triggers.pause import PauseTrigger

        self.defer(
            trigger=PauseTrigger(moment=moment),
            method_name="ask_again",
            kwargs={"began": began, "until": until},
            timeout=backstop(time.time(), until),
        )
