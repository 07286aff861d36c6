"""How careless vendors write a credential that they were sent, and whether it can be read again."""

from __future__ import annotations

import html
import json
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from html.entities import codepoint2name
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Passwords of several alphabets.
PASSWORDS = (
    "S3cr'et+P<w>&d\"x/ä!(1)",
    "correct horse battery staple",
    "a%2Fb&amp;c\\u0041d\\ne",
    "пароль-для-импорта",
    "密码是长长的秘密的话",
    "glpat-Ab_cD3+/fGh==",
    "🔑 key of the shop €",
    "aaaaaaaaaaaa",
)
#: Who logs in with them.
LOGIN = "importer@example.com"


def units(text: str) -> Iterator[int]:
    """A text's units of UTF-16, as JSON escapes them."""
    data = text.encode("utf-16-be")
    return (int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))


def escaped(text: str, chosen: str, form: Callable[[str], str]) -> str:
    """A text with these characters, or all that are not ASCII, in another form."""
    return "".join(form(one) if one in chosen or not one.isascii() else one for one in text)


def js(text: str, case: str = "x") -> str:
    """Each character as JSON may escape it."""
    return "".join(f"\\u{unit:04{case}}" for unit in units(text))


def _named(one: str) -> str:
    return f"&{codepoint2name[ord(one)]};" if ord(one) in codepoint2name else f"&#{ord(one)};"


def _latin(text: str) -> bytes:
    """A text in Latin-1, where it has a place there."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


#: From a text to what stands in the vendor's page, message or JSON.
WRITERS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "JSON of Python": lambda text: json.dumps(text)[1:-1],
    "JSON of Node": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON of Go": lambda text: escaped(json.dumps(text, ensure_ascii=False)[1:-1], "<>&", js),
    "JSON of .NET": lambda text: escaped(text.replace("\\", "\\\\"), "<>&'\"+`", lambda one: js(one, "X")),
    "JSON of Gson": lambda text: escaped(text.replace("\\", "\\\\"), "<>&'\"=", js),
    "JSON with every character escaped": js,
    "HTML of Python": html.escape,
    "HTML of PHP": lambda text: html.escape(text).replace("&#x27;", "&#039;"),
    "HTML of Go": lambda text: html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "HTML of angles and ampersands": lambda text: html.escape(text, quote=False),
    "HTML of XML": lambda text: html.escape(text).replace("&#x27;", "&apos;"),
    "HTML with names": lambda text: escaped(html.escape(text), "", _named),
    "HTML with numbers": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "HTML with hexadecimal numbers": lambda text: "".join(f"&#x{ord(one):x};" for one in text),
    "HTML with capital hexadecimal numbers": lambda text: "".join(f"&#X{ord(one):X};" for one in text),
    "HTML without semicolons": lambda text: "".join(f"&#{ord(one)}" for one in text),
    "HTML with leading zeros": lambda text: "".join(f"&#{ord(one):07d};" for one in text),
    "percent": lambda text: quote(text, safe=""),
    "percent of a form": quote_plus,
    "percent of encodeURIComponent": lambda text: quote(text, safe="!~*'()"),
    "percent of a path": quote,
    "percent in lower case": lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
    "percent of every byte": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "percent of Latin-1": lambda text: quote(_latin(text), safe=""),
    "percent of escape()": lambda text: escaped(
        quote(text, safe="!-~äöü"), "", lambda one: "".join(f"%u{unit:04X}" for unit in units(one))
    ),
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64 of the pair": lambda text: b64encode(f"{LOGIN}:{text}".encode()).decode(),
    "base64 of the key alone": lambda text: b64encode(f"{text}:".encode()).decode(),
    "base64 for addresses": lambda text: urlsafe_b64encode(f"?{text}?".encode()).decode(),
    "base64 in the middle of more": lambda text: b64encode(f'{{"a": "{text}", "b": 1}}'.encode()).decode(),
    "base64 in lines": lambda text: re.sub("(.{7})", r"\1\r\n", b64encode(f"{LOGIN}:{text}".encode()).decode()),
    "base64 of UTF-16": lambda text: b64encode(text.encode("utf-16-le")).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "two lines": lambda text: f"{text[: len(text) // 2]}\r\n {text[len(text) // 2 :]}",
    "two headers": lambda text: f"{text[: len(text) // 2]}, {text[len(text) // 2 :]}",
    "NULs in between": lambda text: "\0".join(text),
    "UTF-8 taken for Latin-1": lambda text: text.encode().decode("latin-1"),
}

#: Those that put something between the characters: a vendor does that before it escapes anything.
SPLITTERS = {"two lines", "two headers", "NULs in between"}

#: Those that write once more what is written already.
SECOND_WRITERS = ("as it is", "JSON of Python", "JSON of .NET", "HTML of PHP", "HTML with numbers", "percent", "base64")


def spelt(text: str, *writers: str) -> str:
    """A text as it comes out of one writer after the other."""
    for writer in writers:
        text = WRITERS[writer](text)
    return text


def may_be_read(told: str, password: str) -> bool:
    """Say whether somebody who reads this, and decodes what looks encoded, finds the password."""
    seen: set[str] = set()
    layer = {told}
    for _ in range(4):
        for text in layer:
            if password in text or _squeezed(password) in _squeezed(text):
                return True
        seen |= layer
        layer = {text for one in layer for text in _read(one)} - seen
    return False


def _squeezed(text: str) -> str:
    return re.sub(r"\\x00|[\s\x00,+]", "", text)


def _read(text: str) -> Iterator[str]:
    yield html.unescape(text)
    yield unquote(text)
    yield unquote_plus(text)
    yield re.sub(r"%u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), unquote(text, "latin-1"))
    unescaped = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    yield unescaped.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    yield re.sub(r"\\(.)", r"\1", unescaped.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    if not text.isascii():
        yield text.encode("latin-1", "ignore").decode("utf-8", "ignore")
    for token in re.findall(r"[A-Za-z0-9+/_-]{8,}={0,2}", re.sub(r"\\r\\n|\s", "", text)):
        data = _of_base64(token.replace("-", "+").replace("_", "/"))
        yield data.decode("utf-8", "ignore")
        yield data.decode("utf-16-le", "ignore")
    for token in re.findall(r"(?:[0-9a-f]{2}){4,}", text):
        yield bytes.fromhex(token).decode("utf-8", "ignore")


def _of_base64(token: str) -> bytes:
    token = token.rstrip("=")
    return b64decode((token[:-1] if len(token) % 4 == 1 else token) + "===")
