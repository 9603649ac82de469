"""The screen's benchmark: what it reads off a terminal, on a dashboard so small that its figures say nothing."""

import sys
from pathlib import Path

import pytest

from tests.bench.measure import BenchError
from tests.bench.screen_report import report
from tests.bench.screen_steps import PAGE_DOWN, History, Steps
from tests.bench.screen_terminal import COLUMNS, ROWS, Screen, Terminal
from tests.tui.fleet import NOW, finished_tasks, healthy, tell_health, write_tasks


def painted(*texts: str) -> Screen:
    screen = Screen()
    for text in texts:
        screen.feed(text)
    return screen


def test_texts_land_where_the_cursor_is_sent() -> None:
    screen = painted(
        "\x1b[2J\x1b[3;5H\x1b[1;38;5;252mHistory\x1b[0m 7", "\x1b[H✓ top\r\nnext\x1b]0;title\x07\x1b="
    )
    assert screen.lines[2] == f"    History 7{' ' * (COLUMNS - 13)}"
    assert [line.rstrip() for line in screen.lines[:2]] == ["✓ top", "next"]
    assert len(screen.lines) == ROWS


def test_what_is_painted_beyond_the_edge_is_not_there() -> None:
    screen = painted(f"\x1b[1;{COLUMNS - 1}Habcd\x1b[{ROWS + 1};1Hbelow")
    assert len(screen.lines[0]) == COLUMNS and screen.lines[0].endswith("ab")
    assert "below" not in "".join(screen.lines)


@pytest.mark.parametrize(
    ("title", "total", "row"),
    [
        (" History 1,500,000 ──── row 1,234 · 0 % · Tue 24 Nov 23:29", 1_500_000, 1_234),
        (" History 3,102 of 1,503,221 ── status:error ─── row 1 · 0 % · Sun", 3_102, 1),
        (" History counting… ── graz ──── row 5 · Sun", 0, 5),
        (" History 0 ────", 0, 0),
    ],
)
def test_the_title_tells_how_many_and_where(title: str, total: int, row: int) -> None:
    history = History(painted(title, "\x1b[2;1H   START    DURATION", "\x1b[3;1H ✓ Tue 24  23:29:59"))
    assert (history.total, history.row) == (total, row)
    assert history.complete
    assert history.shows("graz") == ("graz" in title) and history.shows("status:error") == ("error" in title)
    assert history.shows("") == (" ── " not in title)


def test_rows_that_are_still_loaded_are_not_complete() -> None:
    head = (" History 7 ─", "\x1b[2;1H   START    DURATION")
    assert not History(painted(*head)).complete
    assert not History(painted(*head, "\x1b[3;1H ✓ one", "\x1b[4;1H  …")).complete


def test_keys_of_a_small_dashboard_are_timed_until_it_shows_what_they_ask_for(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    tell_health(cache, healthy())
    write_tasks(cache, finished_tasks(900))
    program = tmp_path / "program.py"
    program.write_text(
        "from backend.archive import TaskCache\nfrom tui.app import Dashboard\n"
        f"Dashboard(TaskCache({str(cache)!r}), clock=lambda: {NOW}.0).run()\n"
    )
    with Terminal([sys.executable, str(program)], tmp_path) as terminal:
        assert terminal.wait(lambda screen: History(screen).total == 900) > terminal.started
        assert terminal.memory["VmRSS"] > 20e6
        took = terminal.press(PAGE_DOWN, lambda screen: History(screen).row > 20)
        assert 0 < took < 5
        steps = Steps(terminal, 0.02, lambda: True)
        steps.walk()
        assert {
            "page down",
            "End",
            "Home",
            "next error",
            "a letter of a filter",
            "open a task",
        } <= steps.samples.keys()
        assert len(steps.samples["page down"]) == 4
        lines = list(
            report(
                {
                    "tasks": 900,
                    "cores": 2,
                    "start": [0.5, 0.9, 0.6],
                    "idle": dict(steps.samples),
                    "filling": {},
                    "table": [0.1, 0.2],
                    "table_rows": 10_000,
                    "memory": {name: terminal.memory for name in ("begun", "ended", "filled")},
                }
            )
        )
    assert len(lines) < 40 and all(len(line) <= 140 for line in lines)
    assert any("600 ms" in line and "700 ms met" in line for line in lines)
    assert any(line.startswith("  page down") and "10 ms" in line for line in lines)


def test_a_screen_that_never_shows_it_is_given_up(tmp_path: Path) -> None:
    with (
        Terminal([sys.executable, "-c", "print('something else')"], tmp_path) as terminal,
        pytest.raises(BenchError, match="something else"),
    ):
        terminal.wait(lambda screen: False)
