"""WEBSALE's stand-in does what WEBSALE's documents say."""

import json
from typing import Any

import pytest
import requests

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.sandbox import websale as vendor
from airflow_provider_imports.sandbox.websale_reasons import REASONS

from .conftest import Call, Clock

ITEMS = [{"email": "a@example.com"}, {"email": "b@example.com"}]
BASE = "/websale/admin/api/v1"


def log_in(call: Call, **body: str) -> requests.Response:
    return call("POST", f"{BASE}/login", json=body or {"email": vendor.EMAIL, "password": vendor.PASSWORD})


@pytest.fixture
def auth(call: Call) -> dict[str, str]:
    return {"Authorization": f"Bearer {log_in(call).json()['accessToken']}"}


@pytest.fixture
def api(call: Call, auth: dict[str, str]) -> Call:
    """``api("POST", "newsletterSubscriber/start?format=json", ...)``, logged in."""

    def send(method: str, path: str, **options: Any) -> requests.Response:
        return call(method, f"{BASE}/import/{path}", **{"headers": auth, **options})

    return send


def start(api: Call, service: str = "newsletterSubscriber", records: Any = None) -> dict[str, Any]:
    body = json.dumps(ITEMS if records is None else records)
    answer = api("POST", f"{service}/start?format=json", data=body)
    assert answer.status_code == 200
    return answer.json()  # type: ignore[no-any-return]


def status(api: Call, service: str = "newsletterSubscriber") -> dict[str, Any]:
    return api("GET", f"{service}/status").json()  # type: ignore[no-any-return]


def test_an_import_runs_and_finishes_with_true_counts(api: Call, clock: Clock) -> None:
    assert status(api)["status"] == vendor.READY
    started = start(api, records=[*ITEMS, {}, 7])
    assert started == {
        "duration": 0,
        "end": "",
        "failed": 0,
        "globalError": 0,
        "importErrors": [],
        "lastError": "",
        "percentage": 0,
        "processed": 0,
        "start": "2025-06-15T15:06:40.000Z",
        "status": vendor.RUNNING,
    }
    clock.move(5)
    half = status(api)
    assert (half["percentage"], half["processed"], half["end"]) == (50, 2, "")
    clock.move(5)
    ended = status(api)
    assert (ended["status"], ended["processed"], ended["failed"]) == (vendor.FINISHED, 4, 2)
    assert ended["end"] == "2025-06-15T15:06:50.000Z"
    assert [each["message"] for each in ended["importErrors"]] == ["invalid record: {}", "invalid record: 7"]


def test_a_start_cancels_the_running_import_of_the_same_service(api: Call, sandbox: Sandbox) -> None:
    first, other, second = start(api), start(api, "voucher"), start(api)
    assert len({first["start"], other["start"], second["start"]}) == 3
    assert status(api)["start"] == second["start"]
    assert [run.status for run in sandbox.vendors["websale"].runs] == [
        vendor.CANCELED,
        vendor.RUNNING,
        vendor.RUNNING,
    ]


def test_pause_resume_and_cancel_depend_on_the_state(api: Call, clock: Clock, sandbox: Sandbox) -> None:
    voucher = "voucher"
    for method, call_name in (("POST", "pause"), ("POST", "resume"), ("DELETE", "cancel")):
        assert api(method, f"{voucher}/{call_name}").status_code == 404
    start(api, voucher)
    clock.move(4)
    assert api("POST", f"{voucher}/resume").status_code == 404
    paused = api("POST", f"{voucher}/pause").json()
    assert (paused["status"], paused["percentage"]) == (vendor.PAUSED, 40)
    assert api("POST", f"{voucher}/pause").status_code == 404
    clock.move(100)
    assert status(api, voucher)["percentage"] == 40
    assert api("POST", f"{voucher}/resume").json()["status"] == vendor.RUNNING
    clock.move(3)
    canceled = api("DELETE", f"{voucher}/cancel").json()
    assert (canceled["status"], canceled["percentage"]) == (vendor.CANCELED, 70)
    assert canceled["end"]
    assert api("DELETE", f"{voucher}/cancel").status_code == 404
    acted = [entry.operation for entry in sandbox.journal if entry.acted]
    assert acted == ["login", "start_import", "pause_import", "resume_import", "cancel_import"]


def test_an_import_may_take_a_while_to_start(api: Call, clock: Clock, sandbox: Sandbox) -> None:
    sandbox.change_settings(websale={"starting_seconds": 2})
    assert start(api)["status"] == vendor.STARTING
    assert api("POST", "newsletterSubscriber/pause").status_code == 404
    clock.move(2)
    assert status(api)["status"] == vendor.RUNNING


@pytest.mark.parametrize("body", ['[{"__fail__": 1}]', '[{"a": 1}, {"b', "hello", '{"a": 1'])
def test_an_unreadable_body_and_a_fail_field_end_as_error(api: Call, clock: Clock, body: str) -> None:
    assert api("POST", "voucher/start?format=json", data=body).status_code == 200
    clock.move(10)
    ended = status(api, "voucher")
    assert (ended["status"], ended["globalError"]) == (vendor.ERROR, 1)
    assert ended["lastError"]


