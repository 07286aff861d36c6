"""One task of a machine at a time looks whether a slot is free and starts there."""

from __future__ import annotations

import multiprocessing
import tempfile
import threading
import time
from typing import TYPE_CHECKING

import pytest

from airflow_provider_imports.exceptions import ImportTimeoutError
from airflow_provider_imports.operators.slot_lock import slot_lock

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def _stand_in_it(inside: Event) -> None:
    with slot_lock("shop", time.time() + 60):
        inside.set()
        time.sleep(60)


def test_a_process_that_dies_in_it_opens_it() -> None:
    fork = multiprocessing.get_context("fork")
    inside = fork.Event()
    other = fork.Process(target=_stand_in_it, args=(inside,))
    other.start()
    try:
        assert inside.wait(20)
        with pytest.raises(ImportTimeoutError, match="Nothing was sent"), slot_lock("shop", time.time()):
            pass
        with slot_lock("another shop", time.time()):
            pass
    finally:
        other.kill()
        other.join()
    with slot_lock("shop", time.time() + 20):
        pass


def test_an_error_inside_opens_it() -> None:
    with pytest.raises(KeyError), slot_lock("shop", time.time()):
        raise KeyError
    with slot_lock("shop", time.time()):
        pass


def test_threads_take_turns() -> None:
    inside: list[int] = []
    most: list[int] = []

    def enter(number: int) -> None:
        with slot_lock("shop", time.time() + 20):
            inside.append(number)
            most.append(len(inside))
            threading.Event().wait(0.01)
            inside.remove(number)

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [1] * 5


def test_where_no_lock_can_be_made_starts_go_on_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "does-not-exist"))
    with slot_lock("shop", time.time()), slot_lock("shop", time.time()):
        pass
