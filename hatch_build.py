"""
What the build adds to the metadata: the README as the wheel's page shows it.

Links into the repository lead nowhere there. With ``repository_url`` in ``pyproject.toml`` they become addresses;
without one, as long as nothing is published, their words stay and say which file is meant, and pictures are left out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_IMAGE = re.compile(r"!\[[^\]]*\]\((?![a-z]+:)[^)]+\)\n+")
_LINK = re.compile(r"\[([^\]]+)\]\((?![a-z]+:|#)([^)]+)\)")


class ReadmeHook(MetadataHookInterface):
    """Sets ``readme``, which is dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Read the README, and make its links independent of where it is shown."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        shown = with_links_that_lead_somewhere(text, self.config.get("repository_url", ""))
        metadata["readme"] = {"content-type": "text/markdown", "text": shown}


def with_links_that_lead_somewhere(text: str, repository_url: str) -> str:
    """
    Replace each link to a file of the repository, and each picture of it.

    :param repository_url: address of a folder with the repository's files; empty if there is none yet
    """
    if repository_url:
        return _LINK.sub(rf"[\1]({repository_url.rstrip('/')}/\2)", text)
    return _LINK.sub(r"\1 (`\2`)", _IMAGE.sub("", text))
