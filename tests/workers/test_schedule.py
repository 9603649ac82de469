"""Whose turn it is among a remote's nodes, and how soon a busy node is asked again."""

from itertools import pairwise
from math import inf

import pytest

from backend.task import MAX_STATUS, Task
from backend.workers.retention import INDEX_BYTES, RUN, SHARE, SHORTEST, Retention
from backend.workers.schedule import NodeSchedule
from backend.workers.supervisor import BackOff
from tests.workers.fakes import ended, started
from tests.workers.fleet_at_work import NOW


@pytest.fixture
def schedule() -> NodeSchedule:
    schedule = NodeSchedule(lambda: BackOff(10.0, 100.0))
    schedule.ask(["pve1", "pve2"], 0.0)
    return schedule


def test_what_was_asked_for_is_taken_once(schedule: NodeSchedule) -> None:
    assert schedule.take(0.0) == ["pve1", "pve2"]
    assert schedule.take(1000.0) == []
    assert schedule.next_due() == inf


def test_a_node_that_fails_is_due_again_after_a_growing_pause_and_the_others_are_not(
    schedule: NodeSchedule,
) -> None:
    now, pauses = 0.0, []
    schedule.take(now)
    schedule.fetched("pve2", now, None)
    for _ in range(4):
        schedule.failed("pve1", now)
        pauses.append(schedule.next_due() - now)
        now = schedule.next_due()
        assert schedule.take(now) == ["pve1"]
    assert pauses == sorted(pauses) and pauses[-1] > 50
    schedule.fetched("pve1", now, None)
    assert schedule.next_due() == inf
    schedule.ask(["pve1"], now)
    schedule.take(now)
    schedule.failed("pve1", now)
    assert schedule.next_due() - now < 20


def test_what_is_asked_for_while_a_node_is_fetched_comes_after_that(schedule: NodeSchedule) -> None:
    schedule.take(0.0)
    schedule.ask(["pve1"], 1.0)
    assert schedule.take(1.0) == []
    schedule.fetched("pve1", 2.0, 500.0)
    assert schedule.take(2.0) == ["pve1"]


def test_a_node_may_be_due_before_the_next_round(schedule: NodeSchedule) -> None:
    schedule.take(0.0)
    schedule.fetched("pve1", 5.0, 30.0)
    assert schedule.next_due() == 35.0
    assert schedule.take(34.0) == []
    assert schedule.take(35.0) == ["pve1"]


def test_a_node_that_left_is_forgotten_whatever_is_told_of_it_later(schedule: NodeSchedule) -> None:
    schedule.take(0.0)
    schedule.keep(["pve2"])
    schedule.failed("pve1", 0.0)
    schedule.fetched("pve1", 0.0, 1.0)
    assert schedule.next_due() == inf


def test_after_a_new_start_what_was_taken_is_due_again(schedule: NodeSchedule) -> None:
    schedule.take(0.0)
    schedule.fetched("pve2", 1.0, None)
    schedule.restart(2.0)
    assert schedule.take(2.0) == ["pve1"]


def test_a_node_that_runs_little_calls_for_no_haste() -> None:
    retention = Retention()
    assert retention.pause([]) is None
    assert retention.pause([ended(number, NOW) for number in range(RUN - 1)]) is None
    assert retention.pause([started(number, NOW) for number in range(2 * RUN)]) is None


@pytest.mark.parametrize("every", [0.5, 2, 10])
def test_a_node_is_asked_again_before_it_could_fill_one_index_file(every: float) -> None:
    tasks = [ended(number, NOW + number * every) for number in range(400)]
    pause = Retention().pause(tasks)
    assert pause is not None
    line = len(tasks[0].upid.partition("!")[2]) + len("OK") + 11
    filled = INDEX_BYTES / line * every
    assert 0.9 * SHARE * filled < pause < 1.1 * SHARE * filled


def test_a_burst_among_quiet_hours_counts_as_fast_as_it_was() -> None:
    quiet = [ended(number, NOW + number * 300) for number in range(100)]
    burst = [ended(1000 + number, NOW + 5000 + number // 5) for number in range(100)]
    pause = Retention().pause([*quiet, *burst])
    assert pause is not None and pause < 100


def test_a_node_that_fills_index_files_without_end_is_not_asked_without_end() -> None:
    upid = "pve:wien!UPID:pve1:{:08X}:0D015579:6B04EF94:vzdump:" + "x" * 900 + ":root@pam:"
    tasks = [Task(upid.format(number), int(NOW), int(NOW) + 5, "e" * MAX_STATUS) for number in range(RUN)]
    assert Retention().pause(tasks) == SHORTEST


def test_a_peak_is_forgotten_step_by_step() -> None:
    retention = Retention()
    pauses = [retention.pause([ended(number, NOW + number) for number in range(100)])]
    while (pause := retention.pause([])) is not None:
        pauses.append(pause)
    assert len(pauses) > 4
    for one, other in pairwise(pauses):
        assert one is not None and other is not None and other == pytest.approx(2 * one)
