"""Print how long the event loop was held at one go, and how many spellings of a secret were looked for."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
from typing import Any

import tests.conftest  # noqa: F401  # gives this process an Airflow home of its own
from tests.hostile.answers import bodies
from tests.hostile.holds import watched
from tests.hostile.looks import looks_at

#: Holds that are listed.
MOST_SHOWN = 25


def set_connection(conn_id: str, **fields: Any) -> str:
    """Define an Airflow connection for this process."""
    os.environ[f"AIRFLOW_CONN_{conn_id.upper()}"] = json.dumps(fields)
    return conn_id


async def holds() -> dict[str, float]:
    """The longest hold of each answer, in seconds."""
    found = {}
    for name, make in bodies().items():
        async with looks_at(make(), set_connection) as looks:
            gc.collect()
            with watched() as watch:
                for look in looks:
                    await look()
        found[name] = watch.longest
    return found


def main() -> None:
    """Measure and print."""
    logging.disable()
    found = asyncio.run(holds())
    print(f"{len(found)} hostile answers; the event loop was held for {max(found.values()) * 1000:.0f} ms at the most:")
    for name, seconds in sorted(found.items(), key=lambda one: -one[1])[:MOST_SHOWN]:
        print(f"  {seconds * 1000:6.1f} ms  {name}")


if __name__ == "__main__":
    main()
