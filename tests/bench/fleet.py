"""`python -m tests.bench fleet`: the workers on a simulated fleet, each in a process of its own."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tests.bench.fleet_worker import LONG_DAYS, LONG_EACH, PROBE, lag_of

_ROOT = Path(__file__).parents[2]
_LAG_P99, _LAG_WORST = 0.020, 0.050
"""Budgets of the lag of the dashboard's event loop, in seconds."""


@click.command("fleet", context_settings={"max_content_width": 115})
@click.option(
    "--remotes", default=100, show_default=True, type=click.IntRange(2), help="A fifth are Backup Servers."
)
@click.option("--nodes", default=10, show_default=True, type=click.IntRange(1), help="Nodes of a PVE remote.")
@click.option("--tasks", default=1_000_000, show_default=True, type=click.IntRange(1_000), help="Over the fleet.")
@click.option("--latency", default=100, show_default=True, metavar="MS", help="Milliseconds before each answer.")
@click.option("--connections", default=20, show_default=True, type=click.IntRange(1), help="Over the whole fleet.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def fleet_command(remotes: int, nodes: int, tasks: int, latency: int, connections: int, as_json: bool) -> None:
    """Measure the first fill of an empty cache, and a second round, on a simulated fleet.

    \b
    Examples:
      python -m tests.bench fleet                                   the full size, some minutes
      python -m tests.bench fleet --remotes 10 --tasks 100000       a tenth
    """
    pbs = max(1, remotes // 5)
    # A Backup Server remembers ten times as much as a node.
    share = tasks // ((remotes - pbs) * nodes + 10 * pbs)
    options = {
        "remotes": remotes,
        "pbs": pbs,
        "nodes": nodes,
        "tasks-per-node": share,
        "tasks-per-pbs": 10 * share,
        "latency": latency,
    }
    with tempfile.TemporaryDirectory(prefix="bench-fleet-") as name:
        folder = Path(name)
        with _simulated(options, folder) as config:
            config.write_text(f"[settings]\nmax-connections = {connections}\n\n{config.read_text()}")
            command = [sys.executable, "-m", "tests.bench.fleet_worker", str(config), str(folder / "cache")]
            figures = _measured(command)
    click.echo(json.dumps(figures, indent=1) if as_json else "\n".join(report(figures, latency / 1000)))


def _measured(command: list[str]) -> dict[str, Any]:
    """The figures of the workers' process, and how late a process is meanwhile that does nothing: what is no fault
    of theirs."""
    lags = []
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as workers:
        assert workers.stdout is not None
        while workers.poll() is None:
            began = time.perf_counter()
            time.sleep(PROBE)
            lags.append(time.perf_counter() - began - PROBE)
        output = workers.stdout.read()
    if workers.returncode:
        raise click.ClickException(f"the workers' process has ended with {workers.returncode}")
    figures: dict[str, Any] = json.loads(output)
    return figures | {"idle": lag_of(lags)}


@contextmanager
def _simulated(options: dict[str, int], folder: Path) -> Iterator[Path]:
    """A simulated fleet in a process of its own; its configuration."""
    config = folder / "fleet.toml"
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "tui", "simulate", *arguments, "--write-config", str(config)]
    with subprocess.Popen(command, cwd=_ROOT, stderr=subprocess.DEVNULL) as simulator:
        try:
            while not config.exists():
                if simulator.poll() is not None:
                    raise click.ClickException("the simulated fleet does not start")
                time.sleep(0.05)
            yield config
        finally:
            simulator.terminate()


def report(figures: dict[str, Any], latency: float) -> Iterator[str]:
    """All on one screen, in words."""
    first, second, memory = figures["first"], figures["second"], figures["memory"]
    connections = figures["connections"]
    bound = first["requests"] * latency / connections
    rows = figures["oldest_running_rule"]
    each = first["bytes"] / max(1, first["rows"])
    yield f"{figures['remotes']:,} remotes, {figures['nodes']:,} nodes; an answer takes {latency * 1e3:.0f} ms."
    yield ""
    yield f"first fill    {first['seconds']:,.1f} s for {first['tasks']:,} tasks, {_rate(first)}; {_asked(first)}"
    yield f"  bound       {bound:,.1f} s: so many requests over {connections} connections, one after the other"
    yield f"  ratio       {first['seconds'] / bound:.2f}"
    yield f"  loop lag    {_lag(first)}"
    yield f"  workers'    {_each(first['theirs']['lag'])}: that of the loop the workers have for themselves"
    yield f"  own work    {_each(first['theirs']['own'])}: processor time of their thread between two probes"
    yield f"  idle lag    {_each(figures['idle'])}: of a process that does nothing beside them"
    yield f"second round  {second['seconds']:,.1f} s for {second['tasks']:,} new tasks; {_asked(second)}"
    yield f"  loop lag    {_lag(second)}"
    yield (
        f"  PDM's rule  {rows:,} rows, {_size(rows * each)}: each node from its oldest running task on, running "
        f"for {LONG_DAYS} days on one node in {LONG_EACH}"
    )
    yield f"  ratio       {rows / max(1, second['rows']):,.0f} times the rows"
    yield (
        f"memory        {_size(memory['half'])} half-way, {_size(memory['end'])} in the end, "
        f"{_size(memory['peak'])} at most"
    )


def _rate(part: dict[str, Any]) -> str:
    return f"{part['tasks'] / part['seconds']:,.0f} a second"


def _asked(part: dict[str, Any]) -> str:
    return (
        f"{part['requests']:,} requests, {part['rows']:,} rows, {_size(part['bytes'])}; "
        f"{part['polls']:,} polls beside them"
    )


def _lag(part: dict[str, Any]) -> str:
    lag = part["beside"]["lag"]
    met = "met" if lag["p99"] <= _LAG_P99 and lag["worst"] <= _LAG_WORST else "MISSED"
    return f"{_each(lag)}; budget p99 {_LAG_P99 * 1e3:.0f} ms, worst {_LAG_WORST * 1e3:.0f} ms: {met}"


def _each(lag: dict[str, float]) -> str:
    return ", ".join(f"{name} {lag[name] * 1e3:.1f} ms" for name in ("p50", "p99", "worst"))


def _size(size: float) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"
