"""Log-ins: tokens that expire, and accounts that are locked after repeated bad log-ins."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.sandbox.runs import Clock

BAD_LOGINS_BEFORE_LOCK = 5


class Token(NamedTuple):
    """Who is logged in with a token, and until when."""

    account: str
    expires_at: float


class Accounts:
    """
    Accounts of a vendor that hands out tokens.

    :param passwords: the password of each account.
    """

    def __init__(self, clock: Clock, passwords: Mapping[str, str]) -> None:
        self._clock = clock
        self._passwords = passwords
        self._tokens: dict[str, Token] = {}
        self._bad_logins: dict[str, int] = {}

    def is_locked(self, account: str) -> bool:
        """Tell whether an account, known or not, has failed to log in too often."""
        return self._bad_logins.get(account, 0) >= BAD_LOGINS_BEFORE_LOCK

    def log_in(self, account: str, password: str, seconds: float) -> str | None:
        """Return a new token that lives so many seconds, or ``None``, which counts against the account."""
        if self.is_locked(account) or self._passwords.get(account) != password:
            self._bad_logins[account] = self._bad_logins.get(account, 0) + 1
            return None
        self._bad_logins.pop(account, None)
        token = f"access-{secrets.token_hex(16)}"
        self._tokens[token] = Token(account, self._clock() + seconds)
        return token

    def whose(self, token: str) -> str | None:
        """Return the account of a token, ``None`` if it is unknown or has expired."""
        found = self._tokens.get(token)
        return found.account if found is not None and self._clock() < found.expires_at else None

    def expire_tokens(self) -> None:
        """Make all tokens invalid at once."""
        self._tokens.clear()
