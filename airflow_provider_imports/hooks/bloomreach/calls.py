"""
Bloomreach's calls: start and run, definitions of imports, the system's time, a customer's properties.

Sources: https://documentation.bloomreach.com/engagement/reference: "Start import", "Create import", "List imports",
"Read import", "Delete import", "System time", "Customer attributes". The vendor's own page for ``/imports/v1/…/run``
is not public; its body, and that of a creation, are as Bloomreach's published Magento extension sends them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import (
    InvalidInputError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRequestError,
)
from airflow_provider_imports.hooks.arrival import arrival_run
from airflow_provider_imports.http.call import Answer, Call, Repeat, UnreadableAnswerError, path
from airflow_provider_imports.http.reading import LARGEST_REPORT
from airflow_provider_imports.models import ImportRun

if TYPE_CHECKING:
    from airflow_provider_imports.http.call import Flow

#: How each of the two calls names the path of this run.
_PATH_KEYS = {"start_import": "path", "run_import": "path_to_overwrite"}
#: Definitions on one page of the list, at most.
PAGE = 50


class ImportDefinition(NamedTuple):
    """
    An import that the Imports Management API made.

    :param definition: ``name``, ``trigger``, ``active``, ``source``, ``destination``, ``mapping``; it may hold
        credentials of the source
    """

    import_id: str
    definition: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name; empty if the definition has none."""
        return str(self.definition.get("name") or "")


def start_call(operation: str, url_path: str, source: str | None, test_connection: bool | None) -> Call:
    """Describe a start. Without options there is no body and no content type, for which Bloomreach answers 400."""
    options: dict[str, Any] = {}
    if source is not None:
        options[_PATH_KEYS[operation]] = validation.required("path", source)
    if test_connection is not None:
        options["test_connection"] = validation.flag_or_none("test_connection", test_connection)
    return Call(operation, "POST", url_path, json=options or None, repeat=Repeat.IF_NOT_ACTED, starts=True)


def started(call: Call, import_id: str) -> Flow[ImportRun]:
    """Start, and read the confirmation."""
    run = ImportRun("bloomreach", {"import_id": validation.required("import_id", import_id)}, datetime.now(UTC))
    answer = yield call
    # What run_import answers is not documented: there, a JSON object without "success" is as good.
    if answer.object().get("success", call.operation == "run_import") is not True:
        raise UnreadableAnswerError('the answer does not say "success": true')
    return run


def says_no(answer: Answer) -> bool:
    """Say whether an answer says ``"success": false``."""
    try:
        return answer.object().get("success") is False
    except UnreadableAnswerError:
        return False


def system_time(kind: str, place: str) -> Flow[None]:
    """
    Read the platform's clock, which any key of the place may.

    :param kind: ``projects`` or ``workspaces``
    :param place: the project's token, or the workspace's id
    """
    answer = yield Call("system_time", "GET", path(f"/track/v2/{kind}/{{place}}/system/time", place=place))
    if not isinstance(answer.object().get("time"), int | float):
        raise UnreadableAnswerError("the answer has no time")


# Definitions (Imports Management API)


def list_page(token: str, limit: int, offset: int) -> Flow[list[ImportDefinition]]:
    """Read one page of the project's API-made imports."""
    query = (("limit", str(limit)), ("offset", str(offset)))
    answer = yield Call(
        "list_import_definitions",
        "GET",
        path("/imports/v1/{token}", token=token),
        query=query,
        largest_answer=LARGEST_REPORT,
    )
    items = answer.json()
    if not isinstance(items, list):
        raise UnreadableAnswerError("the answer is not a list of imports")
    return [_definition(one) for one in items]


def list_all(token: str) -> Flow[list[ImportDefinition]]:
    """Read all of the project's API-made imports, page by page."""
    seen: dict[str, ImportDefinition] = {}
    while True:
        page = yield from list_page(token, PAGE, len(seen))
        new = {one.import_id: one for one in page if one.import_id not in seen}
        seen |= new
        if len(page) < PAGE or not new:  # nothing new: a server that leaves the offset unread would go on for ever
            return list(seen.values())


def read(token: str, import_id: str) -> Flow[ImportDefinition]:
    """Read one API-made import."""
    answer = yield _of_import("get_import_definition", "GET", token, import_id)
    body = answer.object()
    return _definition(body.get("import", body))


def create(token: str, definition: Mapping[str, Any]) -> Flow[str]:
    """Make an import, which runs at once if its trigger says so; return its id."""
    _name(definition)
    answer = yield Call(
        "create_import_definition",
        "POST",
        path("/imports/v1/{token}", token=token),
        json=dict(definition),
        repeat=Repeat.IF_NOT_ACTED,
        starts=True,
    )
    body = answer.object()
    import_id = body.get("import_id")
    if not isinstance(import_id, str) or not import_id:
        raise UnreadableAnswerError("the answer has no import_id")
    return import_id


