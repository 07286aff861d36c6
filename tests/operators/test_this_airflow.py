"""What the Airflow that runs these tests lacks is said in one line, and what happens instead is what the docs say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.version_compat import AIRFLOW_V_3_3_PLUS
from tests.tries import defer, finish, starts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.operators.conftest import MakeTask


@pytest.fixture
def deferrable() -> bool:
    return True


@pytest.fixture
def context_here(make_context: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Make the context of one try, with no more in it than this Airflow gives."""

    def make(**of_the_try: Any) -> dict[str, Any]:
        context = make_context(**of_the_try)
        if not AIRFLOW_V_3_3_PLUS:
            del context["task_state_store"]
        return context

    return make


def test_a_retry_goes_on_with_the_import_or_says_that_this_airflow_remembers_none(
    trigger_task: MakeTask, context_here: Callable[..., Any], pigment: Any, logged: Callable[[], str]
) -> None:
    defer(trigger_task(), context_here())
    manifest = finish(trigger_task(), context_here(try_number=2))

    assert manifest["state"] == "succeeded"
    assert len(starts(pigment)) == (1 if AIRFLOW_V_3_3_PLUS else 2)
    lines = logged().count("Airflow below 3.3 remembers nothing over tries: a retry would start the import again")
    assert lines == (0 if AIRFLOW_V_3_3_PLUS else 2), "one in each try"


def test_a_deferral_says_that_this_airflow_does_not_tell_of_a_kill(
    canceling_task: MakeTask, context_here: Callable[..., Any], logged: Callable[[], str]
) -> None:
    finish(canceling_task(), context_here())

    lines = logged().count("Airflow below 3.3 does not tell when a deferred task is killed: the import goes on then")
    assert lines == (0 if AIRFLOW_V_3_3_PLUS else 1)


def test_nothing_is_said_to_be_missing_that_the_user_did_not_want(
    canceling_task: MakeTask, context_here: Callable[..., Any], logged: Callable[[], str]
) -> None:
    finish(canceling_task(durable=False, cancel_on_kill=False), context_here())

    assert "Airflow below" not in logged()