@pytest.mark.parametrize("body", ["<all><one>1</one>", "<all></one>", "hello", "<all/><all/>"])
def test_malformed_xml_ends_as_error(api: Call, clock: Clock, body: str) -> None:
    assert api("POST", "inquiry/start?format=xml", data=body).status_code == 200
    clock.move(10)
    ended = status(api, "inquiry")
    assert (ended["status"], ended["lastError"][:20]) == (vendor.ERROR, "the XML is malformed")


@pytest.mark.parametrize(
    ("service", "chosen", "body", "processed", "failed"),
    [
        ("product", "csv", b"a;b\n1;2\n3\n", 2, 1),
        ("inquiry", "xml", b"<all><one x='1'/><one>text</one><one/></all>", 3, 1),
        ("order", "xml", b"<orders><order><id>1</id></order></orders>", 1, 0),
        ("order", "json", b' {"id": "one"} ', 1, 0),
        ("product", "json", b"[]", 0, 0),
    ],
)
def test_each_format_is_counted(
    api: Call, clock: Clock, service: str, chosen: str, body: bytes, processed: int, failed: int
) -> None:
    assert api("POST", f"{service}/start?format={chosen}", data=body).status_code == 200
    clock.move(10)
    ended = status(api, service)
    assert (ended["status"], ended["processed"], ended["failed"]) == (vendor.FINISHED, processed, failed)


def test_a_json_array_is_counted_wherever_it_is_cut(api: Call, clock: Clock) -> None:
    body = json.dumps([{"näme": f'"{n}", ]'} for n in range(50)], ensure_ascii=False).encode()
    pieces = (body[at : at + 7] for at in range(0, len(body), 7))
    assert api("POST", "voucher/start?format=json", data=pieces).status_code == 200
    clock.move(10)
    assert status(api, "voucher")["processed"] == 50


@pytest.mark.parametrize(
    "path",
    [
        "nothing/start?format=json",
        "order/start?format=csv",
        "product/start?format=xml",
        "product/start?format=json&sendMail=true",
    ],
)
def test_unknown_services_formats_and_mails_are_400(api: Call, sandbox: Sandbox, path: str) -> None:
    assert api("POST", path, data="[]").status_code == 400
    assert not sandbox.vendors["websale"].runs


def test_an_empty_body_is_400_and_mail_is_for_admin_users(api: Call, sandbox: Sandbox) -> None:
    assert api("POST", "product/start?format=json").status_code == 400
    assert api("POST", "adminUser/start?format=json&sendMail=true", data="[]").status_code == 200
    assert sandbox.vendors["websale"].slots["adminUser"].send_mail is True


@pytest.mark.parametrize(("query", "came"), [("", None), ("&sendMail=false", False), ("&sendMail=True", True)])
def test_what_came_of_send_mail_is_kept_and_nothing_stands_in_for_it(
    api: Call, sandbox: Sandbox, query: str, came: bool | None
) -> None:
    assert api("POST", f"adminUser/start?format=json{query}", data="[]").status_code == 200
    assert sandbox.vendors["websale"].slots["adminUser"].send_mail is came
    assert sandbox.journal[-1].path.endswith(f"/adminUser/start?format=json{query}")


def test_send_mail_is_true_or_false(api: Call, sandbox: Sandbox) -> None:
    assert api("POST", "adminUser/start?format=json&sendMail=perhaps", data="[]").json()["type"] == "invalidValue"
    assert not sandbox.vendors["websale"].runs


SENT = {
    "start": ("POST", "start?format=json"),
    "status": ("GET", "status"),
    "pause": ("POST", "pause"),
    "resume": ("POST", "resume"),
    "cancel": ("DELETE", "cancel"),
}


def send(api: Call, name: str) -> requests.Response:
    method, path = SENT[name]
    return api(method, f"voucher/{path}", data="[]" if name == "start" else None)


@pytest.mark.parametrize("reason", [each for each in REASONS if "start" in REASONS[each].calls])
def test_every_documented_reason_not_to_confirm_a_start(api: Call, sandbox: Sandbox, reason: str) -> None:
    sandbox.change_settings(websale={"unavailable": reason})
    answer = send(api, "start")
    expected = {"type": REASONS[reason].type, "message": REASONS[reason].message}
    assert (answer.status_code, answer.json()) == (503, expected)
    assert sandbox.journal[-1].acted is REASONS[reason].acts is bool(sandbox.vendors["websale"].runs)


@pytest.mark.parametrize("reason", [each for each in REASONS if "change" in REASONS[each].calls])
@pytest.mark.parametrize("name", ["pause", "resume", "cancel"])
def test_every_documented_reason_not_to_confirm_a_change(api: Call, sandbox: Sandbox, name: str, reason: str) -> None:
    send(api, "start")
    if name == "resume":
        send(api, "pause")
    before = sandbox.vendors["websale"].slots["voucher"].status
    sandbox.change_settings(websale={"unavailable": reason})
    answer = send(api, name)
    assert (answer.status_code, answer.json()["message"]) == (503, REASONS[reason].message)
    changed = sandbox.vendors["websale"].slots["voucher"].status != before
    assert sandbox.journal[-1].acted is changed is REASONS[reason].acts


