"""What the tests of several vendors' hooks need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests_mock

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[requests_mock.Mocker]:
    """The vendor as ``requests`` sees it; nobody waits before a repeat."""
    monkeypatch.setattr("airflow_provider_imports.http.sync_client.time.sleep", lambda seconds: None)
    monkeypatch.setattr("airflow_provider_imports.http.rate_limit.RateLimit.delay", lambda self, now: 0.0)
    with requests_mock.Mocker() as mocker:
        yield mocker
