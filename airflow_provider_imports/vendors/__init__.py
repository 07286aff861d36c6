"""
What a vendor says of itself, as data.

One entry serves the form of Airflow 3.2+ (provider info), the hook methods that older versions ask, the allow-list that
:mod:`airflow_provider_imports.http.settings` reads ``extra`` by, the lists of modules that Airflow shows, the names in
lineage, the event trigger and the sandbox. It names classes and imports none, so it costs nothing. How an installed
distribution hands its entry over: :mod:`airflow_provider_imports.installed`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: The version of what a vendor may use (``docs/vendor-api.rst``); an entry that is written for another one is refused.
VENDOR_API = 1


class _FromEntry:
    def __repr__(self) -> str:
        return "the vendor's"


#: The default of a parameter for which the vendor's entry has the value, by the same name; signatures show that.
FROM_ENTRY: Any = _FromEntry()


class VendorEntryError(TypeError):
    """
    An installed vendor that can't be used, and the distribution that brings it.

    A ``TypeError``, since a triggerer survives no other error of a trigger's constructor.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorEntry:
    """
    One vendor, by its connection.

    :param made_for: the :data:`VENDOR_API` that it was written for, as a number
    :param distribution: that brings it, as Airflow lists it
    :param conn_type: the connection type, and the vendor's name in manifests, errors and lineage
    :param vendor_name: as people write it
    :param docs_url: the vendor's documentation of its import API
    :param hook: import path of the hook's class
    :param stand_in: import path of the stand-in's class, for the sandbox
    :param operators: modules with its operators
    :param sensors: modules with its sensors, if there is something to wait for
    :param guides: pages of its distribution's documentation, as Airflow's provider info names them
    :param reports_status: the vendor tells what becomes of a run, so there is something to wait for
    :param ui_field_behaviour: ``hidden-fields``, ``relabeling``, ``placeholders`` of the form, see :func:`form`
    :param own_fields: fields of its form beside the standard ones and :data:`SHARED_FIELDS`, see :func:`form_field`;
        they are kept in ``extra``
    :param links: import paths of the links to the vendor's own UI that its operators have
    :param poll_interval: shortest seconds between two looks of an operator at a status, unless the user says otherwise;
        a sensor has 60, or the ``default_poke_interval`` of its class
    :param max_poll_interval: longest seconds between two looks, of an operator or a deferrable sensor, unless the user
        says otherwise
    :param datasets: what an import writes, as lineage names it: texts with parameters of operators and sensors in
        braces; the first one counts whose parameters are given
    :param slot: what names a slot, for a vendor that shows the newest import of each slot, whoever started it
        (``newest_flow`` of its hook); empty if there is only one slot, None for other vendors
    :param shows_records: it reports no status of a run, but the arrival of one known record can be waited for
    """

    made_for: int
    distribution: str
    conn_type: str
    vendor_name: str
    docs_url: str
    hook: str
    stand_in: str
    operators: tuple[str, ...]
    ui_field_behaviour: dict[str, Any]
    reports_status: bool = True
    own_fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    sensors: tuple[str, ...] = ()
    guides: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    poll_interval: float = 15.0
    max_poll_interval: float = 300.0
    slot: tuple[str, ...] | None = None
    datasets: tuple[str, ...] = ()
    shows_records: bool = False

    @property
    def default_conn_id(self) -> str:
        """The connection that is used if a task names none."""
        return f"{self.conn_type}_default"

    @property
    def conn_fields(self) -> dict[str, dict[str, Any]]:
        """The form's further fields: also the list of extras that are read at all."""
        return {**self.own_fields, **SHARED_FIELDS}

    @property
    def credentials(self) -> str:
        """What the form calls the fields that the vendor's credentials are in: ``API key ID and API secret``."""
        hidden = self.ui_field_behaviour["hidden-fields"]
        return " and ".join(self.label(field) for field in ("login", "password") if field not in hidden)

    def label(self, field: str) -> str:
        """What the form calls one of the standard fields."""
        return str(self.ui_field_behaviour["relabeling"].get(field, field))

    def check(self) -> None:
        """
        See that it is written for this version.

        :raises VendorEntryError: naming its distribution
        """
        if self.made_for != VENDOR_API:
            raise VendorEntryError(
                f"{self.vendor_name} of the distribution {self.distribution} is written for version {self.made_for} of "
                f"the vendor API, and this airflow-provider-imports has version {VENDOR_API}. Install versions of both "
                "that fit."
            )


def given_or_own(entry: VendorEntry, **given: Any) -> tuple[Any, ...]:
    """What is given for parameters, and the entry's own value in place of :data:`FROM_ENTRY`."""
    return tuple(getattr(entry, name) if value is FROM_ENTRY else value for name, value in given.items())


def form_field(label: str, description: str, kind: str = "string", **schema: Any) -> dict[str, Any]:
    """
    One further field of a form; it may stay empty.

    :param kind: of JSON schema: ``string``, ``number``, ``boolean``
    :param schema: more of JSON schema: ``enum`` (with None), ``default``, ``minimum``, ...
    """
    return {"label": label, "description": description, "schema": {"type": [kind, "null"], **schema}}


#: Every connection has these.
SHARED_FIELDS: dict[str, dict[str, Any]] = {
    "timeout": form_field("Timeout", "Seconds to wait for one answer (default 60)", "number", exclusiveMinimum=0),
    "verify": form_field("Verify TLS", "true (default), false, or the path of a CA file"),
    "proxies": form_field("Proxies", 'A proxy URL, or JSON by scheme: {"https": "http://proxy:3128"}'),
    "requests_per_minute": form_field(
        "Requests per minute",
        "Slow down to this many requests a minute, over all tasks of a process (default: the vendor's limit)",
        "number",
        exclusiveMinimum=0,
    ),
    "pacing_processes": form_field(
        "Processes that share the limit",
        "Divide the requests per minute by this: the number of triggerers, and of tasks that wait on a worker "
        "(default 1)",
        "number",
        minimum=1,
    ),
    "allow_http": form_field(
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
