"""Sphinx directives that make the reference's tables out of what they describe, so that they can't be wrong."""

from __future__ import annotations

import inspect
import json
import re
from collections import defaultdict
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator
from sphinx.util.docutils import SphinxDirective

from airflow_provider_imports.installed import installed
from airflow_provider_imports.triggers.events import ImportEndedTrigger
from airflow_provider_imports.triggers.imports import ImportTrigger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from docutils.nodes import Node
    from sphinx.application import Sphinx

SHARED_BY = 4
"""As many classes share a parameter that gets a row of its own."""
NOT_A_VALUE = {"deferrable": "``[operators] default_deferrable``", "conn_id": "``<vendor>_default``"}


def classes(kind: str) -> Iterator[tuple[str, type]]:
    """Vendor and class of each operator or sensor (``operators`` or ``sensors``) that a DAG author uses."""
    for vendor in sorted(installed().entries):
        name = f"airflow_provider_imports.{kind}.{vendor}"
        if find_spec(name) is None:
            continue
        for value in vars(import_module(name)).values():
            is_of_here = inspect.isclass(value) and value.__module__ == name
            if is_of_here and issubclass(value, BaseOperator) and not value.__subclasses__():
                yield vendor, value


def parameters(one: type) -> dict[str, inspect.Parameter]:
    """What a class takes besides Airflow's own parameters."""
    found = inspect.signature(one).parameters
    return {name: value for name, value in found.items() if value.kind is value.KEYWORD_ONLY}


def shared(kind: str) -> dict[str, list[tuple[str, type]]]:
    """The parameters that many classes share, with the classes."""
    users: dict[str, list[tuple[str, type]]] = defaultdict(list)
    for vendor, one in classes(kind):
        for name in parameters(one):
            users[name].append((vendor, one))
    return {
        name: those
        for name, those in users.items()
        if len(those) >= SHARED_BY and len({vendor for vendor, _ in those}) > 1
    }


def own_rows(kind: str) -> list[list[str]]:
    """A row for each class, with the parameters that are its own."""
    common = shared(kind)
    return [
        [
            f":class:`~{one.__module__}.{one.__name__}`",
            ", ".join(_with_default(name, value) for name, value in parameters(one).items() if name not in common)
            or "none",
            ", ".join(f"``{name}``" for name in one.template_fields),
        ]
        for _, one in classes(kind)
    ]


def shared_rows(kind: str) -> list[list[str]]:
    """A row for each shared parameter."""
    total = len(list(classes(kind)))
    return [
        [
            f"``{name}``",
            NOT_A_VALUE.get(name) or _defaults(name, users),
            "all" if len(users) == total else _vendors_or_classes(users, kind),
            _meaning(name, (one for _, one in users)),
        ]
        for name, users in shared(kind).items()
    ]


def trigger_rows() -> list[list[str]]:
    """A row for each trigger."""
    return [
        [
            f":class:`~{one.__module__}.{one.__name__}`",
            ", ".join(_with_default(name, value) for name, value in parameters(one).items()),
        ]
        for one in (ImportEndedTrigger, ImportTrigger)
    ]


def _with_default(name: str, parameter: inspect.Parameter) -> str:
    return f"``{name}``" if parameter.default is parameter.empty else f"``{name}={parameter.default!r}``"


def _defaults(name: str, users: Iterable[tuple[str, type]]) -> str:
    by_default: dict[str, dict[str, None]] = defaultdict(dict)
    for vendor, one in users:
        by_default[f"``{_shown(parameters(one)[name].default)}``"][installed().entries[vendor].vendor_name] = None
    if len(by_default) == 1:
        return next(iter(by_default))
    return ", ".join(f"{value} ({', '.join(vendors)})" for value, vendors in by_default.items())


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _vendors_or_classes(users: Iterable[tuple[str, type]], kind: str) -> str:
    """The vendors all of whose classes share a parameter, and the single classes of the others."""
    of_vendor: Mapping[str, set[type]] = defaultdict(set)
    for vendor, one in classes(kind):
        of_vendor[vendor].add(one)
    having: Mapping[str, list[type]] = defaultdict(list)
    for vendor, one in users:
        having[vendor].append(one)
    return ", ".join(
        installed().entries[vendor].vendor_name
        if set(those) == of_vendor[vendor]
        else ", ".join(f":class:`~{one.__module__}.{one.__name__}`" for one in those)
        for vendor, those in having.items()
    )


def _meaning(name: str, users: Iterable[type]) -> str:
    for one in users:
        for parent in one.__mro__:
            match = re.search(rf":param {name}: (.*?)(?=\n\s*:|\Z)", vars(parent).get("__doc__") or "", re.DOTALL)
            if match:
                return " ".join(match[1].replace("(templated)", "").split())
    raise LookupError(f"no docstring says what {name} is")


class ParameterTable(SphinxDirective):
    """``.. parameter-table:: operators``: of what, and of which parameters."""

    required_arguments = 2
    headings = {
        ("operators", "own"): (["operator", "parameters of its own, with defaults", "templated"], own_rows),
        ("sensors", "own"): (["sensor", "parameters of its own, with defaults", "templated"], own_rows),
        ("operators", "shared"): (["parameter", "default", "operators", "meaning"], shared_rows),
        ("sensors", "shared"): (["parameter", "default", "sensors", "meaning"], shared_rows),
        ("triggers", "own"): (["trigger", "arguments, with defaults"], lambda kind: trigger_rows()),
    }

    def run(self) -> list[Node]:
        """Make the table."""
        kind, which = self.arguments
        heading, rows = self.headings[kind, which]
        lines = [".. list-table::", "   :header-rows: 1", "   :class: parameters", ""]
        for row in [heading, *rows(kind)]:
            lines += [f"   {'* -' if not number else '  -'} {cell}" for number, cell in enumerate(row)]
        return self.parse_text_to_nodes("\n".join([*lines, ""]))


class ManifestKeys(SphinxDirective):
    """``.. manifest-keys::``: a row for each key of the manifest, out of its JSON Schema."""

    def run(self) -> list[Node]:
        """Make the table."""
        schema = json.loads((files("airflow_provider_imports") / "manifest.schema.json").read_text())
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 20 80", "", "   * - key", "     - meaning"]
        for name, key in schema["properties"].items():
            described = {**schema["$defs"].get(key.get("$ref", "").rpartition("/")[2], {}), **key}["description"]
            lines += [f"   * - ``{name}``", f"     - {described.rstrip('.')}"]
        return self.parse_text_to_nodes("\n".join([*lines, ""]))


def setup(app: Sphinx) -> Mapping[str, bool]:
    """Name the directives."""
    app.add_directive("parameter-table", ParameterTable)
    app.add_directive("manifest-keys", ManifestKeys)
    return {"parallel_read_safe": True}
