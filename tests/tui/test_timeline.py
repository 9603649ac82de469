"""How time is cut into cells, and what stands above and below them."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.task import Status
from tests.tui.fleet import NOW, finished_tasks, pve_task, write_tasks
from tests.tui.screen import Screen, dashboard
from tui.timeline import axis, bars, dotted, edges, stacked, times, unusual

DAY = 86_400


@given(first=st.integers(0, 2**32), span=st.integers(0, 2**32), cells=st.integers(1, 200))
def test_cells_cover_the_span_and_are_never_too_many(first: int, span: int, cells: int) -> None:
    found = edges(first, first + span, cells, UTC)
    assert 1 <= len(found) - 1 <= cells
    assert found[0] <= first and first + span < found[-1]
    assert len({later - earlier for earlier, later in pairwise(found)}) == 1
    assert len(axis(found, UTC)) == len(axis(found, UTC, first + span)) == len(found) - 1


def test_days_begin_where_cells_do_in_the_time_zone() -> None:
    vienna = ZoneInfo("Europe/Vienna")
    found = edges(NOW - 7 * DAY, NOW, 115, vienna)
    midnight = int(datetime(2026, 11, 20, tzinfo=vienna).timestamp())
    assert midnight in found
    assert edges(NOW - 7 * DAY + 9, NOW + 9, 115, vienna) == found


@pytest.mark.parametrize(
    ("span", "cells", "expected"),
    [
        (20 * 60, 50, "───────╷14:15──────╷14:20──────╷14:25──────╷14:30"),
        (DAY // 12, 60, "─────────────╷13:00────────╷13:30────────╷14:00────────╷─"),
        (DAY, 60, "────────╷18:00────────╷Tue 24──────╷06:00────────╷12:00"),
        (2 * DAY, 60, "───────────╷Mon 23──────╷12:00────────╷Tue 24──────╷───"),
        (7 * DAY, 60, "────╷Wed 18─╷Thu 19─╷Fri 20─╷Sat 21─╷Sun 22─╷Mon 23─╷────"),
        (60 * DAY, 60, "───╷Oct 2026───────╷Nov 2026───"),
    ],
)
def test_below_stand_hours_days_or_months_as_there_is_room(span: int, cells: int, expected: str) -> None:
    assert axis(edges(NOW - span, NOW, cells, UTC), UTC) == expected


def test_the_axis_says_where_it_ends_now() -> None:
    cells = edges(NOW - DAY // 12, NOW, 60, UTC)
    assert axis(cells, UTC, NOW) == "─────────────╷13:00────────╷13:30────────╷14:00───────now"
    assert axis(cells, UTC, NOW - 3600) == axis(cells, UTC, NOW + 3600) == axis(cells, UTC)
    midnight = NOW - NOW % DAY
    assert axis(edges(midnight - 7 * DAY, midnight, 60, UTC), UTC, midnight).endswith("╷Sun 22─╷─────now")


def test_bars_are_as_high_as_their_counts_and_the_least_is_seen() -> None:
    assert bars([0, 1, 250, 1000]) == " ▁▄█"
    assert dotted([0, 1, 250, 1000]) == " ⣀⣤⣿"
    assert bars([]) == "" and bars([0, 0]) == "  "
    assert stacked([0, 1, 250, 562, 1000], 2) == ["   ▄█", " ▁███"]
    assert stacked([0, 1, 5], 1) == [bars([0, 1, 5])] and stacked([0], 2) == [" ", " "]


def test_a_rush_does_not_flatten_all_else() -> None:
    assert bars([0, 1, 4, 25, 100]) == " ▁▂▄█"


def test_many_errors_are_more_than_twice_the_average() -> None:
    assert unusual([1, 1, 1, 9]) == [False, False, False, True]
    assert unusual([0, 0, 0, 1]) == [False, False, False, True]
    assert not any(unusual([5, 5, 6, 5]))
    assert not any(unusual([0, 0]))


def test_cells_are_found_by_time_and_by_what_is_in_them() -> None:
    over = times([100, 110, 120, 130, 140], [{Status.OK: 1}, {}, {}, {Status.ERROR: 2, Status.WARNING: 1}])
    assert (over.all, over.errors, over.warnings) == ((1, 0, 0, 3), (0, 0, 0, 2), (0, 0, 0, 1))
    assert [over.cell(moment) for moment in (0, 100, 109, 110, 139, 999)] == [0, 0, 0, 1, 3, 3]
    assert over.beside(3, -1) == 0
    assert over.beside(0, 1) == 3
    assert over.beside(3, 1) is None


@pytest.mark.parametrize(
    ("height", "words"), [(24, "── ⣿ many errors · "), (40, "── highest bars: 40 tasks, ✗ 40 errors · ")]
)
async def test_what_the_bars_are_of_stands_in_the_title(
    empty: Path, clock: Callable[[], float], height: int, words: str
) -> None:
    failed = [pve_task(NOW - 3_600, pid=900 + n, end=NOW - 3_500, status="job errors") for n in range(40)]
    write_tasks(empty, [*failed, *finished_tasks(100)])
    async with dashboard(empty, clock).run_test(size=(124, height)) as pilot:
        screen = Screen(pilot)
        await screen.until_counted()
        await screen.until_shown(words)
        await screen.press("slash", *"until:now", "enter")
        await screen.until_shown("History 140 of 140 ── until:now")
        await screen.until_shown(words)
        # a longer filter comes first
        await screen.press("slash", *" until:now -status:unknown -type:vncproxy", "enter")
        await screen.until_shown(" ── until:now until:now -status:unknown -type:vncproxy ")
        await screen.until(lambda: words[4:9] not in screen.text, "the words' going")


def test_tasks_of_one_status_are_told_from_mixed_ones() -> None:
    cells = [0, 10, 20]
    assert times(cells, [{Status.ERROR: 2}, {}]).sole is Status.ERROR
    assert times(cells, [{Status.WARNING: 2}, {}]).sole is Status.WARNING
    assert times(cells, [{Status.OK: 2}, {Status.UNKNOWN: 1}]).sole is Status.OK
    assert times(cells, [{Status.OK: 2}, {Status.ERROR: 1}]).sole is None
