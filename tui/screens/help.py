"""The help: the keys, made of their table, and the language of the filter; all of it, or what has some words."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input

from backend.query import FIELDS
from backend.task import Status
from tui.keys import Key, Place, bindings, keys_in_use, labelled
from tui.row import MARK, SIGNS
from tui.screens.dialog import Dialog
from tui.sections import Section, beside_each_other
from tui.timeline import DOTTED
from tui.widgets.text_input import TextInput

_WORDS = (
    "Words match anywhere in a row or its UPID. A leading - excludes; quotes keep spaces; a comma means or; "
    "* stands for any text. What failed: status:error; all that did not end well: -status:ok."
)
GUEST_WORDS = "a guest's number, a part of a remote's name, VM, CT or a store"
"""What narrows the guests."""
_GUESTS = (
    f"Words, all of which a row must have: {GUEST_WORDS}. The fields and signs of a filter, such as status: and "
    "-, work in the lists."
)
_NAMES = 'In the configuration, [keys] gives actions other keys by these names: next-error = "n".'
_WIDE = 156
"""The narrowest screen (cells) on which the help has more than one column."""


class HelpScreen(Dialog):
    """All keys, and what a filter can say. What is of use where the user is stands first.

    Args:
        here: the places whose keys work there.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.HELP)]
    DEFAULT_CSS = """
    HelpScreen.-wide > Vertical { width: 96%; }
    HelpScreen Input { height: 1; border: none; padding: 0; background: $surface; display: none; }
    HelpScreen Input:focus { border: none; background-tint: transparent; }
    HelpScreen Input.-open { display: block; }
    """

    def __init__(self, here: Sequence[Place]) -> None:
        super().__init__("Help")
        self._here = here
        self._input = TextInput(placeholder="words that are looked for", compact=True)
        self._input.cursor_blink = False

    def head(self) -> ComposeResult:
        yield self._input

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= _WIDE, "-wide")
        super().on_resize(event)

    def content(self, width: int) -> Content:
        others = [place for place in Place if place not in self._here]
        # who asks while typing a filter asks what to type
        typing = Place.FILTER in self._here
        # and among the guests no filter is typed
        guests = Place.GUESTS in self._here
        language = [Section("What narrows the guests", [], _GUESTS)] if guests else [self._language()]
        here = [*self._keys(self._here)]
        first = [*language, *here] if typing else [*here[:1], *language, *here[1:]] if guests else here
        rest = [*([] if typing or guests else language), *self._keys(others), self._signs(), self._names()]
        parts = [self._narrowed(first), self._narrowed(rest)]
        if not any(parts):
            return Content("Nothing in the help has these words")
        return Content("\n").join(beside_each_other(sections, width) for sections in parts if sections)

    def _narrowed(self, sections: Iterable[Section]) -> list[Section]:
        wanted = self._input.value.lower().split()
        return [narrowed for section in sections if (narrowed := section.narrowed(wanted)) is not None]

    def _keys(self, places: Sequence[Place]) -> Iterator[Section]:
        for place in places:
            keys = [(key.caps, Content(key.help)) for key in keys_in_use() if key.place is place]
            yield Section(place, keys)

    def _language(self) -> Section:
        fields = [(f"{name}:", Content(meaning)) for name, meaning in FIELDS.items()]
        return Section("What a filter can say", fields, _WORDS)

    def _signs(self) -> Section:
        words = {Status.WARNING: "warnings"}
        signs = [(sign, Content(words.get(status, status.value))) for status, sign in SIGNS.items()]
        signs.append((MARK, Content("marked by you")))
        error, warning = SIGNS[Status.ERROR], SIGNS[Status.WARNING]
        lines = f"of all tasks; on a high screen also of those with warnings ({warning}) and of errors ({error})"
        signs.append(("▁▄█", Content(f"bars of the timeline, the higher the more tasks: {lines}")))
        dots = "in a timeline of one line, in the errors' colour: over twice as many errors as in a bar on average"
        signs.append((DOTTED, Content(dots)))
        return Section("Signs", signs)

    def _names(self) -> Section:
        caps: dict[str, dict[str, None]] = {}
        for key in keys_in_use():
            caps.setdefault(key.name, {}).update(dict.fromkeys(key.caps.split()))
        names = [(name, Content(" ".join(written))) for name, written in caps.items()]
        return Section("Names of the actions", names, _NAMES)

    # searching it

    def keys(self) -> Iterable[Key]:
        """The keys that the frame names: while words are looked for, how to end that."""
        close, *others = (key for key in super().keys() if key.action != "help")
        if self._input.has_class("-open"):
            return [replace(close, label="all of it"), *others]
        return [close, *others, *labelled(Place.HELP)]

    def action_search(self) -> None:
        self._input.add_class("-open")
        self._input.focus()
        self.show_keys(self.keys())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`/` is a letter like any other in what is looked for."""
        return action != "search" or not self._input.has_focus

    @on(Input.Changed)
    def _narrow(self, message: Input.Changed) -> None:
        message.stop()
        self.action_scroll_home()
        self.show_content()

    @on(Input.Submitted)
    def _keep(self, message: Input.Submitted) -> None:
        message.stop()
        self._text.focus()

    async def action_dismiss(self, result: None = None) -> None:
        """Back to all of the help, and then back to where it was asked for."""
        if self._input.has_class("-open"):
            self._input.value = ""
            self._input.remove_class("-open")
            self._text.focus()
            self.show_keys(self.keys())
        else:
            await super().action_dismiss(result)

    def action_help(self) -> None:
        """Here the key leads back."""
        self.dismiss()
