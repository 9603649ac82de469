"""Tasks: how they stand, how long they ran, how they are ordered, and which of two reports holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.task import Status, Task, later, status_class

UPID = "pve:wien!UPID:pve1:80001234:0D015579:6B04E4A3:vzdump:101:root@pam!backup:"
START = 0x6B04E4A3

reports = st.builds(
    lambda end, status: Task(UPID, START, end, None if end is None else status),
    st.none() | st.integers(START, START + 5),
    st.sampled_from(["OK", "WARNINGS: 1", "failed"]),
)


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("OK", Status.OK),
        ("WARNINGS: 3", Status.WARNING),
        ("command 'lvcreate' failed: exit code 5", Status.ERROR),
        ("unable to get last line from task log - No such file", Status.ERROR),
        ("ok", Status.ERROR),
        ("unexpected status", Status.UNKNOWN),
        ("unknown", Status.UNKNOWN),
        ("", Status.UNKNOWN),
        (None, Status.UNKNOWN),
        ("RUNNING", Status.UNKNOWN),
    ],
)
def test_a_final_status_has_its_class(status: str | None, wanted: Status) -> None:
    assert status_class(status) is wanted
    assert Task(UPID, START, START + 1, status).status_class is wanted


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("OK", "OK"),
        ("WARNINGS: 3", "WARNINGS: 3"),
        ("job errors", "job errors"),
        ("unexpected status", "unknown"),
        ("RUNNING", "unknown"),
        (None, "unknown"),
        ("unknown (no such task)", "unknown (no such task)"),
    ],
)
def test_what_is_unknown_is_shown_under_that_name(status: str | None, words: str) -> None:
    assert Task(UPID, START, START + 1, status).status_words == words
    assert Task(UPID, START, None, status).status_words == "running"


def test_a_task_without_an_end_runs_whatever_its_status_says() -> None:
    task = Task(UPID, START, None, "OK")
    assert task.running
    assert task.status_class is Status.RUNNING


def test_a_task_tells_what_its_upid_holds() -> None:
    task = Task(UPID, START, START + 9, "OK")
    assert task.as_dict() == {
        "upid": UPID,
        "remote": "wien",
        "node": "pve1",
        "pid": 0x80001234,
        "pstart": 0x0D015579,
        "starttime": START,
        "worker_type": "vzdump",
        "worker_id": "101",
        "user": "root@pam!backup",
        "endtime": START + 9,
        "status": "OK",
    }
    assert list(task.as_dict()) == [
        "upid",
        "remote",
        "node",
        "pid",
        "pstart",
        "starttime",
        "worker_type",
        "worker_id",
        "user",
        "endtime",
        "status",
    ]


def test_a_running_task_has_neither_end_nor_status_as_a_dict() -> None:
    row = Task(UPID, START).as_dict()
    assert (row["endtime"], row["status"]) == (None, None)


def test_the_newest_start_comes_first_and_ties_go_by_remote_upid() -> None:
    tasks = [Task("b", 1), Task("a", 1), Task("c", 2)]
    assert [task.upid for task in sorted(tasks, key=lambda task: task.key)] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("task", "now", "seconds"),
    [
        (Task(UPID, 100, 130, "OK"), 999, 30),
        (Task(UPID, 100), 160.9, 60),
        (Task(UPID, 100, 90, "OK"), 999, 0),
        (Task(UPID, 100), 50, 0),
    ],
)
def test_a_duration_is_never_negative(task: Task, now: float, seconds: int) -> None:
    assert task.duration(now) == seconds


@given(reports, reports)
def test_a_finished_report_beats_a_running_one_and_a_later_end_an_earlier_one(one: Task, other: Task) -> None:
    kept = later(one, other)
    assert kept in (one, other)
    if one.endtime is not None and other.endtime is not None:
        assert kept.endtime == max(one.endtime, other.endtime)
        assert one.endtime != other.endtime or kept is other
    else:
        assert kept.running is (one.running and other.running)


@given(st.lists(reports, min_size=1))
def test_reports_heard_again_change_nothing(heard: list[Task]) -> None:
    kept = heard[0]
    for report in heard[1:]:
        kept = later(kept, report)
    assert later(kept, kept) == kept
    assert kept.endtime == max((task.endtime for task in heard if task.endtime is not None), default=None)


def test_tasks_are_equal_if_all_that_is_stored_of_them_is() -> None:
    assert Task(UPID, START, 5, "OK") == Task(UPID, START, 5, "OK")
    assert Task(UPID, START, 5, "OK") != Task(UPID, START, 6, "OK")
    assert len({Task(UPID, START), Task(UPID, START)}) == 1
