"""Stopping tasks: the user is asked first, then the task's remote; the worker is reminded to look until the end is
known, and the user told of it."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import tzinfo

from textual.app import App

from backend.archive import CacheError, TaskCache
from backend.client import RemoteError
from backend.task import Status, Task
from backend.times import full_time
from tui.access import Access, NoAccess
from tui.screens.confirm import ConfirmScreen
from tui.widgets.key_line import tell

_REMINDED = 60.0
"""For how long (seconds) after a stop the worker is reminded to look for the end. A task that goes on for longer
does not heed the stop, and is looked for as any other."""
_REMIND_EVERY = 3.0
"""Seconds between two reminders at least: what the worker then finds makes the dashboard look again."""


class Stopping:
    """Stops tasks on the user's behalf.

    Args:
        app: what asks come over.
        changed: told that a remote has been asked to stop a task.
    """

    def __init__(
        self,
        app: Callable[[], App[None]],
        cache: TaskCache,
        access: Access,
        changed: Callable[[], None],
        now: Callable[[], float],
        tz: tzinfo | None,
    ) -> None:
        self._app = app
        self._cache = cache
        self._access = access
        self._changed = changed
        self._now = now
        self._tz = tz
        self._asked: dict[str, float] = {}
        self._reminded = 0.0
        self._question: tuple[Task, ConfirmScreen] | None = None
        self._stopped: set[str] = set()
        """The tasks (remote UPIDs) that have ended since their remotes were asked to stop them."""

    def __contains__(self, upid: object) -> bool:
        """Whether a remote has been asked to stop this task (a remote UPID), and no end is known yet."""
        return upid in self._asked

    def has_stopped(self, task: Task) -> bool:
        """Whether a task has ended, and not well, since its remote was asked to stop it."""
        ended = not task.running and task.status_class is not Status.OK
        return ended and (task.upid in self._stopped or task.upid in self._asked)

    def ask(self, task: Task) -> None:
        """Ask whether to stop a task, and then its remote to do so."""
        app = self._app()
        if not task.running:
            tell(app, "It has ended already")
            return

        def stop(yes: bool | None) -> None:
            if yes:
                # no screen's worker: what has been sent is to be told even if the user has left the screen
                app.run_worker(self._stop(task), exit_on_error=False)

        where = f"on {task.remote}, node {task.node}, by {task.user}"
        words = [task.description, where, f"started {full_time(task.starttime, self._tz)}"]
        question = ConfirmScreen("Stop this task?", *words)
        self._question = task, question
        app.push_screen(question, stop)

    async def _stop(self, task: Task) -> None:
        app = self._app()
        try:
            async with await self._access.open(task) as client:
                await client.stop(task.upid)
        except (RemoteError, NoAccess) as error:
            app.notify(f"Not stopped: {error}", severity="error", markup=False, timeout=10)
            return
        tell(app, f"Asked {task.remote} to stop {task.description}")
        self._asked[task.upid] = self._now()
        self._reminded = 0.0
        self._changed()
        await self.remind()

    def note(self, running: Iterable[Task], ended: Iterable[Task]) -> None:
        """Take what runs now, and what has become of tasks that ran the last time. The question whether to stop a
        task is withdrawn once that has ended by itself."""
        for task in ended:
            if task.upid in self._asked and task.status_class is not Status.OK:
                self._stopped.add(task.upid)
                tell(self._app(), f"Stopped {task.description} on {task.remote}")
        upids = {task.upid for task in running}
        if self._question is not None and self._question[0].upid not in upids:
            question, self._question = self._question[1], None
            if question.is_current:
                question.withdraw("It has ended by itself: nothing is left to stop")
        self._asked = {upid: since for upid, since in self._asked.items() if upid in upids}

    async def remind(self) -> None:
        """Have the worker look at the tasks that have lately been asked to stop, unless it was told just now."""
        now = self._now()
        waited_for = [upid for upid, since in self._asked.items() if 0 <= now - since < _REMINDED]
        if waited_for and not 0 <= now - self._reminded < _REMIND_EVERY:
            self._reminded = now
            try:
                await asyncio.to_thread(self._cache.request_track, waited_for)
            except CacheError:
                return  # the steady poll has to do
