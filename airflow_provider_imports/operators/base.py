"""The operator that every vendor's operator is: it starts an import once, whatever happens to the worker."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_imports import metrics, validation
from airflow_provider_imports.exceptions import UnknownOutcomeError, VendorImportError, VendorUnavailableError
from airflow_provider_imports.manifest import manifest
from airflow_provider_imports.models import ImportRun, ImportState, ImportStatus
from airflow_provider_imports.operators.record import Phase, Record
from airflow_provider_imports.operators.run_store import RunStore, content_of, fingerprint_of
from airflow_provider_imports.operators.unclear_start import begins_until, find, not_yet_clear, unknown, where_to_look
from airflow_provider_imports.signature import WholeSignature
from airflow_provider_imports.task import ImportTask
from airflow_provider_imports.version_compat import AIRFLOW_V_3_3_PLUS
from airflow_provider_imports.xcoms_and_assets import announce, failures_handed_over, hand_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_imports.arguments import OnUnknownOutcome, TaskArgs
    from airflow_provider_imports.intent import Found, Intent
    from airflow_provider_imports.models import Sent

#: How often one try starts again after an unclear start, if the user allows that.
MOST_STARTS = 3

RUNNING = ImportStatus(ImportState.RUNNING, "started")


class ImportOperator(ImportTask, BaseOperator):
    """
    Start an import, once.

    Before the start an intent is stored, right after it the run (Airflow 3.3+, ``task_state_store``). A retry then
    does not start the import a second time: see ``on_unknown_outcome`` for the one case in which nobody can know.

    :param conn_id: the Airflow connection (templated)
    :param durable: remember the start over tries; False starts anew in every try
    :param on_unknown_outcome: what to do when a start was sent and nobody can tell whether the vendor acted:
        ``"fail"`` without a retry, or ``"restart"``, which may import twice (templated)
    """

    __signature__ = WholeSignature()
    #: The attributes that make one import differ from another, as of version 0.1: more would make other fingerprints.
    inputs: ClassVar[Sequence[str]] = ()
    #: Attributes of later versions that do; they count where they are not None.
    later_inputs: ClassVar[Sequence[str]] = ()
    template_fields: Sequence[str] = ("conn_id", "on_unknown_outcome")

    def __init__(
        self,
        *,
        conn_id: str,
        durable: bool = True,
        on_unknown_outcome: OnUnknownOutcome = "fail",
        **kwargs: Unpack[TaskArgs],
    ) -> None:
        self.entry.check()
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.durable = validation.flag("durable", durable)
        self.on_unknown_outcome = on_unknown_outcome
        self._run: ImportRun | None = None
        self._manifest: dict[str, Any] | None = None
        self._store: RunStore = RunStore(None)

    def start(self, hook: Any) -> ImportRun:
        """Start the import, and return the run that the vendor confirmed."""
        raise NotImplementedError(f"{type(self).__name__} has no start()")

    def check(self) -> None:
        """
        Check the rendered parameters, before anything is sent or remembered.

        :raises InvalidInputError: naming the parameter and what it should be
        """
        super().check()
        validation.one_of("on_unknown_outcome", self.on_unknown_outcome, ("fail", "restart"))

    def prepare(self) -> None:
        """
        Open and check what is to be sent; only for a start, since a retry may find the import under way without it.

        :raises InvalidInputError: if it can't be sent
        :raises FileNotFoundError: if there is no such file
        """

    @property
    def in_steps(self) -> bool:
        """The vendor can't act on the first bytes; what completes the start is noted by ``self._store.sending``."""
        return False

    def content_version(self) -> object:
        """What tells one content of what was prepared from another, for instance a file's size and time of change."""
        return None

    def sent(self) -> Sent | None:
        """What was sent, as far as it is known; None in a try that did not start the import itself."""
        return None

    def execute(self, context: Context) -> Any:
        """
        Start the import and return its manifest.

        :raises UnknownOutcomeError: if nobody can tell whether the vendor started it; Airflow does not retry that
        :raises VendorImportError: if the vendor did not start it
        """
        self.check()
        with failures_handed_over(self, context):
            return self._start_and_report(context)

    def _start_and_report(self, context: Context) -> dict[str, Any]:
        run, status = self._attach_or_start(context)
        level = logging.WARNING if run.remark else logging.INFO
        self.log.log(level, "%s: %s", self.what(run), status.message or status.state)
        return self._report_start(context, run, status)

    def _report_start(self, context: Context, run: ImportRun, status: ImportStatus) -> dict[str, Any]:
        """Remember and hand over what is known right after the start, since nothing is waited for."""
        self._store.ended(run, status)
        return hand_over(self, context, manifest(run, status, self._what_was_sent()))

    @property
    def import_url(self) -> str:
        """The address of the import's page at the vendor; empty if there is no import yet, or no known page."""
        return "" if self._run is None else self._run.url or ""

    def what(self, run: ImportRun) -> str:
        """The import, in words."""
        return f"{self.hook.hook_name} import ({run})"

    def _attach_or_start(self, context: Context) -> tuple[ImportRun, ImportStatus]:
        """Find the run that an earlier try started, or start one; remember it, and tell downstream tasks."""
        self._store = self._open_store(context)
        attached = self._attach(self._store.load(self._content))
        run, status = attached or self._start(context)
        metrics.count("imports.reattached" if attached else "imports.started", run.vendor)
        self._announce(context, run)
        return run, status

    def _open_store(self, context: Context) -> RunStore:
        if self.durable and not AIRFLOW_V_3_3_PLUS:
            self.log.warning("Airflow below 3.3 remembers nothing over tries: a retry would start the import again")
        values = [content_of(name, getattr(self, name)) for name in self.inputs]
        later = {name: value for name in self.later_inputs if (value := getattr(self, name)) is not None}
        return self._stored(context, fingerprint_of(self.task_type, self.conn_id, values, *([later] if later else [])))

    def _content(self) -> str | None:
        """Fingerprint of what is to be sent; None if that is not here, as on another worker."""
        try:
            self.prepare()
        except (VendorImportError, OSError) as error:
            self.log.info("What was to be sent can't be compared: %s", error)
            return None
        return fingerprint_of(self.content_version())

    def _stored(self, context: Context, fingerprint: str | None = None) -> RunStore:
        store: Any = context.get("task_state_store") if self.durable else None
        generation = getattr(context.get("ti"), "max_tries", None)
        return RunStore(store, fingerprint, generation if isinstance(generation, int) else None)

    def _attach(self, record: Record | None) -> tuple[ImportRun, ImportStatus] | None:
        """Go on with what an earlier try left, or return None to start."""
        if record is None:
            return None
        if record.phase in (Phase.INTENDED, Phase.ASKED):
            return self._attach_to_unclear_start(self._store.looked() if record.unread is None else record)
        if record.run is None:
            raise TypeError(f"a record of phase {record.phase} without a run")
        self.log.info("An earlier try started this %s, so it is not started again", self.what(record.run))
        return self._go_on_with(record.run, record.status if record.phase is Phase.ENDED else None)

    def _attach_to_unclear_start(self, record: Record) -> tuple[ImportRun, ImportStatus] | None:
        told = "An earlier try ended while it was starting the import."
        if record.unread is None:
            until = begins_until(self.hook, record)
            found = self._find(record.intent, until)
            if found.run is not None:
                self.log.info("An earlier try ended while it started this %s, which took place", self.what(found.run))
                self._store.started(found.run)
                return self._go_on_with(found.run, None)
            if found.would_show or found.not_sent:
                self._raise_unless_not_started(found, told, until)
                self.log.info("%s Nothing was started, so it starts now", told)
                return None
        else:
            told = "What an earlier try stored can't be read, so it may have started the import."
        if record.phase is Phase.ASKED and self._store.was_cleared:
            self.log.warning("%s The task was cleared after it asked, so the import is started: twice, if it was", told)
        elif self.on_unknown_outcome == "restart":
            self.log.warning("%s on_unknown_outcome='restart' starts it again: twice, if it was", told)
        else:
            self._store.asked()
            raise unknown(self.hook, told)
        self._store.forget()
        return None

    def _raise_unless_not_started(self, found: Found, told: str, until: datetime) -> None:
        """Forget what is stored if certainly nothing was started, so that it may be started."""
        if not found.not_sent and datetime.now(UTC) < until:
            raise not_yet_clear(self.hook, told, until)
        self._store.forget()

    def _go_on_with(self, run: ImportRun, status: ImportStatus | None) -> tuple[ImportRun, ImportStatus] | None:
        self._run = run  # ours, so a kill from here on concerns it
        attached = self._attach_to_run(run, status)
        self._run = None if attached is None else run
        return attached

    def _attach_to_run(self, run: ImportRun, status: ImportStatus | None) -> tuple[ImportRun, ImportStatus] | None:
        """
        Go on with a run that the vendor confirmed, or return None to start anew.

        :param status: how it ended, if an earlier try saw that
        """
        return run, status or self._status_after_start(run)

    def _start(self, context: Context) -> tuple[ImportRun, ImportStatus]:
        """Start the import: the intent first, the run after it."""
        self.prepare()
        for attempt in range(1, MOST_STARTS + 1):
            self._run = run = self._start_once(context, last=attempt == MOST_STARTS)
            if run is not None:
                self.log.info("Started %s", self.what(run))
                self._store.started(run)
                return run, self._status_after_start(run)
        raise RuntimeError("a start was neither confirmed nor refused")

    def _start_once(self, context: Context, *, last: bool) -> ImportRun | None:
        """Start the import, or find it after an unclear start; None if it may be started again at once."""
        _ = self.hook.client.settings  # looked up now, so that nothing lies between the last check and the first byte
        self._intend()
        self._store.verify()
        try:
            return self.start(self.hook)
        except UnknownOutcomeError as error:
            self._store.unclear()
            return self._run_of_unclear_start(error, last=last)
        except VendorImportError:
            self._store.forget()  # nothing was started, so a retry is free to start
            raise

    def _intend(self) -> None:
        """Store that the start is about to be sent."""
        self._store.intend(content=fingerprint_of(self.content_version()), in_steps=self.in_steps)

    def _run_of_unclear_start(self, error: UnknownOutcomeError, *, last: bool) -> ImportRun | None:
        """Find the run of a start with an unclear outcome; None if it may be started again at once."""
        record = self._store.looked()
        until = begins_until(self.hook, record)
        found = self._find(record.intent, until)
        if found.run is not None:
            self.log.warning("%s It did: found %s", error, self.what(found.run))
        elif found.would_show or found.not_sent:
            self._raise_unless_not_started(found, str(error), until)
            raise VendorUnavailableError(
                f"{error} {self.hook.hook_name} shows that nothing was started; a retry is safe.",
                vendor=error.vendor,
                operation=error.operation,
                status_code=error.status_code,
            ) from error
        elif self.on_unknown_outcome == "fail" or last:
            self._store.asked()
            raise unknown(self.hook, str(error), error) from error
        else:
            self.log.warning("%s on_unknown_outcome='restart' starts it again.", error)
        return found.run

    def _status_after_start(self, run: ImportRun) -> ImportStatus:
        """What is known of a run that was started; for a vendor that publishes no status, all there will ever be."""
        told = [run.remark] if run.remark else []
        if not self.entry.reports_status:
            told.append(
                f"{self.hook.hook_name} accepted the start. It publishes no status of a run, so the task ends here; "
                f"whether the data gets in shows only in {where_to_look(self.hook)}."
            )
        return ImportStatus(ImportState.ACCEPTED, "accepted", message=" ".join(told) or None)

    def _find(self, intent: Intent, until: datetime) -> Found:
        return find(self.hook, intent, until)

    def _announce(self, context: Context, run: ImportRun) -> None:
        announce(self, context, run)

    def _what_was_sent(self) -> Sent | None:
        return self.sent()
