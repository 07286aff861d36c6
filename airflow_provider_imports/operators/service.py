"""The operator of a vendor that is described in data."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_imports import validation
from airflow_provider_imports.operators.waiting import WaitingImportOperator
from airflow_provider_imports.service import check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_imports.models import ImportRun
    from airflow_provider_imports.service import Service
    from airflow_provider_imports.vendors import VendorEntry


class ServiceOperator(WaitingImportOperator):
    """Start an import of a vendor that is described in data, and wait for its end."""

    parameters: ClassVar[Sequence[str]] = ()

    def check(self) -> None:
        """Check the description's parameters as well."""
        super().check()
        for name in self.parameters:
            validation.required(name, getattr(self, name))

    def start(self, hook: Any) -> ImportRun:
        """Start it."""
        run: ImportRun = hook.start_import(**{name: getattr(self, name) for name in self.parameters})
        return run


def operator_of(name: str, entry: VendorEntry, service: Service) -> type[ServiceOperator]:
    """
    Make the operator of a vendor; it lives in the first module of operators that the entry names.

    :param name: of the class
    :raises VendorEntryError: for what a description can't express
    """
    check(service, entry.vendor_name)
    parameters = tuple(service["parameters"])
    told = "".join(f":param {one}: {text} (templated)\n" for one, text in service["parameters"].items())
    attributes = {
        "__module__": entry.operators[0],
        "__doc__": f"Start an import at {entry.vendor_name}, and wait for its end.\n\n{told}"
        ":param conn_id: the Airflow connection (templated)\n",
        "__init__": _init(parameters, entry.default_conn_id),
        "entry": entry,
        "parameters": parameters,
        "inputs": parameters,
        "template_fields": ("conn_id", *parameters, "on_unknown_outcome"),
    }
    return type(name, (ServiceOperator,), attributes)


def _init(parameters: Sequence[str], default_conn_id: str) -> Callable[..., None]:
    def __init__(self: Any, *, conn_id: str = default_conn_id, **kwargs: Any) -> None:
        given = {name: kwargs.pop(name) for name in parameters}
        WaitingImportOperator.__init__(self, conn_id=conn_id, **kwargs)
        for name, value in given.items():
            setattr(self, name, value)

    # Airflow takes from here which parameters are required, and which ``default_args`` may give.
    __init__.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter("self", Parameter.POSITIONAL_OR_KEYWORD),
            *(Parameter(name, Parameter.KEYWORD_ONLY, annotation="str") for name in parameters),
            Parameter("conn_id", Parameter.KEYWORD_ONLY, default=default_conn_id, annotation="str"),
            Parameter("kwargs", Parameter.VAR_KEYWORD),
        ]
    )
    return __init__
