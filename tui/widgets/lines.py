"""The dashboard's one-line widgets: the status line, the trouble line and the lists' title lines. Each is given
values and lays them out in its width."""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.format import fit
from tui.status import Part

_LEAST_FILTER = 24
"""Cells of a filter, or half of the line if that is more, that are shown before anything beside it is."""
_WAY_OUT = 2
"""The rank of the way out of a filter among the parts of a place."""


def spread(left: Content, right: Content, width: int, rule: str = " ", style: str = "") -> Content:
    """Two texts at the ends of a line of `width` cells. Where both do not fit, the right one goes."""
    room = width - left.cell_length - right.cell_length
    if room < 2:
        left = left.truncate(width, ellipsis=True)
        right = Content("")
        room = width - left.cell_length
    filling = Content.styled(rule * max(0, room), style) if rule == " " else _rule(room, rule, style, right)
    return left + filling + right


def _rule(room: int, rule: str, style: str, right: Content) -> Content:
    """A rule between the texts, set off from each by a space."""
    ends = 2 if right.cell_length else 1
    return Content.styled(" " + rule * max(0, room - ends) + (" " if ends == 2 and room > 1 else ""), style)


class StatusLine(Widget):
    """The fleet at a glance: parts at the left, and parts at the right end."""

    DEFAULT_CSS = """
    StatusLine { height: 1; width: 1fr; background: $panel; color: $foreground; }
    """

    parts: reactive[tuple[Part, ...]] = reactive(())

    def render(self) -> Content:
        width = self.size.width - 2
        parts = [part for part in self.parts if part.text]
        while len(parts) > 1 and sum(cell_len(part.text) + 3 for part in parts) - 1 > width:
            parts.remove(max(parts, key=lambda part: part.rank))
        left = Content(" · ").join(
            Content.styled(part.text, "bold" if part.rank == 0 else "") for part in parts if not part.at_end
        )
        right = Content.styled(" · ".join(part.text for part in parts if part.at_end), "$foreground 70%")
        return Content(" ") + spread(left, right, width) + Content(" ")


class TroubleLine(Widget):
    """What is wrong, in words; not there at all when nothing is."""

    DEFAULT_CSS = """
    TroubleLine { height: 1; width: 1fr; display: none; background: $background; color: $error; }
    TroubleLine.-trouble { display: block; }
    """

    troubles: reactive[tuple[str, ...]] = reactive(())

    def __init__(self, way: str) -> None:
        """`way` names the key to all there is to know."""
        super().__init__()
        self._way = way

    def watch_troubles(self, troubles: tuple[str, ...]) -> None:
        self.set_class(bool(troubles), "-trouble")

    def render(self) -> Content:
        """As many as fit whole, and how many there are beyond; the first one always, cut if it must be. The key to
        all of it stands at the end, unless it would take the room of one."""
        width, way = self.size.width - 4, f"  {self._way} "
        most, number = self._fitting(width), self._fitting(width - cell_len(way))
        if number < most or not number:
            way = ""
        words = self._first(most)
        if not most:
            words = fit("".join(self.troubles[:1]), max(1, width - cell_len(self._beyond(1)))) + self._beyond(1)
        line = fit(f" ✗ {words}", self.size.width - cell_len(way))
        return Content(line) + Content.styled(way, "$foreground 60%")

    def _fitting(self, width: int) -> int:
        """How many troubles have room in so many cells."""
        for number in range(1, len(self.troubles) + 1):
            if cell_len(self._first(number)) > width:
                return number - 1
        return len(self.troubles)

    def _first(self, number: int) -> str:
        return " · ".join(self.troubles[:number]) + self._beyond(number)

    def _beyond(self, number: int) -> str:
        left = len(self.troubles) - number
        return f" · and {left:,} more" if left > 0 else ""


class PaneTitle(Widget):
    """The line above a list: its name and counts, the filter that narrows it, and where the cursor stands."""

    DEFAULT_CSS = """
    PaneTitle { height: 1; width: 1fr; background: $background; color: $foreground 70%; }
    """

    heading: reactive[str] = reactive("")
    brief: reactive[str] = reactive("")
    """The heading where a filter wants its room; empty if it has no briefer one."""
    wanted: reactive[str] = reactive("")
    news: reactive[str] = reactive("")
    place: reactive[tuple[Part, ...]] = reactive(())
    active: reactive[bool] = reactive(False)
    doubted: reactive[bool] = reactive(False)
    """Whether something else is typed as the filter, which is wrong."""
    way_out: reactive[str] = reactive("")
    """What takes the filter away, said beside it."""

    def render(self) -> Content:
        width = self.size.width - 2
        wanted = f"still: {self.wanted or 'no filter'}" if self.doubted else self.wanted
        news = f" ── {self.news}" if self.news else ""
        way_out = Part(self.way_out, _WAY_OUT)
        parts = [*self.place]
        if self.way_out and self.wanted and not self.doubted:
            parts.append(way_out)
        room = width - cell_len(news) - (4 if wanted else 0)
        least = min(max(_LEAST_FILTER, width // 2), cell_len(wanted))
        heading = self.heading
        while cell_len(heading) + least + _room(parts) > room and len(parts) > 1:
            parts.remove(max(parts, key=lambda part: part.rank))
        if cell_len(heading) + least + _room(parts) > room:
            heading = self.brief or heading
        name, _, counts = heading.partition(" ")
        left = Content.assemble((name, "bold $accent" if self.active else "bold $foreground"), f" {counts}")
        if wanted:
            # a long filter gives way to the place
            room = max(8, room - left.cell_length - _room(parts))
            wanted = wanted if cell_len(wanted) <= room else fit(wanted, room)
            style = "$foreground 60%" if self.doubted else "bold $warning"
            left += Content.assemble((" ── ", "$foreground 30%"), (wanted, style))
        if way_out in parts:
            left += Content.assemble((" ── ", "$foreground 30%"), (way_out.text, "$foreground 60%"))
            parts.remove(way_out)
        if self.news:
            left += Content.assemble((" ── ", "$foreground 30%"), (self.news, "bold $accent"))
        right = Content(_joined(parts))
        return Content(" ") + spread(left, right, width, "─", "$foreground 30%") + Content(" ")


def _room(parts: Sequence[Part]) -> int:
    """How many cells these take at most, with what sets them off."""
    return cell_len(_joined(parts)) + 4 if parts else 0


def _joined(parts: Iterable[Part]) -> str:
    return " · ".join(part.text for part in parts)


class ColumnHeader(Widget):
    """The names of a list's columns."""

    DEFAULT_CSS = """
    ColumnHeader { height: 1; width: 1fr; background: $background; color: $foreground 45%; }
    """

    names: reactive[str] = reactive("")

    def render(self) -> Content:
        return Content(fit(self.names, self.size.width))
