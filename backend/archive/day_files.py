"""The archive files, one a UTC day, as their one writer holds them: all open, and what is in them found by key.
What a merge makes of them is `merge`'s matter."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from backend.archive.archive_file import ArchiveFile, open_archives
from backend.archive.blocks import Key
from backend.archive.files import locked, write_atomically
from backend.archive.history import History
from backend.archive.merge import layout_is_due


class DayFiles:
    """The open archive files of a directory, newest first; none before the first `open`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: dict[Path, ArchiveFile] = {}
        self._history = History([], [])

    def __iter__(self) -> Iterator[ArchiveFile]:
        return iter(list(self._files.values()))

    def open(self, *, checked: bool = False) -> None:
        """Open what is new in the directory, and close what is gone. `checked` is as in ArchiveFile. Raises
        OSError."""
        self._files = open_archives(self._directory, self._files, checked=checked)
        self._history = History(self._files.values(), [])

    def close(self) -> None:
        """Close all."""
        for file in self:
            file.release()
        self._files = {}

    def known(self, keys: Iterable[Key]) -> set[Key]:
        """Those of some keys whose tasks are in the files."""
        return self._history.known(keys)

    def hold(self, key: Key) -> bool:
        """Whether the task with this key is in one of the files."""
        return self._history.find(key) is not None

    def want_merging(self, days: list[int]) -> bool:
        """Whether they are other than they are to be, with these days (UNIX seconds) kept."""
        files = list(self)
        return layout_is_due(files, days) or any(
            file.damage or not (file.copyable or not file.blocks) for file in files
        )

    def remove_doubles(self) -> None:
        """Of a file that stands there plain and compressed, as after a crash, keep the whole one. Raises
        OSError."""
        for file in self:
            plain = file.path.with_suffix("")
            if file.path.suffix == ".zst" and plain.is_file():
                (file.path if file.damage else plain).unlink()
        self.open()

    def lacking(self, days: list[int]) -> list[int]:
        """Those of these days (UNIX seconds) that are before the oldest file: at the first start, with more days
        to keep, after a clock that was ahead."""
        oldest = min((file.start for file in self), default=None)
        return [day for day in days if oldest is None or day < oldest]

    def begin(self, days: list[int]) -> None:
        """Make the files of these days (UNIX seconds), empty. Raises OSError or CacheError."""
        with locked(self._directory, exclusive=True):
            for day in days:
                write_atomically(self._directory / f"archive.{day}", b"")
        self.open()
