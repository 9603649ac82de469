"""What the dashboard's tests share: a cache directory with a fleet's tasks, and an app whose time stands still."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.fleet import NOW, finished_tasks, healthy, running_tasks, tell_health, write_tasks
from tests.tui.screen import dashboard
from tui.app import Dashboard


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the environment it is run in."""
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_FILTERS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's pilot sleeps until the process is idle, twice a key; it need not sleep so long at a time."""
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", 0.004)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A cache directory without tasks, in which all is well."""
    directory = tmp_path / "cache"
    tell_health(directory, healthy())
    return directory


@pytest.fixture
def directory(empty: Path) -> Path:
    """A cache directory with 600 finished tasks and four running ones."""
    write_tasks(empty, [*finished_tasks(600), *running_tasks()])
    return empty


@pytest.fixture
def clock() -> Callable[[], float]:
    return lambda: float(NOW)


@pytest.fixture
def app(directory: Path, clock: Callable[[], float]) -> Dashboard:
    """The dashboard on that directory."""
    return dashboard(directory, clock)
