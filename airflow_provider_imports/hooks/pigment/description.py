"""
Pigment described: its key, limits and hints, and how a run is read. Nothing here sends.

Sources: https://kb.pigment.com/docs/trigger-import-apis and Pigment's OpenAPI document ("Pigment External API",
``v1-external``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_imports.exceptions import ConnectionSettingsError
from airflow_provider_imports.hooks.description import VendorDescription
from airflow_provider_imports.hooks.pigment import metadata
from airflow_provider_imports.hooks.pigment.calls import import_status
from airflow_provider_imports.vendors.pigment import PIGMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.http.call import Answer, Call, Flow
    from airflow_provider_imports.http.settings import Settings
    from airflow_provider_imports.models import ImportRun, ImportStatus

#: Seconds to wait after the two kinds of 429, whose windows are 5 minutes and one hour.
REQUEST_LIMIT_WAIT = 60.0
PUSH_LIMIT_WAIT = 600.0
#: Five groups, as in Pigment's own example of the old format, ``3jp2e232-9875-42f4-9fcf-63fe2ce568jp``.
_RETIRED_KEY = re.compile(r"[0-9A-Za-z]+(?:-[0-9A-Za-z]+){4}")
_WHERE_THE_ID_IS = (
    "Check configuration_id (in Pigment: the block's Settings > Import configurations > Copy ID, which needs the "
    "permission Import Data), and that the key's owner may see it."
)


class PigmentDescription(VendorDescription):
    """Pigment, as far as it differs from other vendors."""

    entry = PIGMENT
    default_host = "https://pigment.app"
    where_to_look = (
        'the "Update History" of the block in Pigment (listed under the person who created or edited the '
        "configuration, not under the key's owner)"
    )
    #: 500 requests in 5 minutes from one IP address, all public endpoints together.
    requests_per_minute = 100.0
    #: How soon the status of a new import can be read is not documented.
    not_found_grace = 60.0
    hints = {
        ("*", 401): (
            "A Pigment API key ends on the day before its expiry date, may be limited to IP addresses, and is of one "
            "type: starting imports needs the type Import."
        ),
        **metadata.HINTS,
        ("push_csv", 400): (
            "Pigment answers 400 for a file that is too large, too, and for a configuration that takes no uploads."
        ),
        ("push_csv", 404): _WHERE_THE_ID_IS,
        ("trigger_import", 400): (
            "This call runs integration, list and metric configurations; for an upload configuration use push_csv."
        ),
        ("trigger_import", 404): _WHERE_THE_ID_IS,
        ("get_import_status", 404): "Pigment knows no import with this importId (a new one may take a moment).",
    }

    def authorization(self, settings: Settings) -> Mapping[str, str]:
        """Bearer token: the API key; one of the retired format is not sent."""
        self.require_credentials(settings, "password")
        if _RETIRED_KEY.fullmatch(settings.password):
            raise ConnectionSettingsError(
                f"Connection {settings.conn_id!r} has an API key with dashes, a format that Pigment has retired. "
                "Nothing was sent; generate a new key in Pigment and enter it as password.",
                vendor=self.vendor,
            )
        return {"Authorization": f"Bearer {settings.password}"}

    def rate_limit_wait(self, answer: Answer, now: float) -> float | None:
        """Tell the two 429s apart: 300 pushes an hour and configuration, or 500 requests in 5 minutes and address."""
        return PUSH_LIMIT_WAIT if b"per hour" in answer.content else REQUEST_LIMIT_WAIT

    def rate_limit_key(self, call: Call) -> str:
        """Keep pushes to a pace of their own: a configuration over its hourly limit must hold up nothing else."""
        return call.target if call.operation == "push_csv" else ""

    def status_flow(self, run: ImportRun) -> Flow[ImportStatus]:
        """Read the status; once the import has ended, the detailed report as well."""
        status = yield from import_status(run.key["import_id"], detailed_report=False)
        if status.state.is_terminal:
            status = yield from import_status(run.key["import_id"], detailed_report=True)
        return status
