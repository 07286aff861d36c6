"""
WEBSALE's calls, and the services that they can be sent for: log-in, status, start, pause, resume, cancel.

Sources: the pages "Import" and "Authentication" of the admin interface API,
https://dokumentation.websale.de/en/schnittstellen/admin-interface-api/api-referenz-import
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import ConnectionSettingsError, InvalidInputError, VendorUnavailableError
from airflow_provider_imports.http.call import Answer, Body, Call, Repeat, UnreadableAnswerError, path
from airflow_provider_imports.http.files import shown, suffix_of
from airflow_provider_imports.http.reading import LARGEST_REPORT
from airflow_provider_imports.http.text import is_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.http.files import FilePath
    from airflow_provider_imports.http.settings import Settings

log = logging.getLogger(__name__)

_JSON_CSV = ("json", "csv")
#: The services that can import, and the formats that each takes, as far as WEBSALE documents them.
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
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
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
        target = path(f"/admin/api/v1/import/{{service}}/{verb}", service=validation.required("service", service))
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
    target = path("/admin/api/v1/import/{service}/status", service=validation.required("service", service))
    return Call("get_import_status", "GET", target, shared=True, largest_answer=LARGEST_REPORT)


def start_call(service: str, body: Body | bytes, chosen: str, send_mail: bool) -> Call:
    """
    Start an import of what :func:`~airflow_provider_imports.hooks.websale.calls.check_import` has checked.

    ``sendMail`` has no documented default, so the one service that knows it is always told.
    """
    mail = (("sendMail", "true" if send_mail else "false"),) if service == MAILING_SERVICE else ()
    return Call(
        "start_import",
        "POST",
        path("/admin/api/v1/import/{service}/start", service=service),
        query=(("format", chosen), *mail),
        body=body,
        content_type=CONTENT_TYPES.get(chosen, "application/octet-stream"),
        repeat=Repeat.IF_NOT_ACTED,
        starts=True,
    )


def login_call(settings: Settings) -> Call:
    """
    Log in by e-mail (or by what the connection's ``login_field`` names) and password, or by API key.

    :raises ConnectionSettingsError: if the connection names no field for the account, or no header for the token
    """
    if settings.login:
        credentials = {_login_field(settings): settings.login, "password": settings.password}
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
    if not isinstance(token, str) or not token.isascii() or token.split() != [token] or not is_whole(token):
        # the answer is not quoted: it may hold a token under another name
        raise VendorUnavailableError(
            f"WEBSALE login: the answer (HTTP {answer.status}) has no accessToken. Nothing was changed by this. "
            "Check that the connection's host is the shop's own domain.",
            vendor="websale",
            operation="login",
            status_code=answer.status,
        )
    return {_auth_header(settings): f"Bearer {token}"}


def _login_field(settings: Settings) -> str:
    name = str(settings.extra.get("login_field") or "email")
    if not _WORD.fullmatch(name) or name == "password":
        raise ConnectionSettingsError(
            f"Connection {settings.conn_id!r}: extra field login_field must be a word like 'email' or 'userName', not "
            f"{name!r}. Nothing was sent.",
            vendor="websale",
        )
    return name


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
    Check a service's name. One that is not documented passes with a warning: a newer WEBSALE may know it.

    :raises InvalidInputError: if it is no name at all, for instance a template that was not rendered
    """
    name = _word("service", service, "product")
    if name not in FORMATS:
        _warn(
            f"WEBSALE documents no service {name!r} that imports. It is sent as it is, and WEBSALE decides. Known are "
            f"{', '.join(FORMATS)}."
        )
    return name


def check_import(service: str, format: str | None, file_path: FilePath | None, send_mail: object = False) -> str:
    """
    Check what a start would send, and choose the format.

    A format, or a service, that is not documented passes with a warning.

    :param format: None: the file's suffix (that before ``.gz``)
    :return: the format
    :raises InvalidInputError: naming what would be right
    """
    service = check_service(service)
    formats = FORMATS.get(service, tuple(CONTENT_TYPES))
    if validation.flag("send_mail", send_mail) and service != MAILING_SERVICE:
        raise InvalidInputError(
            f"send_mail is only for service {MAILING_SERVICE!r}, not for {service!r}. Nothing was sent."
        )
    known = " or ".join(map(repr, formats))
    if format is None:
        format = "" if file_path is None else suffix_of(file_path).removeprefix(".")
        if format not in CONTENT_TYPES:
            of_what = "data has no suffix to tell it"
            if file_path is not None:
                of_what = f"the suffix of {shown(file_path)!r} is not one"
            raise InvalidInputError(f"Give format={known} for service {service!r}: {of_what}. Nothing was sent.")
    format = _word("format", format, "json")
    format = format.lower() if format.lower() in CONTENT_TYPES else format
    if format not in CONTENT_TYPES:
        _warn(
            f"WEBSALE documents no format {format!r} of an import. It is sent as it is, and WEBSALE decides. Service "
            f"{service!r} is documented to take {known}."
        )
    elif format not in formats:
        raise InvalidInputError(f"Service {service!r} takes format {known}, not {format!r}. Nothing was sent.")
    return format


def _word(name: str, value: object, example: str) -> str:
    word = validation.required(name, value)
    if not _WORD.fullmatch(word):
        raise InvalidInputError(f"{name} must be a word like {example!r}, not {value!r}. Nothing was sent.")
    return word


@lru_cache
def _warn(line: str) -> None:
    """Say it once: the same name is checked when a task begins, and again when it is sent."""
    log.warning("%s", line)
