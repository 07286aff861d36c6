"""Send a call that must not act twice, and find out from Rocket.Chat's status what became of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from airflow_provider_imports.exceptions import UnknownOutcomeError, VendorUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_imports.hooks.base import ImportHook
    from airflow_provider_imports.hooks.flow import Flow

#: After an unclear call, the status is read this often, with this many seconds in between, before it is sent again.
MOST_LOOKS = 2
LOOK_AGAIN_SECONDS = 3.0
#: How often a call is sent whose earlier sendings, as the status shows, did nothing.
MOST_SENDINGS = 4


def send_once(hook: ImportHook, send: Callable[[], Flow[None]], took_place: Callable[[], bool]) -> None:
    """
    Send a call, and send it again only where the status shows that it did nothing.

    :param send: makes the flow that sends it
    :param took_place: reads the status; True if it shows what the call was to do
    :raises VendorUnavailableError: if it did nothing every time; a retry is safe
    """
    for _ in range(MOST_SENDINGS):
        try:
            hook.run_flow(send())
            return
        except UnknownOutcomeError as error:
            unclear = error
            hook.log.warning("%s Rocket.Chat is asked whether it did.", error)
        for look in range(MOST_LOOKS):
            if look:
                time.sleep(LOOK_AGAIN_SECONDS)  # it may still be at it
            if took_place():
                hook.log.info("It did")
                return
        hook.log.info("It did not, so it is sent again")
    raise VendorUnavailableError(
        f"{unclear} Rocket.Chat shows that it did not, {MOST_SENDINGS} times on end; a retry is safe.",
        vendor=hook.vendor,
    ) from unclear
