"""From an answer to a message, and from a message to the exception that a user can act on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

from airflow_provider_imports.exceptions import (
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRateLimitError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.http.call import Answer, Call, SendResult
from airflow_provider_imports.http.reading import LARGEST_ERROR, parsed, read_text
from airflow_provider_imports.http.text import LONGEST_TEXT, clean

#: How the message of a web page begins.
HTML_PAGE = "an HTML page"
_WORDS = ("message", "error", "errors", "detail", "description", "title", "reason", "code", "type")
_SKIPPED = frozenset({"success", "status", "meta", "stack", "details", "errorType"})
_REQUEST_IDS = ("x-request-id", "request-id", "x-correlation-id", "cf-ray")
_DEEPEST = 6
#: Characters of a web page in which its words are looked for.
_MOST_OF_A_PAGE = 8 * LONGEST_TEXT


def read_message(answer: Answer) -> str:
    """
    Turn any vendor's error body into one line, without our secrets.

    Understands ``error``, ``message`` and ``errors`` as a string, list of strings, list of objects, dict of lists or
    dict of scalars; plain text; HTML; nothing at all. Never raises.
    """
    text = read_text(answer.content[:LARGEST_ERROR]).strip()
    if text.startswith("<"):
        line = _text_of_html(text[:_MOST_OF_A_PAGE])
    else:
        line = "; ".join(dict.fromkeys(part for part in _parts(text) if part)) or text
    return clean(" ".join(answer.secrets.redacted(line.strip()).split()))


def request_id(answer: Answer) -> str | None:
    """Find the vendor's id of the request, for its support."""
    return next((told for name in _REQUEST_IDS if (told := answer.header(name).strip())), None)


def refusal_of(
    vendor: str, vendor_name: str, call: Call, outcome: SendResult, credentials: str = "login and password"
) -> VendorImportError | None:
    """
    Judge what became of a call as HTTP has it; None if the answer is one to work with (2xx).

    Nobody may read the answer to a call that changes something, so a web page in its place is refused here.

    After a start, everything that does not say for certain "I have not acted" is an unknown outcome.

    :param vendor_name: as people write it
    :param credentials: what the vendor's form calls them
    """
    if isinstance(outcome, Answer) and 200 <= outcome.status < 300:
        if call.method == "GET" or call.public or not outcome.is_web_page:
            return None
        return unreadable(vendor, vendor_name, call, outcome, f"the answer (HTTP {outcome.status}) {outcome.shape}")
    what = f"{vendor_name} {call.operation}"
    if not isinstance(outcome, Answer):
        if not outcome.may_have_acted:
            reached = (
                f"{vendor_name} got only a part of the request, on which it can't act; a retry is safe."
                if outcome.incomplete
                else f"Nothing reached {vendor_name}. Check the connection's host and the network; a retry is safe."
            )
            return VendorUnavailableError(
                f"{what}: {outcome.reason}. {reached}",
                vendor=vendor,
                operation=call.operation,
            )
        unclear = UnknownOutcomeError if call.starts else VendorUnavailableError
        return unclear(f"{what}: {outcome.reason}. {_fate(call)}", vendor=vendor, operation=call.operation)
    said = read_message(outcome)
    told = f"{what}: HTTP {outcome.status}{f': {said}' if said else ' without a message'}"
    kind, advice = _judge_status(call, outcome, credentials)
    return error_from(kind, vendor, call, outcome, told, advice)


def unreadable(vendor: str, vendor_name: str, call: Call, answer: Answer, reason: str) -> VendorImportError:
    """Judge a 2xx answer that is not what the vendor documents: after a start, nobody knows what it means."""
    kind = UnknownOutcomeError if call.starts else VendorUnavailableError
    said = read_message(answer)
    told = f"{vendor_name} {call.operation}: {reason}{f' ({said[:120]})' if said else ''}"
    advice = f" {_WEB_PAGE}" if answer.is_web_page else ""
    return error_from(kind, vendor, call, answer, told, f"{_fate(call)}{advice}")


def error_from(
    kind: type[VendorImportError], vendor: str, call: Call, answer: Answer, told: str, advice: str
) -> VendorImportError:
    """
    Make the error that an answer is.

    :param told: what happened, without a full stop
    :param advice: what became of it, and what to do
    """
    identifier = request_id(answer)
    if identifier:
        told = f"{told} (request id {identifier})"
    return kind(
        f"{told.rstrip('.')}. {advice}",
        vendor=vendor,
        operation=call.operation,
        status_code=answer.status,
        vendor_message=read_message(answer),
        request_id=identifier,
    )


def _judge_status(call: Call, answer: Answer, credentials: str) -> tuple[type[VendorImportError], str]:
    status, page = answer.status, answer.is_web_page
    if page and status in (401, 403):  # "Just a moment…": a gateway's word, which says nothing about our credentials
        return VendorUnavailableError, f"Nothing was done; a retry is safe. {_WEB_PAGE}"
    if status == 401:
        return VendorAuthError, f"The credentials were refused; nothing was done. {_CHECK.format(credentials)}"
    if status == 403:
        return VendorAuthError, f"The credentials lack a permission; nothing was done. {_CHECK.format(credentials)}"
    if status == 429:
        return VendorRateLimitError, "Too many requests; nothing was done. A later retry is safe."
    see_other = status in (302, 303) and call.starts  # as many servers answer a form that they have acted on
    if 300 <= status < 400 and not see_other:
        target = answer.header("location").partition("?")[0] or "an address it does not name"
        return VendorRequestError, f"It redirects to {target}; nothing was done. Put the right host in the connection."
    if status >= 500 or status == 408 or status < 200 or see_other:
        return (UnknownOutcomeError if call.starts else VendorUnavailableError), _fate(call)
    if status == 413:
        return (
            VendorRequestError,
            "The request is too large for the vendor or a gateway before it; nothing was done.",
        )
    if page and not call.starts:
        return VendorUnavailableError, f"{_fate(call)} {_WEB_PAGE}"
    if page:
        return VendorRequestError, f"The request was refused; nothing was done. {_WEB_PAGE}"
    return VendorRequestError, "The request was refused; nothing was done, and a retry would be refused again."


_CHECK = "Check the Airflow connection's {}."
_WEB_PAGE = "A web page answered, not an import API: check the host of the Airflow connection, and any proxy."


def _fate(call: Call) -> str:
    if call.starts:
        return "It is unknown whether the vendor acted on it."
    return "Nothing was changed by this; a retry is safe."


def _parts(text: str) -> list[str]:
    try:
        return list(_words(parsed(text), 0))
    except (ValueError, RecursionError):
        return []


def _words(value: Any, depth: int) -> Iterator[str]:
    """Every message in a decoded error body, the telling keys first."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        yield str(value)
    elif isinstance(value, list):
        for item in value[:20]:
            yield from _words(item, depth + 1)
    elif isinstance(value, Mapping):
        told = [key for key in _WORDS if key in value]
        for key in told:
            yield from _words(value[key], depth + 1)
        if not told:
            for key, item in list(value.items())[:20]:
                if key not in _SKIPPED:
                    yield from (f"{key}: {word}" if depth else word for word in _words(item, depth + 1))


class _TextOfHtml(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag in ("script", "style")  # up to their end tag, html.parser sees no other tag

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def _text_of_html(page: str) -> str:
    parser = _TextOfHtml()
    try:
        parser.feed(page)
    except (AssertionError, ValueError):  # html.parser gives up on some broken markup
        return f"{HTML_PAGE}: {re.sub(r'<[^<>]*>', ' ', page)}"
    return f"{HTML_PAGE}: {' '.join(parser.parts)}"
