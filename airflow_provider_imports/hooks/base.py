"""The hook that every vendor's hook is: it sends what the vendor's description says, blocking or awaiting."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.hooks.connection import ConnectionHook
from airflow_provider_imports.hooks.slot_turns import SlotTurns
from airflow_provider_imports.http.async_client import AsyncClient
from airflow_provider_imports.http.call import Answer, Call, Flow, SendResult, one_call
from airflow_provider_imports.http.errors import HTML_PAGE, refusal_of, unreadable
from airflow_provider_imports.http.loop_clients import client_apart, join_client, leave_client
from airflow_provider_imports.http.rate_limit import RateLimit
from airflow_provider_imports.http.send_steps import guarded
from airflow_provider_imports.http.sync_client import SyncClient, on_the_wire
from airflow_provider_imports.installed import installed
from airflow_provider_imports.models import ImportRun, ImportState, ImportStatus
from airflow_provider_imports.polling import Ending, LookFailed, PollPolicy, Wait
from airflow_provider_imports.report import look_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests import Response, Session

    from airflow_provider_imports.http.settings import Settings

T = TypeVar("T")
#: Seconds that one method call may spend on repeats.
PATIENCE = 120.0


class ImportHook(ConnectionHook):
    """
    Talk to one vendor's import API.

    A vendor's hook describes what :class:`~airflow_provider_imports.hooks.description.VendorDescription` asks for, and
    has typed methods. Everything that sends is here.

    :param conn_id: the Airflow connection
    :param longest_timeout: seconds for one answer at most, whatever the connection says; for a task being killed
    """

    def __init__(self, conn_id: str | None = None, longest_timeout: float | None = None) -> None:
        super().__init__(conn_id, longest_timeout)
        self._rate_limits: dict[str, RateLimit] = {}
        self._slot_turns = SlotTurns()

    # What every hook can do

    def get_status(self, run: ImportRun) -> ImportStatus:
        """
        Read a run's status; repeated while the vendor is unavailable, for two minutes at most.

        :raises ImportSupersededError: if the vendor shows another run in its place
        :raises VendorImportError: if the status cannot be read
        """
        return self.run_flow(self.status_flow(run))

    async def aget_status(self, run: ImportRun, deadline: float | None = None, max_age: float = 0.0) -> ImportStatus:
        """
        Read a run's status once, without blocking the event loop.

        :param deadline: when the caller stops waiting (epoch seconds); near it, its read goes first
        :param max_age: an answer that somebody asked for within the last ``max_age`` seconds will do
        :raises VendorImportError: if the status cannot be read
        """
        return await self.arun_flow(self.status_flow(run), deadline=deadline, max_age=max_age)

    def cancel(self, run: ImportRun, patience: float = PATIENCE) -> str:
        """
        Cancel a run if it is ours and still runs, and say what became of it. Does not wait for the vendor to finish.

        :param patience: seconds to spend on repeats while the vendor is unavailable
        :raises VendorImportError: if the vendor did not confirm
        """
        return self.run_flow(self.cancel_flow(run), patience)

    async def acancel(self, run: ImportRun) -> str:
        """Cancel a run like :meth:`cancel`, in one attempt, without blocking the event loop or waiting for others."""
        async with client_apart((type(self), self.conn_id), self._new_client) as client:
            return await client.run(self.cancel_flow(run))

    def test_connection(self) -> tuple[bool, str]:
        """Try the connection with a harmless read; it never starts anything."""
        if problem := installed().problems.get(self.conn_type):
            return False, str(problem)
        try:
            return True, self.run_flow(self.test_flow(), patience=0.0)
        except VendorImportError as error:
            return False, f"{error}{self._doubt_about_the_host(error)}"

    def _doubt_about_the_host(self, error: VendorImportError) -> str:
        if error.status_code not in (404, 405) or (error.vendor_message or "").startswith(HTML_PAGE):
            return ""
        return f" Check the connection's host: is {self.client.settings.base_url} {self.hook_name}'s?"

    def wait(self, run: ImportRun, policy: PollPolicy, clock: Callable[[], float] = time.time) -> Ending:
        """Wait for a run's end, blocking."""
        started_at = None if run.started_at is None else run.started_at.timestamp()
        return self._wait(self.status_flow, run, policy, started_at, clock)

    def wait_for_slot(
        self, slot: Mapping[str, str], policy: PollPolicy, clock: Callable[[], float] = time.time
    ) -> Ending:
        """Wait until the vendor's slot is free, blocking."""
        return self._wait(self.slot_status_flow, slot, policy, None, clock)

    def slot_status_flow(self, slot: Mapping[str, str]) -> Flow[ImportStatus]:
        """
        Read the slot as something to wait for: running while it is occupied, succeeded once it is free.

        Of all who wait on this hook, one at a time is told that it is free, and gets the time to start there.
        """
        seen = yield from self.slot_flow(slot)
        if seen.busy:
            return ImportStatus(ImportState.RUNNING, "busy", message=seen.described)
        if seen.settles_in:
            return ImportStatus(ImportState.RUNNING, "settling", message=seen.described)
        if not self._slot_turns.admits(slot, seen.run, time.monotonic()):
            return ImportStatus(ImportState.RUNNING, "free", message="another task that waited has its turn")
        return ImportStatus(ImportState.SUCCEEDED, "free")

    def run_flow(self, flow: Flow[T], patience: float = PATIENCE, deadline: float | None = None) -> T:
        """
        Send a flow's calls, blocking.

        :param patience: seconds to spend on repeats of each call
        :param deadline: the waiter's deadline (epoch seconds), soon after which this ends, whatever hangs
        """
        return self.client.run(flow, patience, deadline)

    async def arun_flow(self, flow: Flow[T], deadline: float | None = None, max_age: float = 0.0) -> T:
        """Send a flow's calls, each once, without blocking the event loop."""
        client = self._shared
        if client is None:
            async with type(self).shared(self.conn_id) as hook:
                return await hook.arun_flow(flow, deadline, max_age)
        return await client.run(flow, deadline, max_age)

    def send(self, call: Call, patience: float = PATIENCE) -> Answer:
        """
        Send one call, blocking.

        :raises VendorImportError: unless the vendor accepted it
        """
        return self.client.run(one_call(call), patience)

    # Sending

    @property
    def client(self) -> SyncClient:
        """The one blocking client of this hook."""
        if self._client is None:
            self._client = SyncClient(self, self._look_up, self._open_session, self._rate_limit)
        return self._client

    def quick(self, longest_timeout: float) -> ImportHook:
        """
        Make a hook of the same connection that waits less, with what this one has looked up and logged in with.

        It does not ask Airflow for anything that is known already: that would hang in a signal handler which has
        interrupted another such question.

        :param longest_timeout: seconds for one answer at most
        """
        hook = type(self)(self.conn_id, longest_timeout=longest_timeout)
        if self._client is not None and self._client.access.settings is not None:
            hook.client.access = replace(self._client.access, settings=hook._shortened(self._client.access.settings))
        return hook

    def close(self) -> None:
        """Close this hook's sockets."""
        if self._client is not None:
            self._client.close()

    @classmethod
    def shared(cls, conn_id: str) -> SharedHook:
        """Use the event loop's one hook for this connection; its session closes with its last user."""
        return SharedHook(cls, conn_id)

    def error_of(self, call: Call, outcome: SendResult) -> VendorImportError | None:
        """Judge an outcome: by the vendor's rules, then by HTTP's; None for an answer to work with."""
        error = self.refusal(call, outcome) if isinstance(outcome, Answer) else None
        error = error or refusal_of(self.vendor, self.hook_name, call, outcome, self.credentials)
        if error is not None and (hint := self.hint(call, error)):
            error.args = (f"{error} {hint}",)
        return error

    def unreadable(self, call: Call, answer: Answer, reason: str) -> VendorImportError:
        """Judge a good answer that is not what the vendor documents."""
        return unreadable(self.vendor, self.hook_name, call, answer, reason)

    def get_conn(self, headers: dict[Any, Any] | None = None, extra_options: dict[str, Any] | None = None) -> Session:
        """
        Open a session with the connection's address, TLS, proxies and credentials, for calls this hook does not wrap.

        Unlike the http provider's, it sends nothing from the connection's ``extra``.
        """
        session = self._open_session(self.client.settings)
        probe = Call("session", "GET", "/")
        if not self.client.access.generation:
            self.client.authenticate()
        session.headers.update(on_the_wire(probe.wire_headers(self.client.access.headers)))
        session.headers.update(headers or {})
        self.merged_extra = dict(extra_options or {})
        return session

    def run(
        self,
        endpoint: str | None = None,
        data: dict[str, Any] | str | None = None,
        headers: dict[str, Any] | None = None,
        extra_options: dict[str, Any] | None = None,
        **request_kwargs: Any,
    ) -> Response:
        """Send a request this hook does not wrap; always with the connection's timeout, without redirects."""
        options = {"timeout": self.client.settings.timeout, "allow_redirects": False, **(extra_options or {})}
        response: Response = super().run(endpoint, data, headers, options, **request_kwargs)
        return response

    def check_response(self, response: Response) -> None:
        """
        Judge an answer to :meth:`run` like any other; unlike the http provider's hook, without its body in the log.

        :raises VendorImportError: if the vendor refused the request
        """
        if response.status_code < 400:
            return
        method = str(response.request.method)
        call = Call("run", method, "", starts=method not in ("GET", "HEAD"))
        answer = Answer(response.status_code, response.headers, response.content)
        error = self.error_of(call, guarded(answer, self.client.access.secrets))
        if error is not None:
            raise error

    def _wait(
        self,
        flow: Callable[[T], Flow[ImportStatus]],
        subject: T,
        policy: PollPolicy,
        started_at: float | None,
        clock: Callable[[], float],
    ) -> Ending:
        wait = Wait(policy, started_at, clock())
        pause = wait.first_pause(clock(), random.random())
        while True:
            time.sleep(pause)
            looked_at = clock()
            seen: ImportStatus | LookFailed
            try:
                seen = self.run_flow(flow(subject), patience=0.0, deadline=policy.deadline)
            except VendorImportError as error:
                seen = look_failed(error)
            step = wait.after_look(seen, looked_at, clock(), random.random())
            if step.line is not None:
                step.line.write(self.log)
            if step.ending is not None:
                return step.ending
            pause = step.pause

    def _new_client(self) -> AsyncClient:
        return AsyncClient(self, self._alook_up, self._new_rate_limit, self.rate_limit_key)

    def _new_rate_limit(self, settings: Settings) -> RateLimit:
        limit = settings.requests_per_minute or self.requests_per_minute
        return RateLimit(None if limit is None else limit / settings.pacing_processes)

    def _rate_limit(self, call: Call, settings: Settings) -> RateLimit:
        key = self.rate_limit_key(call)
        if key not in self._rate_limits:
            self._rate_limits[key] = self._new_rate_limit(settings)
        return self._rate_limits[key]


class SharedHook:
    """The event loop's one hook for a connection, while ``async with`` lasts; thousands at a time keep one each."""

    __slots__ = ("_conn_id", "_hook_class")

    def __init__(self, hook_class: type[ImportHook], conn_id: str) -> None:
        self._hook_class = hook_class
        self._conn_id = conn_id

    async def __aenter__(self) -> ImportHook:
        key = self._hook_class, self._conn_id
        client = join_client(key, lambda: self._hook_class(self._conn_id)._new_client())
        hook = client.rules
        if not isinstance(hook, ImportHook):
            raise TypeError(f"{hook!r} is not an ImportHook")
        hook._shared = client
        return hook

    async def __aexit__(self, *exc: object) -> None:
        await leave_client((self._hook_class, self._conn_id))
