"""Choosing the history's columns."""

from collections.abc import Callable, Sequence

from textual.app import App

from tui.memory import Memory
from tui.row import OPTIONAL
from tui.screens.choose import ChooseScreen, Chosen
from tui.widgets.choice_list import Choice, State

_VERBS = {State.WITH: "shows", State.NOT: "hides"}


def choose_columns(app: App[None], memory: Memory, hide: Callable[[frozenset[str]], None]) -> None:
    """Let the user choose which columns are seen where there is room; `hide` is told those that are not."""
    hidden = set(memory.now.hidden)

    async def load() -> Sequence[Choice]:
        return [Choice(name, state=State.NOT if name in hidden else State.WITH) for name in OPTIONAL]

    def take(chosen: Chosen | None) -> None:
        switched = {OPTIONAL[number] for number, _ in chosen.switched} if chosen else set()
        memory.change(hidden=tuple(sorted(hidden ^ switched)))
        hide(frozenset(memory.now.hidden))

    legend = f"{State.WITH} means shown"
    app.push_screen(ChooseScreen("Columns", load, excluding=False, legend=legend, verbs=_VERBS), take)
