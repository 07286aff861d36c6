"""
A simple vendor in data: *start*, *status* and *cancel* over JSON, from which hook, operator and sensor are made.

What a description can't say is refused by name: such a vendor has a hook of its own. The keys that a part needs are
read from its type, so this module's annotations are no texts.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NotRequired, TypedDict

from airflow_provider_imports.models import Counts, ImportState
from airflow_provider_imports.vendors import VendorEntryError

#: The placeholder of the run's id in paths.
ID = "id"
COUNTS = Counts._fields
#: What a status can say; evidence is of one record.
STATES = tuple(state.value for state in ImportState if state is not ImportState.EVIDENCE)
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class InHeader(TypedDict):
    """The password stands in this header."""

    header: str


class ClientCredentials(TypedDict):
    """
    OAuth2: the connection's login and password are client id and secret; a token is got at this path.

    Needs the extra ``oauth2``.
    """

    token_path: str
    scope: NotRequired[str]


#: ``basic`` sends login and password, ``bearer`` the password.
Authorization = Literal["basic", "bearer"] | InHeader | ClientCredentials


class StartCall(TypedDict):
    """
    How an import is started.

    ``{name}`` in the path and in texts of ``json`` is a parameter of the operator. The run's id stands in the answer at
    ``id`` (``import.id`` is ``id`` in the object ``import``), or at the end of the path in the header ``Location``.
    """

    operation: str
    method: NotRequired[str]
    path: str
    json: NotRequired[Any]
    id: NotRequired[str]
    id_in: NotRequired[Literal["Location"]]


class StatusCall(TypedDict):
    """How a status is read (``{id}`` in the path is the run's id), and where state and counts stand in the answer."""

    operation: str
    path: str
    state: str
    message: NotRequired[str]
    progress: NotRequired[str]
    processed: NotRequired[str]
    inserted: NotRequired[str]
    updated: NotRequired[str]
    deleted: NotRequired[str]
    skipped: NotRequired[str]
    failed: NotRequired[str]
    total: NotRequired[str]


class OtherCall(TypedDict):
    """Another call: how an import is canceled (``{id}`` in the path), or a read that shows that credentials work."""

    operation: str
    method: NotRequired[str]
    path: str


class Service(TypedDict):
    """
    A vendor.

    :ivar default_host: where it lives if the connection names no host
    :ivar where_to_look: where people look in the vendor's own UI
    :ivar authorization: how it authenticates
    :ivar parameters: of the operator, each with its description: texts that make one import differ from another
    :ivar states: a state of ours for each word or number of the vendor
    :ivar test: a read that starts nothing
    """

    default_host: NotRequired[str]
    where_to_look: str
    authorization: Authorization
    parameters: Mapping[str, str]
    start: StartCall
    status: StatusCall
    states: Mapping[str | int, str]
    cancel: NotRequired[OtherCall]
    test: OtherCall


_PARTS: dict[str, type] = {"start": StartCall, "status": StatusCall, "cancel": OtherCall, "test": OtherCall}


def check(service: Mapping[str, Any], vendor: str) -> None:
    """
    See that a description says what is needed, and nothing that can't be expressed.

    :param vendor: for the error
    :raises VendorEntryError: naming each part that is wrong
    """
    if wrong := list(_wrong(service)):
        raise VendorEntryError(
            f"The description of {vendor} can't be used: {'; '.join(wrong)}. What it can't express takes a hook of its "
            "own, see the page Adding a vendor."
        )


def _wrong(service: Mapping[str, Any]) -> Iterator[str]:
    yield from _keys("", service, Service)
    parts: dict[str, Mapping[Any, Any]] = {}
    for name in (*_PARTS, "states", "parameters"):
        part = service.get(name, {})
        parts[name] = part if isinstance(part, Mapping) else {}
        if part is not parts[name]:
            yield f"{name} must be a dict"
        elif name in _PARTS and name in service:
            yield from _keys(f"{name}.", part, _PARTS[name])
    yield from _wrong_authorization(service.get("authorization"))
    for word, state in parts["states"].items():
        if state not in STATES:
            yield f"states[{word!r}] is {state!r}, not one of {', '.join(STATES)}"
    if "states" in service and "succeeded" not in parts["states"].values():
        yield "states has nothing that means succeeded"
    start, parameters = parts["start"], set(parts["parameters"])
    for name, known in (("start", parameters), ("status", {ID}), ("cancel", {ID}), ("test", set())):
        yield from _wrong_path(f"{name}.path", parts[name].get("path", ""), known)
    for text in _texts(start.get("json")):
        yield from _placeholders("start.json", text, parameters)
    if ("id" in start) == ("id_in" in start):
        yield "start needs one of id and id_in"
    if start.get("id_in", "Location") != "Location":
        yield f"start.id_in is {start['id_in']!r}; only Location can be read"
    if parts["test"].get("method", "GET") != "GET":
        yield "test.method must be GET: it starts nothing"


def _keys(prefix: str, part: Mapping[str, Any], kind: Any) -> Iterator[str]:
    known: set[str] = kind.__required_keys__ | kind.__optional_keys__
    yield from (f"{prefix}{name} can't be expressed" for name in part if name not in known)
    yield from (f"{prefix}{name} is missing" for name in sorted(kind.__required_keys__) if name not in part)


def _wrong_authorization(how: Any) -> Iterator[str]:
    if isinstance(how, Mapping):
        kind = ClientCredentials if "token_path" in how else InHeader
        yield from _keys("authorization.", how, kind)
    elif how not in ("basic", "bearer", None):
        yield f"authorization {how!r} can't be expressed"


def _wrong_path(where: str, path: object, known: set[str]) -> Iterator[str]:
    if not isinstance(path, str):
        yield f"{where} must be a text"
        return
    yield from _placeholders(where, path, known)
    if re.search("[{}]", _PLACEHOLDER.sub("", path)):
        yield f"{where} has a brace that begins or ends no placeholder"


def _placeholders(where: str, text: str, known: set[str]) -> Iterator[str]:
    for name in _PLACEHOLDER.findall(text):
        if name not in known:
            yield f"{where} names {{{name}}}, which is not {' or '.join(sorted(known)) or 'known there'}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def filled(value: Any, given: Mapping[str, str]) -> Any:
    """Fill the placeholders in every text of a JSON value."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: given[found[1]], value)
    if isinstance(value, Mapping):
        return {name: filled(one, given) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [filled(one, given) for one in value]
    return value


def at(place: str | None, report: Any) -> Any:
    """What stands at ``object.field`` of an answer; None if it is not there."""
    for name in place.split(".") if place else ():
        report = report.get(name) if isinstance(report, Mapping) else None
    return report if place else None
