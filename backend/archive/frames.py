"""The form of a compressed archive file: blocks of lines, each a zstd frame by itself, a seek table behind them
in the zstd seekable format (zstd/contrib/seekable_format). Any zstd tool reads the whole; we read one frame."""

import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO, NamedTuple

from backend.archive import zstd
from backend.archive.blocks import Block, Key
from backend.archive.lines import decode

FRAME_TASKS = 512
"""Tasks a frame, at most."""
MAX_CONTENT = 1 << 30
"""Bytes a frame may unpack to: PDM's files are one frame a day, and a hostile one could unpack without end."""

_MOST_WAITING = 8
"""Frames that wait for being compressed, at most."""
_SKIPPABLE = 0x184D2A5E
_SEEKABLE = 0x8F92EAB1
_FOOTER = struct.Struct("<IBI")
_ENTRY = struct.Struct("<II")
_HEADER = struct.Struct("<II")

Extent = tuple[int, int]
"""Where a frame lies: its offset and size, in bytes."""


class ArchiveStamp(NamedTuple):
    """What ties an index to its archive file: the file's size (bytes) and the CRC-32 of the seek table."""

    size: int
    checksum: int


class _Waiting(NamedTuple):
    """A frame on its way into the file: its bytes, or the promise of them, and what it holds."""

    frame: bytes | Future[bytes]
    content_size: int
    tasks: int
    first: Key
    last: Key


class FrameWriter:
    """Writes a compressed archive file, frame by frame; `close` adds the seek table. `blocks` are its frames.
    A context manager: frames are compressed beside the caller, in a thread that ends with the context."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._entries: list[bytes] = []
        self._offset = 0
        self._row = 0
        self._compressing = ThreadPoolExecutor(1, "compressing")
        self._waiting: deque[_Waiting] = deque()
        self.blocks: list[Block] = []

    def __enter__(self) -> "FrameWriter":
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._compressing.shutdown(cancel_futures=True)

    def write_lines(self, lines: Sequence[bytes]) -> None:
        """Add the lines of tasks, in order, in as few frames of about equal size as hold them."""
        frames = -(-len(lines) // FRAME_TASKS)
        for number in range(frames):
            part = lines[number * len(lines) // frames : (number + 1) * len(lines) // frames]
            content = b"".join(part)
            frame = self._compressing.submit(zstd.compress, content)
            self._add(_Waiting(frame, len(content), len(part), decode(part[0]).key, decode(part[-1]).key))

    def copy(self, frame: bytes, block: Block) -> None:
        """Add a block's frame as it is."""
        self._add(_Waiting(frame, block.content_size, block.tasks, block.first, block.last))

    def close(self) -> ArchiveStamp:
        """Write the seek table; the file stays open."""
        self._write_waiting(0)
        table = b"".join(self._entries)
        table = _HEADER.pack(_SKIPPABLE, len(table) + _FOOTER.size) + table
        table += _FOOTER.pack(len(self._entries), 0, _SEEKABLE)
        self._file.write(table)
        return ArchiveStamp(self._offset + len(table), zlib.crc32(table))

    def _add(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        self._write_waiting(_MOST_WAITING)

    def _write_waiting(self, most: int) -> None:
        """Write until not more than so many frames wait."""
        while len(self._waiting) > most:
            frame, content_size, tasks, first, last = self._waiting.popleft()
            frame = frame if isinstance(frame, bytes) else frame.result()
            self._file.write(frame)
            self._entries.append(_ENTRY.pack(len(frame), content_size))
            self.blocks.append(Block(self._offset, len(frame), content_size, tasks, first, last, self._row))
            self._offset += len(frame)
            self._row += tasks


def find_frames(data: memoryview) -> tuple[list[Extent], bool]:
    """Where the frames of a whole compressed file lie, and whether a sound seek table says so. Without one, the
    frames are walked, and searched for behind damage; the last of them may be cut off."""
    table = _read_seek_table(data)
    if table is not None:
        return table, True
    return list(_walk(data)), False


def read_stamp(handle: int, size: int) -> ArchiveStamp | None:
    """What tells an open file of frames from others, without reading all of it; None if it has no seek table."""
    footer = os.pread(handle, _FOOTER.size, max(0, size - _FOOTER.size))
    if len(footer) < _FOOTER.size:
        return None
    count, descriptor, magic = _FOOTER.unpack(footer)
    if magic != _SEEKABLE:
        return None
    table = _HEADER.size + count * _entry_size(descriptor) + _FOOTER.size
    return ArchiveStamp(size, zlib.crc32(os.pread(handle, table, max(0, size - table))))


def _entry_size(descriptor: int) -> int:
    """Bytes of an entry of a seek table, which may hold a checksum too."""
    return _ENTRY.size + (4 if descriptor & 0x80 else 0)


def _read_seek_table(data: memoryview) -> list[Extent] | None:
    if len(data) < _HEADER.size + _FOOTER.size:
        return None
    count, descriptor, magic = _FOOTER.unpack(data[-_FOOTER.size :])
    if magic != _SEEKABLE or descriptor & 0x7C:
        return None
    entry_size = _entry_size(descriptor)
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
