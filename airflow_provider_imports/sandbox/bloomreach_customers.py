"""What a client asks of one customer at the stand-in of Bloomreach Engagement."""

from __future__ import annotations

from typing import Any, NamedTuple


class Question(NamedTuple):
    """Whose columns are asked for, and which."""

    ids: dict[str, str]
    columns: list[str]

    @classmethod
    def of(cls, sent: Any) -> Question:
        """
        Read the body of ``customers/attributes``: properties and ids, the other kinds are not here.

        :raises ValueError: what is wrong with it.
        """
        ids, attributes = (sent.get("customer_ids"), sent.get("attributes")) if isinstance(sent, dict) else (None, None)
        if not isinstance(ids, dict) or not ids or not all(isinstance(each, str) and each for each in ids.values()):
            raise ValueError("At least one valid id should be specified")
        if not isinstance(attributes, list) or not attributes:
            raise ValueError("attributes: Missing data for required field.")
        return cls(ids, [_column(each) for each in attributes])


def _column(attribute: Any) -> str:
    kind = attribute.get("type") if isinstance(attribute, dict) else None
    name = attribute.get(kind) if kind in ("property", "id") else None
    if not isinstance(name, str):
        raise ValueError(f"attributes: {attribute!r} is not a property or id.")
    return name
