"""
What Pigment reports of an import: its state, its counts, and what became of each block.

Source: ``ApiImportReportDto`` of Pigment's OpenAPI document ("Pigment External API", ``v1-external``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_imports.counts import counted
from airflow_provider_imports.http.call import UnreadableAnswerError
from airflow_provider_imports.http.text import cut
from airflow_provider_imports.json_values import parse_time, read_count, read_text
from airflow_provider_imports.models import Counts, ImportState, ImportStatus, state_of

STATES = {
    "InProgress": ImportState.RUNNING,
    "Completed": ImportState.SUCCEEDED,
    "Failed": ImportState.FAILED,
}
#: Error details and reasons of skipped rows that are kept, and blocks that are told.
MOST_ERRORS = 20
MOST_BLOCKS = 20
MOST_SAMPLES = 3
LONGEST_SAMPLE = 80
LONGEST_LINE = 400


def read_status(report: Mapping[str, Any]) -> ImportStatus:
    """
    Read an ``ApiImportReportDto``.

    :raises UnreadableAnswerError: if it has no ``importStatus``
    """
    word = report.get("importStatus")
    if not isinstance(word, str):
        raise UnreadableAnswerError("the answer has no importStatus")
    state, doubt = state_of(word, STATES)
    errors = _errors(report)
    status = ImportStatus(
        state,
        word,
        message=doubt or "; ".join(errors[:MOST_SAMPLES]) or None,
        errors=tuple(errors),
        started_at=parse_time(report.get("createdAt")),
        finished_at=parse_time(report.get("completedAt")),
    )
    details = _object(report.get("detailedReport"))
    return _in_detail(status, details) if details else status


def _in_detail(status: ImportStatus, details: Mapping[str, Any]) -> ImportStatus:
    created = _created_items(details)
    numbers = [read_count(one.get("count")) for one in created]
    return status._replace(
        counts=_counts(_object(details.get("summary"))),
        errors=(*status.errors, *map(_created, created), *_skipped_rows(details))[:MOST_ERRORS],
        details=tuple(_blocks(details)),
        auto_created=_sum(numbers) if "autoCreatedDimensionModalities" in details else None,
        written=_written(details),
    )


def _errors(report: Mapping[str, Any]) -> list[str]:
    told = _objects(report.get("errorsDetails"))[:MOST_ERRORS]
    if not told:  # as in nearly every look; the rest would take a tenth of the time to read a status
        return []
    parts = [(one.get("name"), one.get("description")) for one in told]
    lines = (": ".join(filter(None, map(read_text, pair))) for pair in parts)
    return [cut(line, LONGEST_LINE) for line in lines if line]


def _skipped_rows(details: Mapping[str, Any]) -> list[str]:
    blocks = _objects(details.get("impactedBlocks"))
    return [_skipped_row(skipped, _where(block)) for block in blocks for skipped in _objects(block.get("skippedData"))]


def _skipped_row(skipped: Mapping[str, Any], where: str) -> str:
    """Tell one reason: ``2 rows skipped in block b3f1…: ParsingError in column 'Amount', for instance '12,5O'``."""
    column, samples = skipped.get("sourceColumnName"), skipped.get("samples")
    shown = [_short(one) for one in samples[:MOST_SAMPLES]] if isinstance(samples, list) else []
    return (
        f"{_number_of(skipped, 'row')} skipped{f' in {where}' if where else ''}: "
        f"{_short(skipped.get('reason') or 'no reason given')}"
        + (f" in column {_short(column)!r}" if column else "")
        + (f", for instance {', '.join(map(repr, shown))}" if shown else "")
    )


def _created_items(details: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The dimensions in which the import created items by itself, since the data named some that did not exist."""
    return [one for one in _objects(details.get("autoCreatedDimensionModalities")) if one.get("count") != 0]


def _created(item: Mapping[str, Any]) -> str:
    it, was = ("it", "it was") if item.get("count") == 1 else ("them", "they were")
    where = _short(item.get("blockId"))
    return f"{_number_of(item, 'item')} created in dimension {where}: the data names {it}, and {was} not there"


def _sum(numbers: list[int | None]) -> int | None:
    """All together; None if one of them is not known."""
    return None if None in numbers else sum(filter(None, numbers))


def _blocks(details: Mapping[str, Any]) -> list[str]:
    """Tell each block: ``List block b3f1…: 120 inserted, 30 updated, 0 deleted, 3 skipped``."""
    kind, blocks = details.get("blockType"), _objects(details.get("impactedBlocks"))
    prefix = f"{_short(kind)} " if kind else ""
    lines = [f"{prefix}{_where(block) or 'block'}: {_block_counts(block)}" for block in blocks[:MOST_BLOCKS]]
    more = len(blocks) - MOST_BLOCKS
    return [*lines, f"... and {counted(more, 'more block')}"] if more > 0 else lines


def _written(details: Mapping[str, Any]) -> dict[str, int | None]:
    """Rows that got into each block, over all its scenarios; None if one of the numbers is not known."""
    found: dict[str, list[int | None]] = {}
    for block in _objects(details.get("impactedBlocks"))[:MOST_BLOCKS]:
        if name := block.get("blockId"):
            found.setdefault(f"blocks/{_short(name)}", []).append(_block_counts(block).arrived)
    return {name: _sum(rows) for name, rows in found.items()}


def _block_counts(block: Mapping[str, Any]) -> Counts:
    skipped = [read_count(one.get("count")) for one in _objects(block.get("skippedData"))]
    known = isinstance(block.get("skippedData"), list) and None not in skipped
    return _counts(block)._replace(skipped=sum(filter(None, skipped)) if known else None)


def _where(block: Mapping[str, Any]) -> str:
    """``block b3f1…, scenario 9a0c…``: as Pigment identifies them; it reports no names."""
    named = {"block": block.get("blockId"), "scenario": block.get("scenarioId")}
    return ", ".join(f"{kind} {_short(name)}" for kind, name in named.items() if name)


def _number_of(item: Mapping[str, Any], what: str) -> str:
    count = read_count(item.get("count"))
    return f"{what}s" if count is None else counted(count, what)


def _short(value: object) -> str:
    return cut(read_text(value), LONGEST_SAMPLE)


def _counts(summary: Mapping[str, Any]) -> Counts:
    return Counts(
        inserted=read_count(summary.get("insertedCount")),
        updated=read_count(summary.get("updatedCount")),
        deleted=read_count(summary.get("deletedCount")),
        skipped=read_count(summary.get("skippedCount")),
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
