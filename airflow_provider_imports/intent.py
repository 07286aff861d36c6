"""A start that was about to be sent, and what a search for it found. Plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from airflow_provider_imports.models import ImportRun


class Intent(NamedTuple):
    """
    A start that was about to be sent.

    :param at: when, by our clock
    :param slot: the vendor's slot it was to occupy, if it has slots
    :param before: the key of the run that was in the slot before
    :param run: what we had already made there, for a vendor that starts in several steps
    :param sent_at: just before the first byte of the call that sets the import going can have left, by our clock; None
        if no byte of it has
    :param unclear_at: when its unclear outcome came, by our clock: no byte left later. None if the try ended before
        that
    """

    at: datetime
    slot: Mapping[str, str] | None = None
    before: Mapping[str, str] | None = None
    run: ImportRun | None = None
    sent_at: datetime | None = None
    unclear_at: datetime | None = None


class Found(NamedTuple):
    """
    What a search for the run of an unclear start brought.

    :param run: ours, if it was found
    :param would_show: with no run: True if the vendor shows a run that has begun, so that it has not begun yet; False
        if nobody can tell
    :param not_sent: with no run: True if none can begin, for no byte of the call that sets it going has left
    """

    run: ImportRun | None
    would_show: bool = True
    not_sent: bool = False
