"""The judge of the soak: what it calls wrong, and what it excuses."""

from collections import Counter
from collections.abc import Sequence

import pytest

from backend.simulator import FAULTS_HELP, TrueTask, parse_fault
from backend.task import MAX_STATUS, Task
from backend.workers.follow import LOST_STATUS
from tests.stress.course import LONGEST_PAUSE, Course
from tests.stress.judge import POLLED, ROUND, Judge, Judgement, disorder
from tests.stress.troubles import KINDS, Trouble

NOW = 1_795_480_000
BOOT = NOW - 50_000

Cache = tuple[list[Task], list[Task]]
"""Running and finished tasks."""
EMPTY: Cache = ([], [])


def true(
    number: int,
    *,
    begin: int = NOW,
    lasts: int | None = 10,
    forgotten: int | None = None,
    ahead: int = 0,
    node: str = "pve1",
) -> TrueTask:
    """A task as it was; `ahead` by how much its node's clock was."""
    told = begin + ahead
    upid = f"UPID:{node}:{number:08X}:{(begin - BOOT) * 100:08X}:{told:08X}:vzdump:{number}:root@pam:"
    ends, status = (None, None) if lasts is None else (told + lasts, "OK")
    return TrueTask("wien", node, f"pve:wien!{upid}", told, ends, status, forgotten)


def shown(*tasks: TrueTask, status: str | None = None, end: int | None = None) -> list[Task]:
    """Tasks as a cache lists them, with another end if one is given."""
    found = [Task(true.upid, true.starttime, end or true.endtime, status or true.status) for true in tasks]
    return sorted(found, key=lambda task: task.key)


def judge(truth: Sequence[TrueTask], cache: Cache, course: Course | None = None) -> Judgement:
    """What a judge says who was there at NOW + 1000, on a fleet whose clock is ours."""
    return judging(truth, course).judge(*cache, NOW - 4_000)


def judging(truth: Sequence[TrueTask], course: Course | None = None) -> Judge:
    first = [true(0, begin=NOW - 5_000, node=node) for node in ("pve1", "pve2")]
    return Judge([*first, *truth], NOW + 1_000, course or Course(), lambda moment: moment)


def blocked(*spans: tuple[float, float], remote: str | None = "wien") -> Course:
    """Something was in the way at these times, in seconds from NOW on."""
    course = Course()
    for begin, end in spans:
        course.block(NOW + begin, NOW + end, "hang", remote)
    return course


def test_a_cache_that_is_as_the_truth_is_right() -> None:
    ended, runs = true(1), true(2, lasts=None)
    cache = (shown(runs), shown(ended))
    assert judge([ended, runs], cache) == Judgement(kept=2, due=2)
    assert not [*judging([ended, runs]).lies(*cache)]


def test_a_task_that_is_still_listed_must_be_there_whatever_was_in_the_way() -> None:
    (miss,) = judge([true(1)], EMPTY, blocked((-100, 900))).misses
    assert (miss.what, miss.since, miss.until) == ("is missing", NOW, NOW + 1_000)


def test_a_task_that_is_forgotten_must_be_there_if_its_node_could_be_asked_for_as_long_as_a_round_takes() -> None:
    forgotten = true(1, forgotten=NOW + int(ROUND) + 100)
    seen = judge([forgotten], EMPTY, blocked((-100, 50), (51 + ROUND, 900)))
    assert len(seen.misses) == seen.due == seen.early == 1
    unseen = judge([forgotten], EMPTY, blocked((-100, 50), (49 + ROUND, 900)))
    assert unseen == Judgement(kept=1, excused=Counter({"is missing: hang": 1}))


def test_a_brief_life_on_a_cluster_that_is_polled_steadily_is_seen() -> None:
    brief = true(1, forgotten=NOW + int(POLLED) + 1)
    assert judge([brief], EMPTY, blocked((-200, -LONGEST_PAUSE - 1))).misses
    assert judge([brief], EMPTY, blocked((-12, -8))).misses
    assert judge([brief], EMPTY, blocked((-200, -3), remote=None)).misses
    assert not judge([true(1, forgotten=NOW + int(POLLED) - 1)], EMPTY).misses


def test_after_failures_in_a_row_polls_pause_by_the_time_that_all_of_them_took() -> None:
    brief = true(1, forgotten=NOW + int(POLLED) + 1)
    assert not judge([brief], EMPTY, blocked((-200, -LONGEST_PAUSE + 5))).misses
    assert not judge([brief], EMPTY, blocked((-30, -12), (-8, -7))).misses
    assert judge([brief], EMPTY, blocked((-60, -40), (-8, -6))).misses


