"""Users to import, one after the other: from a list, from a file or a query whose rows are never held whole."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Required, TypedDict

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.operators.payload import exactly_one, file_path_given
from airflow_provider_imports.operators.records import materialized
from airflow_provider_imports.operators.rocketchat_user_files import (
    READERS,
    Placed,
    Unreadable,
    decoded,
    fields_of,
    read_query,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from airflow_provider_imports.http.body import SpooledBody
    from airflow_provider_imports.http.files import FilePath, SourceFile
    from airflow_provider_imports.operators.rows import Batches
    from airflow_provider_imports.operators.sql_source import Query

    Reader = Callable[[Iterable[str]], Iterator[Placed]]

log = logging.getLogger(__name__)

#: Bytes of a file that are read at a time.
CHUNK = 1 << 16
#: Emails, usernames and importIds of one source that are compared with each other: about 20 MB of memory.
MOST_COMPARED = 150_000
#: Duplicates of importIds that are named in the log.
MOST_DUPLICATES_SHOWN = 10


class RocketChatUser(TypedDict, total=False):
    """One user of :class:`~airflow_provider_imports.operators.rocketchat.RocketChatImportUsersOperator`."""

    emails: Required[list[str]]
    importIds: Required[list[str]]
    username: str
    name: str
    bio: str
    statusText: str
    avatarUrl: str
    password: str
    utcOffset: float
    deleted: bool
    roles: list[str]
    type: Literal["user", "bot"]


class UserRecords:
    """
    The user records of a list, a file or a query, as often as they are asked for.

    :param users: the records themselves
    :param file_path: a local path or an object-storage URI; ``.json`` (an array of objects), ``.jsonl`` or
        ``.ndjson`` (one object a line), or ``.csv`` (with the field names in the first line, lists separated by ``|``
        or ``;``); UTF-8. Give this or ``users``
    :param query: whose rows the users are; it runs now, and its rows are kept in a temporary file
    :raises InvalidInputError: unless exactly one of them is given, or if the suffix is none of these
    :raises FileNotFoundError: if there is no such file
    """

    def __init__(self, users: object, file_path: FilePath | None, query: Query | None = None) -> None:
        exactly_one(users=users, file_path=file_path, sql=query)
        records = materialized("users", users)
        validation.rendered_to_nothing("users", records)
        if isinstance(records, str | bytes):
            raise InvalidInputError(
                f"users must be a list of dicts, not {validation.kind(records)}. A template gives a text; use the "
                f"upstream task's .output, or render_template_as_native_obj of the DAG. {validation.NOTHING}"
            )
        self._users = records or []
        self._source: SourceFile | SpooledBody | None = None
        self._read: Reader
        if file_path is not None:
            self._open(file_path)
        elif query is not None:
            self._run(query)

    @property
    def version(self) -> object:
        """Tell this content of a file (by size and time of change) or a query (by a hash) from another."""
        return None if self._source is None else self._source.version

    def __iter__(self) -> Iterator[Placed]:
        """
        Read the records in order, each with its place in words.

        :raises UnreadableFileError: if the file is not what its suffix says
        :raises UnreadableBodyError: if it can't be read any more, or has changed; a retry reads it from its beginning
        """
        from airflow_provider_imports.http.call import UnreadableBodyError

        if self._source is None:
            for position, record in enumerate(self._users, 1):
                yield f"user {position:,}", record
            return
        try:
            yield from self._read(decoded(self._source.pieces(CHUNK)))
        except UnreadableBodyError as error:
            raise UnreadableBodyError(f"{error}. No user was imported; a retry reads it from its beginning.") from error

    def _open(self, file_path: FilePath) -> None:
        from airflow_provider_imports.http.files import SourceFile, suffix_of

        suffix = suffix_of(file_path_given(file_path))
        if suffix not in READERS:
            raise InvalidInputError(
                f"file_path must end in one of {', '.join(sorted(READERS))} (or in that and .gz), not "
                f"{suffix or 'nothing'!r}. {validation.NOTHING}"
            )
        self._read = READERS[suffix]
        self._source = SourceFile(file_path)

    def _run(self, query: Query) -> None:
        from airflow_provider_imports.http.body import SpooledBody
        from airflow_provider_imports.operators.rows import write_json

        self._source = spool = SpooledBody(f"rows of {query.conn_id}")

        def write(columns: list[str], batches: Batches) -> int:
            self._read = partial(read_query, fields_of(columns, any_case=True))
            return write_json(spool, "sql", columns, batches, lines=True, lists=True)

        query.run(write)


class Duplicates:
    """
    Look for an email or a username that occurs twice, which Rocket.Chat refuses, and for an importId, which it takes.

    Only as many are compared as fit into some megabytes: see :data:`MOST_COMPARED`.
    """

    def __init__(self) -> None:
        self.count = 0
        self._seen: dict[int, int] = {}

    def problems(self, position: int, user: Mapping[str, Any]) -> list[str]:
        """Compare what is right about one more user, and say what it has in common with which earlier one."""
        problems = []
        for field, values in (
            ("email", [email.lower() for email in user.get("emails", ())]),
            ("username", [user["username"]] if "username" in user else []),
        ):
            for value in values:
                if earlier := self._earlier(field, value, position):
                    other = "an earlier one of its own" if earlier == position else f"user {earlier:,}"
                    problems.append(f"has the same {field} as {other}")
        for value in user.get("importIds", ()):
            if earlier := self._earlier("importId", value, position):
                self.count += 1
                if self.count <= MOST_DUPLICATES_SHOWN:
                    log.warning("User %s has the same importId as user %s", f"{position:,}", f"{earlier:,}")
        return problems

    def _earlier(self, field: str, value: str, position: int) -> int | None:
        key = hash((field, value))
        earlier = self._seen.get(key)
        if earlier is None and len(self._seen) < MOST_COMPARED:
            self._seen[key] = position
        return earlier

    def report(self) -> None:
        """Say how many importIds there were twice, and whether all were compared."""
        if self.count:
            log.warning("%d importIds occur twice, which Rocket.Chat takes; each finds one of the users", self.count)
        if len(self._seen) >= MOST_COMPARED:
            log.info("Duplicates were looked for among the first %d keys only", MOST_COMPARED)


def in_batches(records: Iterable[Placed], size: int) -> Iterator[list[object]]:
    """Group records, without their places, into lists of ``size``; the last may be shorter."""
    batch: list[object] = []
    for _, record in records:
        batch.append(record)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def check_every_user(records: UserRecords) -> int:
    """
    Check every record, and look for duplicates.

    :return: how many there are
    :raises InvalidInputError: with everything that is wrong, as far as there is room, or if there are none at all
    """
    from airflow_provider_imports.hooks.rocketchat.users import InvalidUserError, Problems, checked_user

    problems, duplicates, count = Problems(), Duplicates(), 0
    for count, (where, record) in enumerate(records, 1):
        user: Mapping[str, Any] = {}
        wrong = []
        try:
            if isinstance(record, Unreadable):
                wrong = [record.problem]
            else:
                user = checked_user(record)
        except InvalidUserError as error:
            user, wrong = error.user, error.problems
        if wrong := wrong + duplicates.problems(count, user):
            problems.add(where, wrong)
    problems.report()
    duplicates.report()
    if not count:
        raise InvalidInputError(
            "There are no users to import: users, file_path or sql gives none. Nothing was sent.", vendor="rocketchat"
        )
    return count
