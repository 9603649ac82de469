"""`python -m tests.bench screen`: the real dashboard in a pseudo-terminal, from a key to what it paints."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tests.bench import screen_table
from tests.bench.data import KEEP_DAYS, OLDEST_DAY
from tests.bench.ground import FULL_SIZE, Ground
from tests.bench.measure import BenchError
from tests.bench.screen_report import report
from tests.bench.screen_steps import PAGE_DOWN, History, Samples, Steps
from tests.bench.screen_terminal import Terminal

_ROOT = Path(__file__).parents[2]
_STARTS = 5
_FILL = ("--remotes", "60", "--pbs", "12", "--nodes", "10", "--tasks-per-node", "1000", "--tasks-per-pbs", "20000")
_TABLE_PAGES = 40
_QUIET = 0.15
"""Seconds without a frame after which the table has painted all it will."""


@click.command("screen", context_settings={"max_content_width": 115})
@click.option(
    "--tasks", default=FULL_SIZE, show_default=True, type=click.IntRange(1_000), metavar="N",
    help="How many finished tasks there are.",
)  # fmt: skip
@click.option(
    "--scale", default=1.0, show_default=True, type=click.FloatRange(0.01), metavar="X",
    help="How often each key is pressed, of the usual number.",
)  # fmt: skip
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Keep the data there, and reuse it, as the archive's benchmark does.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def screen_command(tasks: int, scale: float, data: Path | None, as_json: bool) -> None:
    """Measure the dashboard from a key to the end of the frame that shows what the key asks for, at 200 by 50:
    while nothing else goes on, and while its own workers fill the cache from a simulated fleet for the first time.
    Beside it stands Textual's own table, with all of its rows in memory.

    \b
    Examples:
      python -m tests.bench screen --data /var/tmp/bench       keep the data for the next run
      python -m tests.bench screen --tasks 20000 --scale 0.1   quick, to see that it works
    """
    with tempfile.TemporaryDirectory(prefix="bench-screen-") as name:
        folder = Path(name)
        try:
            ground = Ground(data or folder, tasks, lambda text: click.echo(text, err=True))
            figures = _measured(ground, folder, scale)
        except BenchError as error:
            raise click.ClickException(str(error)) from None
    click.echo(json.dumps(figures, indent=1) if as_json else "\n".join(report(figures)))


def _measured(ground: Ground, folder: Path, scale: float) -> dict[str, Any]:
    with ground.copy() as cache, _closed_port() as port:
        config = _write_config(folder / "idle.toml", _nowhere(port))
        starts = [_start(config, cache, folder) for _ in range(_STARTS)]
        with _dashboard(config, cache, folder) as terminal:
            _until_rows(terminal)
            terminal.wait(lambda screen: " ago, " in screen.lines[0])
            terminal.settle(0.3)
            begun = terminal.memory
            idle = _walk(terminal, scale, lambda: True)
            ended = terminal.memory
    with ground.copy() as cache, _simulated(folder) as fleet:
        config = _write_config(folder / "filling.toml", fleet.read_text())
        with _dashboard(config, cache, folder) as terminal:
            _until_rows(terminal)
            terminal.wait(lambda screen: _fills(terminal))
            filling = _walk(terminal, scale, lambda: _fills(terminal))
            filled = terminal.memory
    return {
        "tasks": ground.tasks,
        "cores": os.cpu_count(),
        "start": starts,
        "idle": idle,
        "filling": filling,
        "table": _table(folder),
        "table_rows": screen_table.ROWS,
        "memory": {"begun": begun, "ended": ended, "filled": filled},
    }


def _walk(terminal: Terminal, scale: float, going_on: Callable[[], bool]) -> Samples:
    steps = Steps(terminal, scale, going_on)
    steps.walk()
    return dict(steps.samples)


def _start(config: Path, cache: Path, folder: Path) -> float:
    """The seconds from the start of a new process to the first rows."""
    with _dashboard(config, cache, folder) as terminal:
        return _until_rows(terminal) - terminal.started


def _until_rows(terminal: Terminal) -> float:
    return terminal.wait(lambda screen: History(screen).complete and History(screen).total > 0)


def _fills(terminal: Terminal) -> bool:
    """Whether the first round still goes on: how far it is stands in the first line."""
    return " nodes, " in terminal.screen.lines[0]


def _table(folder: Path) -> list[float]:
    """The seconds from page down to painted of Textual's own table."""
    with Terminal([sys.executable, "-m", "tests.bench.screen_table"], folder) as terminal:
        terminal.wait(lambda screen: any("row 0 " in line for line in screen.lines))
        terminal.settle(0.5)
        return [terminal.press_and_settle(PAGE_DOWN, _QUIET) for _ in range(_TABLE_PAGES)]


def _dashboard(config: Path, cache: Path, folder: Path) -> Terminal:
    return Terminal([sys.executable, "-m", "tui", "--config", str(config), "--cache-dir", str(cache)], folder)


def _write_config(path: Path, remotes: str) -> Path:
    """A configuration with these remotes, by which none of the data is too old to be kept."""
    days = max(KEEP_DAYS, int(time.time() - OLDEST_DAY) // 86_400 + 1)
    path.touch(mode=0o600)
    path.write_text(f"[settings]\nkeep-days = {days}\n\n{remotes}")
    return path


def _nowhere(port: int) -> str:
    """A remote that cannot be reached: nothing is fetched."""
    return (
        f'[remotes.nowhere]\ntype = "pve"\nnodes = ["127.0.0.1:{port}"]\n'
        'token-id = "bench@pve!bench"\ntoken-secret = "none"\n'
    )


@contextmanager
def _closed_port() -> Iterator[int]:
    """A port that is taken, and on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextmanager
def _simulated(folder: Path) -> Iterator[Path]:
    """A simulated fleet in a process of its own; its configuration."""
    config = folder / "fleet.toml"
    command = [sys.executable, "-m", "tui", "simulate", *_FILL, "--latency", "100", "--write-config", str(config)]
    with subprocess.Popen(command, cwd=_ROOT, stderr=subprocess.DEVNULL) as simulator:
        try:
            while not config.exists():
                if simulator.poll() is not None:
                    raise BenchError("the simulated fleet does not start")
                time.sleep(0.05)
            yield config
        finally:
            simulator.terminate()
