"""What may be sent again, and after how long. Pure: the clock and the dice are handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_imports.http.call import Answer, Call, NoAnswer, Repeat, SendResult, http_date

if TYPE_CHECKING:
    from collections.abc import Callable

GATEWAY_ERRORS = frozenset({502, 503, 504})
MOST_ATTEMPTS = 5
FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 60.0
#: The longest wait that a vendor's hint may ask for (seconds); a wrong clock must not stop us for a year.
LONGEST_ASKED_WAIT = 3600.0
_EPOCH_MILLISECONDS = 1e11
_EPOCH_SECONDS = 1e8


def may_repeat(call: Call, outcome: SendResult) -> bool:
    """Say whether a call that had this outcome may be sent again without the risk of acting twice."""
    if isinstance(outcome, NoAnswer):
        return not outcome.may_have_acted or call.repeat is Repeat.ALWAYS
    if outcome.status == 429:
        return True
    if outcome.status >= 500:
        asked_for = call.repeat is Repeat.ON_GATEWAY_ERRORS and outcome.status in GATEWAY_ERRORS
        return asked_for or call.repeat is Repeat.ALWAYS
    return outcome.status == 408 and call.repeat is Repeat.ALWAYS


def backoff(attempt: int, jitter: float) -> float:
    """
    Seconds before the next attempt: capped exponential, spread over its upper half.

    :param attempt: attempts made so far, from 1
    :param jitter: a random number in [0, 1)
    """
    longest = min(FIRST_BACKOFF * 2.0 ** min(attempt - 1, 30), LONGEST_BACKOFF)
    return longest * (0.5 + 0.5 * jitter)


def asked_wait(answer: Answer, now: float, own: Callable[[Answer, float], float | None]) -> float | None:
    """
    Read how long the vendor asks us to wait: ``Retry-After`` (seconds or date), ``X-RateLimit-Reset``, its own way.

    ``X-RateLimit-Reset`` is read as epoch milliseconds (Rocket.Chat), epoch seconds or seconds, by its size, and
    only on a 429, since good answers carry it too.

    :param now: epoch seconds
    :param own: how this vendor says it in a 429 that has neither
    """
    wait = _retry_after(answer, now)
    if wait is None and answer.status == 429:
        wait = _rate_limit_reset(answer, now)
        wait = own(answer, now) if wait is None else wait
    return None if wait is None else min(max(wait, 0.0), LONGEST_ASKED_WAIT)


def wait_before_repeat(
    outcome: SendResult, attempts: int, own: Callable[[Answer, float], float | None], now: float, jitter: float
) -> float:
    """
    Seconds before the next attempt: what the vendor asks for, else a backoff.

    A time that has passed by our clock counts as not said: repeats at once would use up the attempts.

    :param attempts: made so far, from 1
    :param own: as in :func:`asked_wait`
    :param now: epoch seconds
    :param jitter: a random number in [0, 1)
    """
    asked = asked_wait(outcome, now, own) if isinstance(outcome, Answer) else None
    return asked or backoff(attempts, jitter)


def duration(seconds: float) -> str:
    """Seconds for people: ``45 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def _retry_after(answer: Answer, now: float) -> float | None:
    text = answer.hint("retry-after").strip()
    if not text:
        return None
    seconds = _number(text)
    if seconds is not None:
        return seconds
    moment = http_date(text)
    return None if moment is None else moment.timestamp() - now


def _rate_limit_reset(answer: Answer, now: float) -> float | None:
    value = _number(answer.hint("x-ratelimit-reset"))
    if value is None:
        return None
    if value >= _EPOCH_MILLISECONDS:
        return value / 1000 - now
    return value - now if value >= _EPOCH_SECONDS else value


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
