"""Check parameters before anything is sent. Pure; every message says what was expected."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from airflow_provider_imports.exceptions import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection

NOTHING = "Nothing was sent."
#: Longer than this (seconds) is no time to wait but a mistake; a deadline must stay a date.
LONGEST = 10 * 366 * 86400.0
#: Characters of a value that a message shows, and bits of a number that is an id.
_MOST_SHOWN = 60
_LARGEST_ID = 128
#: A UUID of digits alone that native rendering made a number of; leading zeros are lost.
_DIGITS_OF_A_UUID = range(10**27, 10**32)
_NATIVE = (
    " If the template gives a text, render_template_as_native_obj=True of the DAG has made another type of it: switch "
    "that off, or quote the text within the template."
)


def kind(value: object) -> str:
    """What somebody gave, without its value."""
    if value is None:
        return "None"
    if isinstance(value, str | bytes):
        name = "a text" if isinstance(value, str) else "bytes"
        return name if value.strip() else f"empty {name.removeprefix('a ')}"
    return f"a value of type {type(value).__name__}"


def rendered_to_nothing(name: str, value: object) -> None:
    """
    Refuse the text ``None``, which is what a template gives when there is nothing to render.

    :raises InvalidInputError: naming the parameter
    """
    if isinstance(value, str) and value.strip() == "None":
        raise InvalidInputError(
            f"{name} is the text 'None': a template rendered to nothing, for instance the XCom of a task that returned "
            f"nothing or was skipped. Correct the template. {NOTHING}"
        )


def given(**parameters: object) -> frozenset[str]:
    """Name the optional parameters that a DAG gives, for :func:`still_given`."""
    return frozenset(name for name, value in parameters.items() if value is not None)


def still_given(task: object, names: Collection[str]) -> None:
    """
    Check optional texts that a DAG gives. Rendered to nothing, one is refused: without it, another import is meant.

    :raises InvalidInputError: naming the parameter
    """
    for name in sorted(names):
        value = getattr(task, name)
        if value is None:
            raise InvalidInputError(
                f"{name} must be a text that is not empty, not None: the DAG gives it, and it rendered to nothing. "
                f"Correct the template, or leave {name} out. {NOTHING}"
            )
        required(name, value)


def encodable(name: str, text: str) -> str:
    """
    Check that a text can be sent.

    :raises InvalidInputError: if it holds half of a surrogate pair, such as one half of an emoji
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            f"{name} can't be sent: its character {error.start + 1:,} is half of a surrogate pair, for instance of an "
            f"emoji that was cut. {NOTHING}"
        ) from None
    return text


def one_of(name: str, value: object, allowed: Collection[str]) -> None:
    """
    Check a word.

    :raises InvalidInputError: listing the words that are allowed
    """
    rendered_to_nothing(name, value)
    if not isinstance(value, str) or value not in allowed:
        raise InvalidInputError(
            f"{name} must be one of {', '.join(map(repr, sorted(allowed)))}, not {_shown(value)}."
            f"{hint(value)} {NOTHING}"
        )


def required(name: str, value: object) -> str:
    """
    Check an identifier that must be a text with something in it; a whole number is written as one.

    :raises InvalidInputError: if it is not
    """
    rendered_to_nothing(name, value)
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= _LARGEST_ID:
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise InvalidInputError(f"{name} must be a text that is not empty, not {kind(value)}.{hint(value)} {NOTHING}")
    return encodable(name, value.strip())


def uuid(name: str, value: object) -> str:
    """
    Check a UUID, and write it the usual way.

    :raises InvalidInputError: if it is not one
    """
    rendered_to_nothing(name, value)
    text = value
    if isinstance(value, int) and value in _DIGITS_OF_A_UUID:
        text = f"{value:032d}"
    elif isinstance(value, UUID):
        text = str(value)
    try:
        return str(UUID(text.strip() if isinstance(text, str) else text))  # type: ignore[arg-type]
    except (ValueError, AttributeError, TypeError):
        raise InvalidInputError(
            f"{name} must be a UUID like 33d0d7d0-6125-47c4-b36a-882f4ed53b33, not {_shown(value)}.{hint(value)} "
            f"{NOTHING}"
        ) from None


def seconds(name: str, value: object) -> float:
    """
    Check a time to wait, in seconds or as a ``timedelta``.

    :return: seconds
    :raises InvalidInputError: if it is not greater than 0, or longer than ten years
    """
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= LONGEST:
        too_long = isinstance(number, int | float) and number > LONGEST
        raise InvalidInputError(
            f"{name} must be a number of seconds greater than 0 (int, float or timedelta)"
            f"{' and at most ten years' if too_long else ''}, not {_shown(value)}. {NOTHING}"
        )
    return float(number)


def flag(name: str, value: object) -> bool:
    """
    Check a yes or no.

    :raises InvalidInputError: unless it is True or False
    """
    if not isinstance(value, bool):
        raise InvalidInputError(f"{name} must be True or False, not {_shown(value)}. {NOTHING}")
    return value


def flag_or_none(name: str, value: object) -> bool | None:
    """
    Check a yes or no that may be left to the vendor.

    :raises InvalidInputError: unless it is True, False or None
    """
    if value is not None and not isinstance(value, bool):
        raise InvalidInputError(f"{name} must be True, False or None, not {_shown(value)}. {NOTHING}")
    return value


def whole_number(name: str, value: object, most: int) -> int:
    """
    Check a number of things.

    :raises InvalidInputError: unless it is a whole number from 1 to ``most``
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= most:
        raise InvalidInputError(f"{name} must be a number from 1 to {most:,}, not {_shown(value)}. {NOTHING}")
    return value


def max_rejected(value: object) -> None:
    """
    Check ``max_rejected``.

    :raises InvalidInputError: unless it is None, a number of rows (int) or a share from 0.0 to 1.0 (float)
    """
    if value is None:
        return
    rows = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    share = isinstance(value, float) and 0 <= value <= 1
    if not rows and not share:
        raise InvalidInputError(
            f"max_rejected must be None, a number of rows (int) or a share of them from 0.0 to 1.0 (float), "
            f"not {_shown(value)}. {NOTHING}"
        )


def max_auto_created(value: object) -> None:
    """
    Check ``max_auto_created``.

    :raises InvalidInputError: unless it is None or a number of items
    """
    _number_or_none("max_auto_created", value, "items")


def min_rows(value: object) -> None:
    """
    Check ``min_rows``.

    :raises InvalidInputError: unless it is None or a number of rows
    """
    _number_or_none("min_rows", value, "rows")


def _number_or_none(name: str, value: object, what: str) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise InvalidInputError(f"{name} must be None or a number of {what} (int), not {_shown(value)}. {NOTHING}")


def hint(value: object) -> str:
    """Name the likely cause of a value that is no text where a text is meant."""
    return "" if value is None or isinstance(value, str | bytes) else _NATIVE


def _shown(value: object) -> str:
    """A word, an id or a number as it is; of anything else only what it is."""
    if isinstance(value, str) and value.strip():
        return repr(value if len(value) <= _MOST_SHOWN else f"{value[: _MOST_SHOWN - 1]}…")
    if isinstance(value, bool | float | timedelta) or (isinstance(value, int) and value.bit_length() <= _LARGEST_ID):
        return str(value)
    return kind(value)
