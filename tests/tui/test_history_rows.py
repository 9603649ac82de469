"""The history's rows: pages read in threads, given up when nobody waits, and the list at its largest."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest
from textual.app import App, ComposeResult

from backend.archive import ScanCancelled, Snapshot
from backend.archive.history import History
from backend.query import Filter, parse_filter
from backend.task import Task
from tests.tui.fleet import NOW, pve_task
from tui.history import PAGE, HistoryRows
from tui.refresher import Refresher
from tui.row import Piece, Tone
from tui.spot import Spot, positions
from tui.widgets.task_list import TaskList


class MadeUpSnapshot(Snapshot):
    """A snapshot of tasks made when they are asked for. Counting a filter takes until `release` is set."""

    def __init__(self, tasks: int) -> None:
        super().__init__([], History([], []), [], 0, 0)
        self.tasks = tasks
        self.pages: list[int] = []
        self.counting = threading.Event()
        self.release = threading.Event()
        self.closed = False

    def count(self, filter: Filter | None = None, *, cancelled: Callable[[], bool] | None = None) -> int:
        if filter:
            self.counting.set()
            while not self.release.wait(0.001):
                if cancelled is not None and cancelled():
                    raise ScanCancelled
        assert not self.closed
        return self.tasks

    def page(
        self,
        filter: Filter | None = None,
        offset: int = 0,
        limit: int = 500,
        *,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[Task]:
        assert not self.closed
        self.pages.append(offset // limit)
        return [numbered(n) for n in range(offset, min(offset + limit, self.tasks))]

    def close(self) -> None:
        self.closed = True


def numbered(position: int) -> Task:
    return pve_task(NOW - position, pid=position, end=NOW)


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


def rows_of(snapshot: Snapshot, text: str = "") -> HistoryRows:
    return HistoryRows(snapshot, parse_filter(text), lambda error: None)


async def test_what_is_in_view_is_loaded_and_the_page_it_comes_near_to() -> None:
    snapshot = MadeUpSnapshot(100 * PAGE)
    rows = rows_of(snapshot)
    await rows.count()
    assert len(rows) == 100 * PAGE
    assert rows[50 * PAGE] is None
    rows.need(50 * PAGE + 3, 50 * PAGE + 40)
    await until(lambda: rows[49 * PAGE] is not None)
    assert snapshot.pages == [50, 49]
    assert rows[50 * PAGE + 3] == numbered(50 * PAGE + 3)
    rows.need(51 * PAGE - 40, 51 * PAGE - 3)
    await until(lambda: rows[51 * PAGE] is not None)
    assert snapshot.pages == [50, 49, 51]


async def test_only_so_many_pages_are_kept() -> None:
    rows = rows_of(MadeUpSnapshot(200 * PAGE))
    await rows.count()
    for page in range(100):
        await rows.load(page * PAGE, page * PAGE)
    assert rows[0] is None
    assert rows[99 * PAGE] is not None


async def test_a_place_that_was_not_loaded_yet_is_kept_as_far_as_other_rows_reach() -> None:
    spot = Spot(599, 570, following=False)
    assert await positions(spot, rows_of(MadeUpSnapshot(53)), 30) == (52, 23)
    assert await positions(spot, rows_of(MadeUpSnapshot(0)), 30) == (0, 0)


async def test_a_count_that_nobody_waits_for_stops() -> None:
    snapshot = MadeUpSnapshot(10)
    rows = rows_of(snapshot, "x")
    counting = asyncio.create_task(rows.count())
    await until(snapshot.counting.is_set)
    counting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await counting
    rows.close()
    await until(lambda: snapshot.closed)


async def test_a_snapshot_stays_open_while_a_thread_reads_it() -> None:
    snapshot = MadeUpSnapshot(10)
    rows = rows_of(snapshot)
    reading, done = threading.Event(), threading.Event()

    def read(cancelled: Callable[[], bool]) -> bool:
        reading.set()
        done.wait(5)
        return snapshot.closed

    scan = asyncio.create_task(rows.scan(read))
    await until(reading.is_set)
    rows.close()
    assert not snapshot.closed
    done.set()
    assert await scan is False
    assert snapshot.closed
    rows.need(0, 9)
    with pytest.raises(asyncio.CancelledError):
        await rows.scan(read)


async def test_an_urgent_refresh_gives_up_the_one_before() -> None:
    begun: list[int] = []
    ended: list[int] = []

    async def refresh() -> None:
        number = len(begun)
        begun.append(number)
        if number == 0:
            await asyncio.sleep(3600)
        ended.append(number)

    refresher = Refresher(refresh, every=None)
    running = asyncio.create_task(refresher.run())
    await until(lambda: begun == [0])
    refresher.at_once()
    await until(lambda: ended == [1])
    running.cancel()


async def test_refreshes_asked_for_in_a_burst_are_one() -> None:
    begun: list[int] = []

    async def refresh() -> None:
        begun.append(len(begun))

    refresher = Refresher(refresh, every=None, rest=0.01)
    running = asyncio.create_task(refresher.run())
    await until(lambda: len(begun) == 1)
    for _ in range(50):
        refresher.soon()
    await asyncio.sleep(0.1)
    running.cancel()
    assert len(begun) == 2


class OneList(App[None]):
    """Nothing but a list."""

    def compose(self) -> ComposeResult:
        yield TaskList(lambda task, above, width: [Piece(f"{task.pid:,}", Tone.TEXT)], id="all")


class Numbers:
    """Rows without end."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, position: int) -> Task | None:
        return numbered(position)

    def need(self, first: int, last: int) -> None:
        pass


@pytest.mark.parametrize("length", [1_500_000, 50_000_000])
async def test_the_last_of_millions_of_rows_is_exactly_at_the_bottom(length: int) -> None:
    async with OneList().run_test(size=(40, 20)) as pilot:
        view = pilot.app.query_one(TaskList)
        view.show_rows(Numbers(length), cursor=0, top=0)
        view.focus()
        await pilot.press("end")
        assert (view.cursor, view.top) == (length - 1, length - 20)
        lines = [
            "".join(segment.text for segment in strip).strip() for strip in view.render_lines(view.size.region)
        ]
        assert lines == [f"{n:,}" for n in range(length - 20, length)]
        await pilot.press("up", "pageup")
        assert view.cursor == length - 2 - 19
        await pilot.press("home")
        assert view.following
