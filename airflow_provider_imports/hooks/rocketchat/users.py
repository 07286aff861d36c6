"""
What a user record for ``import.addUsers`` must look like.

The fields are those of the server's own validator (``isImportAddUsersParamsPOST``, the same from 6.3 to 8.8). The
server lets other keys pass and stores them as they are, and some of them write into the account itself; here they
are refused. Pure: no I/O.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_imports.counts import counted
from airflow_provider_imports.exceptions import InvalidInputError

#: Complaints that an error lists.
MOST_SHOWN = 20
_REQUIRED = ("emails", "importIds")
_STORED_BLINDLY = frozenset({"_id", "services", "customFields"})
_ADDRESS = re.compile(r"""[^\s@<>()",;]+@[^\s@<>()",;]+""")
_TYPES = ("user", "bot")


class InvalidUserError(ValueError):
    """
    A user who can't be imported.

    :param problems: everything that is wrong: each names a field, and never its value
    :param user: what is right about it
    """

    def __init__(self, problems: list[str], user: Mapping[str, Any]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
        self.user = user


def checked_user(record: object) -> dict[str, Any]:
    """
    Check one user, and bring it into the form that is sent: a number in ``importIds`` becomes a text, names and
    addresses lose the blanks around them.

    A field that is None is left out, and so are ``roles`` that are empty: servers before the fix of February 2026
    give junk roles to every user who comes with that key, even with an empty list.

    :raises InvalidUserError: naming the fields and what is wrong with them, never a value
    """
    if not isinstance(record, Mapping):
        raise InvalidUserError([f"is no object but {_kind(record)}"], {})
    user: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in record.items():
        if name not in _CHECKS:
            problems.append(_unknown(name))
        elif value is not None:
            try:
                user[name] = _CHECKS[name](name, value)
            except ValueError as error:
                user[name] = None
                problems.append(str(error))
    problems += [f"has no {name}" for name in _REQUIRED if user.get(name, []) == []]
    if problems:
        raise InvalidUserError(problems, {name: value for name, value in user.items() if value is not None})
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
        except InvalidUserError as error:
            problems.add(f"user {position:,}", error.problems)
    problems.report()
    return users


class Problems:
    """What is wrong with the users of a source: the first complaints by position, the others by their number."""

    def __init__(self) -> None:
        self.users = 0
        self._shown: list[str] = []
        self._more = 0

    def add(self, where: str, problems: Sequence[str]) -> None:
        """Note what is wrong with one user."""
        self.users += 1
        room = max(0, MOST_SHOWN - len(self._shown))
        self._shown += [f"{where} {problem}" for problem in problems[:room]]
        self._more += len(problems[room:])

    def report(self) -> None:
        """
        End here if there were any.

        :raises InvalidInputError: naming the first of them
        """
        if self.users:
            listed = "; ".join(self._shown) + (f"; and {self._more:,} more" if self._more else "")
            raise InvalidInputError(
                f"{counted(self.users, 'user')} can't be imported: {listed}. Correct the data, "
                "then clear the task. Nothing was sent.",
                vendor="rocketchat",
            )


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"has {name} of type {_kind(value)}, not a text")
    return _encodable(name, value)


def _name(name: str, value: object) -> str:
    text = _text(name, value).strip()
    if not text:
        raise ValueError(f"has an empty {name}; leave it out")
    return _visible(name, text)


def _visible(name: str, text: str) -> str:
    if not text.isprintable():
        raise ValueError(f"has an invisible character in {name}, such as NUL or a zero-width space")
    return text


def _type(name: str, value: object) -> str:
    text = _text(name, value).strip()
    if text not in _TYPES:
        raise ValueError(f"has a {name} that is neither {' nor '.join(map(repr, _TYPES))}")
    return text


def _encodable(name: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"has half of a surrogate pair in {name}, for instance of an emoji that was cut") from None
    return text


def _texts(name: str, value: object) -> list[str]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"has {name} of type {_kind(value)}, not a list of texts")
    texts = []
    for one in value:
        text = str(one) if name == "importIds" and type(one) is int else one
        if not isinstance(text, str):
            hint = ": emails are plain texts here" if name == "emails" and isinstance(one, Mapping) else ""
            raise ValueError(f"has {_kind(one)} in {name}, not a text{hint}")
        if not text.strip():
            raise ValueError(f"has an empty text in {name}")
        texts.append(_visible(name, _encodable(name, text.strip())))
    return texts


def _emails(name: str, value: object) -> list[str]:
    emails = _texts(name, value)
    if not all(map(_ADDRESS.fullmatch, emails)):
        raise ValueError(f"has something in {name} that is no address: it needs one @ with something on both sides")
    return emails


def _number(name: str, value: object) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"has {name} of type {_kind(value)}, not a number")
    return value


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"has {name} of type {_kind(value)}, not true or false")
    return value


_CHECKS: Mapping[str, Callable[[str, object], Any]] = {
    "emails": _emails,
    "importIds": _texts,
    "username": _name,
    "name": _name,
    "bio": _text,
    "statusText": _text,
    "avatarUrl": _text,
    "password": _text,
    "utcOffset": _number,
    "deleted": _truth,
    "roles": _texts,
    "type": _type,
}
#: Every field that a user may have.
FIELDS = tuple(_CHECKS)


def _unknown(name: object) -> str:
    shown = repr(name)[:60]
    if name in _STORED_BLINDLY:
        return f"has the field {shown}, which Rocket.Chat would write unchecked into the account; it is never sent"
    return f"has the unknown field {shown} (known: {', '.join(FIELDS)})"


def _kind(value: object) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "infinity"
    names = {dict: "object", list: "list", str: "text", bool: "true/false", int: "number", float: "number"}
    return "null" if value is None else names.get(type(value), type(value).__name__)
