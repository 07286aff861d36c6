"""The calls that start nothing: both ways send the same bytes, a cancel acts once, a connection test starts nothing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from airflow_provider_imports.exceptions import ImportSupersededError, VendorImportError
from airflow_provider_imports.models import ImportState
from airflow_provider_imports.testing.fault_matrix import acted
from airflow_provider_imports.testing.matrix import FAULTS, FAULTS_OF_A_CANCEL, fault_at
from airflow_provider_imports.testing.suite import LeftOut, Suite, each, has_no_cancel, tells_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from airflow_provider_imports.testing.at_relay import AtRelay
    from airflow_provider_imports.testing.cases import Start
    from airflow_provider_imports.testing.wire import Received

T = TypeVar("T")
#: For a test that meets each fault.
FAULT = pytest.mark.parametrize("fault", FAULTS)


class SingleCalls(Suite):
    """Status, cancel and connection test, each by itself."""

    @each("case", lambda suite: suite.starts[:1], unless=tells_nothing)
    async def test_blocking_and_awaiting_read_a_status_with_the_same_bytes(
        self, at_relay: AtRelay, case: Start
    ) -> None:
        await self._same_bytes(at_relay, lambda hook: hook.status_flow(at_relay.run))

    async def test_blocking_and_awaiting_test_a_connection_with_the_same_bytes(self, at_relay: AtRelay) -> None:
        await self._same_bytes(at_relay, lambda hook: hook.test_flow())

    async def _same_bytes(self, at_relay: AtRelay, flow: Callable[[Any], Any]) -> None:
        async with type(at_relay.hook).shared(at_relay.hook.conn_id) as hook:
            await hook.arun_flow(flow(hook))  # logs in
            at_relay.relay.requests.clear()
            await hook.arun_flow(flow(hook))
            awaiting = list(at_relay.relay.requests)
            at_relay.relay.requests.clear()
            at_relay.hook.run_flow(flow(at_relay.hook))
            tokens = at_relay.hook.client.access.headers if self._logs_in(at_relay) else {}
            assert [without(one, tokens) for one in at_relay.relay.requests] == [
                without(one, tokens) for one in awaiting
            ]
            assert awaiting, "nothing was sent"

    @FAULT
    def test_a_connection_test_starts_nothing_and_says_what_is_wrong(
        self, long_imports: Any, everything_told: Any, fault: str
    ) -> None:
        vendor = self.vendor()
        assert self.hook_class()().test_connection()[0] is True
        calls = [entry.operation for entry in long_imports.entries(vendor)]
        assert calls, "a connection test asks the vendor nothing"
        for position, call in enumerate(calls):
            long_imports.clear_faults()
            long_imports.add_fault(**fault_at(calls, position, vendor, fault))
            _, sentence = self.hook_class()().test_connection()
            secret = long_imports.connection(vendor)["password"]
            assert sentence, call
            assert secret not in everything_told(sentence), call
            long_imports.clear_faults()
            good, after_it = self.hook_class()().test_connection()
            assert good is True, f"{call}: {sentence}; then: {after_it}"
        assert not acted(long_imports, vendor).keys() & self.acts()

    @FAULT
    @each("read", lambda suite: suite.reads or [LeftOut("further reads", "it says none")])
    def test_a_read_is_repeated_until_it_is_answered(
        self, long_imports: Any, make_context: Any, tmp_path: Path, read: str, fault: str
    ) -> None:
        self.starts[0].begin(tmp_path, make_context(task_state_store=None))
        hook = self.hook_class()()
        good = str(self.reads[read](hook))
        assert good
        long_imports.clear_journal()
        long_imports.add_fault(**fault_at([read], 0, self.vendor(), fault))
        # an answer that can't be read is not asked for again within one call
        told, _ = in_three_tries(lambda: str(self.reads[read](hook)))
        assert told == good
        assert not acted(long_imports, self.vendor()).keys() & self.acts()

    @pytest.mark.parametrize("fault", FAULTS_OF_A_CANCEL)
    @each("case", lambda suite: suite.starts, unless=has_no_cancel)
    def test_a_cancel_is_told_truly_and_acts_on_our_import_alone(
        self, long_imports: Any, make_context: Any, tmp_path: Path, everything_told: Any, case: Start, fault: str
    ) -> None:
        calls = self._calls_of_a_cancel(long_imports, self.hook_class()(), case, tmp_path, make_context)
        for position in range(len(calls)):
            long_imports.reset()
            other = None if case.supersede else case.begin(tmp_path, make_context(task_state_store=None))
            run = case.begin(tmp_path, make_context(task_state_store=None))
            hook = self.hook_class()()  # another one's token is forgotten with the rest
            hook.get_status(run)
            long_imports.clear_journal()
            long_imports.add_fault(**fault_at(calls, position, case.vendor, fault))
            _, errors = in_three_tries(partial(hook.cancel, run))
            assert set(acted(long_imports, case.vendor)) & self.acts() == {case.cancel}
            assert self._is_over(hook, run)
            assert other is None or not hook.get_status(other).state.is_terminal, "another import than ours"
            assert long_imports.connection(case.vendor)["password"] not in everything_told(*errors)

    def _calls_of_a_cancel(self, sandbox: Any, hook: Any, case: Start, folder: Path, make_context: Any) -> list[str]:
        run = case.begin(folder, make_context(task_state_store=None))
        hook.get_status(run)  # logs in
        sandbox.clear_journal()
        hook.cancel(run)
        calls = [entry.operation for entry in sandbox.entries(case.vendor)]
        assert case.cancel in calls
        return calls

    @staticmethod
    def _is_over(hook: Any, run: Any) -> bool:
        try:
            return hook.get_status(run).state in (ImportState.CANCELED, ImportState.FAILED)
        except ImportSupersededError:
            return True

    @staticmethod
    def _logs_in(at_relay: AtRelay) -> bool:
        return at_relay.hook.login_call(at_relay.hook.client.settings) is not None


def without(received: Received, headers: Mapping[str, str]) -> tuple[str, str, dict[str, str], bytes]:
    """A request without the headers that a log-in gave, which gives each client others."""
    names = {name.lower() for name in headers}
    kept = {name: value for name, value in received.headers.items() if name not in names}
    return received.method, received.target, kept, received.body


def in_three_tries(act: Callable[[], T]) -> tuple[T, list[VendorImportError]]:
    """What comes of it in three tries at the most, and the errors of those before."""
    errors: list[VendorImportError] = []
    for _ in range(3):
        try:
            return act(), errors
        except VendorImportError as error:
            errors.append(error)
    raise AssertionError(f"three tries were not enough: {errors}")
