"""Parameters are checked before anything is sent, and the message says what was expected."""

from collections.abc import Callable
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
        lambda value: validation.positive("timeout", value),
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


@pytest.mark.parametrize("value", [0, -1, 0.0, float("nan"), float("inf"), True, "5", None])
def test_a_number_of_seconds_is_greater_than_zero(value: object) -> None:
    with pytest.raises(InvalidInputError, match="timeout must be a number of seconds greater than 0"):
        validation.positive("timeout", value)


@pytest.mark.parametrize("value", [1, 0.25, 86400])
def test_seconds_may_be_fractions(value: float) -> None:
    validation.positive("timeout", value)


@given(st.uuids())
def test_a_uuid_is_written_the_usual_way(value: UUID) -> None:
    assert validation.uuid("id", str(value).upper()) == validation.uuid("id", f"{{{value}}}") == str(value)


@pytest.mark.parametrize("value", ["", "not-a-uuid", None, 5, ["a"], b"33d0d7d0-6125-47c4-b36a-882f4ed53b33"])
def test_what_is_no_uuid_is_refused(value: object) -> None:
    with pytest.raises(InvalidInputError, match="id must be a UUID"):
        validation.uuid("id", value)


@pytest.mark.parametrize("value", ["", "  ", None, 5])
def test_an_identifier_must_not_be_empty(value: object) -> None:
    with pytest.raises(InvalidInputError, match="service must be a text"):
        validation.required("service", value)


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
