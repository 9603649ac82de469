"""What the dashboard remembers, and its file."""

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.screen import Screen, dashboard
from tui.memory import MOST_FILTERS, Memory, default_path


async def test_what_is_changed_is_there_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "state" / "dashboard.json"
    memory = Memory(path)
    memory.change(theme="nord", hidden=("user",))
    memory.change(saved={"mine": "status:error"}, running_rows=4)
    memory.add_filter("graz")
    await memory.settle()
    assert Memory(path).now == memory.now
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == [path.name]


async def test_two_dashboards_on_one_file_keep_what_each_of_them_changed(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.json"
    one, other = Memory(path), Memory(path)
    one.change(theme="nord", saved={"mine": "status:error", "old": "a"})
    one.add_filter("graz")
    await one.settle()
    other.change(running_rows=4, saved={"yours": "status:ok"})
    other.add_filter("wien")
    await other.settle()
    found = Memory(path).now
    assert (found.theme, found.running_rows) == ("nord", 4)
    assert found.saved == {"mine": "status:error", "old": "a", "yours": "status:ok"}
    assert found.filters == ("wien", "graz")
    # what one has learned of the other is no change of its own: here it stays forgotten
    one.change(saved={"mine": "status:error"})
    await one.settle()
    other.change(running_order="remote")
    await other.settle()
    assert Memory(path).now.saved == {"mine": "status:error", "yours": "status:ok"}
    assert Memory(path).now.theme == "nord" and other.now.theme == ""
    assert os.listdir(tmp_path) == [path.name]


async def test_many_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.json"
    memories = [Memory(path) for _ in range(8)]
    for number, memory in enumerate(memories):
        memory.add_filter(f"filter {number}")
        memory.change(saved={f"name {number}": "graz"})
    await asyncio.gather(*(memory.settle() for memory in memories))
    found = Memory(path).now
    assert set(found.filters) == {f"filter {number}" for number in range(8)}
    assert len(found.saved) == 8


async def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_path().is_relative_to(tmp_path)
    memory = Memory()
    memory.change(theme="nord")
    await memory.settle()
    assert memory.now.theme == "nord"
    assert os.listdir(tmp_path) == []


def test_the_last_filter_is_the_first_and_each_stands_there_once() -> None:
    memory = Memory()
    for text in ("a", "b", "", "a", *(f"n{number}" for number in range(MOST_FILTERS - 2))):
        memory.add_filter(text)
    assert memory.now.filters[0] == f"n{MOST_FILTERS - 3}"
    assert memory.now.filters[-2:] == ("a", "b")
    memory.add_filter("one more")
    assert len(memory.now.filters) == MOST_FILTERS


async def test_a_file_that_cannot_be_read_is_told_and_kept_beside(
    tmp_path: Path, directory: Path, clock: Callable[[], float]
) -> None:
    path = tmp_path / "dashboard.json"
    path.write_text('{"filters": [1, 2]}')
    memory = Memory(path)
    async with dashboard(directory, clock, memory=memory).run_test(size=(200, 40)) as pilot:
        await Screen(pilot).until_shown("dashboard.json: cannot be read, so nothing is remembered")
    assert memory.now.filters == ()
    assert (tmp_path / "dashboard.json.broken").read_text() == '{"filters": [1, 2]}'


async def test_a_file_that_cannot_be_written_is_told(
    tmp_path: Path, directory: Path, clock: Callable[[], float]
) -> None:
    (tmp_path / "file").write_text("")
    memory = Memory(tmp_path / "file" / "dashboard.json")
    memory.problem = ""
    async with dashboard(directory, clock, memory=memory).run_test(size=(200, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        memory.change(running_rows=3)
        await screen.until_shown("dashboard.json: cannot be written")


async def test_colours_columns_heights_and_filters_come_back(
    tmp_path: Path, directory: Path, clock: Callable[[], float]
) -> None:
    path = tmp_path / "dashboard.json"
    app = dashboard(directory, clock, memory=Memory(path))
    async with app.run_test(size=(150, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        app.theme = "remote-tasks-light"
        await screen.press("minus", "minus", "c", *"node", "enter")
        assert "NODE" not in screen.line_with("START")
        await screen.press("slash")
        await screen.enter("remote:graz")
        await screen.press("enter")
        assert screen.running.task_list.size.height == 2
    app = dashboard(directory, clock, memory=Memory(path))
    async with app.run_test(size=(150, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        assert app.theme == "remote-tasks-light"
        assert "NODE" not in screen.line_with("START")
        assert screen.running.task_list.size.height == 2
        await screen.press("slash", "up")
        assert screen.main.filter_line.input.value == "remote:graz"
