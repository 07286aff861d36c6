"""A connection is read by name, checked, and never shown with its secrets."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_imports.exceptions import ConnectionSettingsError
from airflow_provider_imports.http.settings import DEFAULT_TIMEOUT, Settings, read_settings
from airflow_provider_imports.installed import installed

SECRET = "s3cret-token-of-the-test"

ENTRIES = installed().entries


@dataclass
class ConnectionOfTest:
    host: str | None = "https://vendor.example"
    schema: str | None = None
    port: int | None = None
    login: str | None = None
    password: str | None = SECRET
    extra: str | None = None
    conn_id: str = "my_vendor"
    conn_type: str | None = None


def read(conn_type: str = "pigment", default_host: str = "", extra: Any = None, **fields: Any) -> Settings:
    text = extra if extra is None or isinstance(extra, str) else json.dumps(extra)
    connection = ConnectionOfTest(extra=text, conn_type=fields.pop("of_type", conn_type), **fields)
    return read_settings(ENTRIES[conn_type], connection, default_host)


def test_numbers_may_be_text_as_forms_before_airflow_3_2_store_them() -> None:
    settings = read(extra={"timeout": " 2.5 ", "requests_per_minute": "30", "pacing_processes": "2"})

    assert (settings.timeout, settings.requests_per_minute, settings.pacing_processes) == (2.5, 30, 2)


@pytest.mark.parametrize(
    ("fields", "base_url"),
    [
        ({"host": "vendor.example"}, "https://vendor.example"),
        ({"host": "https://vendor.example/"}, "https://vendor.example"),
        ({"host": " https://vendor.example/prefix/ "}, "https://vendor.example/prefix"),
        ({"host": "vendor.example", "port": 8443}, "https://vendor.example:8443"),
        ({"host": "https://vendor.example:8443"}, "https://vendor.example:8443"),
        ({"host": "vendor.example", "schema": "https"}, "https://vendor.example"),
        ({"host": "localhost:8080"}, "https://localhost:8080"),
        ({"host": "http://localhost:8080"}, "http://localhost:8080"),
        ({"host": "http://shop.localhost"}, "http://shop.localhost"),
        ({"host": "127.0.0.1", "schema": "http", "port": 8080}, "http://127.0.0.1:8080"),
        ({"host": "http://[::1]:8080"}, "http://[::1]:8080"),
        ({"host": "http://127.9.9.9"}, "http://127.9.9.9"),
        ({"host": "http://vendor.example", "extra": {"allow_http": True}}, "http://vendor.example"),
        ({"host": "http://vendor.example", "extra": {"allow_http": "true"}}, "http://vendor.example"),
        ({"host": None, "default_host": "https://default.example"}, "https://default.example"),
        ({"host": "", "default_host": "https://default.example"}, "https://default.example"),
        ({"host": "https://bücher.example/a b"}, "https://xn--bcher-kva.example/a%20b"),
        ({"host": "https://vendor.example/a%20b"}, "https://vendor.example/a%20b"),
        ({"host": "HTTPS://Vendor.Example:443/Prefix//"}, "https://vendor.example/Prefix"),
        ({"host": "VENDOR.example", "port": 443}, "https://vendor.example"),
        ({"host": "http://LOCALHOST:80/"}, "http://localhost"),
        ({"host": "https://vendor.example:8443", "port": 8443}, "https://vendor.example:8443"),
        ({"host": "https://vendor.example", "schema": "HTTPS"}, "https://vendor.example"),
        ({"host": "vendor.example", "of_type": "http"}, "https://vendor.example"),
        ({"host": "vendor.example", "of_type": None}, "https://vendor.example"),
    ],
)
def test_the_address_is_https_unless_it_says_otherwise(fields: dict[str, Any], base_url: str) -> None:
    assert read(**fields).base_url == base_url


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"host": None}, "host is empty"),
        ({"host": "ftp://vendor.example"}, "host must"),
        ({"host": "https://"}, "host"),
        ({"host": "https://user@vendor.example"}, "host must hold no credentials"),
        ({"host": "https://vendor.example?token=x"}, "host must hold no credentials, query"),
        ({"host": "https://vendor.example#x"}, "host must hold no credentials, query or fragment"),
        ({"host": "http://vendor.example"}, "host vendor.example is plain http.*allow_http"),
        ({"host": "vendor.example", "schema": "http"}, "host vendor.example is plain http.*allow_http"),
        ({"host": "http://127.0.0.1.evil.example"}, "is plain http"),
        ({"host": "http://localhost.evil.example"}, "is plain http"),
        ({"host": "http://10.0.0.1"}, "is plain http"),
        ({"host": "https://vendor.example:99999"}, "host is not a URL"),
        ({"host": "https://" + "a" * 80 + ".example"}, "host is not a URL"),
        ({"port": 99999}, "port must be"),
        ({"host": "https://vendor.example:8443", "port": 443}, "host names the port 8443, but port says 443"),
        ({"host": "http://localhost", "schema": "https"}, "host begins with http://, but schema says https"),
        ({"of_type": "websale"}, "it is a connection of WEBSALE, not of Pigment; name another one in conn_id"),
        ({"password": "Bearer pgmt_key"}, "password begins with Bearer, which is not a part of the credential"),
        ({"password": "basic dXNlcjo="}, "password begins with Basic"),
        ({"extra": {"proxies": "socks5://proxy:1080"}}, "proxies must be.*SOCKS is not supported"),
        ({"extra": {"proxies": {"https": "socks5h://proxy:1080"}}}, "proxies must be"),
        ({"extra": {"proxies": {"htps": "http://proxy:3128"}}}, "proxies must be.*keys http, https and all"),
        ({"extra": {"proxies": {"https": "http://proxy:port"}}}, "proxies must be"),
        ({"extra": {"proxies": "http://"}}, "proxies must be"),
        ({"extra": {"proxies": "http://proxy:3128/path"}}, "proxies must be"),
        ({"extra": "not json"}, "extra is not a JSON object"),
        ({"extra": "[1]"}, "extra is not a JSON object"),
        ({"extra": {"timeout": 0}}, "timeout"),
        ({"extra": {"timeout": -5}}, "timeout"),
        ({"extra": {"timeout": "soon"}}, "timeout"),
        ({"extra": {"timeout": True}}, "timeout"),
        ({"extra": {"timeout": [5]}}, "timeout"),
        ({"extra": {"timeout": 1e300}}, "timeout"),
        ({"extra": '{"timeout": 1' + "0" * 400 + "}"}, "timeout"),
        ({"extra": {"timeout": float("nan")}}, "timeout"),
        ({"extra": {"requests_per_minute": 0}}, "requests_per_minute"),
        ({"extra": {"pacing_processes": -1}}, "pacing_processes"),
        ({"extra": {"verify": "/no/such/file.pem"}}, "verify"),
        ({"extra": {"verify": "/"}}, "verify"),
        ({"extra": {"verify": {}}}, "verify"),
        ({"extra": {"proxies": 5}}, "proxies"),
        ({"extra": {"proxies": {"https": 5}}}, "proxies"),
        ({"extra": {"proxies": "{broken"}}, "proxies"),
        ({"host": "http://vendor.example", "extra": {"allow_http": "perhaps"}}, "allow_http"),
        ({"password": "two\nlines"}, "password contains a line break"),
        ({"password": "nul\x00l"}, "password contains"),
        ({"password": "half \ud800 pair"}, "password contains"),
        ({"login": "a\r\nX-Injected: 1"}, "login contains a line break"),
        ({"conn_type": "blueshift", "extra": {"region": "mars"}}, "region must be us or eu"),
        ({"conn_type": "bloomreach", "extra": {"api_version": "v9"}}, "api_version"),
    ],
)
def test_a_bad_field_is_refused_by_name(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ConnectionSettingsError, match=f"(?s)Connection 'my_vendor': .*{field}") as raised:
        read(**fields)

    assert "Nothing was sent" in str(raised.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"password": f"{SECRET}\n{SECRET}"},
        {"login": f"{SECRET}\x00{SECRET}"},
        {"host": f"https://user:{SECRET}@vendor.example"},
        {"host": f"https://user:{SECRET}[@vendor.example"},
        {"host": f"https://user:{SECRET}/x@vendor.example"},
        {"host": f"https://vendor.example?key={SECRET}"},
        {"extra": {"proxies": [f"http://user:{SECRET}@proxy"]}},
        {"extra": f'{{"password": "{SECRET}"'},
    ],
)
def test_a_refused_field_is_not_shown_where_it_may_hold_a_secret(fields: dict[str, Any], everything_told: Any) -> None:
    with pytest.raises(ConnectionSettingsError) as raised:
        read(**fields)

    assert SECRET not in everything_told(raised.value)


def test_settings_do_not_show_what_is_secret() -> None:
    settings = read(extra={"proxies": f"http://user:{SECRET}@proxy:3128"})

    assert SECRET not in f"{settings} {settings!r}"
    assert settings.password == SECRET


@pytest.mark.parametrize("conn_type", ENTRIES)
def test_unknown_extras_are_ignored(conn_type: str) -> None:
    extra = {"X-Injected": "1", "headers": {"a": "b"}, "secret_key": "x", "auth_type": "y", "trust_env": True}

    assert read(conn_type, extra=extra) == read(conn_type)


def test_a_vendors_own_fields_are_read() -> None:
    settings = read("bloomreach", extra={"project_token": " abc ", "workspace_id": "", "api_version": None})

    assert settings.extra == {"project_token": "abc"}


@pytest.mark.parametrize("value", [None, ""])
def test_an_empty_field_of_the_form_is_the_default(value: object) -> None:
    names = ("timeout", "verify", "proxies", "requests_per_minute", "pacing_processes", "allow_http")
    settings = read(extra=dict.fromkeys(names, value))

    assert (settings.timeout, settings.verify, settings.proxies) == (DEFAULT_TIMEOUT, True, {})
    assert settings.requests_per_minute is None
    assert settings.pacing_processes == 1


@pytest.mark.parametrize(("value", "timeout"), [(5, 5.0), ("2.5", 2.5), (0.1, 0.1)])
def test_a_timeout_may_be_text_from_the_form(value: object, timeout: float) -> None:
    settings = read(extra={"timeout": value})

    assert settings.timeout == timeout
    assert settings.connect_timeout == min(timeout, 10)


@pytest.mark.parametrize(
    ("value", "verify"), [(True, True), (False, False), ("false", False), ("True", True), ("0", False), (1, True)]
)
def test_verify_may_be_text_from_the_form(value: object, verify: bool) -> None:
    assert read(extra={"verify": value}).verify is verify


def test_verify_may_name_a_ca_file(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("-")

    settings = read(extra={"verify": str(file)})

    assert settings.ca_file == str(file)


@pytest.mark.parametrize(
    ("value", "proxy"),
    [
        ("http://proxy:3128", "http://proxy:3128"),
        ('{"https": "http://proxy:3128"}', "http://proxy:3128"),
        ({"https": "http://proxy:3128", "http": "http://other"}, "http://proxy:3128"),
        ({"all": "http://proxy:3128"}, "http://proxy:3128"),
        ({"http": "http://other"}, None),
        ("proxy:3128", "http://proxy:3128"),
        ({"https": "user:word@proxy:3128/"}, "http://user:word@proxy:3128"),
        ("https://proxy:3128", "https://proxy:3128"),
        ({"https": "", "all": "proxy"}, "http://proxy"),
        (None, None),
    ],
)
def test_the_proxy_is_the_connections(value: object, proxy: str | None) -> None:
    assert read(extra={"proxies": value}).proxy == proxy


def test_the_proxy_of_the_environment_serves_where_the_connection_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://environment:3128")

    assert read().proxy == "http://environment:3128"
    assert read(extra={"proxies": "http://own:3128"}).proxy == "http://own:3128"

    monkeypatch.setenv("no_proxy", "vendor.example")
    assert read().proxy is None


@pytest.mark.parametrize(
    "host", ["http://localhost", "http://shop.localhost:8080", "https://127.0.0.1", "http://[::1]"]
)
@pytest.mark.parametrize("proxies", [None, "http://proxy:3128", {"all": "http://proxy:3128"}])
def test_what_goes_to_this_machine_never_goes_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, host: str, proxies: object
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://environment:3128")

    assert read(host=host, extra={"proxies": proxies}).proxy is None


@pytest.mark.parametrize(("named", "proxy"), [("environment:3128", "http://environment:3128"), ("socks5://one", None)])
def test_the_proxy_of_the_environment_is_checked_too(
    monkeypatch: pytest.MonkeyPatch, named: str, proxy: str | None
) -> None:
    monkeypatch.setenv("https_proxy", named)

    if proxy is None:
        with pytest.raises(ConnectionSettingsError, match=r"HTTPS_PROXY or ALL_PROXY is not like.*Nothing was sent"):
            _ = read().proxy
    else:
        assert read().proxy == proxy


def test_a_proxy_is_named_without_its_credentials() -> None:
    assert read(extra={"proxies": f"http://user:{SECRET}@proxy:3128"}).proxy_address == "proxy:3128"


def test_blanks_around_a_pasted_credential_are_taken_away() -> None:
    settings = read(login=" user \n", password=f"\t{SECRET}\n")

    assert (settings.login, settings.password) == ("user", SECRET)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
names = st.sampled_from([*ENTRIES["bloomreach"].conn_fields, *ENTRIES["websale"].conn_fields, "x"])


@given(
    st.sampled_from(sorted(ENTRIES)),
    st.dictionaries(names, scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(), scalars, max_size=2)),
    st.text(max_size=20) | st.none(),
    st.sampled_from([None, "http", "https", "", "x y"]),
    st.integers(-5, 70_000) | st.none(),
    st.text(max_size=10) | st.none(),
)
def test_any_connection_is_read_or_refused(
    conn_type: str, extra: dict[str, Any], host: str | None, schema: str | None, port: int | None, text: str | None
) -> None:
    try:
        settings = read(
            conn_type, "https://default.example", extra, host=host, schema=schema, port=port, login=text, password=text
        )
    except ConnectionSettingsError:
        return
    assert settings.base_url.isascii()
    assert settings.timeout > 0
