r"""The index beside an archive file, `archive.T.idx`: where its blocks lie, and its tasks as columns. It is
derived: one that is absent, damaged or of another archive file is made anew. All numbers are little-endian.

    remote-tasks index 2\n
    4 u32       size and CRC-32 of the head, size and CRC-32 of the names
    head        JSON in zstd: {"archive": [size, CRC-32 of its seek table],
                "blocks": [[offset, size, unpacked size, tasks, key of the first, of the last, tasks before], …],
                "columns": {"gap" | "node" | "what" | "user" | "status": [numpy type, offset, size, CRC-32]}}
    names       JSON in zstd: {"node" | "what" | "user" | "status": [entry, …]}, the dictionaries of the columns
    columns     one number a task each, newest start first, at multiples of 64 bytes; a gap is by how many seconds
                a task started before the one ahead of it. Those of few different values are in zstd: gap, user and
                status

The head is all that a page needs; names and columns are read when somebody filters."""

import mmap
import os
import struct
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import orjson

from backend.archive import zstd
from backend.archive.blocks import Block
from backend.archive.frames import ArchiveStamp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backend.archive.columns import Columns

_MAGIC = b"remote-tasks index 2\n"
_SIZES = struct.Struct("<4I")
_ALIGNMENT = 64
_PACKED = frozenset({"gap", "user", "status"})
_MAX_TEXT = 1 << 30


class _Head(msgspec.Struct):
    archive: ArchiveStamp
    blocks: list[Block]
    columns: dict[str, tuple[str, int, int, int]]


class BadIndex(Exception):
    """The index is damaged, or of another archive file."""


def index_path(archive: Path) -> Path:
    """Where the index of an archive file is."""
    return archive.with_name(f"{archive.name.removesuffix('.zst')}.idx")


def write_index(file: BinaryIO, stamp: ArchiveStamp, blocks: Iterable[Block], columns: "Columns") -> None:
    """Write an index."""
    import numpy as np  # only who merges or filters pays for it

    names = zstd.compress(orjson.dumps(dict(columns.names)))
    blocks = list(blocks)
    gaps = -np.diff(columns.starttime.astype(np.int64), prepend=columns.starttime[:1])
    arrays = {"gap": gaps.astype(np.min_scalar_type(int(gaps.max(initial=0)))), **columns.codes}
    places: dict[str, tuple[str, int, int, int]] = {}
    offset = 0
    contents = []
    for name, array in arrays.items():
        content = array.astype(array.dtype.newbyteorder("<")).tobytes()
        if name in _PACKED:
            content = zstd.compress(content)
        places[name] = (array.dtype.newbyteorder("<").str, offset, len(content), zlib.crc32(content))
        contents.append(content + bytes(-len(content) % _ALIGNMENT))
        offset += len(contents[-1])
    head = zstd.compress(msgspec.json.encode(_Head(stamp, blocks, places)))
    start = _MAGIC + _SIZES.pack(len(head), zlib.crc32(head), len(names), zlib.crc32(names)) + head + names
    file.write(start + bytes(-len(start) % _ALIGNMENT))
    for content in contents:
        file.write(content)


class Index:
    """The index in an open file, mapped into memory. `blocks` are the archive file's, newest first."""

    def __init__(self, handle: int, stamp: ArchiveStamp) -> None:
        """Read the head of the index of an archive file with this stamp. Raises BadIndex or OSError."""
        size = os.fstat(handle).st_size
        if size < len(_MAGIC) + _SIZES.size:
            raise BadIndex("too short")
        self._map = mmap.mmap(handle, size, access=mmap.ACCESS_READ)
        if self._map[: len(_MAGIC)] != _MAGIC:
            raise BadIndex("of another version")
        head_size, head_sum, names_size, names_sum = _SIZES.unpack_from(self._map, len(_MAGIC))
        head_at = len(_MAGIC) + _SIZES.size
        self._names = (head_at + head_size, names_size, names_sum)
        end = head_at + head_size + names_size
        self._columns_at = end + -end % _ALIGNMENT
        try:
            head = msgspec.json.decode(self._text(head_at, head_size, head_sum), type=_Head)
        except msgspec.MsgspecError as error:
            raise BadIndex(f"not readable ({error})") from None
        if head.archive != stamp:
            raise BadIndex("of another archive file")
        self.blocks = head.blocks
        self._rows = head.blocks[-1].row + head.blocks[-1].tasks if head.blocks else 0
        self._places = head.columns

    def columns(self) -> "Columns":
        """The columns, on the mapped file. Raises BadIndex."""
        import numpy as np

        from backend.archive.columns import DICTIONARIES, Columns

        try:
            raw = orjson.loads(self._text(*self._names))
            names = {name: list(map(sys.intern, raw[name])) for name in DICTIONARIES}
            arrays = {name: self._column(name, *place) for name, place in self._places.items()}
            for name in DICTIONARIES:
                if self._rows and int(arrays[name].max()) >= len(names[name]):
                    raise BadIndex(f"its column {name} is damaged")
            ages = np.cumsum(arrays.pop("gap"), dtype=np.int64)
            first = -self.blocks[0].first[0] if self.blocks else 0
            return Columns((first - ages).astype(np.uint32), arrays, names)
        except (ValueError, KeyError, TypeError, zstd.ZstdError) as error:
            raise BadIndex(f"not readable ({error})") from None

    def _column(self, name: str, type: str, offset: int, size: int, checksum: int) -> "NDArray[Any]":
        import numpy as np

        content = memoryview(self._map)[self._columns_at + offset :][:size]
        if len(content) != size or zlib.crc32(content) != checksum:
            raise BadIndex(f"its column {name} is damaged")
        numbers = np.dtype(type)
        if name in _PACKED:
            content = memoryview(zstd.decompress(bytes(content), self._rows * numbers.itemsize))
        return np.frombuffer(content, numbers, self._rows)

    def _text(self, offset: int, size: int, checksum: int) -> bytes:
        raw = self._map[offset : offset + size]
        if len(raw) != size or zlib.crc32(raw) != checksum:
            raise BadIndex("damaged")
        try:
            return zstd.decompress(raw, _MAX_TEXT)
        except zstd.ZstdError as error:
            raise BadIndex(f"damaged ({error})") from None
