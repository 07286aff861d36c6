"""What the public API consists of."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_imports import hooks, operators, sensors
from airflow_provider_imports.hooks.base import ImportHook

if TYPE_CHECKING:
    from collections.abc import Iterator


def public_classes() -> Iterator[type]:
    """The operators, sensors and hooks of the public API."""
    names = [
        found.name
        for package in (operators, sensors, hooks)
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    ]
    for module in [importlib.import_module(name) for name in names]:  # all first: then each knows its subclasses
        for value in vars(module).values():
            is_defined_there = inspect.isclass(value) and f"{value.__module__}.".startswith(f"{module.__name__}.")
            if is_defined_there and issubclass(value, BaseOperator | ImportHook):
                yield value
