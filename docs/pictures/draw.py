"""Draw a sequence of messages from a text file, as SVG: ``python docs/pictures/draw.py`` (``make plots``).

``lanes:`` names the columns; ``1 -> 3: words`` is a message from the first to the third; ``fault 1: words`` is what
may go wrong there and what then happens.
"""

from __future__ import annotations

import re
import sys
import textwrap
from html import escape
from pathlib import Path

FOLDER = Path(__file__).parent
STATIC = FOLDER.parent / "_static"
LANE, LEFT, TOP, STEP, LINE = 250, 130, 78, 44, 15
INK, QUIET, RED = "#1f2933", "#7b8794", "#b42318"
CHARACTERS = 54
"""Of a line of a fault's words."""


def drawing(text: str) -> str:
    """The SVG that a text describes."""
    head, *lines = [line for line in text.splitlines() if line.strip()]
    lanes = [name.strip() for name in head.removeprefix("lanes:").split("|")]
    width = LEFT * 2 + LANE * (len(lanes) - 1)
    shapes: list[str] = []
    y = TOP
    for line in lines:
        y += STEP
        if match := re.fullmatch(r"fault (\d): (.*)", line):
            y += _fault(shapes, _x(match[1]), y, match[2])
        elif match := re.fullmatch(r"(\d) -> (\d): (.*)", line):
            _message(shapes, _x(match[1]), _x(match[2]), y, match[3])
        else:
            raise ValueError(f"not a message and not a fault: {line}")
    height = y + STEP
    columns = [_lane(name, _x(str(number)), height) for number, name in enumerate(lanes, 1)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            f' font-family="Helvetica, Arial, sans-serif" font-size="13" role="img">',
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            *columns,
            *shapes,
            "</svg>\n",
        ]
    )


def _x(lane: str) -> int:
    return LEFT + (int(lane) - 1) * LANE


def _lane(name: str, x: int, height: int) -> str:
    return (
        f'<rect x="{x - 95}" y="20" width="190" height="36" rx="6" fill="#e6f0fa" stroke="#2f6db3"/>'
        f'<text x="{x}" y="43" text-anchor="middle" font-weight="bold" fill="{INK}">{escape(name)}</text>'
        f'<line x1="{x}" y1="56" x2="{x}" y2="{height - 14}" stroke="{QUIET}" stroke-dasharray="3 4"/>'
    )


def _message(shapes: list[str], start: int, end: int, y: int, words: str) -> None:
    if start == end:
        shapes.append(f'<circle cx="{start}" cy="{y - 4}" r="5" fill="{INK}"/>{_words(start + 14, y, words, INK)}')
        return
    towards = 1 if end > start else -1
    tip = end - towards * 9
    shapes.append(
        f'<line x1="{start}" y1="{y}" x2="{tip}" y2="{y}" stroke="{INK}" stroke-width="1.5"/>'
        f'<polygon points="{end},{y} {tip},{y - 5} {tip},{y + 5}" fill="{INK}"/>'
        + _words(min(start, end) + 12, y - 7, words, INK)
    )


def _fault(shapes: list[str], x: int, y: int, words: str) -> int:
    """Draw it, and return by how much it is higher than a message."""
    lines = textwrap.wrap(words, CHARACTERS)
    is_last = x > LEFT + 2 * LANE
    left = x - 14 - CHARACTERS * 7 if is_last else x + 14
    box_height = 12 + LINE * len(lines)
    shapes.append(
        f'<rect x="{left}" y="{y - 22}" width="{CHARACTERS * 7}" height="{box_height}" rx="4" fill="#fdecea"'
        f' stroke="{RED}"/><path d="M{x - 6} {y - 18}l12 12m0 -12l-12 12" stroke="{RED}" stroke-width="2.5"/>'
        + "".join(_words(left + 10, y - 5 + number * LINE, line, RED) for number, line in enumerate(lines))
    )
    return box_height - STEP + 24


def _words(x: int, y: int, words: str, colour: str) -> str:
    outline = 'stroke="#ffffff" stroke-width="4" paint-order="stroke"' if colour == INK else ""
    return f'<text x="{x}" y="{y}" fill="{colour}" {outline}>{escape(words)}</text>'


def main() -> int:
    """Draw every picture, and return the exit code."""
    for source in FOLDER.glob("*.txt"):
        (STATIC / f"{source.stem}.svg").write_text(drawing(source.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
