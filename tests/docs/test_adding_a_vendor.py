"""docs/adding-a-vendor.rst shows the example of a vendor from outside; tests/distribution/ runs it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-a-vendor.rst"


def test_the_page_shows_every_file_of_the_example() -> None:
    example = ROOT / "example_vendor"
    files = {str(path.relative_to(example)) for path in (example / "airflow_provider_harbor").rglob("*.py")}
    shown = set(re.findall(r"literalinclude:: ../example_vendor/(\S+)", PAGE.read_text()))

    assert files - shown == {"airflow_provider_harbor/__init__.py", "airflow_provider_harbor/in_data/__init__.py"}
    assert shown - files == {"pyproject.toml", "tests/test_harbor.py"}
