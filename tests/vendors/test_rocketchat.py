"""Rocket.Chat, proven with the test kit."""

from __future__ import annotations

from airflow_provider_imports.hooks.rocketchat import RocketChatHook
from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.operators.rocketchat import (
    RocketChatDownloadPendingAvatarsOperator,
    RocketChatDownloadPendingFilesOperator,
    RocketChatImportUsersOperator,
)
from airflow_provider_imports.sensors.rocketchat import RocketChatImportSensor
from airflow_provider_imports.testing import Conformance, Start, Wait
from tests.conftest import SAMPLES

STATUS = "get_import_status"
OPERATION = ImportRun("rocketchat", {"operation_id": "64d6f0c2a9b1c80001e2f3a4"})
USERS = [
    {"emails": [f"user{number}@example.com"], "importIds": [f"u{number}"], "username": f"user{number}"}
    for number in range(30)
]


class TestRocketChat(Conformance):
    starts = (
        Start(
            RocketChatImportUsersOperator,
            {"users": USERS, "batch_size": 15},
            "run_import",
            STATUS,
            "clear_import",
            stages=("new_import", "add_users"),
            first=(STATUS, "new_import", "add_users", "run_import"),
            requests=(STATUS, "new_import", "add_users", "add_users", STATUS, "run_import"),
            supersede=lambda: RocketChatHook().new_import(),
            adopts=True,
            acts_once=True,
        ),
        *(
            Start(
                operator,
                {},
                start,
                STATUS,
                "clear_import",
                first=(STATUS, start),
                requests=(STATUS, STATUS, start),
                supersede=lambda: RocketChatHook().new_import(),
                adopts=True,
            )
            for operator, start in (
                (RocketChatDownloadPendingFilesOperator, "download_pending_files"),
                (RocketChatDownloadPendingAvatarsOperator, "download_pending_avatars"),
            )
        ),
    )
    sensors = (Wait(RocketChatImportSensor, lambda run: {"operation_id": run.key["operation_id"]}, STATUS),)
    settings = {"calls_per_window": None, "pending_avatars": 30, "pending_files": 30, "broken_files": 1}
    quick = {"airflow_provider_imports.hooks.rocketchat.calls.LOOK_AGAIN_SECONDS": 0.05}
    samples = SAMPLES / "rocketchat"
    calls = {
        "new_import": lambda hook: hook.new_import(),
        "add_users": lambda hook: hook.add_users(USERS),
        "stage_users": lambda hook: hook.stage_users(OPERATION, USERS, 0),
        "run_import": lambda hook: hook.run_import(OPERATION),
        "clear_import": lambda hook: hook.clear_import(),
        "get_current_operation": lambda hook: hook.get_current_operation(),
        "get_import_status": lambda hook: hook.get_import_status(),
        "slot": lambda hook: hook.run_flow(hook.slot_flow({"user": "u"})),
    }
    reads = {"get_current_operation": lambda hook: hook.get_current_operation()["_id"]}
