"""Makes the pictures beside this file: the real dashboard, with the real workers, on a simulated fleet. Fleet and
clock begin the same each time. Run as `python -m screenshots.make` from the project's root."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from textual.pilot import Pilot

from backend.archive import TaskCache
from backend.config import load_config
from backend.simulator import Simulator, SimulatorOptions
from backend.task import Status
from backend.workers import run_workers
from tui.app import Dashboard
from tui.screens.main import MainScreen
from tui.theme import LIGHT
from tui.widgets.choice_list import ChoiceList
from tui.widgets.history_pane import HistoryPane

HERE = Path(__file__).parent
BEGIN = datetime(2026, 11, 24, 14, 31, 20, tzinfo=UTC).timestamp()
SIZE = (120, 40)
PATIENCE = 90.0

FLEET = SimulatorOptions(remotes=12, nodes=4, tasks_per_node=900, tasks_per_pbs=9_000, rate=120, latency=0.01)


async def main() -> None:
    """Make all pictures."""
    started = time.monotonic()

    def clock() -> float:
        return BEGIN + time.monotonic() - started

    with tempfile.TemporaryDirectory() as folder:
        async with Simulator(FLEET, clock) as simulator:
            path = Path(folder) / "config.toml"
            path.write_text(simulator.config_toml())
            path.chmod(0o600)
            cache = Path(folder) / "cache"
            config = load_config(path)

            async def work() -> None:
                await run_workers(config, cache, role="dashboard", clock=clock)

            app = Dashboard(TaskCache(cache), work=work, clock=clock, tz=UTC)
            async with app.run_test(size=SIZE) as pilot:
                await take(app, pilot)


async def take(app: Dashboard, pilot: Pilot[None]) -> None:
    """Go through the dashboard as a user would, with a picture of each stop."""
    main = app.screen
    assert isinstance(main, MainScreen)
    history = main.history_pane
    await until(pilot, lambda: "next" in " ".join(part.text for part in main.status_line.parts))
    await until(pilot, lambda: len(history.task_list.rows) > 40_000 and len(main.running_pane.task_list.rows) > 4)
    await until(pilot, lambda: counted(history))
    save(app, "dashboard")
    await pilot.press("slash", *"backup", "space", "minus", *"status", "colon", *"ok")
    await until(pilot, lambda: " of " in history.counts)
    await pilot.press("enter", "pagedown", "down")
    while history.task_list.selected is None or history.task_list.selected.status_class is not Status.ERROR:
        await pilot.press("down")
    await until(pilot, lambda: counted(history))
    save(app, "filtered")
    await pilot.press("r")
    await until(pilot, lambda: len(app.screen.query_one(ChoiceList).lines) > 1)
    await pilot.press("down", "space", "down", "down", "space")
    save(app, "choosing")
    await pilot.press("escape", "enter")
    await until(pilot, lambda: app.screen is not main)
    save(app, "details")
    await pilot.press("escape", "0")
    await until(pilot, lambda: " of " not in history.counts and "counting" not in history.counts)
    app.theme = LIGHT.name
    await pilot.press("g", *"60%", "enter")
    await until(pilot, lambda: history.task_list.cursor > 1000 and history.task_list.selected is not None)
    await until(pilot, lambda: counted(history))
    save(app, "light")


def counted(history: HistoryPane) -> bool:
    """Whether the timeline shows what the list does."""
    times = history.timeline.times
    return times is not None and abs(sum(times.all) - len(history.task_list.rows)) < 100


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Wait until something is so, and painted."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the dashboard did not come to show what it should")
        await pilot.pause(0.05)
    await pilot.pause()


def save(app: Dashboard, name: str) -> None:
    """Write what is on the screen as an SVG picture."""
    (HERE / f"{name}.svg").write_text(app.export_screenshot(title="remote-tasks"), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
