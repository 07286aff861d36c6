"""A file as a body: its length known, its memory constant, its errors told before anything is sent."""

import asyncio
import bz2
import gzip
import io
import lzma
import os
import socket
import tarfile
import tempfile
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_imports.exceptions import InvalidInputError, VendorUnavailableError
from airflow_provider_imports.http.body import CHUNK, FileBody
from airflow_provider_imports.http.call import Call, UnreadableBodyError, one_call
from airflow_provider_imports.http.files import SourceFile, shown, suffix_of
from airflow_provider_imports.testing.wire import WireServer
from tests.http.vendor import Connection, opened, sync_client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"a;b\n1;2\n")
    return path


def test_a_local_file_is_sent_as_it_is(file: Path) -> None:
    body = FileBody(str(file))

    assert (len(body), b"".join(body)) == (8, b"a;b\n1;2\n")


def test_a_file_can_be_sent_again(file: Path) -> None:
    body = FileBody(str(file))

    assert b"".join(body) == b"".join(body)


@pytest.mark.parametrize("scheme", ["file://", "local://"])
def test_a_file_uri_is_a_local_file(file: Path, scheme: str) -> None:
    assert b"".join(FileBody(f"{scheme}{file}")) == b"a;b\n1;2\n"


def test_a_file_uri_may_hold_escaped_characters(tmp_path: Path) -> None:
    (tmp_path / "a b%.csv").write_text("x")

    assert b"".join(FileBody((tmp_path / "a b%.csv").as_uri())) == b"x"


@pytest.fixture
def memory_storage() -> Callable[[str, bytes], Any]:
    """Put an object into a storage, and get its path."""
    attach = pytest.importorskip("airflow.sdk.io", reason="Airflow 3 has this way to add a storage").attach
    from airflow.providers.common.compat.sdk import ObjectStoragePath
    from fsspec.implementations.memory import MemoryFileSystem

    class Storage(MemoryFileSystem):
        """Tells when an object was changed, as real ones do."""

        def info(self, path: str, **options: Any) -> dict[str, Any]:
            info: dict[str, Any] = super().info(path, **options)
            return info if info["type"] == "directory" else {**info, "LastModified": self.modified(path)}

    attach(protocol="memory", fs=Storage())

    def put(uri: str, content: bytes) -> Any:
        path = ObjectStoragePath(uri)
        with path.open("wb") as file:
            file.write(content)
        return path

    return put


@pytest.mark.parametrize("form", [str, lambda path: path], ids=["URI", "ObjectStoragePath"])
def test_an_object_of_a_storage_is_streamed(
    memory_storage: Callable[[str, bytes], Any], form: Callable[[Any], Any]
) -> None:
    body = FileBody(form(memory_storage("memory://bucket/rows.csv", b"a;b\n" * 500_000)))

    pieces = list(body)

    assert len(body) == sum(map(len, pieces)) == 2_000_000
    assert max(map(len, pieces)) <= CHUNK


@pytest.mark.parametrize("path", ["/no/such/file.csv", "file:///no/such/file.csv"])
def test_a_missing_file_is_told_before_anything_is_sent(path: str) -> None:
    with pytest.raises((FileNotFoundError, ValueError), match="Nothing was sent"):
        FileBody(path)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.close()


def link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("make", "kind"),
    [(Path.mkdir, "a folder"), (fifo, "a FIFO"), (unix_socket, "a socket"), (link_to_a_device, "a device")],
    ids=["folder", "fifo", "socket", "device"],
)
@pytest.mark.parametrize("use", [FileBody, SourceFile], ids=["sent", "read"])
def test_what_is_no_file_is_refused_without_opening_it(
    make: Callable[[Path], None], kind: str, use: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as folder:  # its name is short enough for a socket
        path = Path(folder) / "rows.csv"
        make(path)
        monkeypatch.setattr("builtins.open", None)
        with pytest.raises(InvalidInputError, match=f"is {kind}, not a file. Nothing was sent"):
            use(path)


def test_a_fifo_that_takes_the_place_of_the_file_keeps_nobody_waiting(file: Path) -> None:
    body = FileBody(file)
    file.unlink()
    os.mkfifo(file)

    with pytest.raises(UnreadableBodyError, match="changed since"):
        list(body)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(40, "Too many levels of links")])
