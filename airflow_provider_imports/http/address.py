"""Addresses in one form, so that they can be compared: where requests, redirects and proxies may lead."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

#: The schemes that are spoken, with the port that each has of its own.
PORTS = {"http": 80, "https": 443}
_IN_A_PATH = "/%:@!$&'()*+,;=~"


def split(url: str) -> tuple[SplitResult, str] | None:
    """A URL's parts and its host name in ASCII; None if it is none. The error is not kept: it may quote a password."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # read here, since that may fail, too
        return parts, (parts.hostname or "").encode("idna").decode()
    except ValueError:
        return None


def canonical(scheme: str, hostname: str, port: int | None, path: str) -> str:
    """An address in lower case but for its path, without the scheme's own port and without a trailing slash."""
    host = f"[{hostname}]" if ":" in hostname else hostname
    shown = "" if port in (None, PORTS[scheme]) else f":{port}"
    return f"{scheme}://{host}{shown}{quote(path.rstrip('/'), safe=_IN_A_PATH)}"


def is_loopback(hostname: str) -> bool:
    """Say whether a host name is always this machine's."""
    if hostname == "localhost" or hostname.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


def proxy_url(value: object) -> str | None:
    """A proxy's URL, which may come without a scheme; None if it is not one of an HTTP proxy."""
    if not isinstance(value, str) or not (text := value.strip()):
        return None
    found = split(text if "://" in text else f"http://{text}")
    if found is None:
        return None
    parts, hostname = found
    if parts.scheme not in PORTS or not hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
        return None
    return f"{parts.scheme}://{parts.netloc}"


def redirected(base_url: str, target: str, location: str) -> str | None:
    """
    Path and query, below the base URL, that a redirect leads to; None if it leads anywhere else.

    :param base_url: in the canonical form
    :param target: path and query of what was asked for
    :param location: the header
    """
    try:
        found = split(urljoin(base_url + target, location))
    except ValueError:  # not an address at all
        return None
    path = None if found is None else _without_dots(found[0].path)
    if found is None or path is None or found[0].scheme not in PORTS:
        return None
    parts, hostname = found
    prefix = urlsplit(base_url).path
    if parts.username is not None or not path.startswith(f"{prefix}/"):
        return None
    if canonical(parts.scheme, hostname, parts.port, prefix) != base_url:
        return None
    query = f"?{quote(parts.query, safe=_IN_A_PATH + '?')}" if parts.query else ""
    return quote(path.removeprefix(prefix), safe=_IN_A_PATH) + query


def _without_dots(path: str) -> str | None:
    """A path as a server sees it, without ``.`` and ``..``; None where it hides one in a segment."""
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        plain = segment
        while (decoded := unquote(plain)) != plain:
            plain = decoded
        if plain == "..":
            del kept[-1:]
        elif ".." in plain.replace("\\", "/").split("/"):
            return None
        elif plain != ".":
            kept.append(segment)
    return "/" + "/".join(kept)
