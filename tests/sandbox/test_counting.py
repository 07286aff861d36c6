"""Records are counted as they are, wherever the pieces of a body are cut."""

import csv
import io
import itertools

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_imports.sandbox.counting import CsvCounter

fields = st.text(alphabet='ab,;"\n\r é', max_size=6)


def count(data: bytes, cuts: list[int] | None = None) -> CsvCounter:
    counter = CsvCounter()
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
    assert counter.header == ["x", "y", "z"]
    assert counter.rows == len(rows)
    assert counter.malformed == sum(len(row) != 3 for row in rows)


def test_long_bodies_are_counted_in_blocks_and_bad_blocks_row_by_row() -> None:
    block = b"1,2,3\n" * 20_000
    blocks = CsvCounter.EXACT_BYTES // len(block) + 2
    counter = CsvCounter()
    counter.feed(b"a,b,c\n")
    for _ in range(blocks):
        counter.feed(block)
    counter.feed(b"1,2\n" + block)
    counter.finish()
    assert counter.rows == (blocks + 1) * 20_000 + 1
    assert (counter.malformed, counter.samples) == (1, ["1,2"])


def test_beyond_that_only_line_breaks_are_counted() -> None:
    counter = CsvCounter()
    counter.feed(b"a,b\n")
    for _ in range(2):
        counter.feed(b"1,2\n" * (CsvCounter.SUMMED_BYTES // 4))
    assert counter.rows == 2 * (CsvCounter.SUMMED_BYTES // 4)


def test_one_column_and_no_rows() -> None:
    assert count(b"a\n1\n2\n\n").rows == 2
    assert count(b"a,b").rows == 0
    assert count(b"").header is None
