"""A vendor in data: what is sent and read by its description, and what a description can't say."""

from __future__ import annotations

from base64 import b64encode
from contextlib import ExitStack
from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    InvalidInputError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.service import hook_of
from airflow_provider_imports.models import Counts, ImportRun, ImportState
from airflow_provider_imports.operators.service import operator_of
from airflow_provider_imports.sensors.service import sensor_of
from airflow_provider_imports.service import COUNTS, StatusCall
from airflow_provider_imports.testing.wire import WireServer, answer
from airflow_provider_imports.vendors import VendorEntryError
from airflow_provider_imports.vendors.pigment import PIGMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_imports.service import Service

SERVICE: Service = {
    "where_to_look": "the console",
    "authorization": {"token_path": "/oauth2/token", "scope": "imports"},
    "parameters": {"pit": "the pit", "mood": "how to dig it"},
    "start": {"operation": "dig", "path": "/pits/{pit}/digs", "json": {"mood": ["{mood}!"]}, "id_in": "Location"},
    "status": {
        "operation": "show",
        "path": "/digs/{id}",
        "state": "dig.state",
        "progress": "dig.done",
        "inserted": "stones",
    },
    "states": {1: "running", 2: "succeeded"},
    "test": {"operation": "list", "path": "/digs"},
}
TOKEN = answer(200, '{"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600}')
STARTED = answer(202, b"", Location="/somewhere/digs/7%2F8")


@pytest.fixture
def made(set_connection: Callable[..., str]) -> Iterator[Callable[..., tuple[Any, WireServer]]]:
    """``made(*answers, **changes)``: the hook of a changed description, and the server that it talks to."""

    def make(*answers: bytes, **changes: Any) -> tuple[Any, WireServer]:
        server = stack.enter_context(WireServer(*answers))
        set_connection("quarry", conn_type="pigment", host=server.url, login="an id", password="a secret")
        hook = hook_of(PIGMENT, {**SERVICE, **changes})("quarry")  # type: ignore[typeddict-item]
        stack.callback(hook.close)
        return hook, server

    with ExitStack() as stack:
        yield make


def test_client_credentials_get_a_token_that_is_sent(made: Callable[..., tuple[Any, WireServer]]) -> None:
    hook, server = made(TOKEN, STARTED)

    hook.start_import(pit="gra/nite", mood="good")

    login, start = server.requests
    assert (login.method, login.target) == ("POST", "/oauth2/token")
    assert login.body == b"grant_type=client_credentials&scope=imports"
    assert login.headers["authorization"] == f"Basic {b64encode(b'an%20id:a%20secret').decode()}"
    assert (start.target, start.body) == ("/pits/gra%2Fnite/digs", b'{"mood":["good!"]}')
    assert start.headers["authorization"] == "Bearer a-token"


def test_a_location_is_the_id_of_the_next_calls(made: Callable[..., tuple[Any, WireServer]]) -> None:
    hook, server = made(TOKEN, STARTED, answer(200, '{"dig": {"state": 2, "done": 40}, "stones": 3}'))

    run = hook.start_import(pit="a", mood="b")
    status = hook.get_status(run)

    assert run.key == {"id": "7/8"}
    assert server.requests[-1].target == "/digs/7%2F8"
    assert (status.state, status.progress, status.counts) == (ImportState.SUCCEEDED, 40, Counts(inserted=3))


@pytest.mark.parametrize("number", ["load-an i", "ab612073", "load-a se", "an"])
def test_an_id_that_ends_as_a_credential_begins_is_an_id(
    made: Callable[..., tuple[Any, WireServer]], number: str
) -> None:
    hook, _ = made(TOKEN, answer(202, b"", Location=f"/digs/{number}"))

    assert hook.start_import(pit="a", mood="b").key == {"id": number}


@pytest.mark.parametrize("number", ["7" * 600, "7\u202e8", "a-token.and-more", "YS10b2tlbi5hbmQtbW9yZQ"])
def test_an_id_that_cannot_be_told_leaves_the_outcome_unknown(
    made: Callable[..., tuple[Any, WireServer]], number: str
) -> None:
    token = answer(200, '{"access_token": "a-token.and-more", "token_type": "Bearer", "expires_in": 3600}')
    hook, _ = made(token, f"HTTP/1.1 202 OK\r\nContent-Length: 0\r\nLocation: /digs/{number}\r\n\r\n".encode())

    with pytest.raises(UnknownOutcomeError, match="location holds what can't be shown") as raised:
        hook.start_import(pit="a", mood="b")

    assert "and-more" not in str(raised.value)


@pytest.mark.parametrize("body", ['{"dig": {"state": 9}}', '{"dig": 2}', "{}"])
def test_what_is_not_in_the_table_runs_on(made: Callable[..., tuple[Any, WireServer]], body: str) -> None:
    hook, _ = made(TOKEN, answer(200, body))

    status = hook.get_status(ImportRun("pigment", {"id": "7"}))

    assert status.state is ImportState.RUNNING
    assert "not documented" in status.message


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"error": "invalid_scope", "error_description": "no a secret for you"}', VendorAuthError),
        ('{"token": "a-token-under-another-name"}', VendorAuthError),
        ("<html>", VendorUnavailableError),
    ],
)
def test_no_token_is_an_error_that_tells_no_secret(
    made: Callable[..., tuple[Any, WireServer]], everything_told: Callable[..., str], body: str, kind: type[Exception]
) -> None:
    hook, _ = made(answer(200, body))

    with pytest.raises(kind) as raised:
        hook.start_import(pit="a", mood="b")

    told = everything_told(raised.value)
    assert "a secret" not in told
    assert "another-name" not in told


