"""The demo: the dashboard on a simulated fleet that runs in a process of its own, with a temporary cache; nothing
stays behind."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from backend.commands.command import Places
from tui.memory import Memory
from tui.start import show_dashboard

_START_SECONDS = 30.0
_OPTIONS = ("--remotes", "12", "--nodes", "4", "--days", "4", "--tasks-per-node", "1000", "--rate", "20")
_FAULTS = ("--fault", "dresden/pve4:offline")
"""So that there is something to see in the list of remotes."""


def show_demo() -> None:
    """Show the demo until the user leaves it. Raises ClickException if the fleet does not start."""
    with tempfile.TemporaryDirectory(prefix="remote-tasks-demo-") as folder:
        config = Path(folder) / "config.toml"
        command = [sys.executable, "-m", "tui", "simulate", *_OPTIONS, *_FAULTS, "--write-config", str(config)]
        # It ends when its standard input does: also if this process is killed.
        fleet = subprocess.Popen(
            [*command, "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with fleet:
            try:
                _wait_for(config, fleet)
                show_dashboard(Places(config, Path(folder) / "cache"), Memory(), label="demo")
            finally:
                fleet.terminate()


def _wait_for(config: Path, fleet: "subprocess.Popen[bytes]") -> None:
    """Wait until the fleet serves: it writes its configuration then."""
    deadline = time.monotonic() + _START_SECONDS
    while not config.exists():
        if fleet.poll() is not None or time.monotonic() > deadline:
            words = (
                fleet.stderr.read().decode(errors="replace").strip()
                if fleet.stderr and fleet.poll() is not None
                else ""
            )
            raise click.ClickException(f"the simulated fleet did not start: {words or 'no answer in time'}")
        time.sleep(0.02)
