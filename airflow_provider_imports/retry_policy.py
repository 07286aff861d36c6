"""
Ready-made retry rules (Airflow 3.3+): retry at once what lost sight of an import, later what asks for patience.

Permanent errors (credentials, refused requests, unknown outcomes) need no rule: Airflow never retries them.
"""

from __future__ import annotations

from datetime import timedelta

from airflow_provider_imports.exceptions import (
    AnotherTryError,
    ImportBusyError,
    ImportCanceledError,
    ImportRejectedRecordsError,
    ImportSupersededError,
    ImportTimeoutError,
    TriggerEventError,
    VendorRateLimitError,
    VendorUnavailableError,
)

try:
    from airflow.providers.common.compat.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
except ImportError as error:
    raise ImportError(
        "Retry rules need Airflow 3.3 or newer; leave retry_policy out, the task's own retries and retry_delay apply."
    ) from error


def import_retry_policy(
    rate_limited: timedelta = timedelta(minutes=10),
    unavailable: timedelta = timedelta(minutes=5),
    busy: timedelta = timedelta(minutes=5),
) -> ExceptionRetryPolicy:
    """
    Make a policy for ``retry_policy=`` of any operator of this package.

    What a person decided (an import canceled or replaced at the vendor) and what more tries can't mend (rejected
    rows) fails at once. Everything else, an import that failed at the vendor too, follows the task's own ``retries``
    and ``retry_delay``.

    :param rate_limited: wait after the vendor asked for fewer requests
    :param unavailable: wait after the vendor could not be reached or understood; a running import is gone on with
    :param busy: wait after another import occupied the vendor's only slot
    """
    return ExceptionRetryPolicy(
        rules=[
            RetryRule(VendorRateLimitError, RetryAction.RETRY, rate_limited, "the vendor asks for fewer requests"),
            RetryRule(VendorUnavailableError, RetryAction.RETRY, unavailable, "the vendor is unavailable"),
            RetryRule(ImportBusyError, RetryAction.RETRY, busy, "another import occupies the slot"),
            RetryRule(
                [AnotherTryError, ImportTimeoutError, TriggerEventError],
                RetryAction.RETRY,
                timedelta(seconds=10),
                "the import was lost from sight; the retry looks after it",
            ),
            RetryRule(
                [ImportCanceledError, ImportSupersededError],
                RetryAction.FAIL,
                reason="the import was ended at the vendor",
            ),
            RetryRule(ImportRejectedRecordsError, RetryAction.FAIL, reason="the same rows would be rejected again"),
        ]
    )
