"""What is wrong with the place of the cache, told by who looks: whoever fetches would have to write it there."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.archive import TaskCache
from backend.task import Task
from tests.tui.fleet import NOW, pve_task, running_tasks, write_tasks
from tests.tui.screen import Screen, dashboard
from tui import look as looking
from tui.app import Dashboard
from tui.look import look


async def test_a_cache_that_is_deleted_is_told_and_one_that_comes_back_is_shown(
    app: Dashboard, directory: Path
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        shutil.rmtree(directory)
        screen.main.look_soon()
        await screen.until_shown("the cache directory is gone; whoever fetches makes it anew")
        await screen.until_shown("History 0")
        write_tasks(directory, [pve_task(NOW - 5, end=NOW)])
        screen.main.look_soon()
        await screen.until_shown("History 1")
        await screen.until(lambda: "is gone" not in screen.text, "the trouble's end")


async def test_a_directory_that_was_never_there_is_no_trouble(tmp_path: Path, clock: Callable[[], float]) -> None:
    async with dashboard(tmp_path / "none", clock).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("No tasks yet")
        assert "✗" not in screen.text


async def test_a_full_disk_is_told(app: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_LEAST_FREE", 1 << 62)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("the disk is full, ")
        monkeypatch.undo()
        screen.main.look_soon()
        await screen.until(lambda: "full" not in screen.text, "the trouble's end")


def test_a_file_where_the_directory_belongs_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    seen = look(TaskCache(tmp_path / "cache" / "below"), [])
    assert not seen.there and "is gone" in seen.place


def test_of_what_ran_before_the_ends_are_looked_up(directory: Path) -> None:
    one, other, *rest = running_tasks()
    write_tasks(directory, [Task(one.upid, one.starttime, NOW, "OK"), other, *rest])
    seen = look(TaskCache(directory), [one, other, pve_task(NOW - 1, pid=5)])
    assert seen.ended == [Task(one.upid, one.starttime, NOW, "OK")]
    assert other in seen.running and seen.there and seen.place == ""
