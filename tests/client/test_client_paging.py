"""Reading lists that change while they are read."""

import random
from collections.abc import Callable
from functools import partial

import pytest

from backend.client import AnswerError, Page, open_client
from backend.client.paging import PAGE_ROWS, EndlessList, read_pages
from backend.task import Task
from tests.client.server import Reply, Request, data, serve


def task(number: int, end: int | None = None) -> Task:
    start = 1_700_000_000 + number
    upid = f"pve:wien!UPID:pve1:{number:08X}:00000001:{start:08X}:vzdump:101:root@pam:"
    return Task(upid, start, end, None if end is None else "OK")


class Node:
    """A node's list: running tasks first, then finished ones, the last to end first. `busy` is called before each
    page but the first and may change it."""

    def __init__(self, running: list[Task], finished: list[Task], busy: Callable[["Node"], None]) -> None:
        self.running = running
        self.finished = finished
        self.requests = 0
        self._busy = busy

    def start(self, number: int) -> None:
        self.running.insert(0, task(number))

    def end(self, running: Task) -> None:
        self.running.remove(running)
        self.finished.insert(0, Task(running.upid, running.starttime, 1_800_000_000 + self.requests, "OK"))

    async def fetch(self, start: int, until: int | None, limit: int = 100) -> Page:
        if self.requests:
            self._busy(self)
        self.requests += 1
        rows = [row for row in self.running + self.finished if until is None or row.starttime <= until]
        rows = rows[start : start + limit]
        return Page(rows, len(rows))

    async def read(self) -> list[Task]:
        return [task async for page in read_pages(self.fetch, rows=100) for task in page.tasks]


def start_and_end(draws: random.Random, node: Node) -> None:
    """Up to 14 events in the life of a node."""
    for event in range(draws.randrange(15)):
        if node.running and draws.random() < 0.5:
            node.end(draws.choice(node.running))
        else:
            node.start(3000 + 100 * node.requests + event)


def history(count: int) -> list[Task]:
    return [task(number, 1_700_000_010 + number) for number in range(count, 0, -1)]


async def test_a_short_list_takes_one_request() -> None:
    node = Node([], history(99), lambda _: None)
    assert await node.read() == history(99)
    assert node.requests == 1


async def test_an_empty_list_is_empty() -> None:
    assert await Node([], [], lambda _: None).read() == []


@pytest.mark.parametrize("count", [100, 101, 180, 181, 1000])
async def test_a_long_list_comes_whole_and_each_task_once(count: int) -> None:
    assert await Node([], history(count), lambda _: None).read() == history(count)


async def test_nothing_is_missed_or_repeated_while_tasks_start_and_end() -> None:
    for seed in range(30):
        draws = random.Random(seed)
        running = [task(number) for number in reversed(range(2000, 2000 + draws.randrange(150)))]
        node = Node(running, history(900), partial(start_and_end, draws))
        known_at_start = {row.upid for row in node.running + node.finished}
        tasks = await node.read()
        upids = [row.upid for row in tasks]
        assert known_at_start <= set(upids)
        twice = {upid for upid in upids if upids.count(upid) > 1}
        for upid in twice:
            first, second = (row for row in tasks if row.upid == upid)
            assert first.running and not second.running


async def test_no_task_beyond_the_newest_start_of_the_first_page_moves_a_cutoff() -> None:
    node = Node([], history(300), lambda node: node.start(5000 + node.requests))
    tasks = await node.read()
    assert max(row.starttime for row in tasks) == 1_700_000_300


async def test_a_task_that_ends_meanwhile_comes_once_more_as_finished() -> None:
    def end(node: Node) -> None:
        if node.requests == 2:
            node.end(node.running[0])

    node = Node([task(2000)], history(300), end)
    reports = [row for row in await node.read() if row.upid == task(2000).upid]
    assert [row.running for row in reports] == [True, False]


@pytest.mark.parametrize("moment", [1, 3])
async def test_rows_that_move_up_by_more_than_the_overlap_are_read_again(moment: int) -> None:
    def shrink(node: Node) -> None:
        if node.requests == moment:
            del node.finished[:50]

    assert set(await Node([], history(900), shrink).read()) == set(history(900))


async def test_a_row_that_moves_to_the_top_past_the_pages_read_is_not_missed() -> None:
    def rise(node: Node) -> None:
        if node.requests == 2:
            node.finished.insert(0, node.finished.pop(500))

    assert set(await Node([], history(900), rise).read()) == set(history(900))


async def test_a_list_that_never_holds_still_is_given_up() -> None:
    def shuffle(node: Node) -> None:
        random.Random(node.requests).shuffle(node.finished)

    with pytest.raises(EndlessList, match="changes faster"):
        await Node([], history(5000), shuffle).read()


async def test_a_server_that_repeats_a_full_page_for_ever_is_stopped() -> None:
    rows = [
        {"upid": row.upid.partition("!")[2], "status": "OK", "endtime": row.endtime} for row in history(PAGE_ROWS)
    ]
    async with serve(lambda _: data(rows)) as server, open_client(server.remote()) as client:
        with pytest.raises(AnswerError, match="a task list without an end"):
            async for _ in client.tasks("pve1"):
                pass
        assert len(server.requests) == 2


async def test_a_server_that_invents_pages_for_ever_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.client.paging.MAX_ROWS", 5_000)

    async def fetch(start: int, until: int | None) -> Page:
        return Page([task(100_000_000 - number) for number in range(start, start + 100)], 100)

    with pytest.raises(EndlessList, match="without an end"):
        async for _ in read_pages(fetch, rows=100):
            pass


async def test_full_pages_without_one_task_are_stopped() -> None:
    async with (
        serve(lambda _: data([{"upid": "junk"}] * PAGE_ROWS)) as server,
        open_client(server.remote()) as client,
    ):
        with pytest.raises(AnswerError):
            async for _ in client.tasks("pve1"):
                pass


async def test_rejected_rows_are_reported_with_their_page() -> None:
    def handle(request: Request) -> Reply:
        return data([{"upid": "junk"}, {"upid": task(1).upid.partition("!")[2]}])

    async with serve(handle) as server, open_client(server.remote()) as client:
        pages = [page async for page in client.tasks("pve1", since=5, until=9)]
        assert server.requests[0].query["since"] == "5" and server.requests[0].query["until"] == "9"
    assert [(page.rows, page.rejected, page.tasks) for page in pages] == [(2, 1, [task(1)])]
