"""A credential that a vendor repeats is told by nobody, however the vendor spells it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_imports.http.secrets import MASK, NO_SECRETS, Secrets
from tests.hostile.calls import CALLS, EVERY_CALL, MadeUpVendor, new_hook, what_is_told
from tests.hostile.spellings import LOGIN, PASSWORDS, SECOND_WRITERS, SPLITTERS, WRITERS, may_be_read, spelt
from tests.hostile.vendors import connection_of, made_up_vendor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_imports.hooks.base import ImportHook

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


def test_a_secret_that_is_cut_at_the_end_of_a_text_is_not_told_in_part() -> None:
    assert Secrets(["S3cr3t-password"]).redacted("The key is S3cr3t-pass") == f"The key is {MASK}"


def answers_with(text: str) -> Iterator[tuple[int, bytes, dict[str, str | bytes]]]:
    """A spelt secret in every place of an answer of which something is told."""
    quoted = json.dumps(text, ensure_ascii=False).encode()
    raw = text.encode()
    one_line = raw.replace(b"\0", b"").replace(b"\r\n ", b"\r\n\t")
    yield 400, b'{"error": ' + quoted + b"}", {}
    yield 400, b'{"error": "' + raw + b'"}', {"X-Request-Id": one_line}
    yield 401, b"<html><h1>" + raw + b"</h1></html>", {}
    yield 404, b"The key " + raw + b" is wrong", {"Location": one_line}
    yield 302, b"", {"Location": b"https://elsewhere.example/" + one_line, "CF-Ray": one_line}
    yield 400, text.encode("utf-16"), {}
    yield 400, f'{{"error": "{text}"}}'.encode("utf-16-le"), {}
    yield 400, f"Wrong: {text}".encode("latin-1", "replace"), {}
    told = b", ".join(b'"%s": %s' % (name, quoted) for name in (b"lastError", b"importStatus", b"state", b"_id"))
    yield 200, b'{"success": true, "status": 6, ' + told + b', "operation": {"_id": ' + quoted + b"}}", {}
    yield 200, b'{"success": false, "error": ' + quoted + b"}", {}
    yield 200, b"The key is " + raw, {}


@pytest.mark.parametrize(("kind", "name"), EVERY_CALL, ids=lambda one: getattr(one, "conn_type", one))
@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(password=st.sampled_from(PASSWORDS), writers=spellings)
def test_no_call_of_any_vendor_tells_a_secret(
    kind: type[ImportHook], name: str, password: str, writers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_imports.hooks.rocketchat.calls.LOOK_AGAIN_SECONDS", 0)
    with made_up_vendor() as vendor:
        for found in leaks(vendor, kind, name, password, spelt(password, *writers)):
            pytest.fail(f"{writers} of {password!r}: {found}")


def leaks(vendor: MadeUpVendor, kind: type[ImportHook], name: str, password: str, spelling: str) -> Iterator[str]:
    """What is told in which the password can be read."""
    with connection_of(kind, vendor, login=LOGIN, password=password) as conn_id:
        for status, content, headers in answers_with(spelling):
            vendor.answers(status, content, headers)
            hook = new_hook(kind, conn_id)
            try:
                told: list[Any] = what_is_told(hook, CALLS[kind][name])
            finally:
                hook.close()
            yield from (text for text in told if may_be_read(text, password))
