"""Whatever holds records is taken, once; what is none is refused with its name, and never with a value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.operators.payload import exactly_one, file_path_given, open_payload
from airflow_provider_imports.operators.records import json_array, materialized, table

if TYPE_CHECKING:
    from airflow_provider_imports.operators.rows import CsvFormat

ROWS = [{"sku": "1", "name": "a"}, {"sku": "2", "name": None}]


class LazySequence(Sequence[Any]):
    """As Airflow's own: it asks its server for each element, each time."""

    def __init__(self, elements: Sequence[Any]) -> None:
        self.elements = elements
        self.asked = 0

    def __len__(self) -> int:
        return len(self.elements)

    def __getitem__(self, position: Any) -> Any:
        self.asked += 1
        return self.elements[position]


def generated() -> Iterator[Mapping[str, Any]]:
    yield from ROWS


@pytest.mark.parametrize("make", [list, tuple, iter, LazySequence, lambda rows: generated()])
def test_any_sequence_of_mappings_is_taken(make: Any) -> None:
    assert materialized("data", make(ROWS)) == ROWS


def test_a_lazy_sequence_is_asked_once() -> None:
    lazy = LazySequence(ROWS)
    records = materialized("data", lazy)
    asked = lazy.asked
    open_payload(None, records, chosen="json")
    open_payload(None, records, chosen="json")
    assert lazy.asked == asked


def test_airflows_own_lazy_sequence_is_one_of_these() -> None:
    lazy = pytest.importorskip("airflow.sdk.execution_time.lazy_sequence").LazyXComSequence
    assert issubclass(lazy, Sequence)


@pytest.mark.parametrize("value", [None, "a;b\n", b"a;b\n"])
def test_texts_bytes_and_nothing_are_left_as_they_are(value: Any) -> None:
    assert materialized("data", value) is value


def test_a_data_frame_is_taken_and_what_it_lacks_is_none() -> None:
    pandas, numpy = pytest.importorskip("pandas"), pytest.importorskip("numpy")
    frame = pandas.DataFrame(
        {
            "sku": [1, 2],
            "name": ["a", None],
            "price": [1.5, float("nan")],
            "on": [pandas.Timestamp("2026-01-02T03:04:05"), pandas.NaT],
            "stock": pandas.array([3, pandas.NA], dtype="Int64"),
            "parts": [numpy.array(["x", "y"]), ["z"]],
            "mixed": pandas.Series([pandas.array([7])[0], True], dtype="object"),
        }
    )
    records = materialized("data", frame)
    assert isinstance(records, list)
    assert json.loads(json_array("data", records)) == [
        {"sku": 1, "name": "a", "price": 1.5, "on": "2026-01-02T03:04:05", "stock": 3, "parts": ["x", "y"], "mixed": 7},
        {"sku": 2, "name": None, "price": None, "on": None, "stock": None, "parts": ["z"], "mixed": True},
    ]


def test_anything_with_a_to_dict_for_records_is_a_data_frame() -> None:
    class Frame:
        def to_dict(self, orient: str) -> list[dict[str, int]]:
            assert orient == "records"
            return [{"a": 1}]

    assert materialized("data", Frame()) == [{"a": 1}]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"sku": "s3cret"}, "data is a single dict; put it into a list"),
        (5, "data must be a list of dicts, not a value of type int. If the template gives a text, render_template_as"),
        (True, "data must be a list of dicts, not a value of type bool"),
        (object(), "not a value of type object"),
    ],
)
def test_what_holds_no_records_is_refused(value: object, problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem) as raised:
        materialized("data", value)
    assert str(raised.value).endswith("Nothing was sent.")
    assert "s3cret" not in str(raised.value)


def test_a_to_dict_that_gives_no_records_is_refused() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InvalidInputError, match=r"a to_dict\(\) that gives no records \(Series\)"):
        materialized("data", pandas.Series([1, 2]))


