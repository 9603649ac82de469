"""What tasks tell of guests and their backups: for each guest the last of its tasks of some kinds. Found over
columns; what is in no column yet is looked at task by task."""

from collections.abc import Iterable
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from backend.archive.matching import ColumnMatcher, Mask
from backend.guests import Act, Guest, Subject, subject_of
from backend.task import Status, Task, status_class
from backend.upid import RemoteType, decode_worker_id

Numbers = NDArray[np.int64]

_STATUSES = tuple(Status)
_NUMBERS = {status: number for number, status in enumerate(_STATUSES)}
_GOOD = (_NUMBERS[Status.OK], _NUMBERS[Status.WARNING])
_BAD = (_NUMBERS[Status.ERROR], _NUMBERS[Status.UNKNOWN])
_KINDS = ("", "CT", "VM")
_LABELS = 1 << 32
_NEVER = -1


class _Found(NamedTuple):
    """One row a guest. Starts are UNIX seconds, _NEVER where there is no such task; `last` holds the last backup's
    start and the number of its status, so that of two the later one is the larger number."""

    guest: Numbers
    seen: Numbers
    destroyed: Numbers
    good: Numbers
    last: Numbers
    failures: Numbers
    kind: Numbers


class GuestTally:
    """Collects rows and tasks in any order; `guests` is what they tell."""

    def __init__(self) -> None:
        self._remotes: dict[tuple[RemoteType, str], int] = {}
        self._labels: dict[str, int] = {}
        self._found: list[_Found] = []

    def add_columns(self, matcher: ColumnMatcher, rows: Mask) -> None:
        """Look at the rows that a mask picks."""
        columns = matcher.columns
        subjects = list(map(_subject, columns.names["what"]))
        relevant = np.fromiter((one is not None for one in subjects), np.bool_, len(subjects))
        picked = np.flatnonzero(rows & relevant.take(columns.codes["what"]))
        whats = columns.codes["what"].take(picked)
        labels, acts, kinds = self._tables(subjects)
        nodes = columns.names["node"]
        remotes = np.fromiter(map(self._remote, map(_remote, nodes)), np.int64, len(nodes))
        classes = columns.names["status"]
        statuses = np.fromiter((_NUMBERS[status_class(text)] for text in classes), np.int64, len(classes))
        self._add(
            remotes.take(columns.codes["node"].take(picked)) * _LABELS + labels.take(whats),
            acts.take(whats),
            kinds.take(whats),
            columns.starttime.take(picked).astype(np.int64),
            statuses.take(columns.codes["status"].take(picked)),
        )

    def add_tasks(self, tasks: Iterable[Task]) -> None:
        """Look at tasks."""
        listed: list[tuple[Task, Subject]] = []
        for task in tasks:
            subject = subject_of(task.parsed.type, task.worker_type, task.worker_id)
            if subject is not None:
                listed.append((task, subject))
        number = len(listed)
        labels, acts, kinds = self._tables([subject for _, subject in listed])
        remotes = (self._remote((task.parsed.type, task.remote)) for task, _ in listed)
        self._add(
            np.fromiter(remotes, np.int64, number) * _LABELS + labels,
            acts,
            kinds,
            np.fromiter((task.starttime for task, _ in listed), np.int64, number),
            np.fromiter((_NUMBERS[task.status_class] for task, _ in listed), np.int64, number),
        )

    def guests(self) -> list[Guest]:
        """The guests that were not destroyed since, in no particular order."""
        if not self._found:
            return []
        found = _merge(_Found(*map(np.concatenate, zip(*self._found, strict=True))))
        remotes, labels = list(self._remotes), list(self._labels)
        unnamed = self._labels.get("")
        jobs: dict[int, int] = {}
        guests = []
        rows = list(zip(*(column.tolist() for column in found), strict=True))
        for guest, _, _, good, *_ in rows:
            if guest % _LABELS == unnamed and good != _NEVER:
                jobs[guest // _LABELS] = good
        for guest, seen, destroyed, good, last, failures, kind in rows:
            remote, label = divmod(guest, _LABELS)
            # What came in the same second as the end of the guest belongs to it.
            if label == unnamed or destroyed >= seen:
                continue
            type, name = remotes[remote]
            start, status = divmod(last, len(_STATUSES))
            none = last == _NEVER
            guests.append(
                Guest(
                    name,
                    type,
                    labels[label],
                    _KINDS[kind],
                    None if good == _NEVER else good,
                    None if none else start,
                    None if none else _STATUSES[status],
                    failures,
                    jobs.get(remote),
                )
            )
        return guests

    def _add(self, guests: Numbers, acts: Numbers, kinds: Numbers, starts: Numbers, statuses: Numbers) -> None:
        """Keep what these rows tell: of each guest one row."""
        backup = acts == Act.BACKUP
        good = np.isin(statuses, _GOOD)
        self._found.append(
            _merge(
                _Found(
                    guests,
                    starts,
                    np.where((acts == Act.DESTROY) & good, starts, _NEVER),
                    np.where(backup & good, starts, _NEVER),
                    np.where(backup, starts * len(_STATUSES) + statuses, _NEVER),
                    (backup & np.isin(statuses, _BAD)).astype(np.int64),
                    kinds,
                )
            )
        )

    def _tables(self, subjects: list[Subject] | list[Subject | None]) -> tuple[Numbers, Numbers, Numbers]:
        """For each subject the numbers of its label, its act and its kind; zeros for None."""
        rows = [
            (0, 0, 0)
            if one is None
            else (self._labels.setdefault(one.label, len(self._labels)), one.act, _KINDS.index(one.kind))
            for one in subjects
        ]
        labels, acts, kinds = np.array(rows, np.int64).reshape(len(rows), 3).T
        return labels, acts, kinds

    def _remote(self, remote: tuple[RemoteType, str]) -> int:
        return self._remotes.setdefault(remote, len(self._remotes))


def _merge(found: _Found) -> _Found:
    """Rows of which several may be of the same guest, as one row for each guest."""
    guests, places = np.unique(found.guest, return_inverse=True)

    def latest(values: Numbers) -> Numbers:
        most = np.full(len(guests), _NEVER, np.int64)
        np.maximum.at(most, places, values)
        return most

    failures = np.bincount(places, found.failures, len(guests)).astype(np.int64)
    seen, destroyed, good, last = map(latest, (found.seen, found.destroyed, found.good, found.last))
    return _Found(guests, seen, destroyed, good, last, failures, latest(found.kind))


def _subject(entry: str) -> Subject | None:
    """Of an entry of the dictionary `what`."""
    type, worker_type, raw = entry.split(":", 2)
    remote_type = cast(RemoteType, type)
    return subject_of(remote_type, worker_type, decode_worker_id(raw, remote_type))


def _remote(entry: str) -> tuple[RemoteType, str]:
    """Of an entry of the dictionary `node`."""
    type, rest, _ = entry.split(":", 2)
    return cast(RemoteType, type), rest.removesuffix("!UPID")
