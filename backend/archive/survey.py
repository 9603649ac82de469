"""The first look at an archive file that no index tells of: where its blocks lie, and what of it is damaged."""

import os
from collections.abc import Iterable
from typing import NamedTuple

from backend.archive import zstd
from backend.archive.blocks import Block, Damage
from backend.archive.frames import FRAME_TASKS, MAX_CONTENT, Extent, find_frames
from backend.archive.lines import LineError, decode, decode_all
from backend.task import Task, in_order, latest


class Survey(NamedTuple):
    """What was found: the readable blocks, newest first, whether the file was written in frames, the damage."""

    blocks: list[Block]
    framed: bool
    damage: list[Damage]


def survey(name: str, start: int, handle: int, size: int, compressed: bool) -> Survey:
    """Read all of an open archive file (`size` bytes, of the tasks from `start` on, UNIX seconds)."""
    extents, framed, damage = _extents(name, start, handle, size, compressed)
    blocks: list[Block] = []
    lost: list[tuple[int, str]] = []  # how many blocks stand before the damage, and what it is
    row = 0
    for offset, length in extents:
        block, problem = _look_into(os.pread(handle, length, offset), offset, row, compressed, framed)
        if problem:
            lost.append((len(blocks), problem))
        if block is not None:
            blocks.append(block)
            row += block.tasks
    for position, problem in lost:
        # Between frames the order tells what a lost one held; of other files nothing is certain.
        until = -blocks[position - 1].last[0] if framed and position > 0 else None
        since = -blocks[position].first[0] if framed and position < len(blocks) else start
        damage.append(Damage(name, problem, since, until))
    return Survey(blocks, framed, damage)


def unpack(data: bytes, compressed: bool, framed: bool) -> bytes:
    """The content of a block; of a damaged one what can be had, and nothing if it is one of several frames."""
    if not compressed:
        return data
    try:
        return zstd.decompress(data, MAX_CONTENT)
    except zstd.ZstdError:
        return b"" if framed else zstd.decompress_some(data, MAX_CONTENT)


def finished_in_order(tasks: Iterable[Task]) -> list[Task]:
    """The finished tasks of a block that other hands wrote: in order, each once."""
    return in_order(latest(task for task in tasks if not task.running).values())


def _extents(
    name: str, start: int, handle: int, size: int, compressed: bool
) -> tuple[list[Extent], bool, list[Damage]]:
    data = os.pread(handle, size, 0)
    if compressed:
        extents, framed = find_frames(memoryview(data))
        # Other hands write one frame a file, and all of it. Of several frames the last may be missing.
        cut = not framed and (len(extents) != 1 or extents[0] != (0, len(data)))
        return extents, framed, [Damage(name, "no whole zstd file", start, None)] if cut else []
    extents, first, end, lines = [], 0, 0, 0
    while end < len(data):
        newline = data.find(b"\n", end)
        end = len(data) if newline < 0 else newline + 1
        lines += 1
        if lines == FRAME_TASKS or end == len(data):
            extents.append((first, end - first))
            first, lines = end, 0
    return extents, False, []


def _look_into(data: bytes, offset: int, row: int, compressed: bool, framed: bool) -> tuple[Block | None, str]:
    """A block, and what is wrong with it. A frame that a seek table names was written line by checked line under a
    checksum: there, counting line feeds is enough."""
    problem = ""
    content = data
    if compressed:
        try:
            content = zstd.decompress(data, MAX_CONTENT)
        except zstd.ZstdError as error:
            problem = f"a damaged frame at byte {offset} ({error})"
            if framed:
                return None, problem
            content = zstd.decompress_some(data, MAX_CONTENT)
    if framed:
        try:
            first = decode(content[: content.index(b"\n")])
            last = decode(content[content.rindex(b"\n", 0, -1) + 1 :] if content.count(b"\n") > 1 else content)
        except (LineError, ValueError) as error:
            return None, f"a frame at byte {offset} that holds no tasks ({error})"
        return Block(offset, len(data), len(content), content.count(b"\n"), first.key, last.key, row), ""
    tasks, bad = decode_all(content)
    if bad and not problem:
        problem = f"{bad} unreadable line{'s' if bad > 1 else ''} at byte {offset}"
    tasks = finished_in_order(tasks)
    if not tasks:
        return None, problem
    return Block(offset, len(data), len(content), len(tasks), tasks[0].key, tasks[-1].key, row), problem