@pytest.mark.parametrize(
    ("how", "header", "value"),
    [
        ("bearer", "authorization", "Bearer a secret"),
        ("basic", "authorization", f"Basic {b64encode(b'an id:a secret').decode()}"),
        ({"header": "X-Key"}, "x-key", "a secret"),
    ],
)
def test_other_ways_to_authenticate(
    made: Callable[..., tuple[Any, WireServer]], how: Any, header: str, value: str
) -> None:
    hook, server = made(STARTED, authorization=how)

    hook.start_import(pit="a", mood="b")

    assert [one.headers[header] for one in server.requests] == [value]


def test_empty_credentials_are_told_before_anything_is_sent(
    made: Callable[..., tuple[Any, WireServer]], set_connection: Callable[..., str]
) -> None:
    hook, server = made(TOKEN)
    set_connection("quarry", conn_type="pigment", host=server.url, password="a secret")

    with pytest.raises(ConnectionSettingsError, match="has no login"):
        hook.start_import(pit="a", mood="b")
    assert server.requests == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"pit": "a"}, "mood must be a text"),
        ({"pit": " ", "mood": "b"}, "pit must be a text that is not empty"),
        ({"pit": "a", "mood": "b", "hole": "c"}, "hole is not in the description of Pigment"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_before_anything_is_sent(
    made: Callable[..., tuple[Any, WireServer]], given: dict[str, str], told: str
) -> None:
    hook, server = made(TOKEN)

    with pytest.raises(InvalidInputError, match=told):
        hook.start_import(**given)
    assert server.requests == []


def test_a_number_is_written_as_a_text(made: Callable[..., tuple[Any, WireServer]]) -> None:
    hook, server = made(TOKEN, STARTED)

    hook.start_import(pit=5, mood="b")

    assert server.requests[-1].target == "/pits/5/digs"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a file": ({"start": {**SERVICE["start"], "body": "file"}}, "start.body can't be expressed"),
    "a slot": ({"slot": "/slot"}, "slot can't be expressed"),
    "pages": ({"status": {**SERVICE["status"], "pages": "next"}}, "status.pages can't be expressed"),
    "another log-in": ({"authorization": {"token_path": "/t", "grant": "x"}}, "authorization.grant can't be expressed"),
    "digest": ({"authorization": "digest"}, "authorization 'digest' can't be expressed"),
    "no states": ({"states": {1: "over"}}, r"states\[1\] is 'over', not one of accepted, running"),
    "an unknown parameter": (
        {"start": {**SERVICE["start"], "path": "/pits/{hole}"}},
        "start.path names {hole}, which is not mood or pit",
    ),
    "a parameter in a status": (
        {"status": {**SERVICE["status"], "path": "/digs/{pit}"}},
        "status.path names {pit}, which is not id",
    ),
    "two ids": ({"start": {**SERVICE["start"], "id": "id"}}, "start needs one of id and id_in"),
    "another header": ({"start": {**SERVICE["start"], "id_in": "X-Id"}}, "start.id_in is 'X-Id'; only Location"),
    "a test that starts": ({"test": {**SERVICE["test"], "method": "POST"}}, "test.method must be GET"),
    "states that are no dict": ({"states": ["done"]}, "states must be a dict"),
    "no end": ({"states": {1: "running"}}, "states has nothing that means succeeded"),
    "a part that is no dict": ({"start": "/pits"}, "start must be a dict"),
    "a path that is no text": ({"test": {**SERVICE["test"], "path": 7}}, "test.path must be a text"),
    "half a placeholder": (
        {"status": {**SERVICE["status"], "path": "/digs/{id"}},
        "status.path has a brace that begins or ends no placeholder",
    ),
    "a field of a parameter": ({"start": {**SERVICE["start"], "json": ["{pit.x}"]}}, "start.json names {pit.x}"),
    "nothing to look at": ({"status": {"operation": "show", "path": "/"}}, "status.state is missing"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_description_cannot_say_is_refused_by_name(name: str) -> None:
    changes, told = REFUSED[name]
    changed: Any = {**SERVICE, **changes}

    for make in (lambda: hook_of(PIGMENT, changed), lambda: operator_of("Digs", PIGMENT, changed)):
        with pytest.raises(VendorEntryError, match="The description of Pigment can't be used") as raised:
            make()
        assert told.replace("\\", "") in str(raised.value)


def test_the_intervals_of_the_entry_are_the_defaults_of_its_tasks() -> None:
    entry = replace(PIGMENT, poll_interval=7, max_poll_interval=70)
    operator, sensor = operator_of("QuarryDigOperator", entry, SERVICE), sensor_of("QuarryDigSensor", entry)

    made = operator(task_id="dig", pit="a", mood="b")

    assert (made.poll_interval, made.max_poll_interval) == (7, 70)
    assert sensor(task_id="wait", import_id="1").max_poll_interval == 70
    shown = {one.__name__: signature(one).parameters for one in (operator, sensor)}
    assert shown["QuarryDigOperator"]["poll_interval"].default == 7
    assert shown["QuarryDigSensor"]["max_poll_interval"].default == 70
    assert operator(task_id="dig", pit="a", mood="b", poll_interval=15).poll_interval == 15


def test_the_operator_has_the_parameters_of_the_description() -> None:
    operator = operator_of("QuarryDigOperator", PIGMENT, SERVICE)

    made = operator(task_id="dig", pit="a", mood="b", default_args={"conn_id": "c"})

    assert (made.pit, made.mood, operator.inputs) == ("a", "b", ("pit", "mood"))
    assert {"pit", "mood", "conn_id", "poll_interval"} <= set(operator.__signature__.parameters)
    with pytest.raises(Exception, match="pit"):
        operator(task_id="dig", mood="b")


def test_a_description_can_name_the_place_of_every_count() -> None:
    assert set(COUNTS) <= StatusCall.__annotations__.keys()
