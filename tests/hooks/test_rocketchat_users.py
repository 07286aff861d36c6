"""What a user record must look like, and what is said about one that does not."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.hooks.rocketchat.users import FIELDS, InvalidUserError, checked_user, checked_users
from airflow_provider_imports.sandbox.rocketchat_users import FIELDS as FIELDS_OF_THE_SERVER
from airflow_provider_imports.sandbox.rocketchat_users import validated

ANNA: dict[str, Any] = {"emails": ["anna@example.com"], "importIds": ["1"]}
FULL: dict[str, Any] = {
    **ANNA,
    "username": "anna",
    "name": "Anna",
    "bio": "",
    "statusText": "here",
    "avatarUrl": "https://example.com/anna.png",
    "password": "s3cret",
    "utcOffset": -3.5,
    "deleted": False,
    "roles": ["user"],
    "type": "user",
}


def test_a_full_record_passes_as_it_is_and_the_server_takes_it() -> None:
    assert checked_user(FULL) == FULL
    assert validated({"users": [checked_user(FULL)]}) == [FULL]
    assert set(FULL) == set(FIELDS) == set(FIELDS_OF_THE_SERVER)


def test_numbers_in_import_ids_become_texts() -> None:
    assert checked_user({**ANNA, "importIds": [7, "x"]})["importIds"] == ["7", "x"]


@pytest.mark.parametrize("left_out", [{"roles": None}, {"roles": []}, {"name": None, "deleted": None}])
def test_what_is_not_given_is_not_sent(left_out: dict[str, Any]) -> None:
    assert checked_user({**ANNA, **left_out}) == ANNA


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ("anna@example.com", "is no object but text"),
        (None, "is no object but null"),
        ({"importIds": ["1"]}, "has no emails"),
        ({"emails": ["a@example.com"]}, "has no importIds"),
        ({**ANNA, "emails": []}, "has no emails"),
        ({**ANNA, "emails": None}, "has no emails"),
        ({**ANNA, "emails": "a@example.com"}, "has emails of type text, not a list of texts"),
        (
            {**ANNA, "emails": [{"address": "a@example.com"}]},
            "has object in emails, not a text: emails are plain texts",
        ),
        ({**ANNA, "emails": ["a@example.com", " "]}, "has an empty text in emails"),
        ({**ANNA, "importIds": [""]}, "has an empty text in importIds"),
        ({**ANNA, "importIds": [1.5]}, "has number in importIds"),
        ({**ANNA, "importIds": [True]}, "has true/false in importIds"),
        ({**ANNA, "name": 7}, "has name of type number, not a text"),
        ({**ANNA, "roles": "admin"}, "has roles of type text, not a list of texts"),
        ({**ANNA, "roles": [7]}, "has number in roles"),
        ({**ANNA, "utcOffset": "2"}, "has utcOffset of type text, not a number"),
        ({**ANNA, "utcOffset": float("nan")}, "has utcOffset of type NaN, not a number"),
        ({**ANNA, "utcOffset": float("-inf")}, "has utcOffset of type infinity, not a number"),
        ({**ANNA, "name": float("nan")}, "has name of type NaN, not a text"),
        ({**ANNA, "importIds": [float("nan")]}, "has NaN in importIds"),
        ({**ANNA, "type": "admin"}, "has a type that is neither 'user' nor 'bot'"),
        ({**ANNA, "type": ""}, "has a type that is neither"),
        ({**ANNA, "username": " "}, "has an empty username; leave it out"),
        ({**ANNA, "name": ""}, "has an empty name; leave it out"),
        *[
            ({**ANNA, "emails": ["a@example.com", email]}, "has something in emails that is no address")
            for email in (
                "anna",
                "@example.com",
                "anna@",
                "anna@b@example.com",
                "an na@example.com",
                "A<a@b.c>",
                "a@b,c",
            )
        ],
        *[
            ({**ANNA, name: value}, f"has an invisible character in {name}")
            for name, value in (("emails", ["a@exam\tple.com"]), ("importIds", ["1\x002"]), ("username", "an\u200bna"))
        ],
        ({**ANNA, "utcOffset": True}, "has utcOffset of type true/false"),
        ({**ANNA, "deleted": "true"}, "has deleted of type text, not true or false"),
        ({**ANNA, "name": "Anna \ud83d"}, "has half of a surrogate pair in name"),
        ({**ANNA, "emails": ["\udc00@example.com"]}, "has half of a surrogate pair in emails"),
        ({**ANNA, "services": {}}, "'services', which Rocket.Chat would write unchecked into the account"),
        ({**ANNA, "_id": "x"}, "'_id', which Rocket.Chat would write unchecked"),
        ({**ANNA, "customFields": None}, "'customFields', which"),
        ({**ANNA, "e-mail": "x"}, "has the unknown field 'e-mail' (known: emails, importIds, username"),
        ({**ANNA, 7: "x"}, "has the unknown field 7"),
    ],
)
def test_what_is_wrong_is_said(record: object, problem: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011  # the text is checked below, as it is
        checked_user(record)
    assert problem in str(raised.value)


def test_everything_that_is_wrong_with_a_user_is_said_at_once() -> None:
    with pytest.raises(InvalidUserError) as raised:
        checked_user({"emails": ["anna"], "username": "", "type": "x", "services": {}, "deleted": 1})
    assert [problem.split()[:3] for problem in raised.value.problems] == [
        ["has", "something", "in"],
        ["has", "an", "empty"],
        ["has", "a", "type"],
        ["has", "the", "field"],
        ["has", "deleted", "of"],
        ["has", "no", "importIds"],
    ]


def test_blanks_around_names_and_addresses_are_lost_but_not_those_of_a_password() -> None:
    padded = {"emails": [" anna@example.com\n"], "importIds": [" 1 "], "username": " billy.bob ", "type": "bot "}
    assert checked_user({**padded, "name": "Billy Bob\t", "password": " s3cret ", "bio": " "}) == {
        "emails": ["anna@example.com"],
        "importIds": ["1"],
        "username": "billy.bob",
        "type": "bot",
        "name": "Billy Bob",
        "password": " s3cret ",
        "bio": " ",
    }


def test_the_first_complaints_are_listed_by_position_and_the_others_counted() -> None:
    users = [ANNA, *[{"emails": ["a@example.com"]}] * 23, ANNA]
    with pytest.raises(InvalidInputError) as raised:
        checked_users(users, first=501)
    text = str(raised.value)
    assert text.startswith("23 users can't be imported: user 502 has no importIds; user 503")
    assert "user 521" in text
    assert "user 522" not in text
    assert text.endswith("; and 3 more. Correct the data, then clear the task. Nothing was sent.")


def test_one_user_is_one_user() -> None:
    with pytest.raises(InvalidInputError, match=r"^1 user can't be imported: user 1 has no importIds. Correct"):
        checked_users([{"emails": ["a@example.com"]}])


def test_no_value_of_a_record_is_repeated_in_an_error() -> None:
    with pytest.raises(InvalidInputError) as raised:
        checked_users([{**FULL, "password": ["s3cret"], "bio": ["private"]}])
    assert "s3cret" not in str(raised.value)
    assert "private" not in str(raised.value)
