"""What may be told of a vendor's text: one line of bounded length, without a character that hides something."""

from __future__ import annotations

from unicodedata import category

#: Characters of a vendor's text that are kept, wherever it stands.
LONGEST_TEXT = 500
#: Stands for a character that was replaced: a control or bidi character, half of a surrogate pair.
REPLACED = "\ufffd"
_CUT = "…"
#: What people understand is not merely replaced. None of these signs stands in an identifier.
_SHOWN = {"\t": "⇥", "\n": "⏎", "\r": "⏎", "\u2028": "⏎", "\u2029": "⏎"}
_BLANK = "␣"
_SIGNS = frozenset({REPLACED, _BLANK, *_SHOWN.values()})


def cut(text: str, longest: int = LONGEST_TEXT) -> str:
    """As much of a text as has room in so many characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}{_CUT}"


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    """
    Cut a text, then replace what a log, a database or a terminal can't take: control, bidi and other invisible
    characters, half surrogate pairs, NUL, line breaks.

    Each leaves a sign in its place, so that no identifier turns into another valid one: see :func:`is_whole`.
    """
    text = cut(text, longest)
    return text if text.isprintable() else "".join(map(_shown, text.replace("\r\n", "\n")))


def is_whole(text: str) -> bool:
    """Say whether :func:`clean` left a text as it was; an identifier of which it did not is useless."""
    return not text.endswith(_CUT) and _SIGNS.isdisjoint(text)


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return _SHOWN.get(character) or (_BLANK if category(character) == "Zs" else REPLACED)
