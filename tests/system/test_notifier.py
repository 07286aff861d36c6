"""An example DAG sends an e-mail about a failed import: a real SMTP server on the loopback receives it."""

from __future__ import annotations

import socketserver
import threading
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.test_dag_test import Ran, example

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("airflow.providers.smtp")
pytestmark = [pytest.mark.system, pytest.mark.usefixtures("airflow_database", "sandbox_connections")]


class Session(socketserver.StreamRequestHandler):
    """As much of SMTP as a mail needs."""

    def handle(self) -> None:
        """Answer each command, and keep what comes after DATA."""
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line.split()[0].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(b"".join(lines))  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


@pytest.fixture
def mails(set_connection: Any) -> Iterator[list[bytes]]:
    """The mails that the connection ``smtp_default`` has delivered."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.mails = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        set_connection(
            "smtp_default",
            conn_type="smtp",
            host="127.0.0.1",
            port=server.server_address[1],
            extra='{"disable_ssl": true, "disable_tls": true, "from_email": "airflow@example.com", "retry_limit": 1}',
        )
        yield server.mails  # type: ignore[attr-defined]
        server.shutdown()


def test_an_e_mail_tells_what_was_rejected(mails: list[bytes], tmp_path: Path) -> None:
    file = tmp_path / "plan.csv"
    file.write_text("a;b\n1;2\n3\n")
    dag = example("pigment_tell_of_failures").dag

    ran = Ran(dag, file_path=str(file))

    assert ran.state == "failed"
    (mail,) = mails
    message = message_from_bytes(mail, policy=default)
    assert message["Subject"] == "pigment_tell_of_failures.push_csv failed: 1 rows rejected"
    text = message.get_body(("html",))
    assert text is not None
    content = text.get_content()
    assert "but 1 row was rejected, max_rejected=0" in content
    assert "&#39;inserted&#39;: 1" in content or "'inserted': 1" in content
    assert "<li>" in content
