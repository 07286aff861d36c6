"""
Read numbers, times and texts: a vendor's tolerantly, and back what crossed a process, where another type is an error.

Pure, and nothing is ever guessed at.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

#: More rows than this are no count: a share of them could not be computed.
MOST_ROWS = 2**63 - 1


def text_from_json(value: object) -> str:
    """
    Read a text.

    :raises ValueError: for anything else
    """
    if not isinstance(value, str):
        raise ValueError(f"not a text: {value!r}")
    return value


def number_from_json(value: object) -> float:
    """
    Read a finite number; NaN as a deadline would never come.

    :raises ValueError: for anything else
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"not a number: {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def texts_from_json(value: object) -> dict[str, str]:
    """
    Read an object whose values are texts.

    :raises ValueError: for anything else
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"not an object: {value!r}")
    return {text_from_json(name): text_from_json(text) for name, text in value.items()}


def lines_from_json(value: object) -> tuple[str, ...]:
    """
    Read a list of texts.

    :raises ValueError: for anything else
    """
    if not isinstance(value, list | tuple):
        raise ValueError(f"not a list of lines: {value!r}")
    return tuple(text_from_json(line) for line in value)


def object_from_json(value: object, what: str) -> dict[str, Any]:
    """
    Read an object.

    :param what: what it should be, for the error
    :raises ValueError: for anything else
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"not an {what}: {value!r}")
    return dict(value)


def storable(value: object) -> object:
    """Make a stored value storable again: one that is no JSON, as NaN and Infinity are none, becomes a text."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(value, default=repr)
    return value


def parse_time(text: object) -> datetime | None:
    """
    Read a vendor's ISO 8601 time; None for anything that is not one.

    A time without a zone is taken as UTC.
    """
    if not isinstance(text, str) or not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_count(value: object) -> int | None:
    """Read a vendor's number of rows; None for anything that is not one, and for one that no vendor can have."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_ROWS else None


def read_text(value: object) -> str:
    """Read a vendor's text, or a number in the place of one; empty for anything else."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def time_to_json(moment: datetime | None) -> str | None:
    """ISO 8601; None stays None."""
    return None if moment is None else moment.isoformat()


def time_from_json(value: object) -> datetime | None:
    """
    Read a time that :func:`time_to_json` wrote.

    :raises ValueError: for anything else
    """
    if value is None:
        return None
    moment = parse_time(value)
    if moment is None:
        raise ValueError(f"not a time: {value!r}")
    return moment


def count_from_json(value: object) -> int | None:
    """
    Read a count, or None.

    :raises ValueError: for anything else
    """
    if value is not None and read_count(value) is None:
        raise ValueError(f"not a count: {value!r}")
    return read_count(value)
