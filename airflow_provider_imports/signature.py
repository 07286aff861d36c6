"""The whole signature of an operator or a sensor, for ``help()``, editors that run code, and the documentation."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.vendors import FROM_ENTRY, given_or_own

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class WholeSignature:
    """
    A class attribute ``__signature__``: the keyword parameters of all our classes that a class is made of.

    Airflow's own parameters stay ``**kwargs``. It is made when somebody asks for it, so a DAG file does not pay.
    """

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        """The signature of ``owner``; what would have no effect (``without_effect``) is not shown."""
        merged: dict[str, inspect.Parameter] = {}
        for one in owner.__mro__:
            init = vars(one).get("__init__")
            if init is None or one.__module__.partition(".")[0] == "airflow":
                continue
            for name, parameter in inspect.signature(init).parameters.items():
                if parameter.kind is parameter.KEYWORD_ONLY and name not in getattr(owner, "without_effect", ()):
                    merged.setdefault(name, _shown(parameter, owner))
        required = [one for one in merged.values() if one.default is one.empty]
        others = [one for one in merged.values() if one.default is not one.empty]
        rest = inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD, annotation=Any)
        return inspect.Signature([*required, *others, rest])


def _shown(parameter: inspect.Parameter, owner: Any) -> inspect.Parameter:
    if parameter.default is not FROM_ENTRY or not hasattr(owner, "entry"):
        return parameter
    (default,) = given_or_own(owner.entry, **{parameter.name: FROM_ENTRY})
    return parameter.replace(default=default)


def refuse(task: str, names: Iterable[str], given: Mapping[str, object]) -> None:
    """
    Refuse parameters that would have no effect; those of shared ``default_args`` never come here.

    :param task: the class, for the error
    :raises InvalidInputError: naming the first of them
    """
    for name in names:
        if name in given:
            raise InvalidInputError(f"{task} takes no {name}: it would have no effect. Nothing was sent.")
