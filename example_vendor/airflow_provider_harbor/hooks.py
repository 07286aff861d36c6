"""Harbor: load one of its saved lists, and read what became of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_harbor.entry import HARBOR
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.http.call import Call, Flow, Repeat, UnreadableAnswerError, path
from airflow_provider_imports.json_values import read_count, read_text
from airflow_provider_imports.models import Counts, ImportRun, ImportState, ImportStatus, state_of

if TYPE_CHECKING:
    from airflow_provider_imports.http.settings import Settings

STATES = {
    "working": ImportState.RUNNING,
    "done": ImportState.SUCCEEDED,
    "broken": ImportState.FAILED,
    "canceled": ImportState.CANCELED,
}


class HarborHook(ImportHook):
    """Harbor's import API."""

    entry = HARBOR
    default_host = "https://api.harbor.example"
    where_to_look = "Imports > History in Harbor"
    can_cancel = True

    def authorization(self, settings: Settings) -> dict[str, str]:
        self.require_credentials(settings, "password")
        return {"X-Api-Key": settings.password}

    def load_list(self, name: str) -> ImportRun:
        """Start loading a saved list."""
        return self.run_flow(_load_list(name))

    def status_flow(self, run: ImportRun) -> Flow[ImportStatus]:
        report = (yield Call("get_import", "GET", path("/v1/imports/{id}", id=run.key["id"]))).object()
        word = read_text(report.get("state"))
        state, doubt = state_of(word, STATES)
        counts = Counts(inserted=read_count(report.get("loaded")), failed=read_count(report.get("bad")))
        return ImportStatus(state, word, counts=counts, message=doubt)

    def cancel_flow(self, run: ImportRun) -> Flow[str]:
        yield Call("cancel_import", "DELETE", path("/v1/imports/{id}", id=run.key["id"]))
        return f"Harbor canceled the import ({run})."

    def test_flow(self) -> Flow[str]:
        yield Call("list_imports", "GET", "/v1/imports")
        return "Harbor accepted the API key."


def _load_list(name: str) -> Flow[ImportRun]:
    now = datetime.now(UTC)
    body = {"list": name}
    answer = yield Call("load_list", "POST", "/v1/imports", json=body, repeat=Repeat.IF_NOT_ACTED, starts=True)
    match answer.object():
        case {"id": int(number)}:
            return ImportRun("harbor", {"id": str(number)}, now)
    raise UnreadableAnswerError("the answer has no id")
