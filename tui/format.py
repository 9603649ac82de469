"""Numbers, spans, times and texts as the dashboard writes them, and texts fitted to cells of the terminal. All of
it pure; what a task's row looks like is `row`'s matter."""

from datetime import datetime

from rich.cells import cell_len, set_cell_size

from backend.text import safe

ELLIPSIS = "…"


def count(number: int) -> str:
    """A count with thousands separators: `1,503,221`."""
    return f"{number:,}"


def span(seconds: float) -> str:
    """A span in one unit, for sentences: `12 s`, `4 min`, `3 h`, `2 d`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    return f"{whole // 3600} h" if whole < 2 * 86_400 else f"{whole // 86_400} d"


def age(seconds: float) -> str:
    """An age in its two largest units: `3d 7h`, `7h 5m`, `33m`, `12s`."""
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if days:
        return f"{days:,}d {hours % 24}h"
    if hours:
        return f"{hours}h {minutes % 60}m"
    return f"{minutes}m" if minutes else f"{whole}s"


def day(moment: datetime | None) -> str:
    """Weekday and day of the month in 6 cells: `Sun 23`."""
    return "?     " if moment is None else f"{moment:%a} {moment.day:>2}"


def clock(moment: datetime | None) -> str:
    """Time of day in 8 cells: `02:10:02`."""
    return "?       " if moment is None else f"{moment:%H:%M:%S}"


def fit(text: str, width: int, *, right: bool = False) -> str:
    """The text in exactly `width` cells: made safe, cut with an ellipsis where it is longer, else padded (on the
    left with `right`). A cut never splits a wide character."""
    if width <= 0:
        return ""
    # A cell can carry any number of combining characters; a bounded text keeps a row's cost bounded.
    shown = safe(text if len(text) <= 8 * width else text[: 8 * width])
    cells = cell_len(shown)
    if cells > width:
        return set_cell_size(shown, width - 1) + ELLIPSIS
    padding = " " * (width - cells)
    return padding + shown if right else shown + padding
