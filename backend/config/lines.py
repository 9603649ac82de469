"""On which line of a TOML text a key stands. tomllib does not tell, so this finds the lines that begin a table or
a key: exact for the way people write; for any other, the nearest table or the first line has to do."""

import re
import tomllib

HEADER = re.compile(r"\s*\[{1,2}(?P<path>[^\[\]]+)\]{1,2}\s*(?:#.*)?")
"""A line that begins a table, whose name is the group `path`."""
_KEY = re.compile(r"""\s*(?P<path>(?:[A-Za-z0-9_\-.\s]|"[^"]*"|'[^']*')+?)\s*=""")


class KeyLines:
    """Where the keys and tables of a TOML text stand."""

    def __init__(self, text: str) -> None:
        self._text = text.split("\n")
        self._lines: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        for number, line in enumerate(self._text, 1):
            header = HEADER.fullmatch(line.rstrip("\r"))
            if header is not None:
                table = read_path(header["path"]) or table
                self._lines.setdefault(table, number)
                continue
            key = _KEY.match(line)
            if key is not None:
                path = read_path(key["path"])
                for length in range(1, len(path) + 1):
                    self._lines.setdefault(table + path[:length], number)

    def find(self, path: tuple[str, ...], content: str | None = None) -> int:
        """The line (from 1) of a key, or of the nearest table above it; with `content`, the first line of the
        same value that contains it."""
        while path and path not in self._lines:
            path = path[:-1]
        line = self._lines.get(path, 1)
        if content:
            end = min((other for other in self._lines.values() if other > line), default=len(self._text) + 1)
            for number in range(line, end):
                if content in self._text[number - 1]:
                    return number
        return line


def read_path(text: str) -> tuple[str, ...]:
    """The parts of a dotted key; none if it is no key."""
    try:
        value = tomllib.loads(f"{text} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    parts: list[str] = []
    while isinstance(value, dict):
        ((key, value),) = value.items()
        parts.append(key)
    return tuple(parts)
