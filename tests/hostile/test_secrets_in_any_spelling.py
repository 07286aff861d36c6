"""A credential that a vendor repeats is told by nobody, however the vendor spells it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_imports.http.reading import read_json
from airflow_provider_imports.http.secrets import NO_SECRETS, Secrets
from airflow_provider_imports.http.text import MASK
from airflow_provider_imports.testing.spellings import (
    PASSWORDS,
    SECOND_WRITERS,
    SPLITTERS,
    WRITERS,
    may_be_read,
    spelt,
)

passwords = st.sampled_from(PASSWORDS) | st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="+,"), min_size=8, max_size=24
)
spellings = st.tuples(st.sampled_from(sorted(WRITERS)), st.sampled_from(sorted(WRITERS.keys() - SPLITTERS))).map(list)


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("second", SECOND_WRITERS)
def test_what_is_told_of_a_text_holds_no_secret(password: str, writer: str, second: str) -> None:
    text = f"The key {spelt(password, writer, second)} is wrong."

    told = Secrets([password]).redacted(text)

    assert not may_be_read(told, password)
    assert MASK in told or not may_be_read(text, password)


@given(passwords, spellings, st.text(max_size=20), st.text(max_size=20))
def test_no_secret_is_told_whatever_stands_around_it(
    password: str, writers: list[str], before: str, after: str
) -> None:
    told = Secrets([password]).redacted(f"{before} {spelt(password, *writers)} {after}")

    assert not may_be_read(told, password)


@pytest.mark.parametrize("writer", WRITERS)
def test_what_holds_no_secret_is_told_as_it_is(writer: str) -> None:
    text = f"The key {spelt('not-our-secret/ä<b>', writer)} is wrong & 100 % useless."

    assert Secrets(["S3cr'et+P<w>"]).redacted(text) == text
    assert NO_SECRETS.redacted(text) == text


def test_a_short_password_is_left_in_a_good_answer_and_not_in_an_error() -> None:
    secrets = Secrets(["word"])

    assert secrets.redacted("a word", in_good_answer=True) == "a word"
    assert secrets.redacted("a word") == f"a {MASK}"
    assert Secrets(["abc"]).redacted("abc") == "abc"


@pytest.mark.parametrize("name", ["Gross margin % {}", "R&D {}", "P&L", "https://a.example/b.csv?x=1&y=2&z={}"])
def test_names_in_which_nothing_is_escaped_are_read_however_many_there_are(name: str) -> None:
    names = [name.format(number) for number in range(2_000)]

    assert read_json(json.dumps(names).encode(), Secrets(["S3cr3t-password"])) == names


def test_behind_many_names_a_secret_is_found_nevertheless() -> None:
    names = [f"Gross margin % {number}" for number in range(2_000)]

    told = read_json(json.dumps([*names, "S3cr3t%2Dpassword", "R&D"]).encode(), Secrets(["S3cr3t-password"]))

    assert told == [*names, MASK, "R&D"]


def test_a_secret_that_is_cut_at_the_end_of_a_text_is_not_told_in_part() -> None:
    assert Secrets(["S3cr3t-password"]).redacted("The key is S3cr3t-pass") == f"The key is {MASK}"
