"""An example DAG tells of a failed import by e-mail and in Slack; servers on loopback get what its notifiers send."""

from __future__ import annotations

import json
import threading
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from tests.system.running_airflow import LOOPBACK, free_port
from tests.system.test_dag_test import Ran, example

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from airflow.sdk import DAG

pytest.importorskip("aiosmtpd")
pytest.importorskip("airflow.providers.smtp")
pytest.importorskip("airflow.providers.slack")
pytestmark = [pytest.mark.system, pytest.mark.usefixtures("airflow_database", "sandbox_connections")]

SUBJECT = "pigment_tell_of_failures.push_csv failed"


class Mails:
    """What an SMTP server has received."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        self.received.append(message_from_bytes(envelope.content, policy=default))
        return "250 ok"

    def only(self) -> tuple[str, str]:
        """Subject and content of the one mail."""
        (mail,) = self.received
        content = mail.get_body(("html",))
        assert content is not None
        return mail["Subject"], content.get_content()


class Slack(BaseHTTPRequestHandler):
    """Slack's ``chat.postMessage``."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        is_json = "json" in self.headers["Content-Type"]
        fields = json.loads(body) if is_json else {name: one for name, (one,) in parse_qs(body).items()}
        self.server.posted.append((self.path, fields))  # type: ignore[attr-defined]
        answer = b'{"ok": true}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def mails(set_connection: Any) -> Iterator[Mails]:
    """The mails that the connection ``smtp_default`` has delivered."""
    from aiosmtpd.controller import Controller

    controller = Controller(Mails(), hostname=LOOPBACK, port=free_port())
    controller.start()
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "airflow@example.com", "retry_limit": 1}
    set_connection("smtp_default", conn_type="smtp", host=LOOPBACK, port=controller.port, extra=extra)
    yield controller.handler
    controller.stop()


@pytest.fixture
def posted(set_connection: Any) -> Iterator[list[tuple[str, dict[str, str]]]]:
    """Paths and fields of what the connection ``slack_api_default`` has posted."""
    with ThreadingHTTPServer((LOOPBACK, 0), Slack) as server:
        server.posted = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://{LOOPBACK}:{server.server_address[1]}/api/"
        set_connection("slack_api_default", conn_type="slack", password="xoxb-token", extra={"base_url": url})
        yield server.posted  # type: ignore[attr-defined]
        server.shutdown()


@pytest.fixture
def dag() -> DAG:
    """The example."""
    return example("pigment_tell_of_failures").dag  # type: ignore[no-any-return]


def test_rejected_rows_are_told_with_the_vendors_words(
    dag: DAG, mails: Mails, posted: list[tuple[str, dict[str, str]]], tmp_path: Path
) -> None:
    file = tmp_path / "plan.csv"
    file.write_text("a;b\n1;2\n3\n")

    assert Ran(dag, file_path=str(file)).state == "failed"

    subject, content = mails.only()
    assert subject == f"{SUBJECT}: 1 rejected"
    assert "but 1 row was rejected, max_rejected=0" in content
    assert "&#39;inserted&#39;: 1" in content
    assert "<li>" in content
    ((path, fields),) = posted
    assert path == "/api/chat.postMessage"
    assert fields["channel"] == "#plans"
    assert "but 1 row was rejected, max_rejected=0" in fields["text"]
    assert "'inserted': 1" in fields["text"]
    assert "\n• " in fields["text"]


def test_an_error_before_there_is_an_import_is_told_without_a_manifest(
    dag: DAG, mails: Mails, posted: list[tuple[str, dict[str, str]]], tmp_path: Path
) -> None:
    file = tmp_path / "plan.csv"
    file.touch()

    assert Ran(dag, file_path=str(file)).state == "failed"

    subject, content = mails.only()
    assert subject == SUBJECT
    assert "is empty" in content
    ((_, fields),) = posted
    assert "is empty" in fields["text"]


@pytest.mark.parametrize(
    ("context", "told"),
    [
        ({}, "The worker was lost."),  # as the DAG processor calls it
        ({"exception": None}, "The worker was lost."),
        ({"exception": KeyError("a & <b>")}, "a & <b>"),  # no error of ours, so it has no manifest
    ],
    ids=["no exception", "None", "another error"],
)
def test_whatever_the_task_fails_with_is_told(
    context: dict[str, Any], told: str, dag: DAG, mails: Mails, posted: list[tuple[str, dict[str, str]]]
) -> None:
    push = dag.get_task("push_csv")
    for notifier in push.on_failure_callback:
        notifier({"dag": dag, "ti": SimpleNamespace(task_id="push_csv"), **context})

    subject, content = mails.only()
    assert subject == SUBJECT
    assert told.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in content
    ((_, fields),) = posted
    assert told.replace("<", "&lt;") in fields["text"]
