"""Values cross processes as JSON and come back the same; nothing else is taken for one."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_imports.json_values import parse_time
from airflow_provider_imports.manifest import manifest
from airflow_provider_imports.models import Counts, ImportRun, ImportState, ImportStatus, Sent, state_of
from airflow_provider_imports.operators.record import Phase, Record
from airflow_provider_imports.polling import Ending, Outcome
from airflow_provider_imports.trigger_event import Event

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
counts = st.none() | st.integers(min_value=0, max_value=10**15)
moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]))
some_counts = st.builds(Counts, *[counts] * 7)
sent = st.builds(Sent, counts, counts)
runs = st.builds(
    ImportRun,
    texts,
    st.dictionaries(texts, texts, max_size=3),
    st.none() | moments,
    st.none() | texts,
    st.none() | texts,
    counts,
)
statuses = st.builds(
    ImportStatus,
    st.sampled_from(ImportState),
    texts,
    st.none() | st.floats(0, 100),
    some_counts,
    st.none() | texts,
    st.lists(texts, max_size=3).map(tuple),
    st.none() | moments,
    st.none() | moments,
    st.lists(texts, max_size=3).map(tuple),
    counts,
    st.dictionaries(texts, counts, max_size=2),
)
OUTCOMES_BY_STATE = {
    ImportState.SUCCEEDED: Outcome.SUCCEEDED,
    ImportState.FAILED: Outcome.FAILED,
    ImportState.CANCELED: Outcome.CANCELED,
}
endings = statuses.map(
    lambda status: Ending(OUTCOMES_BY_STATE.get(status.state, Outcome.TIMED_OUT), status, message=status.message)
) | st.builds(
    Ending,
    st.sampled_from([Outcome.TIMED_OUT, Outcome.UNREACHABLE, Outcome.REFUSED, Outcome.SUPERSEDED]),
    st.none() | statuses,
    st.none() | texts,
    st.none() | texts,
)
events = st.builds(
    Event,
    endings,
    st.floats(0, 1e11),
    st.none() | runs,
    st.none() | st.dictionaries(texts, texts, max_size=2),
    st.none() | texts,
)
records = st.builds(
    Record,
    st.sampled_from(Phase),
    texts,
    moments,
    runs,
    st.none() | st.dictionaries(texts, texts, max_size=2),
    st.none() | st.dictionaries(texts, texts, max_size=2),
    st.none() | st.integers(0, 50),
    st.none() | statuses,
    st.none() | texts,
    st.none() | texts,
    st.none() | moments,
    st.none() | moments,
    st.none() | moments,
    st.none() | texts,
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -1, 2**63])
    | st.floats()
    | texts
    | st.sampled_from(["running", "succeeded", "2026-11-22T10:00:00+00:00", "pigment", "started"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
CLASSES: list[Any] = [Counts, Sent, ImportRun, ImportStatus, Event, Record]


def over_the_wire(value: Any) -> Any:
    return json.loads(json.dumps(value.to_json(), allow_nan=False))


@given(st.one_of(some_counts, sent, runs, statuses, events, records))
def test_every_value_comes_back_from_json_as_it_was(value: Any) -> None:
    assert type(value).from_json(over_the_wire(value)) == value


@pytest.mark.parametrize("kind", CLASSES)
@given(value=values)
def test_anything_else_is_a_value_error(kind: Any, value: Any) -> None:
    refused_or_understood(kind, value)


@pytest.mark.parametrize("kind", CLASSES)
@given(data=st.data())
def test_a_value_with_one_field_replaced_is_a_value_error_or_makes_sense(kind: Any, data: st.DataObject) -> None:
    strategy = dict(zip(CLASSES, [some_counts, sent, runs, statuses, events, records], strict=True))[kind]
    value = over_the_wire(data.draw(strategy))
    name = data.draw(st.sampled_from(sorted(value)))
    if data.draw(st.booleans()):
        value[name] = data.draw(values)
    else:
        del value[name]
    refused_or_understood(kind, value)


def refused_or_understood(kind: Any, value: Any) -> None:
    """Whatever is understood can be written again and read as the same: no field holds something of a wrong type."""
    try:
        understood = kind.from_json(value)
    except ValueError:
        return
    assert kind.from_json(over_the_wire(understood)) == understood


@pytest.mark.parametrize("deadline", [float("nan"), float("inf"), 10**400, "never", None, True])
def test_an_event_without_a_real_deadline_is_refused(deadline: object) -> None:
    event = Event(Ending(Outcome.TIMED_OUT), 1.0).to_json()

    with pytest.raises(ValueError, match="not an event"):
        Event.from_json({**event, "deadline": deadline})


def test_an_event_whose_success_has_no_successful_status_is_refused() -> None:
    running = ImportStatus(ImportState.RUNNING, "InProgress")
    for status in (running, None):
        event = Event(Ending(Outcome.SUCCEEDED, status), 1.0).to_json()

        with pytest.raises(ValueError, match="not an event"):
            Event.from_json(event)


def test_an_event_carries_the_vendors_address_and_an_older_one_has_none() -> None:
    event = Event(Ending(Outcome.TIMED_OUT), 1.0, base_url="https://pigment.app").to_json()

    assert event["base_url"] == "https://pigment.app"
    assert Event.from_json({name: value for name, value in event.items() if name != "base_url"}).base_url is None


@pytest.mark.parametrize("version", [0, 2, None, "1", True])
def test_an_event_of_another_version_is_refused(version: object) -> None:
    event = Event(Ending(Outcome.TIMED_OUT), 1.0).to_json()

    with pytest.raises(ValueError, match="version 1"):
        Event.from_json({**event, "version": version})


def test_only_four_states_are_final() -> None:
    assert {state for state in ImportState if state.is_terminal} == {
        ImportState.SUCCEEDED,
        ImportState.FAILED,
        ImportState.CANCELED,
        ImportState.EVIDENCE,
    }


@given(st.text(), st.dictionaries(st.text(), st.sampled_from(ImportState)))
def test_a_word_that_is_not_in_the_table_is_running_and_doubted(word: str, table: dict[str, ImportState]) -> None:
    state, doubt = state_of(word, table)

    if word in table:
        assert (state, doubt) == (table[word], None)
    else:
        assert state is ImportState.RUNNING
        assert doubt is not None
        assert len(doubt) < 500


@given(some_counts)
def test_counts_are_never_guessed(seen: Counts) -> None:
    if seen.skipped is None and seen.failed is None:
        assert seen.rejected is None
    else:
        assert seen.rejected == (seen.skipped or 0) + (seen.failed or 0)
    assert seen.rows is None or seen != Counts()


@pytest.mark.parametrize(
    ("value", "words"), [(Sent(1, 1200), "1 row, 1,200 bytes"), (Sent(bytes=1), "1 byte"), (Sent(), "unknown")]
)
def test_what_was_sent_shows_only_what_is_known(value: Sent, words: str) -> None:
    assert str(value) == words


def test_counts_show_only_what_is_known() -> None:
    assert str(Counts(inserted=1234, failed=0)) == "1,234 inserted, 0 failed"
    assert str(Counts()) == "no counts reported"


@given(st.text() | st.none() | st.integers() | st.lists(st.integers()))
def test_a_vendors_time_is_read_or_is_none(text: object) -> None:
    moment = parse_time(text)

    assert moment is None or moment.tzinfo is not None


@pytest.mark.parametrize("text", ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00", "2026-11-22T11:00:00+01:00"])
def test_a_time_without_a_zone_is_utc(text: str) -> None:
    assert parse_time(text) == datetime(2026, 11, 22, 10, tzinfo=UTC)


@given(runs, statuses)
def test_the_manifest_is_json_and_has_the_same_keys_for_everybody(run: ImportRun, status: ImportStatus) -> None:
    result = json.loads(json.dumps(manifest(run, status), allow_nan=False))

    assert list(result) == [
        "vendor",
        "state",
        "vendor_status",
        "run",
        "sendings",
        "counts",
        "rejected",
        "auto_created",
        "written",
        "sent",
        "unaccounted",
        "message",
        "errors",
        "error",
        "started_at",
        "finished_at",
        "url",
    ]
    assert result["rejected"] == status.counts.rejected
