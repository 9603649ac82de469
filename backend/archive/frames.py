"""The form of a compressed archive file: blocks of lines, each a zstd frame by itself, a seek table behind them
in the zstd seekable format (zstd/contrib/seekable_format). Any zstd tool reads the whole; we read one frame."""

import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from backend.archive import zstd
from backend.archive.lines import encode_all
from backend.task import Task

FRAME_TASKS = 512
"""Tasks a frame, at most."""
MAX_CONTENT = 1 << 30
"""Bytes a frame may unpack to: PDM's files are one frame a day, and a hostile one could unpack without end."""

_SKIPPABLE = 0x184D2A5E
_SEEKABLE = 0x8F92EAB1
_FOOTER = struct.Struct("<IBI")
_ENTRY = struct.Struct("<II")
_HEADER = struct.Struct("<II")

Extent = tuple[int, int]
"""Where a frame lies: its offset and size, in bytes."""


class FrameWriter:
    """Writes a compressed archive file, frame by frame; `close` adds the seek table."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._entries: list[bytes] = []

    def write(self, tasks: list[Task]) -> None:
        """Add tasks, in order, in as few frames of about equal size as hold them."""
        frames = -(-len(tasks) // FRAME_TASKS)
        for number in range(frames):
            first, last = number * len(tasks) // frames, (number + 1) * len(tasks) // frames
            content = encode_all(tasks[first:last])
            self.copy(zstd.compress(content), len(content))

    def copy(self, frame: bytes, content_size: int) -> None:
        """Add a frame as it is."""
        self._file.write(frame)
        self._entries.append(_ENTRY.pack(len(frame), content_size))

    def close(self) -> None:
        """Write the seek table; the file stays open."""
        table = b"".join(self._entries)
        self._file.write(_HEADER.pack(_SKIPPABLE, len(table) + _FOOTER.size))
        self._file.write(table + _FOOTER.pack(len(self._entries), 0, _SEEKABLE))


def find_frames(data: memoryview) -> tuple[list[Extent], bool]:
    """Where the frames of a whole compressed file lie, and whether a sound seek table says so. Without one, the
    frames are walked, and searched for behind damage; the last of them may be cut off."""
    table = _read_seek_table(data)
    if table is not None:
        return table, True
    return list(_walk(data)), False


def _read_seek_table(data: memoryview) -> list[Extent] | None:
    if len(data) < _HEADER.size + _FOOTER.size:
        return None
    count, descriptor, magic = _FOOTER.unpack(data[-_FOOTER.size :])
    if magic != _SEEKABLE or descriptor & 0x7C:
        return None
    entry_size = _ENTRY.size + (4 if descriptor & 0x80 else 0)
    table_start = len(data) - _FOOTER.size - count * entry_size
    if table_start < _HEADER.size:
        return None
    skippable, size = _HEADER.unpack(data[table_start - _HEADER.size : table_start])
    if skippable != _SKIPPABLE or size != count * entry_size + _FOOTER.size:
        return None
    extents, offset = [], 0
    for position in range(table_start, table_start + count * entry_size, entry_size):
        frame, _ = _ENTRY.unpack(data[position : position + _ENTRY.size])
        extents.append((offset, frame))
        offset += frame
    return extents if offset == table_start - _HEADER.size else None


def _walk(data: memoryview) -> Iterator[Extent]:
    whole = bytes(data)
    offset = whole.find(zstd.MAGIC)
    while offset >= 0:
        try:
            size = zstd.frame_size(data[offset:])
        except zstd.ZstdError:
            following = whole.find(zstd.MAGIC, offset + 1)
            yield offset, (len(whole) if following < 0 else following) - offset
            offset = following
        else:
            yield offset, size
            offset = whole.find(zstd.MAGIC, offset + size)


def chunks(tasks: Iterable[Task], size: int) -> Iterator[list[Task]]:
    """Tasks in lists of `size`, the last one shorter."""
    chunk: list[Task] = []
    for task in tasks:
        chunk.append(task)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
