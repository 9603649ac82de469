"""What the screens beside the lists have in common: their keys, in the bottom line and for the command palette."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import ClassVar, NamedTuple, TypeVar

from textual import on
from textual.screen import Screen
from textual.widget import Widget

from backend.task import Task
from tui.keys import Key, Place, keys_in_use, labelled
from tui.refresher import Refresher
from tui.screens.help import HelpScreen
from tui.widgets.key_line import KeyLine

T = TypeVar("T")


class TasksToShow(NamedTuple):
    """What the lists are to show: the tasks that a filter's text finds, with the cursor on one of them (None: on
    the newest), and what is to be said of them."""

    text: str
    task: Task | None = None
    words: str = ""


class KeyedScreen(Screen[T]):
    """A screen with a bottom line of keys.

    Attributes:
        PLACES: whose keys work on it.
    """

    PLACES: ClassVar[tuple[Place, ...]]

    def __init__(self) -> None:
        super().__init__()
        self.key_line = KeyLine()

    def acting(self, place: Place) -> Widget:
        """What does the actions of a place's keys."""
        return self

    def offers(self, key: Key) -> bool:
        """Whether a key has something to do now."""
        return True

    def help_places(self) -> Sequence[Place]:
        """Whose keys the help tells first: the screen's own, then those of its rows."""
        return (*(place for place in self.PLACES if place is not Place.ROWS), Place.ROWS)

    def keys(self) -> Iterator[Key]:
        """The keys that the bottom line names now."""
        return (key for place in self.PLACES for key in labelled(place) if self.offers(key))

    def commands(self) -> Iterator[Key]:
        """The keys that the command palette offers now."""
        return (key for key in keys_in_use() if key.place in self.PLACES and self.offers(key))

    async def press(self, key: Key) -> None:
        """Do what a key does, wherever the focus is."""
        await self.acting(key.place).run_action(key.action)

    @on(KeyLine.Pressed)
    async def _key_clicked(self, message: KeyLine.Pressed) -> None:
        await self.press(message.key)

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen(self.help_places()))


class OverviewScreen(KeyedScreen[TasksToShow | None]):
    """A screen whose rows lead to their tasks in the lists, and the lists back to it as it was left.

    Args:
        renew: brings it up to date; not called while the user is in the lists.
        every: seconds between two times.
    """

    def __init__(self, renew: Callable[[], Awaitable[None]], every: float) -> None:
        super().__init__()

        async def renew_if_seen() -> None:
            if not self.is_left:
                await renew()

        self.renewing = Refresher(renew_if_seen, every=every)

    def on_mount(self) -> None:
        self.run_worker(self.renewing.run())

    def on_screen_resume(self) -> None:
        self.renewing.soon()

    def choose(self, chosen: TasksToShow) -> None:
        """Leave it for the lists. It stays as it is until the app takes it up again, or removes it. Of keys that
        come in one piece the first one counts."""
        if not self.is_current:
            return
        self.app.install_screen(self, f"left-{id(self)}")
        self.dismiss(chosen)

    @property
    def is_left(self) -> bool:
        """Whether the user is in the lists: nobody sees what would be brought up to date."""
        return self not in self.app.screen_stack
