"""What the screens beside the lists have in common: their keys, in the bottom line and for the command palette."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, TypeVar

from textual import on
from textual.screen import Screen
from textual.widget import Widget

from tui.keys import Key, Place, keys_in_use, labelled
from tui.screens.help import HelpScreen
from tui.widgets.key_line import KeyLine

T = TypeVar("T")


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
