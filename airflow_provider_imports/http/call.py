"""One HTTP request as data, and what became of it: both transports send the bytes that are made here."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar
from urllib.parse import quote, urlencode

from airflow_provider_imports import __version__
from airflow_provider_imports.exceptions import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

T = TypeVar("T")

#: Bytes of an answer that are read at most; no documented answer is nearly as large.
LARGEST_ANSWER = 64 << 20
USER_AGENT = f"airflow-provider-imports/{__version__}"


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


class AnswerTooLargeError(ValueError):
    """The vendor's answer is larger than :data:`LARGEST_ANSWER`."""

    def __init__(self) -> None:
        super().__init__(f"the answer is larger than {LARGEST_ANSWER:,} bytes")


class UnreadableAnswerError(ValueError):
    """The vendor's answer is not what its documentation says."""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What the vendor answered.

    :param headers: a mapping that finds a lower-case name however the vendor wrote it
    :param repeated_after: the unclear outcomes of earlier sendings of the same start: the vendor may have acted on
        each of them already
    """

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
    repeated_after: tuple[SendResult, ...] = ()

    def json(self) -> Any:
        """
        Read the body as JSON, whatever content type it claims (Pigment answers JSON as ``text/plain``).

        :raises UnreadableAnswerError: if it is not JSON
        """
        try:
            value = _JSON.decode(self.content.decode(json.detect_encoding(self.content), "surrogatepass"))
            return _storable(value) if b"\\u" in self.content else value
        except (ValueError, RecursionError) as error:
            kind = "HTML" if self.content.lstrip()[:1] == b"<" else f"{len(self.content)} bytes"
            raise UnreadableAnswerError(f"the answer (HTTP {self.status}) is not JSON but {kind}") from error

    def object(self) -> dict[str, Any]:
        """
        Read the body as a JSON object.

        :raises UnreadableAnswerError: if it is not one
        """
        value = self.json()
        if not isinstance(value, dict):
            raise UnreadableAnswerError(f"the answer (HTTP {self.status}) is JSON but not an object")
        return value

    @property
    def date(self) -> datetime:
        """The time by the vendor's own clock (``Date``); by ours, if the answer does not tell it."""
        return http_date(self.headers.get("date", "")) or datetime.now(UTC)


def http_date(text: str) -> datetime | None:
    """Read the date of a header; None for anything that is not one. Without a zone it is taken as UTC."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


#: ``json.loads`` with an argument would make a new decoder for every answer.
_JSON = json.JSONDecoder(parse_constant=_refuse_constant)


def _storable(value: Any) -> Any:
    """Replace what JSON can escape but no database and no log can take: NUL, and half surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\x00", " ").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """
    There was no answer.

    :param reason: why, without any secret
    :param may_have_acted: False only if the vendor certainly did not get the whole request
    """

    reason: str
    may_have_acted: bool


SendResult = Answer | NoAnswer
#: Calls to send one after the other: yields a call, is sent its answer (or thrown its error), and returns what it read.
Flow = Generator[Call, Answer, T]


def one_call(call: Call) -> Flow[Answer]:
    """A flow of one call that returns its answer."""
    return (yield call)


def unreadable_body(error: BaseException | None) -> UnreadableBodyError | None:
    """Find the unreadable body among an error's causes."""
    while error is not None and not isinstance(error, UnreadableBodyError):
        error = error.__cause__ or error.__context__
    return error


def path(template: str, **parts: str) -> str:
    """
    Fill a path's placeholders, each quoted so that no value can leave its place.

    :raises InvalidInputError: for ``.`` and ``..``, which no quoting keeps in place
    """
    for name, part in parts.items():
        if part in (".", ".."):
            raise InvalidInputError(f"{name} must not be {part!r}. Nothing was sent.")
    return template.format(**{name: quote(part, safe="") for name, part in parts.items()})