@pytest.mark.parametrize(
    ("records", "problem"),
    [
        ([], "data is an empty list"),
        ([{"a": 1}, 2], r"data\[1\] must be a dict, not a value of type int. If the template gives a text"),
        ([ROWS], r"data\[0\] must be a dict, not a value of type list. Join the lists that mapped tasks gave into one"),
        ([{1: "a"}], r"data\[0\] has a key that is no text but a value of type int"),
        ([{"a": float("nan")}], r"data\[0\]\['a'\] is not JSON: Out of range float values"),
        ([{"a": {"b": [b"s3cret"]}}], r"data\[0\]\['a'\] is not JSON: a value of type bytes has no form in JSON"),
        ([{"a": Decimal("0.12345678901234567890123")}], "more digits than a JSON number keeps"),
        ([{"a": Decimal("NaN")}], r"data\[0\]\['a'\] is not JSON: NaN or infinity"),
        ([{"a": "\ud83d"}], r"data\[0\] can't be sent: its character 7 is half of a surrogate pair"),
    ],
)
def test_a_record_that_can_not_be_sent_is_named_by_position(records: list[object], problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem) as raised:
        open_payload(None, records, chosen="json")
    assert str(raised.value).endswith("Nothing was sent.")
    assert "s3cret" not in str(raised.value)


def test_a_record_within_itself_is_refused() -> None:
    record: dict[str, Any] = {}
    record["a"] = record
    with pytest.raises(InvalidInputError, match=r"data\[0\]\['a'\] is not JSON: Circular"):
        json_array("data", [record])


def test_typed_values_have_their_form_in_json_however_deep_they_are() -> None:
    typed = {
        "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "on": [date(2026, 1, 2)],
        "id": UUID(int=7),
        "amount": Decimal("10.50"),
        "many": Decimal("1E+3"),
        "more": MappingProxyType({"a": 1}),
    }
    assert json_array("data", [typed]) == (
        b'[{"at":"2026-01-02T03:04:05+00:00","on":["2026-01-02"],"id":"00000000-0000-0000-0000-000000000007",'
        b'"amount":10.5,"many":1000,"more":{"a":1}}]'
    )


def test_records_as_csv_have_every_key_as_a_column() -> None:
    assert table([{"b": 1}, {"a": 2, "b": None}]) == (["b", "a"], [[1, None], [None, 2]])
    payload = open_payload(None, [{"b": 1}, {"a": True, "b": None}])
    assert payload.body == b"b,a\r\n1,\r\n,true\r\n"
    assert (payload.sent.rows, payload.sent.bytes) == (2, len(payload.body))


def test_records_as_csv_are_written_as_the_configuration_wants_them() -> None:
    form: CsvFormat = {"delimiter": ";", "decimal_mark": ",", "true": "1", "null": "NULL", "encoding": "latin-1"}
    payload = open_payload(None, [{"a": 1.5, "b": True, "c": "ä"}, {"a": None}], csv_format=form)
    assert payload.body == b"a;b;c\r\n1,5;1;\xe4\r\nNULL;NULL;NULL\r\n"


def test_a_record_without_a_form_in_csv_is_named_by_row_and_column() -> None:
    with pytest.raises(InvalidInputError, match="data, row 2, column 'a': a value of type list has no form") as raised:
        open_payload(None, [{"a": 1}, {"a": ["s3cret"]}])
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("sources", "problem"),
    [
        ({"file_path": None, "data": None}, "Give exactly one of file_path and data, not none"),
        ({"a": 1, "b": 2, "c": None}, "Give exactly one of a, b and c, not a and b"),
    ],
)
def test_there_is_one_thing_to_send(sources: dict[str, object], problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        exactly_one(**sources)
    exactly_one(**{**sources, "a": None, "b": None, "data": "", "c": None})


@pytest.mark.parametrize("value", [5, 1.5, ["a.csv"], ("a", "b"), b"a.csv"])
def test_an_odd_type_of_path_is_refused(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"file_path must be a text, an os.PathLike or an ObjectStoragePath"):
        file_path_given(value)
