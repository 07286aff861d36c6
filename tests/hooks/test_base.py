"""Every trap of the http provider's hook is closed, also in the methods that are inherited from it."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    ImportSupersededError,
    VendorAuthError,
    VendorImportError,
    VendorRateLimitError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.base import ImportHook, look_failed
from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.hooks.pigment.calls import pigment_run
from airflow_provider_imports.polling import Outcome, PollPolicy, Trouble
from airflow_provider_imports.testing.wire import WireServer, answer, drip, silence

TOKEN = "s3cret/token+of the-test"
RUN = pigment_run("33d0d7d0-6125-47c4-b36a-882f4ed53b33")
DONE = answer(200, json.dumps({"importStatus": "Completed"}))
RUNNING = answer(200, json.dumps({"importStatus": "InProgress"}))


@pytest.fixture
def hook_to(set_connection: Callable[..., str]) -> Iterator[Callable[..., PigmentHook]]:
    """Make a hook whose connection leads to a server of the test."""
    hooks = []

    def make(server: WireServer, extra: dict[str, Any] | None = None, **fields: Any) -> PigmentHook:
        known = {
            "conn_type": "pigment",
            "host": server.url,
            "password": TOKEN,
            "extra": {"timeout": 2, **(extra or {})},
        }
        hooks.append(PigmentHook(set_connection("my_pigment", **{**known, **fields})))
        return hooks[-1]

    yield make
    for hook in hooks:
        hook.close()


EXTRAS = {"region": "eu", "secret_key": "LEAK", "headers": {"X-Leak": "LEAK"}, "X-Leak": "LEAK", "stream": True}


def test_extras_are_never_sent_as_headers(hook_to: Callable[..., PigmentHook]) -> None:
    with WireServer(RUNNING) as server:
        hook = hook_to(server, EXTRAS)
        hook.get_status(RUN)
        hook.get_conn().get(server.url)
        hook.run("/inherited")

    assert len(server.requests) == 3
    for received in server.requests:
        assert "LEAK" not in str(received)
        assert not {"region", "secret_key", "x-leak", "stream", "timeout"} & set(received.headers)


def test_https_is_the_default(set_connection: Callable[..., str]) -> None:
    hook = PigmentHook(set_connection("my_pigment", conn_type="pigment", host="vendor.example", password=TOKEN))

    assert hook.client.settings.base_url == "https://vendor.example"
    assert hook.url_from_endpoint("/x") == "https://vendor.example/x"


@pytest.mark.parametrize("method", ["get_status", "get_conn", "run", "url_from_endpoint"])
def test_plain_http_goes_to_loopback_only(set_connection: Callable[..., str], method: str) -> None:
    hook = PigmentHook(set_connection("my_pigment", conn_type="pigment", host="http://vendor.example", password=TOKEN))
    arguments: dict[str, Any] = {"get_status": [RUN], "url_from_endpoint": ["/x"]}

    with pytest.raises(ConnectionSettingsError, match="plain http"):
        getattr(hook, method)(*arguments.get(method, []))


def test_plain_http_goes_elsewhere_if_the_connection_allows_it(set_connection: Callable[..., str]) -> None:
    conn_id = set_connection(
        "my_pigment", conn_type="pigment", host="http://vendor.example", password=TOKEN, extra={"allow_http": True}
    )

    assert PigmentHook(conn_id).client.settings.base_url == "http://vendor.example"


def test_a_timeout_is_always_set(hook_to: Callable[..., PigmentHook]) -> None:
    with WireServer(silence) as server:
        hook = hook_to(server, {"timeout": 0.2})
        with pytest.raises(VendorUnavailableError, match=r"no answer within 0\.2 s"):
            hook.send(next(hook.status_flow(RUN)), patience=0)
        with pytest.raises(Exception, match="timed out"):
            hook.run("/inherited")


def test_the_test_of_a_connection_never_posts(hook_to: Callable[..., PigmentHook]) -> None:
    with WireServer(answer(404, '{"message": "unknown"}'), answer(401)) as server:
        good, message = hook_to(server).test_connection()

    assert (good, message) == (True, "Pigment accepted the API key.")
    assert {received.method for received in server.requests} == {"GET"}


def test_the_test_of_a_connection_says_what_is_wrong(hook_to: Callable[..., PigmentHook]) -> None:
    with WireServer(answer(401)) as server:
        good, message = hook_to(server).test_connection()

    assert not good
    assert "Check the Airflow connection's API key." in message


def test_the_test_of_a_connection_that_does_not_exist_says_so() -> None:
    good, message = PigmentHook("no_such_connection").test_connection()

    assert not good
    assert "There is no Airflow connection 'no_such_connection'" in message


@pytest.mark.parametrize("value", ['{"conn_type": "pigment", ', '{"bogus": 1}', "pigment://a:s3cret@[x"])
async def test_a_connection_that_is_set_but_malformed_is_not_told_to_be_missing(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MALFORMED", value)

    good, message = PigmentHook("malformed").test_connection()

    assert not good
    assert "'malformed' is set in AIRFLOW_CONN_MALFORMED, but Airflow can't read it" in message
    assert "s3cret" not in message
    with pytest.raises(ConnectionSettingsError, match="but Airflow can't read it"):
        await PigmentHook("malformed").aget_status(RUN)


def test_a_connection_of_another_vendor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "websale", "host": "https://shop.example"}))

    good, message = PigmentHook("shop").test_connection()

    assert not good
    assert message == (
        "Connection 'shop': it is a connection of WEBSALE, not of Pigment; name another one in conn_id. "
        "Nothing was sent."
    )


def test_a_token_in_the_password_is_sent(hook_to: Callable[..., PigmentHook]) -> None:
    with WireServer(RUNNING) as server:
        hook = hook_to(server)
        hook.get_status(RUN)
        hook.run("/inherited")
        hook.get_conn().get(f"{server.url}/session")

    assert [received.headers["authorization"] for received in server.requests] == [f"Bearer {TOKEN}"] * 3


def test_the_connection_is_looked_up_once_and_one_socket_is_kept(
    hook_to: Callable[..., PigmentHook], monkeypatch: pytest.MonkeyPatch
) -> None:
    look_ups = []
    original = ImportHook.get_connection

    def counted(conn_id: str) -> Any:
        look_ups.append(conn_id)
        return original(conn_id)

    monkeypatch.setattr(ImportHook, "get_connection", staticmethod(counted))
    with WireServer(RUNNING) as server:
        hook = hook_to(server)
        for _ in range(5):
            hook.get_status(RUN)

    assert look_ups == ["my_pigment"]
    assert (len(server.requests), server.connections) == (5, 1)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_inherited_run_follows_no_redirect(hook_to: Callable[..., PigmentHook], status: int) -> None:
    with WireServer() as stranger, WireServer(answer(status, Location=f"{stranger.url}/steal")) as server:
        response = hook_to(server).run("/inherited")

    assert response.status_code == status
    assert stranger.connections == 0


def test_netrc_never_overrides_our_credentials(
    hook_to: Callable[..., PigmentHook], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\ndefault login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with WireServer(RUNNING) as server:
        hook = hook_to(server)
        hook.get_status(RUN)
        hook.run("/inherited")

    assert {received.headers["authorization"] for received in server.requests} == {f"Bearer {TOKEN}"}


def test_a_login_of_the_connection_is_not_sent_as_basic_authentication(hook_to: Callable[..., PigmentHook]) -> None:
    with WireServer(RUNNING) as server:
        hook = hook_to(server, login="somebody")
        hook.get_status(RUN)
        hook.run("/inherited")

    assert {received.headers["authorization"] for received in server.requests} == {f"Bearer {TOKEN}"}


def test_an_error_carries_vendor_operation_status_message_and_request_id(hook_to: Callable[..., PigmentHook]) -> None:
    with (
        WireServer(answer(400, '{"message": "no such thing"}', X_Request_Id="req-7")) as server,
        pytest.raises(VendorRequestError) as raised,
    ):
        hook_to(server).get_status(RUN)

    error = raised.value
    assert (error.vendor, error.operation, error.status_code) == ("pigment", "get_import_status", 400)
    assert (error.vendor_message, error.request_id) == ("no such thing", "req-7")


@pytest.mark.parametrize("status", [400, 401, 500])
def test_an_answers_body_is_not_logged_as_an_error(
    hook_to: Callable[..., PigmentHook], caplog: pytest.LogCaptureFixture, status: int
) -> None:
    with WireServer(answer(status, '{"message": "customer@example.com"}')) as server:
        hook = hook_to(server)
        with pytest.raises(VendorImportError):
            hook.run_flow(hook.status_flow(RUN), patience=0)
        with pytest.raises(VendorImportError) as raised:
            hook.run("/inherited")

    assert raised.value.status_code == status
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert "customer@example.com" not in caplog.text


def test_the_inherited_run_can_be_told_not_to_check(hook_to: Callable[..., PigmentHook]) -> None:
    with WireServer(answer(404)) as server:
        assert hook_to(server).run("/x", extra_options={"check_response": False}).status_code == 404


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_no_secret_is_told_even_by_a_vendor_that_repeats_it(
    hook_to: Callable[..., PigmentHook], everything_told: Callable[..., str], status: int
) -> None:
    with WireServer(answer(status, json.dumps({"message": f"bad key {TOKEN}"}), X_Request_Id=TOKEN)) as server:
        hook = hook_to(server)
        errors = []
        for attempt in (lambda: hook.run_flow(hook.status_flow(RUN), patience=0), lambda: hook.run("/inherited")):
            with pytest.raises(VendorImportError) as raised:
                attempt()
            errors.append(raised.value)
        told = everything_told(*errors, hook, hook.client.settings, hook.client.access, hook.client, repr(vars(hook)))

    assert TOKEN not in told


def test_a_wait_survives_an_outage_and_ends_with_the_import(hook_to: Callable[..., PigmentHook]) -> None:
    with WireServer(RUNNING, answer(503), b"nonsense\r\n\r\n", RUNNING, DONE) as server:
        ending = hook_to(server).wait(RUN, PollPolicy(0.01, 0.01, deadline=4e9))

    assert ending.outcome is Outcome.SUCCEEDED
    assert len(server.requests) >= 6


def test_a_wait_ends_at_its_deadline(hook_to: Callable[..., PigmentHook]) -> None:
    with WireServer(RUNNING) as server:
        ending = hook_to(server).wait(RUN, PollPolicy(0.01, deadline=0.0))

    assert ending.outcome is Outcome.TIMED_OUT
    assert len(server.requests) == 1


def test_a_vendor_that_asks_to_wait_for_long_does_not_hold_up_the_last_look(
    hook_to: Callable[..., PigmentHook],
) -> None:
    import time

    with WireServer(answer(429, Retry_After="3000")) as server:
        ending = hook_to(server).wait(RUN, PollPolicy(0.01, deadline=time.time() + 0.3))

    assert ending.outcome is Outcome.TIMED_OUT
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (ImportSupersededError("x"), Trouble.SUPERSEDED),
        (VendorRateLimitError("x", status_code=429), Trouble.RATE_LIMITED),
        (VendorUnavailableError("x"), Trouble.UNAVAILABLE),
        (VendorRequestError("x", status_code=404), Trouble.NOT_FOUND),
        (VendorRequestError("x", status_code=400), Trouble.REFUSED),
        (VendorAuthError("x", status_code=401), Trouble.REFUSED),
    ],
)
def test_what_a_failed_look_means_for_waiting(error: VendorImportError, trouble: Trouble) -> None:
    assert look_failed(error).trouble is trouble
    assert look_failed(error).error == type(error).__name__


async def test_all_triggers_of_a_connection_share_a_hook(hook_to: Callable[..., PigmentHook]) -> None:
    with WireServer(RUNNING) as server:
        hook_to(server)
        async with PigmentHook.shared("my_pigment") as one, PigmentHook.shared("my_pigment") as other:
            assert one is other
            await one.aget_status(RUN)
        assert (await PigmentHook("my_pigment").aget_status(RUN)).vendor_status == "InProgress"

    assert server.connections == 2


# Time


HANGS = {
    "silence": silence,
    "headers that drip": drip([b"HTTP/1.1 200 OK\r\n", *[b"X-One: 1\r\n"] * 10_000], 0.1),
    "a flood of 100 Continue": drip([b"HTTP/1.1 100 Continue\r\n\r\n" * 100] * 10_000, 0.01),
}


@pytest.mark.parametrize("hangs", HANGS)
def test_a_blocking_wait_ends_soon_after_its_deadline_whatever_hangs(
    hook_to: Callable[..., PigmentHook], monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    monkeypatch.setattr("airflow_provider_imports.http.transfer.OVERTIME", 1.0)
    began = time.monotonic()
    with WireServer(HANGS[hangs]) as server:
        ending = hook_to(server, extra={"timeout": 600}).wait(
            RUN, PollPolicy(poll_interval=0.1, deadline=time.time() + 1)
        )

    assert ending.outcome is Outcome.TIMED_OUT
    assert time.monotonic() - began < 10
    assert len(server.requests) == 2  # the last one is the last look


@pytest.mark.parametrize("hangs", HANGS)
def test_a_quick_hook_ends_soon_whatever_hangs(hook_to: Callable[..., PigmentHook], hangs: str) -> None:
    with WireServer(RUNNING, HANGS[hangs]) as server:
        hook = hook_to(server, extra={"timeout": 600})
        hook.get_status(RUN)
        began = time.monotonic()
        with pytest.raises(VendorUnavailableError):
            hook.quick(0.3).run_flow(hook.status_flow(RUN), patience=0.0)

    assert time.monotonic() - began < 10
