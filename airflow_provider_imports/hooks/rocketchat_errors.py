"""What can become of an operation while we work with it: errors that only Rocket.Chat has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_imports.exceptions import ImportSupersededError, VendorUnavailableError

if TYPE_CHECKING:
    from airflow_provider_imports.hooks.rocketchat_operation import Operation
    from airflow_provider_imports.models import ImportRun


class StagingUnclearError(VendorUnavailableError):
    """Nobody can tell which users are staged; nothing was started, and a new operation starts with none."""


def staging_unclear(run: ImportRun, staged: int | None, before: int, after: int) -> StagingUnclearError:
    """Our operation holds neither the users it held before a batch nor those and the batch's."""
    holds = "an unknown number of" if staged is None else f"{staged:,}"
    return StagingUnclearError(
        f"Rocket.Chat operation {run.key['operation_id']} holds {holds} users where there should be {before:,} or "
        f"{after:,}. Nothing was started.",
        vendor="rocketchat",
    )


def not_idle(operation: Operation) -> VendorUnavailableError:
    """Our operation is past the state in which it takes users."""
    return VendorUnavailableError(
        f"Rocket.Chat {operation} takes no users any more: somebody cleared or started it, or the server was "
        "restarted. A retry starts with a new one.",
        vendor="rocketchat",
    )


def superseded(run: ImportRun, current: Operation | None) -> ImportSupersededError:
    """Another operation is the workspace's current one."""
    return ImportSupersededError(
        f"Operation {run.key['operation_id']} was replaced at Rocket.Chat by {current or 'none at all'}. What it "
        "had imported until then stays; the other one is left alone. The user's permission "
        "'view-import-operations' would tell how far it came.",
        vendor="rocketchat",
    )
