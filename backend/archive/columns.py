"""Tasks as columns: for each task small numbers that point into dictionaries, so that a filter is a few table
look-ups and a mask. Where columns are kept is `index`'s matter, what a filter makes of them `matching`'s."""

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.task import Task, status_class

Codes = NDArray[np.unsignedinteger[Any]]

DICTIONARIES = ("node", "what", "user", "status")


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows in their order, newest start first.

    Attributes:
        starttime: UNIX seconds of each row (a UPID holds 32 bits of them).
        codes: for each of DICTIONARIES and each row the number of its entry.
        names: the entries, those of nodes sorted. A node is `pve:REMOTE!UPID:NODE`, the head of its tasks' UPIDs;
            a what `pve:TYPE:ID`, with the id as the UPID has it; user and status are the texts themselves.
    """

    starttime: NDArray[np.uint32]
    codes: Mapping[str, Codes]
    names: Mapping[str, list[str]]

    def __len__(self) -> int:
        return len(self.starttime)

    def part(self, first: int, rows: int) -> "Columns":
        """Some rows that follow each other, with the same dictionaries."""
        end = first + rows
        codes = {name: column[first:end] for name, column in self.codes.items()}
        return Columns(self.starttime[first:end], codes, self.names)

    def may_hold(self, tasks: Sequence[Task]) -> bool:
        """Whether any of these tasks may be among the rows: one of its node that started in the same second is."""
        starts, codes, names = self.starttime[::-1], self.codes["node"][::-1], self.names["node"]
        times = np.fromiter((task.starttime for task in tasks), np.int64, len(tasks))
        firsts, ends = (np.searchsorted(starts, times, side).tolist() for side in ("left", "right"))
        for task, first, end in zip(tasks, firsts, ends, strict=True):
            if first < end:
                node = ":".join(task.upid.split(":", 3)[:3])
                code = bisect.bisect_left(names, node)
                if names[code : code + 1] == [node] and (codes[first:end] == code).any():
                    return True
        return False


class ColumnWriter:
    """Collects rows, in order, and makes columns of them."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, int]] = {name: {} for name in DICTIONARIES}
        self._starttime: list[NDArray[np.uint32]] = []
        self._codes: dict[str, list[NDArray[np.uint32]]] = {name: [] for name in DICTIONARIES}
        # By the identity of the list, which is kept with it so that no other takes its place.
        self._translations: dict[int, tuple[list[str], NDArray[np.uint32]]] = {}

    def add_merged(self, parts: Sequence[Columns], tasks: Sequence[Task], order: NDArray[np.int64]) -> None:
        """Add rows of columns and tasks in any order: `order` numbers them, the parts' rows first."""
        added = [self._translated(part) for part in parts]
        added.append(self._coded(tasks))
        self._starttime.append(_join([starttime for starttime, _ in added]).take(order))
        for name in DICTIONARIES:
            self._codes[name].append(_join([codes[name] for _, codes in added]).take(order))

    def add_columns(self, columns: Columns) -> None:
        """Add rows that are columns already."""
        starttime, codes = self._translated(columns)
        self._starttime.append(starttime)
        for name in DICTIONARIES:
            self._codes[name].append(codes[name])

    def add_tasks(self, tasks: Sequence[Task]) -> None:
        """Add tasks."""
        starttime, codes = self._coded(tasks)
        self._starttime.append(starttime)
        for name in DICTIONARIES:
            self._codes[name].append(codes[name])

    def _coded(self, tasks: Sequence[Task]) -> tuple[NDArray[np.uint32], dict[str, NDArray[np.uint32]]]:
        nodes, whats, users, statuses = (self._entries[name] for name in DICTIONARIES)
        rows: list[tuple[int, int, int, int]] = []
        for task in tasks:
            # What a whole UPID looks like is known here: `upid` checked it before it was stored.
            parts = task.upid.split(":")
            type = parts[0]
            rows.append(
                (
                    nodes.setdefault(f"{type}:{parts[1]}:{parts[2]}", len(nodes)),
                    whats.setdefault(f"{type}:{parts[-4]}:{parts[-3]}", len(whats)),
                    users.setdefault(parts[-2], len(users)),
                    statuses.setdefault(task.status or "", len(statuses)),
                )
            )
        table = np.array(rows, np.uint32).reshape(len(rows), len(DICTIONARIES))
        starttime = np.fromiter((task.starttime for task in tasks), np.uint32, len(tasks))
        return starttime, {name: table[:, number] for number, name in enumerate(DICTIONARIES)}

    def _translated(self, columns: Columns) -> tuple[NDArray[np.uint32], dict[str, NDArray[np.uint32]]]:
        """Rows of other columns, with the numbers of our dictionaries."""
        codes = {
            name: self._translation(name, columns.names[name]).take(columns.codes[name]) for name in DICTIONARIES
        }
        return columns.starttime, codes

    def _translation(self, name: str, entries: list[str]) -> NDArray[np.uint32]:
        """Our numbers of the entries of another dictionary; made once for each."""
        known = self._translations.get(id(entries))
        if known is None:
            ours = self._entries[name]
            numbers = (ours.setdefault(entry, len(ours)) for entry in entries)
            known = entries, np.fromiter(numbers, np.uint32, len(entries))
            self._translations[id(entries)] = known
        return known[1]

    def columns(self) -> Columns:
        """All rows so far, each column as narrow as its dictionary allows. The dictionaries are sorted: what
        filters ask for together stands together."""
        codes: dict[str, Codes] = {}
        names: dict[str, list[str]] = {}
        for name, entries in self._entries.items():
            names[name] = sorted(entries, key=_status_order if name == "status" else None)
            new = np.empty(len(entries), np.min_scalar_type(max(0, len(entries) - 1)))
            new[[entries[entry] for entry in names[name]]] = np.arange(len(entries))
            codes[name] = new.take(_join(self._codes[name]))
        return Columns(_join(self._starttime), codes, names)


def _status_order(status: str) -> tuple[str, str]:
    return status_class(status), status


def _join(parts: list[NDArray[np.uint32]]) -> NDArray[np.uint32]:
    return np.concatenate(parts) if parts else np.empty(0, np.uint32)
