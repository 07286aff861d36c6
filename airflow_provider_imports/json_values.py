"""Read back JSON that crossed a process: a value of another type is an error, never guessed at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


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
