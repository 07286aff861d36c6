"""
Blueshift: trigger a customer attributes import that is set up in Blueshift.

Sources: https://developer.blueshift.com/reference/post_api-v1-customer-attributes-trigger-import and the pages
"Authorization" and "API errors" beside it.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import ConnectionSettingsError
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.http.call import Answer, Call, Flow, Repeat, SendResult, UnreadableAnswerError
from airflow_provider_imports.http.reading import LARGEST_REPORT
from airflow_provider_imports.http.settings import read_extra
from airflow_provider_imports.models import ImportRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.exceptions import VendorImportError
    from airflow_provider_imports.http.settings import AirflowConnection, Settings

#: Where the API of each region lives.
HOSTS = {"us": "https://api.getblueshift.com", "eu": "https://api.eu.getblueshift.com"}
#: Where the pages of each region live, as far as Blueshift documents it.
PAGES = {HOSTS["us"]: "https://app.getblueshift.com/dashboard#/app/customer/import_show/"}
_TASK_NOT_FOUND = "Resource not found"
_NOT_SUPPORTED = 405


class BlueshiftHook(ImportHook):
    """
    Blueshift's call that triggers a customer attributes import.

    The connection's password is a *User* API key, which administrators make; an *Event* API key is refused. It is
    sent as the Basic user name with an empty password. Blueshift publishes no status of a run, and has no call that
    cancels one.
    """

    conn_type = "blueshift"
    default_conn_name = "blueshift_default"
    hook_name = "Blueshift"
    where_to_look = "the import task's page in Blueshift"
    hints = {
        ("*", 401): (
            "Blueshift wants a User API key (an Event API key is refused) of an account of the same region: "
            f"{HOSTS['us']} is for us, {HOSTS['eu']} for eu."
        ),
        ("*", 403): "An administrator can make a User API key with the rights that are needed.",
        ("trigger_customer_import", 405): (
            "Blueshift says so for three causes: the task's source is not Amazon S3; the task is not launched (or has "
            "neither a future date nor a recurring schedule); or it is being processed already. See the task's page."
        ),
    }

    def authorization(self, settings: Settings) -> Mapping[str, str]:
        """Basic: the key as user name, no password."""
        if not settings.password:
            raise ConnectionSettingsError(
                f"Connection {settings.conn_id!r} has no User API key; enter it as password. Nothing was sent.",
                vendor=self.vendor,
            )
        if ":" in settings.password:
            raise ConnectionSettingsError(
                f"Connection {settings.conn_id!r}: password holds a colon, which a User API key never does; enter the "
                "key alone, without the colon that ends a user name. Nothing was sent.",
                vendor=self.vendor,
            )
        return {"Authorization": f"Basic {b64encode(f'{settings.password}:'.encode()).decode()}"}

    def default_host_of(self, connection: AirflowConnection) -> str:
        """The host of the connection's region."""
        region = read_extra(connection).get("region") or "us"
        return HOSTS.get(str(region).strip(), "")

    def hint(self, call: Call, error: VendorImportError) -> str | None:
        """Tell a task that does not exist from an address where Blueshift is not."""
        if error.status_code != 404:
            return super().hint(call, error)
        if _TASK_NOT_FOUND in (error.vendor_message or ""):
            return (
                "Blueshift knows no customer import task with this uuid: copy it from the address of the task's page, "
                "and see that the connection is of the same account and region."
            )
        return f"Blueshift's API is not at this host; for us it is {HOSTS['us']}, for eu {HOSTS['eu']}."

    def error_of(self, call: Call, outcome: SendResult) -> VendorImportError | None:
        """Take "not supported" in answer to a repeat after a 5xx as "an earlier attempt was accepted"."""
        if isinstance(outcome, Answer) and outcome.status == _NOT_SUPPORTED and outcome.repeated_after is not None:
            return None
        return super().error_of(call, outcome)

    def trigger_customer_import(self, uuid: str) -> ImportRun:
        """
        Trigger a customer attributes import task.

        Only tasks whose source is Amazon S3, that are launched, and that are scheduled for a future date or recur,
        can be triggered. Not those that load from SFTP, Snowflake, Databricks, BigQuery or an upload, and not tasks
        in draft or paused state. A trigger after the task was processed is another import.

        As Blueshift asks, a 5xx is repeated (with backoff, for two minutes at most). If a repeat is then refused with
        405, an earlier attempt was accepted: the run's ``remark`` says so.

        :param uuid: of the import task; it stands in the address of the task's page in Blueshift
        :raises UnknownOutcomeError: if Blueshift may or may not have started it: after a time-out, a broken connection
            or a last 5xx
        :raises VendorRequestError: 404 if there is no such task, 405 if it can't be triggered or is being processed
        :raises VendorImportError: if Blueshift did not start it
        """
        task = validation.uuid("uuid", uuid)
        return self.run_flow(_trigger(import_run(task, self.client.settings.base_url)))

    def test_flow(self) -> Flow[str]:
        """Read the list of catalogs, which the User API key may and the Event API key may not."""
        answer = yield Call("list_catalogs", "GET", "/api/v1/catalogs", largest_answer=LARGEST_REPORT)
        answer.json()
        return "Blueshift accepted the User API key."


def import_run(uuid: str, base_url: str) -> ImportRun:
    """The run of a task that is triggered now; with the task's page where its address is known."""
    page = PAGES.get(base_url)
    return ImportRun("blueshift", {"uuid": uuid}, datetime.now(UTC), None if page is None else f"{page}{uuid}")


def _trigger(run: ImportRun) -> Flow[ImportRun]:
    answer = yield Call(
        "trigger_customer_import",
        "POST",
        "/api/v1/customer_attributes/trigger_import",
        json={"uuid": run.key["uuid"]},
        repeat=Repeat.ON_5XX,
        starts=True,
    )
    if answer.status == _NOT_SUPPORTED:
        return ImportRun(run.vendor, run.key, run.started_at, run.url, _accepted_before(answer))
    if answer.object().get("status") != "ok":
        raise UnreadableAnswerError('the answer does not say "status": "ok"')
    return run


def _accepted_before(answer: Answer) -> str:
    earlier = answer.repeated_after
    what = f"with HTTP {earlier.status}" if isinstance(earlier, Answer) else "with nothing"
    return (
        f"Blueshift answered the first attempt {what} and the repeat with HTTP {answer.status} (not supported), which "
        "is taken for: an earlier attempt was accepted. If the task's page shows no run, the task's source is not "
        "Amazon S3, or it is not launched."
    )
