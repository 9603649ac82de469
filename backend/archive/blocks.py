"""What an archive file is made of: blocks of tasks that lie together, and what is damaged of it."""

from typing import NamedTuple

Key = tuple[int, str]
"""What tasks are ordered by (`Task.key`)."""


class Block(NamedTuple):
    """Some tasks that lie together: where (bytes), how many, the keys of the first and the last of them, and how
    many tasks lie before it in its file (`row`)."""

    offset: int
    size: int
    content_size: int
    tasks: int
    first: Key
    last: Key
    row: int


class Damage(NamedTuple):
    """What of a file cannot be read: `since` and `until` bound the start times of the tasks lost (UNIX seconds,
    None where the file's end is the bound)."""

    name: str
    what: str
    since: int | None
    until: int | None

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"
