"""A record that exists counts, also one that can't be read: it may be of a start."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_imports.exceptions import UnknownOutcomeError
from airflow_provider_imports.operators.run_store import KEY
from airflow_provider_imports.testing.fault_matrix import starts
from airflow_provider_imports.testing.matrix import DIRECT
from airflow_provider_imports.testing.roads import ALL_IMPORTS
from airflow_provider_imports.testing.suite import MODES, Suite, each

#: What stands in a task's state store in place of a record of ours.
DAMAGED = [
    "8c7f5a0e",
    7,
    [],
    {},
    {"job_id": 7},
    {"version": 2, "phase": "started", "run": {"id": "1"}},
    {"version": True, "phase": "intended", "fingerprint": "", "at": "2026-01-01"},
    {"version": 1, "phase": "started"},
    {"version": 1, "phase": "begun", "fingerprint": "", "at": "2026-01-01", "run": None},
    {"version": 1, "phase": "started", "fingerprint": "", "at": "2026-01-01", "run": {"vendor": "a_vendor", "key": 7}},
    {"version": 1, "phase": "intended", "fingerprint": "", "at": "yesterday"},
]


class StoredRecords(Suite):
    """What an earlier try left decides whether an import is started."""

    @pytest.mark.parametrize("value", DAMAGED, ids=repr)
    @each("case", lambda suite: suite.starts)
    def test_a_record_that_cannot_be_read_asks_a_person_and_is_answered_by_clearing(
        self, reach: Any, live: Any, task_state_store: Any, case: Any, value: Any
    ) -> None:
        road = reach(DIRECT)
        task_state_store.set(KEY, value)
        life = live(case, road.sandbox, deferrable=False)
        for _ in range(2):
            assert type(life.try_once().error) is UnknownOutcomeError
            assert "can't be read, so it may have started the import" in str(life.errors[0])
            assert task_state_store.get(KEY)["unread"] == value, "what was stored is lost"
        assert starts(road.sandbox, case) == 0
        assert life.clear().run().is_green, life.error
        assert starts(road.sandbox, case) == 1

    @MODES
    @each("case", lambda suite: suite.starts)
    def test_a_worker_that_dies_after_the_start_leaves_the_import_to_the_next_try(
        self, reach: Any, live: Any, case: Any, deferrable: bool
    ) -> None:
        road = reach(DIRECT)
        road.sandbox.change_settings(run_seconds=0.1 if case.waits else ALL_IMPORTS)
        life = live(case, road.sandbox, deferrable=deferrable).die_once_started()
        assert life.run().is_green, life.error
        assert starts(road.sandbox, case) == 1

    @each("case", lambda suite: suite.starts)
    def test_the_intent_is_stored_before_the_start_is_sent(
        self, reach: Any, live: Any, task_state_store: Any, monkeypatch: pytest.MonkeyPatch, case: Any
    ) -> None:
        road = reach(DIRECT)
        seen: list[bool] = []
        start = case.operator.start

        def looked_at(operator: Any, hook: Any) -> Any:
            seen.append(KEY in task_state_store.written)
            return start(operator, hook)

        monkeypatch.setattr(case.operator, "start", looked_at)
        assert live(case, road.sandbox, deferrable=False).run().is_green
        assert seen == [True]