def test_what_befalls_another_remote_excuses_nothing_and_what_befalls_the_workers_everything() -> None:
    forgotten = true(1, forgotten=NOW + 100)
    assert judge([forgotten], EMPTY, blocked((-100, 900), remote="graz")).misses
    assert not judge([forgotten], EMPTY, blocked((-100, 900), remote=None)).misses


def test_a_task_that_has_ended_must_not_run_for_ever() -> None:
    ended = true(1)
    runs = [Task(ended.upid, ended.starttime)]
    (miss,) = judge([ended], (runs, [])).misses
    assert (miss.what, miss.since) == ("runs for ever", NOW + 10)
    assert judge([ended._replace(forgotten=NOW + 11)], (runs, []), blocked((-10, 900))).misses


def test_an_end_may_be_lost_only_if_nobody_could_learn_it() -> None:
    ended = true(1, lasts=200, forgotten=NOW + 260)
    lost: Cache = ([], shown(ended, status=LOST_STATUS, end=NOW + 300))
    assert [miss.what for miss in judge([ended], lost).misses] == ["has lost its end"]
    assert not judge([ended], lost, blocked((195, 255))).misses
    assert not [*judging([ended]).lies(*lost)]


def moved_clock(course: Course, until: float, fault: str) -> Course:
    """The same, and from NOW on for so many seconds the clock of a node was off."""
    node = "pve1" if "pve1" in fault else "pve2"
    course.note(Trouble(NOW - 1, NOW + until, "wien", node, "clock", fault), ["pve1", "pve2"])
    return course


@pytest.mark.parametrize("ahead", [0, 7_200, 90_000])
def test_it_knows_when_a_task_was_there_whatever_its_nodes_clock_said(ahead: int) -> None:
    ended = true(1, lasts=20, forgotten=NOW + 100, ahead=ahead)
    fault = f"wien/pve1:clock={ahead}"
    assert judge([ended], EMPTY, moved_clock(Course(), 50, fault)).misses
    assert not judge([ended], EMPTY, moved_clock(blocked((0, 100)), 50, fault)).misses


def test_a_clock_that_is_behind_excuses_unless_it_was_asked_while_it_was() -> None:
    ended, fault = true(1, ahead=-3_600), "wien/pve1:clock=-3600"
    assert judge([ended], EMPTY, moved_clock(Course(), ROUND + 1, fault)).misses
    excused = Judgement(kept=1, excused=Counter({"is missing: its clock was behind": 1}))
    assert judge([ended], EMPTY, moved_clock(Course(), POLLED - 1, fault)) == excused
    assert judge([ended], EMPTY, moved_clock(blocked((0, 50)), 60, fault)) == excused
    elsewhere, fault = true(1, ahead=-3_600, node="pve2"), "wien/pve2:clock=-3600"
    assert judge([elsewhere], EMPTY, moved_clock(Course(), POLLED + 1, fault)).misses
    assert judge([elsewhere], EMPTY, moved_clock(Course(), POLLED - 2, fault)) == excused


def test_lies_twins_and_disorder_are_told() -> None:
    one, other = true(1), true(2)
    right = shown(one, other)
    assert not [*disorder([], right)]
    assert "stands before" in next(disorder([], right[::-1]))
    assert "stands before" in next(disorder([], [right[0], *right]))
    assert "as running and as finished" in next(disorder(right[:1], right))
    assert "never was" in next(judging([]).lies([], shown(one)))
    assert "though it runs" in next(judging([true(1, lasts=None)]).lies([], shown(one)))
    assert "not as" in next(judging([one]).lies([], shown(one, status="WARNINGS: 1")))
    assert "not as" in next(judging([one]).lies([], shown(one, end=one.starttime)))


def test_a_status_that_was_spoiled_on_its_way_is_no_lie() -> None:
    one, course = true(1), Course()
    spoiled = shown(one, status="x" * MAX_STATUS)
    assert [*judging([one], course).lies([], spoiled)]
    course.note(Trouble(NOW, NOW + 1, "wien", None, "long-status", "wien:long-status=1"), ["pve1"])
    assert not [*judging([one], course).lies([], spoiled)]


def test_a_soak_has_every_kind_of_fault() -> None:
    offered = {line.split()[0].partition("[")[0].partition("=")[0] for line in FAULTS_HELP.splitlines()[3:]}
    assert KINDS.keys() == offered
    for name, kind in KINDS.items():
        for value in kind.values:
            fault = parse_fault(f"wien:{name}{value}")
            assert (fault.kind, fault.scope == "remote") == (name, kind.of_remotes)
