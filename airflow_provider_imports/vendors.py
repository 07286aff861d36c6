"""
The vendors as data: the one registry that a new vendor joins.

One declaration serves the form of Airflow 3.2+ (provider info), the hook methods that older versions ask, the
allow-list that :mod:`airflow_provider_imports.http.settings` reads ``extra`` by, the lists of modules that Airflow
shows, and the sandbox. It names classes and imports none, so it costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: Seconds between two looks at a status, shortest and longest, where a vendor's entry says nothing else.
POLL_INTERVAL = 15.0
MAX_POLL_INTERVAL = 300.0


@dataclass(frozen=True, slots=True)
class VendorEntry:
    """
    One vendor, by its connection.

    Its modules have the connection type's name: ``hooks/<connection type>.py``, ``operators/<connection type>.py``,
    ``sandbox/<connection type>.py``, and ``sensors/<connection type>.py`` if there is something to wait for.

    :param vendor_name: as people write it
    :param hook: class name in ``airflow_provider_imports.hooks.<connection type>``
    :param stand_in: class name in ``airflow_provider_imports.sandbox.<connection type>``
    :param docs_url: the vendor's documentation of its import API
    :param reports_status: the vendor tells what becomes of a run, so there is something to wait for
    :param ui_field_behaviour: ``hidden-fields``, ``relabeling``, ``placeholders`` of the form
    :param conn_fields: the form's further fields, kept in ``extra``: also the list of extras that are read at all
    :param links: import paths of the links to the vendor's own UI that its operators have
    :param poll_interval: shortest seconds between two looks at a status, unless the user says otherwise
    :param max_poll_interval: longest seconds between two looks, unless the user says otherwise
    :param datasets: what an import writes, as lineage names it: texts with parameters of operators and sensors in
        braces; the first one counts whose parameters are given
    :param slot: what names a slot, for a vendor that shows the newest import of each slot, whoever started it
        (``newest_flow`` of its hook); empty if there is only one slot, None for other vendors
    :param shows_records: it reports no status of a run, but the arrival of one known record can be waited for
    """

    vendor_name: str
    hook: str
    stand_in: str
    docs_url: str
    reports_status: bool
    ui_field_behaviour: dict[str, Any]
    conn_fields: dict[str, dict[str, Any]]
    links: tuple[str, ...] = ()
    poll_interval: float = POLL_INTERVAL
    max_poll_interval: float = MAX_POLL_INTERVAL
    slot: tuple[str, ...] | None = None
    datasets: tuple[str, ...] = ()
    shows_records: bool = False

    @property
    def credentials(self) -> str:
        """What the form calls the fields that the vendor's credentials are in: ``API key ID and API secret``."""
        hidden = self.ui_field_behaviour["hidden-fields"]
        return " and ".join(self.label(field) for field in ("login", "password") if field not in hidden)

    def label(self, field: str) -> str:
        """What the form calls one of the standard fields."""
        return str(self.ui_field_behaviour["relabeling"].get(field, field))


def _field(label: str, description: str, kind: str = "string", **schema: Any) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": [kind, "null"], **schema}}


#: Every connection has these.
SHARED_FIELDS: dict[str, dict[str, Any]] = {
    "timeout": _field("Timeout", "Seconds to wait for one answer (default 60)", "number", exclusiveMinimum=0),
    "verify": _field("Verify TLS", "true (default), false, or the path of a CA file"),
    "proxies": _field("Proxies", 'A proxy URL, or JSON by scheme: {"https": "http://proxy:3128"}'),
    "requests_per_minute": _field(
        "Requests per minute",
        "Slow down to this many requests a minute, over all tasks of a process (default: the vendor's limit)",
        "number",
        exclusiveMinimum=0,
    ),
    "pacing_processes": _field(
        "Processes that share the limit",
        "Divide the requests per minute by this: the number of triggerers, and of tasks that wait on a worker "
        "(default 1)",
        "number",
        minimum=1,
    ),
    "allow_http": _field(
        "Allow plain http", "Send the credentials unencrypted to a host that is not this machine", "boolean"
    ),
}


#: Everybody's port is in the host, but Airflow 3.3.1 and 3.3.2 refuse to test a stored connection without this field
#: (https://github.com/apache/airflow/pull/73298).
PORT_PLACEHOLDER = "443; only the Test button of Airflow 3.3.1 and 3.3.2 needs it"


