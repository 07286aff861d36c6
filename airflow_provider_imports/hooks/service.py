"""The hook of a vendor that is described in data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, unquote, urlsplit

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import ConnectionSettingsError, InvalidInputError, VendorAuthError
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.http.call import Answer, Call, Flow, Repeat, UnreadableAnswerError, basic, path
from airflow_provider_imports.http.text import clean, cut, is_whole
from airflow_provider_imports.json_values import read_count, read_text
from airflow_provider_imports.models import Counts, ImportRun, ImportState, ImportStatus, state_of
from airflow_provider_imports.service import COUNTS, ID, Service, at, check, filled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.http.settings import Settings
    from airflow_provider_imports.vendors import VendorEntry

_FORM = "application/x-www-form-urlencoded"


def hook_of(entry: VendorEntry, service: Service) -> type[ServiceHook]:
    """
    Make the hook of a vendor, by the name that its entry has for it.

    :raises VendorEntryError: for what a description can't express
    """
    check(service, entry.vendor_name)
    module, _, name = entry.hook.rpartition(".")
    attributes = {
        "__module__": module,
        "__doc__": f"{entry.vendor_name}, by its description.",
        "entry": entry,
        "service": service,
        "default_host": service.get("default_host", ""),
        "where_to_look": service["where_to_look"],
        "can_cancel": "cancel" in service,
    }
    if "cancel" in service:
        attributes["cancel_flow"] = ServiceHook._cancel_flow
    return type(name, (ServiceHook,), attributes)


class ServiceHook(ImportHook):
    """A vendor's API as its description says."""

    service: ClassVar[Service]

    def start_import(self, **given: str | int) -> ImportRun:
        """
        Start an import.

        :param given: the parameters of the description
        :raises InvalidInputError: if one is missing, empty, or not in the description
        """
        for name in given.keys() - self.service["parameters"].keys():
            raise InvalidInputError(f"{name} is not in the description of {self.hook_name}. {validation.NOTHING}")
        checked = {name: validation.required(name, given.get(name)) for name in self.service["parameters"]}
        return self.run_flow(self._start_flow(checked))

    def _start_flow(self, given: Mapping[str, str]) -> Flow[ImportRun]:
        start = self.service["start"]
        started_at = datetime.now(UTC)
        answer = yield Call(
            start["operation"],
            start.get("method", "POST"),
            path(start["path"], **given),
            json=filled(start.get("json"), given),
            repeat=Repeat.IF_NOT_ACTED,
            starts=True,
        )
        number = _id_in_location(answer) if "id_in" in start else read_text(at(start["id"], answer.object()))
        if not number or not is_whole(number):
            raise UnreadableAnswerError("the answer has no id")
        return ImportRun(self.vendor, {ID: number}, started_at)

    def status_flow(self, run: ImportRun) -> Flow[ImportStatus]:
        """Read a run's status."""
        where: Mapping[str, Any] = self.service["status"]
        report = (yield Call(where["operation"], "GET", path(where["path"], id=run.key[ID]))).object()
        word = read_text(at(where["state"], report))
        state, doubt = state_of(word, {str(one): ImportState(ours) for one, ours in self.service["states"].items()})
        progress = at(where.get("progress"), report)
        return ImportStatus(
            state,
            word,
            progress=progress if isinstance(progress, int | float) and 0 <= progress <= 100 else None,
            counts=Counts(**{name: read_count(at(where.get(name), report)) for name in COUNTS}),
            message=doubt or read_text(at(where.get("message"), report)) or None,
        )

    def _cancel_flow(self, run: ImportRun) -> Flow[str]:
        cancel = self.service["cancel"]
        yield Call(cancel["operation"], cancel.get("method", "POST"), path(cancel["path"], id=run.key[ID]))
        return f"{self.hook_name} canceled the import ({run})."

    def test_flow(self) -> Flow[str]:
        """Read something harmless."""
        test = self.service["test"]
        yield Call(test["operation"], "GET", test["path"])
        return f"{self.hook_name} accepted the {self.credentials}."

    # How it authenticates

    def authorization(self, settings: Settings) -> Mapping[str, str]:
        """Headers that carry the connection's credentials."""
        how: Any = self.service["authorization"]
        if how == "basic":
            self.require_credentials(settings, "login", "password")
            return basic(settings.login, settings.password)
        self.require_credentials(settings, "password")
        if how == "bearer":
            return {"Authorization": f"Bearer {settings.password}"}
        return {how["header"]: settings.password}

    def login_call(self, settings: Settings) -> Call | None:
        """Get a token with client credentials (OAuth2), if the description says so."""
        how: Any = self.service["authorization"]
        if isinstance(how, str) or "token_path" not in how:
            return None
        self.require_credentials(settings, "login", "password")
        body = _oauth2_client(settings).prepare_request_body(scope=how.get("scope"))
        return Call(
            "get_token",
            "POST",
            how["token_path"],
            body=body.encode(),
            content_type=_FORM,
            headers=basic(quote(settings.login, safe=""), quote(settings.password, safe="")),
            public=True,
        )

    def read_login(self, answer: Answer, settings: Settings) -> Mapping[str, str]:
        """The token as a header."""
        from oauthlib.oauth2 import OAuth2Error

        answer.object()  # a page of some other server is no refusal
        try:
            token = _oauth2_client(settings).parse_request_body_response(answer.content.decode("utf-8", "replace"))
        except OAuth2Error as error:
            problem = f"{error.error}: {error.description}"
        else:
            return {"Authorization": f"Bearer {token['access_token']}"}
        # not raised from the library's error, which holds the vendor's text as it came
        told = cut(answer.secrets.redacted(clean(problem)))
        raise VendorAuthError(f"{self.hook_name} gave no token ({told}). Nothing was done.", vendor=self.vendor)


def _oauth2_client(settings: Settings) -> Any:
    try:
        from oauthlib.oauth2 import BackendApplicationClient
    except ImportError as error:
        raise ConnectionSettingsError(
            "OAuth2 needs oauthlib: install airflow-provider-imports[oauth2]. Nothing was sent."
        ) from error
    return BackendApplicationClient(settings.login)


def _id_in_location(answer: Answer) -> str:
    """The end of the path in ``Location``, as it stands in the next call's path before it is quoted."""
    return unquote(urlsplit(answer.identifier("location")).path.rstrip("/").rpartition("/")[2])
