"""Parameters are checked before anything is sent, and the message says what was expected."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import InvalidInputError

anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.text(), max_size=2)
)


@given(anything)
@pytest.mark.parametrize(
    "check",
    [
        lambda value: validation.one_of("mode", value, ("fail", "wait")),
        lambda value: validation.required("import_id", value),
        lambda value: validation.uuid("import_id", value),
        lambda value: validation.seconds("timeout", value),
        validation.max_rejected,
    ],
)
def test_whatever_is_given_is_accepted_or_refused_with_the_name_of_the_parameter(
    check: Callable[[object], object], value: object
) -> None:
    refusal: InvalidInputError | None = None
    try:
        check(value)
    except InvalidInputError as error:
        refusal = error
    if refusal is not None:
        assert str(refusal).startswith(("mode", "import_id", "timeout", "max_rejected"))
        assert "Nothing was sent" in str(refusal)
        assert isinstance(refusal, AirflowFailException)


@pytest.mark.parametrize(
    "value",
    [0, -1, 0.0, float("nan"), float("inf"), True, "5", None, timedelta(0), timedelta(seconds=-1), 1e14, 10**400],
)
def test_a_number_of_seconds_is_greater_than_zero(value: object) -> None:
    with pytest.raises(InvalidInputError, match="timeout must be a number of seconds greater than 0"):
        validation.seconds("timeout", value)
    with pytest.raises(InvalidInputError):
        validation.seconds("timeout", value)


@pytest.mark.parametrize("value", [1e14, 10**400, timedelta.max, timedelta(days=3661)])
def test_ten_years_are_the_longest_wait(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"timeout must be .* and at most ten years, not "):
        validation.seconds("timeout", value)


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1.0), (0.25, 0.25), (86400, 86400.0), (timedelta(minutes=2, milliseconds=500), 120.5)],
)
def test_seconds_may_be_fractions_and_timedeltas(value: object, number: float) -> None:
    assert validation.seconds("timeout", value) == number
    validation.seconds("timeout", value)


@given(st.uuids())
def test_a_uuid_is_written_the_usual_way(value: UUID) -> None:
    assert validation.uuid("id", str(value).upper()) == validation.uuid("id", f"{{{value}}}") == str(value)


@pytest.mark.parametrize("value", ["", "not-a-uuid", None, 5, ["a"], b"33d0d7d0-6125-47c4-b36a-882f4ed53b33"])
def test_what_is_no_uuid_is_refused(value: object) -> None:
    with pytest.raises(InvalidInputError, match="id must be a UUID"):
        validation.uuid("id", value)


@pytest.mark.parametrize("value", ["", "  ", None, True, 5.0, b"5", ["5"], ("a", "b"), {"a": 1}, 10**300])
def test_an_identifier_must_be_a_text_that_is_not_empty(value: object) -> None:
    with pytest.raises(InvalidInputError, match="service must be a text"):
        validation.required("service", value)


def test_an_identifier_may_be_a_whole_number() -> None:
    assert validation.required("import_id", 12345) == "12345"


def test_a_uuid_of_digits_that_native_rendering_made_a_number_of_is_still_that_uuid() -> None:
    digits = "00123456789012345678901234567890"
    assert validation.uuid("id", int(digits)) == validation.uuid("id", digits)


def test_a_uuid_may_be_a_uuid() -> None:
    value = UUID(int=7)
    assert validation.uuid("id", value) == str(value)


@pytest.mark.parametrize("check", [validation.required, validation.uuid])
@pytest.mark.parametrize("value", ["None", " None "])
def test_what_rendered_to_nothing_is_refused_by_name(check: Callable[[str, object], str], value: str) -> None:
    with pytest.raises(InvalidInputError, match="import_id is the text 'None': a template rendered to nothing"):
        check("import_id", value)


@pytest.mark.parametrize("check", [validation.required, validation.uuid])
@pytest.mark.parametrize("value", [(1, 2), [1], {"a": "s3cret"}, 1.5])
def test_an_odd_type_names_native_rendering_and_no_value(check: Callable[[str, object], str], value: object) -> None:
    with pytest.raises(InvalidInputError, match="render_template_as_native_obj=True of the DAG has made") as raised:
        check("import_id", value)
    assert "s3cret" not in str(raised.value)


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="import_id can't be sent: its character 2 is half of a surrogate pair"):
        validation.required("import_id", "a\ud83d")


def test_an_identifier_loses_the_blanks_around_it() -> None:
    assert validation.required("service", " product\n") == "product"


@pytest.mark.parametrize("value", [None, 0, 5, 0.0, 0.05, 1.0])
def test_max_rejected_is_rows_or_a_share(value: object) -> None:
    validation.max_rejected(value)


@pytest.mark.parametrize("value", [-1, 1.5, -0.1, True, "5", float("nan")])
def test_max_rejected_is_nothing_else(value: object) -> None:
    with pytest.raises(InvalidInputError, match="max_rejected must be None"):
        validation.max_rejected(value)


def test_a_word_that_is_not_allowed_is_answered_with_those_that_are() -> None:
    with pytest.raises(InvalidInputError, match="'fail', 'wait', not 'stop'"):
        validation.one_of("if_running", "stop", ("wait", "fail"))


def test_an_unhashable_word_is_refused_too() -> None:
    with pytest.raises(InvalidInputError):
        validation.one_of("if_running", ["fail"], {"fail": 1})
