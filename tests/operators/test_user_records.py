"""Users from lists and files: every record once, in order, with little memory; nothing guessed from a broken file."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.operators import rocketchat_user_files, rocketchat_user_records
from airflow_provider_imports.operators.rocketchat import check_every_user
from airflow_provider_imports.operators.rocketchat_user_records import UserRecords, in_batches

ANNA = {"emails": ["anna@example.com"], "importIds": ["1"], "name": 'Änna "A", ☃'}
BERT = {"emails": ["bert@example.com", "b@example.com"], "importIds": ["2"], "deleted": True, "utcOffset": 1.5}


def read(path: Path, content: str | bytes) -> list[object]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [record for _, record in UserRecords(None, str(path))]


def test_a_list_is_read_as_often_as_it_is_asked_for() -> None:
    records = UserRecords([ANNA, BERT], None)
    assert list(records) == list(records) == [("user 1", ANNA), ("user 2", BERT)]
    assert records.version is None


@pytest.mark.parametrize("chunk", [1, 2, 7, 1 << 16])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("u.json", json.dumps([ANNA, BERT])),
        ("u.json", json.dumps([ANNA, BERT], indent=4, ensure_ascii=False)),
        ("u.JSON", "\ufeff \n[" + json.dumps(ANNA) + " ,\n" + json.dumps(BERT) + "]\n\n"),
        ("u.jsonl", json.dumps(ANNA) + "\n\n" + json.dumps(BERT, ensure_ascii=False)),
        ("u.ndjson", json.dumps(ANNA, ensure_ascii=False) + "\r\n" + json.dumps(BERT) + "\r\n"),
        (
            "u.csv",
            "emails,importIds,name,deleted,utcOffset\n"
            'anna@example.com,1,"Änna ""A"", ☃",,\n'
            "bert@example.com|b@example.com,2,,true,1.5\n",
        ),
        (
            "u.csv",
            "\ufeffname, importIds,emails,utcOffset,deleted\r\n"
            '"Änna ""A"", ☃",1,anna@example.com,,\r\n\r\n'
            ",2,bert@example.com ; b@example.com;,1.5,YES",
        ),
    ],
)
def test_a_file_gives_its_records_wherever_its_pieces_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str, chunk: int
) -> None:
    monkeypatch.setattr(rocketchat_user_records, "CHUNK", chunk)
    assert read(tmp_path / name, content) == [ANNA, BERT]


def test_any_array_of_objects_is_read_like_json_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(7)
    for _ in range(40):
        monkeypatch.setattr(rocketchat_user_records, "CHUNK", dice.randint(1, 50))
        texts = ["", "}", "]", '"', "\\", "{[", "é\n☃", "😀,"]
        value = [{dice.choice(texts): [dice.choice(texts), 1.5, None, {}]} for _ in range(dice.randint(0, 6))]
        text = json.dumps(value, indent=dice.choice([None, 2]), ensure_ascii=dice.random() < 0.5)
        assert read(tmp_path / "u.json", text) == value


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("u.json", '{"users": []}', "must begin with '['"),
        ("u.json", "", "is empty"),
        ("u.json", "\n", "must begin with '['"),
        ("u.json", '[{"a": 1}', "there must be ',' or ']' after object 1"),
        ("u.json", '[{"a": 1} {"b": 2}]', "there must be ',' or ']' after object 1"),
        ("u.json", '[{"a": 1}, {"b": ', "Object 2 of the JSON array can't be read, or has no end"),
        ("u.json", '[{"a": 1}, {b: 2}]', "Object 2 of the JSON array can't be read"),
        ("u.json", '[{"a": 1},]', "Element 2 of the JSON array is no object"),
        ("u.json", '[1, {"a": 1}]', "Element 1 of the JSON array is no object"),
        ("u.json", '[{"a": 1}] []', "something after the end"),
        ("u.json", b'[{"a": "\xff"}]', "not UTF-8"),
        ("u.csv", "\n", "one is there twice, or there is none"),
        ("u.csv", "emails,emails\n", "one is there twice"),
        ("u.csv", "emails,importIds,e-mail,services\n", "unknown: 'e-mail', 'services'"),
        ("u.csv", 'emails,importIds\n"a@example.com,1\n', "is not CSV"),
    ],
)
def test_a_broken_file_is_said_to_be_broken(tmp_path: Path, name: str, content: str | bytes, problem: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        read(tmp_path / name, content)
    assert problem in str(raised.value)
    assert str(raised.value).endswith("Nothing was sent.")


@pytest.mark.parametrize(
    ("name", "content"),
    [("u.json", '[{"a": "' + "x" * 5000), ("u.jsonl", '{"a": "' + "x" * 5000), ("u.csv", "name\n" + "x" * 5000)],
)
def test_a_record_without_an_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str
) -> None:
    monkeypatch.setattr(rocketchat_user_files, "LONGEST_RECORD", 1000)
    monkeypatch.setattr(rocketchat_user_records, "CHUNK", 100)
    with pytest.raises(InvalidInputError):
        read(tmp_path / name, content)


def complaints(records: UserRecords) -> str:
    with pytest.raises(InvalidInputError) as raised:
        check_every_user(records)
    assert str(raised.value).endswith("Correct the data, then clear the task. Nothing was sent.")
    return str(raised.value)


def test_every_complaint_names_line_and_field_and_all_come_at_once(tmp_path: Path) -> None:
    file = tmp_path / "u.csv"
    file.write_text(
        "emails,importIds,deleted,utcOffset,type,username\n"
        'a@example.com,1,maybe,,,"a\nb"\n'
        "\n"
        "b@example.com,2,,east,root,\n"
        " , ,,,\n"
        "|,3,,,,\n"
        "s3cret,4\n"
        "nobody,5,,,,\n"
        "B@EXAMPLE.com,6,,,,\n"
        "d@example.com,7,,,,d\n"
        "e@example.com|E@example.com,7,,,,d\n"
    )
    text = complaints(UserRecords(None, str(file)))
    assert text.startswith("7 users can't be imported: ")
    for problem in (
        "user 1 (line 2) has deleted of type text, not true or false",
        "user 2 (line 5) has utcOffset of type text, not a number; user 2 (line 5) has a type that is neither",
        "user 3 (line 7) has no emails",
        "user 4 (line 8) has 2 cells, the header 6",
        "user 5 (line 9) has something in emails that is no address",
        "user 6 (line 10) has the same email as user 2",
        "user 8 (line 12) has the same email as an earlier one of its own; user 8 (line 12) has the same username as",
    ):
        assert problem in text
    assert not any(value in text for value in ("maybe", "east", "root", "s3cret", "nobody", "example.com"))


def test_lines_that_are_not_json_are_named_all_at_once(tmp_path: Path) -> None:
    file = tmp_path / "u.jsonl"
    file.write_text('{"a": \n\n' + json.dumps(ANNA) + '\n[1]\n{"utcOffset": NaN}\n')
    text = complaints(UserRecords(None, str(file)))
    for problem in (
        "user 1 (line 1) is not JSON",
        "user 3 (line 4) is no object but list",
        "user 4 (line 5) has utcOffset of type NaN",
    ):
        assert problem in text


def test_cells_are_trimmed_and_blank_lines_are_skipped(tmp_path: Path) -> None:
    content = (
        "emails, importIds, username, password, type\r\n"
        ' a@example.com | b@example.com ,1, billy.bob ," s3 cret ", bot \r\n'
        " \r\n"
        " , , , , \r\n"
        "c@example.com, 2, , ,\r\n"
        "\t\r\n"
    )
    assert read(tmp_path / "u.csv", content) == [
        {
            "emails": ["a@example.com", "b@example.com"],
            "importIds": ["1"],
            "username": "billy.bob",
            "password": " s3 cret ",
            "type": "bot",
        },
        {"emails": ["c@example.com"], "importIds": ["2"]},
    ]


@pytest.mark.parametrize("name", ["u.csv.gz", "u.csv"])
def test_gzip_is_unpacked_while_it_is_read(tmp_path: Path, name: str) -> None:
    assert read(tmp_path / name, gzip.compress(b"emails,importIds\na@example.com,1\n")) == [
        {"emails": ["a@example.com"], "importIds": ["1"]}
    ]


@pytest.mark.parametrize("form", [str, Path])
def test_a_fifo_is_refused_and_not_opened(tmp_path: Path, form: Any) -> None:
    os.mkfifo(tmp_path / "u.csv")
    with pytest.raises(InvalidInputError, match="is a FIFO, not a file"):
        UserRecords(None, form(tmp_path / "u.csv"))


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="Nothing was sent"):
        UserRecords(None, str(tmp_path / "u.csv"))


def test_a_changed_file_has_another_version(tmp_path: Path) -> None:
    file = tmp_path / "u.csv"
    file.write_text("emails,importIds\n")
    before = UserRecords(None, str(file)).version
    file.write_text("emails,importIds\n\n")
    assert UserRecords(None, str(file)).version != before


@pytest.mark.parametrize(("size", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (9, [5])])
def test_batches_hold_every_record_once(size: int, sizes: list[int]) -> None:
    batches = list(in_batches(((f"user {n}", n) for n in range(5)), size))
    assert [len(batch) for batch in batches] == sizes
    assert [record for batch in batches for record in batch] == list(range(5))


def test_duplicate_emails_and_usernames_are_refused_by_position(caplog: pytest.LogCaptureFixture) -> None:
    users: list[dict[str, Any]] = [
        {"emails": ["a@example.com"], "importIds": ["1"], "username": "a"},
        {"emails": ["A@Example.com"], "importIds": ["2"], "username": "b"},
        {"emails": ["c@example.com"], "importIds": ["1"], "username": "B"},
        {"emails": ["d@example.com"], "importIds": ["4"], "username": "a"},
    ]
    text = complaints(UserRecords(users, None))
    assert text.startswith(
        "2 users can't be imported: user 2 has the same email as user 1; user 4 has the same username as user 1. "
    )
    assert "example.com" not in caplog.text.lower() + text


def test_an_import_id_that_occurs_twice_is_only_told(caplog: pytest.LogCaptureFixture) -> None:
    users = [{"emails": [f"u{n}@example.com"], "importIds": ["s3cret"]} for n in range(100)]
    assert check_every_user(UserRecords(users, None)) == 100
    assert "User 2 has the same importId as user 1" in caplog.text
    assert "99 importIds occur twice, which Rocket.Chat takes" in caplog.text
    assert len(caplog.records) == rocketchat_user_records.MOST_DUPLICATES_SHOWN + 1
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("name", ["u.json", "u.jsonl"])
def test_json_is_never_held_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(rocketchat_user_records, "MOST_COMPARED", 1000)
    lines = [json.dumps({"emails": [f"u{n}@example.com"], "importIds": [str(n)]}) for n in range(20_000)]
    file = tmp_path / name
    file.write_text("\n".join(lines) if name == "u.jsonl" else f"[{','.join(lines)}]")
    records = UserRecords(None, str(file))
    tracemalloc.start()
    try:
        assert check_every_user(records) == 20_000
        assert sum(len(batch) for batch in in_batches(records, 500)) == 20_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3e6, f"{peak / 1e6:.1f} MB"


MEASURE = """
import os, resource, sys
from airflow_provider_imports.operators.rocketchat import check_every_user
from airflow_provider_imports.operators.rocketchat_user_records import UserRecords, in_batches
import airflow_provider_imports.hooks.rocketchat.users
records = UserRecords(None, sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
checked = check_every_user(records)
batched = sum(len(batch) for batch in in_batches(records, 500))
print(checked, batched, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, flush=True)
os._exit(0)
"""


def test_memory_stays_flat_for_two_hundred_thousand_users(tmp_path: Path) -> None:
    file = tmp_path / "u.csv"
    with file.open("w") as out:
        out.write("emails,importIds,username,name\n")
        out.writelines(f"u{n}@example.com,{n},u{n},User Number {n}\n" for n in range(200_000))
    done = subprocess.run([sys.executable, "-c", MEASURE, str(file)], capture_output=True, text=True, check=True)
    checked, batched, kilobytes = map(int, done.stdout.split()[-3:])
    assert (checked, batched) == (200_000, 200_000)
    assert kilobytes < 40_000, f"{kilobytes / 1000:.0f} MB"
