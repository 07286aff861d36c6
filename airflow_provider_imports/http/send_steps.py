"""
The sending of calls as steps: authenticate, send, renew the log-in once, follow a redirect, wait, send again.

No I/O. :class:`~airflow_provider_imports.http.sync_client.SyncClient` carries out the steps by blocking,
:class:`~airflow_provider_imports.http.async_client.AsyncClient` by awaiting; neither knows a rule of its own.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from airflow_provider_imports.exceptions import (
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRateLimitError,
    VendorRequestError,
)
from airflow_provider_imports.http.address import redirected
from airflow_provider_imports.http.call import Answer, Call, Flow, NoAnswer, SendResult, UnreadableAnswerError
from airflow_provider_imports.http.retry import MOST_ATTEMPTS, duration, may_repeat, wait_before_repeat
from airflow_provider_imports.http.secrets import NO_SECRETS, Secrets
from airflow_provider_imports.http.transfer import PROXY_WANTS_CREDENTIALS

if TYPE_CHECKING:
    from airflow_provider_imports.http.settings import Settings

T = TypeVar("T")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 3
#: As some vendors answer a log-in with wrong credentials.
_REFUSES_CREDENTIALS = frozenset({400, 422})


class VendorRules(Protocol):
    """What sending asks of the vendor's description."""

    def authorization(self, settings: Settings) -> Mapping[str, str]:
        """Headers that carry the credentials, for a vendor without a log-in."""

    def login_call(self, settings: Settings) -> Call | None:
        """The log-in, for a vendor that has one."""

    def read_login(self, answer: Answer, settings: Settings) -> Mapping[str, str]:
        """Headers that carry what the log-in gave."""

    def error_of(self, call: Call, outcome: SendResult) -> VendorImportError | None:
        """The error that an outcome means; None for an answer to work with."""

    def unreadable(self, call: Call, answer: Answer, reason: str) -> VendorImportError:
        """The error that a good answer means if it is not what the vendor documents."""

    def rate_limit_wait(self, answer: Answer, now: float) -> float | None:
        """Seconds to wait after a 429, where the vendor's own rules say more than its headers."""


@dataclass(slots=True)
class Access:
    """Who we are at the vendor, for the life of one client."""

    settings: Settings | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    generation: int = 0
    refused: tuple[Settings, VendorImportError] | None = field(default=None, repr=False)
    secrets: Secrets = field(default=NO_SECRETS, repr=False)
    plain: Mapping[str, str] = field(default_factory=dict, repr=False)

    def wire_headers(self, call: Call) -> Mapping[str, str]:
        """A call's headers; those of a plain read, sent by the thousand, are made once."""
        return self.plain if call.is_plain else call.wire_headers(self.headers)

    @property
    def base_url(self) -> str:
        """Where every call goes."""
        if self.settings is None:
            raise RuntimeError("a call was sent before the connection was looked up")
        return self.settings.base_url


# The steps are not frozen: each read makes some, and frozen data classes take four times as long to make.
@dataclass(slots=True)
class Transmit:
    """Step: send these bytes once, and send an :data:`SendResult` back."""

    call: Call
    headers: Mapping[str, str] = field(repr=False)


@dataclass(slots=True)
class Authenticate:
    """
    Step: look the connection up and log in, unless somebody did since ``generation``.

    :param patience: seconds to spend on waits before the log-in is repeated
    """

    generation: int
    patience: float


@dataclass(slots=True)
class Pause:
    """Step: let this many seconds pass before the same call is sent again."""

    seconds: float
    reason: VendorImportError


@dataclass(slots=True)
class Hold:
    """Step: the vendor asks everybody who sends this call on this connection to wait."""

    seconds: float
    call: Call
    vendor: str | None = None


@dataclass(slots=True)
class Share:
    """Step: get the answer to a read that others send, too, and send it back; or None to have it sent from here."""

    call: Call


SendStep = Transmit | Authenticate | Pause | Hold | Share
#: Yields a step, is sent what came of it (or thrown its error), and returns what all of them were for.
Sending = Generator[SendStep, SendResult | None, T]


def converse(flow: Flow[T], rules: VendorRules, access: Access, patience: float) -> Sending[T]:
    """
    Send a flow's calls one after the other. What a call fails with is thrown into the flow, which may go on.

    :param patience: seconds to spend on waits before repeats of each call; 0 means a single attempt
    :raises VendorImportError: what the flow made of an error, or what an answer means that the flow could not read
    """
    try:
        call = next(flow)
        while True:
            try:
                shared = (yield Share(call)) if call.shared else None
                if shared is None:
                    answer = yield from send(call, rules, access, patience)
                else:
                    answer = _judged(shared, call, rules)
            except VendorImportError as error:
                call = flow.throw(error)
                continue
            try:
                call = flow.send(answer)
            except UnreadableAnswerError as error:
                raise rules.unreadable(call, answer, str(error)) from error
    except StopIteration as end:
        result: T = end.value
        return result


