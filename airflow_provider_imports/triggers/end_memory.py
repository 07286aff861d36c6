"""Which ends an event trigger has fired for, so that each fires once: over restarts, and over two triggerers."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_imports.models import ImportState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.hooks.description import NewestImport

log = logging.getLogger(__name__)

#: Ends that are kept in mind, so that an answer which is late shows none of them again as new.
MOST_ENDS = 20
#: Seconds between the claim of an end and the event: longer than another triggerer takes from its look at the memory to
#: its own claim.
CLAIM_SECONDS = 1.0


class Store:
    """
    What a trigger remembers: Airflow's asset state store (3.3+), else only as long as this process lives.

    :param accessor: what the triggerer injects as ``asset_state_store``; None without one
    :param key: the trigger's key there
    """

    def __init__(self, accessor: Any, key: str) -> None:
        self._accessor = accessor
        self._key = key
        self._value: dict[str, Any] | None = None

    @property
    def is_shared(self) -> bool:
        """Another triggerer sees it, too."""
        return self._accessor is not None

    async def read(self) -> object:
        """Read what was written last; None if nothing was."""
        if self._accessor is not None:
            try:
                if hasattr(self._accessor, "aget"):
                    return await self._accessor.aget(self._key)
                return await asyncio.to_thread(self._accessor.get, self._key)
            except ValueError as error:  # Airflow's word for: this trigger serves several assets
                log.warning(
                    "Airflow keeps no state for this trigger (%s), so ends during a restart are missed. Give the "
                    "trigger of each asset a name of its own.",
                    error,
                )
                self._accessor = None
        return self._value

    async def write(self, value: dict[str, Any]) -> None:
        """Remember this in place of what was written last."""
        if self._accessor is None:
            self._value = value
        elif hasattr(self._accessor, "aset"):
            await self._accessor.aset(self._key, value)
        else:
            await asyncio.to_thread(self._accessor.set, self._key, value)


class _Record(NamedTuple):
    """
    What is remembered.

    :param ends: state of each import that has ended and was dealt with, by its key at the vendor
    :param claim: the key of an end whose event is about to be fired, and by which trigger
    """

    ends: dict[str, str]
    claim: tuple[str, str] | None = None


class EndMemory:
    """
    Say of each end whether to fire for it: once, of all triggers that share the store.

    :param place: where is looked, as text: what was remembered of another place does not count
    """

    def __init__(self, store: Store, place: str) -> None:
        self._store = store
        self._place = place
        self._token = uuid.uuid4().hex

    async def is_news(self, newest: NewestImport | None) -> bool:
        """
        Say whether to fire for what the vendor shows; what it shows at the very first look has ended before.

        An import that has not succeeded may run again under the same key; its next end is another one.
        """
        key = "" if newest is None else json.dumps(dict(newest.run.key), sort_keys=True)
        state = None if newest is None or not newest.status.state.is_terminal else newest.status.state
        known = await self._read()
        if known is None:
            await self._write(_Record({} if state is None else {key: state}))
            return False
        before = known.ends.get(key)
        if state is None:
            if before is not None and before != ImportState.SUCCEEDED:
                await self._write(known._replace(ends=_without(known.ends, key)))
            return False
        if before is not None and not (state is ImportState.SUCCEEDED and before != ImportState.SUCCEEDED):
            return False
        if self._store.is_shared:
            known = await self._claim(known, key)
            if known is None:
                return False
        await self._write(_Record({**_without(known.ends, key), key: state}))
        return True

    async def _claim(self, known: _Record, key: str) -> _Record | None:
        """
        Fischer's algorithm: the last one to claim in a span of time is the only one that finds its own claim.

        :param known: what was read when the end was seen to be news: a later look could miss who has fired since
        :return: what is remembered now; None if another trigger fires, or has fired
        """
        if known.claim is not None and known.claim[0] == key and known.claim[1] != self._token:
            await asyncio.sleep(2 * CLAIM_SECONDS)
            if await self._read() != known:  # the other one is alive, and fires
                return None
        mine = known._replace(claim=(key, self._token))
        await self._write(mine)
        await asyncio.sleep(CLAIM_SECONDS)
        return mine if await self._read() == mine else None

    async def _read(self) -> _Record | None:
        value = await self._store.read()
        if not isinstance(value, dict) or value.get("place") != self._place:
            return None
        ends, claim = value.get("ends"), value.get("claim")
        if not isinstance(ends, dict):
            return None
        return _Record(dict(ends), (claim[0], claim[1]) if isinstance(claim, list) and len(claim) == 2 else None)

    async def _write(self, record: _Record) -> None:
        ends = dict(list(record.ends.items())[-MOST_ENDS:])
        claim = None if record.claim is None else list(record.claim)
        await self._store.write({"place": self._place, "ends": ends, "claim": claim})


def _without(ends: Mapping[str, str], key: str) -> dict[str, str]:
    return {one: state for one, state in ends.items() if one != key}
