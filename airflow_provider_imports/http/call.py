"""One HTTP request as data, and what became of it: both transports send the bytes that are made here."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from codecs import BOM_UTF8
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote, urlencode

from airflow_provider_imports import __version__
from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.http.reading import LARGEST_ANSWER, read_json
from airflow_provider_imports.http.secrets import NO_SECRETS, Secrets
from airflow_provider_imports.http.text import LONGEST_TEXT, clean, is_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

T = TypeVar("T")
USER_AGENT = f"airflow-provider-imports/{__version__}"
#: Characters of a header that is a number or a date.
_LONGEST_HINT = 100
#: What a path holds as it is (RFC 3986).
_UNRESERVED = re.compile("[A-Za-z0-9._~-]*")


class Repeat(Enum):
    """Whether a call may be sent again when nobody knows what became of it."""

    ALWAYS = "always"  #: it changes nothing, or changes it to the same
    IF_NOT_ACTED = "if not acted"  #: only if the vendor has certainly not acted
    ON_GATEWAY_ERRORS = "on 502, 503 and 504"  #: the vendor asks for repeats after these, otherwise IF_NOT_ACTED


class Body(Protocol):
    """A request body of known length that can be sent piece by piece."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...

    @property
    def handed_over(self) -> bool:
        """True once every byte has been handed to the connection."""


@dataclass(frozen=True, slots=True)
class Call:
    """
    One HTTP request.

    :param operation: the vendor's name for it, for messages
    :param method: HTTP method
    :param path: below the connection's host; build it with :func:`path`
    :param query: query parameters, in this order
    :param json: a JSON body, or None
    :param body: a raw or streamed body, or None
    :param content_type: of ``body``
    :param headers: further headers
    :param repeat: when it may be sent again
    :param starts: True if it starts (or stages) something, so that an unclear answer is an unknown outcome
    :param public: True if it carries no credentials (a log-in)
    :param shared: True if it reads the same for everybody, so that many who wait can share one answer
    :param largest_answer: bytes of a good answer at most, decompressed; a larger one is an error
    """

    operation: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    json: Any = field(default=None, repr=False)
    body: Body | bytes | None = field(default=None, repr=False)
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeat: Repeat = Repeat.ALWAYS
    starts: bool = False
    public: bool = False
    shared: bool = False
    largest_answer: int = LARGEST_ANSWER

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    def wire_headers(self, authorization: Mapping[str, str]) -> dict[str, str]:
        """Every header that is ours to set; a body's type only where there is a body."""
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "User-Agent": USER_AGENT}
        if self.json is not None:
            headers["Content-Type"] = "application/json"
        elif self.body is not None and self.content_type:
            headers["Content-Type"] = self.content_type
        return {**headers, **self.headers, **({} if self.public else authorization)}

    @property
    def is_plain(self) -> bool:
        """True if its headers are those of every other call without a body."""
        return self.json is None and self.body is None and not self.headers and not self.public

    def wire_body(self) -> Body | bytes | None:
        """The bytes to send."""
        if self.json is not None:
            return json.dumps(self.json, ensure_ascii=False, separators=(",", ":")).encode()
        return self.body


class UnreadableBodyError(OSError):
    """A body could not be read to its announced end, so the vendor never gets the whole request."""


class UnreadableAnswerError(ValueError):
    """The vendor's answer is not what its documentation says."""


