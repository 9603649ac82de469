"""The view of one task in the dashboard's tests: a task to look at, the node that it asks, and what is seen."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from backend.task import Task
from tests.client.server import ApiServer, Reply, serve
from tests.task_server import TaskServer, config_of
from tests.tui.fleet import NOW, pve_task, write_tasks
from tests.tui.screen import Screen, dashboard
from tui import task_log
from tui.screens.task import TaskScreen
from tui.widgets.log_view import LogView

Clock = Callable[[], float]

ENDED = pve_task(NOW - 60, kind="vzdump", end=NOW - 19, status="command 'lvcreate' failed: exit code 5")
RUNNING = pve_task(NOW - 60, kind="vzdump")
FORBIDDEN = Reply(b"", 403, "Permission check failed (/nodes/pve1, Sys.Audit)", close=True)


class View:
    """The view of the first task in a list, and the node that it asks."""

    def __init__(self, screen: Screen, node: TaskServer, server: ApiServer) -> None:
        self.screen = screen
        self.node = node
        self.server = server

    @property
    def pages(self) -> list[int]:
        """Where the pages began that were asked for."""
        return [start for start, limit in self.node.asked if limit == task_log.PAGE]

    @property
    def log(self) -> LogView:
        return self.screen.pilot.app.screen.query_one(LogView)


@asynccontextmanager
async def viewed(
    directory: Path,
    clock: Clock,
    task: Task,
    lines: list[str] | range,
    *,
    others: list[Task] | None = None,
    size: tuple[int, int] = (120, 40),
    refusal: Reply | None = None,
    total: int | None = None,
) -> AsyncIterator[View]:
    """The dashboard in which that task is looked at, whose node has these lines of its log."""
    write_tasks(directory, [task, *(others or [])])
    node = TaskServer(task, lines)
    node.refusal, node.total = refusal, total
    async with serve(node) as server:
        app = dashboard(directory, clock, load=lambda: config_of(server))
        async with app.run_test(size=size, notifications=True) as pilot:
            screen = Screen(pilot)
            pane = screen.running if task.running else screen.history
            await screen.until(lambda: pane.task_list.selected == task, "the task")
            await screen.press(*(["tab"] if task.running else []), "enter")
            await screen.until(lambda: isinstance(app.screen, TaskScreen))
            yield View(screen, node, server)
