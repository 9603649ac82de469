"""Text that came from a remote, mended and made safe to print on a terminal."""

import re

# What a terminal obeys, reorders or hides rather than shows: C0, DEL, C1, soft hyphen, zero-width and bidi
# controls, line and paragraph separators, invisible operators, blank letters, BOM, interlinear, shorthand, musical
# and tag controls, surrogates.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
# Between JSON's values these are no text of anybody's, and within them JSON has them escaped already.
_JSON_SPACE = frozenset("\t\n\r")


def safe(text: str) -> str:
    """The text with each character that could steer a terminal replaced by one that shows where it stood:
    control pictures for C0 and DEL (`␛`), `�` for the rest. Harmless text comes back unchanged."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(_picture, text)


def safe_line(line: str) -> str:
    """The same for a line of text, in which tabs may stay."""
    return safe(line) if "\t" not in line else "\t".join(map(safe, line.split("\t")))


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def escape_json(text: str) -> str:
    r"""JSON text in which everything that could steer a terminal stands as `\uXXXX`: the same value, safe to
    print. White space between the values stays."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _UNSAFE.sub(lambda match: match[0] if match[0] in _JSON_SPACE else _json_escape(match[0]), text)


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i] << 8 | units[i + 1]:04x}" for i in range(0, len(units), 2))


def repair_latin1(text: str) -> str:
    """UTF-8 that PVE handed out as Latin-1 (`GerÃ¤t`), read right again; any other text is kept as it is."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def counted(number: int, noun: str) -> str:
    """A count and its noun: `1 node`, `1,000 nodes`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