@dataclass(slots=True)  # not frozen: that would take four times as long to make
class Answer:
    """
    What the vendor answered. What is told of it comes from :meth:`json`, :meth:`object` and :meth:`header`, or from
    :func:`~airflow_provider_imports.http.errors.read_message`: cut, clean, and without our secrets. All who
    share a read get the same answer; change nothing in it.

    :param headers: a mapping that finds a lower-case name however the vendor wrote it
    :param content: as it was received, never to be told
    :param repeated_after: the unclear outcomes of earlier sendings of the same start: the vendor may have acted on
        each of them already
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    repeated_after: tuple[SendResult, ...] = ()
    secrets: Secrets = field(default=NO_SECRETS, repr=False, compare=False)

    @property
    def is_web_page(self) -> bool:
        """It is a page for people: of another server, a gateway or a proxy."""
        return self.content.removeprefix(BOM_UTF8).lstrip().startswith(b"<")

    @property
    def shape(self) -> str:
        """What there is in the place of JSON: ``is not JSON but HTML``."""
        return f"is not JSON but {'HTML' if self.is_web_page else f'{len(self.content)} bytes'}"

    def json(self, longest_text: int = LONGEST_TEXT) -> Any:
        """
        Read the body as JSON, whatever content type it claims (Pigment answers JSON as ``text/plain``).

        :param longest_text: characters of each text that are kept
        :raises UnreadableAnswerError: if it is not JSON, or more of it than any answer needs
        """
        try:
            return read_json(self.content, self.secrets, longest_text)
        except (json.JSONDecodeError, UnicodeDecodeError):
            kind = self.shape
        except RecursionError:
            kind = "can't be read: it is nested too deeply"
        except ValueError as error:
            kind = f"can't be read: {error}"
        # not chained: the cause holds the whole answer
        raise UnreadableAnswerError(f"the answer (HTTP {self.status}) {kind}")

    def object(self, longest_text: int = LONGEST_TEXT) -> dict[str, Any]:
        """
        Read the body as a JSON object.

        :param longest_text: characters of each text that are kept
        :raises UnreadableAnswerError: if it is not one
        """
        value = self.json(longest_text)
        if not isinstance(value, dict):
            raise UnreadableAnswerError(f"the answer (HTTP {self.status}) is JSON but not an object")
        return value

    def header(self, name: str) -> str:
        """A header for people, never to be sent (see :meth:`identifier`); empty if there is none."""
        value = self.headers.get(name)
        return clean(" ".join(self.secrets.redacted(value).split())) if value else ""

    def identifier(self, name: str) -> str:
        """
        A header with what names a run, such as ``Location``, as it stands; empty if there is none.

        :raises UnreadableAnswerError: if it can't be shown: a part of it would be cut, written otherwise or masked
        """
        value = self.headers.get(name, "").strip()
        if clean(value) != value or not is_whole(value) or self.secrets.are_in(value):
            raise UnreadableAnswerError(f"the header {name} holds what can't be shown")
        return value

    def hint(self, name: str) -> str:
        """A header that is a number or a date, to be read; empty if there is none."""
        return self.headers.get(name, "")[:_LONGEST_HINT]

    @property
    def date(self) -> datetime:
        """The time by the vendor's own clock (``Date``); by ours, if the answer does not tell it."""
        return http_date(self.hint("date")) or datetime.now(UTC)


def http_date(text: str) -> datetime | None:
    """Read the date of a header; None for anything that is not one. Without a zone it is taken as UTC."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """
    There was no answer.

    :param reason: why, without any secret
    :param may_have_acted: False only if the vendor certainly did not get the whole request
    :param incomplete: True if it got a part of the request, but certainly not its end
    """

    reason: str
    may_have_acted: bool
    incomplete: bool = False


SendResult = Answer | NoAnswer
#: Calls to send one after the other: yields a call, is sent its answer (or thrown its error), and returns what it read.
Flow = Generator[Call, Answer, T]


def one_call(call: Call) -> Flow[Answer]:
    """A flow of one call that returns its answer."""
    return (yield call)


def path(template: str, **parts: str) -> str:
    """
    Fill a path's placeholders, each quoted so that no value can leave its place.

    :raises InvalidInputError: for ``.`` and ``..``, which no quoting keeps in place
    """
    for name, part in parts.items():
        if part in (".", ".."):
            raise InvalidInputError(f"{name} must not be {part!r}. Nothing was sent.")
        if not _UNRESERVED.fullmatch(part):  # quote() would take long to find out; every look fills a path
            parts[name] = quote(part, safe="")
    return template.format(**parts)


def basic(login: str, password: str) -> dict[str, str]:
    """Make the header of HTTP's Basic authentication, in UTF-8."""
    return {"Authorization": f"Basic {b64encode(f'{login}:{password}'.encode()).decode()}"}
