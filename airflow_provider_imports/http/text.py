"""What may be told of a vendor's text: one line of bounded length, without a character that hides something."""

from __future__ import annotations

#: Characters of a vendor's text that are kept, wherever it stands.
LONGEST_TEXT = 500
#: Stands where a secret stood.
MASK = "***"
_CUT = "…"


def cut(text: str, longest: int = LONGEST_TEXT) -> str:
    """As much of a text as has room in so many characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}{_CUT}"


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    r"""
    Cut a text, then write what a log, a database or a terminal can't take as Python does (``\n``, ``\x00``,
    ``\u202e``): control, bidi and other invisible characters, half surrogate pairs, line breaks.

    So each of them stays visible, and no identifier turns into another valid one: see :func:`is_whole`.
    """
    text = cut(text, longest)
    return text if text.isprintable() else cut(repr(text)[1:-1].replace("\\'", "'"), longest)


def is_whole(text: str) -> bool:
    """Say whether a text is told as it was; an identifier in which something was cut, written or masked is useless."""
    return not text.endswith(_CUT) and "\\" not in text and MASK not in text
