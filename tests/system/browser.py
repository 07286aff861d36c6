"""A real, headless Chromium at Airflow's UI: the system's own (Debian: `chromium`), driven by Playwright.

Everything is waited for, nothing slept for. The words that are looked for are those of Airflow 3.3's UI.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from playwright.sync_api import Locator, Page

COMMANDS = ("chromium", "chromium-browser", "google-chrome")
INSTALL = (["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"])
ARGUMENTS = (
    "--no-sandbox",  # it may be root who runs the tests, as in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",  # nothing but 127.0.0.1 is visited
)
WIDTH, HEIGHT = 1280, 900
TIMEOUT_SECONDS = 60.0
"""For one element to appear, on a machine that is busy with everything else, too."""
MENU_OF_FORM = "Extra Fields"


class NoBrowserError(RuntimeError):
    """There is no Chromium on this machine, and it cannot be installed; the message says why."""


def chromium_path() -> str:
    """Find Chromium, or install it where that is possible: as root, on Debian and its like.

    :raises NoBrowserError: there is none, and there will be none
    """
    found = next((path for name in COMMANDS if (path := shutil.which(name))), None)
    if found is not None:
        return found
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise NoBrowserError("no Chromium is installed, and only root can install one (apt-get install chromium)")
    for command in INSTALL:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    installed = shutil.which("chromium")
    if installed is None:
        raise NoBrowserError(f"apt-get could not install chromium: {done.stderr.strip()[-500:]}")
    return installed


@contextmanager
def open_browser(airflow_url: str) -> Iterator[AirflowUi]:
    """A browser with an empty profile, open until the context ends."""
    expect.set_options(timeout=TIMEOUT_SECONDS * 1000)
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=list(ARGUMENTS))
        try:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, locale="en-US")
            page.set_default_timeout(TIMEOUT_SECONDS * 1000)
            yield AirflowUi(page, airflow_url)
        finally:
            browser.close()


class AirflowUi:
    """What a user does in the UI, in a user's words."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._url = url

    # Connections

    def open_connection_form(self, type_name: str, conn_id: str) -> Locator:
        """Open the form of a new connection of a type, with its standard fields shown."""
        self.page.goto(f"{self._url}/connections")
        self.page.get_by_role("button", name="Add Connection").first.click()
        form = self.page.get_by_role("dialog")
        form.get_by_label("Connection ID").fill(conn_id)
        form.get_by_role("combobox").fill(type_name)
        self.page.get_by_role("option", name=type_name, exact=True).click()
        expect(form.get_by_label("Description")).to_be_visible()
        return form

    def show_extra_fields(self, form: Locator) -> None:
        """Open the part of the form that holds a vendor's own fields."""
        form.get_by_role("button", name=MENU_OF_FORM, exact=True).click()
        expect(form.get_by_text("Verify TLS", exact=True)).to_be_visible()

    def add_connection(self, type_name: str, conn_id: str, fields: Mapping[str, str]) -> None:
        """Create a connection through the form, its fields named as the form labels them."""
        form = self.open_connection_form(type_name, conn_id)
        for label, value in fields.items():
            form.get_by_label(label, exact=True).fill(value)
        form.get_by_role("button", name="Save").click()
        expect(form).to_be_hidden()
        expect(self._connection(conn_id)).to_be_visible()

    def test_connection(self, conn_id: str) -> dict[str, Any]:
        """Press the Test button of a connection in the list; what Airflow answered."""
        with self.page.expect_response("**/api/v2/connections/test") as answer:
            self._connection(conn_id).get_by_role("button", name="Test Connection").click()
        told = answer.value.json()
        return dict(told)

    def _connection(self, conn_id: str) -> Locator:
        return self.page.get_by_role("row").filter(has_text=conn_id)

    # Runs

    def trigger(self, dag_id: str, parameters: Mapping[str, str]) -> str:
        """Trigger a DAG through its form, and return the run's id."""
        self.page.goto(f"{self._url}/dags/{dag_id}")
        self.page.get_by_role("button", name="Trigger").first.click()
        form = self.page.get_by_role("dialog")
        for name, value in parameters.items():
            form.locator(f"input[name='element_{name}']").fill(value)
        with self.page.expect_response(f"**/api/v2/dags/{dag_id}/dagRuns") as answer:
            form.get_by_role("button", name="Trigger").click()
        return str(answer.value.json()["dag_run_id"])

    def open_task(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Open the page of a task of a run, which shows its log."""
        self.page.goto(f"{self._url}/dags/{dag_id}/runs/{run_id}/tasks/{task_id}")

    def open_graph(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Open the graph of a run, and wait until it shows a task."""
        self.page.goto(f"{self._url}/dags/{dag_id}/runs/{run_id}")
        self.page.get_by_role("button", name="Show Graph").click()
        expand = self.page.get_by_role("button", name="Expand all task groups")
        if expand.is_enabled():
            expand.click()
        expect(self.page.locator(".react-flow__node").filter(has_text=task_id)).to_be_visible()

    def clear_open_task(self) -> None:
        """Press the button of the open task's page that clears it, and confirm."""
        self.page.get_by_role("button", name="Press shift+c to clear").click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("button", name="Confirm").click()
        expect(dialog).to_be_hidden()

    def wait_for_state(self, task_id: str, state: str) -> None:
        """Wait until the open page's head says that the task is in a state, e.g. `Deferred`."""
        head = self.page.get_by_role("heading", name=task_id).locator("..")
        expect(head).to_contain_text(state)

    def wait_for_log(self, text: str) -> None:
        """Wait until the open log has a line with a text."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    def link(self, name: str) -> str | None:
        """Address of an operator's link on the open task's page of details."""
        self.page.get_by_role("link", name="Details", exact=True).click()
        return self.page.get_by_role("link", name=name, exact=True).get_attribute("href")

    @contextmanager
    def height(self, pixels: int) -> Iterator[None]:
        """Make the page so high for a while."""
        self.page.set_viewport_size({"width": WIDTH, "height": pixels})
        yield
        self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})

    def screenshot(self, path: Path, of: Locator | None = None) -> None:
        """Write a PNG of the page, or of a part of it, once nothing moves any more."""
        (of or self.page).screenshot(path=path, animations="disabled", caret="hide")
