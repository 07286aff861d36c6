"""One import at the stand-in of Pigment: its status, and its report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.sandbox.pigment_metadata import (
    BLOCK_ID,
    BLOCKS,
    CONFIGURATIONS,
    FAILING_CONFIGURATION_ID,
    METRIC,
    SCENARIO_ID,
)
from airflow_provider_imports.sandbox.progress import Progress, iso

if TYPE_CHECKING:
    from airflow_provider_imports.sandbox.records import CsvRecords

FAIL_COLUMN = "__fail__"


@dataclass
class PigmentImport:
    """One import. ``rows`` are true counts; Pigment tells them only at the end."""

    id: str
    configuration_id: str
    progress: Progress
    rows: CsvRecords
    auto_created: int
    unknown_items: int

    @property
    def fails(self) -> bool:
        """Whether it was made to fail."""
        return FAIL_COLUMN in self.rows.fields or self.configuration_id == FAILING_CONFIGURATION_ID

    @property
    def status(self) -> str:
        """Pigment's word for the state."""
        if self.progress.fraction < 1:
            return "InProgress"
        return "Failed" if self.fails else "Completed"

    def report(self, detailed: bool) -> dict[str, Any]:
        """Return the ``ApiImportReportDto``."""
        ended_at = self.progress.ended_at
        errors = [{"name": "SandboxFailure", "description": f"the import was made to fail ({FAIL_COLUMN})"}]
        return {
            "importId": self.id,
            "createdAt": iso(self.progress.began),
            "completedAt": None if ended_at is None else iso(ended_at),
            "importStatus": self.status,
            "errorsDetails": errors if self.status == "Failed" else None,
            "detailedReport": self._details() if detailed and self.status == "Completed" else None,
        }

    def _details(self) -> dict[str, Any]:
        rows = self.rows
        unknown = min(self.unknown_items, rows.total - rows.failed)
        skipped = [
            {"count": rows.failed, "reason": "ParsingError", "sourceColumnName": None, "samples": rows.samples},
            {
                "count": unknown,
                "reason": "MissingModalitySkippedDataRow",
                "sourceColumnName": "Country",
                "samples": ["Atlantis"],
            },
        ]
        counts = {"insertedCount": rows.total - rows.failed - unknown, "updatedCount": 0, "deletedCount": 0}
        block_id = CONFIGURATIONS[self.configuration_id].block if self.configuration_id in CONFIGURATIONS else BLOCK_ID
        is_metric = BLOCKS[block_id].type == METRIC
        created = [{"blockId": BLOCK_ID, "count": self.auto_created}] if self.auto_created else []
        block = {
            "blockId": block_id,
            "scenarioId": SCENARIO_ID if is_metric else None,
            **counts,
            "skippedData": [each for each in skipped if each["count"]],
        }
        return {
            "blockType": "Metric" if is_metric else "List",
            "summary": {**counts, "skippedCount": rows.failed + unknown},
            "impactedBlocks": [block],
            "autoCreatedDimensionModalities": created,
        }
