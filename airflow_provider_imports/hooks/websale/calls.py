"""
WEBSALE's calls, and the services that they can be sent for: log-in, status, start, pause, resume, cancel.

Sources: the pages "Import" and "Authentication" of the admin interface API,
https://dokumentation.websale.de/en/schnittstellen/admin-interface-api/api-referenz-import
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import ConnectionSettingsError, InvalidInputError, VendorUnavailableError
from airflow_provider_imports.http.call import Answer, Body, Call, Repeat, UnreadableAnswerError, path
from airflow_provider_imports.http.reading import LARGEST_REPORT
from airflow_provider_imports.http.text import is_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.http.settings import Settings

_JSON_CSV = ("json", "csv")
#: The services that can import, and the formats that each takes.
FORMATS: Mapping[str, tuple[str, ...]] = {
    "adminUser": _JSON_CSV,
    "category": _JSON_CSV,
    "customerAccount": _JSON_CSV,
    "dataFeed": _JSON_CSV,
    "dataFeedTemplate": _JSON_CSV,
    "inquiry": ("json", "csv", "xml"),
    "inventory": _JSON_CSV,
    "order": ("json", "xml"),
    "newsletterSubscriber": _JSON_CSV,
    "product": _JSON_CSV,
    "productRating": _JSON_CSV,
    "seoViews": _JSON_CSV,
    "voucher": _JSON_CSV,
    "voucherPreset": _JSON_CSV,
    "voucherTemplate": _JSON_CSV,
}
#: The only service whose imported users WEBSALE can send a mail to.
MAILING_SERVICE = "adminUser"
#: Characters of a token that are read; headers are no longer than that.
LONGEST_TOKEN = 8_000
CONTENT_TYPES = {"json": "application/json", "csv": "text/csv", "xml": "application/xml"}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Act:
    """
    A call that changes what an import does.

    :param goal: what a refused call (404) is as good as: the import is where the call was to bring it
    :param goal_if_unclear: the same for a call of which nobody knows whether WEBSALE acted on it
    """

    operation: str
    method: str
    goal: frozenset[str]
    goal_if_unclear: frozenset[str]

    def call(self, service: str) -> Call:
        """The call for the import of a service."""
        verb = self.operation.partition("_")[0]
        target = path(f"/admin/api/v1/import/{{service}}/{verb}", service=check_service(service))
        return Call(self.operation, self.method, target, repeat=Repeat.IF_NOT_ACTED, starts=True)


PAUSE = Act("pause_import", "POST", frozenset({"PAUSED"}), frozenset({"PAUSED"}))
RESUME = Act(
    "resume_import",
    "POST",
    frozenset({"STARTING", "RUNNING"}),
    frozenset({"STARTING", "RUNNING", "FINISHED", "ERROR", "CANCELED"}),
)
CANCEL = Act("cancel_import", "DELETE", frozenset({"CANCELED"}), frozenset({"CANCELED"}))


@lru_cache(maxsize=len(FORMATS))
def status_call(service: str) -> Call:
    """Read the running or most recent import of a service."""
    target = path("/admin/api/v1/import/{service}/status", service=check_service(service))
    return Call("get_import_status", "GET", target, shared=True, largest_answer=LARGEST_REPORT)


def start_call(service: str, body: Body | bytes, chosen: str, send_mail: bool) -> Call:
    """Start an import of what :func:`~airflow_provider_imports.hooks.websale.calls.check_import` has checked."""
    return Call(
        "start_import",
        "POST",
        path("/admin/api/v1/import/{service}/start", service=service),
        query=(("format", chosen), *((("sendMail", "true"),) if send_mail else ())),
        body=body,
        content_type=CONTENT_TYPES[chosen],
        repeat=Repeat.IF_NOT_ACTED,
        starts=True,
    )


def log_in(settings: Settings) -> Call:
    """
    Log in by e-mail and password, or by API key.

    :raises ConnectionSettingsError: if the connection has no password, or names no header for the token
    """
    if not settings.password:
        raise ConnectionSettingsError(
            f"Connection {settings.conn_id!r} has no password; enter the admin's password, or an API key and no "
            "login. Nothing was sent.",
            vendor="websale",
        )
    if settings.login:
        credentials = {"email": settings.login, "password": settings.password}
    else:
        credentials = {"apiKey": settings.password}
    _auth_header(settings)
    return Call("login", "POST", "/admin/api/v1/login", json=credentials, public=True, repeat=Repeat.IF_NOT_ACTED)


def read_token(answer: Answer, settings: Settings) -> Mapping[str, str]:
    """
    Read the token, for the header that the connection names.

    :raises VendorUnavailableError: if there is none
    """
    try:
        token = answer.object(LONGEST_TOKEN).get("accessToken")
    except UnreadableAnswerError:
        token = None
    if not isinstance(token, str) or not token.isascii() or not is_whole(token) or not token.strip():
        # the answer is not quoted: it may hold a token under another name
        raise VendorUnavailableError(
            f"WEBSALE login: the answer (HTTP {answer.status}) has no accessToken. Nothing was changed by this. "
            "Check that the connection's host is the shop's own domain.",
            vendor="websale",
            operation="login",
            status_code=answer.status,
        )
    return {_auth_header(settings): f"Bearer {token}"}


def _auth_header(settings: Settings) -> str:
    name = str(settings.extra.get("auth_header") or "Authorization")
    if not _HEADER_NAME.fullmatch(name):
        raise ConnectionSettingsError(
            f"Connection {settings.conn_id!r}: extra field auth_header must be the name of a header, not {name!r}. "
            "Nothing was sent.",
            vendor="websale",
        )
    return name


def check_service(service: object) -> str:
    """
    Check a service's name.

    :raises InvalidInputError: listing the services that can import
    """
    validation.one_of("service", service, FORMATS)
    return str(service)


def check_import(service: str, format: str | None, file_path: str | None, send_mail: object = False) -> str:
    """
    Check what a start would send, and choose the format.

    :param format: None: the file's suffix
    :return: the format
    :raises InvalidInputError: naming what would be right
    """
    formats = FORMATS[check_service(service)]
    if not isinstance(send_mail, bool):
        raise InvalidInputError(f"send_mail must be True or False, not {send_mail!r}. Nothing was sent.")
    if send_mail and service != MAILING_SERVICE:
        raise InvalidInputError(
            f"send_mail is only for service {MAILING_SERVICE!r}, not for {service!r}. Nothing was sent."
        )
    known = " or ".join(map(repr, formats))
    if format is None:
        suffix = PurePosixPath(file_path or "").suffix
        format = suffix.removeprefix(".").lower()
        if format not in CONTENT_TYPES:
            of_what = f"the suffix of {file_path!r} is not one" if file_path else "data has no suffix to tell it"
            raise InvalidInputError(f"Give format={known} for service {service!r}: {of_what}. Nothing was sent.")
    if format not in formats:
        raise InvalidInputError(f"Service {service!r} takes format {known}, not {format!r}. Nothing was sent.")
    return format
