"""Check parameters before anything is sent. Pure; every message says what was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from airflow_provider_imports.exceptions import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection


def one_of(name: str, value: object, allowed: Collection[str]) -> None:
    """
    Check a word.

    :raises InvalidInputError: listing the words that are allowed
    """
    if not isinstance(value, str) or value not in allowed:
        raise InvalidInputError(
            f"{name} must be one of {', '.join(map(repr, sorted(allowed)))}, not {value!r}. Nothing was sent."
        )


def required(name: str, value: object) -> str:
    """
    Check an identifier that must be a text with something in it.

    :raises InvalidInputError: if it is not
    """
    if not isinstance(value, str) or not value.strip():
        raise InvalidInputError(f"{name} must be a text that is not empty, not {value!r}. Nothing was sent.")
    return value.strip()


def uuid(name: str, value: object) -> str:
    """
    Check a UUID, and write it the usual way.

    :raises InvalidInputError: if it is not one
    """
    try:
        return str(UUID(value))  # type: ignore[arg-type]
    except (ValueError, AttributeError, TypeError):
        raise InvalidInputError(
            f"{name} must be a UUID like 33d0d7d0-6125-47c4-b36a-882f4ed53b33, not {value!r}. Nothing was sent."
        ) from None


def positive(name: str, value: object) -> None:
    """
    Check a number of seconds.

    :raises InvalidInputError: if it is not a number greater than 0
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise InvalidInputError(f"{name} must be a number of seconds greater than 0, not {value!r}. Nothing was sent.")


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
            f"not {value!r}. Nothing was sent."
        )
