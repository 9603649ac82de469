"""What a list widget shows rows of: the protocol, and the rows of a plain list. The history's are in `history`."""

from collections.abc import Sequence
from typing import Protocol

from backend.task import Task


class Rows(Protocol):
    """Tasks by position. All answers at once: what is not in memory is None until it is loaded."""

    def __len__(self) -> int: ...

    def __getitem__(self, position: int) -> Task | None: ...

    def need(self, first: int, last: int) -> None:
        """Told which positions are in view, both included, so that they get loaded."""


class ListedRows:
    """The rows of a list that is in memory whole."""

    def __init__(self, tasks: Sequence[Task] = ()) -> None:
        self.tasks = tasks

    def __len__(self) -> int:
        return len(self.tasks)

    def __getitem__(self, position: int) -> Task | None:
        return self.tasks[position] if 0 <= position < len(self.tasks) else None

    def need(self, first: int, last: int) -> None:
        pass