def form(relabeling: dict[str, str], placeholders: dict[str, str], hidden: tuple[str, ...] = ()) -> dict[str, Any]:
    """
    The form's standard fields.

    :param relabeling: the vendor's own word for a field, by field
    :param placeholders: what an empty field shows, by field
    :param hidden: fields that the vendor does not use, besides those that nobody does
    """
    return {
        "hidden-fields": ["schema", "extra", *hidden],
        "relabeling": relabeling,
        "placeholders": {**placeholders, "port": PORT_PLACEHOLDER},
    }


VENDOR_ENTRIES: dict[str, VendorEntry] = {
    "bloomreach": VendorEntry(
        "Bloomreach Engagement",
        "BloomreachHook",
        "Bloomreach",
        "https://documentation.bloomreach.com/engagement/reference/imports-2-1",
        reports_status=False,
        ui_field_behaviour=form(
            {"login": "API key ID", "password": "API secret"},
            {
                "host": "https://api.exponea.com",
                "login": "of a private-access API key",
                "password": "of the same key",
            },
        ),
        conn_fields={
            "project_token": _field(
                "Project token", "For imports of a project: Project settings > Access management > API"
            ),
            "workspace_id": _field("Workspace ID", "For imports of a workspace, in place of the project token"),
            "api_version": _field(
                "API version", "Of the project endpoint: v1 (default) or v2", enum=["v1", "v2", None], default="v1"
            ),
            **SHARED_FIELDS,
        },
        shows_records=True,
        datasets=("imports/{import_id}",),
    ),
    "blueshift": VendorEntry(
        "Blueshift",
        "BlueshiftHook",
        "Blueshift",
        "https://developer.blueshift.com/reference/post_api-v1-customer-attributes-trigger-import",
        reports_status=False,
        ui_field_behaviour=form(
            {"password": "User API key"},
            {"host": "leave empty for the region's own host", "password": "not the Event API key"},
            hidden=("login",),
        ),
        conn_fields={
            "region": _field(
                "Region",
                "Where your Blueshift account lives: us (default) or eu",
                enum=["us", "eu", None],
                default="us",
            ),
            **SHARED_FIELDS,
        },
        links=("airflow_provider_imports.links.BlueshiftLink",),
        shows_records=True,
        datasets=("import-tasks/{uuid}",),
    ),
    "pigment": VendorEntry(
        "Pigment",
        "PigmentHook",
        "Pigment",
        "https://kb.pigment.com/docs/trigger-import-apis",
        reports_status=True,
        ui_field_behaviour=form(
            {"password": "API key"},
            {"host": "https://pigment.app", "password": "a key of the type Import"},
            hidden=("login",),
        ),
        conn_fields=SHARED_FIELDS,
        datasets=("import-configurations/{configuration_id}", "import-configurations/{configuration}"),
    ),
    "rocketchat": VendorEntry(
        "Rocket.Chat",
        "RocketChatHook",
        "RocketChat",
        "https://developer.rocket.chat/apidocs/import-endpoints",
        reports_status=True,
        ui_field_behaviour=form(
            {"host": "Workspace URL", "login": "User ID", "password": "Personal access token"},
            {"host": "https://chat.example.com", "login": "the user's ID, not the name", "password": "of that user"},
        ),
        conn_fields=SHARED_FIELDS,
        links=("airflow_provider_imports.links.RocketChatImportLink",),
        poll_interval=10,
        slot=(),
        datasets=("users",),
    ),
    "websale": VendorEntry(
        "WEBSALE",
        "WebsaleHook",
        "Websale",
        "https://dokumentation.websale.de/en/schnittstellen/admin-interface-api/api-referenz-import",
        reports_status=True,
        ui_field_behaviour=form(
            {"host": "Shop URL", "login": "Admin e-mail", "password": "Password or API key"},
            {"host": "https://www.example-shop.de", "login": "leave empty if the password is an API key"},
        ),
        conn_fields={
            "login_field": _field(
                "Log-in field", "Field of the log-in that carries the admin (default: email; or userName)"
            ),
            "auth_header": _field(
                "Authorization header", "Name of the header that carries the access token (default: Authorization)"
            ),
            **SHARED_FIELDS,
        },
        poll_interval=5,
        max_poll_interval=30,
        slot=("service",),
        datasets=("{service}",),
    ),
}
