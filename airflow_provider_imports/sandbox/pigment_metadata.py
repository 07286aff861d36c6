"""The applications, blocks and import configurations of the stand-in of Pigment, as its metadata API lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

UPLOAD_CONFIGURATION_ID = "33d0d7d0-6125-47c4-b36a-882f4ed53b33"
"""Import configuration of the kind *Upload file*: for ``push/csv``."""
SECOND_UPLOAD_CONFIGURATION_ID = "5a1f0c56-3c70-4b6e-9a57-1d4f7e0c2b11"
"""One more of that kind: pushes are limited for each configuration apart. Its name occurs twice."""
INTEGRATION_CONFIGURATION_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
"""Import configuration of the kind *Integration*: for ``trigger``."""
FAILING_CONFIGURATION_ID = "0d9b7a3e-52f4-4f0a-8a6b-6f6d2c1e9f00"
"""An *Integration* whose every import fails."""

UPLOAD, INTEGRATION = "Upload file", "Integration"
DIMENSION_LIST, METRIC, TABLE = "DimensionList", "Metric", "Table"


@dataclass(frozen=True)
class PigmentBlock:
    """A block of an application; ``type`` is a word of Pigment's."""

    name: str
    application: str
    type: str


@dataclass(frozen=True)
class PigmentConfiguration:
    """An import configuration of a block."""

    name: str
    block: str
    kind: str


APPLICATION_ID = "c4b1d2e3-0f5a-4e6b-8c7d-9a0b1c2d3e4f"
SECOND_APPLICATION_ID = "d5c2e3f4-1a6b-4f7c-9d8e-0b1c2d3e4f5a"
APPLICATIONS: Mapping[str, str] = {APPLICATION_ID: "Sales", SECOND_APPLICATION_ID: "Workforce"}

BLOCK_ID = "b3f1c9a2-6d2e-4a57-8f0e-2c9d1e7a4b66"
METRIC_BLOCK_ID = "e6d3f4a5-2b7c-4a8d-8e9f-1c2d3e4f5a6b"
TABLE_BLOCK_ID = "f7e4a5b6-3c8d-4b9e-9fa0-2d3e4f5a6b7c"
SECOND_METRIC_BLOCK_ID = "a8f5b6c7-4d9e-4caf-8ab1-3e4f5a6b7c8d"
BLOCKS: Mapping[str, PigmentBlock] = {
    BLOCK_ID: PigmentBlock("Customers", APPLICATION_ID, DIMENSION_LIST),
    METRIC_BLOCK_ID: PigmentBlock("Revenue", APPLICATION_ID, METRIC),
    TABLE_BLOCK_ID: PigmentBlock("Overview", APPLICATION_ID, TABLE),
    SECOND_METRIC_BLOCK_ID: PigmentBlock("Headcount", SECOND_APPLICATION_ID, METRIC),
}
SCENARIO_ID = "19a6c7d8-5eaf-4db0-9bc2-4f5a6b7c8d9e"
"""The scenario into which imports of metrics go."""

CONFIGURATIONS: Mapping[str, PigmentConfiguration] = {
    UPLOAD_CONFIGURATION_ID: PigmentConfiguration("Customer list", BLOCK_ID, UPLOAD),
    SECOND_UPLOAD_CONFIGURATION_ID: PigmentConfiguration("Sales plan", METRIC_BLOCK_ID, UPLOAD),
    INTEGRATION_CONFIGURATION_ID: PigmentConfiguration("Sales plan", SECOND_METRIC_BLOCK_ID, INTEGRATION),
    FAILING_CONFIGURATION_ID: PigmentConfiguration("Broken load", BLOCK_ID, INTEGRATION),
}


def shown_applications() -> list[dict[str, str]]:
    """Return all applications."""
    return [{"id": each, "name": name} for each, name in APPLICATIONS.items()]


def shown_blocks(application: str) -> list[dict[str, str]]:
    """Return the blocks of an application; none if there is no such application."""
    found = ((each, block) for each, block in BLOCKS.items() if block.application == application)
    return [{"id": each, "name": block.name, "type": block.type} for each, block in found]


def shown_configurations(application: str, block: str) -> list[dict[str, str]]:
    """Return the import configurations of a block of an application; none for a table, as at Pigment."""
    if block not in BLOCKS or BLOCKS[block].application != application:
        return []
    return [{"id": each, "name": one.name} for each, one in CONFIGURATIONS.items() if one.block == block]
