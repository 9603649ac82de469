"""One table of a TOML configuration, read key by key: types checked, unknown keys refused, errors with a line."""

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from backend.config.lines import KeyLines
from backend.config.model import ConfigError

T = TypeVar("T")

_NAMES: dict[type, str] = {
    str: "a text in quotes",
    int: "a whole number",
    float: "a whole number",
    bool: "a text or number",
    list: "a list in [ ]",
    dict: "a table",
}


class Table:
    """A table at `path` within the file."""

    def __init__(self, file: Path, lines: KeyLines, path: tuple[str, ...], content: dict[str, Any]) -> None:
        self.file = file
        self.path = path
        self.content = content
        self._lines = lines

    def error(self, words: str, *key: str, content: str | None = None) -> ConfigError:
        """The error for a key of this table, or for the table."""
        return ConfigError(f"{self.where(*key, content=content)}: {words}")

    def where(self, *key: str, content: str | None = None) -> str:
        """`FILE:LINE` of a key of this table, or of the table; with `content`, of the line of it that has that."""
        return f"{self.file}:{self._lines.find((*self.path, *key), content)}"

    def allow(self, *keys: str) -> None:
        """Refuse any other key."""
        for key in self.content:
            if key not in keys:
                guess = get_close_matches(key, keys, n=1)
                hint = f"did you mean {guess[0]}?" if guess else f"expected {', '.join(keys)}"
                raise self.error(f"unknown {'key' if self.path else 'section'} {key!r}; {hint}", key)

    def get(self, key: str, kind: type[T]) -> T | None:
        """The value of a key, None where it is not given."""
        value = self.content.get(key)
        if value is None:
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.error(f"{key}: expected {_NAMES[kind]}", key)
        return value

    def read(self, key: str, reader: Callable[[str], T]) -> T | None:
        """The text of a key, read by a function that raises ValueError in words."""
        text = self.get(key, str)
        if text is None:
            return None
        try:
            return reader(text)
        except ValueError as error:
            raise self.error(f"{key}: {error}", key) from None

    def table(self, key: str) -> "Table":
        """The table within this one, empty where it is not given."""
        content: dict[str, Any] | None = self.get(key, dict)
        return Table(self.file, self._lines, (*self.path, key), content or {})
