"""What a connection says, read by name: nothing unknown from ``extra`` gets any further."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from unicodedata import category
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from airflow_provider_imports.exceptions import ConnectionSettingsError
from airflow_provider_imports.http.address import PORTS, canonical, is_loopback, proxy_url, split
from airflow_provider_imports.installed import installed

if TYPE_CHECKING:
    from airflow_provider_imports.vendors import VendorEntry

DEFAULT_TIMEOUT = 60.0
LONGEST_CONNECT_TIMEOUT = 10.0
#: Of seconds and of requests a minute; sockets refuse much longer timeouts.
LARGEST_NUMBER = 1_000_000
#: Unicode categories: control characters, half surrogate pairs, line and paragraph separators.
_NOT_IN_A_HEADER = frozenset({"Cc", "Cs", "Zl", "Zp"})


class AirflowConnection(Protocol):
    """The parts of an Airflow connection that are read; the same on every Airflow version."""

    conn_id: str
    conn_type: str | None
    host: str | None
    schema: str | None
    port: int | None
    login: str | None
    password: str | None
    extra: str | None


@dataclass(frozen=True, slots=True)
class Settings:
    """
    A connection, checked.

    :param base_url: scheme, host, port and path prefix in one canonical form, so that it can be compared: in lower case
        but for the path, without the scheme's own port, without a trailing slash
    :param timeout: seconds for one answer
    :param verify: check TLS certificates: True, False, or the path of a CA file
    :param proxies: proxy URL by scheme
    :param requests_per_minute: None if not set in the connection
    :param pacing_processes: how many processes share the limit, each keeping to its part
    :param extra: the vendor's own fields, by name
    """

    conn_id: str
    base_url: str
    login: str = ""
    password: str = field(default="", repr=False)
    timeout: float = DEFAULT_TIMEOUT
    verify: bool | str = True
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    requests_per_minute: float | None = None
    pacing_processes: float = 1.0
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def connect_timeout(self) -> float:
        """Seconds to establish a connection."""
        return min(self.timeout, LONGEST_CONNECT_TIMEOUT)

    @property
    def proxy(self) -> str | None:
        """
        The proxy for the base URL: the connection's, else the environment's (``HTTPS_PROXY``, ``NO_PROXY``).

        None for this machine, whatever they say: nothing that goes to it is to leave it.

        :raises ConnectionSettingsError: if the environment's can't be used
        """
        parts = urlsplit(self.base_url)
        if is_loopback(parts.hostname or ""):
            return None
        if self.proxies:
            return self.proxies.get(parts.scheme) or self.proxies.get("all")
        environment = {} if proxy_bypass(parts.netloc) else getproxies()
        named = environment.get(parts.scheme) or environment.get("all")
        if not named:
            return None
        proxy = proxy_url(named)
        if proxy is None:
            raise ConnectionSettingsError(
                f"Connection {self.conn_id!r}: the environment's {parts.scheme.upper()}_PROXY or ALL_PROXY is not like "
                "http://proxy:3128 (SOCKS is not supported); put a proxy in the extra field proxies. Nothing was sent."
            )
        return proxy

    @property
    def proxy_address(self) -> str:
        """Host and port of the proxy, without its credentials."""
        return urlsplit(self.proxy or "").netloc.rpartition("@")[2]

    @property
    def ca_file(self) -> str | None:
        """The file of trusted certificates, where the connection or the environment names one."""
        if isinstance(self.verify, str):
            return self.verify
        return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or None


def read_settings(entry: VendorEntry, connection: AirflowConnection, default_host: str) -> Settings:
    """
    Check a connection and take from it what its form declares, and nothing else.

    :param entry: whose form is the allow-list
    :param default_host: where the vendor lives if the connection names no host; empty if it must name one
    :raises ConnectionSettingsError: naming the field and what it should be
    """
    reader = _Reader(connection.conn_id, read_extra(connection))
    reader.check_type(entry, connection.conn_type)
    extra = reader.own_fields(entry.own_fields)
    return Settings(
        conn_id=connection.conn_id,
        base_url=reader.base_url(connection, default_host),
        login=reader.credential("login", connection.login),
        password=reader.password(connection.password),
        timeout=reader.positive("timeout") or DEFAULT_TIMEOUT,
        verify=reader.verify(),
        proxies=reader.proxies(),
        requests_per_minute=reader.positive("requests_per_minute"),
        pacing_processes=max(reader.positive("pacing_processes") or 1.0, 1.0),
        extra=extra,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    conn_id: str
    extra: Mapping[str, Any]

    def wrong(self, problem: str) -> ConnectionSettingsError:
        return ConnectionSettingsError(f"Connection {self.conn_id!r}: {problem} Nothing was sent.")

    def check_type(self, wanted: VendorEntry, found: str | None) -> None:
        """Another vendor's connection would lead this vendor's credentials there, or that one's here."""
        other = None if found in (wanted.conn_type, None) else installed().entries.get(found)
        if other is not None:
            raise self.wrong(
                f"it is a connection of {other.vendor_name}, not of {wanted.vendor_name}; name another one in conn_id."
            )

    def own_fields(self, fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        values = {
            name: value.strip() if isinstance(value, str) else value
            for name, value in self.extra.items()
            if name in fields
        }
        for name, value in values.items():
            allowed = [one for one in fields[name]["schema"].get("enum", ()) if one is not None]
            if allowed and value not in (None, "", *allowed):
                raise self.wrong(f"extra field {name} must be {' or '.join(allowed)}, not {value!r}.")
        return {name: value for name, value in values.items() if value not in (None, "")}

    def base_url(self, connection: AirflowConnection, default_host: str) -> str:
        host = (connection.host or "").strip() or default_host
        if not host:
            raise self.wrong("host is empty; enter the address of your own installation, which begins with https://.")
        schema = (connection.schema or "").strip().lower()
        if "://" not in host:
            host = f"{schema or 'https'}://{host}"
        found = split(host)
        if found is None:
            raise self.wrong("host is not a URL; it should be like https://www.example.com.")
        parts, hostname = found
        if schema in PORTS and schema != parts.scheme:
            raise self.wrong(f"host begins with {parts.scheme}://, but schema says {schema}; leave schema empty.")
        if connection.port and parts.port and connection.port != parts.port:
            raise self.wrong(
                f"host names the port {parts.port}, but port says {connection.port}; leave one of them empty."
            )
        port = connection.port or parts.port
        if port is not None and not 0 < port < 1 << 16:
            raise self.wrong(f"port must be a number from 1 to 65535, not {port}.")
        if parts.scheme not in PORTS or not hostname:
            raise self.wrong("host must be a name or a URL that begins with https://.")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise self.wrong("host must hold no credentials, query or fragment; use login and password.")
        if parts.scheme == "http" and not is_loopback(hostname) and not self.boolean("allow_http", default=False):
            raise self.wrong(
                f"host {hostname} is plain http, which would send the credentials readable over the network. "
                "Use https, or set the extra field allow_http."
            )
        return canonical(parts.scheme, hostname, port, parts.path)

    def credential(self, name: str, value: str | None) -> str:
        text = (value or "").strip()
        if any(category(character) in _NOT_IN_A_HEADER for character in text):
            raise self.wrong(f"{name} contains a line break or another control character; enter it again.")
        return text

    def password(self, value: str | None) -> str:
        text = self.credential("password", value)
        scheme = text.partition(" ")[0].lower()
        if scheme in _AUTH_SCHEMES and " " in text:
            raise self.wrong(
                f"password begins with {scheme.capitalize()}, which is not a part of the credential but of the header "
                "that it is sent in; enter only what follows it."
            )
        return text

    def positive(self, name: str) -> float | None:
        value = self.extra.get(name)
        if value in (None, ""):
            return None
        try:
            number = -1.0 if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = -1.0
        if not 0 < number <= LARGEST_NUMBER:
            raise self.wrong(
                f"extra field {name} must be a number greater than 0, up to {LARGEST_NUMBER:,}, "
                f"not {str(value)[:40]!r}."
            )
        return number

    def boolean(self, name: str, *, default: bool) -> bool:
        value = self.extra.get(name)
        if value in (None, ""):
            return default
        truth = _TRUTH.get(str(value).strip().lower())
        if truth is None:
            raise self.wrong(f"extra field {name} must be true or false, not {value!r}.")
        return truth

    def verify(self) -> bool | str:
        value = self.extra.get("verify")
        if isinstance(value, str) and value.strip().lower() not in _TRUTH and value.strip():
            if not os.path.isfile(value):
                raise self.wrong(f"extra field verify must be true, false or an existing CA file, not {value!r}.")
            return value
        return self.boolean("verify", default=True)

    def proxies(self) -> dict[str, str]:
        value = self.extra.get("proxies")
        if value in (None, ""):
            return {}
        if isinstance(value, str):
            try:  # JSON, or one URL for both
                value = json.loads(value) if value.lstrip().startswith("{") else {"http": value, "https": value}
            except ValueError:
                value = None
        if not isinstance(value, Mapping) or not value.keys() <= _PROXY_KEYS:
            raise self.wrong(_PROXIES)
        proxies = {scheme: proxy_url(one) for scheme, one in value.items() if one not in (None, "")}
        found = {scheme: one for scheme, one in proxies.items() if one is not None}
        if found.keys() != proxies.keys():
            raise self.wrong(_PROXIES)
        return found


_AUTH_SCHEMES = frozenset({"bearer", "basic"})
_PROXY_KEYS = frozenset({"http", "https", "all"})
_PROXIES = (
    'extra field proxies must be a URL like http://proxy:3128, or JSON like {"https": "http://proxy:3128"} with the '
    "keys http, https and all; SOCKS is not supported."
)
_TRUTH = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def read_extra(connection: AirflowConnection) -> Mapping[str, Any]:
    """
    Read the connection's ``extra``.

    The raw JSON, not ``extra_dejson``: that masks secrets with a blocking call, and ours holds none.

    :raises ConnectionSettingsError: if it is not a JSON object
    """
    text = connection.extra
    if not text:
        return {}
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, Mapping):
        raise ConnectionSettingsError(
            f"Connection {connection.conn_id!r}: extra is not a JSON object. Nothing was sent."
        )
    return value
