"""The live poll and the following of tasks: what is asked, what is stored at once, what a gap leads to."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from backend.archive import Batch, TaskCache
from backend.client import ApiError, Current, NodeOfflineError
from backend.task import Status, Task
from backend.workers import store as store_module
from backend.workers.follow import FOLLOWED_PER_POLL, LOST_STATUS, Follower
from backend.workers.pace import PollPace
from backend.workers.poll import ANSWER_TASKS, Poller
from backend.workers.store import Store
from tests.workers.fakes import FakeRemote, Ground, ended, ground, settle, started
from tests.workers.fleet_at_work import NOW, eventually, tasks_of


class Live:
    """A poller and a follower of the remote `wien`, driven by hand. `fetches` notes of what nodes."""

    def __init__(self, at: Ground, store: Store, remote: FakeRemote) -> None:
        self.at = at
        self.store = store
        self.remote = remote
        self.fetches: list[set[str]] = []
        self.one_by_one: list[str] = []
        self.pace = PollPace(0.01, 14, at.board.problem)
        self.poller = Poller(
            remote,
            store,
            at.board,
            self.pace,
            start_after=0,
            fetch=self.note_fetch,
            one_by_one=lambda: self.one_by_one,
        )
        self.follower = Follower(remote, store, at.board, self.note_fetch)

    def note_fetch(self, nodes: Collection[str]) -> None:
        self.fetches.append(set(nodes))

    def run_already(self, *tasks: Task) -> None:
        """These tasks are known to run."""
        self.at.writer.store(Batch(tasks))

    async def follow(self, answered: Collection[str] = ()) -> None:
        await self.follower.follow(answered)

    @property
    def tasks(self) -> list[Task]:
        return tasks_of(TaskCache(self.at.writer.directory))


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Ground]:
    with ground(tmp_path) as at:
        yield at


@pytest.fixture
async def live(at: Ground) -> AsyncIterator[Live]:
    async with Store(at.writer) as store:
        yield Live(at, store, FakeRemote(nodes=("pve1", "pve2")))


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


async def test_a_task_that_its_remote_takes_for_none_does_not_run_for_ever(live: Live) -> None:
    live.run_already(started(1, NOW - 60))
    live.remote.errors["pve1"] = ApiError("wien", "unable to parse worker upid", 400)
    await live.follow()
    assert [task.status_class for task in live.tasks] == [Status.UNKNOWN]


async def test_a_refusal_that_says_nothing_of_the_task_does_not_end_it(live: Live) -> None:
    live.run_already(started(1, NOW - 60))
    live.remote.errors["pve1"] = ApiError("wien", "Parameter verification failed", 400)
    await live.follow()
    assert [task.running for task in live.tasks] == [True]


@pytest.mark.parametrize("end", [NOW - 60, NOW - 20])
async def test_the_true_end_of_a_task_that_was_given_up_is_taken_when_it_comes_after_all(
    live: Live, end: float
) -> None:
    task, true = started(1, NOW - 60), started(1, NOW - 60, end=end)
    live.run_already(task)
    await live.follow()
    assert live.tasks == [Task(task.upid, task.starttime, task.starttime, LOST_STATUS)]
    live.remote.now = Current([], [true])
    await live.poller.poll()
    assert live.tasks == [true]


async def test_a_node_that_is_out_of_reach_is_told_with_its_tasks_still_running(live: Live) -> None:
    live.at.board.nodes("wien", ["pve1", "pve2"])
    live.run_already(started(1, NOW - 60, node="pve2"))
    live.remote.errors["pve2"] = NodeOfflineError("wien", "node pve2 is silent", "pve2")
    await live.follow()
    await live.follow()
    assert [task.running for task in live.tasks] == [True]
    assert live.at.board.health.remotes["wien"].nodes["pve2"].error == "node pve2 is silent"
    # Fetching from it tells when it is back.
    assert live.fetches == [{"pve2"}]


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


async def test_the_followed_take_turns_when_they_are_many(live: Live) -> None:
    running = [started(number, NOW - number) for number in range(1, 61)]
    live.run_already(*running)
    live.remote.remembered = list(running)
    for rounds in range(1, 4):
        await live.follow()
        asked = [upid for upid in live.remote.asked if upid.startswith("pve:")]
        assert len(asked) == rounds * FOLLOWED_PER_POLL
    assert set(asked) == {task.upid for task in running}


async def test_what_stands_in_the_answer_is_not_asked_for(live: Live) -> None:
    one, other = started(1, NOW), started(2, NOW)
    live.run_already(one, other)
    live.remote.remembered = [one, other]
    await live.follow({one.upid})
    assert live.remote.asked == [other.upid]


async def test_a_silent_node_is_asked_once_and_the_ends_on_others_are_stored_meanwhile(live: Live) -> None:
    live.run_already(
        started(99, NOW - 60, node="pve0"),
        *(started(number, NOW - 60, node="pve2") for number in range(40)),
        started(98, NOW - 60, node="pve3"),
    )
    live.remote.remembered = [ended(99, NOW - 60, node="pve0"), ended(98, NOW - 60, node="pve3")]
    live.remote.errors["pve2"] = NodeOfflineError("wien", "node pve2 is silent", "pve2")
    await live.follow()
    assert len(live.remote.asked) == 3
    assert {task.worker_id for task in live.tasks if not task.running} == {"98", "99"}


async def test_each_end_is_stored_before_the_next_is_asked_for(live: Live) -> None:
    live.run_already(started(1, NOW - 60), started(2, NOW - 60))
    live.remote.remembered = [ended(1, NOW - 60), ended(2, NOW - 60)]
    known: list[int] = []

    async def note() -> None:
        known.append(sum(not task.running for task in live.tasks))

    live.remote.meanwhile = note
    await live.follow()
    assert known == [0, 1]


async def test_a_node_that_does_not_answer_is_logged_when_that_changes_and_not_each_time(
    live: Live, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    live.run_already(started(1, NOW - 60))
    live.remote.errors["pve1"] = ApiError("wien", "not now", 500)
    await live.follow()
    await live.follow()
    live.remote.errors["pve1"] = ApiError("wien", "never", 500)
    await live.follow()
    assert [message.rpartition(": ")[2] for message in caplog.messages] == ["not now", "never"]


@pytest.mark.parametrize("member", [True, False])
async def test_tasks_of_a_node_that_left_the_cluster_have_ended(live: Live, member: bool) -> None:
    live.run_already(started(1, NOW - 60, node="old"), started(2, NOW - 60, node="old"))
    live.remote.errors["old"] = ApiError("wien", "hostname lookup 'old' failed", 500)
    live.at.board.node_failed("wien", "old", "hostname lookup failed")
    await live.follow()
    assert len(live.at.writer.running) == 2, "while the members are not known, nobody can say"
    live.at.board.nodes("wien", ["pve1", "old"] if member else ["pve1"])
    await live.follow()
    assert len(live.at.writer.running) == (2 if member else 0)
    if not member:
        assert {task.status_class for task in live.tasks} == {Status.UNKNOWN}
        assert "old" not in live.at.board.health.remotes["wien"].nodes


async def test_a_task_of_another_kind_of_remote_with_the_same_name_has_ended(live: Live) -> None:
    upid = f"pbs:wien!UPID:pbs:000002B2:00000158:00000003:{int(NOW):08X}:backup:nas:root@pam:"
    live.run_already(Task(upid, int(NOW)))
    await live.follow()
    assert [task.status_class for task in live.tasks] == [Status.UNKNOWN]


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


async def test_a_task_from_before_the_cutoff_that_nobody_knew_has_its_node_fetched_again(live: Live) -> None:
    cutoff = int(NOW) - 60
    known, running, unknown = ended(1, NOW - 3_700), started(2, NOW - 3_800), ended(3, NOW - 3_650)
    live.at.writer.store(Batch([known, running], {("wien", node): cutoff for node in ("pve1", "pve2")}))
    live.remote.now = Current([running], [known])
    await live.poller.poll()
    assert live.fetches == [] and live.at.writer.lowered == frozenset()
    live.remote.now = Current([], [known, running, unknown])
    await live.poller.poll()
    assert live.fetches == [{"pve1"}] and live.at.writer.lowered == {("wien", "pve1")}
    assert live.at.cutoff is None and live.at.writer.cutoff("wien", "pve2") == cutoff


async def test_a_task_that_was_listed_late_has_no_more_fetched_again_than_since_it_started(live: Live) -> None:
    live.at.writer.store(Batch([], {("wien", "pve1"): int(NOW) - 10}))
    live.remote.now = Current([started(1, NOW - 12)], [ended(2, NOW - 5)])
    await live.poller.poll()
    assert live.fetches == [{"pve1"}] and live.at.cutoff == NOW - 12


async def test_what_started_before_the_kept_days_has_nothing_fetched_again(live: Live) -> None:
    live.at.writer.store(Batch([], {("wien", "pve1"): int(NOW) - 10}))
    live.remote.now = Current([started(1, live.at.writer.oldest - 5)], [ended(2, live.at.writer.oldest - 1)])
    await live.poller.poll()
    assert live.fetches == [] and live.at.cutoff == NOW - 10


async def test_a_clock_that_was_set_back_has_its_remote_fetched_again(live: Live) -> None:
    cutoffs = {("wien", "pve1"): int(NOW) - 10, ("wien", "pve2"): int(NOW) - 9, ("graz", "pve1"): int(NOW) - 8}
    live.at.writer.store(Batch([], cutoffs))
    await live.poller.poll()
    assert live.fetches == []
    live.remote.set_back = 1
    await live.poller.poll()
    await live.poller.poll()
    assert live.fetches == [{"pve1", "pve2"}]
    assert live.at.writer.cutoffs == {("graz", "pve1"): int(NOW) - 8}


async def test_a_clock_that_stays_behind_has_everything_fetched_again_once(live: Live) -> None:
    cutoff = int(NOW) - 60
    for late in (3_000, 2_900, 2_800):
        live.at.writer.store(Batch([], {("wien", "pve1"): cutoff}))
        live.remote.now = Current([], [ended(late, NOW - late)])
        await live.poller.poll()
        # a fetch begins: from the oldest day at first, then from the last task that was late
        assert live.at.cutoff == {3_000: None, 2_900: NOW - 3_000, 2_800: NOW - 2_900}[late]
