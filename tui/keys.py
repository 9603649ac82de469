"""The keys: one table that the bindings, the bottom line and the help are all made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding


class Place(StrEnum):
    """Where a key works."""

    LIST = "lists"
    SCREEN = "dashboard"
    FILTER = "filter line"
    DIALOG = "details, remotes and help"
    EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Key:
    """One action and its keys.

    Attributes:
        keys: what Textual calls them, separated by commas.
        action: the action of the widget, screen or app the place belongs to.
        cap: how the key is written.
        help: what it does, in a sentence's words.
        label: one word for the bottom line; empty if it is not to stand there.
        priority: whether it beats the focused widget's own keys. Those that move the focus do: they act before
            the next key is read, so that of keys that come in one piece, as over a slow line, none goes astray.
    """

    place: Place
    keys: str
    action: str
    cap: str
    help: str
    label: str = ""
    priority: bool = False


KEYS: tuple[Key, ...] = (
    Key(Place.LIST, "enter", "open", "⏎", "show all of the task under the cursor", "open"),
    Key(Place.LIST, "down,j", "move(1)", "↓ j", "next task"),
    Key(Place.LIST, "up,k", "move(-1)", "↑ k", "previous task"),
    Key(Place.LIST, "pagedown,ctrl+f", "page(1)", "PgDn", "a page down"),
    Key(Place.LIST, "pageup,ctrl+b", "page(-1)", "PgUp", "a page up"),
    Key(Place.LIST, "home", "top", "Home", "to the newest task, and follow what comes"),
    Key(Place.LIST, "end", "bottom", "End", "to the oldest task"),
    Key(Place.SCREEN, "slash", "filter", "/", "narrow both lists as you type", "filter", priority=True),
    Key(Place.SCREEN, "escape", "clear_filter", "Esc", "clear the filter", "clear filter"),
    Key(Place.SCREEN, "tab", "next_pane", "Tab", "to the other list", "other list"),
    Key(Place.SCREEN, "f5", "fetch", "F5", "fetch from the remotes now", "fetch"),
    Key(Place.SCREEN, "f9", "remotes", "F9", "every remote, and all that is wrong with it", "remotes"),
    Key(Place.SCREEN, "question_mark,f1", "help", "?", "this help", "keys"),
    Key(Place.SCREEN, "q", "app.quit", "q", "quit", "quit"),
    Key(Place.FILTER, "enter,down", "keep", "⏎ ↓", "keep the filter and go to the history", "keep", priority=True),
    Key(
        Place.FILTER,
        "escape",
        "give_up",
        "Esc",
        "clear the filter and go back; of a wrong one, back to the filter before",
        "clear",
        priority=True,
    ),
    Key(Place.DIALOG, "escape,enter,q", "dismiss", "Esc", "back", "back"),
    Key(Place.DIALOG, "down,j", "scroll_down", "↓ j", "scroll down"),
    Key(Place.DIALOG, "up,k", "scroll_up", "↑ k", "scroll up"),
    Key(Place.EVERYWHERE, "ctrl+q", "quit", "Ctrl+Q", "quit", priority=True),
    Key(Place.EVERYWHERE, "ctrl+p", "command_palette", "Ctrl+P", "commands and colour themes", priority=True),
)


def bindings(place: Place) -> list[Binding]:
    """Textual's bindings for a place."""
    return [
        Binding(key.keys, key.action, key.help, show=bool(key.label), key_display=key.cap, priority=key.priority)
        for key in KEYS
        if key.place is place
    ]


def way_to(action: str) -> str:
    """The key to an action, as the bottom line writes it: `F9 remotes`."""
    key = next(key for key in KEYS if key.action == action)
    return f"{key.cap} {key.label}"


def labelled(*places: Place) -> Iterator[Key]:
    """The keys of these places that the bottom line names."""
    return (key for key in KEYS if key.place in places and key.label)
