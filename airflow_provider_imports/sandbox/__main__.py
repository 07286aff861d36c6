"""``python -m airflow_provider_imports.sandbox``: serve the stand-ins until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import shlex
import signal
from typing import TYPE_CHECKING

from airflow_provider_imports.sandbox.app import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_PORT = 8765


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    command = argparse.ArgumentParser(
        prog="python -m airflow_provider_imports.sandbox",
        description="Local stand-ins for the vendors. Prints connections to paste; ends with Ctrl-C.",
    )
    command.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 for any free one (default: %(default)s)")
    command.add_argument("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    command.add_argument(
        "--run-seconds", type=float, default=10.0, help="how long an import takes (default: %(default)s)"
    )
    command.add_argument("--rows-per-second", type=float, help="let an import take rows / this many seconds instead")
    command.add_argument("--any-id", action="store_true", help="take any id, not only those that are printed")
    return command


async def serve(sandbox: Sandbox) -> None:
    """Serve until the process is told to end."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with sandbox:
        for name, value in sandbox.connection_env().items():
            print(f"export {name}={shlex.quote(value)}")
        print(
            f"# Sandbox on {sandbox.url}; control and help: {sandbox.url}/_sandbox/ ; Ctrl-C ends it.",
            flush=True,
        )
        for vendor in sandbox.vendors.values():
            for identity, meaning in vendor.ids.items():
                print(f"# {vendor.name} knows {identity}: {meaning}", flush=True)
        await ended.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    command = parser()
    options = command.parse_args(arguments)
    try:
        sandbox = Sandbox(
            options.port,
            options.run_seconds,
            host=options.host,
            rows_per_second=options.rows_per_second,
            any_id=options.any_id,
        )
        asyncio.run(serve(sandbox))
    except (ValueError, OSError) as error:
        command.error(str(error))


if __name__ == "__main__":
    main()
