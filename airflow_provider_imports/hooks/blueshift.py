"""
Blueshift: trigger a customer attributes import that is set up in Blueshift, and read one customer.

Sources: https://developer.blueshift.com/reference/post_api-v1-customer-attributes-trigger-import and the pages
"Search customer", "Authorization" and "API errors" beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import ConnectionSettingsError, ImportBusyError, VendorRequestError
from airflow_provider_imports.hooks.arrival import ARRIVAL, arrival_run, arrival_status
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.hooks.description import says_busy
from airflow_provider_imports.http.call import Answer, Call, Flow, Repeat, SendResult, UnreadableAnswerError, basic
from airflow_provider_imports.http.errors import error_from, read_message
from airflow_provider_imports.http.reading import LARGEST_REPORT
from airflow_provider_imports.http.settings import read_extra
from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.vendors.blueshift import BLUESHIFT

if TYPE_CHECKING:
    from airflow_provider_imports.exceptions import VendorImportError
    from airflow_provider_imports.http.settings import AirflowConnection, Settings
    from airflow_provider_imports.models import ImportStatus

#: Where the API of each region lives.
HOSTS = {"us": "https://api.getblueshift.com", "eu": "https://api.eu.getblueshift.com"}
#: Where the pages of each region live, as far as Blueshift documents it.
PAGES = {HOSTS["us"]: "https://app.getblueshift.com/dashboard#/app/customer/import_show/"}
_TASK_NOT_FOUND = "Resource not found"
_NOT_SUPPORTED = 405
_SUPPORT = "support@blueshift.com"


class BlueshiftHook(ImportHook):
    """
    Blueshift's call that triggers a customer attributes import.

    The connection's password is a *User* API key, which administrators make; an *Event* API key is refused. It is
    sent as the Basic user name with an empty password. Blueshift publishes no status of a run, and has no call that
    cancels one. Its only signal is an e-mail, which people switch on in the import task's notification preferences.
    """

    entry = BLUESHIFT
    where_to_look = "the import task's page in Blueshift"
    hints = {
        ("*", 401): (
            "Blueshift wants a User API key (an Event API key is refused) of an account of the same region: "
            f"{HOSTS['us']} is for us, {HOSTS['eu']} for eu."
        ),
        ("*", 403): "An administrator can make a User API key with the rights that are needed.",
        ("*", 429): f"Blueshift publishes no limit for this call; its support ({_SUPPORT}) recommends a throughput.",
        ("*", 500): (
            f"Blueshift asks people to contact its support ({_SUPPORT}) if that persists, and not to repeat it as it "
            "asks for 502, 503 and 504."
        ),
        ("trigger_customer_import", 405): (
            "Blueshift says so for three causes: the task's source is not Amazon S3; the task is not launched (or has "
            "neither a future date nor a recurring schedule); or it is being processed already. See the task's page."
        ),
    }

    def authorization(self, settings: Settings) -> Mapping[str, str]:
        """Basic: the key as user name, no password."""
        self.require_credentials(settings, "password")
        if ":" in settings.password:
            raise ConnectionSettingsError(
                f"Connection {settings.conn_id!r}: password holds a colon, which a User API key never does; enter the "
                "key alone, without the colon that ends a user name. Nothing was sent.",
                vendor=self.vendor,
            )
        return basic(settings.password, "")

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
        """Take "not supported" in answer to a repeat of an unclear sending as "an earlier one was accepted"."""
        if isinstance(outcome, Answer) and outcome.status == _NOT_SUPPORTED and outcome.repeated_after:
            return None
        return super().error_of(call, outcome)

    def refusal(self, call: Call, answer: Answer) -> VendorImportError | None:
        """Tell a task that is being processed, which passes, from one that can't be triggered."""
        said = read_message(answer)
        if not call.starts or answer.status != _NOT_SUPPORTED or not says_busy(said):
            return None
        told = f"{self.hook_name} {call.operation}: HTTP {answer.status}: {said}"
        advice = "The task is being processed already, so nothing was started; a later retry is safe."
        return error_from(ImportBusyError, self.vendor, call, answer, told, advice)

    def trigger_customer_import(self, uuid: str) -> ImportRun:
        """
        Trigger a customer attributes import task.

        Only tasks whose source is Amazon S3, that are launched, and that are scheduled for a future date or recur,
        can be triggered. Not those that load from SFTP, Snowflake, Databricks, BigQuery or an upload, and not tasks
        in draft or paused state. A trigger after the task was processed is another import.

        As Blueshift asks, 502, 503 and 504 are repeated (with backoff, for two minutes at most). Blueshift may have
        accepted more than one of these sendings; the run's ``sendings`` counts them and its ``remark`` says so, also
        if a repeat is refused with 405, which is taken for: an earlier one was accepted.

        :param uuid: of the import task; it stands in the address of the task's page in Blueshift
        :raises UnknownOutcomeError: if Blueshift may or may not have started it: after a time-out, a broken
            connection, a 500 or a last 502, 503 or 504
        :raises ImportBusyError: if Blueshift says that the task is being processed
        :raises VendorRequestError: 404 if there is no such task, 405 if it can't be triggered (or is being processed:
            Blueshift documents one wording for all causes)
        :raises VendorImportError: if Blueshift did not start it
        """
        task = validation.uuid("uuid", uuid)
        return self.run_flow(_trigger(blueshift_run(task, self.client.settings.base_url)))

    def get_customers(self, email: str) -> list[dict[str, Any]]:
        """
        Read the customers with this address (``GET /api/v1/customers``); none if Blueshift knows none.

        Own attributes stand in ``custom_attributes`` of each.
        """
        return self.run_flow(_customers(validation.required("email", email)))

    def arrival_of(self, email: str, attribute: str, value: str) -> ImportRun:
        """
        Make a run to wait for: it ends as ``evidence`` once the customer with this address has this value.

        :param attribute: of ``custom_attributes``, or one of Blueshift's own
        """
        return customer_arrival(email, attribute, value)

    def status_flow(self, run: ImportRun) -> Flow[ImportStatus]:
        """Read the one customer that a run of :meth:`arrival_of` is about; there is no status of other runs."""
        if ARRIVAL not in run.key:
            return (yield from super().status_flow(run))
        found = yield from _customers(run.key[ARRIVAL])
        seen = [arrival_status(run, _attributes(one)) for one in found] or [arrival_status(run, None)]
        return next((one for one in seen if one.state.is_terminal), seen[0])

    def test_flow(self) -> Flow[str]:
        """Read the list of catalogs, which the User API key may and the Event API key may not."""
        answer = yield Call("list_catalogs", "GET", "/api/v1/catalogs", largest_answer=LARGEST_REPORT)
        answer.json()
        return "Blueshift accepted the User API key."


