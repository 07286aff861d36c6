"""Options as JSON brings them, put into dataclasses with every key and type checked."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any


def option_names(owner: type) -> list[str]:
    """Return the names of a dataclass's options, in their order."""
    return [field.name for field in dataclasses.fields(owner) if field.init]


def checked(owner: type, name: str, value: Any, shown: str | None = None) -> Any:
    """
    Return the value of an option as its dataclass wants it.

    :param shown: the option's name in messages.
    :raises ValueError: unknown key, or a value of the wrong type.
    """
    shown = shown or name
    known = sorted(option_names(owner))
    if name not in known:
        raise ValueError(f"unknown key {shown!r}; known: {', '.join(known) or 'none'}")
    hint = typing.get_type_hints(owner)[name]
    if typing.get_origin(hint) is typing.Literal:
        if value not in typing.get_args(hint):
            raise ValueError(f"{shown!r} must be one of {typing.get_args(hint)}, not {value!r}")
        return value
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (typing.get_origin(hint) or hint,)
    if float in kinds and type(value) is int:
        return float(value)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise ValueError(f"{shown!r} must be {hint}, not {value!r}")
    return value


def change_settings(shared: Any, vendors: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """
    Change settings. All are checked before the first is changed.

    :param shared: the settings of all vendors.
    :param vendors: the settings of each vendor, which stand under its name.
    :raises ValueError: unknown key, or a value of the wrong type.
    """
    targets: list[tuple[Any, str, Any]] = []
    for key, value in changes.items():
        if key not in vendors:
            targets.append((shared, key, checked(type(shared), key, value)))
            continue
        if not isinstance(value, Mapping):
            raise ValueError(f"{key!r} must be an object of settings")
        own = vendors[key]
        targets += [(own, name, checked(type(own), name, item, f"{key}.{name}")) for name, item in value.items()]
    for target, name, value in targets:
        setattr(target, name, value)
