"""The two lists and what moves in them: the jumps, the other list, and how high each may be."""

from collections.abc import Callable, Coroutine
from datetime import tzinfo
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from backend.query import Filter
from backend.task import Status, Task
from backend.text import safe
from tui.jumps import PLACE_EXAMPLES, Jumps, read_place
from tui.keys import Place, bindings
from tui.memory import Memory
from tui.running import order_named
from tui.screens.ask import AskScreen
from tui.trouble import cannot_read
from tui.widgets.history_pane import HistoryPane
from tui.widgets.key_line import tell
from tui.widgets.row_list import RowList
from tui.widgets.running_pane import RunningPane
from tui.widgets.task_list import TaskList
from tui.widgets.timeline import Timeline

_LEAST_HISTORY = 3
_JUMPS = "jumps"


class Lists(Vertical):
    """What runs above what has run. Jumps go through the history, wherever the focus is.

    Args:
        wanted: the filter that both show.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.MOVE)]
    DEFAULT_CSS = """
    Lists { height: 1fr; }
    """

    def __init__(
        self,
        running: RunningPane,
        history: HistoryPane,
        *,
        wanted: Callable[[], Filter],
        memory: Memory,
        now: Callable[[], float],
        tz: tzinfo | None,
    ) -> None:
        super().__init__()
        self._running_pane = running
        self._history_pane = history
        self._memory = memory
        self._now = now
        self._tz = tz
        self._chosen: TaskList = history.task_list
        self._from: Task | None = None
        self._jumps = Jumps(history, wanted, now, tz, self._say)

    def compose(self) -> ComposeResult:
        yield self._running_pane
        yield self._history_pane

    @property
    def chosen(self) -> TaskList:
        """The list the user put the focus in, or the one it can be in while that is not on the screen."""
        return self._chosen if self._chosen.display else self._history_pane.task_list

    def note_focus(self) -> None:
        """Take where the focus is for where the user wants it."""
        running, history = self._running_pane.task_list, self._history_pane.task_list
        self._running_pane.title_line.active = running.has_focus
        self._history_pane.title_line.active = history.has_focus
        # below a running task under the cursor it would read as that one's
        self._history_pane.selected_line.silent = running.has_focus
        # where there is no room for what runs, the focus in the history is no choice
        if running.display and (running.has_focus or history.has_focus):
            self._choose(running if running.has_focus else history)

    @property
    def other_name(self) -> str:
        """The list that the focus is not in, in a word."""
        return "history" if self.chosen is self._running_pane.task_list else "running"

    def choose_history(self) -> None:
        """Put the focus into the history."""
        self.choose(self._history_pane.task_list)

    def choose(self, task_list: TaskList) -> None:
        """Put the focus into a list at once: the next key is for it."""
        self._choose(task_list)
        self.screen.set_focus(task_list)

    def _choose(self, task_list: TaskList) -> None:
        self._chosen = task_list
        self._running_pane.chosen = task_list is self._running_pane.task_list

    def settle_heights(self) -> None:
        """Share out the screen's height as the user wants it, as far as there is room."""
        height, wish = self.screen.size.height, self._memory.now.running_rows
        most = max(1, height // 2 - _LEAST_HISTORY)
        self._running_pane.allow(height // 4 if wish is None else max(1, min(wish, most)))

    def action_resize(self, rows: int) -> None:
        if self._running_pane.task_list.display:
            self._memory.change(running_rows=max(1, self._running_pane.rows + rows))
            self.settle_heights()

    def action_sort(self) -> None:
        order = order_named(self._memory.now.running_order).next
        self._memory.change(running_order=order.value)
        self._running_pane.sort(order)

    def action_next_pane(self) -> None:
        running, history = self._running_pane.task_list, self._history_pane.task_list
        self.choose(running if self.chosen is history and running.display else history)
        if not running.display:
            self._say("There is no room to show what runs")

    def action_next_with(self, status: str, back: bool) -> None:
        what = status if status == Status.ERROR else "task with warnings"
        words = f"searching {'up' if back else 'down'} for the next {what}"
        self._jump(words, lambda: self._jumps.to_status(Status(status), back=back))

    async def action_go_to(self) -> None:
        def go(answer: str | None) -> None:
            if answer is not None:
                place = read_place(answer, self._now(), self._tz)
                self._jump(f"going to {answer}", lambda: self._jumps.to_place(place))

        # until it is there: the next key is for it
        await self.app.push_screen(AskScreen("go to", PLACE_EXAMPLES, self._wrong_place), go)

    def _wrong_place(self, answer: str) -> str:
        try:
            read_place(answer, self._now(), self._tz)
        except ValueError as error:
            return safe(str(error))
        return ""

    def action_mark(self) -> None:
        self.choose_history()
        self._jumps.mark()

    def action_next_mark(self) -> None:
        self._jump("searching for the next mark", self._jumps.to_mark)

    def action_next_cell(self, step: int) -> None:
        self._jump("going along the timeline", lambda: self._jumps.to_next_cell(step))

    @on(Timeline.Chosen)
    def _to_cell(self, message: Timeline.Chosen) -> None:
        self._jump("going along the timeline", lambda: self._jumps.to_cell(message.cell))

    def _jump(self, words: str, jump: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Jump behind the jumps before it, which may be under way still; but not behind one that takes so long
        that it is told of: that one is given up, unless it is the same one."""
        self.choose_history()
        if self._history_pane.searching == words:
            return
        self._history_pane.task_list.recall_cursor()
        self.stop_searching()

        async def run() -> None:
            try:
                with self._history_pane.telling(words):
                    await jump()
            except OSError as error:
                self._say(safe(cannot_read(error)))

        self._from = self._history_pane.task_list.selected
        self.run_worker(run(), group=_JUMPS)

    def stop_searching(self) -> bool:
        """Give up a jump that takes so long that it is told of; whether there was one."""
        searching = bool(self._history_pane.searching)
        if searching:
            self.workers.cancel_group(self, _JUMPS)
        return searching

    @on(RowList.Moved)
    def _moved(self, message: RowList.Moved) -> None:
        task = self._history_pane.task_list.selected
        if message.row_list is self._history_pane.task_list and task is not None and task != self._from:
            self.stop_searching()

    def _say(self, words: str) -> None:
        tell(self.app, words)
