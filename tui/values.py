"""What values a field has in the fleet, and how many tasks have them: for completing a filter and choosing from a
list. Counted in threads."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Literal, NamedTuple

from backend.query import Filter
from backend.task import Status, Task
from tui.completion import KNOWN_VALUES, Values
from tui.history import HistoryRows
from tui.widgets.history_pane import HistoryPane

Field = Literal["remote", "node", "type", "user"]
FIELDS: tuple[Field, ...] = ("remote", "node", "type", "user")

_ATTRIBUTES: dict[Field, str] = {"remote": "remote", "node": "node", "type": "worker_type", "user": "user"}


_LASTS = 30.0
"""How long (seconds) values count as up to date: counting them competes with who types, most of all while many
tasks come in."""
_PATIENCE = 1.0
"""How long (seconds) the first count is waited for."""


class Counted(NamedTuple):
    """A value and its tasks, running ones included."""

    value: str
    tasks: int
    errors: int


def with_tokens(users: Iterable[Counted]) -> list[Counted]:
    """Users with the tasks of their tokens, as a filter for a user finds them; and the tokens themselves."""
    found = {one.value: one for one in users}
    for token in list(found.values()):
        user, sign, _ = token.value.partition("!")
        own = found.get(user)
        if sign and own is not None:
            found[user] = Counted(user, own.tasks + token.tasks, own.errors + token.errors)
    return sorted(found.values(), key=_most_tasks_first)


def _most_tasks_first(one: Counted) -> tuple[int, str]:
    return -one.tasks, one.value


class FleetValues:
    """The values of the shown history and of what runs.

    Args:
        running: the running tasks.
        remotes: the names of all remotes: also those without tasks can be named.
    """

    def __init__(
        self, pane: HistoryPane, running: Callable[[], Iterable[Task]], remotes: Callable[[], Iterable[str]]
    ) -> None:
        self._pane = pane
        self._running = running
        self._remotes = remotes
        self.known: Values = KNOWN_VALUES
        """The values of each field as they were last counted, the commonest first."""
        self._looked = asyncio.Event()
        self._counted_at = -inf

    async def look(self) -> None:
        """Bring `known` up to date, unless it has been for less than a while. Raises OSError."""
        now = asyncio.get_running_loop().time()
        if now - self._counted_at < _LASTS:
            return
        values: dict[str, Sequence[str]] = dict(KNOWN_VALUES)
        try:
            for field in FIELDS:
                values[field] = [counted.value for counted in await self.counted(field, None)]
        finally:
            self._looked.set()
        self.known = values
        self._counted_at = now

    async def ready(self) -> None:
        """Wait until the first look at the values is over, though not for long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._looked.wait(), _PATIENCE)

    async def counted(self, field: Field, wanted: Filter | None) -> list[Counted]:
        """The values of a field among the tasks that match, those with the most tasks first."""

        async def count(rows: HistoryRows) -> Counter[tuple[str, Status]]:
            return await rows.scan(lambda cancelled: rows.snapshot.counts_by(field, wanted, cancelled=cancelled))

        counts = Counter(await self._pane.ask(count))
        attribute = _ATTRIBUTES[field]
        running = filter(wanted.matcher(), self._running()) if wanted else self._running()
        counts.update((str(getattr(task, attribute)), Status.RUNNING) for task in running)
        tasks: dict[str, int] = defaultdict(int)
        errors: dict[str, int] = defaultdict(int)
        if field == "remote":
            tasks.update(dict.fromkeys(self._remotes(), 0))
        for (value, status), number in counts.items():
            tasks[value] += number
            if status is Status.ERROR:
                errors[value] += number
        values = (Counted(value, number, errors[value]) for value, number in tasks.items())
        return sorted(values, key=_most_tasks_first)
