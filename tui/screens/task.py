"""The view of one task: what is known of it, the tasks around it, and its log from its own remote."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import tzinfo
from typing import ClassVar

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from backend.archive import CacheError, TaskCache
from backend.task import Task
from backend.text import counted, safe
from backend.times import local
from tui.access import Access
from tui.exporting import export_log
from tui.format import count, fit
from tui.keys import Key, Place, bindings, keys_in_use, way_to
from tui.last_heard import LastHeard
from tui.log_search import LogSearch
from tui.reading import read_cache
from tui.related import Related, read_related
from tui.screens.details import DetailsScreen
from tui.screens.keyed import KeyedScreen
from tui.status import Part
from tui.stopping import Stopping
from tui.task_header import task_header
from tui.task_log import LogState, TaskLog
from tui.trouble import cannot_read
from tui.widgets.key_line import tell
from tui.widgets.lines import PaneTitle
from tui.widgets.log_view import LogView
from tui.widgets.row_list import RowList

_SHOWN_OF_COPY = 100
"""Cells of what was copied that are shown."""


class TaskScreen(KeyedScreen[None]):
    """One task in full; a running one goes on.

    Attributes:
        shown: the task.
    """

    PLACES = (Place.TASK,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.TASK)]
    DEFAULT_CSS = """
    TaskScreen { background: $background; }
    TaskScreen #task { height: auto; max-height: 70%; padding: 0 1; background: $surface; color: $foreground; }
    TaskScreen #trouble { height: auto; max-height: 4; padding: 0 1; color: $error; display: none; }
    TaskScreen #trouble.-failed { display: block; }
    """

    def __init__(
        self,
        task: Task,
        cache: TaskCache,
        access: Access,
        stopping: Stopping,
        heard: LastHeard,
        clock: Callable[[], float],
        tz: tzinfo | None,
    ) -> None:
        super().__init__()
        self.shown = task
        self._cache = cache
        self._access = access
        self._stopping = stopping
        self._known = heard.known
        self._clock = clock
        self._tz = tz
        self._related: Related | None = None
        self._header = Static(id="task", markup=False)
        self._title = PaneTitle()
        self._trouble = Static(id="trouble", markup=False)
        self._view = LogView()
        self._log = self._new_log()
        self._asked = time.monotonic()
        self._search = LogSearch(self, self._view, lambda: self._log, self._say)

    def compose(self) -> ComposeResult:
        yield self._header
        yield self._title
        yield self._trouble
        yield self._view
        yield self.key_line

    def on_mount(self) -> None:
        self._view.focus()
        self._begin()
        self.set_interval(1, self._tick)

    def on_resize(self) -> None:
        self._show_task()
        self._read_related()

    def show_task(self, task: Task) -> None:
        """Show what has become of the task."""
        if task.upid == self.shown.upid and self.shown.running:
            self.shown = task
            self._show_task()
            self._read_related()

    # what is shown

    def _new_log(self) -> TaskLog:
        return TaskLog(self._access, self.shown, self._log_changed, self.show_task)

    def _begin(self) -> None:
        """Show the task from its fields on; its log comes when it comes."""
        self._asked = time.monotonic()
        self._show_task()
        self._log_changed()
        self.run_worker(self._log.run(), group="log", exclusive=True)
        self._read_related()

    def _open(self, task: Task) -> None:
        """Show another task in this view."""
        self._search.give_up()
        self.shown = task
        self._related = None
        self._log = self._new_log()
        self._begin()

    def _show_task(self) -> None:
        width, height = max(8, self.size.width - 2), self.size.height
        stopped = self._stopping.has_stopped
        words = task_header(self.shown, self._related, width, height, self._known, self._tz, stopped)
        self._header.update(words)
        self.key_line.show(self.keys())

    @work(group="related", exclusive=True)
    async def _read_related(self) -> None:
        task, most = self.shown, 1 if self.size.height < 32 else 3
        try:
            related = await read_cache(self._cache, lambda snapshot, _: read_related(snapshot, task, most))
        except (CacheError, OSError) as error:
            self._say(cannot_read(error))
            return
        if task.upid == self.shown.upid:
            self._related = related
            self._show_task()

    def _log_changed(self) -> None:
        log = self._log
        if log.state is not LogState.ASKING:
            self._asked = time.monotonic()
        if self.is_mounted:
            self._view.show_log(log)
            self._say_how_it_is()

    def _tick(self) -> None:
        if self.shown.running:
            self._show_task()
        self._say_how_it_is()

    @on(RowList.Moved)
    def _say_how_it_is(self) -> None:
        """Bring all up to date that is said of the log."""
        log, view = self._log, self._view
        failed = log.state is LogState.FAILED
        self._trouble.set_class(failed, "-failed")
        if failed:
            again = "; asking again soon" if log.asks_again else ""
            self._trouble.update(Content(f"✗ {log.words}{again} ({way_to('ask_again')})"))
        view.explain(self._why_empty())
        self._title.wanted = f"/{safe(self._search.words)}" if self._search.words else ""
        self._title.place = place = self._place()
        self._title.heading = self._heading(place)
        self.key_line.show(self.keys())

    def _heading(self, place: tuple[Part, ...]) -> str:
        """How long the log is, as far as there is room beside what matters most of its place."""
        number = len(self._log)
        most = min(place, key=lambda part: part.rank, default=None)
        room = self.size.width - 2 - (0 if most is None else cell_len(most.text) + 4)
        headings = [f"Log {counted(number, 'line')}", f"Log {count(number)}"] if number else []
        return next((heading for heading in headings if cell_len(heading) <= room), "Log")

    def _why_empty(self) -> str:
        remote = safe(self.shown.remote)
        match self._log.state:
            case LogState.FAILED:
                return ""  # it is said above
            case LogState.ASKING:
                waited = int(time.monotonic() - self._asked)
                return f"Asking {remote} for the log…" + (f" {waited} s" if waited else "")
        return "Nothing is in the log yet" if self._log.grows else "The log is empty"

    def _place(self) -> tuple[Part, ...]:
        log, view = self._log, self._view
        if log.searched is not None:
            return (Part(f"searching, line {count(log.searched + 1)}: Esc gives up", 0),)
        parts = [Part("following", 0)] if log.grows and view.following and log.state is LogState.THERE else []
        if len(view) > view.page_rows:
            percent = view.cursor * 100 // (len(view) - 1)
            parts += [Part(f"line {count(view.cursor + 1)}", 2), Part(f"{percent} %", 1)]
        return tuple(parts)

    def offers(self, key: Key) -> bool:
        """Whether a key has something to do now."""
        related = self._related or Related([], [])
        offered = {
            "stop": self.shown.running,
            "ask_again": self._log.state is LogState.FAILED,
            "next_match(1)": bool(self._search.words),
            "next_match(-1)": bool(self._search.words),
            "related(-1)": bool(related.before or related.after),
            "related(1)": bool(related.after),
            "shift(16)": self._view.is_wide,
            "copy_line": len(self._view) > 0,
        }
        return offered.get(key.action, True)

    def acting(self, place: Place) -> Widget:
        return self._view if place is Place.ROWS else self

    def keys(self) -> Iterator[Key]:
        """The keys that the bottom line names now, the one to the end of the log among them."""
        for key in super().keys():
            if key.action == "copy_upid" and (self._log.grows or len(self._view) > self._view.page_rows):
                end = next(key for key in keys_in_use() if (key.place, key.action) == (Place.ROWS, "bottom"))
                yield replace(end, label="last", rank=2)
            yield key

    # the user's wishes

    def action_back(self) -> None:
        if not self._search.give_up():
            self.dismiss()

    def action_details(self) -> None:
        self.app.push_screen(DetailsScreen(lambda: self.shown, self._stopping.has_stopped, self._known, self._tz))

    def action_ask_again(self) -> None:
        self._log.ask_again()

    def action_shift(self, cells: int) -> None:
        self._view.shift(cells)

    def action_related(self, step: int) -> None:
        related = self._related or Related([], [])
        others = related.after if step > 0 else related.before
        if others:
            self._open(others[0])
        else:
            self._say(f"No task {'after' if step > 0 else 'before'} this one is known")

    def action_copy_upid(self) -> None:
        self._copy(self.shown.parsed.upid.text, "the UPID")

    def action_copy_remote_upid(self) -> None:
        self._copy(self.shown.upid, "the remote UPID")

    def action_copy_line(self) -> None:
        line = self._view.selected
        if line is not None:
            self._copy(line, "the line")

    def _copy(self, text: str, what: str) -> None:
        self.app.copy_to_clipboard(safe(text))
        self._say(f"Copied {what}: {fit(text, _SHOWN_OF_COPY).rstrip()}")

    def action_stop(self) -> None:
        """Ask whether to stop the task, and then its remote to do so."""
        self._stopping.ask(self.shown)

    def action_search(self) -> None:
        self._search.ask()

    def action_next_match(self, step: int) -> None:
        self._search.next(step)

    def action_export_log(self) -> None:
        moment = local(self._clock(), self._tz)
        export_log(self.app, self._access, self.shown, f"{moment:%Y%m%d-%H%M}" if moment else "log")

    def _say(self, words: str) -> None:
        tell(self.app, words)
