"""What the dates of a remote's answers tell of its clocks."""

from math import inf

import pytest

from backend.client.clocks import Clocks, Moment, Shown
from backend.config import Endpoint

ONE, OTHER = Endpoint("192.0.2.1", 8006), Endpoint("192.0.2.2", 8006)
WALL = 1_795_478_000.0


def answer(
    clocks: Clocks,
    at: float,
    ahead: float = 0.0,
    *,
    took: float = 0.1,
    endpoint: Endpoint = ONE,
    slept: float = 0.0,
) -> float:
    """An endpoint answers `at` seconds, its clock so far `ahead`. Returns what the date was."""
    asked, answered = (Moment(moment - slept, WALL + moment) for moment in (at, at + took))
    date = float(int(WALL + at + took + ahead))
    clocks.note(endpoint, Shown(date, asked, answered))
    return date


def test_a_clock_that_goes_its_way_however_wrong_or_slow_to_answer_was_not_set_back() -> None:
    clocks = Clocks()
    for number in range(50):
        answer(clocks, 10.0 * number, -7_200, took=[0.1, 9.0, 1.5][number % 3])
        answer(clocks, 10.0 * number, 3_600, endpoint=OTHER)
    # Two answers at a time, of which the later one was asked for first.
    answer(clocks, 603, -7_200, took=1)
    answer(clocks, 600, -7_200, took=30)
    answer(clocks, 605, -7_200, took=1)
    # Set forward.
    answer(clocks, 700, 0)
    assert clocks.take_set_back() == inf
    assert clocks.skew == pytest.approx(0, abs=1)


def test_what_a_clock_showed_after_it_was_set_back_begins_at_the_answer_before() -> None:
    clocks = Clocks()
    answer(clocks, 0)
    date = answer(clocks, 60, -300)
    assert clocks.take_set_back() == pytest.approx(date - 60, abs=0.2)
    assert clocks.take_set_back() == inf


def test_of_a_clock_that_was_set_back_more_than_once_the_earliest_time_counts() -> None:
    clocks = Clocks()
    for at, ahead in ((0, 0), (10, -100), (20, 0), (30, -50)):
        answer(clocks, at, ahead)
    assert clocks.take_set_back() == pytest.approx(WALL + 10 - 100 - 10, abs=1.2)


def test_two_hosts_of_one_name_whose_clocks_differ_are_looked_back_to_for_seconds_alone() -> None:
    clocks = Clocks()
    for number in range(100):
        date = answer(clocks, 10.0 * number, -3 * (number % 2))
        assert clocks.take_set_back() >= date - 11


def test_a_clock_that_was_set_back_while_this_machine_slept_is_noticed() -> None:
    clocks = Clocks()
    answer(clocks, 0)
    date = answer(clocks, 36_000, -300, slept=35_990)
    assert clocks.take_set_back() == pytest.approx(date - 36_000, abs=0.2)
