"""A vendor as plain as can be, and clients that talk to it without Airflow."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.http.async_client import AsyncClient
from airflow_provider_imports.http.call import Answer, Call, SendResult
from airflow_provider_imports.http.errors import refusal_of, unreadable
from airflow_provider_imports.http.loop_clients import join_client, leave_client
from airflow_provider_imports.http.rate_limit import RateLimit
from airflow_provider_imports.http.settings import Settings
from airflow_provider_imports.http.sync_client import SyncClient
from airflow_provider_imports.http.sync_session import open_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from airflow_provider_imports.exceptions import VendorImportError

TOKEN = "s3cret/token+of the-test"


@dataclass
class VendorOfTest:
    """Sends the password as a bearer token; with ``logs_in``, gets a token for it first."""

    logs_in: bool = False
    vendors_wait: float | None = None

    def authorization(self, settings: Settings) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {settings.password}"}

    def login_call(self, settings: Settings) -> Call | None:
        if not self.logs_in:
            return None
        return Call("log_in", "POST", "/login", json={"password": settings.password}, public=True)

    def read_login(self, answer: Answer, settings: Settings) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {answer.object()['token']}"}

    def error_of(self, call: Call, outcome: SendResult) -> VendorImportError | None:
        return refusal_of("vendor", "Vendor", call, outcome)

    def unreadable(self, call: Call, answer: Answer, reason: str) -> VendorImportError:
        return unreadable("vendor", "Vendor", call, answer, reason)

    def rate_limit_wait(self, answer: Answer, now: float) -> float | None:
        return self.vendors_wait


@dataclass
class Connection:
    """An Airflow connection whose look-ups are counted; a test may change it between two of them."""

    url: str
    password: str = TOKEN
    timeout: float = 5.0
    more: dict[str, Any] = field(default_factory=dict)
    look_ups: int = 0

    def look_up(self) -> Settings:
        self.look_ups += 1
        return Settings("my_vendor", self.url, "", self.password, self.timeout, **self.more)

    async def alook_up(self) -> Settings:
        return self.look_up()


def sync_client(
    connection: Connection, vendor: VendorOfTest | None = None, rate_limit: RateLimit | None = None
) -> SyncClient:
    kept = rate_limit or RateLimit(None)
    return SyncClient(vendor or VendorOfTest(), connection.look_up, open_session, lambda call, settings: kept)


def new_shared_client(
    connection: Connection, vendor: VendorOfTest | None = None, limit: float | None = None
) -> AsyncClient:
    return AsyncClient(
        vendor or VendorOfTest(), connection.alook_up, lambda settings: RateLimit(limit), lambda call: ""
    )


@asynccontextmanager
async def opened(
    connection: Connection, vendor: VendorOfTest | None = None, limit: float | None = None
) -> AsyncIterator[AsyncClient]:
    """The event loop's client for this connection."""
    key = ("vendor", connection.url)
    try:
        yield join_client(key, lambda: new_shared_client(connection, vendor, limit))
    finally:
        await leave_client(key)
