"""Of all who wait for a slot in one triggerer, one at a time is sent to a worker."""

from airflow_provider_imports.hooks.slot_turns import TURN_SECONDS, SlotTurns
from airflow_provider_imports.models import ImportRun

SLOT = {"service": "product"}


def run(start: str) -> ImportRun:
    return ImportRun("websale", {"service": "product", "start": start})


def test_one_passes_and_the_others_wait() -> None:
    turnstile = SlotTurns()
    assert [turnstile.admits(SLOT, run("1"), 0.0) for _ in range(3)] == [True, False, False]


def test_the_next_passes_when_the_one_before_has_started_and_ended() -> None:
    turnstile = SlotTurns()
    assert turnstile.admits(SLOT, run("1"), 0.0)
    assert [turnstile.admits(SLOT, run("2"), 1.0) for _ in range(2)] == [True, False]


def test_the_next_passes_when_the_one_before_does_not_use_its_turn() -> None:
    turnstile = SlotTurns()
    assert turnstile.admits(SLOT, None, 0.0)
    assert not turnstile.admits(SLOT, None, TURN_SECONDS - 1)
    assert turnstile.admits(SLOT, None, TURN_SECONDS)


def test_slots_do_not_get_in_each_others_way() -> None:
    turnstile = SlotTurns()
    assert turnstile.admits(SLOT, run("1"), 0.0)
    assert turnstile.admits({"service": "voucher"}, run("1"), 0.0)
