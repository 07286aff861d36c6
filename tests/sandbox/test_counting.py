"""Records are counted as they are, wherever the pieces of a body are cut."""

import csv
import io
import itertools

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_imports.sandbox.records import CsvRecords

fields = st.text(alphabet='ab,;"\n\r é', max_size=6)


def count(data: bytes, cuts: list[int] | None = None) -> CsvRecords:
    counter = CsvRecords()
    edges = [0, *sorted(cuts or []), len(data)]
    for start, end in itertools.pairwise(edges):
        if data[start:end]:
            counter.feed(data[start:end])
    counter.finish()
    return counter


@given(rows=st.lists(st.lists(fields, min_size=1, max_size=4), max_size=12), data=st.data())
def test_rows_and_malformed_rows_are_those_that_a_csv_reader_sees(rows: list[list[str]], data: st.DataObject) -> None:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([["x", "y", "z"], *rows])
    body = out.getvalue().encode()
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=6))
    counter = count(body, cuts)
    assert counter.fields == {"x", "y", "z"}
    assert counter.total == len(rows)
    assert counter.failed == sum(len(row) != 3 for row in rows)


def test_a_long_body_is_counted_row_by_row_to_its_end() -> None:
    block = b"1,2,3\n" * 20_000
    counter = CsvRecords()
    counter.feed(b"a,b,c\n")
    for _ in range(100):
        counter.feed(block)
    counter.feed(b"1,2\n1,2,3,4\n" + block)
    counter.finish()
    assert counter.total == 101 * 20_000 + 2
    assert (counter.failed, counter.samples) == (2, ["1,2", "1,2,3,4"])


def test_one_column_and_no_rows() -> None:
    assert count(b"a\n1\n2\n\n").total == 2
    assert count(b"a,b").total == 0
    assert not count(b"").fields
