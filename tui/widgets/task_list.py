"""The list that both panes are: tasks as rows. It shows what its rows hold in memory, wherever that comes from."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import BindingType

from backend.task import Task
from tui.format import ELLIPSIS
from tui.keys import Place, bindings
from tui.row import Piece, Tone
from tui.rows import ListedRows, Rows
from tui.widgets.row_list import Drawn, RowList

DrawTask = Callable[[Task, Task | None, int], Sequence[Piece]]
"""Lays out a row: the task, the one above it (None at the top of the view), and the width in cells."""


class TaskList(RowList, inherit_bindings=False):
    """A list of tasks. `show_rows` hands it rows and where to stand in them, in one step."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.LIST)]

    class Opened(RowList.Opened):
        """The user asks for all of a task."""

        def __init__(self, task: Task) -> None:
            super().__init__()
            self.task = task

    def __init__(self, draw: DrawTask, *, id: str, moved: Callable[[], None] | None = None) -> None:
        """`moved` is called before a move is painted, so that what tells of it is in the same frame."""
        super().__init__(self._draw_row, id=id)
        self._draw_task = draw
        self._moved = moved
        self.rows: Rows = ListedRows()
        """What it shows."""

    @property
    def selected(self) -> Task | None:
        """The task under the cursor, if there is one and it has been loaded."""
        return self.rows[self.cursor] if len(self.rows) else None

    @property
    def following(self) -> bool:
        """Whether it stands at the top, where new tasks come in."""
        return self.cursor == 0 and self.top == 0

    def show_rows(self, rows: Rows, *, cursor: int, top: int) -> None:
        """Take other rows, with the cursor and the view at these positions, as far as the rows reach."""
        self.rows = rows
        self.show(len(rows), cursor=cursor, top=top)

    def reload(self) -> None:
        """Draw the rows anew: some are loaded now, or say something else; and there may be more or fewer."""
        if len(self.rows) != len(self):
            at_end = self.cursor == len(self) - 1 > 0
            self.show(len(self.rows), top=self.top)
            if at_end:
                # who went to the end before all rows were known goes on to the real one
                self.action_bottom()
        else:
            super().reload()

    def action_open(self) -> None:
        task = self.selected
        if task is not None:
            self.post_message(self.Opened(task))

    def _changed(self) -> None:
        self.rows.need(self.top, self.top + self.page_rows - 1)
        if self._moved is not None and self.is_mounted:
            self._moved()
        super()._changed()

    def _draw_row(self, position: int, width: int) -> Drawn:
        task = self.rows[position]
        if task is None:
            return [Piece(f"  {ELLIPSIS}", Tone.DIM)]
        above = self.rows[position - 1] if position > self.top else None
        return self._draw_task(task, above, width)
