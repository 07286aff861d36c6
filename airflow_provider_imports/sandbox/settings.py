"""Reading and changing settings (dataclass instances) as JSON, with every key and type checked."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any


def describe(pace: Any, vendors: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings: those of all vendors at the top, those of one vendor under its name."""
    return {**dataclasses.asdict(pace), **{name: dataclasses.asdict(own) for name, own in vendors.items()}}


def change(pace: Any, vendors: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """
    Change settings. All are checked before the first is changed.

    :raises ValueError: unknown key, or a value of the wrong type.
    """
    targets: list[tuple[Any, str, Any]] = []
    for key, value in changes.items():
        if key not in vendors:
            targets.append((pace, key, _checked(pace, key, value, key)))
            continue
        if not isinstance(value, Mapping):
            raise ValueError(f"{key!r} must be an object of settings")
        own = vendors[key]
        targets += [(own, name, _checked(own, name, item, f"{key}.{name}")) for name, item in value.items()]
    for target, name, value in targets:
        setattr(target, name, value)


def _checked(target: Any, name: str, value: Any, shown: str) -> Any:
    hints = typing.get_type_hints(type(target))
    if name not in hints:
        raise ValueError(f"unknown setting {shown!r}; known here: {', '.join(sorted(hints)) or 'none'}")
    allowed = typing.get_args(hints[name]) or (hints[name],)
    if float in allowed and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) not in allowed:
        raise ValueError(f"setting {shown!r} must be {hints[name]}, not {value!r}")
    return value
