"""The keys: one table that the bindings, the bottom line, the help and a configuration's `[keys]` are all made of.
What a configuration wishes to be otherwise is read in `keymap`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from textual.binding import Binding
from textual.keys import format_key

_CAPS = {
    "escape": "Esc",
    "enter": "⏎",
    "space": "Space",
    "tab": "Tab",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "delete": "Del",
    "insert": "Ins",
}


class Place(StrEnum):
    """Where a key works, as the help calls it."""

    FIND = "Filter the lists"
    MOVE = "Jump in the history"
    LIST = "Move in a list"
    SCREEN = "Other views, and what can be done"
    FILTER = "While a filter is typed"
    CHOOSE = "Choosing from a list"
    ASK = "Answering a question"
    TASK = "View of one task"
    STATISTICS = "Statistics"
    GUESTS = "Guests"
    REMOTES = "Remotes"
    ROWS = "Move in a log, in statistics, guests and remotes"
    CONFIRM = "Before something is done"
    PROGRESS = "While a file is written"
    DIALOG = "Details and this help"
    HELP = "This help"
    START = "Before there is a configuration"
    EVERYWHERE = "Everywhere"


@dataclass(frozen=True, slots=True)
class Key:
    """One action and its keys.

    Attributes:
        name: what a configuration calls it: the same for what is the same in several places.
        keys: what Textual calls them, separated by commas.
        action: the action of the widget, screen or app the place belongs to.
        help: what it does, in a sentence's words.
        label: one word for the bottom line; empty if it is not to stand there.
        short: the label where there is little room.
        rank: of the labels that do not all fit those of the highest rank go first.
        priority: whether it beats the focused widget's own keys. Those that move the focus do: they act before
            the next key is read, so that of keys that come in one piece, as over a slow line, none goes astray.
        shown: how the bottom line writes it, where that is not just the first of its keys.
    """

    place: Place
    name: str
    keys: str
    action: str
    help: str
    label: str = ""
    rank: int = 0
    priority: bool = False
    shown: str = ""
    short: str = ""

    @property
    def cap(self) -> str:
        """How the bottom line writes it."""
        return self.shown or cap(self.keys.split(",")[0])

    @property
    def caps(self) -> str:
        """All of its keys, written."""
        return " ".join(map(cap, self.keys.split(",")))


@cache
def cap(key: str) -> str:
    """How a key is written: `/`, `Esc`, `Ctrl+F`."""
    *modifiers, plain = key.split("+")
    written = _CAPS.get(plain, "")
    if not written:
        written = format_key(plain)
        if modifiers or len(written) > 1:
            written = written.capitalize()
    return "+".join([*(modifier.capitalize() for modifier in modifiers), written])


# fmt: off
KEYS: tuple[Key, ...] = (
    Key(Place.FIND, "filter", "slash", "filter", "narrow both lists as you type", "filter", priority=True),
    Key(Place.FIND, "clear-filter", "0", "clear_filter",
        "clear the filter; again: bring it back, or the last one you made", "clear filter", 1, short="clear"),
    Key(Place.FIND, "errors", "1", "switch_status('error')",
        "errors only, or among others; again: not", "errors", 1),
    Key(Place.FIND, "warnings", "2", "switch_status('warning')",
        "tasks with warnings only, or among others; again: not"),
    Key(Place.FIND, "running", "3", "switch_status('running')", "running tasks only, or among others; again: not"),
    Key(Place.FIND, "choose-remote", "r", "choose('remote')", "choose remotes", "remote", 6),
    Key(Place.FIND, "choose-type", "t", "choose('type')", "choose task types", "type", 6),
    Key(Place.FIND, "choose-user", "u", "choose('user')", "choose users", "user", 6),
    Key(Place.FIND, "like-this", "f", "choose_like(False)",
        "only tasks like this one: choose in what", "like this", 9),
    Key(Place.FIND, "unlike-this", "F", "choose_like(True)", "no tasks like this one: choose in what"),
    Key(Place.FIND, "saved-filters", "o", "choose_saved", "choose one of the saved filters", "saved", 10),
    Key(Place.FIND, "save-filter", "O", "save_filter", "save the filter under a name", "save", 10),
    Key(Place.FIND, "guest-tasks", "B", "filter_guest",
        "all tasks of the guest that this one is about; where it is about none, it asks for one"),
    Key(Place.FIND, "give-up-search", "escape", "give_up",
        "give up a long search; or back to where these tasks were chosen", priority=True),
    Key(Place.LIST, "open", "enter", "open", "show all of the task under the cursor, and its log",
        "open", 1),
    Key(Place.LIST, "down", "down,j", "move(1)", "next task"),
    Key(Place.LIST, "up", "up,k", "move(-1)", "previous task"),
    Key(Place.LIST, "page-down", "pagedown,ctrl+f", "page(1)", "a page down"),
    Key(Place.LIST, "page-up", "pageup,ctrl+b", "page(-1)", "a page up"),
    Key(Place.LIST, "top", "home", "top", "to the newest task; the history follows what comes"),
    Key(Place.LIST, "bottom", "end", "bottom", "to the oldest task"),
    Key(Place.MOVE, "next-error", "e", "next_with('error', False)",
        "to the next error down the history", "next error", 3, short="error"),
    Key(Place.MOVE, "previous-error", "E", "next_with('error', True)", "to the error before, up the history"),
    Key(Place.MOVE, "next-warning", "w", "next_with('warning', False)", "to the next warnings down the history"),
    Key(Place.MOVE, "previous-warning", "W", "next_with('warning', True)",
        "to the warnings before, up the history"),
    Key(Place.MOVE, "go-to", "g", "go_to", "to a time, or a part of the way down the history",
        "go to time", 5, priority=True, short="time"),
    Key(Place.MOVE, "mark", "m", "mark", "mark the task under the cursor, or unmark it"),
    Key(Place.MOVE, "next-mark", "apostrophe", "next_mark",
        "to the next marked task, from the last one to the first"),
    Key(Place.MOVE, "timeline-back", "left_square_bracket", "next_cell(-1)",
        "one bar of the timeline back in time"),
    Key(Place.MOVE, "timeline-on", "right_square_bracket", "next_cell(1)", "one bar of the timeline on in time"),
    Key(Place.MOVE, "other-list", "tab", "next_pane", "to the other list", "other list", 7, priority=True),
    Key(Place.MOVE, "sort-running", "greater_than_sign", "sort",
        "what runs by start, by duration or by remote"),
    Key(Place.MOVE, "more-running", "plus", "resize(1)", "make the list of what runs higher"),
    Key(Place.MOVE, "less-running", "minus", "resize(-1)", "make the list of what runs lower"),
    Key(Place.SCREEN, "stop", "S", "stop", "stop the running task under the cursor; asks first", "stop", 2),
    Key(Place.SCREEN, "columns", "c", "choose_columns", "choose the history's columns"),
    Key(Place.SCREEN, "statistics", "s", "statistics",
        "counts by status: of kinds of tasks, and of remotes", "statistics", 3, short="stats"),
    Key(Place.SCREEN, "guests", "b", "guests", "guests by the age of their last backup", "guests", 4),
    Key(Place.SCREEN, "export", "x", "export", "write what the lists show to a file", "export", 5),
    Key(Place.SCREEN, "fetch", "f5", "fetch", "fetch from the remotes now", "fetch", 11),
    Key(Place.SCREEN, "remotes", "f9", "remotes", "every remote, and all that is wrong with it", "remotes", 3),
    Key(Place.SCREEN, "help", "question_mark,f1", "help", "this help", "help"),
    Key(Place.SCREEN, "quit", "q", "app.quit", "quit", "quit", 2),
    Key(Place.FILTER, "keep-filter", "enter", "keep",
        "keep the filter and go to the history", "keep", priority=True),
    Key(Place.FILTER, "leave-filter", "escape", "give_up",
        "back, with the filter as it was before", "back", priority=True),
    Key(Place.FILTER, "complete", "tab", "complete",
        "go on with what stands there dimmed, or with what is offered; again: with the next",
        "complete", 1, priority=True, shown="Tab →"),
    Key(Place.FILTER, "save-typed", "ctrl+s", "save",
        "save the filter under a name, and go on typing", "save", 3, priority=True),
    Key(Place.FILTER, "earlier-filter", "up", "recall(1)",
        "earlier filters", "earlier filters", 2, priority=True, shown="↑ ↓"),
    Key(Place.FILTER, "later-filter", "down", "recall(-1)",
        "later filters, and back to what was being typed", priority=True),
    Key(Place.CHOOSE, "take", "enter", "screen.apply",
        "take the chosen lines, or this one", "take", priority=True),
    Key(Place.CHOOSE, "choose-several", "space", "screen.switch",
        "choose this line too, or not", "several", priority=True),
    Key(Place.CHOOSE, "choose-all", "ctrl+a", "screen.switch_all",
        "choose all lines that match, or none of them", "all", priority=True),
    Key(Place.CHOOSE, "forget", "delete", "screen.forget", "forget this saved filter", "forget", priority=True),
    Key(Place.CHOOSE, "choose-down", "down", "screen.move(1)", "next line", priority=True),
    Key(Place.CHOOSE, "choose-up", "up", "screen.move(-1)", "previous line", priority=True),
    Key(Place.CHOOSE, "choose-page-down", "pagedown", "screen.page(1)", "a page down", priority=True),
    Key(Place.CHOOSE, "choose-page-up", "pageup", "screen.page(-1)", "a page up", priority=True),
    Key(Place.CHOOSE, "leave-choosing", "escape", "screen.dismiss",
        "back; nothing is taken", "back", priority=True),
    Key(Place.ASK, "answer", "enter", "answer", "take the answer", "go", priority=True),
    Key(Place.ASK, "leave-question", "escape", "dismiss", "back", "back", priority=True),
    Key(Place.TASK, "back", "escape,q", "back", "back to the lists; or give up searching", "back"),
    Key(Place.TASK, "search", "slash", "search", "search the log", "search", 1, priority=True),
    Key(Place.TASK, "next-match", "n", "next_match(1)", "to the next line that matches", "next", 4),
    Key(Place.TASK, "previous-match", "N", "next_match(-1)", "to the line before that matches"),
    Key(Place.TASK, "ask-again", "r", "ask_again", "ask the remote for the log again", "ask again", 3),
    Key(Place.TASK, "right", "right", "shift(16)", "to the rest of long lines, and back",
        "long lines", 2, shown="→ ←", short="lines"),
    Key(Place.TASK, "left", "left", "shift(-16)", "back to the beginning of long lines"),
    Key(Place.TASK, "task-before", "left_square_bracket", "related(-1)",
        "the task before, of the same guest", "before, after", 3, shown="[ ]", short="nearby"),
    Key(Place.TASK, "task-after", "right_square_bracket", "related(1)",
        "the task after, of the same guest"),
    Key(Place.TASK, "stop", "S", "stop", "stop the task; asks first", "stop", 2),
    Key(Place.TASK, "copy-upid", "y", "copy_upid", "copy the UPID, as its own remote knows it", "copy UPID", 6,
        short="UPID"),
    Key(Place.TASK, "copy-remote-upid", "Y", "copy_remote_upid", "copy the remote UPID, as the commands take it"),
    Key(Place.TASK, "copy-line", "c", "copy_line", "copy the line of the log under the cursor", "copy line", 7),
    Key(Place.TASK, "export-log", "x", "export_log", "write the whole log to a file", "export", 5),
    Key(Place.TASK, "details", "i", "details", "all that is known of the task, in full", "details", 4,
        short="more"),
    Key(Place.TASK, "help", "question_mark,f1", "help", "this help", "help"),
    Key(Place.STATISTICS, "back", "escape,q", "dismiss", "back to the lists", "back"),
    Key(Place.STATISTICS, "next-span", "t,s", "next_span", "count over another time: 24 h, 7 d, all", "time"),
    Key(Place.STATISTICS, "left", "left", "to_column(-1)", "to another number of the row", shown="← →"),
    Key(Place.STATISTICS, "right", "right", "to_column(1)", "to the next number of the row"),
    Key(Place.STATISTICS, "help", "question_mark,f1", "help", "this help", "help"),
    Key(Place.GUESTS, "back", "escape,q", "back", "show all guests; or back to the lists", "back"),
    Key(Place.GUESTS, "errors", "1", "switch_trouble",
        "only guests whose last backup failed or that have none; again: all", "none or failed", 2),
    Key(Place.GUESTS, "search", "slash", "narrow",
        "only guests whose row holds what is typed", "narrow", priority=True),
    Key(Place.GUESTS, "help", "question_mark,f1", "help", "this help", "help"),
    Key(Place.REMOTES, "back", "escape,q", "dismiss", "back to the lists", "back"),
    Key(Place.REMOTES, "details", "i", "details", "all that is known of this remote, in full", "details", 2),
    Key(Place.REMOTES, "fetch-remote", "r", "fetch_one", "fetch from this remote now", "fetch this one", 3),
    Key(Place.REMOTES, "fetch", "f5", "fetch_all", "fetch from all remotes now", "fetch all", 4),
    Key(Place.REMOTES, "help", "question_mark,f1", "help", "this help", "help"),
    Key(Place.ROWS, "open", "enter", "open", "show the tasks that the row is about", "open", 1),
    Key(Place.ROWS, "down", "down,j", "move(1)", "next row"),
    Key(Place.ROWS, "up", "up,k", "move(-1)", "previous row"),
    Key(Place.ROWS, "page-down", "pagedown,space,ctrl+f", "page(1)", "a page down"),
    Key(Place.ROWS, "page-up", "pageup,ctrl+b", "page(-1)", "a page up"),
    Key(Place.ROWS, "top", "home", "top", "to the first row"),
    Key(Place.ROWS, "bottom", "end,G", "bottom", "to the last row; at the end of a log, go on with what comes"),
    Key(Place.CONFIRM, "yes", "y", "confirm", "yes, do it", "yes", priority=True),
    Key(Place.CONFIRM, "no", "escape,n,q", "dismiss", "no; nothing is done", "no", priority=True),
    Key(Place.PROGRESS, "give-up", "escape", "give_up", "give up; no file is left", "give up", priority=True),
    Key(Place.PROGRESS, "close-written", "enter,q", "close",
        "back, once the file is written", "back", priority=True),
    Key(Place.DIALOG, "close", "escape,enter,q", "dismiss", "back", "back"),
    Key(Place.DIALOG, "down", "down,j", "scroll_down", "scroll down"),
    Key(Place.DIALOG, "up", "up,k", "scroll_up", "scroll up"),
    Key(Place.DIALOG, "page-down", "pagedown,space,ctrl+f", "page_down", "a page down", "scroll"),
    Key(Place.DIALOG, "page-up", "pageup,ctrl+b", "page_up", "a page up"),
    Key(Place.DIALOG, "top", "home", "scroll_home", "to the beginning"),
    Key(Place.DIALOG, "bottom", "end,G", "scroll_end", "to the end"),
    Key(Place.DIALOG, "help", "question_mark,f1", "help", "this help", "help"),
    Key(Place.HELP, "search", "slash", "search", "only keys and words that hold what is typed", "search",
        priority=True),
    Key(Place.START, "demo", "d", "demo", "look around on a simulated fleet", "demo", 1),
    Key(Place.START, "lists", "escape", "dismiss", "to the lists, empty as they are", "lists", 2),
    Key(Place.START, "help", "question_mark,f1", "help", "this help", "help"),
    Key(Place.START, "quit", "q", "app.quit", "quit", "quit"),
    Key(Place.EVERYWHERE, "quit-anywhere", "ctrl+q", "quit", "quit", priority=True),
    Key(Place.EVERYWHERE, "commands", "ctrl+p", "command_palette", "commands and colour themes", priority=True),
)
# fmt: on


_in_use: Sequence[Key] = KEYS


def use(keys: Sequence[Key]) -> None:
    """Have this table in use from now on. There is one dashboard in a process."""
    global _in_use
    _in_use = keys


def keys_in_use() -> Sequence[Key]:
    """The table in use: KEYS, unless a configuration wishes otherwise."""
    return _in_use


def bindings(place: Place) -> list[Binding]:
    """Textual's bindings for a place. An app's keymap, by the keys' names, puts other keys in their place."""
    return [
        Binding(
            key.keys,
            key.action,
            key.help,
            show=bool(key.label),
            key_display=key.cap,
            priority=key.priority,
            id=key.name,
        )
        for key in KEYS
        if key.place is place
    ]


def cap_of(name: str) -> str:
    """The key to an action by its name, as sentences write it: `F9`."""
    return next(key.cap for key in _in_use if key.name == name)


def way_to(action: str) -> str:
    """The key to an action, as the bottom line writes it: `F9 remotes`."""
    key = next(key for key in _in_use if key.action == action)
    return f"{key.cap} {key.label}"


def labelled(*places: Place) -> Iterator[Key]:
    """The keys of these places that the bottom line names."""
    return (key for key in _in_use if key.place in places and key.label)