def test_a_status_may_be_missing_and_other_reasons_do_not_touch_it(api: Call, sandbox: Sandbox) -> None:
    start(api, "voucher")
    for reason in REASONS:
        sandbox.change_settings(websale={"unavailable": reason})
        assert send(api, "status").status_code == (503 if reason == "no_status" else 200)
    with pytest.raises(ValueError, match="not_stored"):
        sandbox.change_settings(websale={"unavailable": "tired"})


def test_every_reason_of_400_401_and_404(api: Call, call: Call, auth: dict[str, str]) -> None:
    limited = log_in(call, email=vendor.LIMITED_EMAIL, password=vendor.LIMITED_PASSWORD).json()["accessToken"]
    for name, (method, path) in SENT.items():
        assert api(method, f"nothing/{path}", data="[]").json()["type"] == "invalidValue"
        forbidden = f"{vendor.FORBIDDEN_SERVICE}/{path}"
        no_permission = api(method, forbidden, headers={"Authorization": f"Bearer {limited}"})
        assert (no_permission.status_code, "permission" in no_permission.json()["message"]) == (401, True)
        logged_out = api(method, forbidden, headers={})
        assert (logged_out.status_code, "logged in" in logged_out.json()["message"]) == (401, True)
        if name in ("pause", "resume", "cancel"):
            assert send(api, name).json()["type"] == "notFound"


def test_the_duration_counts_what_was_worked_not_what_was_paused(api: Call, clock: Clock) -> None:
    start(api, "voucher")
    clock.move(4)
    send(api, "pause")
    clock.move(100)
    assert send(api, "status").json()["duration"] == 4
    send(api, "resume")
    clock.move(100)
    ended = send(api, "status").json()
    assert (ended["duration"], ended["percentage"], ended["status"]) == (10, 100, vendor.FINISHED)


def test_log_in_by_key_by_cookie_and_by_another_header(call: Call, sandbox: Sandbox) -> None:
    path = f"{BASE}/import/voucher/status"
    tokens = log_in(call, apiKey=vendor.API_KEY).json()
    assert tokens.keys() == {"accessToken", "refreshToken"}
    assert call("GET", path).status_code == 401
    sandbox.change_settings(websale={"auth_header": "X-Authorization"})
    bearer = f"Bearer {tokens['accessToken']}"
    assert call("GET", path, headers={"Authorization": bearer}).status_code == 401
    assert call("GET", path, headers={"X-Authorization": bearer}).status_code == 200
    call("POST", f"{BASE}/login?setCookie", json={"apiKey": vendor.API_KEY})
    assert call("GET", path).status_code == 200


def test_log_in_by_another_field_for_the_account(call: Call, sandbox: Sandbox) -> None:
    sandbox.change_settings(websale={"login_field": "userName"})
    assert log_in(call, email=vendor.EMAIL, password=vendor.PASSWORD).status_code == 400
    assert log_in(call, userName=vendor.EMAIL, password=vendor.PASSWORD).status_code == 200


def test_tokens_expire(api: Call, clock: Clock, sandbox: Sandbox) -> None:
    clock.move(1799)
    assert api("GET", "voucher/status").status_code == 200
    clock.move(1)
    assert api("GET", "voucher/status").status_code == 401


def test_repeated_bad_logins_lock_the_account(call: Call) -> None:
    codes = [log_in(call, email=vendor.EMAIL, password="wrong").status_code for _ in range(6)]
    assert codes == [401] * 5 + [423]
    assert log_in(call).status_code == 423
    assert log_in(call, apiKey=vendor.API_KEY).status_code == 200
    assert log_in(call, email=vendor.EMAIL).status_code == 400
    assert call("POST", f"{BASE}/login", data="{").status_code == 400


def test_401_also_means_missing_permission(call: Call) -> None:
    token = log_in(call, email=vendor.LIMITED_EMAIL, password=vendor.LIMITED_PASSWORD).json()["accessToken"]
    headers = {"Authorization": f"Bearer {token}"}
    forbidden = f"{BASE}/import/{vendor.FORBIDDEN_SERVICE}/status"
    assert call("GET", forbidden, headers=headers).status_code == 401
    assert call("GET", f"{BASE}/import/voucher/status", headers=headers).status_code == 200


def test_a_503_may_hide_a_started_import(api: Call, sandbox: Sandbox) -> None:
    body = '{"type": "internalError", "message": "did not start within 10 seconds"}'
    sandbox.add_fault("status", operation="start_import", when="after", body=body)
    answer = api("POST", "voucher/start?format=json", data="[]")
    assert (answer.status_code, answer.json()["type"]) == (503, "internalError")
    assert status(api, "voucher")["status"] == vendor.RUNNING


def test_429_in_the_vendors_shape(api: Call, sandbox: Sandbox) -> None:
    sandbox.add_fault("rate_limit", vendor="websale", seconds=2)
    answer = api("GET", "voucher/status")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
