"""The ready-made retry rules of Airflow 3.3 and later."""

from __future__ import annotations

import inspect
from datetime import timedelta

import pytest

from airflow_provider_imports import exceptions
from airflow_provider_imports.version_compat import AIRFLOW_V_3_3_PLUS

pytestmark = pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="retry policies exist from Airflow 3.3 on")

RETRIED = {
    exceptions.VendorRateLimitError: timedelta(minutes=10),
    exceptions.VendorUnavailableError: timedelta(minutes=5),
    exceptions.ImportBusyError: timedelta(minutes=5),
    exceptions.AnotherTryError: timedelta(seconds=10),
    exceptions.ImportTimeoutError: timedelta(seconds=10),
    exceptions.TriggerEventError: timedelta(seconds=10),
}
FAILED = {
    exceptions.ImportCanceledError,
    exceptions.ImportSupersededError,
    exceptions.ImportRejectedRecordsError,
}
LEFT_TO_THE_TASK = {exceptions.ImportFailedError, exceptions.QueryFailedError, exceptions.VendorImportError}


def decide(error_class):
    from airflow_provider_imports.retry_policy import import_retry_policy

    return import_retry_policy().evaluate(error_class("x"), try_number=1, max_tries=3)


@pytest.mark.parametrize(("error_class", "delay"), RETRIED.items())
def test_what_may_mend_itself_is_retried_after_a_fitting_wait(error_class, delay):
    decision = decide(error_class)
    assert (decision.action.value, decision.retry_delay) == ("retry", delay)


@pytest.mark.parametrize("error_class", sorted(FAILED, key=lambda one: one.__name__))
def test_what_a_retry_cannot_mend_fails_at_once(error_class):
    assert decide(error_class).action.value == "fail"


@pytest.mark.parametrize("error_class", sorted(LEFT_TO_THE_TASK, key=lambda one: one.__name__))
def test_a_failed_import_follows_the_tasks_own_retries(error_class):
    assert decide(error_class).action.value == "default"


def test_every_error_that_airflow_would_retry_has_a_decision():
    from airflow.providers.common.compat.sdk import AirflowFailException

    classes = {
        one for _, one in inspect.getmembers(exceptions, inspect.isclass) if one.__module__ == exceptions.__name__
    }
    retryable = {one for one in classes if not issubclass(one, AirflowFailException)}
    assert retryable == set(RETRIED) | FAILED | LEFT_TO_THE_TASK


def test_the_policy_travels_with_the_serialized_dag():
    from airflow.sdk import ExceptionRetryPolicy

    from airflow_provider_imports.retry_policy import import_retry_policy

    copy = ExceptionRetryPolicy.deserialize(import_retry_policy().serialize())
    assert copy.evaluate(exceptions.VendorRateLimitError("x"), 1, 3).retry_delay == timedelta(minutes=10)
