"""
The test kit for vendors: a pytest plugin, and the conformance suite that every vendor is proven with.

Needs the extra ``testing``. Load the plugin with ``-p airflow_provider_imports.testing.plugin``, and derive a class
from :class:`~airflow_provider_imports.testing.conformance.Conformance`.
"""

from __future__ import annotations

from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_imports.testing.cases import Start, Wait
    from airflow_provider_imports.testing.conformance import Conformance

__all__ = ["Conformance", "Start", "Wait"]

pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in iter_modules(__path__)))


def __getattr__(name: str) -> Any:
    """Import what it is asked for: the plugin sets Airflow's home before Airflow is imported."""
    if name == "Conformance":
        from airflow_provider_imports.testing import conformance as module
    elif name in __all__:
        from airflow_provider_imports.testing import cases as module  # type: ignore[no-redef]
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(module, name)
