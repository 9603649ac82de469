"""The filter of the lists, and the ways to change it beside typing: switches, choosing from the fleet's values or
from what one task has, saved filters. What it narrows is the screen's matter."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, tzinfo

from textual.screen import Screen

from backend.description import describe_type
from backend.query import MOST_CHARACTERS, Filter, FilterError, guest_id, parse_filter
from backend.task import Status, Task
from backend.text import safe
from backend.times import local
from tui.filter_text import named, names, replaced, switched, term
from tui.format import count
from tui.memory import Memory
from tui.row import SIGNS
from tui.screens.ask import AskScreen
from tui.screens.choose import ChooseScreen, Chosen
from tui.values import Field, FleetValues, with_tokens
from tui.widgets.choice_list import Choice, State
from tui.widgets.key_line import tell

_LONGEST_NAME = 40
_PAST_SAVING = 2 * MOST_CHARACTERS
"""Characters that no filter has after all that it held before is taken out of it: to go on would cost time."""
_TITLES: dict[Field, str] = {"remote": "Remotes", "node": "Nodes", "type": "Task types", "user": "Users"}


class Filtering:
    """Holds the filter, and changes it on the user's behalf.

    Args:
        screen: what popups come over.
        changed: told when the filter has another text.

    Attributes:
        wanted: the filter.
    """

    def __init__(
        self,
        screen: Screen[None],
        values: FleetValues,
        memory: Memory,
        changed: Callable[[], None],
        now: Callable[[], float],
        tz: tzinfo | None,
    ) -> None:
        self.wanted = Filter()
        self._screen = screen
        self._values = values
        self._memory = memory
        self._changed = changed
        self._now = now
        self._tz = tz
        self._brought: set[str] = set()
        self._cleared = ""

    def take(self, wanted: Filter) -> None:
        """Have the lists narrowed by this filter."""
        if wanted.text != self.wanted.text:
            self.wanted = wanted
            if wanted:
                self._cleared = ""
            self._changed()

    def take_typed(self, wanted: Filter) -> None:
        """Have the lists narrowed by a filter that the user types."""
        if wanted.text != self.wanted.text:
            self._brought.discard(wanted.text)
        self.take(wanted)

    def take_brought(self, text: str) -> None:
        """Have the lists narrowed by a filter's text that the user has not made."""
        self._brought.add(text)
        self.take_text(text)

    def remember(self) -> None:
        """Remember the filter as the last one, if the user has made it."""
        if self.wanted.text not in self._brought:
            self._memory.add_filter(self.wanted.text)

    def renew(self) -> None:
        """Let the filter's `since:2h` move on."""
        if self.wanted:
            self.wanted = parse_filter(self.wanted.text, now=self._now(), tz=self._tz)

    def clear(self) -> None:
        """Take the filter away; where there is none, bring back the one that was taken away so, or the last one of
        the user's own."""
        if self.wanted:
            self.remember()
            self._cleared = self.wanted.text
            self.take(Filter())
        elif self.last:
            self.take_text(self.last)
        else:
            self._say("There is no filter to clear or to bring back")

    @property
    def last(self) -> str:
        """The text of the filter that `clear` brings back; empty where there is none."""
        filters = self._memory.now.filters
        return self._cleared or (safe(filters[0]) if filters else "")

    def switch_status(self, status: str) -> None:
        """Ask for tasks of this status, too; or, where that is asked for, no longer."""
        self.take_text(switched(self.wanted.text, "status", status))

    def choose(self, field: Field) -> None:
        """Let the user choose values of a field. They are counted among what the rest of the filter leaves."""
        found: list[str] = []

        async def load() -> Sequence[Choice]:
            text = self.wanted.text
            for negated in (False, True):
                for value in named(text, field, negated=negated):
                    text = switched(text, field, value, negated=negated)
            rest = parse_filter(text, now=self._now(), tz=self._tz)
            counted = await self._values.counted(field, rest)
            notes: dict[str, str] = {}
            if field == "user":
                counted = with_tokens(counted)
                owners = (one.value.partition("!")[0] for one in counted if "!" in one.value)
                notes = dict.fromkeys(owners, "with its tokens")
            elif field == "type":
                notes = {one.value: describe_type(one.value) for one in counted}
            found.extend(one.value for one in counted)
            # where only errors are asked for, both numbers would be the same
            only_errors = all(one.errors == one.tasks for one in counted)
            return [
                Choice(
                    one.value,
                    count(one.tasks),
                    f"{SIGNS[Status.ERROR]} {count(one.errors)}" if one.errors and not only_errors else "",
                    self._state(field, one.value),
                    notes.get(one.value, ""),
                )
                for one in counted
            ]

        def apply(chosen: Chosen) -> str:
            text = self.wanted.text
            for number, without in chosen.switched:
                text = switched(text, field, found[number], negated=without)
                if len(text) > _PAST_SAVING:
                    break
            return text

        self._choose(_TITLES[field], load, apply)

    def choose_like(self, task: Task, *, without: bool) -> None:
        """Let the user choose in what other tasks are to be like this one; or `without`, in what they are not."""
        terms = _terms_of(task, self._tz)
        choices = [
            Choice(
                term(field, value),
                state=self._state(field, value),
                note=task.description if field == "type" else "",
            )
            for field, value in terms
        ]

        async def load() -> Sequence[Choice]:
            return choices

        def apply(chosen: Chosen) -> str:
            text = self.wanted.text
            for number, excluded in chosen.switched:
                field, value = terms[number]
                if field in ("since", "until"):
                    # not since then is until then
                    other = "until" if field == "since" else "since"
                    text = replaced(text, other if excluded else field, value)
                else:
                    text = switched(text, field, value, negated=excluded)
                if len(text) > _PAST_SAVING:
                    break
            return text

        title = "No tasks that have" if without else "Only tasks that have"
        self._choose(title, load, apply, start="-" if without else "")

    def _choose(
        self,
        title: str,
        load: Callable[[], Awaitable[Sequence[Choice]]],
        apply: Callable[[Chosen], str],
        *,
        start: str = "",
    ) -> None:
        """Let the user choose from lines, and take the filter's text that `apply` makes of what is chosen."""

        def check(chosen: Chosen) -> str:
            text = apply(chosen)
            if len(text) > MOST_CHARACTERS:
                return (
                    f"too many: a filter holds {MOST_CHARACTERS} characters; choose fewer, or type what many have "
                    "in common with *, such as type:qm*"
                )
            try:
                parse_filter(text, now=self._now(), tz=self._tz)
            except FilterError as error:
                return safe(error.expected)
            return ""

        def take(chosen: Chosen | None) -> None:
            if chosen is not None:
                self.take_text(apply(chosen), remember=True)

        self._screen.app.push_screen(ChooseScreen(title, load, start=start, check=check), take)

    def save(self) -> None:
        """Ask for a name to save the filter under."""
        if not self.wanted:
            self._say("There is no filter to save")
            return
        text = self.wanted.text

        def check(name: str) -> str:
            return "" if 0 < len(name) <= _LONGEST_NAME else f"expected a name of 1 to {_LONGEST_NAME} characters"

        def keep(name: str | None) -> None:
            if name is not None:
                self._memory.change(saved={**self._memory.now.saved, name: text})
                self._say(f"Saved as {safe(name)}")

        self._screen.app.push_screen(AskScreen("save as", f"a name for {safe(text)}", check), keep)

    def choose_saved(self) -> None:
        """Let the user take one of the saved filters, or forget it."""
        saved = sorted(self._memory.now.saved.items())
        if not saved:
            self._say("No filter has been saved")
            return

        async def load() -> Sequence[Choice]:
            return [
                Choice(f"{name}   {text}", state=State.WITH if text == self.wanted.text else State.NOT)
                for name, text in saved
            ]

        def take(chosen: Chosen | None) -> None:
            if chosen is None:
                return
            if chosen.forgotten is not None:
                forgotten = saved[chosen.forgotten][0]
                self._memory.change(saved={name: text for name, text in saved if name != forgotten})
                self.choose_saved()
            for number, _ in chosen.switched:
                self.take_text(saved[number][1], remember=True)

        legend = f"{State.WITH} means the filter of the lists"
        screen = ChooseScreen(
            "Saved filters", load, several=False, excluding=False, forgetting=True, legend=legend
        )
        self._screen.app.push_screen(screen, take)

    def _state(self, field: str, value: str) -> State:
        for state, negated in ((State.WITH, False), (State.WITHOUT, True)):
            if names(self.wanted.text, field, value, negated=negated):
                return state
        return State.NOT

    def take_text(self, text: str, *, remember: bool = False) -> None:
        """Have the lists narrowed by the filter that a text is, or say what is wrong with it."""
        try:
            wanted = parse_filter(text, now=self._now(), tz=self._tz)
        except FilterError as error:
            self._say(safe(f"{error.expected} · {error.word}"))
            return
        self.take(wanted)
        if remember:
            self._brought.discard(wanted.text)
            self.remember()

    def _say(self, words: str) -> None:
        tell(self._screen.app, words)


def _terms_of(task: Task, tz: tzinfo | None) -> list[tuple[str, str]]:
    """What a task has that a filter can ask for: fields and values."""
    terms = [
        ("remote", task.remote),
        ("node", task.node),
        ("type", task.worker_type),
        ("user", task.user),
        ("status", task.status_class.value),
    ]
    guest = guest_id(task.worker_id)
    if guest is not None:
        terms.insert(3, ("vmid", guest))
    moment = local(task.starttime, tz)
    if moment is not None:
        terms += [("since", _written(moment)), ("until", _written(moment))]
    return terms


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}"
