"""The live poll: what is asked, what is stored at once, what a gap leads to."""

import asyncio
from contextlib import suppress

import pytest

from backend.client import ApiError, Current
from backend.workers import store as store_module
from backend.workers.poll import ANSWER_TASKS
from tests.workers.fakes import FakeRemote, ended, settle, started
from tests.workers.fleet_at_work import NOW, eventually
from tests.workers.live import Live


async def test_a_poll_stores_what_runs_and_what_has_ended(live: Live) -> None:
    running, over = started(1, NOW - 5), ended(2, NOW - 9)
    live.remote.now = Current([running], [over])
    assert await live.poller.poll() == {running.upid, over.upid}
    assert live.tasks == [running, over]
    assert live.fetches == []


async def test_a_node_that_ran_more_than_one_answer_tells_is_fetched(live: Live) -> None:
    first = [ended(number, NOW - 100 + number) for number in range(25)]
    live.remote.now = Current([], first)
    await live.poller.poll()
    live.remote.now = Current([], [*first[1:], ended(30, NOW - 50)])
    await live.poller.poll()
    assert live.fetches == []
    live.remote.now = Current([], [ended(number, NOW - 40) for number in range(40, 65)])
    await live.poller.poll()
    assert live.fetches == [{"pve1"}]


async def test_a_gap_is_seen_behind_an_answer_that_lacks_the_node(live: Live) -> None:
    live.at.board.nodes("wien", ["pve1", "pve2"])
    live.remote.now = Current([], [ended(1, NOW - 100)])
    await live.poller.poll()
    live.remote.now = Current([], [])
    await live.poller.poll()
    live.remote.now = Current([], [ended(2, NOW - 50)])
    await live.poller.poll()
    assert live.fetches == [{"pve1"}]


async def test_an_answer_that_was_cut_short_is_made_up_for_by_a_fetch(live: Live) -> None:
    live.remote.now = Current([started(1, NOW)], [], truncated=frozenset({"pve1"}))
    await live.poller.poll()
    assert live.fetches == [{"pve1"}]


async def test_a_node_on_which_so_much_runs_that_no_end_has_room_is_fetched_alone(live: Live) -> None:
    live.at.board.nodes("wien", ["pve1", "pve2"])
    running = [started(number, NOW - 50) for number in range(ANSWER_TASKS)]
    live.remote.now = Current(running[:-1], [ended(99, NOW - 60, node="pve2")])
    await live.poller.poll()
    await live.poller.poll()
    assert live.fetches == []
    live.remote.now = Current(running, [ended(99, NOW - 60, node="pve2")])
    await live.poller.poll()
    assert live.fetches == [{"pve1"}]


async def test_a_backup_server_whose_answer_holds_nothing_finished_shows_no_gap(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeRemote, "type", "pbs")
    live.remote.now = Current([started(number, NOW - 50) for number in range(2 * ANSWER_TASKS)], [])
    await live.poller.poll()
    await live.poller.poll()
    assert live.fetches == []


async def test_nodes_are_asked_one_by_one_where_the_token_does_not_see_the_cluster(live: Live) -> None:
    live.one_by_one = ["pve1", "pve2"]
    running = started(1, NOW - 5, node="pve2")
    live.remote.now = Current([running], [])
    assert await live.poller.poll() == {running.upid}
    assert live.remote.asked == ["current pve1 pve2"]


async def test_node_names_that_come_and_go_take_no_memory(live: Live) -> None:
    live.at.board.nodes("wien", ["pve1"])
    live.remote.now = Current([], [ended(1, NOW)])
    await live.poller.poll()
    for number in range(30):
        names = [f"x{number}x{other}" for other in range(50)]
        live.remote.now = Current([], [ended(number, NOW, node=name) for name in names])
        await live.poller.poll()
    assert len(live.poller._seen) <= 51


async def test_running_tasks_without_end_are_bounded_and_told(
    live: Live, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(store_module, "RUNNING_TASKS", 100)
    for first in range(1, 400, 80):
        live.remote.now = Current([started(number, NOW - number) for number in range(first, first + 80)], [])
        await live.poller.poll()
    assert len(live.at.writer.running) == 100
    (note,) = live.at.notes
    assert "running tasks; the others are not shown" in note
    assert sum(note in message for message in caplog.messages) == 1
    # Those that are kept are known, and need no room.
    live.remote.now = Current(list(live.at.writer.running.values()), [])
    await live.poller.poll()
    assert live.at.notes == []


async def test_rows_that_are_no_tasks_are_told_in_words(live: Live) -> None:
    live.remote.now = Current([], [], rejected=2)
    await live.poller.poll()
    assert live.at.notes == ["2 rows of what runs now were no tasks, and are not shown"]


async def test_what_a_poll_and_a_fetch_have_to_say_stands_side_by_side(live: Live) -> None:
    live.at.board.notes("wien", "fetch", ["the token lacks Sys.Audit"])
    live.remote.now = Current([], [], rejected=2)
    await live.poller.poll()
    assert len(live.at.notes) == 2
    live.remote.now = Current([], [])
    await live.poller.poll()
    assert live.at.notes == ["the token lacks Sys.Audit"]


async def test_a_silent_node_does_not_hold_up_the_poll_of_its_remote(live: Live) -> None:
    hanging = asyncio.Event()

    async def hang() -> None:
        if live.remote.asked[-1].startswith("pve:"):
            hanging.set()
            await asyncio.Event().wait()

    live.run_already(started(1, NOW - 60))
    live.remote.meanwhile = hang
    running = asyncio.create_task(live.poller.run())
    await hanging.wait()
    live.remote.now = Current([started(2, NOW)], [])
    await eventually(lambda: len(live.at.writer.running) == 2)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_who_asks_for_a_poll_while_one_is_under_way_gets_another(live: Live) -> None:
    asking, answer = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        asking.set()
        await answer.wait()

    live.pace.set_interval(3_600)
    live.remote.meanwhile = hold
    running = asyncio.create_task(live.poller.run())
    await asking.wait()
    live.poller.soon()
    answer.set()
    await eventually(lambda: live.remote.asked == ["current", "current"])
    assert live.at.board.health.poll_interval == 3_600
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_remote_that_answers_again_is_fetched(live: Live) -> None:
    async def fail() -> None:
        raise ApiError("wien", "not now", 500)

    live.remote.meanwhile = fail
    running = asyncio.create_task(live.poller.run())
    await eventually(lambda: "wien" in live.at.board.health.failing)

    live.remote.meanwhile = settle
    await eventually(lambda: live.fetches == [set()])
    assert not live.at.board.health.failing
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