def send(call: Call, rules: VendorRules, access: Access, patience: float) -> Sending[Answer]:
    """
    Send a call until it is answered or must not be repeated.

    :param patience: seconds to spend on waits before repeats; 0 means a single attempt
    :raises VendorImportError: what :meth:`VendorRules.error_of` makes of the last outcome
    """
    if access.generation == 0 and not call.public:
        yield Authenticate(0, patience)
    attempts, waited, renewed, redirects = 0, 0.0, False, 0
    earlier: tuple[SendResult, ...] = ()
    unclear: UnknownOutcomeError | None = None
    while True:
        generation, headers = access.generation, access.wire_headers(call)
        outcome = guarded(_outcome((yield Transmit(call, headers))), access.secrets)
        if isinstance(outcome, Answer) and outcome.status == 407:
            outcome = _refused_by_proxy(access.settings) or outcome
        attempts += 1
        if isinstance(outcome, Answer):
            if outcome.status == 401 and not renewed and not call.public and not outcome.is_web_page:
                renewed = True
                yield Authenticate(generation, patience)
                if access.wire_headers(call) != headers:
                    continue
            target = _redirect_target(access.base_url, call, outcome)
            if target is not None and redirects < _MOST_REDIRECTS:
                redirects += 1
                call = replace(call, path=target, query=())
                continue
            if earlier:
                outcome = replace(outcome, repeated_after=earlier)
        error = rules.error_of(call, outcome)
        if error is None:
            return _answer(outcome)
        access.secrets.redact(error)
        wait = wait_before_repeat(outcome, attempts, rules.rate_limit_wait, time.time(), random.random())
        if isinstance(error, VendorRateLimitError):
            error.retry_after = wait
            yield Hold(wait, call, error.vendor)
        if not may_repeat(call, outcome) or attempts >= MOST_ATTEMPTS or waited + wait > patience:
            if isinstance(error, VendorRateLimitError):
                error.args = (f"{error} Wait {duration(wait)} before it.",)
            raise error if unclear is None else _still_unclear(unclear, error)
        waited += wait
        if isinstance(error, UnknownOutcomeError):
            earlier, unclear = (*earlier, outcome), error
        yield Pause(wait, error)


def _still_unclear(unclear: UnknownOutcomeError, error: VendorImportError) -> VendorImportError:
    """Keep in mind that an earlier sending may have acted, although the last one certainly did not."""
    if isinstance(error, UnknownOutcomeError):
        return error
    return UnknownOutcomeError(
        f"{unclear} Sending it again did not settle that: {error}",
        vendor=error.vendor,
        operation=error.operation,
        status_code=error.status_code,
        vendor_message=error.vendor_message,
        request_id=error.request_id,
    )


def log_in(rules: VendorRules, access: Access, settings: Settings, patience: float) -> Sending[None]:
    """
    Take on the credentials of a freshly looked-up connection, and log in where the vendor has a log-in.

    A log-in that was refused is not repeated with the same credentials, by nobody who shares this access: repeated
    bad log-ins lock an account.
    """
    if access.refused is not None and access.refused[0] == settings:
        raise access.refused[1].with_traceback(None)  # raised many times, it would grow
    if (call := rules.login_call(settings)) is None:
        headers = rules.authorization(settings)
    else:
        access.settings, access.secrets = settings, Secrets.of(settings, {})
        try:
            answer = yield from send(call, rules, access, patience)
        except (VendorAuthError, VendorRequestError) as error:
            if isinstance(error, VendorAuthError) or error.status_code in _REFUSES_CREDENTIALS:
                access.refused = (settings, error)
            raise
        try:
            headers = rules.read_login(answer, settings)
        except UnreadableAnswerError as error:
            # the answer is not quoted: it may hold a token under another name
            raise rules.unreadable(call, replace(answer, content=b""), str(error)) from None
    access.settings, access.headers, access.refused = settings, headers, None
    access.secrets = Secrets.of(settings, headers)
    access.plain = Call("plain", "GET", "").wire_headers(headers)
    access.generation += 1


def guarded(outcome: SendResult, secrets: Secrets) -> SendResult:
    """An outcome that knows what must not be told of it."""
    if isinstance(outcome, Answer):
        outcome.secrets = secrets
    return outcome


def _outcome(sent: SendResult | None) -> SendResult:
    if sent is None:
        raise TypeError("a Transmit step must be answered with an Answer or NoAnswer")
    return sent


def _judged(shared: SendResult, call: Call, rules: VendorRules) -> Answer:
    if isinstance(shared, NoAnswer) and (error := rules.error_of(call, shared)) is not None:
        raise error
    return _answer(shared)


def _answer(outcome: SendResult) -> Answer:
    if isinstance(outcome, Answer):
        return outcome
    raise TypeError(f"error_of() found nothing wrong with {outcome!r}")


def _refused_by_proxy(settings: Settings | None) -> NoAnswer | None:
    if settings is None or settings.proxy is None:
        return None
    return NoAnswer(f"the proxy {settings.proxy_address} answered HTTP 407{PROXY_WANTS_CREDENTIALS}", False)


def _redirect_target(base_url: str, call: Call, answer: Answer) -> str | None:
    """Where a GET goes on to within the same origin; anywhere else, our credentials would be handed to a stranger."""
    if answer.status not in _REDIRECTS or call.method != "GET" or not (location := answer.headers.get("location")):
        return None
    return redirected(base_url, call.target, location)
