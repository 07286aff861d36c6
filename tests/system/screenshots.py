"""`make screenshots`: the connection forms and a finished run, as PNG files for the documentation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_imports.installed import installed
from airflow_provider_imports.sandbox import Sandbox
from tests.system import demo_data
from tests.system.browser import open_browser
from tests.system.demo import SANDBOX_SETTINGS, connections
from tests.system.demo_runs import PIPELINE, POOL, Progress
from tests.system.running_airflow import RunningAirflow

if TYPE_CHECKING:
    from airflow_provider_imports.vendors import VendorEntry
    from tests.system.browser import AirflowUi

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "docs" / "_static" / "screenshots"
RUN_SECONDS = 5.0
ENDS_WITHIN = 600.0
FORM_HEIGHT = 1700
"""Of the page: a longer form would be cut off."""
LOG_HEIGHT = 1150
WHOLE_LINES = {"api.default_wrap": "True"}
"""Of a log: a longer line goes on below."""
SHORT_ROWS = (7, 1871)
"""Of the table of airports, the lines whose last three columns are lost."""


def main() -> int:
    """Make all pictures, and return the exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        Sandbox(run_seconds=RUN_SECONDS, settings=SANDBOX_SETTINGS).in_thread() as sandbox,
        RunningAirflow(REPOSITORY / "example_dags", connections(sandbox), config=WHOLE_LINES) as airflow,
    ):
        airflow.wait_until_ready()
        airflow.create_pool(POOL, 8, include_deferred=True)
        pipeline = Progress(airflow, PIPELINE)
        push_id = airflow.trigger("pigment_push_csv", conf={"file_path": str(_with_short_rows(airflow.home))})
        with open_browser(airflow.url) as ui:
            with ui.height(FORM_HEIGHT):
                for entry in installed().entries.values():
                    _picture_form(ui, entry)
            airflow.wait_for(lambda: _ended(pipeline) or None, ENDS_WITHIN, f"{PIPELINE.dag_id} to end")
            _picture_run(ui, pipeline.run_id)
            airflow.wait_for_run("pigment_push_csv", push_id, ENDS_WITHIN)
            _picture_log(ui, push_id)
    return 0


def _with_short_rows(folder: Path) -> Path:
    """Real data with a fault in it, as an export may have."""
    lines = demo_data.write("airports.csv", folder).read_text(encoding="utf-8").splitlines()
    for number in SHORT_ROWS:
        lines[number] = lines[number].rsplit(",", 3)[0]
    path = folder / "airports-with-short-rows.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def _ended(progress: Progress) -> bool:
    progress.look()
    return progress.has_ended


def _picture_form(ui: AirflowUi, entry: VendorEntry) -> None:
    form = ui.open_connection_form(entry.vendor_name, entry.default_conn_id)
    ui.screenshot(FOLDER / f"connection-{entry.conn_type}.png", of=form)
    if not entry.own_fields:
        return
    ui.show_extra_fields(form)
    ui.screenshot(FOLDER / f"connection-{entry.conn_type}-extra.png", of=form)


def _picture_run(ui: AirflowUi, run_id: str) -> None:
    ui.open_task(PIPELINE.dag_id, run_id, "import_staff")
    ui.wait_for_state("import_staff", "Success")
    ui.link("Open in Rocket.Chat")
    ui.screenshot(FOLDER / "link.png")
    ui.open_graph(PIPELINE.dag_id, run_id, "import_staff")
    ui.screenshot(FOLDER / "nightly-launch.png")


def _picture_log(ui: AirflowUi, run_id: str) -> None:
    ui.open_task("pigment_push_csv", run_id, "push_csv")
    ui.wait_for_state("push_csv", "Success")
    with ui.height(LOG_HEIGHT):
        ui.wait_for_log("rows skipped")
        ui.screenshot(FOLDER / "log.png")


if __name__ == "__main__":
    sys.exit(main())
