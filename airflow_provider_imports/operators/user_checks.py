"""Check every user before the first is sent: each by itself, and all of them against each other."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.exceptions import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.operators.user_records import UserRecords

log = logging.getLogger(__name__)

#: Emails, usernames and importIds of one source that are compared with each other: about 12 MB of memory.
MOST_COMPARED = 150_000
#: Duplicates that are named in the log.
MOST_DUPLICATES_SHOWN = 10


class Duplicates:
    """
    Look for an email, a username or an importId that occurs twice, and say so in the log.

    Rocket.Chat creates the first such user and counts the others as errors (two users with one importId it accepts).
    Only as many are compared as fit into some megabytes: see :data:`MOST_COMPARED`.
    """

    def __init__(self) -> None:
        self.count = 0
        self._seen: set[int] = set()

    def look_at(self, where: str, user: Mapping[str, Any]) -> None:
        """Compare one more checked user."""
        for field in ("emails", "username", "importIds"):
            value = user.get(field)
            for one in value if isinstance(value, list) else [value] if value else []:
                key = hash((field, one if field == "importIds" else one.lower()))
                if key in self._seen:
                    self.count += 1
                    if self.count <= MOST_DUPLICATES_SHOWN:
                        log.warning("%s has the same %s as an earlier user", where, field.removesuffix("s"))
                elif len(self._seen) < MOST_COMPARED:
                    self._seen.add(key)

    def report(self) -> None:
        """Say how many there were, and whether all were compared."""
        if self.count:
            log.warning("%d duplicates within the data; Rocket.Chat will count most of them as errors", self.count)
        if len(self._seen) >= MOST_COMPARED:
            log.info("Duplicates were looked for among the first %d keys only", MOST_COMPARED)


def check_every_user(records: UserRecords) -> int:
    """
    Check every record, and look for duplicates.

    :return: how many there are
    :raises InvalidInputError: naming the first bad ones, or if there are none at all
    """
    from airflow_provider_imports.hooks.rocketchat.users import Problems, checked_user

    problems, duplicates, count = Problems(), Duplicates(), 0
    for where, record in records:
        count += 1
        try:
            duplicates.look_at(where, checked_user(record))
        except ValueError as error:
            problems.add(where, str(error))
    problems.report()
    duplicates.report()
    if not count:
        raise InvalidInputError("There are no users to import. Nothing was sent.", vendor="rocketchat")
    return count
