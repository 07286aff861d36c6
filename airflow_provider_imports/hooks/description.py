"""What a vendor's hook describes: how it authenticates, what it calls, and how its answers are to be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from airflow_provider_imports.exceptions import ConnectionSettingsError
from airflow_provider_imports.http.errors import HTML_PAGE
from airflow_provider_imports.intent import Found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.exceptions import VendorImportError
    from airflow_provider_imports.hooks.slot_turns import Slot
    from airflow_provider_imports.http.call import Answer, Call, Flow
    from airflow_provider_imports.http.settings import AirflowConnection, Settings
    from airflow_provider_imports.intent import Intent
    from airflow_provider_imports.models import ImportRun, ImportStatus
    from airflow_provider_imports.vendors import VendorEntry


class NewestImport(NamedTuple):
    """The import that a vendor shows as the newest one of a slot, whoever started it, and where it stands."""

    run: ImportRun
    status: ImportStatus


#: How vendors word that the same thing runs already: it passes, so a later retry may succeed.
_BUSY = re.compile(r"being processed|already (?:running|in progress|processing)|currently (?:running|processing)", re.I)


def says_busy(message: str) -> bool:
    """Say whether a refusal's own words mean that something else runs there, which passes."""
    return _BUSY.search(message) is not None


class VendorDescription:
    """
    One vendor, as far as it differs from the others. Nothing here sends anything.

    How the connection authenticates: :meth:`authorization`, or :meth:`login_call` and :meth:`read_login`. Which calls
    read, cancel and test: :meth:`status_flow`, :meth:`cancel_flow`, :meth:`test_flow`. A vendor overrides what it has.
    """

    #: The vendor's entry, from which the connection's type, its default id and the vendor's name come.
    entry: ClassVar[VendorEntry]
    conn_type: str
    default_conn_name: str
    hook_name: str
    #: What the form calls the fields that the credentials are in.
    credentials: str
    #: Where the vendor lives if the connection names no host.
    default_host: str
    #: Where people look in the vendor's own UI.
    where_to_look: ClassVar[str] = ""
    #: The vendor's documented limit; the connection's ``requests_per_minute`` overrides it.
    requests_per_minute: ClassVar[float | None] = None
    #: The limit counts each operation by itself.
    rate_limit_by_operation: ClassVar[bool] = False
    #: Seconds after a start in which "no such import" is taken for the vendor's lag.
    not_found_grace: ClassVar[float] = 0.0
    #: Seconds after the last byte of a start in which the vendor may still begin the import; one that is not shown
    #: after that was not started. For vendors whose :meth:`adopt_flow` finds runs.
    longest_start: ClassVar[float] = 120.0
    #: The vendor has a call that cancels a running import.
    can_cancel: ClassVar[bool] = False
    #: Advice that only this vendor's documentation gives, by operation (or ``*``) and HTTP status.
    hints: ClassVar[Mapping[tuple[str, int], str]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give a vendor's class the attributes that Airflow reads."""
        super().__init_subclass__(**kwargs)
        if "entry" in cls.__dict__:
            cls.conn_type = cls.entry.conn_type
            cls.credentials = cls.entry.credentials
            cls.default_conn_name = cls.entry.default_conn_id
            cls.hook_name = cls.entry.vendor_name

    @property
    def vendor(self) -> str:
        """The vendor's name in manifests and errors: its connection type."""
        return self.conn_type

    def authorization(self, settings: Settings) -> Mapping[str, str]:
        """Headers that carry the connection's credentials."""
        raise NotImplementedError(f"{type(self).__name__} has neither authorization() nor login_call()")

    def require_credentials(self, settings: Settings, *fields: str) -> None:
        """
        See that the connection has credentials.

        :param fields: ``login``, ``password``
        :raises ConnectionSettingsError: naming the first one that is empty, as the connection's form calls it
        """
        for field in fields:
            if not getattr(settings, field):
                raise ConnectionSettingsError(
                    f"Connection {settings.conn_id!r} has no {self.entry.label(field)}; enter it as {field}. "
                    "Nothing was sent.",
                    vendor=self.vendor,
                )

    def login_call(self, settings: Settings) -> Call | None:
        """The log-in, for a vendor that has one."""
        return None

    def read_login(self, answer: Answer, settings: Settings) -> Mapping[str, str]:
        """Headers that carry what the log-in gave."""
        raise NotImplementedError(f"{type(self).__name__} has login_call() but not read_login()")

    def refusal(self, call: Call, answer: Answer) -> VendorImportError | None:
        """Judge an answer by the vendor's own rules; None where HTTP's rules do."""
        return None

    def hint(self, call: Call, error: VendorImportError) -> str | None:
        """Advice that only this vendor's documentation gives; none for a page of some other server."""
        is_page = (error.vendor_message or "").startswith(HTML_PAGE)
        if error.status_code is None or (is_page and error.status_code != 413):  # a gateway's limit is one, too
            return None
        return self.hints.get((call.operation, error.status_code)) or self.hints.get(("*", error.status_code))

    def rate_limit_wait(self, answer: Answer, now: float) -> float | None:
        """Seconds to wait after a 429, where the vendor's own rules say more than its headers."""
        return None

    def status_flow(self, run: ImportRun) -> Flow[ImportStatus]:
        """
        Read a run's status.

        :raises ImportSupersededError: if the vendor now shows another run in its place
        """
        raise NotImplementedError(f"{self.hook_name} publishes no status of an import run")

    def slot_flow(self, slot: Mapping[str, str]) -> Flow[Slot]:
        """Read who occupies the vendor's only slot for imports of this kind."""
        raise NotImplementedError(f"{self.hook_name} has no slot that only one import can occupy")

    def newest_flow(self, slot: Mapping[str, str]) -> Flow[NewestImport | None]:
        """
        Read the newest import of a slot, whoever started it; None if there never was one. It takes nobody's turn.

        :param slot: has the names that ``slot`` of the vendor's entry lists
        """
        raise NotImplementedError(f"{self.hook_name} does not show an import that others started")

    def adopt_flow(self, intent: Intent) -> Flow[Found]:
        """Look for the run of a start whose outcome is unknown; a vendor that cannot tell finds nothing."""
        yield from ()  # a flow without calls
        return Found(None, would_show=False)

    def cancel_flow(self, run: ImportRun) -> Flow[str]:
        """Cancel a run if it is still ours to cancel, and say what became of it."""
        raise NotImplementedError(f"{self.hook_name} has no call that cancels an import")

    def test_flow(self) -> Flow[str]:
        """Read something harmless, and say what that proves."""
        raise NotImplementedError(f"{type(self).__name__} has no test_flow()")

    def default_host_of(self, connection: AirflowConnection) -> str:
        """Where the vendor lives if the connection names no host."""
        return self.default_host

    def rate_limit_key(self, call: Call) -> str:
        """Which of the connection's paces a call keeps to."""
        return call.operation if self.rate_limit_by_operation else ""
