"""Whether tasks are still deferred: Airflow is asked once for all triggers that want to know at the same moment.

A triggerer has one line to Airflow, on which questions are answered one by one. A triggerer that was thought dead and
comes back stops all its triggers in the same second: hundreds of questions would keep each other waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

log = logging.getLogger(__name__)

#: Seconds in which an answer must come. A triggerer's first question takes the longest, some seconds on a busy machine.
STATE_SECONDS = 30.0
#: Seconds in which those who ask are gathered.
GATHER_SECONDS = 0.2
#: Tasks in one question: it travels as a URL, whose length is limited.
MOST_TASKS = 100


class TaskKey(NamedTuple):
    """A task instance."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int

    @property
    def in_answer(self) -> str:
        """What Airflow calls it in the answer, among the tasks of its run."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}_{self.map_index}"


async def is_still_deferred(task: TaskKey) -> bool | None:
    """
    Ask Airflow whether a task still waits on a trigger.

    :return: None if Airflow does not say within :data:`STATE_SECONDS`
    """
    return await _inquiries.setdefault(asyncio.get_running_loop(), _Inquiry()).ask(task)


@dataclass(frozen=True, slots=True, eq=False)
class _Asker:
    task: TaskKey
    answer: asyncio.Future[bool | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def tell(self, deferred: bool | None) -> None:
        if not self.answer.done():
            self.answer.set_result(deferred)


class _Inquiry:
    """Those of one event loop who want to know. It keeps nothing of them once they know, or have waited in vain."""

    def __init__(self) -> None:
        self._askers: list[_Asker] = []
        self._round: asyncio.Task[None] | None = None

    async def ask(self, task: TaskKey) -> bool | None:
        asker = _Asker(task)
        self._askers.append(asker)
        if self._round is None or self._round.done():
            self._round = asyncio.get_running_loop().create_task(self._answer_all())
        await asyncio.wait([asker.answer], timeout=STATE_SECONDS)
        asker.tell(None)  # too late: so it is not asked for any more
        return asker.answer.result()

    async def _answer_all(self) -> None:
        while self._askers:
            await asyncio.sleep(GATHER_SECONDS)
            askers, self._askers = self._askers, []
            try:
                for question in _questions(askers):
                    await _answer(question)
            finally:
                for asker in askers:
                    asker.tell(None)


_inquiries: WeakKeyDictionary[asyncio.AbstractEventLoop, _Inquiry] = WeakKeyDictionary()


def _questions(askers: Iterable[_Asker]) -> Iterator[list[_Asker]]:
    """
    Put those together for whom one question will do: of one run, and so that no two tasks share a name in the answer.

    Airflow calls both the task ``load_3`` and the task ``load`` with the map index 3 ``load_3``. Among tasks whose ids
    have as many numbers at the end, that can't be.
    """
    by_run: defaultdict[tuple[str, str, int], defaultdict[str, list[_Asker]]] = defaultdict(lambda: defaultdict(list))
    for asker in askers:
        dag_id, run_id, task_id, _ = asker.task
        by_run[dag_id, run_id, _numbers_at_end(task_id)][task_id].append(asker)
    for by_task in by_run.values():
        of_each_task = list(by_task.values())
        for first in range(0, len(of_each_task), MOST_TASKS):
            yield [asker for of_one in of_each_task[first : first + MOST_TASKS] for asker in of_one]


def _numbers_at_end(task_id: str) -> int:
    return sum(1 for _ in takewhile(str.isdecimal, reversed(task_id.split("_"))))


async def _answer(question: Sequence[_Asker]) -> None:
    tasks = {asker.task for asker in question if not asker.answer.done()}
    if not tasks:
        return
    states = await _read_states(tasks)
    if states is not None:
        for asker in question:
            asker.tell(states.get(asker.task.in_answer) == "deferred")


async def _read_states(tasks: set[TaskKey]) -> Mapping[str, str | None] | None:
    """Read the states of tasks of one run, by their names in the answer; None if Airflow does not say."""
    from airflow.sdk.exceptions import AirflowRuntimeError
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    ((dag_id, run_id),) = {(task.dag_id, task.run_id) for task in tasks}
    indexes = {task.map_index for task in tasks}
    try:
        async with asyncio.timeout(STATE_SECONDS):
            states: Mapping[str, Mapping[str, Any]] = await asyncio.to_thread(
                RuntimeTaskInstance.get_task_states,
                dag_id=dag_id,
                task_ids=sorted({task.task_id for task in tasks}),
                run_ids=[run_id],
                # None means all of them
                map_index=indexes.pop() if len(indexes) == 1 else None,
            )
    # an AttributeError is no answer at all, a NameError no Airflow to ask, a ValueError an answer of another form
    except (AirflowRuntimeError, RuntimeError, OSError, TimeoutError, AttributeError, NameError, ValueError) as error:
        log.debug("The state of %d tasks could not be read: %s", len(tasks), error)
        return None
    return states.get(run_id, {})