def blueshift_run(uuid: str, base_url: str) -> ImportRun:
    """The run of a task that is triggered now; with the task's page where its address is known."""
    page = PAGES.get(base_url)
    return ImportRun("blueshift", {"uuid": uuid}, datetime.now(UTC), None if page is None else f"{page}{uuid}")


def customer_arrival(email: str, attribute: str, value: str) -> ImportRun:
    """The run whose status is: does the customer with this address have this value?"""
    email, attribute = validation.required("customer_email", email), validation.required("attribute", attribute)
    return arrival_run("blueshift", email, attribute, value)


def _trigger(run: ImportRun) -> Flow[ImportRun]:
    answer = yield Call(
        "trigger_customer_import",
        "POST",
        "/api/v1/customer_attributes/trigger_import",
        json={"uuid": run.key["uuid"]},
        repeat=Repeat.ON_GATEWAY_ERRORS,
        starts=True,
    )
    if answer.status != _NOT_SUPPORTED and answer.object().get("status") != "ok":
        raise UnreadableAnswerError('the answer does not say "status": "ok"')
    return run._replace(sendings=len(answer.repeated_after) + 1, remark=_remark(answer))


def _remark(answer: Answer) -> str | None:
    """What people should know if earlier sendings of this start were unclear."""
    earlier = answer.repeated_after
    if not earlier:
        return None
    answered = ", ".join(f"HTTP {one.status}" if isinstance(one, Answer) else "nothing" for one in earlier)
    sent = f"This start was sent {len(earlier) + 1} times, as Blueshift asks: before, it had answered {answered}."
    if answer.status == _NOT_SUPPORTED:
        return (
            f"{sent} The last one was refused (HTTP {answer.status}, not supported), which is taken for: an earlier "
            "one was accepted. If the task's page shows no run, the task's source is not Amazon S3, or it is not "
            "launched."
        )
    return f"{sent} It may have accepted more than one: the task's page shows how often the import ran."


def _customers(email: str) -> Flow[list[dict[str, Any]]]:
    try:
        answer = yield Call(
            "get_customers", "GET", "/api/v1/customers", query=(("email", email),), largest_answer=LARGEST_REPORT
        )
    except VendorRequestError as error:
        if error.status_code != 404 or _TASK_NOT_FOUND not in (error.vendor_message or ""):
            raise
        return []
    body = answer.object()
    if "users" not in body and "user" not in body:
        raise UnreadableAnswerError("the answer has neither users nor a user")
    users = body.get("users")
    listed = users if isinstance(users, list) else []
    return [dict(one) for one in [*listed, body.get("user")] if isinstance(one, Mapping)]


def _attributes(customer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Own attributes beside Blueshift's own; the own ones win."""
    own = customer.get("custom_attributes")
    return {**customer, **(own if isinstance(own, Mapping) else {})}
