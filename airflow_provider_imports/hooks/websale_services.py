"""
The services of a WEBSALE shop that can import, and what each takes.

Source: https://dokumentation.websale.de/en/schnittstellen/admin-interface-api/api-referenz-import
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from airflow_provider_imports import checks
from airflow_provider_imports.exceptions import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
CONTENT_TYPES = {"json": "application/json", "csv": "text/csv", "xml": "application/xml"}


def check_service(service: object) -> str:
    """
    Check a service's name.

    :raises InvalidInputError: listing the services that can import
    """
    checks.one_of("service", service, FORMATS)
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