def create_if_missing(token: str, definition: Mapping[str, Any]) -> Flow[tuple[ImportDefinition, bool]]:
    """
    Find the API-made import of this name, or make it.

    :return: it, and whether it was made
    :raises InvalidInputError: if there are several of that name
    """
    found = yield from _named(token, definition)
    if found is not None:
        return found, False
    try:
        import_id = yield from create(token, definition)
    except UnknownOutcomeError:
        found = yield from _named(token, definition)
        if found is None:
            raise
        return found, True
    return ImportDefinition(import_id, definition), True


def delete(token: str, import_id: str) -> Flow[None]:
    """Delete an API-made import; if the answer is lost, see whether it is gone."""
    try:
        yield _of_import("delete_import_definition", "DELETE", token, import_id)
    except UnknownOutcomeError as error:
        try:
            yield from read(token, import_id)
        except VendorImportError as gone:
            if isinstance(gone, VendorRequestError) and gone.status_code == 404:
                return
        raise error


def _named(token: str, definition: Mapping[str, Any]) -> Flow[ImportDefinition | None]:
    name = _name(definition)
    there = yield from list_all(token)
    matches = [one for one in there if one.name == name]
    if len(matches) > 1:
        raise InvalidInputError(
            f"Bloomreach has {len(matches)} API-made imports of the name {name!r}: "
            f"{', '.join(one.import_id for one in matches)}. Delete all but one, or run one by its id. Nothing was "
            "made.",
            vendor="bloomreach",
        )
    return matches[0] if matches else None


def _name(definition: object) -> str:
    if not isinstance(definition, Mapping):
        raise InvalidInputError(
            f"definition must be a dict, not {validation.kind(definition)}.{validation.hint(definition)} "
            f"{validation.NOTHING}"
        )
    try:
        json.dumps(definition, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"definition is not JSON: {error}. {validation.NOTHING}") from None
    return validation.required("definition['name']", definition.get("name"))


def _of_import(operation: str, method: str, token: str, import_id: str) -> Call:
    target = path("/imports/v1/{token}/{import_id}", token=token, import_id=validation.required("import_id", import_id))
    changes = method != "GET"
    repeat = Repeat.IF_NOT_ACTED if changes else Repeat.ALWAYS
    return Call(operation, method, target, repeat=repeat, starts=changes)


def _definition(value: object) -> ImportDefinition:
    if not isinstance(value, Mapping) or not isinstance(value.get("import_id"), str):
        raise UnreadableAnswerError("the answer has no import_id")
    definition = value.get("import_definition")
    return ImportDefinition(value["import_id"], definition if isinstance(definition, Mapping) else {})


# Customers


def customer_properties(
    token: str, customer_ids: Mapping[str, str], names: Sequence[str]
) -> Flow[dict[str, Any] | None]:
    """
    Read some of a customer's properties; None if there is no such customer.

    A POST that only reads, so it may be repeated.
    """
    attributes = [{"type": "property", "property": one} for one in names]
    target = path("/data/v2/projects/{token}/customers/attributes", token=token)
    body = {"customer_ids": dict(customer_ids), "attributes": attributes}
    try:
        answer = yield Call("get_customer_properties", "POST", target, json=body)
    except VendorRequestError as error:
        said = (error.vendor_message or "").lower()
        if error.status_code != 404 and "does not exist" not in said:
            raise
        return None
    results = answer.object().get("results")
    if not isinstance(results, list) or len(results) != len(names):
        raise UnreadableAnswerError("the answer has not one result for each property")
    return {name: _value(name, one) for name, one in zip(names, results, strict=True)}


def customer_arrival(
    customer_ids: Mapping[str, str], property_name: str, value: str, project_token: str | None = None
) -> ImportRun:
    """
    Make the run whose status is: does this customer's property have this value?

    :raises InvalidInputError: if an id is missing or no text
    """
    validation.rendered_to_nothing("customer_ids", customer_ids)
    if not isinstance(customer_ids, Mapping) or not customer_ids:
        given = "an empty one" if customer_ids == {} else validation.kind(customer_ids)
        raise InvalidInputError(f"customer_ids must be a dict with at least one id, not {given}. {validation.NOTHING}")
    ids = {str(name): validation.required(f"customer_ids[{name!r}]", one) for name, one in customer_ids.items()}
    if project_token is not None:
        project_token = validation.required("project_token", project_token)
    record = json.dumps(ids, sort_keys=True, ensure_ascii=False)
    return arrival_run("bloomreach", record, property_name, value, project_token=project_token)


def _value(name: str, result: object) -> Any:
    if not isinstance(result, Mapping):
        raise UnreadableAnswerError("a result of the answer is not an object")
    if result.get("success") is True:
        return result.get("value")
    said = str(result.get("error") or "")
    if "permission" in said.lower():
        raise VendorAuthError(
            f"Bloomreach Engagement get_customer_properties: property {name!r}: {said[:200]}. The key needs the "
            'permission "Customer properties > Get".',
            vendor="bloomreach",
            operation="get_customer_properties",
            vendor_message=said[:200],
        )
    return None  # a property that nobody has yet
