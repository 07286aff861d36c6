"""TLS for both transports: the same trusted certificates."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import certifi

from airflow_provider_imports.exceptions import ConnectionSettingsError

if TYPE_CHECKING:
    from airflow_provider_imports.http.settings import Settings

_readable: set[str] = set()


def ca_file(settings: Settings) -> str:
    """
    Find the file of trusted certificates: the connection's, the environment's, else certifi's.

    :raises ConnectionSettingsError: if it is no such file
    """
    named = settings.ca_file
    if named is not None and named not in _readable:
        _check(settings, named)
        _readable.add(named)
    return named or certifi.where()


def client_context(settings: Settings) -> ssl.SSLContext:
    """Make the context of the async transport. Reads a file, which takes some 20 ms: not on an event loop."""
    context = ssl.create_default_context(cafile=ca_file(settings))
    context.set_alpn_protocols(["http/1.1"])
    if settings.verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _check(settings: Settings, name: str) -> None:
    try:
        ssl.create_default_context(cafile=name)
    except OSError as error:  # of a missing file, or of TLS for one without certificates
        raise ConnectionSettingsError(
            f"Connection {settings.conn_id!r}: {name!r} (verify, or REQUESTS_CA_BUNDLE) is not a file of "
            f"certificates: {error}. Nothing was sent."
        ) from error