def test_a_file_that_may_not_be_read_is_refused_for_good(
    file: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr("builtins.open", refuse)

    with pytest.raises(InvalidInputError, match=rf"can't be read \({type(error).__name__}: {error.strerror}\)"):
        FileBody(file)


def test_a_path_that_is_too_long_or_holds_a_zero_byte_is_refused(tmp_path: Path) -> None:
    for name in ("x" * 5000, "a\0b"):
        with pytest.raises(InvalidInputError, match="Nothing was sent"):
            FileBody(f"{tmp_path}/{name}")


def test_a_link_to_a_file_is_a_file(file: Path) -> None:
    link = file.with_name("link.csv")
    link.symlink_to(file)

    assert b"".join(FileBody(link)) == b"a;b\n1;2\n"


def test_a_folder_of_a_storage_is_no_file(memory_storage: Callable[[str, bytes], Any]) -> None:
    folder = memory_storage("memory://bucket/folder/rows.csv", b"a").parent

    with pytest.raises(InvalidInputError, match="is a folder, not a file"):
        FileBody(folder)


def test_an_empty_file_is_refused(file: Path) -> None:
    file.write_bytes(b"")

    with pytest.raises(ValueError, match=r"is empty. Nothing was sent"):
        FileBody(str(file))


def test_it_is_handed_over_only_after_its_last_byte(file: Path) -> None:
    body = FileBody(str(file))
    assert not body.handed_over
    pieces = iter(body)
    next(pieces)
    assert not body.handed_over
    assert next(pieces, None) is None
    assert body.handed_over


def test_a_second_sending_begins_as_not_handed_over(file: Path) -> None:
    body = FileBody(str(file))
    list(body)
    next(iter(body))

    assert not body.handed_over


def grown(file: Path) -> None:
    with file.open("ab") as more:
        more.write(b"3;4\n")


def shrunk(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 4)


def rewritten(file: Path) -> None:
    """The same length, in the same place."""
    before = file.stat()
    with file.open("r+b") as same:
        same.write(b"x;y")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def replaced(file: Path) -> None:
    """Another file of the same length and time under its name."""
    other = file.with_suffix(".new")
    other.write_bytes(file.read_bytes().replace(b"1", b"2"))
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.replace(file)


def removed(file: Path) -> None:
    file.unlink()


CHANGES = [grown, shrunk, rewritten, replaced, removed]


def send_blocking(url: str, call: Call) -> None:
    client = sync_client(Connection(url))
    try:
        client.run(one_call(call), 0)
    finally:
        client.close()


def send_awaiting(url: str, call: Call) -> None:
    async def send() -> None:
        async with opened(Connection(url)) as client:
            await client.run(one_call(call))

    asyncio.run(send())


class ChangedWhileSent(FileBody):
    """A file to which something happens after a piece of it was read."""

    def __init__(self, path: Path, change: Callable[[Path], None], after: int) -> None:
        super().__init__(path)
        self.change, self.after, self.path = change, after, path

    def pieces(self) -> Iterator[bytes]:
        for number, piece in enumerate(super().pieces()):
            if number == self.after:
                self.change(self.path)
            yield piece


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("after", [0, 1, 2], ids=["first piece", "middle", "last piece"])
@pytest.mark.parametrize("send", [send_blocking, send_awaiting])
def test_a_file_that_changes_while_it_is_sent_never_arrives_whole(
    tmp_path: Path, change: Callable[[Path], None], after: int, send: Callable[[str, Call], None]
) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"1;2\n" * (5 * CHUNK // 8))
    body = ChangedWhileSent(path, change, after)
    call = Call("push", "POST", "/push", body=body, content_type="text/csv", starts=True)
    ended = threading.Event()

    with WireServer(lambda connection, received: ended.set()) as server:
        with pytest.raises(VendorUnavailableError, match="changed since it was opened to be sent"):
            send(server.url, call)
        assert not body.handed_over
        assert ended.wait(30)
    assert [request.complete for request in server.requests] == [False]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_file_that_changed_before_it_is_sent_is_not_even_begun(file: Path, change: Callable[[Path], None]) -> None:
    body = FileBody(file)
    change(file)

    with pytest.raises(UnreadableBodyError, match="changed since it was opened to be sent"):
        next(iter(body))
    assert not body.handed_over


def test_an_object_that_was_replaced_in_its_storage_is_an_error(memory_storage: Callable[[str, bytes], Any]) -> None:
    path = memory_storage("memory://bucket/rows.csv", b"a;b\n1;2\n")
    body = FileBody(path)
    memory_storage("memory://bucket/rows.csv", b"a;b\n1;3\n")

    with pytest.raises(UnreadableBodyError, match="changed since"):
        list(body)


def test_an_error_of_the_storages_own_library_is_ours(
    memory_storage: Callable[[str, bytes], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class StorageError(Exception):
        """As boto and others raise."""

    class Broken(io.BytesIO):
        def read(self, count: int | None = -1, /) -> bytes:
            raise StorageError("token=s3cret")

    path = memory_storage("memory://bucket/rows.csv", b"a;b\n1;2\n")
    body = FileBody(path)
    monkeypatch.setattr(type(path), "open", lambda *arguments, **options: Broken())

    with pytest.raises(UnreadableBodyError, match=r"can't be read \(StorageError\)") as raised:
        list(body)
    assert "s3cret" not in str(raised.value)


def test_a_storage_that_does_not_answer_may_answer_a_retry(
    memory_storage: Callable[[str, bytes], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = memory_storage("memory://bucket/rows.csv", b"a;b\n1;2\n")

    def unavailable(self: object) -> None:
        raise RuntimeError("token=s3cret")

    monkeypatch.setattr(type(path), "stat", unavailable)

    with pytest.raises(
        OSError, match=r"can't be looked at \(RuntimeError\).*a retry looks again. Nothing was"
    ) as raised:
        FileBody(path)
    assert not isinstance(raised.value, InvalidInputError)
    assert "s3cret" not in str(raised.value)


TAR = tarfile.TarInfo("rows.csv").tobuf(tarfile.USTAR_FORMAT)
ROWS = b"month;amount\n" + b"".join(b"2026-01;%d\n" % row for row in range(300_000))


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(ROWS),
        gzip.compress(ROWS[:7]) + gzip.compress(ROWS[7:]),
        gzip.compress(ROWS) + b"\0" * 512,
        gzip.compress(ROWS, compresslevel=0),
    ],
    ids=["one member", "two members", "zero padding", "stored"],
)
@pytest.mark.parametrize("name", ["rows.csv.gz", "rows.csv"])
def test_gzip_is_unpacked_while_it_is_sent_and_its_length_is_announced(
    tmp_path: Path, name: str, packed: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(packed)
    body = FileBody(path)

    with WireServer() as server:
        send_blocking(server.url, Call("push", "POST", "/push", body=body, content_type="text/csv", starts=True))

    (request,) = server.requests
    assert request.headers["content-length"] == str(len(body)) == str(len(ROWS))
    assert request.body == ROWS
    assert max(map(len, body)) <= CHUNK


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (gzip.compress(ROWS)[:-1], "is broken or incomplete"),
        (gzip.compress(ROWS)[:100], "is broken or incomplete"),
        (gzip.compress(ROWS)[:-8] + b"12345678", "is broken or incomplete"),
        (gzip.compress(ROWS) + b"more", "is broken or incomplete"),
        (b"\x1f\x8bno", "is broken or incomplete"),
        (gzip.compress(b""), "is gzip of nothing"),
        (gzip.compress(gzip.compress(ROWS)), "is gzip within gzip"),
        (gzip.compress(TAR), "is a tar archive within gzip"),
        (gzip.compress(b"PK\x03\x04...."), "is a zip archive .* within gzip"),
        (TAR, "is a tar archive"),
        (b"PK\x03\x04....", "is a zip archive"),
        (bz2.compress(ROWS), "packed with bzip2"),
        (lzma.compress(ROWS), "packed with xz"),
        (b"a;b\n1;2\n", "is named .gz, but it is not gzip"),
    ],
)
def test_what_can_not_be_unpacked_is_refused_before_anything_is_sent(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(content)

    with pytest.raises(InvalidInputError, match=problem) as raised:
        FileBody(path)
    assert str(raised.value).endswith("Nothing was sent.")


def test_a_bomb_is_refused_after_as_much_work_as_an_honest_file_may_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_imports.http.files.MOST_UNPACKED", 4 * CHUNK)
    bomb, honest = tmp_path / "bomb.csv.gz", tmp_path / "honest.csv.gz"
    bomb.write_bytes(gzip.compress(b"0" * (300 * CHUNK)))
    honest.write_bytes(gzip.compress(b"0" * (3 * CHUNK)))
    tracemalloc.start()
    with pytest.raises(InvalidInputError, match="unpacks to more than 200 times its size"):
        FileBody(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 6 * CHUNK
    assert len(FileBody(honest)) == 3 * CHUNK


def test_a_packed_file_that_changes_while_it_is_sent_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(ROWS))
    body = FileBody(path)
    pieces = iter(body)
    next(pieces)
    path.write_bytes(gzip.compress(ROWS + b"2026-02;1\n"))

    with pytest.raises(UnreadableBodyError):
        list(pieces)
    assert not body.handed_over


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("s3://conn@bucket/a.csv", "s3://conn@bucket/a.csv"),
        ("sftp://user:s3cret@host/a.csv", "sftp://user:***@host/a.csv"),
        ("https://host/a.csv?X-Amz-Signature=s3cret#x", "https://host/a.csv"),
        ("s3://bucket/a?b#c.csv", "s3://bucket/a?b#c.csv"),
        (Path("/data/a.csv"), "/data/a.csv"),
    ],
)
def test_a_path_is_shown_without_its_secrets(path: str | Path, name: str) -> None:
    assert shown(path) == name


@pytest.mark.parametrize(
    ("path", "suffix"),
    [
        ("a.CSV", ".csv"),
        ("a.csv.gz", ".csv"),
        ("a.tar.JSON.GZ", ".json"),
        ("a.gz", ""),
        ("a", ""),
        ("https://host/a.csv?signature=x.y", ".csv"),
        (Path("/x.y/a.json"), ".json"),
    ],
)
def test_a_suffix_tells_the_format_of_what_is_packed(path: str | Path, suffix: str) -> None:
    assert suffix_of(path) == suffix


def test_another_content_is_another_version(file: Path) -> None:
    before = FileBody(str(file)).version
    assert FileBody(str(file)).version == before

    file.write_bytes(b"a;b\n1;2\n3;4\n")

    assert FileBody(str(file)).version != before


def test_progress_is_in_the_log(file: Path, caplog: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_imports.http.body.CHUNK", 1)
    monkeypatch.setattr("airflow_provider_imports.http.body.PROGRESS_BYTES", 4)
    caplog.set_level("INFO")

    list(FileBody(str(file)))

    assert [record.getMessage().partition(str(file))[2] for record in caplog.records] == [
        ": 4 bytes of 8 bytes",
        ": 8 bytes",
    ]


def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    with file.open("wb") as sparse:
        sparse.truncate(200_000_000)
    body, received = FileBody(str(file)), 0
    tracemalloc.start()

    for piece in body:
        received += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert received == 200_000_000
    assert peak < 4 * CHUNK
