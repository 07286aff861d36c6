"""
Pigment's Metadata API: applications, their blocks, the blocks' import configurations, and a search by name.

It needs a key of type *Modeling Metadata*, which can't import. Nothing is paged: each call answers everything.
Sources: https://kb.pigment.com/docs/retrieve-info-metadata-api and Pigment's OpenAPI document.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.http.call import Call, UnreadableAnswerError
from airflow_provider_imports.http.reading import LARGEST_REPORT

if TYPE_CHECKING:
    from airflow_provider_imports.http.call import Flow

log = logging.getLogger(__name__)

#: Names that an error lists.
MOST_LISTED = 20
#: The kind of block that has no import configurations of its own: Pigment answers an empty list.
TABLE = "Table"
_WRONG_TYPE = (
    "Applications, blocks and configurations are read with an API key of the type Modeling Metadata, which is another "
    "key than the one that imports: give it a connection of its own."
)
HINTS = {
    (operation, status): _WRONG_TYPE
    for operation in ("get_applications", "get_blocks", "get_import_configurations")
    for status in (401, 403)
}


class Application(NamedTuple):
    """
    An application of the workspace.

    :param id: UUID
    """

    id: str
    name: str


class Block(NamedTuple):
    """
    A block of an application.

    :param id: UUID
    :param type: ``DimensionList``, ``TransactionList``, ``Metric`` or ``Table``
    """

    id: str
    name: str
    type: str


class ImportConfiguration(NamedTuple):
    """
    An import configuration.

    :param id: UUID
    """

    id: str
    name: str


class _Place(NamedTuple):
    """A configuration, and where it was found."""

    id: str
    name: str
    block: str
    application: str

    def __str__(self) -> str:
        return f"{self.name!r} of block {self.block!r} in {self.application!r}"


def applications() -> Flow[list[Application]]:
    """Read the workspace's applications."""
    items = yield from _items(Call("get_applications", "GET", "/api/v1/applications", largest_answer=LARGEST_REPORT))
    return [Application(*_texts(one, "id", "name")) for one in items]


def blocks(application_id: str) -> Flow[list[Block]]:
    """Read an application's blocks."""
    query = (("applicationId", validation.uuid("application_id", application_id)),)
    items = yield from _items(Call("get_blocks", "GET", "/api/v1/blocks", query=query, largest_answer=LARGEST_REPORT))
    return [Block(*_texts(one, "id", "name", "type")) for one in items]


def configurations(application_id: str, block_id: str | None = None) -> Flow[list[ImportConfiguration]]:
    """Read a block's import configurations."""
    query = [("applicationId", validation.uuid("application_id", application_id))]
    if block_id is not None:
        query.append(("blockId", validation.uuid("block_id", block_id)))
    call = Call(
        "get_import_configurations",
        "GET",
        "/api/v1/importConfigurations",
        query=tuple(query),
        largest_answer=LARGEST_REPORT,
    )
    items = yield from _items(call)
    return [ImportConfiguration(*_texts(one, "id", "name")) for one in items]


def find_configuration(name: str, application: str | None, block: str | None) -> Flow[str]:
    """
    Find the id of a configuration by its name, looking into one block after the other.

    :raises InvalidInputError: if there is none or more than one, with what there is
    """
    name = validation.required("configuration", name)
    seen = yield from _places(application, block)
    matches = [one for one in seen if one.name == name]
    if len(matches) == 1:
        log.info("Import configuration %s has the id %s", matches[0], matches[0].id)
        return matches[0].id
    if not matches:
        raise _no_such("configuration", name, [str(one) for one in seen], [one.name for one in seen])
    raise InvalidInputError(
        f"There are {len(matches)} import configurations with the name {name!r}: "
        f"{'; '.join(f'{one} ({one.id})' for one in matches[:MOST_LISTED])}. Name the application and the block as "
        "well, or give configuration_id. Nothing was sent.",
        vendor="pigment",
    )


def place_of(configuration_id: str, application: str | None, block: str | None) -> Flow[str]:
    """
    Say where a configuration is, or what there is in its place.

    :raises InvalidInputError: if there is no such application or block, with what there is
    """
    seen = yield from _places(application, block)
    for one in seen:
        if one.id == configuration_id:
            return f"It is {one}; the owner of the key that imports may not see it"
    return _what_there_is(configuration_id, [f"{one} ({one.id})" for one in seen], [one.id for one in seen])


def _places(application: str | None, block: str | None) -> Flow[list[_Place]]:
    """Look into one block after the other."""
    there = yield from applications()
    seen: list[_Place] = []
    other_blocks: list[str] = []
    looked_into = 0
    for app in there if application is None else [_chosen(application, there)]:
        for one in (yield from blocks(app.id)):
            if block is not None and block not in (one.id, one.name):
                other_blocks.append(one.name)
                continue
            looked_into += 1
            if one.type != TABLE:
                found = yield from configurations(app.id, one.id)
                seen += [_Place(each.id, each.name, one.name, app.name) for each in found]
    if block is not None and not looked_into:
        raise _no_such("block", block, other_blocks)
    return seen


def _chosen(application: str, there: Sequence[Application]) -> Application:
    matches = [one for one in there if application in (one.id, one.name)]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise _no_such("application", application, [one.name for one in there])
    raise InvalidInputError(
        f"There are {len(matches)} applications with the name {application!r}: give the id of one "
        f"({', '.join(one.id for one in matches[:MOST_LISTED])}). Nothing was sent.",
        vendor="pigment",
    )


def _no_such(what: str, wanted: str, shown: Sequence[str], names: Sequence[str] | None = None) -> InvalidInputError:
    return InvalidInputError(
        f"Pigment shows no {what} {wanted!r} to the owner of this key. "
        f"{_what_there_is(wanted, shown, names or shown)}. Nothing was sent.",
        vendor="pigment",
    )


def _what_there_is(wanted: str, shown: Sequence[str], names: Sequence[str]) -> str:
    """List what there is, what is most alike first."""
    rank = {name: at for at, name in enumerate(get_close_matches(wanted, dict.fromkeys(names), n=3))}
    order = sorted(range(len(shown)), key=lambda at: rank.get(names[at], len(rank)))
    listed = "; ".join(shown[at] for at in order[:MOST_LISTED])
    more = len(shown) - MOST_LISTED
    return f"There is: {listed}{f'; and {more:,} more' if more > 0 else ''}" if shown else "There is none at all"


def _items(call: Call) -> Flow[list[Mapping[str, Any]]]:
    answer = yield call
    items = answer.json()
    if not isinstance(items, list) or not all(isinstance(one, Mapping) for one in items):
        raise UnreadableAnswerError("the answer is not a list of objects")
    return items


def _texts(item: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    values = tuple(item.get(name) for name in names)
    if not all(isinstance(value, str) and value for value in values):
        raise UnreadableAnswerError(f"an object in the answer lacks {' or '.join(names)}")
    return tuple(str(value) for value in values)
