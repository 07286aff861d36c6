"""Quarry: dig a pit, which loads what lies in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.http.call import Call, Repeat, UnreadableAnswerError, basic, path
from airflow_provider_imports.json_values import read_count, read_text
from airflow_provider_imports.models import Counts, ImportRun, ImportState, ImportStatus, state_of
from airflow_provider_quarry.entry import QUARRY

if TYPE_CHECKING:
    from airflow_provider_imports.http.call import Answer, Flow
    from airflow_provider_imports.http.settings import Settings

STATES = {
    "0": ImportState.ACCEPTED,
    "1": ImportState.RUNNING,
    "2": ImportState.SUCCEEDED,
    "3": ImportState.FAILED,
    "4": ImportState.CANCELED,
}
MOST_PAGES = 3


class QuarryHook(ImportHook):
    """Quarry's API for digs."""

    entry = QUARRY
    default_host = "https://api.quarry.example"
    where_to_look = "Digs in Quarry's console"
    can_cancel = True

    def login_call(self, settings: Settings) -> Call:
        self.require_credentials(settings, "login", "password")
        return Call(
            "token",
            "POST",
            "/oauth2/token",
            body=urlencode({"grant_type": "client_credentials"}).encode(),
            content_type="application/x-www-form-urlencoded",
            headers=basic(settings.login, settings.password),
            public=True,
        )

    def read_login(self, answer: Answer, settings: Settings) -> dict[str, str]:
        token = answer.object().get("access_token")
        if not isinstance(token, str) or not token:
            raise UnreadableAnswerError("the answer has no access_token")
        return {"Authorization": f"Bearer {token}"}

    def dig(self, pit: str) -> ImportRun:
        """Start digging a pit."""
        return self.run_flow(_dig(pit))

    def status_flow(self, run: ImportRun) -> Flow[ImportStatus]:
        report = (yield Call("show", "GET", path("/digs/{dig}", dig=run.key["dig"]))).object()
        word = read_text(report.get("state"))
        state, doubt = state_of(word, STATES)
        counts = Counts(inserted=read_count(report.get("stones")), failed=read_count(report.get("rubble")))
        errors = (yield from _errors(run)) if state.is_terminal and counts.failed != 0 else ()
        return ImportStatus(state, word, counts=counts, message=doubt, errors=errors)

    def cancel_flow(self, run: ImportRun) -> Flow[str]:
        yield Call("stop", "POST", path("/digs/{dig}/stop", dig=run.key["dig"]))
        return f"Quarry stopped the dig ({run})."

    def test_flow(self) -> Flow[str]:
        yield Call("digs", "GET", "/digs")
        return "Quarry accepted the client ID and secret."


def _dig(pit: str) -> Flow[ImportRun]:
    now = datetime.now(UTC)
    answer = yield Call("dig", "POST", path("/pits/{pit}/digs", pit=pit), repeat=Repeat.IF_NOT_ACTED, starts=True)
    number = answer.identifier("location").rpartition("/digs/")[2]
    if answer.status != 202 or not number.isalnum():
        raise UnreadableAnswerError("the answer has no Location of a dig")
    return ImportRun("quarry", {"dig": number}, now)


def _errors(run: ImportRun) -> Flow[tuple[str, ...]]:
    found: list[str] = []
    query: tuple[tuple[str, str], ...] = ()
    for _ in range(MOST_PAGES):
        page: dict[str, Any] = (
            yield Call("errors", "GET", path("/digs/{dig}/errors", dig=run.key["dig"]), query=query)
        ).object()
        items = page.get("items")
        found += [read_text(one) for one in items] if isinstance(items, list) else []
        following = read_text(page.get("next"))
        if not following:
            break
        query = (("after", following),)
    return tuple(one for one in found if one)
