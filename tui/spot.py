"""A place in a list of tasks, and where it is in another list."""

from dataclasses import dataclass

from tui.history import HistoryRows, Key
from tui.widgets.task_list import TaskList


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in the list: positions, and the tasks they were at (keys, None where it was not loaded). `following`
    is the top, whatever stands there; `in_view` tells whether the cursor is."""

    cursor: int
    top: int
    following: bool
    cursor_key: Key | None = None
    top_key: Key | None = None
    in_view: bool = True

    def is_moved_from(self, other: "Spot") -> bool:
        """Whether the user has moved since. The top alone also moves where the list becomes lower, as when the
        filter line opens."""
        mine, others = (
            (self.cursor, self.following, self.cursor_key),
            (other.cursor, other.following, other.cursor_key),
        )
        return mine != others


def spot_of(view: TaskList) -> Spot:
    """Where a list stands."""
    first = view.rows[view.top] if len(view.rows) else None
    return Spot(
        view.cursor,
        view.top,
        view.following,
        None if view.selected is None else view.selected.key,
        None if first is None else first.key,
        view.cursor_in_view,
    )


async def positions(spot: Spot, rows: HistoryRows, page_rows: int) -> tuple[int, int]:
    """Where the cursor and the top of a view `page_rows` high are to be, so that the place is kept."""
    if spot.following:
        return 0, 0
    if spot.cursor_key is not None:
        cursor = await rows.locate(spot.cursor_key)
    else:
        # it had not been loaded when the rows changed: the same place, as far as they reach
        cursor = max(0, min(spot.cursor, await rows.count() - 1))
    if spot.in_view:
        # on the same line, if the view is as high as it was
        return cursor, max(0, cursor - min(spot.cursor - spot.top, page_rows - 1))
    return cursor, spot.top if spot.top_key is None else await rows.locate(spot.top_key)
