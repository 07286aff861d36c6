"""A file as a body: its length known, its memory constant, its errors told before anything is sent."""

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_imports.http.body import CHUNK, FileBody
from airflow_provider_imports.http.call import Call, UnreadableBodyError, one_call
from tests.http.vendor import Connection, sync_client
from tests.http.wire import WireServer


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


def test_an_object_of_a_storage_is_streamed() -> None:
    attach = pytest.importorskip("airflow.sdk.io", reason="Airflow 3 has this way to add a storage").attach
    from airflow.providers.common.compat.sdk import ObjectStoragePath
    from fsspec.implementations.memory import MemoryFileSystem

    attach(protocol="memory", fs=MemoryFileSystem())
    with ObjectStoragePath("memory://bucket/rows.csv").open("wb") as file:
        file.write(b"a;b\n" * 500_000)
    body = FileBody("memory://bucket/rows.csv")

    pieces = list(body)

    assert len(body) == sum(map(len, pieces)) == 2_000_000
    assert max(map(len, pieces)) <= CHUNK


@pytest.mark.parametrize("path", ["/no/such/file.csv", "file:///no/such/file.csv"])
def test_a_missing_file_is_told_before_anything_is_sent(path: str) -> None:
    with pytest.raises((FileNotFoundError, ValueError), match="Nothing was sent"):
        FileBody(path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is a folder, not a file. Nothing was sent"):
        FileBody(str(tmp_path))


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


def test_a_file_that_has_grown_is_sent_up_to_its_announced_length(file: Path) -> None:
    body = FileBody(str(file))
    file.write_bytes(b"a;b\n1;2\n3;4\n")

    with WireServer() as server:
        client = sync_client(Connection(server.url))
        client.run(one_call(Call("push", "POST", "/push", body=body, content_type="text/csv", starts=True)), 0)
        client.close()

    assert server.requests[0].body == b"a;b\n1;2\n"


def test_a_file_that_has_shrunk_is_an_error(file: Path) -> None:
    body = FileBody(str(file))
    file.write_bytes(b"a")

    with pytest.raises(UnreadableBodyError, match="ended after 1 bytes instead of 8: it changed meanwhile"):
        list(body)
    assert not body.handed_over


def test_a_file_that_is_gone_is_an_error(file: Path) -> None:
    body = FileBody(str(file))
    file.unlink()

    with pytest.raises(UnreadableBodyError, match="can't be opened"):
        list(body)


def test_an_error_of_the_storages_own_library_is_ours(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class StorageError(Exception):
        """As boto and others raise."""

    class Broken:
        def __enter__(self) -> "Broken":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def read(self, count: int) -> bytes:
            raise StorageError("token=s3cret")

    body = FileBody(str(file))
    monkeypatch.setattr(type(body._path), "open", lambda *arguments, **options: Broken())

    with pytest.raises(UnreadableBodyError, match=r"can't be read \(StorageError\)") as raised:
        list(body)
    assert "s3cret" not in str(raised.value)


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
