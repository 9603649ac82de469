"""A place in a list of tasks, and where it is in another list."""

from dataclasses import dataclass

from tui.history import HistoryRows, Key
from tui.widgets.task_list import TaskList


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in the list: positions, and the tasks they were at (keys, None where it was not loaded). `following`
    is the top, whatever stands there."""

    cursor: int
    top: int
    following: bool
    cursor_key: Key | None = None
    top_key: Key | None = None


def spot_of(view: TaskList) -> Spot:
    """Where a list stands."""
    first = view.rows[view.top] if len(view.rows) else None
    return Spot(
        view.cursor,
        view.top,
        view.following,
        None if view.selected is None else view.selected.key,
        None if first is None else first.key,
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
    if spot.top <= spot.cursor < spot.top + page_rows:
        return cursor, max(0, spot.top + cursor - spot.cursor)
    return cursor, spot.top if spot.top_key is None else await rows.locate(spot.top_key)
