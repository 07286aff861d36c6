"""Requests that a mocked transport loses, as one that records would: a ``text`` for ``requests_mock``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import requests

from airflow_provider_imports.http.transfer import current_transfer

if TYPE_CHECKING:
    from collections.abc import Callable


def not_connected(request: Any, context: Any) -> NoReturn:
    """No connection came about: nothing left."""
    transfer = current_transfer.get()
    assert transfer is not None
    transfer.recorded = True
    raise requests.ConnectTimeout


def lost_in_the_middle(error: type[Exception]) -> Callable[[Any, Any], NoReturn]:
    """The connection broke with this error while the body was sent."""

    def lose(request: Any, context: Any) -> NoReturn:
        transfer = current_transfer.get()
        assert transfer is not None
        transfer.recorded = True
        transfer.offers(1)
        raise error

    return lose
