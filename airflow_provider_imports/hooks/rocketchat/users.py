"""
What a user record for ``import.addUsers`` must look like.

The fields are those of the server's own validator (``isImportAddUsersParamsPOST``, the same from 6.3 to 8.8). The
server lets other keys pass and stores them as they are, and some of them write into the account itself; here they
are refused. Pure: no I/O.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airflow_provider_imports.exceptions import InvalidInputError

#: Bad records that an error names.
MOST_SHOWN = 10
_REQUIRED = ("emails", "importIds")
_STORED_BLINDLY = frozenset({"_id", "services", "customFields"})


def checked_user(record: object) -> dict[str, Any]:
    """
    Check one user, and bring it into the form that is sent: a number in ``importIds`` becomes a text.

    A field that is None is left out, and so are ``roles`` that are empty: servers before the fix of February 2026
    give junk roles to every user who comes with that key, even with an empty list.

    :raises ValueError: naming the field and what is wrong with it, never its value
    """
    if not isinstance(record, Mapping):
        raise ValueError(f"is no object but {_kind(record)}")
    for name in record:
        if name not in _CHECKS:
            raise ValueError(_unknown(name))
    user = {name: _CHECKS[name](name, value) for name, value in record.items() if value is not None}
    for name in _REQUIRED:
        if not user.get(name):
            raise ValueError(f"has no {name}")
    if not user.get("roles", True):
        del user["roles"]
    return user


def checked_users(records: Iterable[object], first: int = 1) -> list[dict[str, Any]]:
    """
    Check users to send.

    :param first: position of the first of them, for the error
    :raises InvalidInputError: naming the first bad ones by position
    """
    problems, users = Problems(), []
    for position, record in enumerate(records, first):
        try:
            users.append(checked_user(record))
        except ValueError as error:
            problems.add(f"user {position}", str(error))
    problems.report()
    return users


class Problems:
    """The bad records of a source: the first few by position, the others by their number."""

    def __init__(self) -> None:
        self.count = 0
        self._shown: list[str] = []

    def add(self, where: str, problem: str) -> None:
        """Note a bad record."""
        self.count += 1
        if len(self._shown) < MOST_SHOWN:
            self._shown.append(f"{where} {problem}")

    def report(self) -> None:
        """
        End here if there were any.

        :raises InvalidInputError: naming the first of them
        """
        if self.count:
            more = self.count - len(self._shown)
            listed = "; ".join(self._shown) + (f"; and {more:,} more" if more else "")
            raise InvalidInputError(
                f"{self.count:,} users can't be imported: {listed}. Correct them; nothing was sent.",
                vendor="rocketchat",
            )


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"has {name} of type {_kind(value)}, not a text")
    return _encodable(name, value)


def _encodable(name: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"has half of a surrogate pair in {name}, for instance of an emoji that was cut") from None
    return text


def _texts(name: str, value: object) -> list[str]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"has {name} of type {_kind(value)}, not a list of texts")
    texts = [str(one) if name == "importIds" and type(one) is int else one for one in value]
    for one in texts:
        if not isinstance(one, str):
            hint = ": emails are plain texts here" if name == "emails" and isinstance(one, Mapping) else ""
            raise ValueError(f"has {_kind(one)} in {name}, not a text{hint}")
        if not one.strip():
            raise ValueError(f"has an empty text in {name}")
        _encodable(name, one)
    return texts


def _number(name: str, value: object) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"has {name} of type {_kind(value)}, not a number")
    return value


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"has {name} of type {_kind(value)}, not true or false")
    return value


_CHECKS: Mapping[str, Callable[[str, object], Any]] = {
    "emails": _texts,
    "importIds": _texts,
    "username": _text,
    "name": _text,
    "bio": _text,
    "statusText": _text,
    "avatarUrl": _text,
    "password": _text,
    "utcOffset": _number,
    "deleted": _truth,
    "roles": _texts,
    "type": _text,
}
#: Every field that a user may have.
FIELDS = tuple(_CHECKS)


def _unknown(name: object) -> str:
    shown = repr(name)[:60]
    if name in _STORED_BLINDLY:
        return f"has the field {shown}, which Rocket.Chat would write unchecked into the account; it is never sent"
    return f"has the unknown field {shown} (known: {', '.join(FIELDS)})"


def _kind(value: object) -> str:
    names = {dict: "object", list: "list", str: "text", bool: "true/false", int: "number", float: "number"}
    return "null" if value is None else names.get(type(value), type(value).__name__)
