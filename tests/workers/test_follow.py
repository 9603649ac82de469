"""Following tasks until their ends are known: who is asked, when, and what becomes of those that nobody knows."""

import logging

import pytest

from backend.archive.state import read_state
from backend.client import ApiError, Current, NodeOfflineError
from backend.task import Status, Task
from backend.workers import follow
from backend.workers.follow import FOLLOWED_PER_POLL, LOST_STATUS
from tests.workers.fakes import ended, started
from tests.workers.fleet_at_work import NOW
from tests.workers.live import Live


async def test_a_task_that_its_remote_takes_for_none_does_not_run_for_ever(live: Live) -> None:
    live.run_already(started(1, NOW - 60))
    live.remote.errors["pve1"] = ApiError("wien", "unable to parse worker upid", 400)
    await live.follow()
    assert [task.status_class for task in live.tasks] == [Status.UNKNOWN]


async def test_a_task_whose_row_cannot_be_read_runs_on_until_it_can_but_not_for_ever(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "UNREADABLE_TIMES", 3)
    live.run_already(started(1, NOW - 60), started(2, NOW - 60))
    live.remote.remembered = [ended(1, NOW - 60), ended(2, NOW - 60)]
    live.remote.rejected = 1
    for _ in range(2 * 3):
        await live.follow()
        assert [task.running for task in live.tasks] == [True, True]
    await live.follow()
    assert live.tasks == live.remote.remembered


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


@pytest.mark.parametrize("node", ["pve1", "made-up"])
async def test_of_what_was_to_be_tracked_and_is_no_task_nothing_is_stored(live: Live, node: str) -> None:
    made_up = started(1, NOW - 60, node=node)
    live.at.board.nodes("wien", ["pve1"])
    live.remote.errors["made-up"] = ApiError("wien", "hostname lookup 'made-up' failed", 500)
    for number in range(1, 3):
        live.at.writer.track([made_up.upid])
        assert list(live.at.writer.running) == [made_up.upid]
        live.at.clock.now += 1
        await live.follow()
        assert live.tasks == [] and read_state(live.at.writer.directory / "state")[0].tracked == []
        assert live.at.board.health.no_such_tasks == {made_up.upid: NOW + number}


@pytest.mark.parametrize("listed", [False, True])
async def test_what_was_tracked_and_then_told_of_is_a_task_even_if_it_is_not_known_later(
    live: Live, listed: bool
) -> None:
    task = started(1, NOW - 60)
    live.at.writer.track([task.upid])
    if listed:
        live.remote.now = Current([task], [])
        await live.poller.poll()
    else:
        live.remote.remembered = [task]
        await live.follow()
        live.remote.remembered = []
    await live.follow()
    assert [task.status for task in live.tasks] == [LOST_STATUS]
    assert live.at.board.health.no_such_tasks == {}


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
